#pragma once
// What the answers of a Pylontech module hold: docs/protocols/pylontech.md

#include "serialbattery/table.hpp"

#include <array>
#include <cstdint>

namespace bms::pylontech {

/// Behind the temperatures of a module. Its capacities stand in front of and behind the count of what the maker
/// added: 2 up to 65 Ah, 4 above, where the 16-bit ones are FFFF.
inline constexpr auto kModuleFields = std::to_array<Field>({
    {0, Raw::s16be, 10, "current_A", &Battery::current_a},  // + charging
    {2, Raw::u16be, 1000, "voltage_V", &Battery::voltage_v},
    // 4 remaining, 7 total
    {6, Raw::u8, 1, "user_count"},
    {9, Raw::u16be, 1, "cycles", &Battery::cycles},
});
static_assert(well_formed(kModuleFields));
inline constexpr auto kSmallFields = std::to_array<Field>({
    {4, Raw::u16be, 1000, "remaining_Ah", &Battery::remaining_ah},
    {7, Raw::u16be, 1000, "total_Ah", &Battery::capacity_ah},
});
static_assert(well_formed(kSmallFields));
inline constexpr auto kLargeFields = std::to_array<Field>({
    {11, Raw::u24be, 1000, "remaining_Ah", &Battery::remaining_ah},
    {14, Raw::u24be, 1000, "total_Ah", &Battery::capacity_ah},
});
static_assert(well_formed(kLargeFields));
inline constexpr std::size_t kSmallTail = 11;
inline constexpr std::size_t kLargeTail = 17;

/// Behind the codes of cells and sensors.
inline constexpr auto kStatusFields = std::to_array<Field>({
    {0, Raw::u8, 1, "charge_current_alarm"},
    {1, Raw::u8, 1, "voltage_alarm"},
    {2, Raw::u8, 1, "discharge_current_alarm"},
    {3, Raw::u8, 1, "status1", &Battery::alarm_word},
    {4, Raw::u8, 1, "status2"},
    {4, Raw::flag, 0, "charge_fet", &Battery::charge_fet, 0, 1},
    {4, Raw::flag, 0, "discharge_fet", &Battery::discharge_fet, 0, 2},
    {5, Raw::u8, 1, "status3"},
    {5, Raw::flag, 0, "heater", &Battery::heating, 0, 5},
    {6, Raw::u8, 1, "status4"},
    {7, Raw::u8, 1, "status5"},
});
static_assert(well_formed(kStatusFields));
inline constexpr std::size_t kStatusBytes = 9;  ///< with the count of sensors in front
inline constexpr std::uint8_t kBelow = 1;
inline constexpr std::uint8_t kAbove = 2;

/// Status 1. It has no bit for a cell's over-voltage: that is in the cells' codes.
inline constexpr auto kProtections = std::to_array<Flag>({
    {0, Alarm::high_voltage},
    {1, Alarm::low_cell_voltage},
    {2, Alarm::high_charge_current},
    {4, Alarm::high_discharge_current},
    {5, Alarm::high_temperature},
    {6, Alarm::high_charge_temperature},
    {7, Alarm::low_voltage},
});
static_assert(well_formed(kProtections));

inline constexpr double kKelvin = 2731;
inline constexpr auto kParameterFields = std::to_array<Field>({
    {0, Raw::u8, 1, "info_flag"},
    {1, Raw::u16be, 1000, "cell_high_V", &Battery::cell_overvoltage_v},
    {3, Raw::u16be, 1000, "cell_low_V"},
    {5, Raw::u16be, 1000, "cell_under_V", &Battery::cell_undervoltage_v},
    {7, Raw::u16be, 10, "charge_high_C", {}, kKelvin},
    {9, Raw::u16be, 10, "charge_low_C", {}, kKelvin},
    {11, Raw::s16be, 10, "charge_current_A", &Battery::charge_overcurrent_a},
    {13, Raw::u16be, 1000, "module_high_V"},
    {15, Raw::u16be, 1000, "module_low_V"},
    {17, Raw::u16be, 1000, "module_under_V"},
    {19, Raw::u16be, 10, "discharge_high_C", {}, kKelvin},
    {21, Raw::u16be, 10, "discharge_low_C", {}, kKelvin},
    {23, Raw::s16be, 10, "discharge_current_A", &Battery::discharge_overcurrent_a},  // sent negative
});
static_assert(well_formed(kParameterFields));
inline constexpr std::size_t kParameterBytes = 25;

inline constexpr auto kManagementFields = std::to_array<Field>({
    {0, Raw::u8, 1, "address"},
    {1, Raw::u16be, 1000, "charge_voltage_limit_V", &Battery::charge_voltage_limit_v},
    {3, Raw::u16be, 1000, "discharge_voltage_limit_V", &Battery::discharge_voltage_limit_v},
    {5, Raw::s16be, 10, "charge_current_limit_A", &Battery::charge_current_limit_a},
    {7, Raw::s16be, 10, "discharge_current_limit_A", &Battery::discharge_current_limit_a},  // sent negative
    {9, Raw::u8, 1, "status", &Battery::status_word},
    {9, Raw::flag, 0, "charge_enable", {}, 0, 7},
    {9, Raw::flag, 0, "discharge_enable", {}, 0, 6},
    {9, Raw::flag, 0, "charge_immediately1", {}, 0, 5},
    {9, Raw::flag, 0, "charge_immediately2", {}, 0, 4},
    {9, Raw::flag, 0, "full_charge_request", {}, 0, 3},
});
static_assert(well_formed(kManagementFields));
inline constexpr std::size_t kManagementBytes = 10;
inline constexpr std::uint8_t kChargeEnabled = 0x80;
inline constexpr std::uint8_t kDischargeEnabled = 0x40;

inline constexpr std::size_t kManufacturerBytes = 32;  ///< name 10, version 2, manufacturer 20
inline constexpr std::size_t kSerialBytes = 17;

}  // namespace bms::pylontech
