#include "smartsolar/protocol/key.hpp"

#include "wire/bytes.hpp"

#include <algorithm>
#include <string>

namespace smartsolar {

std::string_view text(KeyFault fault) {
    switch (fault) {
        case KeyFault::empty:
            return "no key is set";
        case KeyFault::not_hexadecimal:
            return "the key holds characters that are not hexadecimal digits";
        case KeyFault::digit_missing:
            return "the key has 31 digits, one was lost by the app: reset the PIN of the product to get a "
                   "new key";
        case KeyFault::wrong_length:
            return "a key has 32 hexadecimal digits";
    }
    return "unusable key";
}

wire::Expected<Key, KeyFault> parse_key(std::string_view text) {
    std::string digits;
    for (const char c : text) {
        if (std::string_view(" \t\r\n:-").find(c) == std::string_view::npos) {
            digits += c;
        }
    }
    if (digits.empty()) {
        return wire::Unexpected{KeyFault::empty};
    }
    if (digits.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos) {
        return wire::Unexpected{KeyFault::not_hexadecimal};
    }
    if (digits.size() != 32) {
        return wire::Unexpected{digits.size() == 31 ? KeyFault::digit_missing : KeyFault::wrong_length};
    }
    const auto bytes = wire::from_hex(digits);
    Key key{};
    std::copy_n(bytes->begin(), key.size(), key.begin());
    return key;
}

}  // namespace smartsolar
