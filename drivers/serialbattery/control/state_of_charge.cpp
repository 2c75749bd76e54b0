#include "serialbattery/control/state_of_charge.hpp"

#include "serialbattery/control/curve.hpp"

#include <algorithm>
#include <cmath>

namespace bms::control {
namespace {

constexpr Seconds kConfirm{60};  // an empty or a full battery is believed after this

double hours(Millis span) {
    return as_seconds(span) / 3600;
}

/// R = 0 once the lowest cell has been empty under load for more than a minute.
void notice_empty(SocCounter& counter, const Settings& settings, const SocInput& input, Seconds t) {
    const bool low = input.cells.any
                     && tenth_millivolts(microvolts(input.cells.min_v))
                            <= tenth_millivolts(microvolts(settings.min_cell_v));
    if (!low) {
        return;
    }
    if (input.current_a.value_or(0) >= 0 || !counter.empty_since) {
        counter.empty_since = t;
    } else if (t - *counter.empty_since > kConfirm && round_to(counter.percent, 0) != 0) {
        counter.remaining_ah = 0;
        counter.empty_since.reset();
    }
}

/// R = C once the battery has taken only a tail current at its target voltage for more than a minute.
void notice_full(SocCounter& counter, const Settings& settings, const SocInput& input, Seconds t) {
    constexpr double kNearlyMax = 0.99;
    if (!settings.full_tail_current_a || !input.cells.complete || !input.current_a) {
        counter.full_since.reset();
        return;
    }
    const Microvolts target =
        round_half_even(microvolts(settings.max_cell_v) * static_cast<Microvolts>(input.cell_count), 10'000);
    const bool full =
        input.cells.min_v > kNearlyMax * settings.max_cell_v
        && tenth_millivolts(input.cells.sum) >= tenth_millivolts(target - microvolts(settings.voltage_drop_v))
        && *input.current_a >= 0 && *input.current_a < *settings.full_tail_current_a;
    if (!full) {
        counter.full_since.reset();
    } else if (!counter.full_since) {
        counter.full_since = t;
    } else if (t - *counter.full_since > kConfirm) {
        counter.set(100, input.capacity_ah);
    }
}

}  // namespace

std::optional<double> battery_current(const Settings& settings, const Measurement& reading,
                                      const Surroundings& around) {
    constexpr int kDecimals = 3;
    std::optional<double> current_a;
    if (around.external_current_a && std::isfinite(*around.external_current_a)
        && !settings.external_current_path.empty()) {
        current_a = round_to(*around.external_current_a, kDecimals);
    } else if (reading.current_a) {
        current_a = *reading.current_a * settings.current_sign;
        const Curve& map = settings.current_map;
        if (map.points != map.values) {
            current_a = round_to(look_up(map, *current_a, Between::line).value_or(*current_a), kDecimals);
        }
    }
    if (current_a && reading.discharge_fet == false) {
        current_a = std::max(0.0, *current_a);
    }
    if (current_a && reading.charge_fet == false) {
        current_a = std::min(0.0, *current_a);
    }
    return current_a;
}

Flowed FlowMeter::until(Millis now) const {
    Flowed flowed;
    const double charge_ah = current_a.value_or(0) * hours(now - at);
    const double energy_kwh = power_w.value_or(0) * hours(now - at) / 1000;
    flowed.charged_ah = std::max(0.0, charge_ah);
    flowed.discharged_ah = std::max(0.0, -charge_ah);
    flowed.charged_kwh = std::max(0.0, energy_kwh);
    flowed.discharged_kwh = std::max(0.0, -energy_kwh);
    return flowed;
}

void SocCounter::set(double to_percent, double capacity_ah) {
    remaining_ah = capacity_ah * to_percent / 100;
    empty_since.reset();
}

double count_soc(SocCounter& counter, const Settings& settings, const SocInput& input, Millis now) {
    if (input.capacity_ah <= 0) {
        return counter.percent;
    }
    const Seconds t = whole_seconds(now);
    if (!counter.remaining_ah) {
        const double start = counter.stored_percent.value_or(input.bms_percent.value_or(100));
        counter.remaining_ah = input.capacity_ah * std::clamp(start, 0.0, 100.0) / 100;
    } else {
        double current_a = input.current_a.value_or(0);
        current_a =
            (current_a > 0 ? current_a * settings.charge_efficiency : current_a) - settings.own_consumption_a;
        counter.remaining_ah =
            std::clamp(*counter.remaining_ah + current_a * hours(now - counter.at), 0.0, input.capacity_ah);
        notice_empty(counter, settings, input, t);
        notice_full(counter, settings, input, t);
    }
    counter.at = now;
    counter.percent = round_to(std::clamp(100 * *counter.remaining_ah / input.capacity_ah, 0.0, 100.0), 3);
    return counter.percent;
}

bool stored_soc_believable(double stored_percent, Seconds age, std::optional<double> bms_percent) {
    constexpr Seconds kOld = std::chrono::days{1};
    constexpr double kFarOff = 20;
    return stored_percent >= 0 && stored_percent <= 100
           && (age <= kOld || !bms_percent || std::fabs(stored_percent - *bms_percent) <= kFarOff);
}

}  // namespace bms::control
