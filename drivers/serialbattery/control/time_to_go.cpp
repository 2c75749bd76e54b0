#include "serialbattery/control/time_to_go.hpp"

#include "serialbattery/control/text.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace bms::control {
namespace {

/// State of charge down to which the battery is discharged.
double lowest_target(const Settings& settings, const std::optional<Ess>& ess) {
    constexpr int kOptimised = 1;
    constexpr int kKeepCharged = 9;
    if (!ess || ess->hub4_mode != kOptimised || ess->battery_life_state == kKeepCharged) {
        return settings.soc_low_warning_percent;
    }
    const bool without_battery_life = ess->battery_life_state >= 10 && ess->battery_life_state <= 12;
    const auto& limit = without_battery_life ? ess->minimum_soc_limit : ess->soc_limit;
    return limit.value_or(settings.soc_low_warning_percent);
}

std::optional<std::int64_t> time_to(double target, const TimeToGoInput& in) {
    constexpr double kIdleAmps = 0.1;
    constexpr double kRoundingGuard = 1e-9;
    const double percent_per_second = std::fabs(in.average_a) / (in.capacity_ah / 100) / 3600;
    const double distance = in.current_a > 0 ? target - in.soc_percent : in.soc_percent - target;
    if (distance <= 0 || std::fabs(in.average_a) <= kIdleAmps || !(percent_per_second > 0)) {
        return std::nullopt;
    }
    return saturated(std::floor(distance / percent_per_second + kRoundingGuard));
}

}  // namespace

double CurrentAverage::add(Millis now, double current_a) {
    constexpr Millis kWindow = Seconds{300};
    window_.push_back({now, current_a});
    while (window_.front().at <= now - kWindow) {
        window_.pop_front();
    }
    double sum = 0;
    for (const auto& sample : window_) {
        sum += sample.current_a;
    }
    return round_to(sum / static_cast<double>(window_.size()), 2);
}

void update_time_to_go(TimeToGo& state, const Settings& settings, const std::optional<Ess>& ess,
                       const std::optional<TimeToGoInput>& input, Seconds t) {
    const double every_s = std::max(5.0, settings.time_to_soc_every_s);
    if (state.computed_at && static_cast<double>((t - *state.computed_at).count()) < every_s) {
        return;
    }
    state.computed_at = t;
    state.seconds.reset();
    state.to_points.assign(settings.time_to_soc_points.size(), std::nullopt);
    if (!input || input->capacity_ah <= 0) {
        return;
    }
    if (settings.time_to_go) {
        state.seconds = time_to(input->average_a >= 0 ? 100 : lowest_target(settings, ess), *input);
    }
    for (std::size_t i = 0; i < state.to_points.size(); ++i) {
        state.to_points[i] = time_to(settings.time_to_soc_points[i], *input);
    }
}

std::string duration_text(std::int64_t seconds) {
    static constexpr std::array<std::pair<std::int64_t, char>, 4> kUnits = {
        {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}}};
    std::string text;
    int shown = 0;
    for (const auto& [size, letter] : kUnits) {
        const std::int64_t count = seconds / size;
        seconds %= size;
        if (shown == 2 || (count == 0 && shown == 0 && letter != 's')) {
            continue;
        }
        if (count != 0 || shown == 0) {
            text += concat({text.empty() ? "" : " ", std::to_string(count), {&letter, 1}});
        }
        ++shown;
    }
    return text;
}

std::string time_to_soc_text(const Settings& settings, std::int64_t seconds) {
    switch (saturated(settings.time_to_soc_form)) {
        case 2:
            return duration_text(seconds);
        case 3:
            return concat({std::to_string(seconds), " [", duration_text(seconds), "]"});
        default:
            return std::to_string(seconds);
    }
}

}  // namespace bms::control
