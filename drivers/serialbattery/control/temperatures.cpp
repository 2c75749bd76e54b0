#include "serialbattery/control/temperatures.hpp"

#include "serialbattery/control/numbers.hpp"

#include <algorithm>
#include <cmath>

namespace bms::control {
namespace {

std::optional<double> corrected(std::optional<double> raw_c, const Adjust& adjust) {
    constexpr double kLowest = -20;
    constexpr double kHighest = 100;
    if (!raw_c || !std::isfinite(*raw_c)) {
        return std::nullopt;
    }
    return round_to(std::clamp(*raw_c, kLowest, kHighest), 1) * adjust.slope + adjust.offset_c;
}

}  // namespace

Temperatures temperatures(const Settings& settings, const Measurement& reading) {
    const std::array adjusts = {&settings.temperature_1_adjust, &settings.temperature_2_adjust,
                                &settings.temperature_3_adjust, &settings.temperature_4_adjust};
    Temperatures result;
    result.mosfet_c = corrected(reading.mosfet_c, settings.mosfet_adjust);
    double sum = 0;
    int count = 0;
    for (std::size_t i = 0; i < kSensorCount; ++i) {
        if (i < reading.temperatures_c.size()) {
            result.sensors_c[i] = corrected(reading.temperatures_c[i], *adjusts[i]);
        }
        const auto selected = std::ranges::find(settings.temperature_sources, static_cast<double>(i + 1));
        const auto& value = result.sensors_c[i];
        if (!value || selected == settings.temperature_sources.end()) {
            continue;
        }
        sum += *value;
        ++count;
        if (!result.min_c || *value < *result.min_c) {
            result.min_c = value;
            result.min_sensor = i + 1;
        }
        if (!result.max_c || *value > *result.max_c) {
            result.max_c = value;
            result.max_sensor = i + 1;
        }
    }
    if (count > 0) {
        result.battery_c = round_to(sum / count, 1);
    }
    return result;
}

std::string sensor_name(const Settings& settings, std::size_t sensor) {
    switch (sensor) {
        case 1:
            return settings.temperature_1_name;
        case 2:
            return settings.temperature_2_name;
        case 3:
            return settings.temperature_3_name;
        case 4:
            return settings.temperature_4_name;
        default:
            return {};
    }
}

}  // namespace bms::control
