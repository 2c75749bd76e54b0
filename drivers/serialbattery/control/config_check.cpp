#include "serialbattery/control/config_check.hpp"

#include "serialbattery/control/numbers.hpp"
#include "serialbattery/control/settings_text.hpp"
#include "serialbattery/control/text.hpp"

#include <algorithm>
#include <numeric>
#include <set>

namespace bms::control {
namespace {

/// The two rows of a curve.
struct CurveRows {
    const Row* points;
    const Row* values;
    Curve Settings::*curve;
};

/// Every curve of the table: its value row follows its point row.
std::vector<CurveRows> curves() {
    std::vector<CurveRows> found;
    for (std::size_t i = 1; i < kSettings.size(); ++i) {
        if (kSettings[i].place == Place::pair) {
            found.push_back(
                {&kSettings[i - 1], &kSettings[i], std::get<CurveList>(kSettings[i].member).curve});
        }
    }
    return found;
}

bool is_fraction_table(const CurveRows& rows) {
    return rows.curve != &Settings::current_map;
}

bool strictly_monotonic(const List& list) {
    return std::ranges::adjacent_find(list, std::less_equal<>{}) == list.end()
           || std::ranges::adjacent_find(list, std::greater_equal<>{}) == list.end();
}

/// Whether voltage a is below b, compared in 0.1 mV.
bool below(double a, double b) {
    return tenth_millivolts(microvolts(a)) < tenth_millivolts(microvolts(b));
}

class Checker {
  public:
    Checker(Settings& settings, Findings& findings) : s_(settings), findings_(findings) {}

    void all(Ranges ranges) {
        lists();
        if (ranges == Ranges::enforced) {
            points_in_range();
        }
        voltages();
        targets();
        warnings();
        extras();
    }

  private:
    void lists() {
        for (const auto& rows : curves()) {
            Curve& curve = s_.*rows.curve;
            if (curve.points.empty() && curve.values.empty()) {
                say(Problem::list_shape, rows.points->name,
                    concat({" and ", rows.values->name, " are empty; their defaults are used"}));
            } else if (curve.points.size() != curve.values.size()) {
                say(Problem::list_shape, rows.points->name,
                    concat({" has ", std::to_string(curve.points.size()), " elements, ", rows.values->name,
                            " has ", std::to_string(curve.values.size()),
                            "; the defaults of both are used"}));
            } else if (!strictly_monotonic(curve.points)) {
                say(Problem::list_shape, rows.points->name,
                    concat({" must rise or fall from element to element; the defaults of it and ",
                            rows.values->name, " are used"}));
            } else {
                continue;
            }
            restore(rows);
        }
        for (const auto& rows : curves()) {
            const bool good = std::ranges::all_of((s_.*rows.curve).values,
                                                  [](double value) { return value >= 0 && value <= 1; });
            if (is_fraction_table(rows) && !good) {
                say(Problem::fraction, rows.values->name,
                    concat({" has an element outside 0…1; the defaults of it and ", rows.points->name,
                            " are used"}));
                restore(rows);
            }
        }
    }

    void points_in_range() {
        for (const auto& rows : curves()) {
            if (!within_range(s_, *rows.points)) {
                say(Problem::out_of_range, rows.points->name,
                    concat({" has an element outside ", range_text(*rows.points), "; the defaults of it and ",
                            rows.values->name, " are used"}));
                restore(rows);
            }
        }
    }

    void voltages() {
        if (below(s_.max_cell_v, s_.float_cell_v)) {
            correct(Problem::float_voltage, "FLOAT_CELL_VOLTAGE", s_.float_cell_v, s_.max_cell_v,
                    "MAX_CELL_VOLTAGE", "above");
        }
        if (below(s_.float_cell_v, s_.min_cell_v)) {
            correct(Problem::float_voltage, "FLOAT_CELL_VOLTAGE", s_.float_cell_v, s_.min_cell_v,
                    "MIN_CELL_VOLTAGE", "below");
        }
        if (s_.soc_reset_days && below(s_.soc_reset_cell_v, s_.max_cell_v)) {
            correct(Problem::reset_voltage, "SOC_RESET_CELL_VOLTAGE", s_.soc_reset_cell_v, s_.max_cell_v,
                    "MAX_CELL_VOLTAGE", "below");
        }
        if (!s_.block_on_disconnect) {
            safe_window();
        }
    }

