#include "serialbattery/control/config_import.hpp"

#include "serialbattery/control/config_file.hpp"
#include "serialbattery/control/numbers.hpp"
#include "serialbattery/control/settings_text.hpp"
#include "serialbattery/control/text.hpp"

#include <algorithm>
#include <array>

namespace bms::control {
namespace {

/// How the value of an older name becomes ours.
enum class Convert : std::uint8_t { none, linear_mode, absolute_deviation, integral_mode, sensor_number };

struct OldName {
    std::string_view old_name;
    std::string_view new_name;
    Convert convert;
};

constexpr auto kOldNames = std::to_array<OldName>({
    {"SOC_RESET_VOLTAGE", "SOC_RESET_CELL_VOLTAGE", Convert::none},
    {"LINEAR_LIMITATION_ENABLE", "CHARGE_MODE", Convert::linear_mode},
    {"LINEAR_RECALCULATION_EVERY", "CVL_RECALCULATION_EVERY", Convert::none},
    {"LINEAR_RECALCULATION_ON_PERC_CHANGE", "CVL_RECALCULATION_ON_MAX_PERCENTAGE_CHANGE", Convert::none},
    {"CELL_VOLTAGE_DIFF_KEEP_MAX_VOLTAGE_UNTIL", "SWITCH_TO_FLOAT_CELL_VOLTAGE_DIFF", Convert::none},
    {"CELL_VOLTAGE_DIFF_KEEP_MAX_VOLTAGE_TIME_RESTART", "SWITCH_TO_FLOAT_CELL_VOLTAGE_DEVIATION",
     Convert::absolute_deviation},
    {"CELL_VOLTAGE_DIFF_TO_RESET_VOLTAGE_LIMIT", "SWITCH_TO_BULK_CELL_VOLTAGE_DIFF", Convert::none},
    {"MAX_VOLTAGE_TIME_SEC", "SWITCH_TO_FLOAT_WAIT_FOR_SEC", Convert::none},
    {"SOC_LEVEL_TO_RESET_VOLTAGE_LIMIT", "SWITCH_TO_BULK_SOC_THRESHOLD", Convert::none},
    {"CVL_ICONTROLLER_MODE", "CVL_CONTROLLER_MODE", Convert::integral_mode},
    {"TEMP_BATTERY", "TEMPERATURE_SOURCE_BATTERY", Convert::sensor_number},
    {"TEMP_1_NAME", "TEMPERATURE_1_NAME", Convert::none},
    {"TEMP_2_NAME", "TEMPERATURE_2_NAME", Convert::none},
    {"TEMP_3_NAME", "TEMPERATURE_3_NAME", Convert::none},
    {"TEMP_4_NAME", "TEMPERATURE_4_NAME", Convert::none},
    {"TEMPERATURE_LIMITS_WHILE_CHARGING", "TEMPERATURES_WHILE_CHARGING", Convert::none},
    {"TEMPERATURE_LIMITS_WHILE_DISCHARGING", "TEMPERATURES_WHILE_DISCHARGING", Convert::none},
    {"SOC_CALC_CURRENT_REPORTED_BY_BMS", "CURRENT_REPORTED_BY_BMS", Convert::none},
    {"SOC_CALC_CURRENT_MEASURED_BY_USER", "CURRENT_MEASURED_BY_USER", Convert::none},
    {"MODBUS_ADDRESSES", "BATTERY_ADDRESSES", Convert::none},
    {"HELTEC_MODBUS_ADDR", "BATTERY_ADDRESSES", Convert::none},
    {"SEPLOS_USE_BMS_VALUES", "USE_BMS_DVCC_VALUES", Convert::none},
    {"EXTERNAL_CURRENT_SENSOR_DBUS_DEVICE", "EXTERNAL_SENSOR_DBUS_DEVICE", Convert::none},
    {"EXTERNAL_CURRENT_SENSOR_DBUS_PATH", "EXTERNAL_SENSOR_DBUS_PATH_CURRENT", Convert::none},
});

constexpr bool old_names_resolve() {
    return std::ranges::all_of(kOldNames, [](const OldName& row) {
        return find_setting(row.old_name) == nullptr && find_setting(row.new_name) != nullptr;
    });
}
static_assert(old_names_resolve(), "an old name is still in use, or its new one does not exist");

/// Tables of the first generation: a file of that time may set one list of a pair and rely on the other.
struct OldTable {
    Curve Settings::*curve;
    std::array<double, 9> points;
    std::array<double, 9> values;
    std::size_t size;
};
using S = Settings;
constexpr auto kOldTables = std::to_array<OldTable>({
    {&S::charge_cell_voltage, {3.55, 3.50, 3.45, 3.30}, {0, 0.05, 0.5, 1}, 4},
    {&S::discharge_cell_voltage, {2.70, 2.80, 2.90, 3.10}, {0, 0.1, 0.5, 1}, 4},
    {&S::charge_temperature, {0, 2, 5, 10, 15, 20, 35, 40, 55}, {0, 0.1, 0.2, 0.4, 0.8, 1, 1, 0.4, 0}, 9},
    {&S::discharge_temperature, {-20, 0, 5, 10, 15, 45, 55}, {0, 0.2, 0.3, 0.4, 1, 1, 0}, 7},
});

const OldName* find_old(std::string_view name) {
    const auto at = std::ranges::find(kOldNames, name, &OldName::old_name);
    return at == kOldNames.end() ? nullptr : &*at;
}

std::string converted(const OldName& old, std::string_view text, double balanced_diff_v) {
    switch (old.convert) {
        case Convert::none:
            break;
        case Convert::linear_mode:
            if (const auto linear = parse_switch(text)) {
                return *linear ? "1" : "2";
            }
            break;
        case Convert::integral_mode:
            if (const auto integral = parse_switch(text)) {
                return *integral ? "2" : "1";
            }
            break;
        case Convert::absolute_deviation:
            if (const auto absolute = parse_number(text)) {
                return number_text(round_to(std::max(0.0, *absolute - balanced_diff_v), 6));
            }
            break;
        case Convert::sensor_number:
            if (parse_number(text) == 0.0) {
                return "1, 2, 3, 4";
            }
            break;
    }
    return std::string(text);
}

std::string_view why_converted(Convert convert) {
    switch (convert) {
        case Convert::none:
        case Convert::linear_mode:
            break;
        case Convert::absolute_deviation:
            return "renamed; it counts from SWITCH_TO_FLOAT_CELL_VOLTAGE_DIFF now";
        case Convert::integral_mode:
            return "renamed; the controller is a number now";
        case Convert::sensor_number:
            return "renamed; it is a list of sensors now";
    }
    return convert == Convert::none ? "renamed" : "renamed; 1 is linear, 2 is in steps";
}

/// What is likely wrong with a number that is none.
std::string_view hint_for(std::string_view text) {
    if (text.find_first_of(";#") != std::string_view::npos) {
        return " (a comment needs a line of its own)";
    }
    const auto comma = text.find(',');
    if (comma != std::string_view::npos && text.find(',', comma + 1) == std::string_view::npos) {
        return " (a decimal point is needed, not a comma)";
    }
    return "";
}

class Importer {
  public:
    Import run(std::string_view text) {
        const ConfigFile file = parse_config(text);
        result_.findings = file.findings;
        const FileSection* section = file.section("default");
        if (section != nullptr) {
            first_generation_ = std::ranges::any_of(
                section->entries, [](const auto& e) { return find_old(e.name) != nullptr; });
            find_balanced_diff(*section);
            for (const auto& entry : section->entries) {
                const bool twice = std::ranges::any_of(section->entries, [&entry](const FileEntry& other) {
                    return other.name == entry.name && other.text != entry.text;
                });
                twice ? refuse_both(entry) : take(entry);
            }
        }
        complete_old_tables();
        const Checked checked = check_texts(texts_);
        result_.settings = checked.settings;
        for (const auto& finding : checked.findings) {
            if (!already_said(finding)) {
                result_.findings.push_back(finding);
            }
        }
        add_notes();
        result_.config = config_text(result_.settings);
        return std::move(result_);
    }

