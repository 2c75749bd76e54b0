#pragma once
// The driver's settings below /Settings/TristarMPPT: the table, and what the driver reads from it.

#include "tsmppt/control/override.hpp"
#include "velib/settings.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tristar {

inline constexpr std::string_view kSettingsRoot = "/Settings/TristarMPPT/";

/// Set by the user of the GX for the whole device; decides when a day begins.
inline constexpr std::string_view kTimeZoneSetting = "/Settings/System/TimeZone";
/// Its value while nobody has chosen: then the machine's own time zone counts.
inline constexpr std::string_view kNoTimeZone = "/UTC";

/// Below the root: the charge profiles that exist.
inline constexpr std::string_view kProfileNamesSetting = "ChargeProfiles/Names";

struct SettingRow {
    std::string_view name;
    std::variant<std::string_view, std::int32_t, double> default_value;
    double lowest, highest;  ///< both 0: no limits
    bool reconnects;         ///< a change begins anew with the controllers
};
inline constexpr auto kSettings = std::to_array<SettingRow>({
    // clang-format off
    // name                        default           lowest highest reconnects
    {"IPAddress",                  std::string_view{},   0,     0, true},
    {"PortNumber",                 502,                  0, 65535, true},
    {"Interval",                   5000,                 0, 60000, true},   // ms
    {"SlaveID",                    1,                    1,   247, true},
    {"ConnectTimeout",             3000,               100, 60000, true},   // ms
    {"ResponseTimeout",            3000,               100, 60000, true},   // ms
    {"ExternalControl",            0,                    0,     1, true},
    {"ResetCommAfterFailures",     0,                    0, 10000, false},
    {"MaxVoltageOverrideVoltage",  0.0,                  0,    64, false},  // V
    {"MaxVoltageOverrideTime",     7200,                 0, 86400, false},  // s
    {"BatteryFullCurrent",         2.0,                  0,   100, false},  // A
    {"TailCurrentTime",            300,                  0,  3600, false},  // s
    {"ExcessPowerThreshold",       100,                 -1,  5000, false},  // W
    {kProfileNamesSetting,         std::string_view{"Summer,Winter,Custom"}, 0, 0, false},
    // clang-format on
});

/// Where a controller is.
struct Endpoint {
    std::string host;
    std::uint16_t port = 0;

    friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

struct Config {
    std::vector<Endpoint> endpoints;         ///< empty: nothing to do
    std::vector<std::string> refused_hosts;  ///< words of the setting that name no controller
    std::uint8_t unit = 1;
    std::chrono::milliseconds interval{5000};
    std::chrono::milliseconds connect_timeout{3000};
    std::chrono::milliseconds response_timeout{3000};
    bool external_control = false;
    int reset_comm_after = 0;  ///< failures in a row; 0: never
    OverrideSettings override_settings;
    std::vector<std::string> profiles;
    std::vector<std::string> refused_profiles;  ///< words of the setting that are no names
};

struct Endpoints {
    std::vector<Endpoint> usable;
    std::vector<std::string> refused;  ///< what is no host, or has no port of 1 to 65535 behind its colon
};

/// The controllers named in a setting: hosts or addresses, each with ":port" where it differs, separated by commas.
/// One named twice is there once. With port 0 only those are usable that have a port of their own.
[[nodiscard]] Endpoints endpoints_of(std::string_view list, std::uint16_t port);

/// What to ask the settings service for.
[[nodiscard]] std::vector<velib::SettingSpec> setting_specs();

[[nodiscard]] Config read_config(const velib::Settings& settings);

/// Whether a change of this path begins anew with the controllers.
[[nodiscard]] bool reconnects(std::string_view path);

}  // namespace tristar
