#pragma once
// The state codes that both generations of ANT boards use for their FETs: docs/protocols/ant.md

#include "serialbattery/battery.hpp"

#include <array>
#include <optional>
#include <span>

namespace bms::ant {

inline constexpr std::uint8_t kOn = 1;  ///< every other code is off
inline constexpr std::uint8_t kManuallyOff = 15;

struct Code {
    std::uint8_t code;
    Alarm alarm;
};

inline constexpr auto kChargeCodes = std::to_array<Code>({
    {2, Alarm::high_cell_voltage},
    {3, Alarm::high_charge_current},
    {5, Alarm::high_voltage},
    {6, Alarm::high_charge_temperature},
    {7, Alarm::high_internal_temperature},
    {8, Alarm::internal_failure},
    {9, Alarm::internal_failure},
    {10, Alarm::high_internal_temperature},
    {12, Alarm::internal_failure},
    {13, Alarm::internal_failure},
    {16, Alarm::high_cell_voltage},
    {17, Alarm::low_charge_temperature},
    {18, Alarm::cell_imbalance},
    {20, Alarm::internal_failure},
});

inline constexpr auto kDischargeCodes = std::to_array<Code>({
    {2, Alarm::low_cell_voltage},
    {3, Alarm::high_discharge_current},
    {4, Alarm::high_discharge_current},
    {5, Alarm::low_voltage},
    {6, Alarm::high_temperature},
    {7, Alarm::high_internal_temperature},
    {8, Alarm::internal_failure},
    {9, Alarm::internal_failure},
    {10, Alarm::high_internal_temperature},
    {12, Alarm::high_discharge_current},
    {13, Alarm::internal_failure},
    {14, Alarm::internal_failure},
    {16, Alarm::low_cell_voltage},
    {17, Alarm::low_temperature},
    {18, Alarm::cell_imbalance},
    {19, Alarm::internal_failure},
});

/// Alarms, FET states and the balancer from the three codes. A code names why a FET is open: a protection.
inline void load_codes(std::uint8_t charge, std::uint8_t discharge, std::uint8_t balancer, Battery& battery) {
    battery.charge_fet = charge == kOn;
    battery.discharge_fet = discharge == kOn;
    battery.charge_switch = charge != kManuallyOff;
    battery.discharge_switch = discharge != kManuallyOff;
    battery.balancing = balancer == 1 || balancer == 2 || balancer == 4;
    battery.alarms.clear();
    const auto raise = [&battery](std::span<const Code> codes, std::uint8_t state) {
        for (const auto& code : codes) {
            battery.alarms.raise(code.alarm, code.code == state ? Level::alarm : Level::ok);
        }
    };
    raise(kChargeCodes, charge);
    raise(kDischargeCodes, discharge);
}

/// A sensor that is not fitted reads this.
inline constexpr std::int16_t kNoSensor = -40;
[[nodiscard]] inline std::optional<double> celsius(std::int16_t raw) {
    return raw == kNoSensor ? std::nullopt : std::optional<double>(raw);
}

}  // namespace bms::ant
