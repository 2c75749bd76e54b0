#include "gxmodbus/mirror/mode.hpp"

#include <algorithm>
#include <array>

namespace gxmodbus {
namespace {

using T = ServiceType;

// In the order of ServiceType.
constexpr std::array<Mode, kServiceTypes> kDefaults{
    Mode::neutral,  // vebus
    Mode::neutral,  // battery
    Mode::display,  // solarcharger
    Mode::neutral,  // system
    Mode::neutral,  // pvinverter
    Mode::neutral,  // motordrive
    Mode::neutral,  // charger
    Mode::neutral,  // grid
    Mode::off,      // settings
    Mode::off,      // hub4
    Mode::neutral,  // gps
    Mode::real,     // tank
    Mode::neutral,  // inverter
    Mode::neutral,  // genset
    Mode::real,     // temperature
    Mode::real,     // pulsemeter
    Mode::real,     // digitalinput
    Mode::neutral,  // generator
    Mode::real,     // meteo
    Mode::real,     // evcharger
    Mode::real,     // acload
    Mode::neutral,  // fuelcell
    Mode::display,  // alternator
    Mode::real,     // dcsource
    Mode::real,     // dcload
    Mode::neutral,  // dcsystem
    Mode::neutral,  // multi
    Mode::neutral,  // pump
    Mode::real,     // dcdc
    Mode::neutral,  // acsystem
    Mode::display,  // dcgenset
    Mode::real,     // heatpump
    Mode::off,      // platform
};

struct LeftOut {
    T type;
    std::string_view path;
};
constexpr auto kLeftOut = std::to_array<LeftOut>({
    {T::solarcharger, "/Dc/0/Current"},
    {T::alternator, "/Dc/0/Power"},
    {T::dcgenset, "/Dc/0/Power"},
    {T::dcgenset, "/Dc/0/Current"},
});

constexpr std::array<std::string_view, 4> kNames{"real", "display", "neutral", "off"};

// Never under their real class: there is one of each on a GX.
constexpr bool is_single(T type) {
    return type == T::system || type == T::settings || type == T::hub4 || type == T::platform;
}

constexpr auto kEverydayPaths = std::to_array<std::string_view>({"/Mode", "/CustomName"});

constexpr auto kEveryday = std::to_array<LeftOut>({
    {T::evcharger, "/MaxCurrent"},
    {T::evcharger, "/Current"},
    {T::evcharger, "/SetCurrent"},
    {T::evcharger, "/StartStop"},
    {T::evcharger, "/Position"},
    {T::generator, "/ManualStart"},
    {T::generator, "/AutoStartEnabled"},
    {T::charger, "/Ac/In/CurrentLimit"},
    {T::vebus, "/Ac/ActiveIn/CurrentLimit"},
});

}  // namespace

std::string_view name_of(Mode mode) {
    return kNames[static_cast<std::size_t>(mode)];
}

std::optional<Mode> parse_mode(std::string_view name) {
    const auto found = std::find(kNames.begin(), kNames.end(), name);
    return found == kNames.end() ? std::nullopt : std::optional{static_cast<Mode>(found - kNames.begin())};
}

bool mode_allowed(ServiceType type, Mode mode) {
    if (mode == Mode::display) {
        return std::any_of(kLeftOut.begin(), kLeftOut.end(),
                           [&](const LeftOut& row) { return row.type == type; });
    }
    return mode != Mode::real || !is_single(type);
}

Mode default_mode(ServiceType type, bool same_system) {
    const Mode mode = kDefaults[static_cast<std::size_t>(type)];
    const bool counted = mode == Mode::display || mode == Mode::neutral;
    return same_system && counted && mode_allowed(type, Mode::real) ? Mode::real : mode;
}

bool left_out_in_display(ServiceType type, std::string_view path) {
    return std::any_of(kLeftOut.begin(), kLeftOut.end(),
                       [&](const LeftOut& row) { return row.type == type && row.path == path; });
}

bool write_allowed(const Register& row, WriteLevel level) {
    if (!row.writable || !row.has_value() || level == WriteLevel::none || row.type == T::platform) {
        return false;  // a write to platform starts a restore of the inverters
    }
    if (level == WriteLevel::everything) {
        return true;
    }
    const bool relay = row.path.starts_with("/Relay/") && row.path.ends_with("/State");
    return relay || std::find(kEverydayPaths.begin(), kEverydayPaths.end(), row.path) != kEverydayPaths.end()
           || std::any_of(kEveryday.begin(), kEveryday.end(),
                          [&](const LeftOut& e) { return e.type == row.type && e.path == row.path; });
}

}  // namespace gxmodbus
