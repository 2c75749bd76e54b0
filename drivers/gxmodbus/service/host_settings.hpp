#pragma once
// What the owner sets for one remote GX, under /Settings/GxModbus/<n>/.

#include "gxmodbus/driver/remote.hpp"
#include "gxmodbus/mirror/mode.hpp"
#include "velib/settings.hpp"

#include <array>
#include <map>
#include <string>
#include <vector>

namespace gxmodbus {

struct HostSettings {
    bool enabled = true;
    RemoteOptions remote;  ///< host empty: idle
    WriteLevel write = WriteLevel::none;
    bool same_system = false;
    bool alarms = true;
    std::chrono::seconds drop_after{300};  ///< zero: a mirrored device stays on the bus without contact
    std::array<std::optional<Mode>, kServiceTypes> type_modes;
    std::map<Pair, Mode> pair_modes;

    [[nodiscard]] Mode mode_of(const Pair& pair) const;
};

/// "/Settings/GxModbus/<slot>"
[[nodiscard]] std::string settings_root(int slot);

/// The settings of a slot. `host` is the default of Host, as given on the command line.
[[nodiscard]] std::vector<velib::SettingSpec> setting_specs(int slot, const std::string& host);
/// The mode of each type; asked for only when the slot is used.
[[nodiscard]] std::vector<velib::SettingSpec> mode_specs(int slot);

/// Reads them. What is not understood is named in the log, and its default is used.
[[nodiscard]] HostSettings read_settings(const velib::Settings& settings, int slot);

/// "225:battery=real,24:temperature=off"; nothing when malformed or a mode is not allowed for its type.
[[nodiscard]] std::optional<std::map<Pair, Mode>> parse_pair_modes(std::string_view text);

}  // namespace gxmodbus
