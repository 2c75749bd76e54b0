#pragma once
// What the answers of a JBD UP16S unit hold: docs/protocols/jbd_up16s.md

#include "serialbattery/table.hpp"

#include <array>

namespace bms::up16s {

inline constexpr double kAmpereZero = 300000;
inline constexpr double kCelsiusZero = 500;
inline constexpr double kKelvin = 2731;

inline constexpr auto kStatusFields = std::to_array<Field>({
    {0, Raw::u16be, 100, "voltage_V", &Battery::voltage_v},
    {4, Raw::u32be, 100, "current_A", &Battery::current_a, kAmpereZero},  // + charging
    {8, Raw::u16be, 100, "soc_pct", &Battery::soc_pct},
    {10, Raw::u16be, 100, "remaining_Ah", &Battery::remaining_ah},
    {12, Raw::u16be, 100, "full_Ah", &Battery::full_ah},
    {14, Raw::u16be, 100, "rated_Ah", &Battery::capacity_ah},
    {16, Raw::u16be, 10, "mos_temp_C", {}, kCelsiusZero},
    {18, Raw::u16be, 10, "ambient_temp_C", {}, kCelsiusZero},
    {20, Raw::u16be, 1, "operation_status", &Battery::status_word},
    {22, Raw::u16be, 1, "soh_pct", &Battery::soh_pct},
    {24, Raw::u32be, 1, "fault_flags", &Battery::alarm_word},
    {28, Raw::u32be, 1, "alarm_flags", &Battery::warning_word},
    {32, Raw::flag16, 0, "discharge_fet", &Battery::discharge_fet, 0, 0},
    {32, Raw::flag16, 0, "charge_fet", &Battery::charge_fet, 0, 1},
    {32, Raw::flag16, 0, "heater", &Battery::heating, 0, 3},
    {36, Raw::u16be, 1, "cycles", &Battery::cycles},
    {38, Raw::u16be, 1, "max_cell_no"},
    {40, Raw::u16be, 1, "max_cell_mV"},
    {42, Raw::u16be, 1, "min_cell_no"},
    {44, Raw::u16be, 1, "min_cell_mV"},
    {46, Raw::u16be, 1, "avg_cell_mV"},
    {58, Raw::u16be, 10, "cvl_V", &Battery::charge_voltage_limit_v},
    {60, Raw::u16be, 10, "ccl_A", &Battery::charge_current_limit_a},
    {62, Raw::u16be, 10, "dvl_V", &Battery::discharge_voltage_limit_v},
    {64, Raw::u16be, 10, "dcl_A", &Battery::discharge_current_limit_a},
    {66, Raw::u16be, 1, "cell_count", &Battery::cell_count},
});
static_assert(well_formed(kStatusFields));

/// Addresses of the capacity block; a part of it is read with another start.
inline constexpr auto kCapacityFields = std::to_array<Field>({
    {0x2000, Raw::u16be, 100, "full_Ah"},
    {0x2002, Raw::u16be, 100, "rated_Ah"},
    {0x2004, Raw::u16be, 100, "remaining_Ah"},
    {0x2006, Raw::u16be, 100, "soc_hi_res_pct"},
    {0x2008, Raw::u16be, 1, "soh_pct"},
    {0x200a, Raw::u16be, 1, "cycles"},
    {0x2010, Raw::u32be, 10, "total_charge_Ah", &Battery::charged_ah},
    {0x2014, Raw::u32be, 10, "total_discharge_Ah", &Battery::discharged_ah},
});
static_assert(well_formed(kCapacityFields));

inline constexpr auto kIndividualFields = std::to_array<Field>({
    {0, Raw::u16be, 1, "cell_count"},
    {34, Raw::u16be, 1, "max_cell_mV"},
    {36, Raw::u16be, 1, "min_cell_mV"},
    {38, Raw::u16be, 100, "voltage_V"},
    {44, Raw::u16be, 10, "max_temp_C", {}, kKelvin},
    {46, Raw::u16be, 10, "min_temp_C", {}, kKelvin},
    {48, Raw::u16be, 100, "full_Ah"},
    {50, Raw::u16be, 100, "remaining_Ah"},
    {52, Raw::u16be, 1, "cycles"},
    {54, Raw::u16be, 1, "soc_pct"},
    {56, Raw::u16be, 1, "soh_pct"},
    {96, Raw::u16be, 10, "ccl_A"},
    {98, Raw::u16be, 10, "dcl_A"},
});
static_assert(well_formed(kIndividualFields));
inline constexpr Field kOwnChargeLimit{96, Raw::u16be, 10, "ccl_A"};
inline constexpr Field kOwnDischargeLimit{98, Raw::u16be, 10, "dcl_A"};

inline constexpr auto kFaults = std::to_array<Flag>({
    {0, Alarm::high_cell_voltage},
    {1, Alarm::low_cell_voltage},
    {2, Alarm::high_voltage},
    {3, Alarm::low_voltage},
    {4, Alarm::high_charge_current},
    {5, Alarm::high_charge_current},
    {6, Alarm::high_discharge_current},
    {7, Alarm::high_discharge_current},
    {8, Alarm::high_charge_temperature},
    {9, Alarm::low_charge_temperature},
    {10, Alarm::high_temperature},
    {11, Alarm::low_temperature},
    {12, Alarm::high_internal_temperature},
    {13, Alarm::high_temperature},
    {14, Alarm::low_temperature},
    {15, Alarm::cell_imbalance},
    {16, Alarm::cell_imbalance},
    {17, Alarm::low_soc},
    {18, Alarm::high_discharge_current},
    {19, Alarm::internal_failure},
    {20, Alarm::internal_failure},
    {21, Alarm::internal_failure},
    {22, Alarm::internal_failure},
    {23, Alarm::internal_failure},
    {24, Alarm::internal_failure},
    {25, Alarm::high_voltage, Level::warning},  // fully charged: the normal end of a charge
    {26, Alarm::internal_failure},
    {27, Alarm::high_discharge_current},
});
static_assert(well_formed(kFaults));

/// The same causes, but from bit 5 on at other places.
inline constexpr auto kWarnings = std::to_array<Flag>({
    {0, Alarm::high_cell_voltage, Level::warning},
    {1, Alarm::low_cell_voltage, Level::warning},
    {2, Alarm::high_voltage, Level::warning},
    {3, Alarm::low_voltage, Level::warning},
    {4, Alarm::high_charge_current, Level::warning},
    {5, Alarm::high_discharge_current, Level::warning},
    {6, Alarm::high_charge_temperature, Level::warning},
    {7, Alarm::low_charge_temperature, Level::warning},
    {8, Alarm::high_temperature, Level::warning},
    {9, Alarm::low_temperature, Level::warning},
    {10, Alarm::high_internal_temperature, Level::warning},
    {11, Alarm::high_temperature, Level::warning},
    {12, Alarm::low_temperature, Level::warning},
    {13, Alarm::cell_imbalance, Level::warning},
    {14, Alarm::cell_imbalance, Level::warning},
    {15, Alarm::low_soc, Level::warning},
    {16, Alarm::internal_failure},
    {17, Alarm::internal_failure},
    {18, Alarm::high_voltage, Level::warning},
});
static_assert(well_formed(kWarnings));

}  // namespace bms::up16s
