#pragma once
// What Daren boards and their relatives send, whatever the frame around it: docs/protocols/daren.md

#include "serialbattery/table.hpp"

#include <array>
#include <cstdio>
#include <optional>
#include <string>

namespace bms::daren {

inline constexpr unsigned kMaxCells = 32;
inline constexpr unsigned kMaxSensors = 16;

enum Ask : std::uint8_t {
    kLive = 0x42,
    kParameters = 0x47,
    kProtocol = 0x4f,
    kManufacturer = 0x51,
    kCounters = 0x83,
    kModules = 0xb0,
};
/// Parts of what kModules reads.
enum Module : std::uint8_t { kNumbers = 3, kCapacities = 4 };
inline constexpr std::uint8_t kRead = 1;
inline constexpr std::uint8_t kWhole = 0xff;

// --------------------------------------------------------------------------------------------- tables

/// In front of the cells of an answer of live values.
inline constexpr auto kLiveFields = std::to_array<Field>({
    {0, Raw::u8, 1, "data_flag"},
    {1, Raw::u16be, 100, "soc_pct", &Battery::soc_pct},
    {3, Raw::u16be, 100, "voltage_V", &Battery::voltage_v},
    // 5 count of cells, cells
});
static_assert(well_formed(kLiveFields));
inline constexpr std::size_t kCellCount = 5;

/// Behind the cells.
inline constexpr auto kPlaceFields = std::to_array<Field>({
    {0, Raw::s16be, 10, "temp_ambient_C"},
    {2, Raw::s16be, 10, "temp_pack_avg_C"},
    {4, Raw::s16be, 10, "temp_mos_C"},
    // 6 count of sensors, sensors
});
static_assert(well_formed(kPlaceFields));
inline constexpr std::size_t kSensorCount = 6;

/// Behind the sensors.
inline constexpr auto kTailFields = std::to_array<Field>({
    {0, Raw::s16be, 100, "current_A", &Battery::current_a},  // + charging
    {2, Raw::u16be, 1, "resistance_raw"},
    {4, Raw::u16be, 1, "soh_pct", &Battery::soh_pct},
    {6, Raw::u8, 1, "user_count"},  // 13 in the document, 1 on the wire
    {7, Raw::u16be, 100, "full_Ah", &Battery::full_ah},
    {9, Raw::u16be, 100, "remaining_Ah", &Battery::remaining_ah},
    {11, Raw::u16be, 1, "cycles", &Battery::cycles},
    {13, Raw::u16be, 1, "voltage_status"},
    {15, Raw::u16be, 1, "current_status"},
    {17, Raw::u16be, 1, "temperature_status"},
    {19, Raw::u16be, 1, "alarm_status", &Battery::alarm_word},
    {21, Raw::u16be, 1, "fet_status", &Battery::status_word},
    {23, Raw::u16be, 1, "ovp_lo"},
    {25, Raw::u16be, 1, "uvp_lo"},
    {27, Raw::u16be, 1, "ova_lo"},
    {29, Raw::u16be, 1, "uva_lo"},
    {31, Raw::u16be, 1, "balance_lo"},
    {33, Raw::u16be, 1, "balance_hi"},
    {35, Raw::u16be, 1, "ovp_hi"},
    {37, Raw::u16be, 1, "uvp_hi"},
    {39, Raw::u16be, 1, "ova_hi"},
    {41, Raw::u16be, 1, "uva_hi"},
    {43, Raw::u8, 1, "machine_status"},
    {44, Raw::u16be, 1, "io_status"},
});
static_assert(well_formed(kTailFields));
inline constexpr std::size_t kTailBytes = 46;
enum Word : std::uint8_t {
    kVoltageStatus = 13,
    kCurrentStatus = 15,
    kTemperatureStatus = 17,
    kAlarmStatus = 19,
    kFetStatus = 21,
    kBalanceLow = 31,
    kBalanceHigh = 33,
};
/// The maker's document and his application disagree which of the two is charging.
inline constexpr unsigned kBothFets = 3;

inline constexpr auto kVoltageFlags = std::to_array<Flag>({
    {0, Alarm::high_cell_voltage},
    {1, Alarm::low_cell_voltage},
    {2, Alarm::high_voltage},
    {3, Alarm::low_voltage},
    {4, Alarm::high_cell_voltage, Level::warning},
    {5, Alarm::low_cell_voltage, Level::warning},
    {6, Alarm::high_voltage, Level::warning},
    {7, Alarm::low_voltage, Level::warning},
    {8, Alarm::cell_imbalance, Level::warning},
    {13, Alarm::fuse_blown},
    {14, Alarm::cell_imbalance},
    // 15 entering sleep
});
inline constexpr auto kCurrentFlags = std::to_array<Flag>({
    // 0 charging, 1 discharging
    {2, Alarm::high_charge_current},
    {3, Alarm::high_discharge_current},  // short circuit
    {4, Alarm::high_discharge_current},
    {5, Alarm::high_discharge_current},
    {6, Alarm::high_charge_current, Level::warning},
    {7, Alarm::high_discharge_current, Level::warning},
});
inline constexpr auto kTemperatureFlags = std::to_array<Flag>({
    {0, Alarm::high_charge_temperature},
    {1, Alarm::low_charge_temperature},
    {2, Alarm::high_temperature},
    {3, Alarm::low_temperature},
    {4, Alarm::high_temperature},  // ambient
    {5, Alarm::low_temperature},
    {6, Alarm::high_internal_temperature},
    // 7 power stage too cold
    {8, Alarm::high_charge_temperature, Level::warning},
    {9, Alarm::low_charge_temperature, Level::warning},
    {10, Alarm::high_temperature, Level::warning},
    {11, Alarm::low_temperature, Level::warning},
    {12, Alarm::high_temperature, Level::warning},
    {13, Alarm::low_temperature, Level::warning},
    {14, Alarm::high_internal_temperature, Level::warning},
});
inline constexpr auto kAlarmFlags = std::to_array<Flag>({
    {0, Alarm::cell_imbalance, Level::warning},
    {1, Alarm::internal_failure},  // charge MOS
    {2, Alarm::internal_failure},  // memory card
    {3, Alarm::internal_failure},  // SPI
    {4, Alarm::internal_failure},  // EEPROM
    // 5 LED and 6 buzzer are enabled
    {7, Alarm::low_soc},
    {8, Alarm::high_internal_temperature},
    {9, Alarm::high_internal_temperature, Level::warning},
    {10, Alarm::internal_failure},  // limiter
    {11, Alarm::internal_failure},  // sampling
    {12, Alarm::internal_failure},  // cell
    {13, Alarm::internal_failure},  // sensor
    {14, Alarm::internal_failure},  // charge MOS
    {15, Alarm::internal_failure},  // discharge MOS
});
static_assert(well_formed(kVoltageFlags) && well_formed(kCurrentFlags));
static_assert(well_formed(kTemperatureFlags) && well_formed(kAlarmFlags));

inline constexpr auto kParameterFields = std::to_array<Field>({
    {0, Raw::u8, 1, "flag"},
    {1, Raw::u16be, 1, "cell_v_high_mV"},
    {3, Raw::u16be, 1, "cell_v_low_mV"},
    {5, Raw::u16be, 1, "temp_high_raw"},
    {7, Raw::u16be, 1, "temp_low_raw"},
    {9, Raw::u16be, 100, "charge_limit_high_A", &Battery::charge_overcurrent_a, 0, 0, 0},
    {11, Raw::u16be, 1, "pack_v_high_mV_per_cell"},
    {13, Raw::u16be, 1, "pack_v_low_mV_per_cell"},
    {15, Raw::u16be, 1, "cells"},
    {17, Raw::u16be, 100, "charge_current_limit_A", &Battery::charge_current_limit_a, 0, 0, 0},
    {19, Raw::u16be, 100, "design_Ah"},
    {21, Raw::u16be, 1, "history_interval"},
    {23, Raw::u16be, 1, "balance_mode"},
    // 25 barcodes of the product and of the board
});
static_assert(well_formed(kParameterFields));
inline constexpr std::size_t kParameterBytes = 65;

/// In front of every part of kModules.
inline constexpr auto kModuleHead = std::to_array<Field>({
    {0, Raw::u8, 1, "echo_cid2"},
    {1, Raw::u8, 1, "group"},
    {2, Raw::u8, 1, "operation"},
    {3, Raw::u8, 1, "module"},
    {4, Raw::u8, 1, "function"},
    {5, Raw::u8, 1, "length"},  // not to be relied on
});
inline constexpr std::size_t kModuleHeadBytes = 6;
inline constexpr auto kCapacityFields = std::to_array<Field>({
    {0, Raw::u16be, 100, "remaining_Ah"},
    {2, Raw::u16be, 100, "full_Ah"},
    {4, Raw::u16be, 100, "design_Ah", &Battery::capacity_ah, 0, 0, 0},
    {6, Raw::u32be, 1, "total_charge_raw", &Battery::charged_ah},
    {10, Raw::u32be, 1, "total_discharge_raw", &Battery::discharged_ah},
    {14, Raw::u16be, 100, "charged_kWh"},  // wraps at 655.36: not a total
    {16, Raw::u16be, 100, "discharged_kWh"},
});
static_assert(well_formed(kModuleHead) && well_formed(kCapacityFields));
inline constexpr std::size_t kCapacityBytes = 18;
inline constexpr std::size_t kNumberBytes = 30;
inline constexpr std::size_t kAllNumbers = 3 * kNumberBytes + 3 + 20;  ///< with the date and the manufacturer
inline constexpr std::size_t kManufacturerBytes = 35;

// --------------------------------------------------------------------------------------------- layout

/// The parts of an answer of live values.
struct Live {
    Bytes cells;
    Bytes places;
    Bytes sensors;
    Bytes tail;
    std::size_t surplus = 0;
};
[[nodiscard]] inline std::optional<Live> live_in(Bytes info) {
    wire::Cursor cursor(info);
    Live live;
    cursor.skip(kCellCount);
    const std::size_t cells = cursor.u8();
    live.cells = cursor.take(2 * cells);
    live.places = cursor.take(kSensorCount);
    const std::size_t sensors = cursor.u8();
    live.sensors = cursor.take(2 * sensors);
    live.tail = cursor.take(kTailBytes);
    live.surplus = cursor.remaining();
    const bool possible = cells > 0 && cells <= kMaxCells && sensors <= kMaxSensors && live.surplus == 0;
    return cursor.ok() && possible ? std::optional(live) : std::nullopt;
}

[[nodiscard]] inline Alarms alarms_of(Bytes tail) {
    Alarms alarms;
    raise(kVoltageFlags, wire::be16(tail, kVoltageStatus), alarms);
    raise(kCurrentFlags, wire::be16(tail, kCurrentStatus), alarms);
    raise(kTemperatureFlags, wire::be16(tail, kTemperatureStatus), alarms);
    raise(kAlarmFlags, wire::be16(tail, kAlarmStatus), alarms);
    return alarms;
}

[[nodiscard]] inline double tenths(Bytes sensors, std::size_t i) {
    return wire::s16(wire::be16(sensors, 2 * i)) / 10.0;
}

[[nodiscard]] inline std::string version_text(Bytes three) {
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), "%02X.%02X.%02X", three[0], three[1], three[2]);
    return text.data();
}

[[nodiscard]] inline bool is_module(Bytes info, Module module) {
    return info.size() > kModuleHeadBytes && info[0] == kModules && info[2] == kRead && info[3] == module;
}

}  // namespace bms::daren
