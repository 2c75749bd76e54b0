#pragma once
// Advertisements of Victron products: finding the Instant Readout frame, checking and decrypting it.
// Layout and order of the checks: docs/protocols/victron-ble.md, "Instant Readout".

#include "smartsolar/model/reading.hpp"
#include "smartsolar/protocol/key.hpp"
#include "wire/bytes.hpp"
#include "wire/expected.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace smartsolar {

/// Company id of Victron Energy BV in manufacturer specific data.
inline constexpr std::uint16_t kCompanyId = 0x02E1;
/// First byte of a product advertisement; others (VE.Smart Networking) share the company id.
inline constexpr std::uint8_t kProductAdvertisement = 0x10;
/// The largest record: one AES block.
inline constexpr std::size_t kMaxPayload = 16;

/// Why an advertisement gives no values.
enum class ReadoutFault {
    too_short,
    not_instant_readout,  // another kind of Victron broadcast
    no_record,            // product id only: Instant Readout is switched off in the product
    empty_payload,
    too_long,
    no_key,
    key_mismatch,  // the key is wrong, or the PIN of the product was changed
    unknown_record_type,
};

/// The fault's name as the `decode` command prints it ("too_short").
[[nodiscard]] std::string_view name(ReadoutFault fault);

/// The clear part of an Instant Readout frame. `payload` points into the manufacturer data.
struct ReadoutHeader {
    std::uint16_t product_id = 0;
    std::uint16_t record_type = 0;  // 0xFF01: an extended type, in clear
    std::uint16_t nonce = 0;
    std::uint8_t key_check = 0;  // first byte of the key; meaningless for clear records
    wire::Bytes payload;

    [[nodiscard]] bool encrypted() const { return record_type < 0xFF; }
};

/// A decoded advertisement.
struct Readout {
    std::uint16_t product_id = 0;
    std::uint16_t record_type = 0;
    std::uint16_t nonce = 0;
    wire::Buffer plain;
    Reading reading;
};

/// The header of `data`, the manufacturer data after the company id. Faults: all that need no key.
[[nodiscard]] wire::Expected<ReadoutHeader, ReadoutFault> parse_header(wire::Bytes data);

/// Product id of a product advertisement, also of the short ones that carry nothing else.
[[nodiscard]] std::optional<std::uint16_t> advertised_product(wire::Bytes data);

/// True when the frame is encrypted with a key that starts like `key` (one chance in 256 for a wrong key).
[[nodiscard]] bool key_fits(const ReadoutHeader& header, const Key& key);

/// Checks, decrypts and decodes one advertisement. `key` may be null: clear records need none.
[[nodiscard]] wire::Expected<Readout, ReadoutFault> decode_readout(wire::Bytes data, const Key* key);

/// AES-128-CTR with the nonce in the first two bytes of the counter block. `payload` has 16 bytes at most.
[[nodiscard]] wire::Buffer decrypt(const Key& key, std::uint16_t nonce, wire::Bytes payload);

/// What the AD structures of one report say, for reports that come raw. Structures cut short are ignored.
struct AdStructures {
    std::optional<std::uint8_t> flags;
    std::optional<std::uint16_t> company;
    wire::Bytes manufacturer_data;
    std::optional<std::string> local_name;
};
[[nodiscard]] AdStructures parse_ad(wire::Bytes report);

}  // namespace smartsolar
