#pragma once
// What everything in one process shares.

#include "serialbattery/control/config_file.hpp"
#include "serialbattery/control/numbers.hpp"
#include "serialbattery/driver/identities.hpp"
#include "velib/bus.hpp"
#include "velib/settings.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace bms {

class Neighbours;
class Unit;

struct Host {
    velib::BusContext bus;
    velib::Settings& settings;
    const control::ConfigFile& config;
    Neighbours& neighbours;
    std::filesystem::path state_folder;
    Identities identities{state_folder};
    bool bank_expected = false;            ///< several batteries are configured
    bool limits_on_members = true;         ///< no bank speaks for them
    std::vector<Unit*> units = {};         ///< every battery that was heard, in the order of their appearance
    std::function<void()> polled = [] {};  ///< a battery was polled, came or went
};

/// This moment on the clocks that the control room wants.
[[nodiscard]] inline control::Clocks clocks(std::chrono::steady_clock::time_point now) {
    using std::chrono::duration_cast;
    return {duration_cast<control::Millis>(now.time_since_epoch()),
            duration_cast<control::Seconds>(std::chrono::system_clock::now().time_since_epoch())};
}

/// Product id of the suite's batteries; not one of Victron's.
inline constexpr int kProductId = 0xB5E7;
inline constexpr const char* kProcessName = "dbus-serialbattery";

}  // namespace bms
