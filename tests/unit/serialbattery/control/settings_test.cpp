// Settings: texts, the table, configuration files and their errors, the settings service, import.
#include "serialbattery/control/bus_settings.hpp"
#include "serialbattery/control/config_file.hpp"
#include "serialbattery/control/config_import.hpp"
#include "serialbattery/control/settings_text.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

using namespace bms::control;

namespace {

Checked check(std::initializer_list<SettingText> texts, Ranges ranges = Ranges::enforced) {
    const std::vector<SettingText> list(texts);
    return check_texts(list, ranges);
}

std::vector<std::string> complaints(std::initializer_list<SettingText> texts) {
    return complaints_about(check(texts).findings);
}

using Names = std::vector<std::string>;

const Finding* find(const Findings& findings, Problem problem) {
    const auto at = std::ranges::find(findings, problem, &Finding::problem);
    return at == findings.end() ? nullptr : &*at;
}

std::string file_text(const std::string& name) {
    std::ifstream file(TEST_DATA_DIR "/serialbattery/config/" + name, std::ios::binary);
    REQUIRE(file);
    return {std::istreambuf_iterator<char>(file), {}};
}

const ImportLine& line_of(const Import& import, std::string_view name) {
    const auto at = std::ranges::find(import.lines, name, &ImportLine::name);
    REQUIRE(at != import.lines.end());
    return *at;
}

Settings settings_of(std::string_view text) {
    return settings_for(parse_config(text), {}).settings;
}

}  // namespace

// ------------------------------------------------------------------------------------------ texts

TEST_CASE("a number is a sign, digits and a decimal point, and nothing else") {
    CHECK(parse_number("3.45") == 3.45);
    CHECK(parse_number(" \t-0.5 ") == -0.5);
    CHECK(parse_number("+12") == 12);
    CHECK(parse_number(".5") == 0.5);
    CHECK(parse_number("5.") == 5);
    CHECK(parse_number("0003") == 3);
    for (const auto* bad : {"", " ", "3,45", "50A", "1e3", "0x10", "nan", "inf", "-", ".", "1.2.3", "1 2",
                            "--1", "3.45;", "٣", "9999999999999"}) {
        INFO(bad);
        CHECK_FALSE(parse_number(bad));
    }
    CHECK_FALSE(parse_number(std::string(500, '9')));
}

TEST_CASE("switches, lists and curves have one form each") {
    CHECK(parse_switch(" TRUE ") == true);
    CHECK(parse_switch("fAlse") == false);
    for (const auto* bad : {"", "1", "yes", "on", "tru"}) {
        CHECK_FALSE(parse_switch(bad));
    }
    CHECK(parse_list("3.5, 3.4,,3.3,") == List{3.5, 3.4, 3.3});
    CHECK(parse_list("") == List{});
    CHECK_FALSE(parse_list("3.5; 3.4"));
    CHECK_FALSE(parse_list("3.5, x"));
    CHECK(parse_text_list(" a, b c ,, d") == TextList{"a", "b c", "d"});
    const auto curve = parse_curve("3.375:1, 3.4:0.25");
    REQUIRE(curve);
    CHECK(curve->points == List{3.375, 3.4});
    CHECK(curve_text(*curve) == "3.375:1, 3.4:0.25");
    CHECK_FALSE(parse_curve("3.375:1, 3.4"));
    CHECK_FALSE(parse_curve("3.375:1:2"));
    CHECK(number_text(1e-7) == "0.0000001");
    CHECK(number_text(-0.0) == "0");
    CHECK(number_text(3.45) == "3.45");
}

TEST_CASE("every setting survives being written and read again") {
    for (const auto& row : kSettings) {
        INFO(row.name);
        Settings settings;
        CHECK_FALSE(set_from_text(settings, row, default_text(row)).has_value());
        CHECK(same_value(settings, Settings{}, row));
        CHECK(within_range(settings, row));
        CHECK(find_setting(row.name) == &row);
    }
    CHECK(find_setting("max_cell_voltage") == nullptr);
}

