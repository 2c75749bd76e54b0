#pragma once
// The hexadecimal ASCII frame (YD/T 1363.3) as a device sees it: requests it hears, answers it builds.

#include "simulator.hpp"

#include <cstdio>
#include <string>

namespace bms::sim {

struct HexRequest {
    unsigned ver = 0;
    unsigned adr = 0;
    unsigned cid1 = 0;
    unsigned cid2 = 0;
    Buffer info;
    std::size_t length = 0;  ///< characters on the wire
};

/// What the characters of a frame add up to, negated.
[[nodiscard]] inline unsigned hex_frame_sum(std::string_view text) {
    unsigned sum = 0;
    for (const char c : text) {
        sum += static_cast<unsigned char>(c);
    }
    return (0x10000u - sum % 0x10000u) % 0x10000u;
}
[[nodiscard]] inline std::string hex_text(unsigned value, int digits) {
    char text[16];
    std::snprintf(text, sizeof text, "%0*X", digits, value);
    return text;
}

/// The request that begins with `soi` at the start of what was heard and holds all its checks.
[[nodiscard]] inline std::optional<HexRequest> heard_hex(Bytes heard, char soi) {
    const std::string_view text(reinterpret_cast<const char*>(heard.data()), heard.size());
    const auto end = text.find('\r');
    if (text.empty() || text[0] != soi || end == std::string_view::npos || end < 17 || end % 2 == 0) {
        return std::nullopt;
    }
    const auto bytes = wire::from_hex(text.substr(1, end - 1));
    if (!bytes || wire::be16(*bytes, bytes->size() - 2) != hex_frame_sum(text.substr(1, end - 5))
        || (wire::be16(*bytes, 4) & 0xfffu) != end - 17) {
        return std::nullopt;
    }
    HexRequest request{(*bytes)[0], (*bytes)[1], (*bytes)[2], (*bytes)[3], {}, end + 1};
    request.info.assign(bytes->begin() + 6, bytes->end() - 2);
    return request;
}

/// An answer with return code `rtn`, of the version and class its request had.
[[nodiscard]] inline Buffer hex_answer(char soi, const HexRequest& request, unsigned rtn,
                                       const Buffer& info) {
    const auto length = static_cast<unsigned>(2 * info.size());
    const unsigned nibbles = length / 256 + length / 16 % 16 + length % 16;
    std::string text = hex_text(request.ver, 2) + hex_text(request.adr, 2) + hex_text(request.cid1, 2)
                       + hex_text(rtn, 2) + hex_text((16 - nibbles % 16) % 16, 1) + hex_text(length, 3);
    for (const unsigned byte : info) {
        text += hex_text(byte, 2);
    }
    text += hex_text(hex_frame_sum(text), 4);
    text = soi + text + '\r';
    return {text.begin(), text.end()};
}

}  // namespace bms::sim
