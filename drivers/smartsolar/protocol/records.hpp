#pragma once
// The records of Instant Readout: bit fields of a decrypted payload, one table row a field.
// docs/protocols/victron-ble.md, "Records".

#include "smartsolar/model/reading.hpp"
#include "wire/bytes.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

namespace smartsolar {

/// Record types (byte 4 of the frame; 0xFFxx: clear records with the second byte in place of the key check).
namespace record {
inline constexpr std::uint16_t kTest = 0x00;
inline constexpr std::uint16_t kSolarCharger = 0x01;
inline constexpr std::uint16_t kBatteryMonitor = 0x02;
inline constexpr std::uint16_t kInverter = 0x03;
inline constexpr std::uint16_t kDcDcConverter = 0x04;
inline constexpr std::uint16_t kSmartLithium = 0x05;
inline constexpr std::uint16_t kInverterRs = 0x06;
inline constexpr std::uint16_t kGxDevice = 0x07;
inline constexpr std::uint16_t kAcCharger = 0x08;
inline constexpr std::uint16_t kBatteryProtect = 0x09;
inline constexpr std::uint16_t kLynxBms = 0x0A;
inline constexpr std::uint16_t kMultiRs = 0x0B;
inline constexpr std::uint16_t kVeBus = 0x0C;
inline constexpr std::uint16_t kDcEnergyMeter = 0x0D;
inline constexpr std::uint16_t kOrionXs = 0x0F;
inline constexpr std::uint16_t kClearTest = 0xFF00;
inline constexpr std::uint16_t kSolarSense = 0xFF01;
}  // namespace record

enum class Sign : std::uint8_t { is_unsigned, is_signed };

/// How a raw number becomes the value. `linear` is (raw + bias) / per_unit.
enum class Curve : std::uint8_t { linear, minutes_since_sun, transmit_power };

/// One field of a record. Bits count from bit 0 of byte 0 of the decrypted payload, least significant first.
struct Field {
    std::string_view key;  // name in the output of `decode`, unit included
    std::uint16_t start;
    std::uint8_t bits;
    Sign sign;
    std::optional<std::uint32_t> absent;  // raw bits (before sign extension) that mean "not available"
    std::variant<Code Reading::*, Quantity Reading::*> into;
    double per_unit = 1;  // raw steps in one unit; negative turns the sign
    std::int32_t bias = 0;
    std::optional<AuxKind> only = std::nullopt;  // valid while the auxiliary input is of this kind
    Curve curve = Curve::linear;
};

/// The cell voltages of a SmartLithium: `count` numbers of `bits` bits.
struct CellBlock {
    std::uint16_t start;
    std::uint8_t bits;
    std::uint8_t count;
};

struct RecordLayout {
    std::uint16_t type;
    std::string_view name;
    std::span<const Field> fields;
    std::optional<CellBlock> cells = std::nullopt;
};

/// Every known layout, by type.
[[nodiscard]] std::span<const RecordLayout> record_layouts();

/// The layout of a record type, null when none is known.
[[nodiscard]] const RecordLayout* find_layout(std::uint16_t type);

/// `bits` (1..32) bits from bit `start` of `payload`; nothing when they are not all inside it.
[[nodiscard]] std::optional<std::uint32_t> extract_bits(wire::Bytes payload, std::size_t start,
                                                        unsigned bits);

/// Values of a decrypted payload. Fields beyond its end and fields that say "not available" stay empty.
/// Nothing when the record type has no known layout.
[[nodiscard]] std::optional<Reading> decode_record(std::uint16_t type, wire::Bytes plain);

}  // namespace smartsolar