  private:
    void find_balanced_diff(const FileSection& section) {
        for (const auto& entry : section.entries) {
            const OldName* old = find_old(entry.name);
            if ((old != nullptr ? old->new_name : entry.name) == "SWITCH_TO_FLOAT_CELL_VOLTAGE_DIFF") {
                balanced_diff_v_ = parse_number(entry.text).value_or(balanced_diff_v_);
            }
        }
    }

    void refuse_both(const FileEntry& entry) {
        result_.lines.push_back({.taken = Taken::refused,
                                 .line = entry.line,
                                 .name = entry.name,
                                 .text = entry.text,
                                 .becomes = {},
                                 .why = "stands there twice with different values; the default is used"});
    }

    void take(const FileEntry& entry) {
        ImportLine line = {
            .line = entry.line, .name = entry.name, .text = entry.text, .becomes = {}, .why = {}};
        const OldName* old = find_old(entry.name);
        const Row* row = find_setting(old != nullptr ? old->new_name : std::string_view(entry.name));
        if (row == nullptr) {
            const auto near = nearest_setting(entry.name);
            line.taken = Taken::ignored;
            line.why =
                near.empty() ? "there is no such setting" : concat({"there is no such setting; ", near, "?"});
        } else if (row->place == Place::none) {
            line.taken = Taken::ignored;
            line.why = std::string(row->help);
        } else {
            const auto text = old != nullptr ? converted(*old, entry.text, balanced_diff_v_) : entry.text;
            judge(line, *row, old, text);
        }
        result_.lines.push_back(std::move(line));
    }

