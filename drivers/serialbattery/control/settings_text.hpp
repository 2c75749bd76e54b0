#pragma once
// Settings as text: how they stand in a file, on D-Bus and in the documentation.

#include "serialbattery/control/settings_table.hpp"
#include "wire/expected.hpp"

#include <string>

namespace bms::control {

/// Why a text is not the value of a setting.
enum class TextFault {
    not_a_number,  ///< also a decimal comma, a unit behind the number, an empty text where a number is due
    not_a_switch,  ///< neither True nor False
    not_a_list,    ///< an element is not a number, or an adjustment has not two of them
};

/// A number: sign, digits, decimal point. Spaces around it are ignored. Nothing for anything else, a decimal
/// comma, an exponent and a unit included.
[[nodiscard]] std::optional<double> parse_number(std::string_view text);

/// True or False in any letter case.
[[nodiscard]] std::optional<bool> parse_switch(std::string_view text);

/// Numbers separated by commas; empty elements are skipped.
[[nodiscard]] std::optional<List> parse_list(std::string_view text);

/// Texts separated by commas; empty elements are skipped.
[[nodiscard]] TextList parse_text_list(std::string_view text);

/// `text` without spaces, tabs and line ends around it.
[[nodiscard]] std::string_view trimmed(std::string_view text);

/// Sets the row's member from the text as it stands in a file. On an error the member keeps its value.
[[nodiscard]] std::optional<TextFault> set_from_text(Settings& settings, const Row& row,
                                                     std::string_view text);

/// The row's value as it stands in a file: shortest form of numbers, True or False, lists with ", ".
[[nodiscard]] std::string to_text(const Settings& settings, const Row& row);

/// The row's value in a Settings{}.
[[nodiscard]] std::string default_text(const Row& row);

/// Gives the row's member the documented default.
void reset_to_default(Settings& settings, const Row& row);

/// Whether both have the same value for the row.
[[nodiscard]] bool same_value(const Settings& a, const Settings& b, const Row& row);

/// Whether the value is within the row's range and choices. A list is when each element is.
[[nodiscard]] bool within_range(const Settings& settings, const Row& row);

/// Range and choices as text, "1…5 V", "1, 2", empty when there is nothing to say.
[[nodiscard]] std::string range_text(const Row& row);

/// A curve in one text: "3.375:1, 3.4:0.25".
[[nodiscard]] std::string curve_text(const Curve& curve);

/// A curve from such a text; nothing when a pair is not two numbers.
[[nodiscard]] std::optional<Curve> parse_curve(std::string_view text);

/// Shortest decimal form of a number, without an exponent.
[[nodiscard]] std::string number_text(double value);

}  // namespace bms::control
