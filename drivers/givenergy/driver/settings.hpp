#pragma once
// The driver's settings, below /Settings/GivEnergy: docs/givenergy.md, "Settings".

#include "givenergy/control/commands.hpp"
#include "givenergy/driver/link.hpp"
#include "givenergy/publication/view.hpp"
#include "velib/settings.hpp"

#include <chrono>

namespace givenergy {

inline constexpr std::string_view kSettingsRoot = "/Settings/GivEnergy/";
inline constexpr std::string_view kAdaptersSetting = "/Settings/GivEnergy/Adapters";

enum class TopicSet : std::uint8_t { compat, v3, both };

struct MqttSettings {
    std::string host;  ///< empty: no MQTT
    std::uint16_t port = 1883;
    std::string user, password;
    bool tls = false;
    std::string ca_file;
    std::string root;
    TopicSet topics = TopicSet::both;
    bool retain = false;
    bool discovery = false;
    std::string discovery_prefix;

    friend bool operator==(const MqttSettings&, const MqttSettings&) = default;
};

enum class LayoutSetting : std::uint8_t { automatic, standalone, observer };

struct DriverSettings {
    std::vector<AdapterAddress> adapters;
    std::vector<std::string> bad_adapters;  ///< what is not an address
    bool allow_control = false;
    Consent consent{};
    LayoutSetting layout = LayoutSetting::automatic;
    LayoutChoice choice{};
    std::chrono::milliseconds period{10000};
    std::chrono::seconds full_period{300};
    std::chrono::seconds write_interval{60};  ///< least time between two writes of one register
    LinkTiming timing{};
    MqttSettings mqtt{};
};

/// Everything to ask the settings service for, with defaults and limits.
[[nodiscard]] std::vector<velib::SettingSpec> setting_specs();
/// What it holds now.
[[nodiscard]] DriverSettings read_settings(const velib::Settings& settings);

}  // namespace givenergy