    void safe_window() {
        if (below(s_.safe_window_min_v, s_.min_cell_v)) {
            correct(Problem::safe_window, "BLOCK_ON_DISCONNECT_VOLTAGE_MIN", s_.safe_window_min_v,
                    s_.min_cell_v, "MIN_CELL_VOLTAGE", "below");
        }
        if (below(s_.max_cell_v, s_.safe_window_max_v)) {
            correct(Problem::safe_window, "BLOCK_ON_DISCONNECT_VOLTAGE_MAX", s_.safe_window_max_v,
                    s_.max_cell_v, "MAX_CELL_VOLTAGE", "above");
        }
        if (!below(s_.safe_window_min_v, s_.safe_window_max_v)) {
            say(Problem::safe_window, "BLOCK_ON_DISCONNECT_VOLTAGE_MIN",
                concat({" (", number_text(s_.safe_window_min_v),
                        " V) is not below BLOCK_ON_DISCONNECT_VOLTAGE_MAX (",
                        number_text(s_.safe_window_max_v),
                        " V): there is no safe window; BLOCK_ON_DISCONNECT is on"}));
            s_.block_on_disconnect = true;
        }
    }

    void targets() {
        if (s_.soc_calculation && !s_.external_soc_path.empty()) {
            say(Problem::two_soc_sources, "SOC_CALCULATION",
                " and EXTERNAL_SENSOR_DBUS_PATH_SOC exclude each other; the external sensor is used");
        }
        const bool reset = s_.soc_reset_days.has_value();
        const double target = reset ? std::max(s_.soc_reset_cell_v, s_.max_cell_v) : s_.max_cell_v;
        const auto& charge = s_.charge_cell_voltage;
        const auto top = std::ranges::max_element(charge.points);
        if (top != charge.points.end() && value_at(charge, top) == 0 && below(*top, target)) {
            say(Problem::charge_target, "CELL_VOLTAGES_WHILE_CHARGING",
                concat({" stops charging at ", number_text(*top), " V, before ",
                        reset ? "SOC_RESET_CELL_VOLTAGE" : "MAX_CELL_VOLTAGE", " (", number_text(target),
                        " V) is reached"}));
        }
        const auto& discharge = s_.discharge_cell_voltage;
        const auto bottom = std::ranges::min_element(discharge.points);
        if (bottom != discharge.points.end() && value_at(discharge, bottom) == 0
            && below(s_.min_cell_v, *bottom)) {
            say(Problem::discharge_target, "CELL_VOLTAGES_WHILE_DISCHARGING",
                concat({" stops discharging at ", number_text(*bottom), " V, before MIN_CELL_VOLTAGE (",
                        number_text(s_.min_cell_v), " V) is reached"}));
        }
    }

    void warnings() {
        for (const auto& rows : curves()) {
            const List& values = (s_.*rows.curve).values;
            if (is_fraction_table(rows) && std::ranges::find(values, 1.0) == values.end()) {
                say(Problem::no_full_current, rows.values->name,
                    " has no element 1: the full current is never allowed", Severity::warning);
            }
        }
        if (s_.bulk_soc_percent <= 0 && !below(s_.bulk_diff_v, 0.101)) {
            say(Problem::never_bulk, "SWITCH_TO_BULK_SOC_THRESHOLD",
                " and SWITCH_TO_BULK_CELL_VOLTAGE_DIFF are both off: float is never left", Severity::warning);
        }
    }

    void extras() {
        if (!below(s_.min_cell_v, s_.max_cell_v)) {
            say(Problem::voltages_crossed, "MAX_CELL_VOLTAGE",
                concat({" (", number_text(s_.max_cell_v), " V) must be above MIN_CELL_VOLTAGE (",
                        number_text(s_.min_cell_v), " V); no current until this is mended"}));
        }
    }

    void say(Problem problem, std::string_view setting, std::string_view what,
             Severity severity = Severity::error) {
        findings_.push_back({severity, problem, std::string(setting), concat({setting, what})});
    }

    void correct(Problem problem, std::string_view setting, double& value, double bound,
                 std::string_view bound_name, std::string_view relation) {
        say(problem, setting,
            concat({" (", number_text(value), " V) is ", relation, " ", bound_name, "; ", number_text(bound),
                    " V is used"}));
        value = bound;
    }

    void restore(const CurveRows& rows) {
        reset_to_default(s_, *rows.points);
        reset_to_default(s_, *rows.values);
    }

