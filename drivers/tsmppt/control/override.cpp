#include "tsmppt/control/override.hpp"

#include "tsmppt/venus.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace tristar {

namespace {

constexpr double kLowestPer12V = 10.0;
constexpr double kHighestPer12V = 16.0;
constexpr double kUsualHighestPer12V = 14.4;
/// The controller swings around its target by a count or two; a strict comparison would miss half of the time.
constexpr double kAtTargetPer12V = 0.02;
/// Between readings further apart than this nobody knows what the battery did.
constexpr std::int64_t kLongestStep = 60;
/// Steps of the two registers on a controller with the usual scale, with some room.
constexpr double kVoltsTolerance = 0.02;
constexpr double kAmpsTolerance = 0.01;

bool same(double value, std::optional<double> read_back, double tolerance) {
    return !read_back || std::abs(value - *read_back) <= tolerance;
}

/// The smallest current the register can hold; zero would end the override instead of the charging.
constexpr double kLeastAmps = 80.0 / 32768;

}  // namespace

std::string_view describe(OverrideFault fault) {
    switch (fault) {
        case OverrideFault::unknown_system:
            return "the system voltage is not known: set DIP switches 2 and 3, or wait for absorption";
        case OverrideFault::too_low:
            return "the voltage is too low for this system";
        case OverrideFault::too_high:
            return "the voltage is above MaxVoltageOverrideVoltage or the controller's own limit";
        case OverrideFault::current:
            break;
    }
    return "the current is above the rating of the controller";
}

std::string_view describe(StopReason reason) {
    switch (reason) {
        case StopReason::none:
            break;
        case StopReason::user:
            return "UserDisabled";
        case StopReason::battery_full:
            return "BatteryFull";
        case StopReason::time_limit:
            return "TimeLimit";
        case StopReason::night:
            return "Night";
        case StopReason::refused:
            return "Refused";
    }
    return "";
}

wire::Expected<OverrideLimits, OverrideFault> override_limits(const OverrideSettings& settings,
                                                              std::optional<int> system_volts,
                                                              const SetPoints& points, double rated_amps) {
    if (!system_volts) {
        return wire::Unexpected{OverrideFault::unknown_system};
    }
    const double twelves = *system_volts / 12.0;
    OverrideLimits limits;
    limits.lowest_volts = kLowestPer12V * twelves;
    const double chosen = settings.highest_volts > 0 ? settings.highest_volts : kUsualHighestPer12V * twelves;
    limits.highest_volts = std::min(chosen, kHighestPer12V * twelves);
    if (points.limit_volts.value_or(0) > 0) {
        limits.highest_volts = std::min(limits.highest_volts, *points.limit_volts * twelves);
    }
    limits.highest_amps = rated_amps;
    const double absorption = points.absorption_volts.value_or(0) * twelves;
    limits.usual_volts = absorption > 0 ? std::min(absorption, limits.highest_volts) : limits.highest_volts;
    return limits;
}

std::optional<OverrideFault> request_volts(Override& wanted, double volts, const OverrideLimits& limits) {
    if (volts <= 0) {
        const bool ends = wanted.volts && !wanted.amps;
        wanted.volts.reset();
        if (ends) {
            stop(wanted, StopReason::user);
        }
        return std::nullopt;
    }
    if (!(volts >= limits.lowest_volts)) {
        return OverrideFault::too_low;
    }
    if (!(volts <= limits.highest_volts)) {
        return OverrideFault::too_high;
    }
    if (wanted.volts != volts) {
        wanted.tail_seconds = 0;
    }
    wanted.volts = volts;
    wanted.stopped = StopReason::none;
    return std::nullopt;
}

