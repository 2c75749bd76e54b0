#pragma once
// The registers (VREGs) of Victron products as read over GATT: names, types, units, sentinels.
// docs/protocols/victron-ble.md, "Registers".

#include "smartsolar/model/reading.hpp"
#include "wire/bytes.hpp"
#include "wire/expected.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace smartsolar {

namespace vreg {
inline constexpr std::uint16_t kKeepAlive = 0x0093;
inline constexpr std::uint16_t kProductId = 0x0100;
inline constexpr std::uint16_t kFirmware = 0x0102;
inline constexpr std::uint16_t kSerial = 0x010A;
inline constexpr std::uint16_t kModel = 0x010B;
inline constexpr std::uint16_t kCustomName = 0x010C;
inline constexpr std::uint16_t kIdentify = 0x010E;
inline constexpr std::uint16_t kDeviceMode = 0x0200;
inline constexpr std::uint16_t kDeviceState = 0x0201;
inline constexpr std::uint16_t kHistoryToday = 0x1050;
inline constexpr std::uint16_t kHistoryLast = 0x106E;
inline constexpr std::uint16_t kAdvertisementKey = 0xEC65;
inline constexpr std::uint16_t kMacAddress = 0xEC66;
}  // namespace vreg

/// How the bytes of a register are read. Numbers are little-endian and must have exactly their width.
enum class RegisterType : std::uint8_t {
    opaque,  // no single number; shown as bytes in the log only
    u8,
    u16,
    u32,
    s16,
    s32,
    u16_or_u32,  // two firmware families, told apart by the length
    product_id,
    version,
    text,
    mac_address,
    history_day,
};

struct Register {
    std::uint16_t first;
    std::uint16_t last;  // the same as first but for numbered runs of registers
    std::string_view name;
    RegisterType type = RegisterType::opaque;
    double per_unit = 1;  // raw steps in one unit
    std::string_view unit = {};
    std::optional<std::uint32_t> absent = std::nullopt;  // raw bits that mean "not available"
    std::variant<std::monostate, Code Reading::*, Quantity Reading::*> into = {};
};

/// Every register of the table, by number.
[[nodiscard]] std::span<const Register> registers();

/// The row of a register, null for an unknown one.
[[nodiscard]] const Register* find_register(std::uint16_t number);

/// A register's value: monostate when the product says "not available". Numbers whose scale is 1 are integers.
using RegisterValue = std::variant<std::monostate, std::int64_t, double, std::string, HistoryDay>;

/// Why a register gives no value.
enum class RegisterFault {
    unknown,          // not in the table
    no_number,        // in the table, but of no single number type
    length_mismatch,  // the byte string has another length than the type
};

/// The value of a register in the form it is printed: scaled numbers, texts, "v1.59", "0xA053", "aa:bb:...".
[[nodiscard]] wire::Expected<RegisterValue, RegisterFault> decode_register(std::uint16_t number,
                                                                           wire::Bytes data);

/// Puts a register's value where it belongs in the reading. False when the register has no place there or `data`
/// is no value of it; "not available" empties the place.
bool apply_register(Reading& reading, std::uint16_t number, wire::Bytes data);

/// The same for names, serial number and versions.
bool apply_register(Identity& identity, std::uint16_t number, wire::Bytes data);

/// The 24 bit number of a firmware register (un8 + un24), nothing when not available or of another length.
[[nodiscard]] std::optional<std::uint32_t> firmware_number(wire::Bytes data);

/// "v1.59" for 0x000159, "v1.04" for 0x0104FF, "v1.04-beta-02" for 0x010402.
[[nodiscard]] std::string firmware_text(std::uint32_t number);

/// One day of the history; nothing unless `data` has the 34 bytes and the version of the known layout.
[[nodiscard]] std::optional<HistoryDay> decode_history_day(wire::Bytes data);

/// True for a write that cannot do harm: the registers and values on the white list of docs/protocols/victron-ble.md,
/// "What is ever written". Everything a driver sends on a user's behalf must pass here.
[[nodiscard]] bool write_allowed(std::uint16_t number, std::int64_t value);

/// The registers that the published service 65970000-4bda-4c1e-af4b-551c4cf74769 of a SmartShunt offers, each as a
/// characteristic of its own with this register number in its UUID.
[[nodiscard]] std::span<const std::uint16_t> published_registers();

/// Keep-alive characteristic of the published service, milliseconds; 65535 is for ever.
inline constexpr std::uint16_t kPublishedKeepAlive = 0xFFFF;

/// The value of a characteristic of the published service, by the register number in its UUID.
[[nodiscard]] wire::Expected<RegisterValue, RegisterFault> decode_published(std::uint16_t number,
                                                                            wire::Bytes data);

}  // namespace smartsolar