TEST_CASE("defaults are the documented ones") {
    const std::map<std::string_view, std::string> expected = {
        {"MAX_CELL_VOLTAGE", "3.45"},
        {"SOC_RESET_AFTER_DAYS", ""},
        {"CELL_VOLTAGES_WHILE_CHARGING", "3.5, 3.45, 3.425, 3.4, 3.375"},
        {"MAX_CHARGE_CURRENT_CV_FRACTION", "0, 0.005, 0.05, 0.25, 1"},
        {"TEMPERATURES_WHILE_DISCHARGING", "-10, 0, 5, 10, 40, 45, 50, 55"},
        {"MAX_CHARGE_CURRENT_T_MOSFET_FRACTION", "1, 0.25, 0"},
        {"TEMPERATURE_MOS_ADJUST", "0, 1"},
        {"BMS_CABLE_ALARM", "True"},
        {"MQTT_BROKER_ADDRESS", "127.0.0.1"},
        {"LIPRO_CELL_COUNT", "15"},
    };
    for (const auto& [name, text] : expected) {
        CHECK(default_text(*find_setting(name)) == text);
    }
    CHECK(kOwnSettingsFrom == 121);
}

// ------------------------------------------------------------------------------------------ errors

TEST_CASE("an empty text means off, nothing, or an error, as the setting says") {
    const auto value = [](std::string_view name) {
        return to_text(check({{std::string(name), "  "}}).settings, *find_setting(name));
    };
    CHECK(value("SWITCH_TO_FLOAT_CELL_VOLTAGE_DIFF") == "10");
    CHECK(value("SWITCH_TO_BULK_CELL_VOLTAGE_DIFF") == "10");
    CHECK(value("SWITCH_TO_FLOAT_WAIT_FOR_SEC") == "0");
    CHECK(value("SWITCH_TO_FLOAT_CELL_VOLTAGE_DEVIATION") == "0");
    CHECK(value("SWITCH_TO_BULK_SOC_THRESHOLD") == "0");
    CHECK(value("SOC_RESET_AFTER_DAYS").empty());
    CHECK(complaints({{"SOC_RESET_AFTER_DAYS", ""}, {"BATTERY_ADDRESSES", ""}, {"MQTT_TOPIC", ""}}).empty());
    CHECK(complaints({{"MAX_CELL_VOLTAGE", ""}, {"CVCM_ENABLE", ""}})
          == Names{"CVCM_ENABLE", "MAX_CELL_VOLTAGE"});
    CHECK(value("MAX_CELL_VOLTAGE") == "3.45");
    CHECK(value("CVCM_ENABLE") == "True");
}

TEST_CASE("a decimal comma never becomes zero volts") {
    const auto checked = check({{"MAX_CELL_VOLTAGE", "3,45"}, {"MIN_CELL_VOLTAGE", "2,9"}});
    CHECK(checked.settings.max_cell_v == 3.45);
    CHECK(checked.settings.min_cell_v == 2.9);
    CHECK(complaints_about(checked.findings) == Names{"MAX_CELL_VOLTAGE", "MIN_CELL_VOLTAGE"});
    CHECK(is_faulty(checked.findings));
    CHECK_FALSE(blocks_current(checked.findings));
    CHECK(checked.findings[0].message
          == "MAX_CELL_VOLTAGE = \"3,45\" is not a number (digits with a decimal point, no unit); the default 3.45 "
             "is used");
    // In a list it makes other numbers, which do not fit together.
    CHECK(complaints({{"CELL_VOLTAGES_WHILE_CHARGING", "3,50, 3,45, 3,40"}})
          == Names{"CELL_VOLTAGES_WHILE_CHARGING"});
}

TEST_CASE("a switch that is none keeps its default") {
    const auto checked = check({{"BMS_CABLE_ALARM", "no"}, {"SOC_CALCULATION", "1"}});
    CHECK(checked.settings.bms_cable_alarm);
    CHECK_FALSE(checked.settings.soc_calculation);
    CHECK(complaints_about(checked.findings) == Names{"BMS_CABLE_ALARM", "SOC_CALCULATION"});
}

