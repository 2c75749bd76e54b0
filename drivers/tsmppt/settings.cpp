#include "tsmppt/settings.hpp"

#include "tsmppt/control/profile.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace tristar {

namespace {

using std::chrono::milliseconds;

/// Faster than this a controller is not asked, whatever the setting says.
constexpr milliseconds kShortestInterval{100};

std::string path_of(std::string_view name) {
    return std::string{kSettingsRoot}.append(name);
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kBlanks = " \t\r\n";
    const auto first = text.find_first_not_of(kBlanks);
    return first == std::string_view::npos ? std::string_view{}
                                           : text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

bool is_host(std::string_view text) {
    return !text.empty() && text.size() <= 253 && std::ranges::all_of(text, [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.'
               || c == '-' || c == '_' || c == ':';
    });
}

/// "host" or "host:port"; an IPv6 address has more than one colon and no port. Nothing for what is neither.
std::optional<Endpoint> endpoint_of(std::string_view text, std::uint16_t port) {
    Endpoint endpoint{std::string{text}, port};
    const auto colon = text.find(':');
    if (colon != std::string_view::npos && colon == text.rfind(':')) {
        const auto digits = text.substr(colon + 1);
        const auto [end, fault] =
            std::from_chars(digits.data(), digits.data() + digits.size(), endpoint.port);
        if (fault != std::errc{} || end != digits.data() + digits.size() || endpoint.port == 0) {
            return std::nullopt;
        }
        endpoint.host.resize(colon);
    }
    return is_host(endpoint.host) ? std::optional{std::move(endpoint)} : std::nullopt;
}

}  // namespace

Endpoints endpoints_of(std::string_view list, std::uint16_t port) {
    Endpoints endpoints;
    while (!list.empty()) {
        const auto comma = std::min(list.find(','), list.size());
        const auto word = trimmed(list.substr(0, comma));
        list.remove_prefix(std::min(comma + 1, list.size()));
        auto endpoint = endpoint_of(word, port);
        if (!endpoint && !word.empty()) {
            endpoints.refused.emplace_back(word);
        }
        const bool known =
            endpoint && std::ranges::find(endpoints.usable, *endpoint) != endpoints.usable.end();
        if (endpoint && endpoint->port != 0 && !known) {
            endpoints.usable.push_back(std::move(*endpoint));
        }
    }
    return endpoints;
}

std::vector<velib::SettingSpec> setting_specs() {
    std::vector<velib::SettingSpec> specs;
    specs.reserve(kSettings.size() + 1);
    for (const auto& row : kSettings) {
        specs.push_back({path_of(row.name),
                         std::visit([](auto value) { return velib::Value(value); }, row.default_value),
                         row.lowest, row.highest});
    }
    specs.push_back({std::string{kTimeZoneSetting}, velib::Value(kNoTimeZone)});
    return specs;
}

Config read_config(const velib::Settings& settings) {
    const auto integer = [&](std::string_view name) { return settings.integer(path_of(name)); };
    const auto real = [&](std::string_view name) { return settings.real(path_of(name)); };
    Config config;
    const auto interval = milliseconds{integer("Interval")};
    if (interval.count() > 0) {
        auto [usable, refused] = endpoints_of(settings.text(path_of("IPAddress")),
                                              static_cast<std::uint16_t>(integer("PortNumber")));
        config.endpoints = std::move(usable);
        config.refused_hosts = std::move(refused);
    }
    config.interval = std::max(interval, kShortestInterval);
    config.unit = static_cast<std::uint8_t>(integer("SlaveID"));
    config.connect_timeout = milliseconds{integer("ConnectTimeout")};
    config.response_timeout = milliseconds{integer("ResponseTimeout")};
    config.external_control = integer("ExternalControl") != 0;
    config.reset_comm_after = static_cast<int>(integer("ResetCommAfterFailures"));
    config.override_settings.highest_volts = real("MaxVoltageOverrideVoltage");
    config.override_settings.time_limit_s = static_cast<std::int32_t>(integer("MaxVoltageOverrideTime"));
    config.override_settings.full_amps = real("BatteryFullCurrent");
    config.override_settings.full_seconds = static_cast<std::int32_t>(integer("TailCurrentTime"));
    config.override_settings.excess_watts = static_cast<double>(integer("ExcessPowerThreshold"));
    auto [names, refused] = profile_names(settings.text(path_of(kProfileNamesSetting)));
    config.profiles = std::move(names);
    config.refused_profiles = std::move(refused);
    return config;
}

bool reconnects(std::string_view path) {
    return path.starts_with(kSettingsRoot) && std::ranges::any_of(kSettings, [&](const SettingRow& row) {
               return row.reconnects && path.substr(kSettingsRoot.size()) == row.name;
           });
}

}  // namespace tristar
