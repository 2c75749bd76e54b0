#pragma once
// Registers to values and back (docs/protocols/gx-modbus.md, "Values").

#include "gxmodbus/protocol/registers.hpp"
#include "wire/expected.hpp"

#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace gxmodbus {

using Words = std::span<const std::uint16_t>;

/// A number in D-Bus units, or a text in UTF-8.
using Value = std::variant<double, std::string>;

/// The value in the `row.count` words of a row: raw number by its encoding times step over scale, or the
/// characters up to the first NUL. The server has no "not available": an absent path reads 0 or an empty
/// text, which is what comes out here. Nothing for a filler or when the number of words is not the row's.
[[nodiscard]] std::optional<Value> decode(const Register& row, Words words);

/// Whether the raw words are those the server sends for 0, an empty text, or a path that is absent.
[[nodiscard]] bool all_zero(Words words);

/// Whether a number sits at the end of its register's range and so means "this or more" (or less): servers
/// clamp integers at the maximum, from 1.0.96 one below it.
[[nodiscard]] bool at_limit(const Register& row, Words words);

/// The smallest change a numeric row can carry, in D-Bus units.
[[nodiscard]] double step_of(const Register& row);

/// Range of a numeric row in D-Bus units.
struct Limits {
    double lowest;
    double highest;
};
/// What the register can express (the integer maximum is not used by the server).
[[nodiscard]] Limits register_limits(const Register& row);
/// What may be written: the register's range, narrowed to 0..1 for a flag and to 100 for a percentage.
[[nodiscard]] Limits write_limits(const Register& row);

enum class WriteFault : std::uint8_t {
    read_only,      ///< the server refuses writes to this register
    wrong_kind,     ///< text for a number or a number for a text
    out_of_range,   ///< not a finite number within write_limits()
    too_long,       ///< more characters than the registers hold
    bad_character,  ///< not Latin-1, or NUL
};
[[nodiscard]] const char* describe(WriteFault fault);

/// The words that write `value`: rounded to the row's step, two's complement, high word first; text in
/// Latin-1, padded with NUL. Refuses what would not arrive as it was meant.
[[nodiscard]] wire::Expected<std::vector<std::uint16_t>, WriteFault> encode(const Register& row,
                                                                            const Value& value);

/// "52.40V", "-3.5°C", "Bank A": the number with the digits of its step and the unit without blank.
[[nodiscard]] std::string text_of(const Register& row, const Value& value);
/// Digits after the decimal point that a row's step calls for.
[[nodiscard]] int digits_of(const Register& row);
/// The unit to show: AC and DC are left out, "degC" is written °C, and the kW that the list has for PV inverters is W.
[[nodiscard]] std::string_view display_unit(const Register& row);

}  // namespace gxmodbus