TEST_CASE("a table whose lists do not fit falls back to both defaults") {
    const Settings defaults;
    const auto checked = check({{"CELL_VOLTAGES_WHILE_CHARGING", "3.5, 3.4"},
                                {"TEMPERATURES_WHILE_CHARGING", "0, 2, 5, 5, 40, 45, 50, 55"},
                                {"MAX_CHARGE_CURRENT_T_FRACTION", "0, 0.1, 0.2, 0.3, 1, 0.3, 0.2, 0"},
                                {"MAX_DISCHARGE_CURRENT_CV_FRACTION", "0, 0.005, 0.05, 0.25, 100"},
                                {"SOC_WHILE_CHARGING", ""},
                                {"MAX_CHARGE_CURRENT_SOC_FRACTION", ""},
                                {"CURRENT_REPORTED_BY_BMS", "-300, 0, 300"}});
    CHECK(checked.settings.charge_cell_voltage == defaults.charge_cell_voltage);
    CHECK(checked.settings.charge_temperature == defaults.charge_temperature);
    CHECK(checked.settings.discharge_cell_voltage == defaults.discharge_cell_voltage);
    CHECK(checked.settings.charge_soc == defaults.charge_soc);
    CHECK(checked.settings.current_map == defaults.current_map);
    CHECK(complaints_about(checked.findings)
          == Names{"CELL_VOLTAGES_WHILE_CHARGING", "CURRENT_REPORTED_BY_BMS",
                   "MAX_DISCHARGE_CURRENT_CV_FRACTION", "SOC_WHILE_CHARGING", "TEMPERATURES_WHILE_CHARGING"});
    // Falling and rising points are both good, and so is a map with a dead band.
    CHECK(complaints({{"CELL_VOLTAGES_WHILE_CHARGING", "3.3, 3.4, 3.5, 3.6, 3.7"},
                      {"MAX_CHARGE_CURRENT_CV_FRACTION", "1, 1, 0.5, 0.2, 0"},
                      {"CURRENT_REPORTED_BY_BMS", "-300, -0.5, 0.5, 300"},
                      {"CURRENT_MEASURED_BY_USER", "-300, 0, 0, 300"}})
              .empty());
}

TEST_CASE("voltages are put in order from top to bottom, each with what is corrected so far") {
    auto checked = check({{"FLOAT_CELL_VOLTAGE", "3.6"}, {"MIN_CELL_VOLTAGE", "3.5"}}, Ranges::ignored);
    CHECK(checked.settings.float_cell_v == 3.5);  // first down to the maximum, then up to the minimum
    CHECK(find(checked.findings, Problem::float_voltage)->setting == "FLOAT_CELL_VOLTAGE");
    CHECK(blocks_current(checked.findings));  // nothing can be charged between 3.5 and 3.45 V

    checked = check({{"SOC_RESET_CELL_VOLTAGE", "3.4"}});
    CHECK(checked.findings.empty());  // off
    checked = check({{"SOC_RESET_CELL_VOLTAGE", "3.4"}, {"SOC_RESET_AFTER_DAYS", "10"}});
    CHECK(checked.settings.soc_reset_cell_v == 3.45);
    CHECK(complaints_about(checked.findings) == Names{"SOC_RESET_CELL_VOLTAGE"});

    checked = check({{"BLOCK_ON_DISCONNECT_VOLTAGE_MIN", "2.8"}, {"BLOCK_ON_DISCONNECT_VOLTAGE_MAX", "3.5"}});
    CHECK(checked.settings.safe_window_min_v == 2.9);
    CHECK(checked.settings.safe_window_max_v == 3.45);
    CHECK_FALSE(checked.settings.block_on_disconnect);
    CHECK(complaints_about(checked.findings)
          == Names{"BLOCK_ON_DISCONNECT_VOLTAGE_MAX", "BLOCK_ON_DISCONNECT_VOLTAGE_MIN"});
    checked = check({{"BLOCK_ON_DISCONNECT_VOLTAGE_MIN", "3.5"}});  // MAX is 3.375: no window
    CHECK(checked.settings.block_on_disconnect);
    CHECK(check({{"BLOCK_ON_DISCONNECT_VOLTAGE_MIN", "3.5"}, {"BLOCK_ON_DISCONNECT", "True"}})
              .findings.empty());
    CHECK(
        check({{"BLOCK_ON_DISCONNECT_VOLTAGE_MIN", "3.375"}}).settings.block_on_disconnect);  // equal is none
}

