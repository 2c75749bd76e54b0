#pragma once
// Average current, time to go and times to states of charge.

#include "serialbattery/control/measurement.hpp"
#include "serialbattery/control/numbers.hpp"
#include "serialbattery/control/settings.hpp"

#include <deque>
#include <string>

namespace bms::control {

/// Mean current of the good polls of the last 300 s.
class CurrentAverage {
  public:
    /// One good poll; the mean in A, rounded to 0.01.
    double add(Millis now, double current_a);

  private:
    struct Sample {
        Millis at;
        double current_a;
    };
    std::deque<Sample> window_;
};

struct TimeToGo {
    std::optional<Seconds> computed_at;
    std::optional<std::int64_t> seconds;
    /// By point of TIME_TO_SOC_POINTS.
    std::vector<std::optional<std::int64_t>> to_points;
};

struct TimeToGoInput {
    double soc_percent = 0;  ///< not rounded
    double current_a = 0;
    double average_a = 0;
    double capacity_ah = 0;
};

/// One good poll: computed in the first one and then every TIME_TO_SOC_RECALCULATE_EVERY seconds (at least 5).
/// Without input (state of charge, current or capacity unknown) the values of a due computation are nothing.
void update_time_to_go(TimeToGo& state, const Settings& settings, const std::optional<Ess>& ess,
                       const std::optional<TimeToGoInput>& input, Seconds t);

/// "1d 2h": the two biggest units of a time of at least a minute, else seconds.
[[nodiscard]] std::string duration_text(std::int64_t seconds);

/// As TIME_TO_SOC_VALUE_TYPE says: "93600", "1d 2h" or "93600 [1d 2h]".
[[nodiscard]] std::string time_to_soc_text(const Settings& settings, std::int64_t seconds);

}  // namespace bms::control