    void judge(ImportLine& line, const Row& row, const OldName* old, const std::string& text) {
        const SettingText entry = {std::string(row.name), text};
        Settings trial;
        const bool numbers = set_from_text(trial, row, text).has_value();
        const bool range = !numbers && !within_range(trial, row) && row.place != Place::pair;
        if (numbers || range) {
            line.taken = Taken::refused;
            line.why =
                numbers ? concat({"not usable", hint_for(text)}) : concat({"outside ", range_text(row)});
            line.why += concat({"; the default ", default_text(row), " is used"});
            return;
        }
        texts_.push_back(entry);
        if (old != nullptr) {
            line.taken = Taken::changed;
            line.becomes = concat({row.name, " = ", to_text(trial, row)});
            line.why = std::string(why_converted(old->convert));
        } else {
            line.taken = same_value(trial, Settings{}, row) ? Taken::as_default : Taken::understood;
        }
    }

    /// A file of the first generation that sets only one list of a table relied on the default of the other.
    void complete_old_tables() {
        for (std::size_t i = 1; i < kSettings.size(); ++i) {
            const Row& points = kSettings[i - 1];
            const Row& values = kSettings[i];
            if (values.place != Place::pair || is_set(points) == is_set(values)) {
                continue;
            }
            const Row& missing = is_set(points) ? values : points;
            const OldTable* table = old_table(std::get<CurveList>(values.member).curve);
            Settings holder;
            for (const auto& entry : texts_) {
                if (entry.name == points.name || entry.name == values.name) {
                    (void)set_from_text(holder, entry.name == points.name ? points : values, entry.text);
                }
            }
            Curve& curve = holder.*std::get<CurveList>(values.member).curve;
            if (table == nullptr || curve.points.size() == curve.values.size()
                || (is_set(points) ? curve.points : curve.values).size() != table->size) {
                continue;
            }
            (is_set(points) ? curve.values : curve.points) = list_of(*table, is_set(points));
            texts_.push_back({std::string(missing.name), to_text(holder, missing)});
            result_.notes.push_back(
                concat({missing.name, " is not in the file and has another length by now; the old default ",
                        to_text(holder, missing), " is used with your list"}));
        }
    }

