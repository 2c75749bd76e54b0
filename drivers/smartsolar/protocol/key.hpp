#pragma once
// The advertisement key of a product: 16 bytes, shown by VictronConnect as 32 hexadecimal digits.
// docs/protocols/victron-ble.md, "The key".

#include "wire/expected.hpp"

#include <array>
#include <cstdint>
#include <string_view>

namespace smartsolar {

using Key = std::array<std::uint8_t, 16>;

enum class KeyFault {
    empty,
    not_hexadecimal,
    digit_missing,  // 31 digits: the app lost a leading zero, and nobody knows which; reset the product's PIN
    wrong_length,
};

/// One sentence for the log or the user.
[[nodiscard]] std::string_view text(KeyFault fault);

/// A key as a person types or pastes it: 32 hexadecimal digits in any letter case; blanks, colons and dashes
/// between them are ignored.
[[nodiscard]] wire::Expected<Key, KeyFault> parse_key(std::string_view text);

}  // namespace smartsolar
