#pragma once
// The hexadecimal ASCII frame after YD/T 1363.3 that Seplos v2, PACE, Pylontech, LifePower4, Daren and KS48100
// share: SOI, version, address, device class, command or return code, length with its check nibble, INFO, sum, CR.

#include "serialbattery/family.hpp"
#include "serialbattery/framing/check.hpp"
#include "wire/bytes.hpp"

#include <algorithm>
#include <optional>

namespace bms::yd1363 {

using wire::Bytes;

inline constexpr std::size_t kShortest = 18;  ///< characters of a frame without INFO
inline constexpr std::size_t kLongest = 18 + 0xfff;
inline constexpr std::uint8_t kEnd = 0x0d;

[[nodiscard]] constexpr int nibble(std::uint8_t c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}
/// The number in `digits` characters; nothing when one is no hex digit. Needs at + digits <= size.
[[nodiscard]] constexpr std::optional<std::uint32_t> number(Bytes text, std::size_t at, std::size_t digits) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
        const int digit = nibble(text[at + i]);
        if (digit < 0) {
            return std::nullopt;
        }
        value = value << 4 | static_cast<std::uint32_t>(digit);
    }
    return value;
}
/// Check nibble of a length: minus the sum of its three nibbles, modulo 16.
[[nodiscard]] constexpr unsigned length_check(unsigned lenid) {
    return (0x10 - ((lenid >> 8 & 15) + (lenid >> 4 & 15) + (lenid & 15)) % 16) % 16;
}
/// Minus the sum of the characters between SOI and the sum itself, modulo 65536.
[[nodiscard]] constexpr std::uint16_t checksum(Bytes characters) {
    std::uint32_t sum = 0;
    for (const auto c : characters) {
        sum += c;
    }
    return static_cast<std::uint16_t>(0x10000 - (sum & 0xffff));
}

/// The fields in front of INFO.
struct Head {
    std::uint8_t soi = 0;
    std::uint8_t ver = 0;
    std::uint8_t adr = 0;
    std::uint8_t cid1 = 0;
    std::uint8_t cid2 = 0;    ///< command of a request, return code (RTN) of an answer
    std::uint16_t lenid = 0;  ///< characters of INFO
    bool length_check_good = true;
};

/// Builds a request; `info` are bytes, sent as two upper-case characters each.
[[nodiscard]] inline Packet request(std::uint8_t soi, unsigned ver, unsigned adr, unsigned cid1,
                                    unsigned cid2, Bytes info) {
    static constexpr char kDigits[] = "0123456789ABCDEF";
    Packet packet;
    const auto put = [&packet](unsigned value, int digits) {
        for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) {
            packet.push(static_cast<std::uint8_t>(kDigits[value >> shift & 15]));
        }
    };
    packet.push(soi);
    put(ver, 2);
    put(adr, 2);
    put(cid1, 2);
    put(cid2, 2);
    const auto lenid = static_cast<unsigned>(info.size() * 2);
    put(length_check(lenid) << 12 | lenid, 4);
    for (const auto byte : info) {
        put(byte, 2);
    }
    put(checksum(packet.bytes().subspan(1)), 4);
    packet.push(kEnd);
    return packet;
}

/// A frame with start character `soi` at the start of `bytes`: checked for its end, hex digits, sum, length and
/// length check, in this order. A wrong check nibble is Fault::length_checksum; head() tells whether all else held.
/// The role is reply; a family tells requests from answers by its own return codes.
[[nodiscard]] inline Sight sight(Bytes bytes, std::uint8_t soi) {
    if (bytes.empty()) {
        return Sight::needs(kShortest);
    }
    if (bytes[0] != soi) {
        return Sight::no();
    }
    std::size_t end = 1;
    while (end < bytes.size() && bytes[end] != kEnd) {
        if (bytes[end] == soi || end > kLongest) {
            return Sight::no(Fault::truncated);  // a new start drops what was collected
        }
        if (nibble(bytes[end]) < 0) {
            return Sight::no(Fault::header);
        }
        ++end;
    }
    if (end == bytes.size()) {
        return Sight::needs(std::max(kShortest, end + 1));
    }
    const std::size_t total = end + 1;
    if (total < kShortest) {
        return Sight::no(Fault::length);
    }
    const auto sum = number(bytes, total - 5, 4);
    if (!sum || !check_holds(std::uint32_t{checksum(bytes.subspan(1, total - 6))}, *sum)) {
        return Sight::no(Fault::checksum);
    }
    const auto length = number(bytes, 9, 4);
    if (!length || (*length & 0xfff) + kShortest != total) {
        return Sight::no(Fault::length);
    }
    if (*length >> 12 != length_check(*length & 0xfff)) {
        return {Sight::Kind::none, total, Fault::length_checksum, Role::reply};
    }
    return Sight::frame(total);
}

/// The head of a frame that sight() accepted, or refused for its length check only.
[[nodiscard]] inline Head head(Bytes frame) {
    Head head;
    head.soi = frame[0];
    head.ver = static_cast<std::uint8_t>(number(frame, 1, 2).value_or(0));
    head.adr = static_cast<std::uint8_t>(number(frame, 3, 2).value_or(0));
    head.cid1 = static_cast<std::uint8_t>(number(frame, 5, 2).value_or(0));
    head.cid2 = static_cast<std::uint8_t>(number(frame, 7, 2).value_or(0));
    const auto length = number(frame, 9, 4).value_or(0);
    head.lenid = static_cast<std::uint16_t>(length & 0xfff);
    head.length_check_good = length >> 12 == length_check(head.lenid);
    return head;
}

/// INFO as bytes; an odd last character is dropped.
[[nodiscard]] inline wire::Buffer info(Bytes frame) {
    wire::Buffer bytes;
    const std::size_t characters = frame.size() - kShortest;
    bytes.reserve(characters / 2);
    for (std::size_t i = 0; i + 1 < characters; i += 2) {
        bytes.push_back(static_cast<std::uint8_t>(number(frame, 13 + i, 2).value_or(0)));
    }
    return bytes;
}

}  // namespace bms::yd1363