    static List list_of(const OldTable& table, bool values) {
        const auto& from = values ? table.values : table.points;
        return {from.begin(), from.begin() + static_cast<std::ptrdiff_t>(table.size)};
    }

    static const OldTable* old_table(Curve Settings::*curve) {
        const auto at = std::ranges::find(kOldTables, curve, &OldTable::curve);
        return at == kOldTables.end() ? nullptr : &*at;
    }

    [[nodiscard]] bool is_set(const Row& row) const {
        return std::ranges::any_of(texts_,
                                   [&row](const SettingText& entry) { return entry.name == row.name; });
    }

    [[nodiscard]] bool already_said(const Finding& finding) const {
        return finding.problem == Problem::unparsable || finding.problem == Problem::not_a_switch
               || finding.problem == Problem::unknown_option || finding.problem == Problem::out_of_range;
    }

    void note(bool applies, std::string_view text) {
        if (applies) {
            result_.notes.emplace_back(text);
        }
    }

    void add_notes() {
        const Settings& s = result_.settings;
        note(first_generation_
                 && !(is_set(*find_setting("CELL_VOLTAGES_WHILE_CHARGING"))
                      && is_set(*find_setting("TEMPERATURES_WHILE_CHARGING"))),
             "The file is of the first generation: tables that it does not set have other defaults by now");
        note(!s.addresses.empty() || !s.bms_types.empty(),
             "BATTERY_ADDRESSES and BMS_TYPE apply to every port; put them into [port:<tty>] to mean one "
             "port");
        note(!s.external_service.empty(),
             "EXTERNAL_SENSOR_DBUS_DEVICE may change when USB is plugged anew; EXTERNAL_SENSOR_INSTANCE does "
             "not");
        note(s.block_on_disconnect,
             "BLOCK_ON_DISCONNECT stops the current 10 s after the last reply, not after 60 s");
        note(s.soc_calculation,
             "The counted state of charge starts at the BMS's value: what the other driver had counted stays "
             "there");
    }

    Import result_;
    std::vector<SettingText> texts_;
    double balanced_diff_v_ = Settings{}.balanced_diff_v;
    bool first_generation_ = false;
};

}  // namespace

Import import_config(std::string_view text) {
    return Importer().run(text);
}

std::string import_report(const Import& import) {
    static constexpr std::array<std::pair<Taken, std::string_view>, 5> kParts = {
        {{Taken::understood, "Understood"},
         {Taken::changed, "Changed"},
         {Taken::as_default, "Same as the default"},
         {Taken::ignored, "Ignored"},
         {Taken::refused, "Not usable"}}};
    std::string report;
    for (const auto& [taken, title] : kParts) {
        const auto count = std::ranges::count(import.lines, taken, &ImportLine::taken);
        if (count > 0) {
            report += concat({title, " (", std::to_string(count), ")\n"});
        }
        for (const auto& line : import.lines) {
            if (line.taken == taken) {
                report += concat({"  line ", std::to_string(line.line), ": ", line.name, " = ", line.text,
                                  line.becomes.empty() ? "" : " -> ", line.becomes,
                                  line.why.empty() ? "" : ": ", line.why, "\n"});
            }
        }
    }
    if (!import.findings.empty()) {
        report += "Settings that do not fit\n";
    }
    for (const auto& finding : import.findings) {
        report += concat(
            {finding.severity == Severity::error ? "  error: " : "  warning: ", finding.message, "\n"});
    }
    if (!import.notes.empty()) {
        report += "Good to know\n";
    }
    for (const auto& note : import.notes) {
        report += concat({"  ", note, "\n"});
    }
    report += "Configuration\n";
    report += import.config.empty() ? "  nothing: every setting is at its default\n" : import.config;
    return report;
}

}  // namespace bms::control
