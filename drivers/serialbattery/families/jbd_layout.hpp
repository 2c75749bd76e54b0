#pragma once
// What the answers of an LLT/JBD board hold: docs/protocols/jbd.md

#include "serialbattery/table.hpp"

#include <array>
#include <cstdint>

namespace bms::jbd {

inline constexpr auto kBasicFields = std::to_array<Field>({
    // at  raw          per unit  key              fills
    {0, Raw::u16be, 100, "voltage_V", &Battery::voltage_v},
    {2, Raw::s16be, 100, "current_A", &Battery::current_a},  // + charging
    {4, Raw::u16be, 100, "remaining_Ah", &Battery::remaining_ah},
    {6, Raw::u16be, 100, "nominal_Ah", &Battery::capacity_ah},
    {8, Raw::u16be, 1, "cycles", &Battery::cycles},
    // 10 production date, 12 and 14 balancing
    {16, Raw::u16be, 1, "protection_raw", &Battery::alarm_word},
    // 18 firmware
    {19, Raw::u8, 1, "soc_pct", &Battery::soc_pct},
    {20, Raw::flag, 0, "charge_fet", &Battery::charge_fet, 0, 0},
    {20, Raw::flag, 0, "discharge_fet", &Battery::discharge_fet, 0, 1},
    {21, Raw::u8, 1, "cell_count", &Battery::cell_count},
    {22, Raw::u8, 1, "ntc_count"},
});
static_assert(well_formed(kBasicFields));

inline constexpr std::size_t kSensors = 23;  ///< 0.1 K each
inline constexpr double kKelvin = 2731;      ///< the vendor's zero, not 273.15 K

/// Behind the sensors, on newer firmware; names after the boards that send it.
inline constexpr auto kExtensionFields = std::to_array<Field>({
    {0, Raw::u8, 1, "humidity"},
    {1, Raw::u16be, 1, "alarm"},
    {3, Raw::u16be, 100, "full_charge_capacity_Ah"},
    {5, Raw::u16be, 100, "remaining_Ah"},
    {7, Raw::u16be, 1, "balance_current_raw"},
});
static_assert(well_formed(kExtensionFields));

inline constexpr std::uint8_t kLockBit = 12;
inline constexpr auto kProtections = std::to_array<Flag>({
    {0, Alarm::high_cell_voltage, Level::alarm, "cell_ov"},
    {1, Alarm::low_cell_voltage, Level::alarm, "cell_uv"},
    {2, Alarm::high_voltage, Level::alarm, "pack_ov"},
    {3, Alarm::low_voltage, Level::alarm, "pack_uv"},
    {4, Alarm::high_charge_temperature, Level::alarm, "chg_ot"},
    {5, Alarm::low_charge_temperature, Level::alarm, "chg_ut"},
    {6, Alarm::high_temperature, Level::alarm, "dsg_ot"},
    {7, Alarm::low_temperature, Level::alarm, "dsg_ut"},
    {8, Alarm::high_charge_current, Level::alarm, "chg_oc"},
    {9, Alarm::high_discharge_current, Level::alarm, "dsg_oc"},
    {10, Alarm::high_discharge_current, Level::alarm, "short"},
    {11, Alarm::internal_failure, Level::alarm, "afe_ic"},
    {kLockBit, std::nullopt, Level::ok, "mos_lock"},  // what a user's switch does is no alarm
});
static_assert(well_formed(kProtections));

/// Events since the counters were cleared, one word each.
inline constexpr auto kCounterFields = std::to_array<Field>({
    {0, Raw::u16be, 1, "short_circuit"},
    {2, Raw::u16be, 1, "charge_overcurrent"},
    {4, Raw::u16be, 1, "discharge_overcurrent"},
    {6, Raw::u16be, 1, "cell_overvoltage"},
    {8, Raw::u16be, 1, "cell_undervoltage"},
    {10, Raw::u16be, 1, "charge_overtemp"},
    {12, Raw::u16be, 1, "charge_undertemp"},
    {14, Raw::u16be, 1, "discharge_overtemp"},
    {16, Raw::u16be, 1, "discharge_undertemp"},
    {18, Raw::u16be, 1, "pack_overvoltage"},
    {20, Raw::u16be, 1, "pack_undervoltage"},
    {22, Raw::u16be, 1, "word12"},
});
static_assert(well_formed(kCounterFields));

/// Parameters, readable in factory mode; `at` is the register, each holds one word.
inline constexpr auto kParameterFields = std::to_array<Field>({
    {0x10, Raw::u16be, 100, "design_capacity_Ah", &Battery::capacity_ah},
    {0x11, Raw::u16be, 100, "cycle_capacity_Ah"},
    {0x12, Raw::u16be, 1, "cell_voltage_at_100pct_mV"},
    {0x13, Raw::u16be, 1, "cell_voltage_at_0pct_mV"},
    {0x14, Raw::u16be, 10, "self_discharge_pct"},
    // 15 production date
    {0x16, Raw::u16be, 1, "serial_number"},
    {0x17, Raw::u16be, 1, "cycles"},
    {0x18, Raw::u16be, 10, "charge_overtemp_C", {}, kKelvin},
    {0x19, Raw::u16be, 10, "charge_overtemp_release_C", {}, kKelvin},
    {0x1a, Raw::u16be, 10, "charge_undertemp_C", {}, kKelvin},
    {0x1b, Raw::u16be, 10, "charge_undertemp_release_C", {}, kKelvin},
    {0x1c, Raw::u16be, 10, "discharge_overtemp_C", {}, kKelvin},
    {0x1d, Raw::u16be, 10, "discharge_overtemp_release_C", {}, kKelvin},
    {0x1e, Raw::u16be, 10, "discharge_undertemp_C", {}, kKelvin},
    {0x1f, Raw::u16be, 10, "discharge_undertemp_release_C", {}, kKelvin},
    {0x20, Raw::u16be, 100, "pack_overvoltage_V"},
    {0x21, Raw::u16be, 100, "pack_overvoltage_release_V"},
    {0x22, Raw::u16be, 100, "pack_undervoltage_V"},
    {0x23, Raw::u16be, 100, "pack_undervoltage_release_V"},
    {0x24, Raw::u16be, 1000, "cell_overvoltage_V"},
    {0x25, Raw::u16be, 1000, "cell_overvoltage_release_V"},
    {0x26, Raw::u16be, 1000, "cell_undervoltage_V"},
    {0x27, Raw::u16be, 1000, "cell_undervoltage_release_V"},
    {0x28, Raw::s16be, 100, "charge_overcurrent_A"},
    {0x29, Raw::s16be, 100, "discharge_overcurrent_A"},  // stored negative
});
static_assert(well_formed(kParameterFields, 2));

}  // namespace bms::jbd
