#include "serialbattery/cli/battery_text.hpp"

#include "serialbattery/control/numbers.hpp"
#include "serialbattery/driver/measurement.hpp"

#include <array>
#include <variant>

#include <fmt/format.h>

namespace bms::cli {
namespace {

using Json = nlohmann::ordered_json;
using Text = std::string Battery::*;
using Number = std::optional<double> Battery::*;
using Count = std::optional<std::uint32_t> Battery::*;
using Switch = std::optional<bool> Battery::*;

struct Row {
    std::string_view key;    ///< in JSON, with the unit
    std::string_view title;  ///< for people
    std::variant<Text, Number, Count, Switch> member;
    std::string_view unit = {};
    int decimals = 0;
};

using B = Battery;
constexpr auto kRows = std::to_array<Row>({
    {"manufacturer", "manufacturer", &B::manufacturer},
    {"model", "model", &B::model},
    {"hardware_version", "hardware", &B::hardware_version},
    {"firmware_version", "firmware", &B::firmware_version},
    {"serial", "serial number", &B::serial},
    {"device_name", "name", &B::device_name},
    {"voltage_V", "voltage", &B::voltage_v, "V", 3},
    {"current_A", "current", &B::current_a, "A", 3},
    {"soc_pct", "state of charge", &B::soc_pct, "%", 2},
    {"soh_pct", "state of health", &B::soh_pct, "%", 1},
    {"remaining_Ah", "remaining", &B::remaining_ah, "Ah", 2},
    {"full_Ah", "full capacity", &B::full_ah, "Ah", 2},
    {"capacity_Ah", "rated capacity", &B::capacity_ah, "Ah", 2},
    {"cycles", "cycles", &B::cycles},
    {"charged_Ah", "charged", &B::charged_ah, "Ah", 1},
    {"discharged_Ah", "discharged", &B::discharged_ah, "Ah", 1},
    {"charged_kWh", "charged", &B::charged_kwh, "kWh", 3},
    {"discharged_kWh", "discharged", &B::discharged_kwh, "kWh", 3},
    {"run_time_s", "run time", &B::run_time_s, "s"},
    {"cell_count", "cells", &B::cell_count},
    {"min_cell_V", "lowest cell", &B::min_cell_v, "V", 3},
    {"max_cell_V", "highest cell", &B::max_cell_v, "V", 3},
    {"mid_voltage_V", "midpoint voltage", &B::mid_voltage_v, "V", 3},
    {"charge_fet", "charging", &B::charge_fet},
    {"discharge_fet", "discharging", &B::discharge_fet},
    {"balancing", "balancing", &B::balancing},
    {"heating", "heating", &B::heating},
    {"charge_switch", "charge switch", &B::charge_switch},
    {"discharge_switch", "discharge switch", &B::discharge_switch},
    {"balance_switch", "balancer switch", &B::balance_switch},
    {"heater_switch", "heater switch", &B::heater_switch},
    {"charge_voltage_limit_V", "charge voltage limit", &B::charge_voltage_limit_v, "V", 2},
    {"discharge_voltage_limit_V", "discharge voltage limit", &B::discharge_voltage_limit_v, "V", 2},
    {"charge_current_limit_A", "charge current limit", &B::charge_current_limit_a, "A", 1},
    {"discharge_current_limit_A", "discharge current limit", &B::discharge_current_limit_a, "A", 1},
    {"charge_overcurrent_A", "charge protection", &B::charge_overcurrent_a, "A", 1},
    {"discharge_overcurrent_A", "discharge protection", &B::discharge_overcurrent_a, "A", 1},
    {"cell_overvoltage_V", "cell protection, high", &B::cell_overvoltage_v, "V", 3},
    {"cell_undervoltage_V", "cell protection, low", &B::cell_undervoltage_v, "V", 3},
    {"heater_current_A", "heater current", &B::heater_current_a, "A", 1},
    {"heater_start_C", "heater starts at", &B::heater_start_c, "°C", 1},
    {"heater_stop_C", "heater stops at", &B::heater_stop_c, "°C", 1},
    {"status_word", "status word", &B::status_word},
    {"alarm_word", "alarm word", &B::alarm_word},
    {"warning_word", "warning word", &B::warning_word},
});

constexpr auto kPlaces =
    std::to_array<std::string_view>({"cell", "mosfet", "ambient", "board", "balancer", "heater"});
static_assert(kPlaces.size() == static_cast<std::size_t>(Place::heater) + 1);

Json rounded(const std::optional<double>& value, int decimals) {
    return value ? Json(control::round_to(*value, decimals)) : Json(nullptr);
}
template <class T>
Json plain_json(const std::optional<T>& value) {
    return value ? Json(*value) : Json(nullptr);
}

Json json_of(const Battery& battery, const Row& row) {
    if (const auto* text = std::get_if<Text>(&row.member)) {
        return (battery.**text).empty() ? Json(nullptr) : Json(battery.**text);
    }
    if (const auto* number = std::get_if<Number>(&row.member)) {
        return rounded(battery.**number, row.decimals);
    }
    if (const auto* count = std::get_if<Count>(&row.member)) {
        return plain_json(battery.**count);
    }
    return plain_json(battery.*std::get<Switch>(row.member));
}

/// Empty where the battery does not say it.
std::string text_of(const Battery& battery, const Row& row) {
    const auto with_unit = [&](std::string value) {
        return row.unit.empty() ? value : fmt::format("{} {}", value, row.unit);
    };
    if (const auto* text = std::get_if<Text>(&row.member)) {
        return battery.**text;
    }
    if (const auto* number = std::get_if<Number>(&row.member)) {
        const auto& value = battery.**number;
        return value ? with_unit(fmt::format("{:.{}f}", *value, row.decimals)) : "";
    }
    if (const auto* count = std::get_if<Count>(&row.member)) {
        const auto& value = battery.**count;
        return value ? with_unit(std::to_string(*value)) : "";
    }
    const auto& value = battery.*std::get<Switch>(row.member);
    return !value ? "" : *value ? "on" : "off";
}

std::string date_text(const Date& date) {
    return fmt::format("{:04}-{:02}-{:02}", date.year, date.month, date.day);
}

void put_line(std::vector<std::string>& lines, std::string_view title, const std::string& value) {
    if (!value.empty()) {
        lines.push_back(fmt::format("  {:<24}{}", title, value));
    }
}

}  // namespace

std::string_view name_of(Place place) {
    return kPlaces[static_cast<std::size_t>(place)];
}

std::string line_text(const Line& line) {
    return fmt::format("{} baud{}", line.baud, line.parity == Parity::even ? ", even parity" : "");
}

std::string title_of(const Location& place, const Battery& battery) {
    const auto& family = *place.family;
    const bool addressed = family.last_address != 0;
    return fmt::format("{} ({}){}{} at {}", product_name(battery, family), family.name, addressed ? " " : "",
                       addressed ? address_text(place.address) : "", line_text(place.line));
}

Json to_json(const Location& place, const Battery& battery) {
    Json object = {{"family", place.family->name},
                   {"product", product_name(battery, *place.family)},
                   {"address", place.family->last_address != 0 ? Json(place.address) : Json(nullptr)},
                   {"baud", place.line.baud},
                   {"parity", place.line.parity == Parity::even ? "even" : "none"}};
    for (const auto& row : kRows) {
        object[std::string(row.key)] = json_of(battery, row);
    }
    object["production"] = battery.production ? Json(date_text(*battery.production)) : Json(nullptr);
    object["cells"] = Json::array();
    for (const auto& cell : battery.cells) {
        object["cells"].push_back(
            {{"voltage_V", rounded(cell.volts, 4)}, {"balancing", plain_json(cell.balancing)}});
    }
    object["temperatures"] = Json::array();
    for (const auto& sensor : battery.temperatures) {
        object["temperatures"].push_back(
            {{"place", name_of(sensor.place)}, {"temperature_C", rounded(sensor.celsius, 1)}});
    }
    object["alarms"] = Json::object();
    for (std::size_t i = 0; i < kAlarmCount; ++i) {
        const auto level = battery.alarms[static_cast<Alarm>(i)];
        object["alarms"][std::string(kAlarmNames[i])] =
            level ? Json(static_cast<int>(*level)) : Json(nullptr);
    }
    return object;
}

std::vector<std::string> to_text(const Battery& battery) {
    std::vector<std::string> lines;
    for (const auto& row : kRows) {
        put_line(lines, row.title, text_of(battery, row));
    }
    if (battery.production) {
        put_line(lines, "made on", date_text(*battery.production));
    }
    for (std::size_t i = 0; i < battery.cells.size(); ++i) {
        const auto& cell = battery.cells[i];
        put_line(lines, fmt::format("cell {}", i + 1),
                 (cell.volts ? fmt::format("{:.3f} V", *cell.volts) : std::string("no value"))
                     + (cell.balancing.value_or(false) ? ", balancing" : ""));
    }
    for (const auto& sensor : battery.temperatures) {
        put_line(lines, fmt::format("temperature, {}", name_of(sensor.place)),
                 sensor.celsius ? fmt::format("{:.1f} °C", *sensor.celsius) : std::string("no value"));
    }
    put_line(lines, "alarms", alarms_text(battery.alarms));
    return lines;
}

std::string alarms_text(const Alarms& alarms) {
    std::string text;
    for (std::size_t i = 0; i < kAlarmCount; ++i) {
        const auto level = alarms[static_cast<Alarm>(i)].value_or(Level::ok);
        if (level != Level::ok) {
            text += fmt::format("{}{}{}", text.empty() ? "" : ", ", kAlarmNames[i],
                                level == Level::warning ? " (warning)" : "");
        }
    }
    return text.empty() ? "none" : text;
}

}  // namespace bms::cli
