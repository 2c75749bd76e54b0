#include "serialbattery/control/numbers.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace bms::control {

std::int64_t saturated(double value) {
    constexpr double kLimit = 1e15;
    if (std::isnan(value)) {
        return 0;
    }
    return std::llround(std::fmin(std::fmax(value, -kLimit), kLimit));
}

Microvolts microvolts(double volts) {
    return saturated(volts * 1e6);
}

double round_to(double value, int decimals) {
    if (!std::isfinite(value) || std::fabs(value) > 1e15) {
        return value;
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
