#pragma once
// The registers of Daly's two Modbus dialects: docs/protocols/daly.md

#include "serialbattery/table.hpp"

#include <array>
#include <cstdint>
#include <span>

namespace bms::daly_modbus {

inline constexpr double kCurrentZero = 30000;
inline constexpr double kCelsiusZero = 40;
inline constexpr unsigned kMaxSensors = 8;

/// What differs between the two.
struct Dialect {
    std::uint8_t unit;  ///< in requests
    std::uint8_t unit_of_reply;
    std::uint16_t cell_slots;
    std::uint16_t sensors;     ///< first of eight
    std::uint16_t cell_count;  ///< the sensor count stands behind it
    std::uint16_t state;
    std::uint16_t fault_words;
    std::uint16_t fault_word_count;
    std::uint16_t power_stage;  ///< its temperature; that of the board stands behind it
    std::uint16_t settings;     ///< first of the settings
    std::uint16_t settings_words;
    std::uint16_t version;
    std::uint16_t version_words;
    std::array<std::array<std::uint16_t, 2>, 2> live;  ///< blocks to poll: register, count (0: none)
    std::uint16_t short_block;                         ///< words of the first block that every board answers
    std::span<const Field> fields;
};

inline constexpr auto kD2Fields = std::to_array<Field>({
    // 00..1F cells, 20..27 temperatures
    {0x28, Raw::u16be, 10, "voltage_V", &Battery::voltage_v},
    {0x29, Raw::u16be, 1, "current_raw"},
    {0x29, Raw::u16be, 10, "current_A", &Battery::current_a, kCurrentZero},
    {0x2a, Raw::u16be, 10, "soc_pct", &Battery::soc_pct},
    {0x2b, Raw::u16be, 1, "max_mV"},
    {0x2c, Raw::u16be, 1, "min_mV"},
    {0x2d, Raw::u16be, 1, "max_temp_C", {}, kCelsiusZero},
    {0x2e, Raw::u16be, 1, "min_temp_C", {}, kCelsiusZero},
    {0x2f, Raw::u16be, 1, "state", &Battery::status_word},  // 0 idle, 1 charging, 2 discharging
    {0x30, Raw::u16be, 10, "remaining_Ah", &Battery::remaining_ah},
    {0x31, Raw::u16be, 1, "cell_count", &Battery::cell_count},
    {0x32, Raw::u16be, 1, "ntc_count"},
    {0x33, Raw::u16be, 1, "cycles", &Battery::cycles},
    {0x34, Raw::u16be, 1, "balancer_state"},
    {0x34, Raw::truth16, 0, "", &Battery::balancing},
    {0x35, Raw::truth16, 0, "charge_fet", &Battery::charge_fet},
    {0x36, Raw::truth16, 0, "discharge_fet", &Battery::discharge_fet},
    {0x37, Raw::u16be, 1, "avg_mV"},
    {0x38, Raw::u16be, 1, "delta_mV"},
    {0x39, Raw::u16be, 1, "power_W"},  // without sign
    // 3A..3D faults
    {0x40, Raw::u16be, 1000, "balance_current_A", {}, kCurrentZero},
    {0x42, Raw::u16be, 1, "mos_temp_C", {}, kCelsiusZero},
    {0x43, Raw::u16be, 1, "board_temp_C", {}, kCelsiusZero},
});
static_assert(well_formed(kD2Fields, 2));

inline constexpr auto kP81Fields = std::to_array<Field>({
    // 00..2F cells, 30..37 temperatures
    {0x38, Raw::u16be, 10, "voltage_V", &Battery::voltage_v},
    {0x39, Raw::u16be, 1, "current_raw"},
    {0x39, Raw::u16be, 10, "current_A", &Battery::current_a, kCurrentZero},
    {0x3a, Raw::u16be, 10, "soc_pct", &Battery::soc_pct},
    {0x3b, Raw::u16be, 1, "heartbeat"},
    {0x3c, Raw::u16be, 1, "cell_count", &Battery::cell_count},
    {0x3d, Raw::u16be, 1, "ntc_count"},
    {0x3e, Raw::u16be, 1, "max_mV"},
    {0x3f, Raw::u16be, 1, "max_cell"},
    {0x43, Raw::u16be, 1, "max_temp_C", {}, kCelsiusZero},
    {0x45, Raw::u16be, 1, "min_temp_C", {}, kCelsiusZero},
    {0x48, Raw::u16be, 1, "state", &Battery::status_word},
    {0x4b, Raw::u16be, 10, "remaining_Ah", &Battery::remaining_ah},
    {0x4c, Raw::u16be, 1, "cycles", &Battery::cycles},
    {0x4d, Raw::u16be, 1, "balancer_state"},  // also 7 seen, meaning unknown
    {0x4e, Raw::u16be, 1000, "balance_current_A", {}, kCurrentZero},
    {0x52, Raw::truth16, 0, "charge_fet", &Battery::charge_fet},
    {0x53, Raw::truth16, 0, "discharge_fet", &Battery::discharge_fet},
    {0x57, Raw::u16be, 1, "avg_mV"},
    {0x58, Raw::u16be, 1, "power_W"},
    {0x5a, Raw::u16be, 1, "mos_temp_C", {}, kCelsiusZero},
    {0x5b, Raw::u16be, 1, "board_temp_C", {}, kCelsiusZero},
    // 6D, 6E faults
});
static_assert(well_formed(kP81Fields, 2));

inline constexpr Dialect kD2{.unit = 0xd2,
                             .unit_of_reply = 0xd2,
                             .cell_slots = 32,
                             .sensors = 0x20,
                             .cell_count = 0x31,
                             .state = 0x2f,
                             .fault_words = 0x3a,
                             .fault_word_count = 4,
                             .power_stage = 0x42,
                             .settings = 0x80,
                             .settings_words = 41,
                             .version = 0xa9,
                             .version_words = 32,
                             .live = {{{0x00, 80}, {0, 0}}},
                             .short_block = 62,
                             .fields = kD2Fields};
inline constexpr Dialect kP81{.unit = 0x81,
                              .unit_of_reply = 0x51,
                              .cell_slots = 48,
                              .sensors = 0x30,
                              .cell_count = 0x3c,
                              .state = 0x48,
                              .fault_words = 0x6d,
                              .fault_word_count = 2,
                              .power_stage = 0x5a,
                              .settings = 0x100,
                              .settings_words = 81,
                              .version = 0x178,
                              .version_words = 74,
                              .live = {{{0x00, 64}, {0x41, 62}}},
                              .short_block = 64,
                              .fields = kP81Fields};

/// By the addresses of D2; those of 81 lie 80 (hex) higher.
inline constexpr std::uint16_t kSettings = 0x80;
inline constexpr std::uint16_t kChargeSwitch = 0xa5;   ///< the discharge switch stands behind it
inline constexpr std::uint16_t kStateOfCharge = 0xa7;  ///< write only
inline constexpr std::uint16_t kBalancerSwitch = 0xcf;
inline constexpr auto kSettingsFields = std::to_array<Field>({
    {0x80, Raw::u16be, 10, "rated_Ah", &Battery::capacity_ah},
    {0x8b, Raw::u16be, 1000, "cell_high_V"},
    {0x8c, Raw::u16be, 1000, "cell_overvoltage_V", &Battery::cell_overvoltage_v},
    {0x8d, Raw::u16be, 1000, "cell_low_V"},
    {0x8e, Raw::u16be, 1000, "cell_undervoltage_V", &Battery::cell_undervoltage_v},
    {0x93, Raw::u16be, 10, "charge_current_high_A", {}, kCurrentZero},
    {0x94, Raw::u16be, 10, "charge_overcurrent_A", &Battery::charge_overcurrent_a, kCurrentZero},
    {0x95, Raw::u16be, 10, "discharge_current_high_A", {}, kCurrentZero},
    {0x96, Raw::u16be, 10, "discharge_overcurrent_A", &Battery::discharge_overcurrent_a, kCurrentZero},
});
static_assert(well_formed(kSettingsFields, 2));

}  // namespace bms::daly_modbus
