#pragma once
// How a value reads: the text that GetText answers and that goes along with every value in a signal.

#include "velib/value.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace velib {

/// Where texts are built; grows on the stack first.
using TextBuffer = fmt::memory_buffer;

/// A number's unit and digits, or another way to write it. All strings must outlive the program (literals).
struct Format {
    enum class Style : std::uint8_t {
        plain,     ///< as Python prints it: 291, 55.5, [1, 2]
        fixed,     ///< a number with `decimals` digits and the unit right behind it: 27.01V
        hex,       ///< 0xA057
        firmware,  ///< the integer form of /FirmwareVersion: 0x0157 is v1.57, 0x0A0B0C is vA.0B-beta-0C
        labels     ///< an enumeration: the label at the value's index, the number beyond the end
    };

    Style style = Style::plain;
    /// Digits of the text behind the decimal point. A fixed item also *stores* its number rounded to them and `finer` more,
    /// so that noise below the published resolution is no change and sends nothing.
    std::uint8_t decimals = 0;
    std::string_view unit = {};
    std::span<const std::string_view> labels = {};
    std::uint8_t finer = 0;

    /// The same with a value of so many digits (up to 9) behind the decimal point, which the text does not show.
    [[nodiscard]] constexpr Format storing(int digits) const {
        Format other = *this;
        other.finer = static_cast<std::uint8_t>(digits - decimals);
        return other;
    }
    [[nodiscard]] static constexpr Format fixed(int digits, std::string_view unit) {
        return {Style::fixed, static_cast<std::uint8_t>(digits), unit, {}};
    }
    [[nodiscard]] static constexpr Format enumeration(std::span<const std::string_view> labels) {
        return {Style::labels, 0, {}, labels};
    }
};

/// The text conventions of the field (docs/object-model.md, "Texts"): no space before the unit.
namespace format {
inline constexpr Format plain{};
inline constexpr Format hex{Format::Style::hex};
inline constexpr Format firmware{Format::Style::firmware};
inline constexpr Format dc_volts = Format::fixed(2, "V");
inline constexpr Format cell_volts = Format::fixed(3, "V");
inline constexpr Format ac_volts = Format::fixed(1, "V");
inline constexpr Format amps = Format::fixed(1, "A");
inline constexpr Format amps_fine = Format::fixed(2, "A");
inline constexpr Format watts = Format::fixed(0, "W");
inline constexpr Format volt_amperes = Format::fixed(0, "VA");
inline constexpr Format kilowatt_hours = Format::fixed(2, "kWh");
inline constexpr Format watt_hours_as_kwh = Format::fixed(3, "kWh");
inline constexpr Format ampere_hours = Format::fixed(1, "Ah");
inline constexpr Format percent = Format::fixed(1, "%");
inline constexpr Format hertz = Format::fixed(1, "Hz");
inline constexpr Format seconds = Format::fixed(0, "s");
inline constexpr Format minutes = Format::fixed(0, "min");
inline constexpr Format cubic_metres = Format::fixed(3, "m3");
inline constexpr Format celsius = Format::fixed(1, "C");
inline constexpr Format rpm = Format::fixed(0, "rpm");
}  // namespace format

/// The text of "no value".
inline constexpr std::string_view kInvalidText = "---";

/// Appends the text of `value`; "---" when it is invalid.
void append_text(TextBuffer& out, const Value& value, const Format& format);
[[nodiscard]] std::string to_text(const Value& value, const Format& format = {});

/// `number` rounded to what a format publishes; unchanged for all styles but fixed.
[[nodiscard]] double at_resolution(double number, const Format& format);

}  // namespace velib
