#pragma once
// Units, time and rounding of the control room.
//
// Voltages that are compared are integers of a microvolt: a sum of binary fractions such as 8 x 3.450 V misses
// its decimal target by a hair and a threshold is never met (docs/battery-control.md, "Numbers").

#include <chrono>
#include <cstdint>
#include <optional>

namespace bms::control {

/// Time on a monotonic clock with an arbitrary zero: every `now` of this room. Differences only have meaning.
using Millis = std::chrono::milliseconds;
using Seconds = std::chrono::seconds;

/// The whole second that timers work with.
[[nodiscard]] constexpr Seconds whole_seconds(Millis now) {
    return std::chrono::floor<Seconds>(now);
}
[[nodiscard]] constexpr double as_seconds(Millis span) {
    return static_cast<double>(span.count()) / 1000.0;
}

/// One moment on both clocks.
struct Clocks {
    Millis monotonic{};
    Seconds unix_time{};
};

using Microvolts = std::int64_t;

/// Nearest integer of a number, saturated to +-1e15; 0 when it is not a number.
[[nodiscard]] std::int64_t saturated(double value);

/// Nearest microvolt of a voltage in volts.
[[nodiscard]] Microvolts microvolts(double volts);

[[nodiscard]] constexpr double volts(Microvolts value) {
    return static_cast<double>(value) / 1e6;
}

/// Nearest multiple of `step`, an exact tie to the even multiple. `step` > 0.
[[nodiscard]] constexpr std::int64_t round_half_even(std::int64_t value, std::int64_t step) {
    std::int64_t quotient = value / step;
    std::int64_t rest = value % step;
    if (rest < 0) {
        rest += step;
        --quotient;
    }
    const bool up = rest * 2 > step || (rest * 2 == step && quotient % 2 != 0);
    return (quotient + (up ? 1 : 0)) * step;
}

/// Units of 0.1 mV, in which thresholds are compared.
[[nodiscard]] constexpr std::int64_t tenth_millivolts(Microvolts value) {
    return round_half_even(value, 100) / 100;
}

/// `value` rounded to `decimals` (0..9) decimals: the nearest decimal of the exact binary value, ties to even.
/// Numbers beyond 1e15 and non-finite ones are returned as they are.
[[nodiscard]] double round_to(double value, int decimals);
[[nodiscard]] inline std::optional<double> round_to(std::optional<double> value, int decimals) {
    return value ? std::optional(round_to(*value, decimals)) : std::nullopt;
}

}  // namespace bms::control
