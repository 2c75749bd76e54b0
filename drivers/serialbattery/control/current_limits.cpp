#include "serialbattery/control/current_limits.hpp"

#include "serialbattery/control/curve.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace bms::control {
namespace {

/// The settings of one direction.
struct Side {
    double Settings::*maximum_a;
    double Settings::*source;
    double Settings::*least_a;
    bool Settings::*by_cell_voltage;
    bool Settings::*by_temperature;
    bool Settings::*by_mosfet;
    bool Settings::*by_soc;
    Curve Settings::*cell_voltage;
    Curve Settings::*temperature;
    Curve Settings::*mosfet;
    Curve Settings::*soc;
    double Settings::*threshold_fraction;
    double Settings::*hold_s;
    double Settings::*rate_a_per_s;
    Between step;  ///< neighbour that cell voltage and temperature take in step mode
};

using S = Settings;
constexpr Side kCharge = {&S::max_charge_current_a,
                          &S::charge_current_source,
                          &S::min_charge_limit_a,
                          &S::charge_by_cell_voltage,
                          &S::charge_by_temperature,
                          &S::charge_by_mosfet,
                          &S::charge_by_soc,
                          &S::charge_cell_voltage,
                          &S::charge_temperature,
                          &S::charge_mosfet,
                          &S::charge_soc,
                          &S::ccl_threshold_fraction,
                          &S::ccl_hold_s,
                          &S::ccl_rate_a_per_s,
                          Between::lower};
constexpr Side kDischarge = {&S::max_discharge_current_a,
                             &S::discharge_current_source,
                             &S::min_discharge_limit_a,
                             &S::discharge_by_cell_voltage,
                             &S::discharge_by_temperature,
                             &S::discharge_by_mosfet,
                             &S::discharge_by_soc,
                             &S::discharge_cell_voltage,
                             &S::discharge_temperature,
                             &S::discharge_mosfet,
                             &S::discharge_soc,
                             &S::dcl_threshold_fraction,
                             &S::dcl_hold_s,
                             &S::dcl_rate_a_per_s,
                             Between::upper};

const Side& side_of(Direction direction) {
    return direction == Direction::charge ? kCharge : kDischarge;
}

/// Collects candidates; those that are equal but for binary rounding count as equal.
class Candidates {
  public:
    void add(Limiter limiter, double amps) {
        constexpr double kNoise = 1e-9;
        if (count_ == 0 || amps < lowest_ - kNoise) {
            lowest_ = amps;
            limiters_ = 0;
        }
        ++count_;
        if (amps <= lowest_ + kNoise) {
            limiters_ = static_cast<std::uint16_t>(limiters_ | limiter_bit(limiter));
        }
    }
    void raise_to(double least) { lowest_ = std::max(lowest_, least); }
    [[nodiscard]] double lowest() const { return lowest_; }

    /// The configured maximum, or else the BMS's, is named alone.
    [[nodiscard]] std::uint16_t limiters() const {
        for (const auto alone : {Limiter::configured, Limiter::bms_settings}) {
            if ((limiters_ & limiter_bit(alone)) != 0) {
                return limiter_bit(alone);
            }
        }
        return limiters_;
    }

  private:
    double lowest_ = 0;
    std::uint16_t limiters_ = 0;
    int count_ = 0;
};

bool takes_bms_maximum(const Settings& settings, const Side& side, const LimitInput& input) {
    const auto source = saturated(settings.*side.source);
    return input.bms_limit_a && (settings.use_bms_limits || source == static_cast<int>(LimitSource::bms));
}

bool bms_limit_counts(const Settings& settings, const Side& side) {
    return settings.use_bms_limits || saturated(settings.*side.source) != static_cast<int>(LimitSource::own);
}

class Tables {
  public:
    Tables(const Settings& settings, const Side& side, double maximum_a, Candidates& candidates)
        : settings_(settings), side_(side), maximum_a_(maximum_a), candidates_(candidates) {}

    void add(Limiter limiter, bool enabled, Curve Settings::*curve, std::optional<double> x, Between step) {
        if (!enabled || !x) {
            return;
        }
        const bool steps = saturated(settings_.charge_mode) == 2;
        if (const auto fraction = look_up(settings_.*curve, *x, steps ? step : Between::line)) {
            candidates_.add(limiter, *fraction * maximum_a_);
        }
    }

    void add_all(const LimitInput& in) {
        const bool charging = &side_ == &kCharge;
        const auto cell =
            in.cells.any ? std::optional(charging ? in.cells.max_v : in.cells.min_v) : std::nullopt;
        const bool by_temperature = settings_.*side_.by_temperature;
        add(Limiter::cell_voltage, settings_.*side_.by_cell_voltage, side_.cell_voltage, cell, side_.step);
        add(Limiter::temperature, by_temperature, side_.temperature, in.temperatures.min_c, side_.step);
        add(Limiter::temperature, by_temperature, side_.temperature, in.temperatures.max_c, side_.step);
        add(Limiter::mosfet, settings_.*side_.by_mosfet, side_.mosfet, in.temperatures.mosfet_c,
            Between::lower);
        add(Limiter::soc, settings_.*side_.by_soc, side_.soc, in.soc_percent, Between::upper);
    }

