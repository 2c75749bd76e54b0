#include "givenergy/driver/settings.hpp"

namespace givenergy {

namespace {

// Names as users type them; the defaults and limits are those of docs/givenergy.md.
struct Name {
    std::string_view name;
    velib::Value standard;
    double lowest = 0, highest = 0;
    bool secret = false;
};

const std::vector<Name>& names() {
    static const std::vector<Name> all{
        {"Adapters", ""},
        {"AllowControl", 0, 0, 1},
        {"AllowChargeSlot2", 0, 0, 1},
        {"AllowUnknownModel", 0, 0, 1},
        {"Layout", 0, 0, 2},
        {"ObserverValue", 0, 0, 2},
        {"ObserverBattery", 0, 0, 1},
        {"BatteryPerPack", 0, 0, 1},
        {"PollPeriod", 10.0, 0.5, 300},
        {"FullPeriod", 300, 10, 3600},
        {"RequestGap", 300, 20, 5000},
        {"WriteGap", 1000, 100, 10000},
        {"WriteInterval", 60, 0, 3600},
        {"Mqtt/Host", ""},
        {"Mqtt/Port", 1883, 1, 65535},
        {"Mqtt/User", ""},
        {"Mqtt/Password", "", 0, 0, true},
        {"Mqtt/Tls", 0, 0, 1},
        {"Mqtt/CaFile", ""},
        {"Mqtt/Root", "GivEnergy"},
        {"Mqtt/TopicSet", 2, 0, 2},
        {"Mqtt/Retain", 0, 0, 1},
        {"Mqtt/Discovery", 0, 0, 1},
        {"Mqtt/DiscoveryPrefix", "homeassistant"},
    };
    return all;
}

std::string path(std::string_view name) {
    return std::string{kSettingsRoot} + std::string{name};
}

void read_adapters(DriverSettings& out, std::string_view list) {
    while (!list.empty()) {
        const auto comma = list.find(',');
        const std::string_view one = list.substr(0, comma);
        list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
        if (one.find_first_not_of(" \t") == std::string_view::npos) {
            continue;
        }
        if (auto address = parse_address(one)) {
            out.adapters.push_back(std::move(*address));
        } else {
            out.bad_adapters.emplace_back(one);
        }
    }
}

}  // namespace

std::vector<velib::SettingSpec> setting_specs() {
    std::vector<velib::SettingSpec> specs;
    specs.reserve(names().size());
    for (const Name& name : names()) {
        specs.push_back({path(name.name), name.standard, name.lowest, name.highest, name.secret});
    }
    return specs;
}

DriverSettings read_settings(const velib::Settings& settings) {
    const auto number = [&](std::string_view name) { return settings.integer(path(name)); };
    const auto text = [&](std::string_view name) { return settings.text(path(name)); };
    const auto flag = [&](std::string_view name) { return number(name) != 0; };
    DriverSettings out;
    read_adapters(out, text("Adapters"));
    out.allow_control = flag("AllowControl");
    out.consent = {flag("AllowChargeSlot2"), flag("AllowUnknownModel")};
    out.layout = static_cast<LayoutSetting>(number("Layout"));
    out.choice.observer_value = static_cast<ObserverValue>(number("ObserverValue"));
    out.choice.observer_battery = flag("ObserverBattery");
    out.choice.battery_per_pack = flag("BatteryPerPack");
    out.period = std::chrono::milliseconds(static_cast<int>(settings.real(path("PollPeriod")) * 1000));
    out.full_period = std::chrono::seconds(number("FullPeriod"));
    out.write_interval = std::chrono::seconds(number("WriteInterval"));
    out.timing.gap = Milliseconds(number("RequestGap"));
    out.timing.write_gap = Milliseconds(number("WriteGap"));
    MqttSettings& mqtt = out.mqtt;
    mqtt.host = text("Mqtt/Host");
    mqtt.port = static_cast<std::uint16_t>(number("Mqtt/Port"));
    mqtt.user = text("Mqtt/User");
    mqtt.password = text("Mqtt/Password");
    mqtt.tls = flag("Mqtt/Tls");
    mqtt.ca_file = text("Mqtt/CaFile");
    mqtt.root = text("Mqtt/Root");
    mqtt.topics = static_cast<TopicSet>(number("Mqtt/TopicSet"));
    mqtt.retain = flag("Mqtt/Retain");
    mqtt.discovery = flag("Mqtt/Discovery");
    mqtt.discovery_prefix = text("Mqtt/DiscoveryPrefix");
    return out;
}

}  // namespace givenergy
