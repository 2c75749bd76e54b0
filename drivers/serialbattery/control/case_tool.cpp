#include "serialbattery/control/case_tool.hpp"

#include "serialbattery/control/config_check.hpp"
#include "serialbattery/control/control.hpp"
#include "serialbattery/control/settings_text.hpp"

#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>

namespace bms::control {
namespace {

using Json = nlohmann::json;

/// What is wrong with a case; becomes its answer.
struct CaseError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

constexpr double kLongestDays = 3660;
constexpr std::int64_t kMostPolls = 20'000'000;
constexpr std::size_t kMostCells = 1000;

// ------------------------------------------------------------------------------------------- reading JSON

const Json& required(const Json& object, const char* key) {
    const auto at = object.find(key);
    if (at == object.end()) {
        throw CaseError(std::string(key) + " is missing");
    }
    return *at;
}

/// The value of a key, nullptr when it is absent or null.
const Json* optional_key(const Json& object, const char* key) {
    if (!object.is_object()) {
        return nullptr;
    }
    const auto at = object.find(key);
    return at == object.end() || at->is_null() ? nullptr : &*at;
}

double number(const Json& value, std::string_view what) {
    if (!value.is_number()) {
        throw CaseError(std::string(what) + " is not a number");
    }
    return value.get<double>();
}

std::optional<double> optional_number(const Json& object, const char* key) {
    const Json* value = optional_key(object, key);
    return value != nullptr ? std::optional(number(*value, key)) : std::nullopt;
}

std::optional<bool> optional_switch(const Json& object, const char* key) {
    const Json* value = optional_key(object, key);
    if (value != nullptr && !value->is_boolean()) {
        throw CaseError(std::string(key) + " is neither true nor false");
    }
    return value != nullptr ? std::optional(value->get<bool>()) : std::nullopt;
}

std::vector<std::optional<double>> optional_numbers(const Json& object, const char* key) {
    std::vector<std::optional<double>> list;
    const Json* value = optional_key(object, key);
    if (value != nullptr && !value->is_array()) {
        throw CaseError(std::string(key) + " is not a list");
    }
    for (const auto& element : value != nullptr ? *value : Json::array()) {
        list.push_back(element.is_null() ? std::nullopt : std::optional(number(element, key)));
    }
    return list;
}

Millis time_of(const Json& value, std::string_view what) {
    const double seconds = number(value, what);
    if (!(std::fabs(seconds) <= kLongestDays * 86400)) {
        throw CaseError(std::string(what) + " is out of range");
    }
    return Millis{std::llround(seconds * 1000)};
}

/// A JSON value of a setting as it would stand in a file.
std::string setting_text(const Json& value, const std::string& name) {
    if (value.is_null()) {
        return {};
    }
    if (value.is_boolean()) {
        return value.get<bool>() ? "True" : "False";
    }
    if (value.is_string()) {
        return value.get<std::string>();
    }
    if (value.is_number()) {
        return number_text(value.get<double>());
    }
    if (!value.is_array()) {
        throw CaseError("setting " + name + " has no usable value");
    }
    std::string text;
    for (const auto& element : value) {
        text += text.empty() ? "" : ", ";
        text += element.is_array() || element.is_object() ? "?" : setting_text(element, name);
    }
    return text;
}

Settings read_settings(const Json& object) {
    if (!object.is_object()) {
        throw CaseError("settings is not an object");
    }
    Settings settings;
    for (const auto& [name, value] : object.items()) {
        const Row* row = find_setting(name);
        if (row != nullptr && set_from_text(settings, *row, setting_text(value, name))) {
            throw CaseError("setting " + name + " has no usable value");
        }
    }
    // Peculiar to this driver; a case knows nothing of them.
    settings.alarm_clear_delay_s = 0;
    return settings;
}

// ------------------------------------------------------------------------------------------- configuration

Json setting_json(const Settings& settings, const Row& row) {
    if (const auto* member = std::get_if<bool Settings::*>(&row.member)) {
        return settings.**member;
    }
    if (const auto* member = std::get_if<double Settings::*>(&row.member)) {
        return settings.**member;
    }
    if (const auto* member = std::get_if<std::optional<double> Settings::*>(&row.member)) {
        const auto& value = settings.**member;
        return value ? Json(*value) : Json(nullptr);
    }
    if (const auto* member = std::get_if<CurveList>(&row.member)) {
        return settings.*member->curve.*member->list;
    }
    if (const auto* member = std::get_if<Adjust Settings::*>(&row.member)) {
        const Adjust& adjust = settings.**member;
        return Json::array({adjust.offset_c, adjust.slope});
    }
    const bool empty_by_default = default_text(row).empty();
    if (const auto* member = std::get_if<List Settings::*>(&row.member)) {
        const List& list = settings.**member;
        return list.empty() && empty_by_default ? Json(nullptr) : Json(list);
    }
    const std::string text = to_text(settings, row);
    return text.empty() && empty_by_default ? Json(nullptr) : Json(text);
}

Json run_configuration(const Json& line) {
    const Json& texts = required(line, "settings_text");
    if (!texts.is_object()) {
        throw CaseError("settings_text is not an object");
    }
    std::vector<SettingText> entries;
    for (const auto& [name, text] : texts.items()) {
        if (!text.is_string()) {
            throw CaseError("the text of " + name + " is not a text");
        }
        entries.push_back({name, text.get<std::string>()});
    }
    const Checked checked = check_texts(entries, Ranges::ignored);
    Json effective = Json::object();
    for (std::size_t i = 0; i < kOwnSettingsFrom; ++i) {
        effective[std::string(kSettings[i].name)] = setting_json(checked.settings, kSettings[i]);
    }
    return {{"complaints_about", complaints_about(checked.findings)}, {"effective", std::move(effective)}};
}

// ------------------------------------------------------------------------------------------- time series

/// Names of the alarms in a case: LowVoltage is low_voltage.
const std::vector<std::string>& alarm_keys() {
    static const std::vector<std::string> kKeys = [] {
        std::vector<std::string> keys;
        for (const auto name : kAlarmNames) {
            std::string key;
            for (const char c : name) {
                const bool capital = c >= 'A' && c <= 'Z';
                key += capital && !key.empty() ? "_" : "";
                key += capital ? static_cast<char>(c - 'A' + 'a') : c;
            }
            keys.push_back(std::move(key));
        }
        return keys;
    }();
    return kKeys;
}

Alarms read_alarms(const Json& in) {
    Alarms alarms;
    for (std::size_t i = 0; i < kAlarmCount; ++i) {
        alarms.supports(static_cast<Alarm>(i));
    }
    if (const Json* levels = optional_key(in, "alarms")) {
        for (std::size_t i = 0; i < kAlarmCount; ++i) {
            const double level = optional_number(*levels, alarm_keys()[i].c_str()).value_or(0);
            alarms.raise(static_cast<Alarm>(i), level >= 2   ? Level::alarm
                                                : level >= 1 ? Level::warning
                                                             : Level::ok);
        }
    }
    return alarms;
}

struct Segment {
    Millis from{};
    Millis to{};
    Millis period{};
    bool reply = true;
    Measurement reading;
    Surroundings around;
};

struct Case {
    Settings settings;
    Pack pack;
    std::vector<Segment> timeline;
    std::vector<Json> checks;  ///< their t as it was given
};

Measurement read_measurement(const Json& in, const Json& pack) {
    Measurement reading;
    reading.cells = optional_numbers(in, "cells");
    reading.voltage_v = optional_number(in, "voltage");
    reading.current_a = optional_number(in, "current");
    reading.soc_percent = optional_number(in, "soc");
    reading.temperatures_c = optional_numbers(in, "temperatures");
    reading.mosfet_c = optional_number(in, "mosfet");
    reading.charge_fet = optional_switch(in, "charge_fet");
    reading.discharge_fet = optional_switch(in, "discharge_fet");
    reading.balancing = optional_switch(in, "balancing").value_or(false);
    reading.alarms = read_alarms(in);
    reading.bms_charge_current_a = optional_number(pack, "bms_max_charge_current");
    reading.bms_discharge_current_a = optional_number(pack, "bms_max_discharge_current");
    return reading;
}

std::optional<Ess> read_ess(const Json& line) {
    const Json* ess = optional_key(line, "ess");
    if (ess == nullptr) {
        return std::nullopt;
    }
    return Ess{.hub4_mode = static_cast<int>(saturated(optional_number(*ess, "hub4mode").value_or(0))),
               .battery_life_state = static_cast<int>(saturated(optional_number(*ess, "state").value_or(0))),
               .minimum_soc_limit = optional_number(*ess, "min_soc"),
               .soc_limit = optional_number(*ess, "soc_limit")};
}

bool sensor_present(const Json& line, const Settings& settings) {
    const Json* services = optional_key(line, "external_services");
    if (services == nullptr || !services->is_array() || settings.external_service.empty()) {
        return false;
    }
    return std::ranges::any_of(*services, [&settings](const Json& name) {
        return name.is_string() && name.get<std::string>() == settings.external_service;
    });
}

Segment read_segment(const Json& object, const Json& pack, const Surroundings& around, bool sensor) {
    Segment segment;
    segment.from = time_of(required(object, "from"), "from");
    segment.to = time_of(required(object, "to"), "to");
    const Json* period = optional_key(object, "period_s");
    segment.period = period != nullptr ? time_of(*period, "period_s") : Millis{1000};
    if (segment.period <= Millis{0}) {
        throw CaseError("period_s is not positive");
    }
    const Json& in = required(object, "in");
    segment.reply = optional_switch(in, "reply").value_or(true);
    segment.around = around;
    if (segment.reply) {
        segment.reading = read_measurement(in, pack);
        segment.around.external_current_a = sensor ? optional_number(in, "ext_current") : std::nullopt;
    }
    return segment;
}

Case read_case(const Json& line) {
    Case result;
    result.settings = read_settings(required(line, "settings"));
    const Json& pack = required(line, "pack");
    const double cells = number(required(pack, "cell_count"), "cell_count");
    if (!(cells >= 1 && cells <= static_cast<double>(kMostCells))) {
        throw CaseError("cell_count is out of range");
    }
    result.pack.cell_count = static_cast<std::size_t>(cells);
    required(pack, "capacity_ah");
    result.pack.capacity_ah = optional_number(pack, "capacity_ah");

    const Surroundings around = {.ess = read_ess(line)};
    const bool sensor = sensor_present(line, result.settings);
    const Json& timeline = required(line, "timeline");
    if (!timeline.is_array()) {
        throw CaseError("timeline is not a list");
    }
    std::int64_t polls = 0;
    for (const auto& object : timeline) {
        result.timeline.push_back(read_segment(object, pack, around, sensor));
        const Segment& segment = result.timeline.back();
        polls += std::max<std::int64_t>(0, (segment.to - segment.from) / segment.period + 1);
        if (polls > kMostPolls) {
            throw CaseError("the time line has too many polls");
        }
    }
    const Json& checks = required(line, "checks");
    if (!checks.is_array()) {
        throw CaseError("checks is not a list");
    }
    for (const auto& check : checks) {
        time_of(required(check, "t"), "t");
        result.checks.push_back(check["t"]);
    }
    return result;
}

void read_initial_state(State& state, const Json& line) {
    const Json* initial = optional_key(line, "initial_state");
    if (initial == nullptr) {
        return;
    }
    const auto seconds = [initial](const char* key) -> std::optional<Seconds> {
        const Json* value = optional_key(*initial, key);
        if (value == nullptr || value->is_string()) {  // "never"
            return std::nullopt;
        }
        return whole_seconds(time_of(*value, key));
    };
    state.voltage.allow_max = optional_switch(*initial, "allow_max_voltage").value_or(true);
    state.voltage.absorption_since = seconds("absorption_timer_start");
    state.voltage.last_reset = seconds("soc_reset_last_reached");
    state.soc.stored_percent = optional_number(*initial, "soc_stored");
}

// ------------------------------------------------------------------------------------------- writing JSON

template <class T>
Json json(const std::optional<T>& value) {
    return value ? Json(*value) : Json(nullptr);
}
Json json(const std::optional<bool>& value) {
    return value ? Json(*value ? 1 : 0) : Json(nullptr);
}
Json rounded(const std::optional<double>& value, int decimals) {
    return value ? Json(round_to(*value, decimals)) : Json(nullptr);
}
Json drawn(const std::optional<double>& value) {
    return value ? Json(0 - *value) : Json(nullptr);
}
Json text_or_null(std::string_view text) {
    return text.empty() ? Json(nullptr) : Json(text);
}
Json level_json(std::optional<Level> level) {
    return level ? Json(static_cast<int>(*level)) : Json(nullptr);
}

void write_history(Json& object, const Output& out) {
    const HistoryValues& h = out.history;
    object["history_deepest_discharge"] = drawn(h.deepest_discharge_ah);
    object["history_last_discharge"] = drawn(h.last_discharge_ah);
    object["history_average_discharge"] = drawn(h.average_discharge_ah);
    object["history_total_ah_drawn"] = drawn(h.total_ah_drawn);
    object["history_charge_cycles"] = json(h.charge_cycles);
    object["history_full_discharges"] = json(h.full_discharges);
    object["history_minimum_voltage"] = json(h.minimum_voltage);
    object["history_maximum_voltage"] = json(h.maximum_voltage);
    object["history_minimum_cell_voltage"] = json(h.minimum_cell_voltage);
    object["history_maximum_cell_voltage"] = json(h.maximum_cell_voltage);
    object["history_minimum_temperature"] = json(h.minimum_temperature_c);
    object["history_maximum_temperature"] = json(h.maximum_temperature_c);
    object["history_time_since_last_full_charge"] = json(out.since_full_charge_s);
    object["history_automatic_syncs"] = json(h.automatic_syncs);
    object["history_low_voltage_alarms"] = json(h.low_voltage_alarms);
    object["history_high_voltage_alarms"] = json(h.high_voltage_alarms);
    object["history_discharged_energy"] = json(h.discharged_energy_kwh);
    object["history_charged_energy"] = json(h.charged_energy_kwh);
}

Json result_of(const State& state) {
    const Output& out = state.out;
    const bool known = state.connection.ever_heard;
    Json object = Json::object();
    object["cvl"] = json(out.charge_voltage_v);
    object["cvl_exact"] = rounded(out.charge_voltage_exact_v, 6);
    object["ccl"] = json(out.charge_current_a);
    object["dcl"] = json(out.discharge_current_a);
    object["phase"] = text_or_null(phase_name(out.phase));
    object["cell_ovp"] = known ? Json(ovp_name(out.cell_ovp)) : Json(nullptr);
    object["soc_reset"] = known ? Json(out.reset_charge) : Json(nullptr);
    object["charge_limitation"] = text_or_null(limitation_text(out.charge_limitation, Direction::charge));
    object["discharge_limitation"] =
        text_or_null(limitation_text(out.discharge_limitation, Direction::discharge));
    object["allow_to_charge"] = json(out.allow_charge);
    object["allow_to_discharge"] = json(out.allow_discharge);
    object["state"] = out.state;
    object["mode"] = json(out.mode);
    object["voltage"] = json(out.voltage_v);
    object["current"] = json(out.current_a);
    object["power"] = json(out.power_w);
    object["battery_temperature"] = json(out.temperatures.battery_c);
    object["soc"] = json(out.soc_percent);
    object["remaining_ah"] = json(out.remaining_ah);
    object["consumed_ah"] = json(out.consumed_ah);
    object["current_avg"] = json(out.current_average_a);
    object["time_to_go"] = json(out.time_to_go.seconds);
    object["mid_voltage"] = out.midpoint ? Json(out.midpoint->volts) : Json(nullptr);
    object["mid_voltage_deviation"] = out.midpoint ? Json(out.midpoint->deviation_percent) : Json(nullptr);
    object["modules_online"] = json(out.online);
    object["bms_cable_alarm"] = static_cast<int>(out.bms_cable);
    object["high_voltage_alarm"] = level_json(out.alarms[Alarm::high_voltage]);
    object["high_cell_voltage_alarm"] = level_json(out.alarms[Alarm::high_cell_voltage]);
    object["service_gone_at"] =
        state.connection.gone_at ? Json(state.connection.gone_at->count()) : Json(nullptr);
    write_history(object, out);
    return object;
}

Json run_time_series(const Json& line) {
    const Case one = read_case(line);
    State state;
    read_initial_state(state, line);
    Json checks = Json::array();
    auto next = one.checks.begin();
    // Shows the state at every check before `until`.
    const auto show_checks = [&](Millis until) {
        while (next != one.checks.end() && time_of(*next, "t") < until) {
            Json shown = result_of(state);
            shown["t"] = *next++;
            checks.push_back(std::move(shown));
        }
    };
    for (const auto& segment : one.timeline) {
        const Context context = {
            .settings = one.settings, .pack = one.pack, .around = segment.around, .interval = segment.period};
        for (Millis now = segment.from; now <= segment.to; now += segment.period) {
            show_checks(now);
            poll(state, context, segment.reply ? &segment.reading : nullptr, now);
        }
    }
    show_checks(Millis::max());
    Json result = result_of(state);
    if (!checks.empty()) {
        result = checks.back();
        result.erase("t");
    }
    result["checks"] = std::move(checks);
    return result;
}

Json run(const Json& line) {
    if (!line.is_object()) {
        throw CaseError("not a JSON object");
    }
    const Json& protocol = required(line, "protocol");
    if (protocol == "battery-control") {
        return run_time_series(line);
    }
    if (protocol == "battery-config") {
        return run_configuration(line);
    }
    throw CaseError("unknown protocol");
}

}  // namespace

std::string run_case(std::string_view line) {
    Json answer;
    try {
        answer = run(Json::parse(line));
    } catch (const Json::parse_error&) {
        answer = {{"error", "not JSON"}};
    } catch (const std::exception& error) {  // CaseError, or a type that JSON did not expect
        answer = {{"error", error.what()}};
    }
    return answer.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace bms::control
