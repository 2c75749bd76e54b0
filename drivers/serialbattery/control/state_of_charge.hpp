#pragma once
// Current and state of charge: which source counts, and counting ampere-hours.

#include "serialbattery/control/cells.hpp"
#include "serialbattery/control/settings.hpp"

namespace bms::control {

/// The battery's current in A, + while charging: external sensor, else the BMS's (sign, correction map), then
/// clamped by switches that are off. Nothing when neither source has a value.
[[nodiscard]] std::optional<double> battery_current(const Settings& settings, const Measurement& reading,
                                                    const Surroundings& around);

/// Charge and energy that flowed since the poll before.
struct Flowed {
    double charged_ah = 0;
    double discharged_ah = 0;
    double charged_kwh = 0;
    double discharged_kwh = 0;
};

/// Integrates the values of the poll before over the time since then; pauses while they are unknown.
struct FlowMeter {
    std::optional<double> current_a;
    std::optional<double> power_w;
    Millis at{};

    [[nodiscard]] Flowed until(Millis now) const;
};

/// Counting ampere-hours.
struct SocCounter {
    std::optional<double> stored_percent;  ///< what the last run left; used by the first poll
    std::optional<double> remaining_ah;    ///< nothing before the first poll
    double percent = 0;                    ///< of the last poll
    Millis at{};
    std::optional<Seconds> empty_since;
    std::optional<Seconds> full_since;

    /// The battery is full (or as full as the user says).
    void set(double to_percent, double capacity_ah);
};

struct SocInput {
    double capacity_ah = 0;
    std::optional<double> bms_percent;
    std::optional<double> current_a;
    CellSummary cells;
    std::size_t cell_count = 0;
};

/// One poll of counting; the state of charge in %, rounded to 0.001.
double count_soc(SocCounter& counter, const Settings& settings, const SocInput& input, Millis now);

/// /ConsumedAmphours: never positive.
[[nodiscard]] constexpr double consumed(double capacity_ah, double remaining_ah) {
    return remaining_ah < capacity_ah ? remaining_ah - capacity_ah : capacity_ah - remaining_ah;
}

/// A stored state of charge is not believed when it is older than a day and more than 20 % away from the BMS's.
[[nodiscard]] bool stored_soc_believable(double stored_percent, Seconds age,
                                         std::optional<double> bms_percent);

}  // namespace bms::control