TEST_CASE("a table that ends before the target is an error, whichever way it stands in the file") {
    CHECK(complaints({{"MAX_CELL_VOLTAGE", "3.55"}}) == Names{"CELL_VOLTAGES_WHILE_CHARGING"});
    CHECK(complaints({{"MAX_CELL_VOLTAGE", "3.5"}}).empty());
    CHECK(complaints({{"CELL_VOLTAGES_WHILE_CHARGING", "3.2, 3.3, 3.4"},
                      {"MAX_CHARGE_CURRENT_CV_FRACTION", "1, 0.5, 0"}})
          == Names{"CELL_VOLTAGES_WHILE_CHARGING"});
    CHECK(complaints({{"CELL_VOLTAGES_WHILE_CHARGING", "3.2, 3.3, 3.4"},
                      {"MAX_CHARGE_CURRENT_CV_FRACTION", "1, 0.5, 0.1"}})
              .empty());
    const auto checked = check({{"MIN_CELL_VOLTAGE", "2.7"}});
    CHECK(complaints_about(checked.findings) == Names{"CELL_VOLTAGES_WHILE_DISCHARGING"});
    CHECK(checked.settings.min_cell_v == 2.7);
    CHECK_FALSE(blocks_current(checked.findings));
}

TEST_CASE("warnings are complaints but no errors") {
    const auto no_full = check({{"MAX_DISCHARGE_CURRENT_SOC_FRACTION", "0.1, 0.2, 0.5, 0.9"}});
    CHECK(complaints_about(no_full.findings) == Names{"MAX_DISCHARGE_CURRENT_SOC_FRACTION"});
    CHECK_FALSE(is_faulty(no_full.findings));
    const auto never =
        check({{"SWITCH_TO_BULK_SOC_THRESHOLD", ""}, {"SWITCH_TO_BULK_CELL_VOLTAGE_DIFF", "0.101"}});
    CHECK(complaints_about(never.findings) == Names{"SWITCH_TO_BULK_SOC_THRESHOLD"});
    CHECK_FALSE(is_faulty(never.findings));
    CHECK(complaints({{"SWITCH_TO_BULK_SOC_THRESHOLD", ""}, {"SWITCH_TO_BULK_CELL_VOLTAGE_DIFF", "0.1"}})
              .empty());
    CHECK(check_for_battery(Settings{}, 16).empty());
    Settings high;
    high.max_cell_v = 4.2;
    REQUIRE(check_for_battery(high, 16).size() == 1);
    CHECK(check_for_battery(high, 16)[0].setting == "MAX_CELL_VOLTAGE");
    CHECK(check_for_battery(high, 15).empty());
}

TEST_CASE("an unknown name is reported with the nearest one") {
    const auto checked = check({{"MAX_CELL_VOLT", "3.5"}, {"max_cell_voltage", "3.5"}, {"XYZ", "1"}});
    CHECK(complaints_about(checked.findings) == Names{"MAX_CELL_VOLT", "XYZ", "max_cell_voltage"});
    CHECK(checked.findings[0].message == "MAX_CELL_VOLT is not a setting; did you mean MAX_CELL_VOLTAGE?");
    CHECK(checked.findings[1].message == "max_cell_voltage is not a setting; did you mean MAX_CELL_VOLTAGE?");
    CHECK(checked.findings[2].message == "XYZ is not a setting");
    CHECK(nearest_setting("FLOAT_CELL_VOLTGE") == "FLOAT_CELL_VOLTAGE");
    CHECK(nearest_setting(std::string(10000, 'A')).empty());
}

TEST_CASE("values outside their range give way to the default, but are no complaint of the chapter") {
    const auto checked = check({{"MAX_CELL_VOLTAGE", "34.5"},
                                {"MAX_BATTERY_CHARGE_CURRENT", "-5"},
                                {"CHARGE_MODE", "3"},
                                {"TEMPERATURE_SOURCE_BATTERY", "1, 5"},
                                {"LOGGING", "LOUD"},
                                {"TEMPERATURE_1_ADJUST", "0, 0"}});
    CHECK(checked.findings.size() == 6);
    CHECK(complaints_about(checked.findings).empty());
    CHECK(is_faulty(checked.findings));
    CHECK(checked.settings == Settings{});
    CHECK(checked.findings[0].message
          == "MAX_CELL_VOLTAGE = \"34.5\" is outside 1…5; the default 3.45 is used");
    const auto table = check({{"TEMPERATURES_WHILE_CHARGING", "0, 2, 5, 10, 40, 45, 50, 550"}});
    CHECK(table.settings == Settings{});
    CHECK(find(table.findings, Problem::out_of_range)->setting == "TEMPERATURES_WHILE_CHARGING");
    CHECK(check({{"MAX_CELL_VOLTAGE", "34.5"}}, Ranges::ignored).settings.max_cell_v == 34.5);
}

