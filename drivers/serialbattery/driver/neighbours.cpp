#include "serialbattery/driver/neighbours.hpp"

#include "serialbattery/control/numbers.hpp"
#include "serialbattery/driver/host.hpp"

#include <string_view>

namespace bms {
namespace {

constexpr std::string_view kSettingsService = "com.victronenergy.settings";
constexpr std::string_view kEssMode = "/Settings/CGwacs/Hub4Mode";
constexpr std::string_view kEssState = "/Settings/CGwacs/BatteryLife/State";
constexpr std::string_view kEssMinimumSoc = "/Settings/CGwacs/BatteryLife/MinimumSocLimit";
constexpr std::string_view kEssSocLimit = "/Settings/CGwacs/BatteryLife/SocLimit";
constexpr std::string_view kInstance = "/DeviceInstance";
constexpr std::string_view kProcess = "/Mgmt/ProcessName";

bool uses_sensor(const control::Settings& settings) {
    const bool named = !settings.external_service.empty() || settings.external_instance;
    return named && !(settings.external_current_path.empty() && settings.external_soc_path.empty());
}

/// With an instance the service's name is that of a class; a shunt is a battery unless it says otherwise.
std::string_view sensor_service(const control::Settings& settings) {
    return settings.external_instance && settings.external_service.empty()
               ? std::string_view("com.victronenergy.battery")
               : std::string_view(settings.external_service);
}

std::optional<control::Ess> ess_of(const velib::MonitoredService& settings) {
    const auto mode = settings.value(kEssMode).integer();
    if (!mode) {
        return std::nullopt;
    }
    return control::Ess{
        .hub4_mode = static_cast<int>(*mode),
        .battery_life_state = static_cast<int>(settings.value(kEssState).integer().value_or(0)),
        .minimum_soc_limit = settings.value(kEssMinimumSoc).real(),
        .soc_limit = settings.value(kEssSocLimit).real()};
}

std::optional<double> number_at(const velib::MonitoredService& service, const std::string& path) {
    return path.empty() ? std::nullopt : service.value(path).real();
}

}  // namespace

void Neighbours::follow(const control::Settings& settings) {
    bool more = false;
    const auto want = [&more](Names& names, std::string_view name) {
        if (!name.empty() && !names.contains(name)) {
            names.emplace(name);
            more = true;
        }
    };
    if (settings.time_to_go) {
        want(services_, kSettingsService);
        for (const auto path : {kEssMode, kEssState, kEssMinimumSoc, kEssSocLimit}) {
            want(paths_, path);
        }
    }
    if (uses_sensor(settings)) {
        want(services_, sensor_service(settings));
        for (const std::string_view path :
             {kInstance, kProcess, std::string_view(settings.external_current_path),
              std::string_view(settings.external_soc_path)}) {
            want(paths_, path);
        }
    }
    if (more) {
        monitor_ = std::make_unique<velib::Monitor>(
            bus_, std::vector<std::string>(services_.begin(), services_.end()), velib::Monitor::Handlers{},
            std::vector<std::string>(paths_.begin(), paths_.end()));
    }
}

void Neighbours::fill(control::Surroundings& around, const control::Settings& settings) {
    follow(settings);
    if (!monitor_) {
        return;
    }
    const auto& services = monitor_->services();
    if (settings.time_to_go) {
        const auto at = services.find(kSettingsService);
        around.ess = at != services.end() ? ess_of(at->second) : std::nullopt;
    }
    if (!uses_sensor(settings)) {
        return;
    }
    if (const auto* shunt = sensor(settings)) {
        around.external_current_a = number_at(*shunt, settings.external_current_path);
        around.external_soc_percent = number_at(*shunt, settings.external_soc_path);
    }
}

/// Never one of this driver's own: a battery would follow itself.
const velib::MonitoredService* Neighbours::sensor(const control::Settings& settings) const {
    const auto& services = monitor_->services();
    const auto name = sensor_service(settings);
    for (auto at = services.lower_bound(name); at != services.end() && at->first.starts_with(name); ++at) {
        const auto& service = at->second;
        const bool meant = settings.external_instance ? service.value(kInstance).integer()
                                                            == control::saturated(*settings.external_instance)
                                                      : at->first == name;
        if (meant && !service.value(kProcess).same_as(kProcessName)) {
            return &service;
        }
    }
    return nullptr;
}

}  // namespace bms
