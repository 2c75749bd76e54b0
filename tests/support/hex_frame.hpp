#pragma once
// Hexadecimal ASCII frames for scripted devices: the characters are given, the sums are made right.

#include "wire/bytes.hpp"

#include <cstdio>
#include <string>

namespace bms::test {

/// The bytes, as hex, of '~' + `head` (version, address, class, command or code) + length + `info` + sum + CR.
[[nodiscard]] inline std::string hex_frame(const std::string& head, const std::string& info = "",
                                           char start = '~') {
    const auto digits = [](unsigned value, int width) {
        std::string text(8, '\0');
        text.resize(static_cast<std::size_t>(std::snprintf(text.data(), text.size(), "%0*X", width, value)));
        return text;
    };
    const auto length = static_cast<unsigned>(info.size());
    const unsigned nibbles = (length >> 8) + (length >> 4 & 15) + (length & 15);
    std::string text = head + digits((16 - nibbles % 16) % 16, 1) + digits(length, 3) + info;
    unsigned sum = 0;
    for (const char c : text) {
        sum += static_cast<unsigned char>(c);
    }
    text = start + text + digits((0x10000 - sum) & 0xffff, 4) + '\r';
    return wire::to_hex(wire::Bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

/// A text as hex digits.
[[nodiscard]] inline std::string hex_text(const std::string& text) {
    return wire::to_hex(wire::Bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

}  // namespace bms::test
