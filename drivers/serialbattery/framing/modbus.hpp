#pragma once
// Modbus RTU frames: requests to build, answers and foreign requests to recognise. The answer does not repeat
// the register, so reading one needs the request it belongs to.

#include "serialbattery/family.hpp"
#include "serialbattery/framing/check.hpp"
#include "wire/bytes.hpp"
#include "wire/checksum.hpp"

#include <algorithm>
#include <optional>

namespace bms::modbus {

using wire::Bytes;

inline constexpr std::uint8_t kReadCoils = 1;
inline constexpr std::uint8_t kReadHolding = 3;
inline constexpr std::uint8_t kReadInput = 4;
inline constexpr std::uint8_t kWriteCoil = 5;
inline constexpr std::uint8_t kWriteOne = 6;
inline constexpr std::uint8_t kWriteCoils = 15;
inline constexpr std::uint8_t kWriteMany = 16;

/// True when the last two bytes are the CRC of the rest, low byte first.
[[nodiscard]] constexpr bool crc_good(Bytes frame) {
    return frame.size() > 2
           && check_holds(wire::Crc16Modbus::of(frame.first(frame.size() - 2)),
                          wire::le16(frame, frame.size() - 2));
}
/// Appends the CRC of what is in `packet`.
inline void push_crc(Packet& packet) {
    const auto crc = wire::Crc16Modbus::of(packet.bytes());
    packet.push(crc & 0xff);
    packet.push(crc >> 8);
}

/// Request of functions 1..6: address, function, register, count (or the value to write).
[[nodiscard]] inline Packet request(unsigned address, unsigned function, unsigned reg, unsigned count) {
    Packet packet;
    for (const unsigned byte : {address, function, reg >> 8, reg & 0xff, count >> 8, count & 0xff}) {
        packet.push(byte);
    }
    push_crc(packet);
    return packet;
}

/// Request of function 16 with one or two words.
[[nodiscard]] inline Packet write_words(unsigned address, unsigned reg,
                                        std::span<const std::uint16_t> words) {
    Packet packet;
    const auto count = static_cast<unsigned>(words.size());
    for (const unsigned byte :
         {address, unsigned{kWriteMany}, reg >> 8, reg & 0xff, count >> 8, count & 0xff, 2 * count}) {
        packet.push(byte);
    }
    for (const unsigned word : words) {
        packet.push(word >> 8);
        packet.push(word & 0xff);
    }
    push_crc(packet);
    return packet;
}

/// What an eight-byte read request asks for.
struct Asked {
    std::uint8_t address = 0;
    std::uint8_t function = 0;
    std::uint16_t reg = 0;
    std::uint16_t count = 0;
    /// Bytes of data the answer must carry.
    [[nodiscard]] std::size_t data_bytes() const {
        return function <= 2 ? (std::size_t{count} + 7) / 8 : std::size_t{count} * 2;
    }
};
[[nodiscard]] inline std::optional<Asked> parse_read(Bytes frame) {
    if (frame.size() != 8 || frame[1] < 1 || frame[1] > 4 || !crc_good(frame)) {
        return std::nullopt;
    }
    return Asked{frame[0], frame[1], wire::be16(frame, 2), wire::be16(frame, 4)};
}

/// The data bytes of a read answer.
[[nodiscard]] inline Bytes data(Bytes answer) {
    return answer.subspan(3, answer.size() - 5);
}
[[nodiscard]] inline bool is_exception(Bytes frame) {
    return frame.size() == 5 && (frame[1] & 0x80) != 0;
}

/// A frame of the read function `function` (1..4) at the start of `bytes`. Of request and answer, which begin alike,
/// the one whose CRC holds wins; while a request is open, an answer of another length is not waited for.
/// `accepts` says whether an address byte may stand first.
template <class Accepts>
[[nodiscard]] Sight sight_read(Bytes bytes, Bytes asked, std::uint8_t function, const Accepts& accepts) {
    if (bytes.empty()) {
        return Sight::needs(5);
    }
    if (!accepts(bytes[0])) {
        return Sight::no();
    }
    if (bytes.size() < 2) {
        return Sight::needs(5);
    }
    if (bytes[1] == (function | 0x80)) {
        if (bytes.size() < 5) {
            return Sight::needs(5);
        }
        return crc_good(bytes.first(5)) ? Sight::frame(5) : Sight::no(Fault::checksum);
    }
    if (bytes[1] != function) {
        return Sight::no();
    }
    const bool echo_so_far =
        std::equal(bytes.begin(), bytes.begin() + std::min(bytes.size(), asked.size()), asked.begin());
    if (bytes.size() < 3) {
        return Sight::needs(5);
    }
    const std::size_t total = 5 + std::size_t{bytes[2]};
    const auto pending = parse_read(asked);
    const bool expected = !pending || bytes[2] == pending->data_bytes();
    if (bytes.size() >= 8 && crc_good(bytes.first(8)) && !(total == 8 && expected && !echo_so_far)) {
        return Sight::frame(8, Role::request);
    }
    if (bytes.size() >= total) {
        return crc_good(bytes.first(total)) ? Sight::frame(total) : Sight::no(Fault::checksum);
    }
    if (expected) {
        return Sight::needs(total);
    }
    // The open request fixes the length: what differs is a damaged head, or the start of our own echo.
    return pending && echo_so_far && bytes.size() < 8 ? Sight::needs(8) : Sight::no(Fault::length);
}

/// Why a good answer does not belong to a read request: another unit (answers of some devices carry another
/// one than the request), function or length. Nothing when it does.
[[nodiscard]] inline std::optional<Fault> mismatch(Bytes frame, Bytes asked, int unit_of_answer = -1) {
    const auto pending = parse_read(asked);
    if (!pending || frame.size() < 5) {
        return Fault::address;
    }
    const int unit = unit_of_answer >= 0 ? unit_of_answer : int{pending->address};
    if (frame[0] != unit || (frame[1] & 0x7f) != pending->function) {
        return Fault::address;
    }
    if (!is_exception(frame) && frame[2] != pending->data_bytes()) {
        return Fault::length;
    }
    return std::nullopt;
}

/// Lists what every frame says: address, register and count of a request; address and function of an answer, or its
/// exception code. The registers an answer brings, where the request is known.
[[nodiscard]] inline std::optional<Payload> describe(Bytes frame, Role role, const Context& context,
                                                     Record& out) {
    out.set("address", int{frame[0]});
    if (role == Role::request) {
        out.set("register", int{wire::be16(frame, 2)});
        out.set("count", int{wire::be16(frame, 4)});
        return std::nullopt;
    }
    out.set("function", int{frame[1] & 0x7f});
    if (is_exception(frame)) {
        out.set("exception", int{frame[2]});
        return std::nullopt;
    }
    const auto asked = parse_read(context.asked);
    return asked ? std::optional(registers(asked->reg, data(frame))) : std::nullopt;
}

/// `count` big-endian words from `reg` on; nothing unless all of them are in the window.
[[nodiscard]] inline std::optional<std::vector<std::uint16_t>> words_at(const Payload& window,
                                                                        std::uint16_t reg,
                                                                        std::size_t count) {
    const auto at = window.locate(reg, 2 * count);
    return at ? std::optional(words(window.bytes.subspan(*at), {count})) : std::nullopt;
}
[[nodiscard]] inline std::optional<std::uint16_t> word_at(const Payload& window, std::uint16_t reg) {
    const auto at = window.locate(reg, 2);
    return at ? std::optional(wire::be16(window.bytes, *at)) : std::nullopt;
}

}  // namespace bms::modbus
