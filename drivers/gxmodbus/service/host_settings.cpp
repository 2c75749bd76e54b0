#include "gxmodbus/service/host_settings.hpp"

#include "gxmodbus/cli/session.hpp"

#include <spdlog/spdlog.h>

namespace gxmodbus {

namespace {

constexpr std::string_view kDefaultMode = "default";

std::string mode_path(int slot, ServiceType type) {
    return settings_root(slot) + "/Mode/" + std::string(name_of(type));
}

std::chrono::milliseconds milliseconds(const velib::Settings& settings, const std::string& path) {
    return std::chrono::milliseconds(settings.integer(path));
}

}  // namespace

Mode HostSettings::mode_of(const Pair& pair) const {
    if (const auto own = pair_modes.find(pair); own != pair_modes.end()) {
        return own->second;
    }
    return type_modes[static_cast<std::size_t>(pair.type)].value_or(default_mode(pair.type, same_system));
}

std::string settings_root(int slot) {
    return "/Settings/GxModbus/" + std::to_string(slot);
}

std::vector<velib::SettingSpec> setting_specs(int slot, const std::string& host) {
    const std::string root = settings_root(slot);
    const auto address = cli::parse_host(host);
    return {
        {root + "/Host", velib::Value(address ? address->name : std::string{})},
        {root + "/Port", velib::Value(address ? address->port : transport::modbus::kDefaultPort), 1, 65535},
        {root + "/Enabled", velib::Value(1), 0, 1},
        {root + "/Interval", velib::Value(1000), 200, 60000},
        {root + "/SlowInterval", velib::Value(10000), 1000, 3600000},
        {root + "/RequestRate", velib::Value(50), 1, 200},
        {root + "/Units", velib::Value("")},
        {root + "/ScanRate", velib::Value(5), 1, 200},
        {root + "/WatchInterval", velib::Value(600), 0, 86400},
        {root + "/Write", velib::Value(0), 0, 2},
        {root + "/SameSystem", velib::Value(0), 0, 1},
        {root + "/Alarms", velib::Value(1), 0, 1},
        {root + "/DropAfter", velib::Value(300), 0, 86400},
        {root + "/DeviceModes", velib::Value("")},
    };
}

std::vector<velib::SettingSpec> mode_specs(int slot) {
    std::vector<velib::SettingSpec> specs;
    for (std::size_t i = 0; i < kServiceTypes; ++i) {
        specs.push_back({mode_path(slot, static_cast<ServiceType>(i)), velib::Value(kDefaultMode)});
    }
    return specs;
}

std::optional<std::map<Pair, Mode>> parse_pair_modes(std::string_view text) {
    std::map<Pair, Mode> modes;
    while (!text.empty()) {
        const auto comma = text.find(',');
        const auto part = text.substr(0, comma);
        text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
        const auto equals = part.find('=');
        const auto pair = parse_pair(part.substr(0, equals));
        const auto mode =
            equals == std::string_view::npos ? std::nullopt : parse_mode(part.substr(equals + 1));
        if (!pair || !mode || !mode_allowed(pair->type, *mode)) {
            return std::nullopt;
        }
        modes[*pair] = *mode;
    }
    return modes;
}

HostSettings read_settings(const velib::Settings& settings, int slot) {
    const std::string root = settings_root(slot);
    HostSettings out;
    out.enabled = settings.integer(root + "/Enabled") != 0;
    out.remote.host = settings.text(root + "/Host");
    out.remote.port = static_cast<std::uint16_t>(settings.integer(root + "/Port"));
    out.remote.fast = milliseconds(settings, root + "/Interval");
    out.remote.slow = std::max(out.remote.fast, milliseconds(settings, root + "/SlowInterval"));
    out.remote.rare = std::max<std::chrono::milliseconds>(out.remote.slow, std::chrono::minutes(1));
    out.remote.requests_per_second = static_cast<double>(settings.integer(root + "/RequestRate"));
    out.remote.probes_per_second = static_cast<double>(settings.integer(root + "/ScanRate"));
    out.remote.watch = std::chrono::seconds(settings.integer(root + "/WatchInterval"));
    const std::string units = settings.text(root + "/Units");
    if (const auto list = parse_units(units)) {
        out.remote.units = *list;
    } else {
        spdlog::error(
            "{}/Units: '{}' is no list of units such as 225,227:vebus; looking for devices by itself", root,
            units);
    }
    out.write = static_cast<WriteLevel>(settings.integer(root + "/Write"));
    out.same_system = settings.integer(root + "/SameSystem") != 0;
    out.alarms = settings.integer(root + "/Alarms") != 0;
    out.drop_after = std::chrono::seconds(settings.integer(root + "/DropAfter"));
    for (std::size_t i = 0; i < kServiceTypes; ++i) {
        const auto type = static_cast<ServiceType>(i);
        const std::string name = settings.text(mode_path(slot, type));
        const auto mode = parse_mode(name);
        if (mode && mode_allowed(type, *mode)) {
            out.type_modes[i] = mode;
        } else if (!name.empty() && name != kDefaultMode) {
            spdlog::error("{}: '{}' is none of default, real, display, neutral, off, or not for this type",
                          mode_path(slot, type), name);
        }
    }
    const std::string pairs = settings.text(root + "/DeviceModes");
    if (const auto modes = parse_pair_modes(pairs)) {
        out.pair_modes = *modes;
    } else {
        spdlog::error("{}/DeviceModes: '{}' is no list such as 225:battery=real,24:temperature=off", root,
                      pairs);
    }
    return out;
}

}  // namespace gxmodbus
