#pragma once
// What a silent BMS means: when it is off line, when it must not carry current, when its service leaves the bus.
// An outage begins with the first failed poll after a good one (docs/battery-control.md, "Silence").

#include "serialbattery/control/cells.hpp"
#include "serialbattery/control/settings.hpp"

#include <string>

namespace bms::control {

struct Connection {
    bool ever_heard = false;
    bool online = false;
    std::optional<Seconds> silent_since;  ///< first failed poll after the most recent good one
    unsigned silent_polls = 0;
    std::optional<bool> cells_were_safe;  ///< decided once per outage
    std::optional<Seconds> gone_at;       ///< the service left the bus
    Level cable_alarm = Level::ok;

    // Memory of errors for the text and the alarm; forgotten after 60 s without one.
    unsigned errors = 0;
    Seconds first_error{};
    Seconds last_error{};
};

/// What to do after a failed poll.
struct Silence {
    bool off_line = false;       ///< live values are unknown
    bool block_current = false;  ///< no charging, no discharging
    bool leave_bus = false;
};

/// A good poll: on line at once.
void heard(Connection& connection, Seconds t);

/// A failed poll. `last_cells` are the last known ones; `interval` the time between polls.
Silence missed(Connection& connection, const Settings& settings, const CellSummary& last_cells, Seconds t,
               Millis interval);

/// How long the last limits count after the first failed poll: a bank keeps counting on a silent member's
/// limits for this time. Zero when its cells were not in the safe window or silence blocks at once.
[[nodiscard]] Seconds safe_time(const Settings& settings, bool cells_were_safe);

/// How long a silent battery stays on the bus after the first failed poll.
[[nodiscard]] Seconds patience(const Settings& settings, bool cells_were_safe);

/// Whether every cell is strictly inside the safe window.
[[nodiscard]] bool cells_safe(const Settings& settings, const CellSummary& cells);

/// /ConnectionInformation: "Connected", "Connected (3 errors in the last 2m 5s)", "Lost for: 15s | ...".
[[nodiscard]] std::string connection_text(const Connection& connection, const Settings& settings, Seconds t);

}  // namespace bms::control
