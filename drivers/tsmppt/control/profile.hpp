#pragma once
// Charge profiles: named sets of set points for the controller's custom battery program. Pure.

#include "tsmppt/charger.hpp"
#include "tsmppt/protocol/commands.hpp"
#include "wire/expected.hpp"

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace tristar {

/// The set points of a profile; voltages are those of the system (28.4 V on a 24 V battery).
struct Profile {
    double absorption_volts = 0;
    double float_volts = 0;  ///< 0: no float stage
    double absorption_seconds = 0;
    double float_cancel_volts = 0;  ///< 0: never
};

/// One set point of a profile: the setting's name below the profile's, its register, its place in Profile.
struct ProfileField {
    std::string_view setting;
    std::uint16_t address;
    double Profile::*member;
    bool is_voltage;
    double lowest, highest;  ///< of the setting, for every system voltage
};
inline constexpr auto kProfileFields = std::to_array<ProfileField>({
    {"AbsorptionVoltage", 0xE000, &Profile::absorption_volts, true, 0, 70},
    {"FloatVoltage", 0xE001, &Profile::float_volts, true, 0, 70},
    {"AbsorptionTime", 0xE002, &Profile::absorption_seconds, false, 0, 36000},
    {"FloatCancelVoltage", 0xE005, &Profile::float_cancel_volts, true, 0, 70},
});

/// Where the settings of a profile begin when the user has not changed them; volts at a 12 V battery.
struct NamedProfile {
    std::string_view name;
    Profile per_12v;
};
inline constexpr auto kProfiles = std::to_array<NamedProfile>({
    //           absorption  float  seconds  float cancel
    {"Summer", {14.2, 13.6, 7200, 13.0}},
    {"Winter", {14.4, 13.8, 9000, 13.2}},
    {"Custom", {14.3, 13.7, 8400, 13.1}},
    {"Lifepo4", {14.2, 13.5, 1800, 13.2}},
    {"Agm", {14.4, 13.6, 7200, 12.6}},
    {"Gel", {14.1, 13.5, 7200, 12.6}},
    {"Flooded", {14.6, 13.5, 10800, 12.6}},
});
/// The profiles that exist at first (setting ChargeProfiles/Names).
inline constexpr std::string_view kFirstProfiles = "Summer,Winter,Custom";

/// The starting point for a profile of this name on a system of 12, 24 or 48 V; "Custom" for other names.
[[nodiscard]] Profile starting_profile(std::string_view name, int system_volts);

struct ProfileNames {
    std::vector<std::string> usable;
    std::vector<std::string> refused;  ///< what is no name
};

/// The names in a list separated by commas: letters, digits, '-' and '_' only, at most 32 characters. One that is there
/// twice, whatever its case, counts once.
[[nodiscard]] ProfileNames profile_names(std::string_view list);

enum class ProfileFault : std::uint8_t {
    unknown_system,
    voltage_out_of_range,  ///< for this system voltage
    time_out_of_range,
    float_above_absorption,
    cancel_above_float,
    above_limit,    ///< the controller's own limit (0xE010)
    not_custom,     ///< DIP switches 4, 5, 6 select another battery program
    writes_refused  ///< DIP switch 8 is OFF
};
[[nodiscard]] std::string_view describe(ProfileFault fault);

/// One register to write.
struct SetPointWrite {
    std::uint16_t address;
    double value;        ///< volts at a 12 V battery, or seconds
    std::uint16_t word;  ///< what is read back when it succeeded

    friend bool operator==(const SetPointWrite&, const SetPointWrite&) = default;
};

/// What must be written, the lowest voltage first, to bring `current` to the profile; nothing when it is there
/// already. `charger` gives scale and DIP switches.
[[nodiscard]] wire::Expected<std::vector<SetPointWrite>, ProfileFault> plan_profile(
    const Profile& profile, std::optional<int> system_volts, const SetPoints& current,
    const Charger& charger);

}  // namespace tristar