// ------------------------------------------------------------------------------------------ files

TEST_CASE("a file is read with its comments, line ends, continued lines and either separator") {
    const auto file = parse_config(
        "\xef\xbb\xbf# first\r\n[default]\r\nMAX_CELL_VOLTAGE=3.5\r\n; note\r\nMIN_CELL_VOLTAGE : 2.8\r"
        "CELL_VOLTAGES_WHILE_CHARGING =\n  3.7,\n\t3.6, 3.5,\n 3.4, 3.3\n\nLOGGING = DEBUG\n");
    CHECK(file.findings.empty());
    const auto checked = settings_for(file, {});
    CHECK(checked.settings.max_cell_v == 3.5);
    CHECK(checked.settings.min_cell_v == 2.8);
    CHECK(checked.settings.charge_cell_voltage.points == List{3.7, 3.6, 3.5, 3.4, 3.3});
    CHECK(checked.settings.log_level == "DEBUG");
    CHECK(settings_for(parse_config(""), {}).findings.empty());
    CHECK(settings_for(parse_config("\n; nothing\n"), {}).findings.empty());
}

TEST_CASE("without a section line nothing counts and no current is allowed") {
    const auto checked = settings_for(parse_config("MAX_CELL_VOLTAGE = 3.5\nMIN_CELL_VOLTAGE = 2.8\n"), {});
    CHECK(checked.settings == Settings{});
    REQUIRE(checked.findings.size() == 1);
    CHECK(checked.findings[0].problem == Problem::no_section);
    CHECK(blocks_current(checked.findings));
    CHECK(complaints_about(checked.findings).empty());
    const Findings unreadable = {unreadable_file("/data/conf/x.ini")};
    CHECK(blocks_current(unreadable));
    CHECK(is_faulty(unreadable));
}

TEST_CASE("unknown sections and lines that are no options are reported") {
    const auto file = parse_config(
        "[default]\nMAX_CELL_VOLTAGE = 3.4\n[Battery 1]\nFLOAT_CELL_VOLTAGE = "
        "3.3\n[battery:]\n[open\n[default]\njust "
        "words\n");
    CHECK(complaints_about(file.findings) == Names{"Battery 1", "battery:", "just words", "open"});
    const auto checked = settings_for(file, {});
    CHECK(checked.settings.max_cell_v == 3.4);
    CHECK(checked.settings.float_cell_v == 3.375);
}

TEST_CASE("a battery's own section wins over its port's, over the defaults; D-Bus wins over all") {
    const auto file = parse_config(
        "[default]\nMAX_CELL_VOLTAGE = 3.41\nVOLTAGE_DROP = 0.1\n[port:ttyUSB1]\nVOLTAGE_DROP = "
        "0.2\nBMS_TYPE = "
        "Daly\n[battery:JK-4711]\nMAX_CELL_VOLTAGE = 3.42\n[port:ttyUSB10]\nVOLTAGE_DROP = 0.3\n");
    const auto of = [&file](std::string id, std::string port, std::vector<SettingText> bus = {}) {
        return settings_for(file, {.battery_id = std::move(id), .port = std::move(port), .overrides = bus})
            .settings;
    };
    CHECK(of("JK-4711", "ttyUSB1").max_cell_v == 3.42);
    CHECK(of("JK-4711", "ttyUSB1").voltage_drop_v == 0.2);
    CHECK(of("JK-4711", "ttyUSB1").bms_types == TextList{"Daly"});
    CHECK(of("other", "ttyUSB10").max_cell_v == 3.41);
    CHECK(of("other", "ttyUSB10").voltage_drop_v == 0.3);
    CHECK(of("other", "ttyUSB").voltage_drop_v == 0.1);
    CHECK(of("JK-4711", "ttyUSB1", {{"MAX_CELL_VOLTAGE", "3.43"}}).max_cell_v == 3.43);
}

