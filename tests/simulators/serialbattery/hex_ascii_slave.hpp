#pragma once
// A slave of the hexadecimal ASCII frame (YD/T 1363.3) for the simulators: requests heard, answers built.

#include "simulator.hpp"

#include <cstdio>
#include <string>

namespace bms::sim {

struct HexRequest {
    unsigned version = 0;
    unsigned address = 0;
    unsigned device_class = 0;
    unsigned command = 0;
    Buffer info;
    std::size_t consumed = 0;
};

/// Sum of the characters, subtracted from 2^16.
[[nodiscard]] inline unsigned hex_sum(std::string_view characters) {
    unsigned sum = 0;
    for (const char c : characters) {
        sum += static_cast<unsigned char>(c);
    }
    return (0x10000 - sum % 0x10000) % 0x10000;
}
[[nodiscard]] inline std::string hex_digits(unsigned value, int digits) {
    std::array<char, 12> text{};
    std::snprintf(text.data(), text.size(), "%0*X", digits, value);
    return text.data();
}

/// A whole request at the start of `heard`, whose sums hold.
[[nodiscard]] inline std::optional<HexRequest> heard_hex(Bytes heard, char start = '~') {
    const std::string text(heard.begin(), heard.end());
    const auto end = text.find('\r');
    if (text.empty() || text[0] != start || end == std::string::npos || end < 17) {
        return std::nullopt;
    }
    if (hex_digits(hex_sum(std::string_view(text).substr(1, end - 5)), 4) != text.substr(end - 4, 4)) {
        return std::nullopt;
    }
    const auto body = wire::from_hex(text.substr(1, 8));
    const auto info = wire::from_hex(text.substr(13, end - 17));
    if (!body || !info) {
        return std::nullopt;
    }
    return HexRequest{(*body)[0], (*body)[1], (*body)[2], (*body)[3], *info, end + 1};
}

/// An answer: `code` is the return code.
[[nodiscard]] inline Buffer hex_answer(const HexRequest& to, unsigned code, const Buffer& info = {},
                                       char start = '~') {
    std::string body;
    for (const unsigned byte : {to.version, to.address, to.device_class, code}) {
        body += hex_digits(byte, 2);
    }
    const auto length = static_cast<unsigned>(info.size() * 2);
    const unsigned nibbles = length / 256 + length / 16 % 16 + length % 16;
    body += hex_digits((16 - nibbles % 16) % 16, 1) + hex_digits(length, 3);
    for (const auto byte : info) {
        body += hex_digits(byte, 2);
    }
    body += hex_digits(hex_sum(body), 4) + '\r';
    Buffer out{static_cast<std::uint8_t>(start)};
    out.insert(out.end(), body.begin(), body.end());
    return out;
}

/// The word with the bits of the pack's alarms of at least warning level.
template <std::size_t count>
[[nodiscard]] std::uint32_t warning_word(const Pack& pack, const std::array<AlarmBit, count>& bits) {
    std::uint32_t word = 0;
    for (const auto& bit : bits) {
        word |= pack.alarm(bit.alarm, Level::warning) ? 1u << bit.bit : 0u;
    }
    return word;
}

}  // namespace bms::sim
