#pragma once
// A Modbus RTU slave for the simulators: reads of register ranges that exist, exception 2 elsewhere.

#include "simulator.hpp"

#include <map>

namespace bms::sim {

/// Registers by address. A read that touches one that is not there is refused, as real slaves do.
class Registers {
  public:
    void set(unsigned reg, unsigned word) {
        words_[static_cast<std::uint16_t>(reg)] = static_cast<std::uint16_t>(word);
    }
    void set32(unsigned reg, std::uint32_t value) {
        set(reg, value >> 16);
        set(reg + 1, value & 0xffff);
    }
    /// A byte-swapped word, and a little-endian long.
    void set_le(unsigned reg, unsigned word) { set(reg, (word & 0xff) << 8 | word >> 8); }
    void set32_le(unsigned reg, std::uint32_t value) {
        set_le(reg, value & 0xffff);
        set_le(reg + 1, value >> 16);
    }
    void text(unsigned reg, std::string_view text, unsigned words, char pad = '\0') {
        for (unsigned i = 0; i < words; ++i) {
            const auto at = [&](std::size_t k) {
                return static_cast<std::uint8_t>(k < text.size() ? text[k] : pad);
            };
            set(reg + i, unsigned{at(2 * i)} << 8 | at(2 * i + 1));
        }
    }
    [[nodiscard]] std::optional<unsigned> get(unsigned reg) const {
        const auto found = words_.find(static_cast<std::uint16_t>(reg));
        return found == words_.end() ? std::nullopt : std::optional<unsigned>(found->second);
    }

  private:
    std::map<std::uint16_t, std::uint16_t> words_;
};

/// The answer to a function 3 read addressed to `unit`; `unit_of_reply` stands first in it.
[[nodiscard]] inline std::optional<Response> answer_read(Bytes heard, unsigned unit, unsigned unit_of_reply,
                                                         const Registers& registers) {
    if (heard.size() < 8 || heard[0] != unit || heard[1] != 3
        || wire::Crc16Modbus::of(heard.first(6)) != wire::le16(heard, 6)) {
        return std::nullopt;
    }
    const unsigned first = wire::be16(heard, 2);
    const unsigned count = wire::be16(heard, 4);
    Buffer out;
    wire::put8(out, unit_of_reply);
    wire::put8(out, 3);
    wire::put8(out, 2 * count);
    for (unsigned i = 0; i < count; ++i) {
        const auto word = registers.get(first + i);
        if (!word || count > 125) {
            out = {static_cast<std::uint8_t>(unit_of_reply), 0x83, 2};
            break;
        }
        wire::put_be16(out, *word);
    }
    put_crc(out);
    return Response{8, out};
}

/// A function 6 write to `unit`: the register and the value, for the caller to carry out and to echo.
struct Write {
    unsigned reg = 0;
    unsigned value = 0;
};
[[nodiscard]] inline std::optional<Write> heard_write(Bytes heard, unsigned unit) {
    if (heard.size() < 8 || heard[0] != unit || heard[1] != 6
        || wire::Crc16Modbus::of(heard.first(6)) != wire::le16(heard, 6)) {
        return std::nullopt;
    }
    return Write{wire::be16(heard, 2), wire::be16(heard, 4)};
}

}  // namespace bms::sim
