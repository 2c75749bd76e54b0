#pragma once
// What PACE boards send behind the head of a frame: docs/protocols/pace.md

#include "serialbattery/record.hpp"
#include "serialbattery/table.hpp"
#include "wire/bytes.hpp"

#include <array>
#include <optional>
#include <utility>
#include <vector>

namespace bms::pace {

inline constexpr unsigned kMaxCells = 32;
inline constexpr unsigned kMaxSensors = 16;

// --------------------------------------------------------------------------------------------- tables

/// Behind the temperatures of an analog answer.
inline constexpr auto kAnalogFields = std::to_array<Field>({
    {0, Raw::s16be, 100, "current_A", &Battery::current_a},   // + charging
    {2, Raw::u16be, 1000, "voltage_V", &Battery::voltage_v},  // millivolts, unlike the relatives
    {4, Raw::u16be, 100, "remaining_Ah", &Battery::remaining_ah},
    {6, Raw::u8, 1, "user_count"},
    {7, Raw::u16be, 100, "full_Ah", &Battery::full_ah},
    {9, Raw::u16be, 1, "cycles", &Battery::cycles},
    {11, Raw::u16be, 100, "design_Ah", &Battery::capacity_ah},
});
static_assert(well_formed(kAnalogFields));
inline constexpr std::size_t kAnalogTail = 13;
inline constexpr std::size_t kUserCount = 6;
inline constexpr std::size_t kNineItemsExtra = 14;  ///< with nine items, of unknown meaning

inline constexpr double kKelvin = 2730;  ///< the vendor's zero

/// Behind the temperature codes of a status answer.
inline constexpr auto kStatusFields = std::to_array<Field>({
    {0, Raw::u8, 1, "charge_current_warn"},
    {1, Raw::u8, 1, "pack_voltage_warn"},
    {2, Raw::u8, 1, "discharge_current_warn"},
    {3, Raw::u8, 1, "protect1"},
    {4, Raw::u8, 1, "protect2"},
    {5, Raw::u8, 1, "instruction"},
    {5, Raw::flag, 0, "charge_fet", &Battery::charge_fet, 0, 1},
    {5, Raw::flag, 0, "discharge_fet", &Battery::discharge_fet, 0, 2},
    {6, Raw::u8, 1, "control"},
    {7, Raw::u8, 1, "fault", &Battery::status_word},
    {8, Raw::u8, 1, "balance_a"},
    {9, Raw::u8, 1, "balance_b"},
    {10, Raw::u8, 1, "warn1"},
    {11, Raw::u8, 1, "warn2"},
});
static_assert(well_formed(kStatusFields));
inline constexpr std::size_t kStatusTail = 12;
enum StatusByte : std::uint8_t {
    kProtect1 = 3,
    kProtect2 = 4,
    kFault = 7,
    kBalance1 = 8,
    kBalance2 = 9,
    kWarn1 = 10,
    kWarn2 = 11,
};

inline constexpr auto kProtections1 = std::to_array<Flag>({
    {0, Alarm::high_cell_voltage},
    {1, Alarm::low_cell_voltage},
    {2, Alarm::high_voltage},
    {3, Alarm::low_voltage},
    {4, Alarm::high_charge_current},
    {5, Alarm::high_discharge_current},
    {6, Alarm::high_discharge_current},  // short circuit
});
inline constexpr auto kProtections2 = std::to_array<Flag>({
    {0, Alarm::high_charge_temperature},
    {1, Alarm::high_temperature},
    {2, Alarm::low_charge_temperature},
    {3, Alarm::low_temperature},
    {4, Alarm::high_internal_temperature},
    {5, Alarm::high_temperature},  // ambient
    {6, Alarm::low_temperature},
    // 7 fully charged
});
inline constexpr auto kWarnings1 = std::to_array<Flag>({
    {0, Alarm::high_cell_voltage, Level::warning},
    {1, Alarm::low_cell_voltage, Level::warning},
    {2, Alarm::high_voltage, Level::warning},
    {3, Alarm::low_voltage, Level::warning},
    {4, Alarm::high_charge_current, Level::warning},
    {5, Alarm::high_discharge_current, Level::warning},
});
inline constexpr auto kWarnings2 = std::to_array<Flag>({
    {0, Alarm::high_charge_temperature, Level::warning},
    {1, Alarm::high_temperature, Level::warning},
    {2, Alarm::low_charge_temperature, Level::warning},
    {3, Alarm::low_temperature, Level::warning},
    {4, Alarm::high_temperature, Level::warning},
    {5, Alarm::low_temperature, Level::warning},
    {6, Alarm::high_internal_temperature, Level::warning},
    {7, Alarm::low_soc, Level::warning},
});
static_assert(well_formed(kProtections1) && well_formed(kProtections2));
static_assert(well_formed(kWarnings1) && well_formed(kWarnings2));

inline constexpr auto kCapacityFields = std::to_array<Field>({
    {0, Raw::u16be, 100, "remaining_Ah"},
    {2, Raw::u16be, 100, "full_Ah"},
    {4, Raw::u16be, 100, "design_Ah"},
});
inline constexpr auto kVoltageLimitFields = std::to_array<Field>({
    {0, Raw::u8, 1, "flag"},
    {1, Raw::u16be, 1, "alarm_mV"},
    {3, Raw::u16be, 1, "protect_mV"},
    {5, Raw::u16be, 1, "release_mV"},
    // 7 delay
});
inline constexpr auto kCurrentLimitFields = std::to_array<Field>({
    {0, Raw::u8, 1, "flag"},
    {1, Raw::s16be, 1, "alarm_A"},
    {3, Raw::s16be, 1, "protect_A"},  // negative while discharging
    // 5 delay
});
static_assert(well_formed(kCapacityFields) && well_formed(kVoltageLimitFields)
              && well_formed(kCurrentLimitFields));
inline constexpr int kDelayStep = 100;  ///< milliseconds

// --------------------------------------------------------------------------------------------- layout

/// A list of cells and one of sensors, each behind its count.
struct Lists {
    Bytes cells;
    Bytes sensors;
    std::size_t end = 0;
};
inline std::optional<Lists> lists_at(Bytes info, std::size_t at, std::size_t width) {
    Lists lists;
    for (auto [list, most] : {std::pair(&lists.cells, kMaxCells), std::pair(&lists.sensors, kMaxSensors)}) {
        if (at >= info.size()) {
            return std::nullopt;
        }
        const std::size_t count = info[at];
        if (count > most || at + 1 + count * width > info.size()) {
            return std::nullopt;
        }
        *list = info.subspan(at + 1, count * width);
        at += 1 + count * width;
    }
    lists.end = at;
    return lists.cells.empty() ? std::nullopt : std::optional(lists);
}

/// One pack of an analog answer.
struct Analog {
    Lists lists;
    Bytes tail;
    std::size_t end = 0;
};
inline std::optional<Analog> analog_at(Bytes info, std::size_t at) {
    const auto lists = lists_at(info, at, 2);
    if (!lists || lists->end + kAnalogTail > info.size()) {
        return std::nullopt;
    }
    const unsigned items = info[lists->end + kUserCount];
    const std::size_t size = kAnalogTail + (items == 9 ? kNineItemsExtra : 0);
    if ((items != 3 && items != 9) || lists->end + size > info.size()) {
        return std::nullopt;
    }
    return Analog{*lists, info.subspan(lists->end, size), lists->end + size};
}
/// Every pack of an analog answer: a master asked for all lists the others behind its own.
inline std::vector<Analog> packs_in(Bytes info) {
    std::vector<Analog> packs;
    auto pack = analog_at(info, 2);
    while (pack) {
        packs.push_back(*pack);
        pack = analog_at(info, pack->end);
    }
    return packs;
}

struct Status {
    Lists lists;
    Bytes flags;
    std::size_t surplus = 0;
};
/// Some boards send one byte more.
inline std::optional<Status> status_in(Bytes info) {
    const auto lists = lists_at(info, 2, 1);
    if (!lists || lists->end + kStatusTail > info.size() || lists->end + kStatusTail + 1 < info.size()) {
        return std::nullopt;
    }
    return Status{*lists, info.subspan(lists->end, kStatusTail), info.size() - lists->end - kStatusTail};
}

inline double celsius(Bytes sensors, std::size_t i) {
    return (wire::be16(sensors, 2 * i) - kKelvin) / 10;
}
inline List celsius(Bytes sensors) {
    List list;
    for (std::size_t i = 0; i < sensors.size() / 2; ++i) {
        list.emplace_back(celsius(sensors, i));
    }
    return list;
}
inline List numbers(Bytes bytes) {
    List list;
    for (const auto byte : bytes) {
        list.emplace_back(int{byte});
    }
    return list;
}

inline Alarms alarms_of(Bytes flags) {
    Alarms alarms;
    raise(kProtections1, flags[kProtect1], alarms);
    raise(kProtections2, flags[kProtect2], alarms);
    raise(kWarnings1, flags[kWarn1], alarms);
    raise(kWarnings2, flags[kWarn2], alarms);
    alarms.raise(Alarm::internal_failure, flags[kFault] != 0 ? Level::alarm : Level::ok);
    return alarms;
}
/// After the vendor's document: the first byte holds cells 1 to 8.
inline std::uint32_t balance_mask(Bytes flags) {
    return flags[kBalance1] | std::uint32_t{flags[kBalance2]} << 8;
}

}  // namespace bms::pace