TEST_CASE("a setting that stands twice with different values keeps its default") {
    const auto checked =
        settings_for(parse_config("[default]\nVOLTAGE_DROP=0.1\nVOLTAGE_DROP=0.2\nCHARGE_MODE=2\n"
                                  "CHARGE_MODE = 2\n"),
                     {});
    CHECK(checked.settings.voltage_drop_v == 0);
    CHECK(checked.settings.charge_mode == 2);
    REQUIRE(checked.findings.size() == 1);
    CHECK(checked.findings[0].problem == Problem::set_twice);
    CHECK(checked.findings[0].message
          == "VOLTAGE_DROP stands in lines 2 and 3 with different values; the default 0 is used");
}

TEST_CASE("a written file holds what differs and reads back the same") {
    Settings settings;
    CHECK(config_text(settings).empty());
    settings.max_cell_v = 3.5;
    settings.soc_reset_days = 20;
    settings.charge_cell_voltage = {{3.8, 3.6, 3.4}, {0, 0.5, 1}};
    settings.addresses = {"0x01", "0x02"};
    settings.temperature_3_adjust = {.offset_c = -1.5, .slope = 1.01};
    settings.temperature_1_name = "Top, left";
    settings.charge_phases = false;
    const auto text = config_text(settings);
    CHECK(text.starts_with("[default]\nMAX_CELL_VOLTAGE = 3.5\n"));
    CHECK(settings_of(text) == settings);
}

// ------------------------------------------------------------------------------------------ settings service

TEST_CASE("what is registered with the settings service covers every setting that belongs there") {
    std::set<std::string_view> names;
    for (const auto place : {Place::battery, Place::installation}) {
        for (const auto& setting : bus_settings(place)) {
            INFO(setting.row->name);
            names.insert(setting.row->name);
            CHECK(setting.fallback == bus_value(Settings{}, *setting.row));
            const auto texts = texts_of(*setting.row, setting.fallback);
            REQUIRE(texts);
            CHECK(check_texts(*texts).findings.empty());
            const auto number = [&setting] {
                const auto* whole = std::get_if<std::int64_t>(&setting.fallback);
                const auto* real = std::get_if<double>(&setting.fallback);
                return whole != nullptr ? static_cast<double>(*whole) : real != nullptr ? *real : setting.low;
            }();
            CHECK(number >= setting.low);
            CHECK(number <= setting.high);
            CHECK(written(Settings{}, *setting.row, setting.fallback));
        }
    }
    CHECK(names.contains("MAX_CELL_VOLTAGE"));
    CHECK(names.contains("LOGGING"));
    CHECK_FALSE(names.contains("BATTERY_ADDRESSES"));
    CHECK_FALSE(names.contains("MAX_CHARGE_CURRENT_CV_FRACTION"));
}

TEST_CASE("a written value becomes a setting or is refused with its reason") {
    const Settings defaults;
    const auto write = [&defaults](std::string_view name, BusValue value) {
        return written(defaults, *find_setting(name), value);
    };
    CHECK(write("MAX_CELL_VOLTAGE", 3.5)->max_cell_v == 3.5);
    CHECK(write("MAX_BATTERY_CHARGE_CURRENT", std::int64_t{80})->max_charge_current_a == 80);
    CHECK(write("SOC_CALCULATION", std::int64_t{1})->soc_calculation);
    CHECK(write("SOC_RESET_AFTER_DAYS", 0.0).error().find("CELL_VOLTAGES_WHILE_CHARGING") == 0);
    CHECK(write("SOC_RESET_AFTER_DAYS", -1.0)->soc_reset_days == std::nullopt);
    CHECK(write("TEMPERATURE_1_NAME", std::string("Top"))->temperature_1_name == "Top");
    CHECK(write("CELL_VOLTAGES_WHILE_CHARGING", std::string("3.3:1, 3.6:0"))->charge_cell_voltage
          == Curve{{3.3, 3.6}, {1, 0}});
    CHECK(write("CHARGE_MODE", std::int64_t{2})->charge_mode == 2);

    CHECK(write("MAX_CELL_VOLTAGE", std::int64_t{0}).error()
          == "MAX_CELL_VOLTAGE = \"0\" is not allowed; allowed is 1…5");
    CHECK_FALSE(write("MAX_CELL_VOLTAGE", std::string("3.5")));
    CHECK_FALSE(write("MAX_CELL_VOLTAGE", std::nan("")));
    CHECK_FALSE(write("MAX_CELL_VOLTAGE", 3.3));  // float would be above it
    CHECK_FALSE(write("CHARGE_MODE", std::int64_t{3}));
    CHECK_FALSE(write("SOC_CALCULATION", std::int64_t{2}));
    CHECK_FALSE(write("TEMPERATURE_1_NAME", std::int64_t{1}));
    CHECK_FALSE(write("CELL_VOLTAGES_WHILE_CHARGING", std::string("3.3:1, 3.6")));
    CHECK_FALSE(write("CELL_VOLTAGES_WHILE_CHARGING", std::string("3.3:1, 3.6:2")));
    CHECK_FALSE(
        write("CELL_VOLTAGES_WHILE_CHARGING", std::string("3.3:1, 3.4:0")));  // ends before the target
    CHECK_FALSE(write("CELL_VOLTAGES_WHILE_CHARGING", std::string("")));
    CHECK_FALSE(write("SOC_RESET_AFTER_DAYS", -2.0));
    CHECK_FALSE(write("TEMPERATURE_1_ADJUST", std::string("1")));
    // An error that is there already does not keep anybody from changing something else.
    Settings faulty;
    faulty.max_cell_v = 3.6;
    CHECK(written(faulty, *find_setting("VOLTAGE_DROP"), 0.2));
}

