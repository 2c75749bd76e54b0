#pragma once
// Temperatures: clamped, corrected, and the selected sensors' mean and extremes.

#include "serialbattery/control/measurement.hpp"
#include "serialbattery/control/settings.hpp"

#include <array>

namespace bms::control {

inline constexpr std::size_t kSensorCount = 4;

struct Temperatures {
    std::array<std::optional<double>, kSensorCount> sensors_c;  ///< corrected
    std::optional<double> mosfet_c;
    /// Of the sensors that TEMPERATURE_SOURCE_BATTERY selects.
    std::optional<double> battery_c;  ///< mean, rounded to 0.1
    std::optional<double> min_c;
    std::optional<double> max_c;
    std::size_t min_sensor = 0;  ///< 1...4, 0: none
    std::size_t max_sensor = 0;
};

/// Raw readings are clamped to -20...100 °C and rounded to 0.1, then corrected (not rounded again).
[[nodiscard]] Temperatures temperatures(const Settings& settings, const Measurement& reading);

/// The user's name of sensor 1...4, empty for any other number.
[[nodiscard]] std::string sensor_name(const Settings& settings, std::size_t sensor);

}  // namespace bms::control
