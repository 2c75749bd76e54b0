#pragma once
// What Seplos boards of the second generation send behind the head of a frame: docs/protocols/seplos2.md

#include "serialbattery/table.hpp"
#include "wire/bytes.hpp"

#include <array>
#include <cstdint>
#include <optional>

namespace bms::seplos2 {

inline constexpr std::uint8_t kVersionBoqiang = 0x26;  ///< a clone with a shorter telemetry answer

/// Behind the temperatures of a telemetry answer.
inline constexpr auto kTelemetryFields = std::to_array<Field>({
    {0, Raw::s16be, 100, "current_A", &Battery::current_a},  // + charging
    {2, Raw::u16be, 100, "voltage_V", &Battery::voltage_v},
    {4, Raw::u16be, 100, "remaining_Ah", &Battery::remaining_ah},
    {6, Raw::u8, 1, "user_count"},
    {7, Raw::u16be, 100, "capacity_Ah", &Battery::full_ah},
});
static_assert(well_formed(kTelemetryFields));
inline constexpr auto kTenItemFields = std::to_array<Field>({
    {9, Raw::u16be, 10, "soc_pct", &Battery::soc_pct},
    {11, Raw::u16be, 100, "rated_Ah", &Battery::capacity_ah},
    {13, Raw::u16be, 1, "cycles", &Battery::cycles},
    {15, Raw::u16be, 10, "soh_pct", &Battery::soh_pct},
    {17, Raw::u16be, 100, "port_voltage_V"},
    // 19 four reserved words, not always zero
});
static_assert(well_formed(kTenItemFields));
inline constexpr auto kTwoItemFields = std::to_array<Field>({
    {9, Raw::u16be, 1, "cycles", &Battery::cycles},
});
static_assert(well_formed(kTwoItemFields));
inline constexpr std::size_t kUserCount = 6;
inline constexpr unsigned kTenItems = 10;
inline constexpr unsigned kTwoItems = 2;  ///< of the clone

inline constexpr double kKelvin = 2731;
inline constexpr double kNoSensor = -50;  ///< an open input reads less

/// Behind the temperature codes of an alarm answer.
inline constexpr auto kAlarmFields = std::to_array<Field>({
    {0, Raw::u8, 1, "current_alarm"},
    {1, Raw::u8, 1, "voltage_alarm"},
    {2, Raw::u8, 1, "user_count"},
    {3, Raw::u8, 1, "event1"},
    {4, Raw::u8, 1, "event2"},
    {5, Raw::u8, 1, "event3"},
    {6, Raw::u8, 1, "event4"},
    {7, Raw::u8, 1, "event5"},
    {8, Raw::u8, 1, "event6"},
    {9, Raw::flag, 0, "discharge_fet", &Battery::discharge_fet, 0, 0},
    {9, Raw::flag, 0, "charge_fet", &Battery::charge_fet, 0, 1},
    {9, Raw::flag, 0, "limiter", {}, 0, 2},
    {9, Raw::flag, 0, "heater", &Battery::heating, 0, 3},
    {10, Raw::u16le, 1, "balance_mask"},
    {12, Raw::u8, 1, "system", &Battery::status_word},
    {13, Raw::u16le, 1, "disconnect_mask"},
    {15, Raw::u8, 1, "event7"},
    {16, Raw::u8, 1, "event8"},
    // 17 six reserved bytes
});
static_assert(well_formed(kAlarmFields));
inline constexpr std::size_t kAlarmTail = 23;
inline constexpr std::size_t kAlarmCountAt = 2;
inline constexpr unsigned kAlarmItems = 20;
inline constexpr std::size_t kEvent1 = 3;
inline constexpr std::size_t kEvent8 = 16;
inline constexpr std::size_t kBalanceAt = 10;

/// The event bytes 1 to 6 and 8 as one word: number of a bit in it.
inline constexpr std::uint8_t seplos_event(unsigned event, unsigned bit) {
    return static_cast<std::uint8_t>(8 * (event == 8 ? 6 : event - 1) + bit);
}
inline std::uint64_t seplos_events(Bytes tail) {
    std::uint64_t word = std::uint64_t{tail[kEvent8]} << 48;
    for (unsigned i = 0; i < 6; ++i) {
        word |= std::uint64_t{tail[kEvent1 + i]} << 8 * i;
    }
    return word;
}

inline constexpr auto kEvents = std::to_array<Flag>({
    {seplos_event(1, 0), Alarm::internal_failure},  // sensors of voltage, temperature, current
    {seplos_event(1, 1), Alarm::internal_failure},
    {seplos_event(1, 2), Alarm::internal_failure},
    {seplos_event(1, 3), Alarm::internal_failure},  // key switch
    {seplos_event(1, 4), Alarm::cell_imbalance},
    {seplos_event(1, 5), Alarm::internal_failure},  // switches of charge, discharge, limiter
    {seplos_event(1, 6), Alarm::internal_failure},
    {seplos_event(1, 7), Alarm::internal_failure},
    {seplos_event(2, 0), Alarm::high_cell_voltage, Level::warning},
    {seplos_event(2, 1), Alarm::high_cell_voltage},
    {seplos_event(2, 2), Alarm::low_cell_voltage, Level::warning},
    {seplos_event(2, 3), Alarm::low_cell_voltage},
    {seplos_event(2, 4), Alarm::high_voltage, Level::warning},
    {seplos_event(2, 5), Alarm::high_voltage},
    {seplos_event(2, 6), Alarm::low_voltage, Level::warning},
    {seplos_event(2, 7), Alarm::low_voltage},
    {seplos_event(3, 0), Alarm::high_charge_temperature, Level::warning},
    {seplos_event(3, 1), Alarm::high_charge_temperature},
    {seplos_event(3, 2), Alarm::low_charge_temperature, Level::warning},
    {seplos_event(3, 3), Alarm::low_charge_temperature},
    {seplos_event(3, 4), Alarm::high_temperature, Level::warning},
    {seplos_event(3, 5), Alarm::high_temperature},
    {seplos_event(3, 6), Alarm::low_temperature, Level::warning},
    {seplos_event(3, 7), Alarm::low_temperature},
    {seplos_event(4, 0), Alarm::high_temperature, Level::warning},  // ambient
    {seplos_event(4, 1), Alarm::high_temperature},
    {seplos_event(4, 2), Alarm::low_temperature, Level::warning},
    {seplos_event(4, 3), Alarm::low_temperature},
    // The documents disagree on which of the two is the protection: only both together are taken for it.
    {seplos_event(4, 4), Alarm::high_internal_temperature, Level::warning},
    {seplos_event(4, 5), Alarm::high_internal_temperature, Level::warning},
    {seplos_event(5, 0), Alarm::high_charge_current, Level::warning},
    {seplos_event(5, 1), Alarm::high_charge_current},
    {seplos_event(5, 2), Alarm::high_discharge_current, Level::warning},
    {seplos_event(5, 3), Alarm::high_discharge_current},
    {seplos_event(5, 4), Alarm::high_discharge_current},  // transient, short circuit, their locks
    {seplos_event(5, 5), Alarm::high_discharge_current},
    {seplos_event(5, 6), Alarm::high_discharge_current},
    {seplos_event(5, 7), Alarm::high_discharge_current},
    {seplos_event(6, 0), Alarm::high_voltage},  // of the charger
    {seplos_event(6, 2), Alarm::low_soc, Level::warning},
    {seplos_event(6, 3), Alarm::low_soc},
    {seplos_event(6, 5), Alarm::internal_failure},  // output reversed, connection, inside
    {seplos_event(6, 6), Alarm::internal_failure},
    {seplos_event(6, 7), Alarm::internal_failure},
    {seplos_event(8, 0), Alarm::internal_failure},  // EEPROM, clock, calibrations
    {seplos_event(8, 1), Alarm::internal_failure},
    {seplos_event(8, 2), Alarm::internal_failure},
    {seplos_event(8, 3), Alarm::internal_failure},
    {seplos_event(8, 4), Alarm::internal_failure},
});
static_assert(well_formed(kEvents));

/// Words 1 to 60 from byte 2 on, 27 bytes from 123 on, 8 switches, a model. A zero is no trip point.
inline constexpr auto kSettingFields = std::to_array<Field>({
    {1, Raw::u8, 1, "analog_count"},
    {10, Raw::u16be, 1, "cell_ov_protect_mV"},  // word 5
    {10, Raw::u16be, 1000, "", &Battery::cell_overvoltage_v, 0, 0, 0},
    {14, Raw::u16be, 1, "cell_uv_protect_mV"},  // 7
    {14, Raw::u16be, 1000, "", &Battery::cell_undervoltage_v, 0, 0, 0},
    {30, Raw::u16be, 100, "pack_ov_protect_V"},     // 15
    {34, Raw::u16be, 100, "pack_uv_protect_V"},     // 17
    {110, Raw::s16be, 100, "charge_oc_protect_A"},  // 55
    {110, Raw::s16be, 100, "", &Battery::charge_overcurrent_a, 0, 0, 0},
    {112, Raw::s16be, 100, "discharge_oc_protect_A"},  // 56, sent negative
    {112, Raw::s16be, -100, "", &Battery::discharge_overcurrent_a, 0, 0, 0},
    {118, Raw::u16be, 100, "rated_Ah"},  // 59
    {122, Raw::u8, 1, "byte_count"},
    {128, Raw::u8, 1, "cells"},
    {150, Raw::u8, 1, "switch_count"},
});
static_assert(well_formed(kSettingFields));
inline constexpr unsigned kSettingWords = 60;
inline constexpr unsigned kSettingBytes = 27;
inline constexpr unsigned kSettingSwitches = 8;
inline constexpr std::size_t kSettingSize = 169;
inline constexpr std::size_t kManufacturerSize = 32;  ///< name 10, version 2, text 20

// --------------------------------------------------------------------------------------------- layout

inline constexpr unsigned kMaxCells = 32;
inline constexpr unsigned kMaxSensors = 16;

/// A list of cells and one of sensors, each behind its count, and what follows them.
struct SeplosLists {
    Bytes cells;
    Bytes sensors;
    Bytes tail;
};
inline std::optional<SeplosLists> seplos_lists(Bytes info, std::size_t width) {
    wire::Cursor cursor(info);
    cursor.skip(2);
    const unsigned cells = cursor.u8();
    SeplosLists lists;
    lists.cells = cursor.take(cells * width);
    const unsigned sensors = cursor.u8();
    lists.sensors = cursor.take(sensors * width);
    lists.tail = cursor.take(cursor.remaining());
    const bool possible = cells > 0 && cells <= kMaxCells && sensors <= kMaxSensors;
    return cursor.ok() && possible ? std::optional(lists) : std::nullopt;
}

/// A telemetry answer: what it is made of follows from its counts alone.
inline std::optional<SeplosLists> telemetry_in(Bytes info, unsigned version) {
    const auto lists = seplos_lists(info, 2);
    const unsigned items = version == kVersionBoqiang ? kTwoItems : kTenItems;
    if (!lists || lists->tail.size() != kUserCount + 1 + std::size_t{2} * items
        || lists->tail[kUserCount] != items) {
        return std::nullopt;
    }
    return lists;
}
inline bool has_ten_items(const SeplosLists& lists) {
    return lists.tail[kUserCount] == kTenItems;
}

inline std::optional<SeplosLists> alarms_in(Bytes info) {
    const auto lists = seplos_lists(info, 1);
    if (!lists || lists->tail.size() != kAlarmTail || lists->tail[kAlarmCountAt] != kAlarmItems) {
        return std::nullopt;
    }
    return lists;
}

inline bool are_settings(Bytes info) {
    return info.size() == kSettingSize && info[1] == kSettingWords && info[122] == kSettingBytes
           && info[150] == kSettingSwitches;
}

inline double seplos_celsius(Bytes sensors, std::size_t i) {
    return (wire::be16(sensors, 2 * i) - kKelvin) / 10;
}

inline Alarms alarms_of(Bytes tail) {
    Alarms alarms;
    const auto events = seplos_events(tail);
    raise(kEvents, events, alarms);
    const std::uint64_t both =
        std::uint64_t{1} << seplos_event(4, 4) | std::uint64_t{1} << seplos_event(4, 5);
    if ((events & both) == both) {
        alarms.raise(Alarm::high_internal_temperature, Level::alarm);
    }
    return alarms;
}

}  // namespace bms::seplos2