// ------------------------------------------------------------------------------------------ import

TEST_CASE("a second generation file is taken over with what works differently") {
    const auto import = import_config(file_text("v2-two-racks.ini"));
    const Settings& s = import.settings;
    CHECK(s.max_charge_current_a == 100);
    CHECK(s.max_discharge_current_a == 120);
    CHECK(s.float_cell_v == 3.35);
    CHECK(s.soc_reset_cell_v == 3.55);
    CHECK(s.soc_reset_days == 30);
    CHECK(s.charge_cell_voltage == Curve{{3.60, 3.55, 3.50, 3.45, 3.40}, {0, 0.05, 0.1, 0.5, 1}});
    CHECK(s.absorption_s == 1800);
    CHECK(s.addresses == TextList{"0x01", "0x02"});
    CHECK(s.temperature_1_name == "Top");
    CHECK(s.temperature_2_adjust == Adjust{-1.5, 1});
    CHECK(import.findings.empty());
    CHECK(line_of(import, "MAX_CELL_VOLTAGE").taken == Taken::as_default);
    CHECK(line_of(import, "FLOAT_CELL_VOLTAGE").taken == Taken::understood);
    CHECK(line_of(import, "TELEMETRY").taken == Taken::ignored);
    CHECK(line_of(import, "TELEMETRY").why == "This driver reports to nobody");
    CHECK(line_of(import, "CUSTOM_BATTERY_NAMES").taken == Taken::ignored);
    CHECK(line_of(import, "CUSTOM_BATTERY_NAMES").line == 34);
    CHECK(import.notes.size() == 2);  // ports, the shunt's name
    CHECK(settings_of(import.config) == s);
}

TEST_CASE("a first generation file is translated") {
    const auto import = import_config(file_text("v1-daly.ini"));
    const Settings& s = import.settings;
    CHECK(s.charge_mode == 2);
    CHECK(s.limit_refresh_s == 30);
    CHECK(s.limit_refresh_percent == 5);
    CHECK(s.current_sign == -1);
    CHECK(s.soc_reset_cell_v == 3.6);
    CHECK(s.balanced_diff_v == 0.02);
    CHECK(s.balanced_deviation_v == 0.004);
    CHECK(s.bulk_diff_v == 0.09);
    CHECK(s.absorption_s == 600);
    CHECK(s.bulk_soc_percent == 75);
    CHECK(s.controller_mode == 2);
    CHECK(s.temperature_sources == List{1, 2, 3, 4});
    CHECK(s.temperature_2_name == "Terminal");
    CHECK_FALSE(s.use_bms_limits);
    CHECK(s.external_service.empty());
    CHECK(s.addresses == TextList{"0x30"});
    // Only the points were set; the fractions of that time had four elements as well.
    CHECK(s.charge_cell_voltage == Curve{{3.60, 3.55, 3.45, 3.30}, {0, 0.05, 0.5, 1}});
    CHECK(import.findings.empty());
    CHECK(line_of(import, "REPUBLISH_INTERVAL").taken == Taken::ignored);
    const auto& deviation = line_of(import, "CELL_VOLTAGE_DIFF_KEEP_MAX_VOLTAGE_TIME_RESTART");
    CHECK(deviation.taken == Taken::changed);
    CHECK(deviation.becomes == "SWITCH_TO_FLOAT_CELL_VOLTAGE_DEVIATION = 0.004");
    CHECK(settings_of(import.config) == s);
}

