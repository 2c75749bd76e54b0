#pragma once
// The registers of Seplos boards of the third generation and their coils: docs/protocols/seplos3.md

#include "serialbattery/family.hpp"

#include <algorithm>
#include <string>

namespace bms::seplos3 {

/// Names of the vendor: a pack's summary, cells and events, parameters, identity, inverter; the stack's.
enum Register : std::uint16_t {
    kPia = 0x1000,
    kPib = 0x1100,
    kPic = 0x1200,  ///< coils
    kSpa = 0x1300,
    kSpaHalf = 0x1335,
    kDischargeFet = 0x1510,
    kChargeFetOff = 0x1511,
    kChargeFetOn = 0x1515,
    kVia = 0x1700,
    kPct = 0x1800,
    kEia = 0x2000,
    kEib = 0x2100,
    kEic = 0x2200,  ///< coils
};
inline constexpr std::uint16_t kOff = 0x55aa;
inline constexpr std::uint16_t kOn = 0xaa55;

inline constexpr auto kFields = std::to_array<Field>({
    {0x1000, Raw::u16be, 100, "voltage_V", &Battery::voltage_v},
    {0x1001, Raw::s16be, 100, "current_A", &Battery::current_a},  // + charging
    {0x1002, Raw::u16be, 100, "remaining_Ah", &Battery::remaining_ah},
    {0x1003, Raw::u16be, 100, "capacity_Ah", &Battery::full_ah},
    {0x1004, Raw::u16be, 0.1, "total_discharge_Ah", &Battery::discharged_ah},
    {0x1005, Raw::u16be, 10, "soc_pct", &Battery::soc_pct},
    {0x1006, Raw::u16be, 10, "soh_pct", &Battery::soh_pct},
    {0x1007, Raw::u16be, 1, "cycles", &Battery::cycles},
    {0x1008, Raw::u16be, 1, "avg_cell_mV"},
    {0x1009, Raw::u16be, 1, "avg_temp_dK"},
    {0x100a, Raw::u16be, 1, "max_cell_mV"},
    {0x100b, Raw::u16be, 1, "min_cell_mV"},
    {0x100c, Raw::u16be, 1, "max_temp_dK"},
    {0x100d, Raw::u16be, 1, "min_temp_dK"},
    {0x100f, Raw::u16be, 1, "max_discharge_A", &Battery::discharge_current_limit_a},
    {0x1010, Raw::u16be, 1, "max_charge_A", &Battery::charge_current_limit_a},
    // 1100 cells, 1110 sensors on cells, 1114 reserved ones
    {0x1118, Raw::u16be, 1, "temp_ambient_dK"},
    {0x1119, Raw::u16be, 1, "temp_power_dK"},
    {0x1301, Raw::u16be, 1, "cells"},
    {0x1305, Raw::u16be, 100, "pack_ov_protect_V"},
    {0x1309, Raw::u16be, 100, "pack_uv_protect_V"},
    {0x130d, Raw::u16be, 1, "cell_ov_protect_mV"},
    {0x130d, Raw::u16be, 1000, "", &Battery::cell_overvoltage_v, 0, 0, 0},
    {0x1311, Raw::u16be, 1, "cell_uv_protect_mV"},
    {0x1311, Raw::u16be, 1000, "", &Battery::cell_undervoltage_v, 0, 0, 0},
    {0x1317, Raw::s16be, 1, "charge_oc_protect_A"},
    {0x1317, Raw::s16be, 1, "", &Battery::charge_overcurrent_a, 0, 0, 0},
    {0x131d, Raw::s16be, 1, "discharge_oc_protect_A"},  // sent negative
    {0x131d, Raw::s16be, -1, "", &Battery::discharge_overcurrent_a, 0, 0, 0},
    {0x1358, Raw::u16be, 100, "rated_Ah", &Battery::capacity_ah, 0, 0, 0},
    {0x135a, Raw::u16be, 100, "residual_Ah"},
    {0x1365, Raw::u16be, 100, "pcs_charge_voltage_V"},
    {0x1366, Raw::s16be, 1, "pcs_charge_current_A"},
    {0x1367, Raw::s16be, 1, "pcs_discharge_current_A"},
    {0x1800, Raw::u16be, 1, "pcs_type"},
    {0x1801, Raw::u16be, 1, "pcs_baud_k"},
});

/// Extremes in a stack.
inline constexpr auto kExtremeFields = std::to_array<Field>({
    {0x2100, Raw::u16be, 1, "max_cell_mV"},
    {0x2101, Raw::u16be, 1, "min_cell_mV"},
    {0x2102, Raw::u16be, 1, "max_cell_id"},
    {0x2103, Raw::u16be, 1, "min_cell_id"},
    {0x2104, Raw::u16be, 100, "max_pack_V"},
    {0x2105, Raw::u16be, 100, "min_pack_V"},
    {0x2108, Raw::s16be, 10, "max_temp_C"},
    {0x2109, Raw::s16be, 10, "min_temp_C"},
    {0x210a, Raw::s16be, 10, "avg_temp_C"},
    {0x210d, Raw::u16be, 10, "max_pack_soc_pct"},
    {0x210e, Raw::u16be, 10, "min_pack_soc_pct"},
    {0x210f, Raw::u16be, 1, "max_cycles"},
    {0x2110, Raw::u16be, 10, "max_soh_pct"},
    {0x2111, Raw::s16be, 10, "max_power_temp_C"},
    {0x2112, Raw::s16be, 10, "min_power_temp_C"},
    {0x2113, Raw::s16be, 10, "avg_power_temp_C"},
});
static_assert(well_formed(kExtremeFields, 2));

/// Of the stack, whose long words come low half first: behind in_order().
inline constexpr auto kStackFields = std::to_array<Field>({
    {0x2000, Raw::u32be, 100, "voltage_V"},
    {0x2002, Raw::s32be, 10, "current_A"},  // + charging
    {0x2004, Raw::u32be, 100, "remaining_Ah"},
    {0x2006, Raw::u32be, 100, "capacity_Ah"},
    {0x2008, Raw::u32be, 0.1, "total_discharge_Ah"},
    {0x200a, Raw::u32be, 100, "rated_Ah"},
    {0x200c, Raw::u32be, 1, "online_packs_mask"},
    {0x200e, Raw::u32be, 1, "protected_packs_mask"},
    {0x2010, Raw::u32be, 10, "max_discharge_A"},
    {0x2012, Raw::u32be, 10, "max_charge_A"},
    {0x2014, Raw::u16be, 10, "suggest_ov_V"},
    {0x2015, Raw::u16be, 10, "suggest_uv_V"},
    {0x2016, Raw::u16be, 1, "packs"},
    {0x2017, Raw::u16be, 1, "cycles"},
    {0x2018, Raw::u16be, 10, "soc_pct"},
    {0x2019, Raw::u16be, 10, "soh_pct"},
});
static_assert(well_formed(kStackFields, 2));
inline constexpr std::size_t kStackLongs = 10;
inline constexpr std::uint16_t kStackCurrent = 0x2002;
inline constexpr std::uint16_t kStackPacks = 0x2016;

inline constexpr std::size_t kCellSlots = 16;
inline constexpr std::size_t kSensorSlots = 4;
inline constexpr std::uint16_t kCells = 0x1100;
inline constexpr std::uint16_t kSensors = 0x1110;
inline constexpr std::uint16_t kReservedSensors = 0x1114;
inline constexpr std::uint16_t kAmbient = 0x1118;
inline constexpr std::uint16_t kPower = 0x1119;
inline constexpr double kKelvin = 2731;
inline constexpr double kNoSensor = -50;

/// The event bytes that packs and stacks share; a pack sends eight bytes of its cells in front.
inline constexpr auto kEventFields = std::to_array<Field>({
    {0, Raw::u8, 1, "system", &Battery::status_word},
    {1, Raw::u8, 1, "voltage_event"},
    {2, Raw::u8, 1, "cell_temp_event"},
    {3, Raw::u8, 1, "env_temp_event"},
    {4, Raw::u8, 1, "current_event1"},
    {5, Raw::u8, 1, "current_event2"},
    {6, Raw::u8, 1, "capacity_event"},
    {7, Raw::u8, 1, "fet"},
    {7, Raw::flag, 0, "discharge_fet", &Battery::discharge_fet, 0, 0},
    {7, Raw::flag, 0, "charge_fet", &Battery::charge_fet, 0, 1},
    {7, Raw::flag, 0, "heater", &Battery::heating, 0, 3},
    {8, Raw::u8, 1, "balance_state"},
    {9, Raw::u8, 1, "hard_fault"},
});
static_assert(well_formed(kEventFields));
inline constexpr std::size_t kPackEventBytes = 18;
inline constexpr std::size_t kStackEventBytes = 10;
inline constexpr std::size_t kCellEventBytes = kPackEventBytes - kStackEventBytes;
inline constexpr std::size_t kBalanceAt = 6;  ///< of a pack's

/// A bit of event byte `at` of the table above.
inline constexpr std::uint8_t seplos_bit(unsigned at, unsigned bit) {
    return static_cast<std::uint8_t>(8 * (at == 9 ? 7 : at) + bit);
}
/// The event bytes 0 to 6 and 9 as one word.
inline std::uint64_t seplos_word(Bytes events) {
    std::uint64_t word = std::uint64_t{events[9]} << 56;
    for (unsigned i = 0; i < 7; ++i) {
        word |= std::uint64_t{events[i]} << 8 * i;
    }
    return word;
}

inline constexpr auto kEvents = std::to_array<Flag>({
    {seplos_bit(1, 0), Alarm::high_cell_voltage, Level::warning},
    {seplos_bit(1, 1), Alarm::high_cell_voltage},
    {seplos_bit(1, 2), Alarm::low_cell_voltage, Level::warning},
    {seplos_bit(1, 3), Alarm::low_cell_voltage},
    {seplos_bit(1, 4), Alarm::high_voltage, Level::warning},
    {seplos_bit(1, 5), Alarm::high_voltage},
    {seplos_bit(1, 6), Alarm::low_voltage, Level::warning},
    {seplos_bit(1, 7), Alarm::low_voltage},
    {seplos_bit(2, 0), Alarm::high_charge_temperature, Level::warning},
    {seplos_bit(2, 1), Alarm::high_charge_temperature},
    {seplos_bit(2, 2), Alarm::low_charge_temperature, Level::warning},
    {seplos_bit(2, 3), Alarm::low_charge_temperature},
    {seplos_bit(2, 4), Alarm::high_temperature, Level::warning},
    {seplos_bit(2, 5), Alarm::high_temperature},
    {seplos_bit(2, 6), Alarm::low_temperature, Level::warning},
    {seplos_bit(2, 7), Alarm::low_temperature},
    {seplos_bit(3, 0), Alarm::high_temperature, Level::warning},  // ambient
    {seplos_bit(3, 1), Alarm::high_temperature},
    {seplos_bit(3, 2), Alarm::low_temperature, Level::warning},
    {seplos_bit(3, 3), Alarm::low_temperature},
    {seplos_bit(3, 4), Alarm::high_internal_temperature, Level::warning},
    {seplos_bit(3, 5), Alarm::high_internal_temperature},
    {seplos_bit(4, 0), Alarm::high_charge_current, Level::warning},
    {seplos_bit(4, 1), Alarm::high_charge_current},
    {seplos_bit(4, 2), Alarm::high_charge_current},  // second level
    {seplos_bit(4, 3), Alarm::high_discharge_current, Level::warning},
    {seplos_bit(4, 4), Alarm::high_discharge_current},
    {seplos_bit(4, 5), Alarm::high_discharge_current},
    {seplos_bit(4, 6), Alarm::high_discharge_current},  // short circuit
    {seplos_bit(5, 0), Alarm::high_discharge_current},  // its lock
    {seplos_bit(5, 1), Alarm::high_discharge_current},  // reverse connection
    {seplos_bit(5, 2), Alarm::high_charge_current},     // locks of the second level
    {seplos_bit(5, 3), Alarm::high_discharge_current},
    {seplos_bit(6, 2), Alarm::low_soc, Level::warning},
    {seplos_bit(6, 3), Alarm::low_soc},
    {seplos_bit(6, 4), Alarm::cell_imbalance, Level::warning},
    {seplos_bit(9, 0), Alarm::internal_failure},  // sensor, front end, FETs, cell, wire, key, aerosol
    {seplos_bit(9, 1), Alarm::internal_failure},
    {seplos_bit(9, 2), Alarm::internal_failure},
    {seplos_bit(9, 3), Alarm::internal_failure},
    {seplos_bit(9, 4), Alarm::internal_failure},
    {seplos_bit(9, 5), Alarm::internal_failure},
    {seplos_bit(9, 6), Alarm::internal_failure},
    {seplos_bit(9, 7), Alarm::internal_failure},
});
static_assert(well_formed(kFields, 2) && well_formed(kEvents));

inline Alarms alarms_of(Bytes events) {
    Alarms alarms;
    raise(kEvents, seplos_word(events), alarms);
    return alarms;
}

/// The stack's answer with the halves of its long words exchanged.
inline wire::Buffer in_order(Bytes data) {
    wire::Buffer bytes(data.begin(), data.end());
    for (std::size_t at = 0; at + 4 <= bytes.size() && at < 4 * kStackLongs; at += 4) {
        std::swap_ranges(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                         bytes.begin() + static_cast<std::ptrdiff_t>(at) + 2,
                         bytes.begin() + static_cast<std::ptrdiff_t>(at) + 2);
    }
    return bytes;
}

struct Text {
    std::size_t at;
    std::size_t size;
    std::string_view key;
};
inline constexpr auto kIdentityTexts = std::to_array<Text>({
    {0, 20, "factory"},
    {20, 20, "device"},
    {40, 2, "firmware"},
    {42, 30, "bms_sn"},
    {72, 30, "pack_sn"},
});
inline constexpr auto kInverterTexts = std::to_array<Text>({
    {4, 32, "pcs_name"},
    {36, 32, "protocol"},
    {68, 2, "protocol_version"},
});
/// A text of an answer; empty when it is not in it.
inline std::string seplos_text(Bytes data, const Text& text) {
    return text.at + text.size <= data.size() ? wire::ascii(data.subspan(text.at, text.size)) : std::string();
}

}  // namespace bms::seplos3