  private:
    const Settings& settings_;
    const Side& side_;
    double maximum_a_;
    Candidates& candidates_;
};

std::int64_t milliamps(double amps) {
    return saturated(amps * 1000);
}

}  // namespace

std::string limitation_text(Limitation limitation, Direction direction) {
    static constexpr std::array<std::string_view, 10> kNames = {
        "",    "BMS Settings", "Cell Voltage",    "Temp",         "MOSFET", "SoC",
        "BMS", "User",         "Connection lost", "Configuration"};
    std::string text;
    for (std::size_t i = 0; i < kNames.size(); ++i) {
        if ((limitation.limiters >> i & 1) == 0) {
            continue;
        }
        text += text.empty() ? "" : ", ";
        if (i == 0) {
            text += direction == Direction::charge ? "Max Battery Charge Current"
                                                   : "Max Battery Discharge Current";
        } else {
            text += kNames[i];
        }
    }
    return text + (limitation.waiting ? " *" : "");
}

LimitTarget limit_target(const Settings& settings, Direction direction, const LimitInput& input) {
    const Side& side = side_of(direction);
    const bool from_bms = takes_bms_maximum(settings, side, input);
    const double maximum_a = std::max(0.0, from_bms ? *input.bms_limit_a : settings.*side.maximum_a);
    Candidates candidates;
    candidates.add(from_bms ? Limiter::bms_settings : Limiter::configured, maximum_a);
    if (!from_bms && input.bms_limit_a && bms_limit_counts(settings, side)
        && *input.bms_limit_a < maximum_a) {
        candidates.add(Limiter::bms_settings, std::max(0.0, *input.bms_limit_a));
    }
    const double bound_a = candidates.lowest();
    Tables(settings, side, maximum_a, candidates).add_all(input);
    candidates.raise_to(std::min(settings.*side.least_a, bound_a));  // what is not allowed stays off
    const std::array<std::pair<bool, Limiter>, 3> off = {{{input.fet == false, Limiter::fet_off},
                                                          {input.forced_off, Limiter::user},
                                                          {input.limits_blocked, Limiter::configuration}}};
    for (const auto& [is_off, limiter] : off) {
        if (is_off) {
            candidates.add(limiter, 0);
        }
    }
    return {.amps = round_to(std::max(0.0, candidates.lowest()), 3),
            .maximum_a = maximum_a,
            .bound_a = bound_a,
            .limiters = candidates.limiters()};
}

void update_limit(PublishedLimit& limit, const Settings& settings, Direction direction,
                  const LimitTarget& target, Seconds t) {
    const Side& side = side_of(direction);
    const bool recovering = limit.amps && target.amps > *limit.amps;
    if (limit.amps) {
        const auto change = std::llabs(milliamps(*limit.amps) - milliamps(target.amps));
        const bool large = static_cast<double>(change) * 100
                           >= static_cast<double>(milliamps(*limit.amps)) * settings.limit_refresh_percent;
        const bool due = static_cast<double>((t - limit.updated_at).count()) >= settings.limit_refresh_s;
        const bool too_high = *limit.amps > target.bound_a;
        if (!recovering && !due && !large && !too_high && !(target.amps == 0 && *limit.amps != 0)) {
            return;
        }
    }
    limit.updated_at = t;
    limit.limitation = {.limiters = target.limiters, .waiting = false};
    const auto settle = [&limit] {
        limit.hold_since.reset();
        limit.ramp_since.reset();
    };
    if (target.amps == 0 || !recovering) {
        limit.amps = target.amps;
        settle();
        return;
    }
    // Where a least limit is wanted, 0 means that the BMS does not allow it, and nothing else.
    const double threshold_a =
        settings.*side.least_a > 0 ? 0 : target.maximum_a * settings.*side.threshold_fraction;
    if (*limit.amps == 0 && target.amps < threshold_a) {
        limit.limitation.waiting = true;
        settle();
        return;
    }
    if (!limit.hold_since) {
        limit.hold_since = t;
    }
    if (static_cast<double>((t - *limit.hold_since).count()) < settings.*side.hold_s) {
        limit.limitation.waiting = true;
        limit.ramp_since.reset();
        return;
    }
    const double rate = settings.*side.rate_a_per_s;
    if (rate <= 0) {
        limit.amps = target.amps;
        settle();
        return;
    }
    if (!limit.ramp_since) {
        limit.ramp_since = t;
        limit.ramp_from_a = *limit.amps;
    }
    const double ramped = limit.ramp_from_a + rate * static_cast<double>((t - *limit.ramp_since).count());
    limit.amps = round_to(std::min(target.amps, ramped), 3);
    if (*limit.amps >= target.amps) {
        settle();
    }
}

void block_limit(PublishedLimit& limit, Limiter because) {
    limit.amps = 0;
    limit.limitation = {.limiters = limiter_bit(because), .waiting = false};
    limit.hold_since.reset();
    limit.ramp_since.reset();
}

}  // namespace bms::control