TEST_CASE("what has no effect here is not called understood") {
    const auto import = import_config(
        "[DEFAULT]\n"
        "BLUETOOTH_BMS = Jkbms_Ble C8:47:8C:00:00:00\n"
        "CAN_PORT = can0\n"
        "MQTT_TOPIC = solar/battery\n"
        "LIPRO_END_ADDRESS = 9\n"
        "PUBLISH_CONFIG_VALUES = True\n"
        "SERIAL_STARTER_ENABLED = False\n");
    REQUIRE(import.lines.size() == 6);
    for (const auto& line : import.lines) {
        INFO(line.name);
        CHECK(line.taken == Taken::ignored);
        CHECK_FALSE(line.why.empty());
    }
    CHECK(line_of(import, "MQTT_TOPIC").why == "MQTT batteries are not read");
    CHECK(import.findings.empty());
    CHECK(import.config.empty());
}

TEST_CASE("a table of points under its first name is taken over") {
    const auto import = import_config(
        "[DEFAULT]\n"
        "TEMPERATURE_LIMITS_WHILE_CHARGING = 0, 10, 50\n"
        "MAX_CHARGE_CURRENT_T_FRACTION = 0, 1, 0\n");
    CHECK(import.settings.charge_temperature == Curve{{0, 10, 50}, {0, 1, 0}});
    CHECK(line_of(import, "TEMPERATURE_LIMITS_WHILE_CHARGING").taken == Taken::changed);
}

TEST_CASE("what cannot be used is refused with a hint, and nothing is guessed") {
    const auto import = import_config(file_text("comma.ini"));
    const Settings& s = import.settings;
    Settings expected;
    expected.soc_low_alarm_percent = 12;
    CHECK(s == expected);
    CHECK(line_of(import, "MAX_CELL_VOLTAGE").why
          == "not usable (a decimal point is needed, not a comma); the default 3.45 is used");
    CHECK(line_of(import, "MAX_BATTERY_DISCHARGE_CURRENT").why
          == "not usable (a comment needs a line of its own); the default 60 is used");
    CHECK(line_of(import, "MAX_BATTERY_CHARGE_CURRENT").taken == Taken::refused);
    CHECK(line_of(import, "BLOCK_ON_DISCONNECT").taken == Taken::refused);
    CHECK(line_of(import, "MAX_CELL_VOLT").why == "there is no such setting; MAX_CELL_VOLTAGE?");
    CHECK(line_of(import, "min_cell_voltage").why == "there is no such setting; MIN_CELL_VOLTAGE?");
    CHECK(line_of(import, "MIN_CELL_VOLTAGE").why == "outside 1…5; the default 2.9 is used");
    CHECK(line_of(import, "VOLTAGE_DROP").taken == Taken::refused);
    const auto report = import_report(import);
    CHECK(report.find("Not usable (8)\n") != std::string::npos);
    CHECK(report.find("  line 3: MAX_CELL_VOLTAGE = 3,45: not usable") != std::string::npos);
    CHECK(report.ends_with("Configuration\n[default]\nSOC_LOW_ALARM = 12\n"));
}

TEST_CASE("an import says when the file as a whole cannot be used, and when nothing is left to do") {
    const auto bare = import_config("MAX_CELL_VOLTAGE = 3.5\n");
    REQUIRE(bare.findings.size() == 1);
    CHECK(bare.findings[0].problem == Problem::no_section);
    CHECK(bare.config.empty());
    CHECK(import_report(bare).find("error: line 1: the line [DEFAULT] is missing") != std::string::npos);
    CHECK(import_report(import_config("[DEFAULT]\n"))
          == "Configuration\n  nothing: every setting is at its default\n");
    const auto late = import_config("[DEFAULT]\nSOC_RESET_AFTER_DAYS = 15\n");
    CHECK(import_report(late).find("error: CELL_VOLTAGES_WHILE_CHARGING stops charging at 3.5 V")
          != std::string::npos);
}
