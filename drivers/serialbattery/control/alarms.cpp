#include "serialbattery/control/alarms.hpp"

#include <algorithm>

namespace bms::control {
namespace {

constexpr std::size_t kErrorsKept = 180;
constexpr Seconds kErrorWindow = std::chrono::hours{3};
constexpr Seconds kReviewEvery = std::chrono::hours{1};

}  // namespace

std::optional<Level> hold_level(HeldLevel& held, std::optional<Level> now, double delay_s, Seconds t) {
    if (!now || !held.level || *now >= *held.level) {
        held = {.level = now};
        return held.level;
    }
    held.highest_since = held.lower_since ? std::max(held.highest_since, *now) : *now;
    held.lower_since = held.lower_since.value_or(t);
    if (static_cast<double>((t - *held.lower_since).count()) >= delay_s) {
        const bool lower_still = *now < held.highest_since;
        held = {.level = held.highest_since,
                .lower_since = lower_still ? std::optional(t) : std::nullopt,
                .highest_since = *now};
    }
    return held.level;
}

std::optional<Level> low_soc_level(const Settings& settings, std::optional<double> soc_percent) {
    if (!soc_percent) {
        return std::nullopt;
    }
    if (*soc_percent < settings.soc_low_alarm_percent) {
        return Level::alarm;
    }
    return *soc_percent < settings.soc_low_warning_percent ? Level::warning : Level::ok;
}

Alarms publish_alarms(AlarmMemory& memory, const Settings& settings, const AlarmInput& input, Seconds t) {
    Alarms published;
    for (std::size_t i = 0; i < kAlarmCount; ++i) {
        const auto alarm = static_cast<Alarm>(i);
        auto level = input.bms[alarm];
        if (alarm == Alarm::low_soc && (input.own_soc || !level)) {
            level = low_soc_level(settings, input.soc_percent);
        }
        const bool high = alarm == Alarm::high_voltage || alarm == Alarm::high_cell_voltage;
        if (high && input.reset_charge_near && level == Level::warning) {
            level = Level::ok;
        }
        if (const auto held = hold_level(memory.held[i], level, settings.alarm_clear_delay_s, t)) {
            published.raise(alarm, *held);
        }
    }
    return published;
}

void InternalErrors::count(Seconds t) {
    if (times_.size() < kErrorsKept) {
        times_.push_back(t);
    } else {
        times_[next_] = t;
        next_ = (next_ + 1) % kErrorsKept;
    }
    if (times_.size() == kErrorsKept && t - times_[next_] <= kErrorWindow) {
        raised_ = true;
    }
}

void InternalErrors::review(Seconds t) {
    if (reviewed_at_ && t - *reviewed_at_ < kReviewEvery) {
        return;
    }
    reviewed_at_ = t;
    if (times_.size() == kErrorsKept && t - times_[next_] > kErrorWindow) {
        raised_ = false;
    }
}

}  // namespace bms::control
