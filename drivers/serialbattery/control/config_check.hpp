#pragma once
// What is wrong with settings: from their texts to values in force, with a finding for everything that had to
// be corrected or that the user should know (docs/battery-control.md, "Configuration errors").

#include "serialbattery/control/settings.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bms::control {

enum class Severity : std::uint8_t { warning, error };

/// What a finding is about. All up to `extra` are the rules of the configuration chapter, in its order.
enum class Problem : std::uint8_t {
    no_section,  ///< no [DEFAULT] line, or no readable file: no current until it is mended
    unknown_section,
    unknown_option,
    unparsable,
    not_a_switch,
    list_shape,  ///< unequal lengths, or points that are not strictly monotonic
    fraction,    ///< a fraction outside 0...1
    float_voltage,
    reset_voltage,
    safe_window,
    two_soc_sources,
    charge_target,     ///< the charge table ends below the target voltage
    discharge_target,  ///< the discharge table ends above the lowest voltage
    no_full_current,   ///< no entry of a fraction list is 1
    never_bulk,
    cell_count,
    extra,  ///< from here on: checks of the driver beyond that chapter
    out_of_range,
    set_twice,
    voltages_crossed,  ///< MIN_CELL_VOLTAGE is not below MAX_CELL_VOLTAGE: no current until it is mended
};

struct Finding {
    Severity severity = Severity::error;
    Problem problem = Problem::extra;
    std::string setting;  ///< the setting (or unknown name) it is about; empty for a whole file
    std::string message;  ///< for people: names the setting, its value and what is allowed
    friend bool operator==(const Finding&, const Finding&) = default;
};
using Findings = std::vector<Finding>;

/// A setting as it stands in a file or on D-Bus.
struct SettingText {
    std::string name;
    std::string text;
};

struct Checked {
    Settings settings;  ///< in force after all corrections
    Findings findings;
};

enum class Ranges : bool {
    enforced,  ///< what the driver does: a value outside its range gives way to the default
    ignored,   ///< values are taken as they are
};

/// Reads the texts in their order (a later one of the same name wins) over the defaults and checks the result.
[[nodiscard]] Checked check_texts(std::span<const SettingText> texts, Ranges ranges = Ranges::enforced);

/// Checks and corrects settings against each other; findings are appended. Ranges are not looked at.
void check_together(Settings& settings, Findings& findings);

/// What can only be said of a known battery of `cell_count` cells.
[[nodiscard]] Findings check_for_battery(const Settings& settings, std::size_t cell_count);

/// Names the chapter's complaints are about: each once, sorted by character code.
[[nodiscard]] std::vector<std::string> complaints_about(const Findings& findings);

/// State 10 and error 119: any finding that is an error.
[[nodiscard]] bool is_faulty(const Findings& findings);

/// No charging and no discharging: a safety setting has no usable value.
[[nodiscard]] bool blocks_current(const Findings& findings);

/// The known setting whose name is nearest, empty when none is near.
[[nodiscard]] std::string_view nearest_setting(std::string_view name);

}  // namespace bms::control
