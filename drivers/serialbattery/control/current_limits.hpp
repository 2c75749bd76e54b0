#pragma once
// The charge and discharge current limits: what they are for the moment (candidates), and how the published
// value follows (update rule). Both directions by the same code (docs/battery-control.md, "Current limits").

#include "serialbattery/control/cells.hpp"
#include "serialbattery/control/settings.hpp"
#include "serialbattery/control/temperatures.hpp"

#include <string>

namespace bms::control {

enum class Direction : std::uint8_t { charge, discharge };

/// What limits a current, in the order of the text.
enum class Limiter : std::uint8_t {
    configured,
    bms_settings,
    cell_voltage,
    temperature,
    mosfet,
    soc,
    fet_off,
    user,
    connection_lost,
    configuration,
};

[[nodiscard]] constexpr std::uint16_t limiter_bit(Limiter limiter) {
    return static_cast<std::uint16_t>(1U << static_cast<unsigned>(limiter));
}

/// /Info/ChargeLimitation and /Info/DischargeLimitation: the limiters at the minimum, and whether a recovery
/// waits.
struct Limitation {
    std::uint16_t limiters = 0;  ///< bit n: Limiter n; 0: not known yet
    bool waiting = false;
    friend bool operator==(const Limitation&, const Limitation&) = default;
};
[[nodiscard]] std::string limitation_text(Limitation limitation, Direction direction);

/// What the limits of the moment are computed from.
struct LimitInput {
    CellSummary cells;
    Temperatures temperatures;
    std::optional<double> soc_percent;
    std::optional<double> bms_limit_a;
    std::optional<bool> fet;      ///< the direction's switch
    bool forced_off = false;      ///< by the user
    bool limits_blocked = false;  ///< no usable configuration
};

/// A current limit of the moment.
struct LimitTarget {
    double amps = 0;       ///< rounded to 0.001, never negative
    double maximum_a = 0;  ///< what the recovery threshold is a fraction of
    double bound_a =
        0;  ///< what settings and BMS allow at the most: never to be exceeded, not even for a while
    std::uint16_t limiters = 0;
};
[[nodiscard]] LimitTarget limit_target(const Settings& settings, Direction direction,
                                       const LimitInput& input);

/// Memory of the update rule for one direction.
struct PublishedLimit {
    std::optional<double> amps;  ///< nothing before the first poll
    Limitation limitation;
    Seconds updated_at{};
    std::optional<Seconds> hold_since;
    std::optional<Seconds> ramp_since;
    double ramp_from_a = 0;
};

/// One good poll: reductions to zero, by a large step or of the maximum itself at once, small changes every so
/// often, recoveries after a hold and along a ramp.
void update_limit(PublishedLimit& limit, const Settings& settings, Direction direction,
                  const LimitTarget& target, Seconds t);

/// No current at once, because the BMS is silent: a return goes through hold and ramp.
void block_limit(PublishedLimit& limit, Limiter because);

}  // namespace bms::control
