#pragma once
// Checksums of the protocols, as models of one table-driven CRC and plain sums.

#include "wire/bytes.hpp"

#include <array>
#include <concepts>

namespace wire {

/// A CRC by its usual five parameters. `reflected` stands for refin and refout, which agree in every
/// protocol of the suite. The table is made at compile time.
template <std::unsigned_integral Word, Word polynomial, Word initial, bool reflected, Word final_xor = 0>
class Crc {
  public:
    [[nodiscard]] static constexpr Word of(Bytes bytes) {
        Word crc = initial;
        for (const auto byte : bytes) {
            if constexpr (reflected) {
                crc = static_cast<Word>(shift_right(crc) ^ kTable[(crc ^ byte) & 0xff]);
            } else {
                crc = static_cast<Word>(shift_left(crc) ^ kTable[((crc >> (kBits - 8)) ^ byte) & 0xff]);
            }
        }
        return static_cast<Word>(crc ^ final_xor);
    }

  private:
    static constexpr unsigned kBits = sizeof(Word) * 8;

    static constexpr Word shift_right(Word crc) {
        if constexpr (kBits == 8) {
            return 0;
        } else {
            return static_cast<Word>(crc >> 8);
        }
    }
    static constexpr Word shift_left(Word crc) {
        if constexpr (kBits == 8) {
            return 0;
        } else {
            return static_cast<Word>(crc << 8);
        }
    }
    static constexpr Word reverse(Word value) {
        Word result = 0;
        for (unsigned bit = 0; bit < kBits; ++bit) {
            result = static_cast<Word>(result << 1 | (value >> bit & 1));
        }
        return result;
    }
    static constexpr auto kTable = [] {
        std::array<Word, 256> table{};
        for (unsigned i = 0; i < 256; ++i) {
            Word word = reflected ? static_cast<Word>(i)
                                  : static_cast<Word>(Word{static_cast<std::uint8_t>(i)} << (kBits - 8));
            for (int bit = 0; bit < 8; ++bit) {
                if constexpr (reflected) {
                    word = static_cast<Word>(word & 1 ? word >> 1 ^ reverse(polynomial) : word >> 1);
                } else {
                    const bool top = (word >> (kBits - 1) & 1) != 0;
                    word = static_cast<Word>(top ? word << 1 ^ polynomial : word << 1);
                }
            }
            table[i] = word;
        }
        return table;
    }();
};

using Crc16Modbus = Crc<std::uint16_t, 0x8005, 0xffff, true>;
using Crc16Ccitt = Crc<std::uint16_t, 0x1021, 0xffff, false>;
using Crc16Xmodem = Crc<std::uint16_t, 0x1021, 0x0000, false>;
using Crc8 = Crc<std::uint8_t, 0x07, 0x00, false>;

/// Sum of all bytes, modulo 65536.
[[nodiscard]] constexpr std::uint16_t sum16(Bytes bytes) {
    std::uint16_t sum = 0;
    for (const auto byte : bytes) {
        sum = static_cast<std::uint16_t>(sum + byte);
    }
    return sum;
}

/// Sum of all bytes, modulo 256.
[[nodiscard]] constexpr std::uint8_t sum8(Bytes bytes) {
    return static_cast<std::uint8_t>(sum16(bytes));
}

/// Exclusive or of all bytes.
[[nodiscard]] constexpr std::uint8_t xor8(Bytes bytes) {
    std::uint8_t result = 0;
    for (const auto byte : bytes) {
        result = static_cast<std::uint8_t>(result ^ byte);
    }
    return result;
}

}  // namespace wire
