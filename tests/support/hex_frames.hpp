#pragma once
// Frames of the hexadecimal ASCII families for the tests, as hex of their characters: the text between the start
// character and the sum, which is added here.

#include "wire/bytes.hpp"

#include <cstdio>
#include <string>

namespace bms::test {

[[nodiscard]] inline std::string hex_frame(std::string_view text, char soi = '~') {
    unsigned sum = 0;
    for (const char c : text) {
        sum += static_cast<unsigned char>(c);
    }
    char check[8];
    std::snprintf(check, sizeof check, "%04X\r", (0x10000u - sum % 0x10000u) % 0x10000u);
    const std::string frame = soi + std::string(text) + check;
    return wire::to_hex(wire::Bytes(reinterpret_cast<const std::uint8_t*>(frame.data()), frame.size()));
}

/// The same with the length field made from `info`: `head` is version, address, class and command or return code.
[[nodiscard]] inline std::string hex_frame(std::string_view head, std::string_view info, char soi = '~') {
    const std::size_t size = info.size();
    const std::size_t nibbles = size / 256 + size / 16 % 16 + size % 16;
    char length[16];
    std::snprintf(length, sizeof length, "%zX%03zX", (16 - nibbles % 16) % 16, size);
    return hex_frame(std::string(head) + length + std::string(info), soi);
}

}  // namespace bms::test
