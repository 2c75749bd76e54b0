#pragma once
// More of Modbus RTU: writes of several registers, and every frame listed under the names of the Modbus document.

#include "serialbattery/framing/modbus.hpp"

namespace bms::modbus {

/// Lists what every frame says under the names of the Modbus document: function code, byte count, start; of function 16
/// the first word. The registers an answer brings, from 0 on where the request is not known.
[[nodiscard]] inline std::optional<Payload> describe_frame(Bytes frame, Role role, const Context& context,
                                                           Record& out) {
    out.set("address", int{frame[0]});
    out.set("fc", int{frame[1] & 0x7f});
    if (is_exception(frame)) {
        out.set("exception", int{frame[2]});
        return std::nullopt;
    }
    if (role == Role::request || frame[1] == kWriteMany) {
        out.set("start", int{wire::be16(frame, 2)});
        out.set("count", int{wire::be16(frame, 4)});
        if (role == Role::request && frame[1] == kWriteMany) {
            out.set("value", int{wire::be16(frame, 7)});
        }
        return std::nullopt;
    }
    out.set("byte_count", int{frame[2]});
    const auto asked = parse_read(context.asked);
    return registers(asked ? asked->reg : std::uint16_t{0}, data(frame));
}

/// A frame of function 16 at the start of `bytes`: a request with its words, or the answer that repeats its head.
[[nodiscard]] inline Sight sight_write(Bytes bytes) {
    if (bytes.size() < 2) {
        return Sight::needs(5);
    }
    if (bytes[1] == (kWriteMany | 0x80)) {
        if (bytes.size() < 5) {
            return Sight::needs(5);
        }
        return crc_good(bytes.first(5)) ? Sight::frame(5) : Sight::no(Fault::checksum);
    }
    if (bytes.size() < 8) {
        return Sight::needs(8);
    }
    if (crc_good(bytes.first(8))) {
        return Sight::frame(8);
    }
    const std::size_t total = 9 + std::size_t{bytes[6]};
    if (bytes[6] == 0 || bytes[6] != 2 * wire::be16(bytes, 4)) {
        return Sight::no(Fault::checksum);
    }
    if (bytes.size() < total) {
        return Sight::needs(total);
    }
    return crc_good(bytes.first(total)) ? Sight::frame(total, Role::request) : Sight::no(Fault::checksum);
}

/// Why a good answer does not belong to a request of function 16.
[[nodiscard]] inline std::optional<Fault> mismatch_write(Bytes frame, Bytes asked) {
    const bool same = frame[0] == asked[0] && (frame[1] & 0x7f) == asked[1]
                      && (is_exception(frame) || std::equal(asked.begin(), asked.begin() + 6, frame.begin()));
    return same ? std::nullopt : std::optional(Fault::address);
}

}  // namespace bms::modbus
