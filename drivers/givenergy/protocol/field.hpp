#pragma once
// What a register means, as one row of data, and how a row is read out of a bank.

#include "givenergy/protocol/frame.hpp"

#include <optional>
#include <variant>

namespace givenergy {

/// How the words of a row become a value. Words are big-endian, the first register holds the high word.
enum class Raw : std::uint8_t {
    u16,
    s16,
    u32,
    s32,
    u32_low_first,  ///< words swapped
    celsius,        ///< s16, 0xF556 = no sensor
    hertz,          ///< 0.01 Hz; some firmware reports ten times too much
    power_factor,   ///< raw / 10000 - 1
    hex4,           ///< one word as four hexadecimal digits
    hex8,           ///< two words as eight
    text,           ///< latin-1, NUL and spaces stripped, upper case: serials
    raw_text,       ///< latin-1 without NUL: version texts that carry control characters
};

enum class Unit : std::uint8_t { none, V, A, W, kW, VA, var, Hz, C, kWh, Wh, Ah, percent, hour, second };

/// One row of a register table. `lowest` and `highest` are in the row's unit; a value outside them is not
/// available (never clamped). Rows without limits have lowest > highest.
struct Row {
    std::string_view name;
    std::uint16_t reg;
    Raw raw = Raw::u16;
    double per_unit = 1;  ///< raw counts in one unit
    Unit unit = Unit::none;
    double lowest = 1;
    double highest = 0;
    std::uint8_t text_words = 0;

    [[nodiscard]] constexpr std::uint16_t words() const {
        switch (raw) {
            case Raw::u32:
            case Raw::s32:
            case Raw::u32_low_first:
            case Raw::hex8:
                return 2;
            case Raw::text:
            case Raw::raw_text:
                return text_words;
            default:
                return 1;
        }
    }
    [[nodiscard]] constexpr bool bounded() const { return lowest <= highest; }
    [[nodiscard]] constexpr bool is_text() const {
        return raw == Raw::text || raw == Raw::raw_text || raw == Raw::hex4 || raw == Raw::hex8;
    }
};

using Table = std::span<const Row>;

/// A run of registers read together, beginning at `base`.
struct BankView {
    std::uint16_t base = 0;
    std::span<const std::uint16_t> values{};

    [[nodiscard]] constexpr bool covers(std::uint16_t reg, std::uint16_t words = 1) const {
        return reg >= base && reg + words <= base + values.size();
    }
    /// Register `reg`, which must be covered.
    [[nodiscard]] constexpr std::uint16_t operator[](std::uint16_t reg) const {
        return values[static_cast<std::size_t>(reg - base)];
    }
};

/// The two bytes of a register, high byte first.
[[nodiscard]] constexpr std::array<std::uint8_t, 2> bytes_of(std::uint16_t word) {
    return {static_cast<std::uint8_t>(word >> 8), static_cast<std::uint8_t>(word & 0xff)};
}

/// A decoded row: a number, a text, or (sensor absent, registers not in the bank) nothing.
using FieldValue = std::variant<std::monostate, double, std::string>;

/// The row's value as the device reports it, limits not applied.
[[nodiscard]] FieldValue decode(const Row& row, BankView bank);
/// The row's number; nothing when absent, outside its limits, or a text row.
[[nodiscard]] std::optional<double> number(const Row& row, BankView bank);
/// The row's text; empty when absent.
[[nodiscard]] std::string text(const Row& row, BankView bank);

/// True for a serial number as every GivEnergy device has one: ten letters and digits.
[[nodiscard]] bool is_serial(std::string_view text);

/// A time of day register, decimal HHMM, as minutes of the day; nothing for 60 ("not set"), minute >= 60 or
/// hour > 23. Midnight as 2400 occurs in the pause slot only.
[[nodiscard]] std::optional<int> minute_of_day(std::uint16_t hhmm, bool pause_slot = false);
/// The register value of a minute of the day (0..1439).
[[nodiscard]] constexpr std::uint16_t hhmm(int minute_of_day) {
    return static_cast<std::uint16_t>(minute_of_day / 60 * 100 + minute_of_day % 60);
}

/// Rules every table keeps: rows in register order, no overlap, unique names, limits that the raw type reaches.
template <std::size_t size>
[[nodiscard]] constexpr bool well_formed(const std::array<Row, size>& rows) {
    for (std::size_t i = 0; i < size; ++i) {
        const Row& row = rows[i];
        if (row.words() == 0 || row.words() > kMaxRegisters || row.per_unit == 0 || row.name.empty()) {
            return false;
        }
        const bool is_signed = row.raw == Raw::s16 || row.raw == Raw::s32 || row.raw == Raw::celsius
                               || row.raw == Raw::power_factor || row.per_unit < 0;
        if (row.bounded() && row.lowest < 0 && !is_signed) {
            return false;
        }
        if (i + 1 < size && row.reg + row.words() > rows[i + 1].reg) {
            return false;
        }
        for (std::size_t k = i + 1; k < size; ++k) {
            if (rows[k].name == row.name) {
                return false;
            }
        }
    }
    return true;
}

/// A row of `rows` by its name, looked up by the compiler: an unknown name does not build.
template <const auto& rows>
struct In {
    const Row* row = nullptr;

    // NOLINTNEXTLINE(google-explicit-constructor): a field is written as its name
    consteval In(const char* name) : row(find(name)) {}

  private:
    // A function, because GCC for ARM evaluates no constructor that has a return statement.
    static consteval const Row* find(const char* name) {
        for (const Row& candidate : rows) {
            if (candidate.name == name) {
                return &candidate;
            }
        }
        throw "no such row";
    }
};

}  // namespace givenergy
