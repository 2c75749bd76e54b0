#include "serialbattery/control/connection.hpp"

#include "serialbattery/control/text.hpp"
#include "serialbattery/control/time_to_go.hpp"

#include <algorithm>

namespace bms::control {
namespace {

constexpr Seconds kOffLine{10};
constexpr Seconds kCableWarning{60};
constexpr Seconds kShortPatience{60};
constexpr Seconds kErrorMemory{60};

}  // namespace

Seconds patience(const Settings& settings, bool cells_were_safe) {
    if (settings.block_on_disconnect || !cells_were_safe) {
        return kShortPatience;
    }
    return Seconds{saturated(settings.disconnect_minutes * 60)};
}

bool cells_safe(const Settings& settings, const CellSummary& cells) {
    const auto units = [](double value) { return tenth_millivolts(microvolts(value)); };
    return cells.any && units(cells.min_v) > units(settings.safe_window_min_v)
           && units(cells.max_v) < units(settings.safe_window_max_v);
}

Seconds safe_time(const Settings& settings, bool cells_were_safe) {
    return settings.block_on_disconnect || !cells_were_safe ? Seconds{0} : patience(settings, true);
}

void heard(Connection& connection, Seconds t) {
    if (connection.errors > 0 && t - connection.last_error > kErrorMemory) {
        connection.errors = 0;
        connection.cable_alarm = Level::ok;
    }
    connection.ever_heard = true;
    connection.online = true;
    connection.silent_since.reset();
    connection.silent_polls = 0;
    connection.cells_were_safe.reset();
}

Silence missed(Connection& connection, const Settings& settings, const CellSummary& last_cells, Seconds t,
               Millis interval) {
    if (!connection.silent_since) {
        connection.silent_since = t;
    }
    ++connection.silent_polls;
    if (connection.errors == 0) {
        connection.first_error = t;
    }
    ++connection.errors;
    connection.last_error = t;
    if (connection.silent_polls < 2) {
        return {};
    }
    if (!connection.cells_were_safe) {
        connection.cells_were_safe = cells_safe(settings, last_cells);
    }
    const bool safe = *connection.cells_were_safe;
    const Seconds silent = t - *connection.silent_since;
    Silence silence;
    silence.off_line = Millis{silent} >= std::max(Millis{kOffLine}, 3 * interval);
    if (silence.off_line) {
        connection.online = false;
        silence.block_current = settings.block_on_disconnect || !safe;
    }
    if (silent > kCableWarning) {
        connection.cable_alarm = Level::warning;
    }
    if (silent >= patience(settings, safe)) {
        connection.cable_alarm = Level::alarm;
        connection.gone_at = t;
        silence.leave_bus = true;
    }
    if (!settings.bms_cable_alarm) {
        connection.cable_alarm = Level::ok;
    }
    return silence;
}

std::string connection_text(const Connection& connection, const Settings& settings, Seconds t) {
    if (connection.silent_polls >= 2) {
        const Seconds silent = t - *connection.silent_since;
        const Seconds rest = patience(settings, connection.cells_were_safe.value_or(false)) - silent;
        return concat({"Lost for: ", duration_text(silent.count()),
                       " | Disconnect in: ", duration_text(std::max<std::int64_t>(0, rest.count()))});
    }
    if (connection.errors == 0) {
        return connection.ever_heard ? "Connected" : "";
    }
    return concat({"Connected (", std::to_string(connection.errors),
                   connection.errors == 1 ? " error" : " errors", " in the last ",
                   duration_text((t - connection.first_error).count()), ")"});
}

}  // namespace bms::control
