#pragma once
// The hexadecimal ASCII frame after YD/T 1363.3 that Seplos v2, PACE, Pylontech, LifePower4, Daren and KS48100
// share: SOI, version, address, device class, command or return code, length with its check nibble, INFO, sum, CR.

#include "serialbattery/family.hpp"
#include "wire/bytes.hpp"

#include <optional>
#include <string_view>

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
[[nodiscard]] Packet request(std::uint8_t soi, unsigned ver, unsigned adr, unsigned cid1, unsigned cid2,
                             Bytes info);

/// A frame with start character `soi` at the start of `bytes`: checked for its end, hex digits, sum, length and
/// length check, in this order. A wrong check nibble is Fault::length_checksum; head() tells whether all else held.
/// The role is reply; a family tells requests from answers by its own return codes.
[[nodiscard]] Sight sight(Bytes bytes, std::uint8_t soi);

/// The head of a frame that sight() accepted, or refused for its length check only.
[[nodiscard]] Head head(Bytes frame);

/// INFO as bytes; an odd last character is dropped.
[[nodiscard]] wire::Buffer info(Bytes frame);

/// What a return code says; empty for a byte that is none.
[[nodiscard]] std::string_view rtn_text(unsigned rtn);

/// Whether the request came damaged (sum or length check): worth asking again, where other codes refuse.
[[nodiscard]] constexpr bool is_damaged_request(unsigned rtn) {
    return rtn == 2 || rtn == 3;
}

/// What tells the frames of one family from those of the others.
struct Dialect {
    std::uint8_t soi = '~';
    std::span<const std::uint8_t> rtns = {};   ///< return codes besides 00..06; any other CID2 is a request
    bool (*ours)(const Head& head) = nullptr;  ///< version and device class
};

/// A frame of the family at the start of `bytes`. Some firmware sends a wrong check nibble of the length: of an
/// answer to `asked` whose sum and length hold, it is forgiven.
[[nodiscard]] Sight sight(Bytes bytes, Bytes asked, const Dialect& dialect);

/// Why a good answer does not belong to `asked`: another start, address or device class. The version is the device's.
[[nodiscard]] std::optional<Fault> mismatch(Bytes frame, Bytes asked);

/// The same for boards that answer with a device class of their own.
[[nodiscard]] std::optional<Fault> mismatch_of_any_class(Bytes frame, Bytes asked);

/// The command of a request; nothing when it is none.
[[nodiscard]] std::optional<unsigned> command(Bytes request);

/// Lists the head of a frame. The INFO of an answer that is an answer, else nothing.
[[nodiscard]] std::optional<wire::Buffer> describe(Bytes frame, Role role, Record& out);

}  // namespace bms::yd1363
