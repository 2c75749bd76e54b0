#include "serialbattery/control/numbers.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <optional>

namespace bms::control {

std::int64_t saturated(double value) {
    constexpr double kLimit = 1e15;
    if (std::fabs(value) < kLimit) {
        return std::llround(value);
    }
    return std::isnan(value) ? 0 : std::llround(std::copysign(kLimit, value));
}

Microvolts microvolts(double volts) {
    return saturated(volts * 1e6);
}

namespace {

constexpr std::array kPowers{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};

/// The same by multiplication, where its own rounding cannot matter: away from ties.
std::optional<double> round_plainly(double value, int decimals) {
    constexpr double kLargest = 1e9;
    constexpr double kNearTie = 1e-6;  // the product is off by 1e-7 at most
    const double power = kPowers.at(static_cast<std::size_t>(decimals));
    const double scaled = value * power;
    const double nearest = std::nearbyint(scaled);
    const bool clear = std::fabs(scaled) < kLargest && std::fabs(scaled - nearest) < 0.5 - kNearTie;
    return clear ? std::optional(nearest / power) : std::nullopt;
}

}  // namespace

double round_to(double value, int decimals) {
    if (!std::isfinite(value) || std::fabs(value) > 1e15) {
        return value;
    }
    if (const auto plain = round_plainly(value, decimals)) {
        return *plain == 0 ? 0 : *plain;
    }
    std::array<char, 40> text{};
    const auto [end, fault] =
        std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed, decimals);
    double rounded = value;
    if (fault == std::errc{}) {
        std::from_chars(text.data(), end, rounded);
    }
    return rounded == 0 ? 0 : rounded;  // no negative zero
}

}  // namespace bms::control