    static double value_at(const Curve& curve, List::const_iterator point) {
        const auto at = static_cast<std::size_t>(point - curve.points.begin());
        return at < curve.values.size() ? curve.values[at] : 1;
    }

    Settings& s_;
    Findings& findings_;
};

std::string_view describe(TextFault fault) {
    switch (fault) {
        case TextFault::not_a_number:
            return "is not a number (digits with a decimal point, no unit)";
        case TextFault::not_a_switch:
            return "is neither True nor False";
        case TextFault::not_a_list:
            break;
    }
    return "is not a list of numbers (decimal points, separated by commas)";
}

/// Steps that turn one name into another (insert, remove or replace a letter).
std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> line(b.size() + 1);
    std::iota(line.begin(), line.end(), std::size_t{0});
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t diagonal = line[0]++;
        for (std::size_t j = 0; j < b.size(); ++j) {
            const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
            diagonal = line[j + 1];
            line[j + 1] = std::min({line[j] + 1, line[j + 1] + 1, replaced});
        }
    }
    return line[b.size()];
}

void read_one(Settings& settings, const SettingText& entry, Ranges ranges, Findings& findings) {
    const Row* row = find_setting(entry.name);
    if (row == nullptr) {
        const auto near = nearest_setting(entry.name);
        findings.push_back({Severity::error, Problem::unknown_option, entry.name,
                            concat({entry.name, " is not a setting", near.empty() ? "" : "; did you mean ",
                                    near, near.empty() ? "" : "?"})});
        return;
    }
    const auto reject = [&](Problem problem, std::string_view why) {
        reset_to_default(settings, *row);
        findings.push_back({Severity::error, problem, entry.name,
                            concat({entry.name, " = \"", trimmed(entry.text), "\" ", why, "; the default ",
                                    default_text(*row), " is used"})});
    };
    if (const auto fault = set_from_text(settings, *row, entry.text)) {
        reject(*fault == TextFault::not_a_switch ? Problem::not_a_switch : Problem::unparsable,
               describe(*fault));
    } else if (ranges == Ranges::enforced && !std::holds_alternative<CurveList>(row->member)
               && !within_range(settings, *row)) {
        reject(Problem::out_of_range, concat({"is outside ", range_text(*row)}));
    }
}

}  // namespace

std::string_view nearest_setting(std::string_view name) {
    if (name.size() > 100) {
        return {};
    }
    std::string upper(name);
    std::ranges::transform(upper, upper.begin(), [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    std::string_view nearest;
    std::size_t least = std::max<std::size_t>(2, name.size() / 3) + 1;
    for (const auto& row : kSettings) {
        const bool beginning = upper.size() >= 6 && row.name.starts_with(upper);
        const std::size_t distance = beginning ? 1 : edit_distance(upper, row.name);
        if (distance < least) {
            least = distance;
            nearest = row.name;
        }
    }
    return nearest;
}

Checked check_texts(std::span<const SettingText> texts, Ranges ranges) {
    Checked result;
    for (const auto& entry : texts) {
        read_one(result.settings, entry, ranges, result.findings);
    }
    Checker(result.settings, result.findings).all(ranges);
    return result;
}

void check_together(Settings& settings, Findings& findings) {
    Checker(settings, findings).all(Ranges::ignored);
}

Findings check_for_battery(const Settings& settings, std::size_t cell_count) {
    constexpr double kHighestSystemVoltage = 66;
    Findings findings;
    if (settings.max_cell_v * static_cast<double>(cell_count) > kHighestSystemVoltage) {
        findings.push_back({Severity::warning, Problem::cell_count, "MAX_CELL_VOLTAGE",
                            concat({"MAX_CELL_VOLTAGE (", number_text(settings.max_cell_v), " V) times ",
                                    std::to_string(cell_count), " cells is more than 66 V"})});
    }
    return findings;
}

std::vector<std::string> complaints_about(const Findings& findings) {
    std::set<std::string> names;
    for (const auto& finding : findings) {
        if (finding.problem < Problem::extra && !finding.setting.empty()) {
            names.insert(finding.setting);
        }
    }
    return {names.begin(), names.end()};
}

bool is_faulty(const Findings& findings) {
    return std::ranges::any_of(findings, [](const Finding& f) { return f.severity == Severity::error; });
}

bool blocks_current(const Findings& findings) {
    return std::ranges::any_of(findings, [](const Finding& f) {
        return f.problem == Problem::no_section || f.problem == Problem::voltages_crossed;
    });
}

}  // namespace bms::control