std::optional<OverrideFault> request_amps(Override& wanted, double amps, const OverrideLimits& limits) {
    if (amps <= 0) {
        const bool ends = wanted.amps && !wanted.volts;
        wanted.amps.reset();
        if (ends) {
            stop(wanted, StopReason::user);
        }
        return std::nullopt;
    }
    if (!(amps <= limits.highest_amps)) {
        return OverrideFault::current;
    }
    wanted.amps = amps;
    wanted.stopped = StopReason::none;
    return std::nullopt;
}

void stop(Override& wanted, StopReason reason) {
    wanted.volts.reset();
    wanted.amps.reset();
    wanted.tail_seconds = 0;
    wanted.stopped = reason;
}

std::optional<double> excess_watts(const Charger& charger) {
    if (!charger.sweep_max_watts || !charger.output_watts) {
        return std::nullopt;
    }
    return std::max(0.0, *charger.sweep_max_watts - *charger.output_watts);
}

bool follow(Override& wanted, const OverrideSettings& settings, const Charger& charger, const Moment& now) {
    const bool new_day = wanted.day != now.local_day;
    const auto elapsed = now.unix_seconds - wanted.last_seconds;
    const bool counts = elapsed > 0 && elapsed <= kLongestStep;
    wanted.last_seconds = now.unix_seconds;
    wanted.day = now.local_day;
    if (new_day) {
        wanted.at_target_seconds = 0;
    }
    if (!wanted.active()) {
        return false;
    }
    if (charger.charge_state && is_night(*charger.charge_state)) {
        stop(wanted, StopReason::night);
        return true;
    }
    if (!wanted.volts || !charger.battery_volts || !charger.battery_amps) {
        return false;
    }
    const double tolerance = kAtTargetPer12V * *wanted.volts / 14.4;
    const bool at_target = *charger.battery_volts >= *wanted.volts - tolerance;
    const bool sun = settings.excess_watts < 0 || excess_watts(charger).value_or(0) >= settings.excess_watts;
    const bool full = at_target && sun && *charger.battery_amps < settings.full_amps;
    if (at_target && counts) {
        wanted.at_target_seconds += static_cast<double>(elapsed);
    }
    wanted.tail_seconds = full && counts ? wanted.tail_seconds + static_cast<double>(elapsed) : 0;
    if (full && wanted.tail_seconds >= settings.full_seconds) {
        stop(wanted, StopReason::battery_full);
    } else if (wanted.at_target_seconds >= settings.time_limit_s) {
        stop(wanted, StopReason::time_limit);
    }
    return !wanted.active();
}

std::optional<SlaveTarget> slave_target(const Override& wanted, const GxWishes& link,
                                        const OverrideLimits& limits, const Moment& now) {
    std::optional<double> volts = wanted.volts;
    std::optional<double> amps = wanted.amps;
    if (!wanted.active()) {
        const auto fresh = [&now](std::int64_t at) { return now.unix_seconds - at <= kLinkSeconds; };
        volts = fresh(link.volts_at) ? link.volts : std::nullopt;
        amps = fresh(link.amps_at) ? link.amps : std::nullopt;
    }
    if (!volts && !amps) {
        return std::nullopt;
    }
    return SlaveTarget{
        std::clamp(volts.value_or(limits.usual_volts), limits.lowest_volts, limits.highest_volts),
        std::clamp(amps.value_or(limits.highest_amps), kLeastAmps, limits.highest_amps)};
}

SlaveAction slave_action(const SlaveWrites& writes, const std::optional<SlaveTarget>& target,
                         const Charger& charger, bool left_behind, const Moment& now) {
    if (!target) {
        return writes.written || left_behind ? SlaveAction::release : SlaveAction::none;
    }
    const bool due = now.unix_seconds - writes.at >= kRewriteSeconds || now.unix_seconds < writes.at;
    const bool changed = writes.written != target;
    const bool overwritten = !same(target->volts, charger.slave_volts, kVoltsTolerance)
                             || !same(target->amps, charger.slave_amps, kAmpsTolerance);
    return due || changed || overwritten ? SlaveAction::write : SlaveAction::none;
}

}  // namespace tristar
