#include "givenergy/mqtt/discovery.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace givenergy {

namespace {

using nlohmann::ordered_json;

struct Kind {
    std::string_view device_class, unit, state_class;
};

/// By the words GivTCP's names are made of.
Kind kind_of(std::string_view name) {
    const auto has = [&](std::string_view word) { return name.find(word) != std::string_view::npos; };
    if (name.ends_with("_kWh")) {
        return {"energy", "kWh", has("SOC") || has("Capacity") ? "measurement" : "total_increasing"};
    }
    if (has("Voltage")) {
        return {"voltage", "V", "measurement"};
    }
    if (has("Current")) {
        return {"current", "A", "measurement"};
    }
    if (has("Frequency")) {
        return {"frequency", "Hz", "measurement"};
    }
    if (has("Temperature")) {
        return {"temperature", "°C", "measurement"};
    }
    if (has("Time_Remaining")) {
        return {"duration", "min", "measurement"};
    }
    if (has("SOC") || has("Reserve") || has("Cutoff") || has("Active_Power_Rate")) {
        return {name == "SOC" || name == "Battery_SOC" ? "battery" : "", "%", "measurement"};
    }
    if (has("Capacity")) {
        return {"", "Ah", "measurement"};
    }
    if (has("Power") || has("_Rate") || has("Solar_to") || has("Battery_to") || has("Grid_to")) {
        return {"power", "W", "measurement"};
    }
    return {};
}

struct ControlEntity {
    std::string_view component, name, command,
        state;  ///< state: group/name of the readout, empty for buttons
    int lowest, highest;
    std::string_view unit;
};
constexpr auto kControls = std::to_array<ControlEntity>({
    {"number", "Charge target", "setChargeTarget", "Control/Target_SOC", 4, 100, "%"},
    {"number", "Battery reserve", "setBatteryReserve", "Control/Battery_Power_Reserve", 4, 100, "%"},
    {"number", "Battery cut-off", "setBatteryCutoff", "Control/Battery_Power_Cutoff", 4, 100, "%"},
    {"number", "Charge rate", "setChargeRate", "Control/Battery_Charge_Rate", 0, 20000, "W"},
    {"number", "Discharge rate", "setDischargeRate", "Control/Battery_Discharge_Rate", 0, 20000, "W"},
    {"number", "Force charge", "forceCharge", "Control/Force_Charge_Num", 0, 1439, "min"},
    {"number", "Force export", "forceExport", "Control/Force_Export_Num", 0, 1439, "min"},
    {"switch", "Charge schedule", "enableChargeSchedule", "Control/Enable_Charge_Schedule", 0, 0, ""},
    {"switch", "Discharge schedule", "enableDischargeSchedule", "Control/Enable_Discharge_Schedule", 0, 0,
     ""},
    {"select", "Mode", "setBatteryMode", "Control/Mode", 0, 0, ""},
    {"button", "Set clock", "syncDateTime", "", 0, 0, ""},
    {"button", "Restart inverter", "rebootInverter", "", 0, 0, ""},
});

ordered_json device_json(const Topology& topology) {
    return {{"identifiers", {fmt::format("givenergy_{}", topology.serial)}},
            {"manufacturer", "GivEnergy"},
            {"model", to_string(topology.model)},
            {"name", fmt::format("GivEnergy {}", topology.serial)},
            {"sw_version", topology.firmware}};
}

std::string object_id(std::string_view group, std::string_view name) {
    std::string id;
    for (const std::string_view part : {group, name}) {
        for (const char c : part) {
            const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
            id += plain ? c : '_';
        }
        id += id.empty() || part.data() == name.data() ? "" : "_";
    }
    return id;
}

Announcement sensor(const Topology& topology, const ReadoutEntry& entry, const DiscoveryPlace& place) {
    const Kind kind = kind_of(entry.name);
    const std::string id = object_id(entry.group, entry.name);
    std::string title = entry.name;
    std::ranges::replace(title, '_', ' ');
    ordered_json json{{"name", title},
                      {"unique_id", fmt::format("givenergy_{}_{}", topology.serial, id)},
                      {"state_topic", v3_topic(place.root, topology.serial, entry)},
                      {"availability_topic", place.status_topic},
                      {"device", device_json(topology)}};
    if (!kind.unit.empty()) {
        json["unit_of_measurement"] = kind.unit;
        json["state_class"] = kind.state_class;
    }
    if (!kind.device_class.empty()) {
        json["device_class"] = kind.device_class;
    }
    return {fmt::format("{}/sensor/givenergy_{}/{}/config", place.prefix, topology.serial, id), json.dump()};
}

Announcement control(const Topology& topology, const ControlEntity& entity, const DiscoveryPlace& place) {
    ordered_json json{
        {"name", entity.name},
        {"unique_id", fmt::format("givenergy_{}_{}", topology.serial, entity.command)},
        {"command_topic", fmt::format("{}/control/{}/{}", place.root, topology.serial, entity.command)},
        {"availability_topic", place.status_topic},
        {"device", device_json(topology)}};
    if (!entity.state.empty()) {
        json["state_topic"] = fmt::format("{}/{}/{}", place.root, topology.serial, entity.state);
    }
    if (entity.component == "number") {
        json["min"] = entity.lowest;
        json["max"] = entity.highest;
        json["unit_of_measurement"] = entity.unit;
    } else if (entity.component == "switch") {
        json["payload_on"] = json["state_on"] = "enable";
        json["payload_off"] = json["state_off"] = "disable";
    } else if (entity.component == "select") {
        json["options"] = {"Eco", "Eco (Paused)", "Timed Demand", "Timed Export"};
    } else {
        json["payload_press"] = "";
    }
    return {fmt::format("{}/{}/givenergy_{}/{}/config", place.prefix, entity.component, topology.serial,
                        entity.command),
            json.dump()};
}

}  // namespace

std::vector<Announcement> announcements(const Topology& topology, const Readout& readout,
                                        const DiscoveryPlace& place) {
    std::vector<Announcement> all;
    for (const ReadoutEntry& entry : readout.entries()) {
        all.push_back(sensor(topology, entry, place));
    }
    if (place.control) {
        for (const ControlEntity& entity : kControls) {
            all.push_back(control(topology, entity, place));
        }
    }
    return all;
}

}  // namespace givenergy
