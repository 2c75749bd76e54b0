#pragma once
// The register table, by number. docs/protocols/victron-ble.md, "Registers".

#include "smartsolar/protocol/registers.hpp"

#include <array>

namespace smartsolar {

namespace register_rows {

using R = Reading;
using enum RegisterType;

inline constexpr std::optional<std::uint32_t> kNever = std::nullopt;
inline constexpr std::uint32_t kFF = 0xFF;
inline constexpr std::uint32_t kFFFF = 0xFFFF;
inline constexpr std::uint32_t kFFFFFFFF = 0xFFFFFFFF;
inline constexpr std::uint32_t k7FFF = 0x7FFF;
inline constexpr std::uint32_t k7FFFFFFF = 0x7FFFFFFF;

// clang-format off
// first   last    name                                type         per unit  unit   absent      member
inline constexpr auto kRows = std::to_array<Register>({
    {0x0003, 0x0003, "ping"},
    {0x0004, 0x0004, "restore defaults"},
    {0x0090, 0x0090, "BLE mode",                          u8},
    {0x0091, 0x0091, "BLE off recovery time",             u16,            1, "s",   kFFFF},
    {0x0092, 0x0092, "connectable",                       u8},
    {0x0093, 0x0093, "connection keep-alive",             u16,            1, "ms"},
    {0x0100, 0x0100, "product id",                        product_id},
    {0x0101, 0x0101, "hardware revision"},
    {0x0102, 0x0102, "firmware version",                  version},
    {0x0103, 0x0103, "minimum firmware version",          version},
    {0x0104, 0x0104, "group id",                          u8},
    {0x010A, 0x010A, "serial number",                     text},
    {0x010B, 0x010B, "model name",                        text},
    {0x010C, 0x010D, "installation description",          text},
    {0x010E, 0x010E, "identify",                          u8},
    {0x0110, 0x0110, "bootloader version"},
    {0x0120, 0x0120, "uptime",                            u32,            1, "s",   kNever,     &R::uptime_s},
    {0x0140, 0x014F, "capabilities",                      u32},
    {0x0150, 0x0150, "BLE capabilities",                  u32},
    {0x0200, 0x0200, "device mode",                       u8,             1, "",    kNever,     &R::device_mode},
    {0x0201, 0x0201, "device state",                      u8,             1, "",    kFF,        &R::device_state},
    {0x0202, 0x0202, "remote control used",               u32},
    {0x0205, 0x0205, "off reason (old)",                  u8},
    {0x0206, 0x0206, "device function",                   u8},
    {0x0207, 0x0207, "off reason",                        u32,            1, "",    kNever,     &R::off_reason},
    {0x0300, 0x0300, "deepest discharge",                 s32,           10, "Ah",  kNever,     &R::deepest_discharge_ah},
    {0x0301, 0x0301, "last discharge",                    s32,           10, "Ah",  kNever,     &R::last_discharge_ah},
    {0x0302, 0x0302, "average discharge",                 s32,           10, "Ah",  kNever,     &R::average_discharge_ah},
    {0x0303, 0x0303, "charge cycles",                     s32,            1, "",    kNever,     &R::charge_cycles},
    {0x0304, 0x0304, "full discharges",                   s32,            1, "",    kNever,     &R::full_discharges},
    {0x0305, 0x0305, "cumulative charge drawn",           s32,           10, "Ah",  kNever,     &R::total_ah_drawn},
    {0x0306, 0x0306, "minimum battery voltage",           s32,          100, "V",   kNever,     &R::minimum_voltage_v},
    {0x0307, 0x0307, "maximum battery voltage",           s32,          100, "V",   kNever,     &R::maximum_voltage_v},
    {0x0308, 0x0308, "time since full charge",            s32,            1, "s",   kNever,     &R::since_full_charge_s},
    {0x0309, 0x0309, "automatic synchronisations",        s32,            1, "",    kNever,     &R::automatic_syncs},
    {0x030A, 0x030A, "low voltage alarms",                s32,            1, "",    kNever,     &R::low_voltage_alarms},
    {0x030B, 0x030B, "high voltage alarms",               s32,            1, "",    kNever,     &R::high_voltage_alarms},
    {0x030C, 0x030C, "low aux voltage alarms",            s32,            1, "",    kNever,     &R::low_aux_voltage_alarms},
    {0x030D, 0x030D, "high aux voltage alarms",           s32,            1, "",    kNever,     &R::high_aux_voltage_alarms},
    {0x030E, 0x030E, "minimum aux voltage",               s32,          100, "V",   kNever,     &R::minimum_aux_voltage_v},
    {0x030F, 0x030F, "maximum aux voltage",               s32,          100, "V",   kNever,     &R::maximum_aux_voltage_v},
    {0x0310, 0x0310, "discharged energy",                 u32,          100, "kWh", kNever,     &R::discharged_energy_kwh},
    {0x0311, 0x0311, "charged energy",                    u32,          100, "kWh", kNever,     &R::charged_energy_kwh},
    {0x031C, 0x031C, "warning reason",                    u16,            1, "",    kNever,     &R::warning_reason},
    {0x031D, 0x031D, "alarm status",                      u8},
    {0x031E, 0x031E, "alarm reason",                      u16,            1, "",    kNever,     &R::alarm_reason},
    {0x0320, 0x0320, "low voltage alarm set",             u16,          100, "V"},
    {0x0321, 0x0321, "low voltage alarm clear",           u16,          100, "V"},
    {0x0322, 0x0322, "high voltage alarm set",            u16,          100, "V"},
    {0x0323, 0x0323, "high voltage alarm clear",          u16,          100, "V"},
    {0x0324, 0x0324, "low aux voltage alarm set",         u16,          100, "V"},
    {0x0325, 0x0325, "low aux voltage alarm clear",       u16,          100, "V"},
    {0x0326, 0x0326, "high aux voltage alarm set",        u16,          100, "V"},
    {0x0327, 0x0327, "high aux voltage alarm clear",      u16,          100, "V"},
    {0x0328, 0x0328, "low state of charge alarm set",     u16,           10, "%"},
    {0x0329, 0x0329, "low state of charge alarm clear",   u16,           10, "%"},
    {0x034E, 0x034E, "relay state",                       u8,             1, "",    kNever,     &R::relay_state},
    {0x034F, 0x034F, "relay mode",                        u8},
    {0x0350, 0x0350, "relay low voltage set",             u16,          100, "V"},
    {0x0351, 0x0351, "relay low voltage clear",           u16,          100, "V"},
    {0x0352, 0x0352, "relay high voltage set",            u16,          100, "V"},
    {0x0353, 0x0353, "relay high voltage clear",          u16,          100, "V"},
    {0x0382, 0x0382, "mid-point voltage",                 u16,          100, "V",   kFFFF,      &R::mid_voltage_v},
    {0x0383, 0x0383, "mid-point deviation",               s16,           10, "%",   k7FFF,      &R::mid_deviation_pct},
    {0x0FFC, 0x0FFC, "consumed charge (generic)",         s32,           10, "Ah"},
    {0x0FFD, 0x0FFD, "start synchronised",                u8},
    {0x0FFE, 0x0FFE, "time to go",                        u16,            1, "min", kFFFF,      &R::time_to_go_min},
    {0x0FFF, 0x0FFF, "state of charge",                   u16,          100, "%",   kFFFF,      &R::soc_pct},
    {0x1000, 0x1000, "battery capacity",                  u16,            1, "Ah"},
    {0x1001, 0x1001, "charged voltage",                   u16,           10, "V"},
    {0x1002, 0x1002, "tail current",                      u16,           10, "%"},
    {0x1003, 0x1003, "charged detection time",            u16,            1, "min"},
    {0x1004, 0x1004, "charge efficiency",                 u16,            1, "%"},
    {0x1005, 0x1005, "Peukert exponent",                  u16,          100, ""},
    {0x1006, 0x1006, "current threshold",                 u16,          100, "A"},
    {0x1007, 0x1007, "time to go averaging",              u16,            1, "min"},
    {0x1008, 0x1008, "discharge floor",                   u16,           10, "%"},
    {0x1029, 0x1029, "zero current"},
    {0x102C, 0x102C, "synchronise"},
    {0x1030, 0x1030, "clear history"},
    {0x104F, 0x104F, "history total"},
    {0x1050, 0x106E, "history day",                       history_day},
    {0x10A0, 0x10BE, "history day, second block"},
    {0x2031, 0x2031, "time of day",                       u16,            1, "min"},
    {0x2100, 0x2100, "BMS flags",                         u32,            1, "",    kNever,     &R::bms_flags},
    {0x2101, 0x2101, "BMS error",                         u8,             1, "",    kNever,     &R::error},
    {0x2107, 0x2107, "BMS warnings and alarms",           u32,            1, "",    kNever,     &R::warnings_alarms},
    {0x2108, 0x2108, "BMS inputs and outputs",            u16,            1, "",    kNever,     &R::io_status},
    {0x2200, 0x2200, "AC out voltage",                    s16,          100, "V",   k7FFF,      &R::ac_voltage_v},
    {0x2201, 0x2201, "AC out current",                    s16,           10, "A",   k7FFF,      &R::ac_current_a},
    {0x2204, 0x2204, "AC out real power",                 s32,            1, "W",   k7FFFFFFF,  &R::ac_out_power_w},
    {0x2205, 0x2205, "AC out apparent power",             s32,            1, "VA",  k7FFFFFFF,  &R::ac_apparent_power_va},
    {0x2208, 0x2208, "AC out frequency",                  u16,          100, "Hz",  kFFFF,      &R::ac_frequency_hz},
    {0x2211, 0x2211, "adjustable voltage minimum",        u16,          100, "V",   kFFFF},
    {0x2212, 0x2212, "adjustable voltage maximum",        u16,          100, "V",   kFFFF},
    {0x2222, 0x2222, "input voltage range minimum",       u16,          100, "V"},
    {0x2223, 0x2223, "input voltage range maximum",       u16,          100, "V"},
    {0xEC0E, 0xEC0E, "BLE register EC0E"},
    {0xEC0F, 0xEC0F, "BLE register EC0F"},
    {0xEC12, 0xEC17, "BLE registers EC12 to EC17"},
    {0xEC20, 0xEC20, "BLE register EC20"},
    {0xEC30, 0xEC30, "BLE register EC30"},
    {0xEC3F, 0xEC3F, "BLE register EC3F"},
    {0xEC5A, 0xEC5A, "seconds counter",                   u32,            1, "s"},
    {0xEC5B, 0xEC64, "stored trends"},
    {0xEC65, 0xEC65, "advertisement key"},
    {0xEC66, 0xEC66, "MAC address",                       mac_address},
    {0xEC7D, 0xEC7D, "BLE register EC7D"},
    {0xEC88, 0xEC8A, "BLE registers EC88 to EC8A"},
    {0xECC3, 0xECC3, "tracker 1 mode",                    u8,             1, "",    kFF},
    {0xECCB, 0xECCB, "tracker 1 voltage",                 u16,          100, "V",   kFFFF},
    {0xECCC, 0xECCC, "tracker 1 power",                   u32,          100, "W",   kFFFFFFFF},
    {0xECCD, 0xECCD, "tracker 1 current",                 u16,           10, "A",   kFFFF},
    {0xECD3, 0xECD3, "tracker 2 mode",                    u8,             1, "",    kFF},
    {0xECDB, 0xECDB, "tracker 2 voltage",                 u16,          100, "V",   kFFFF},
    {0xECDC, 0xECDC, "tracker 2 power",                   u32,          100, "W",   kFFFFFFFF},
    {0xECDD, 0xECDD, "tracker 2 current",                 u16,           10, "A",   kFFFF},
    {0xECE3, 0xECE3, "tracker 3 mode",                    u8,             1, "",    kFF},
    {0xECEB, 0xECEB, "tracker 3 voltage",                 u16,          100, "V",   kFFFF},
    {0xECEC, 0xECEC, "tracker 3 power",                   u32,          100, "W",   kFFFFFFFF},
    {0xECED, 0xECED, "tracker 3 current",                 u16,           10, "A",   kFFFF},
    {0xECF3, 0xECF3, "tracker 4 mode",                    u8,             1, "",    kFF},
    {0xECFB, 0xECFB, "tracker 4 voltage",                 u16,          100, "V",   kFFFF},
    {0xECFC, 0xECFC, "tracker 4 power",                   u32,          100, "W",   kFFFFFFFF},
    {0xECFD, 0xECFD, "tracker 4 current",                 u16,           10, "A",   kFFFF},
    {0xED2E, 0xED2E, "re-bulk offset",                    u16,          100, "V",   kFFFF},
    {0xED7D, 0xED7D, "starter voltage",                   s16,          100, "V",   k7FFF,      &R::aux_voltage_v},
    {0xED8B, 0xED8B, "battery ripple",                    u16,         1000, "V",   kFFFF},
    {0xED8C, 0xED8C, "battery current, fine",             s32,         1000, "A",   k7FFFFFFF,  &R::battery_current_a},
    {0xED8D, 0xED8D, "battery voltage",                   s16,          100, "V",   k7FFF,      &R::battery_voltage_v},
    {0xED8E, 0xED8E, "battery power",                     s16,            1, "W",   k7FFF,      &R::battery_power_w},
    {0xED8F, 0xED8F, "battery current",                   s16,           10, "A",   k7FFF,      &R::battery_current_a},
    {0xED91, 0xED91, "load off reason",                   u8},
    {0xEDA8, 0xEDA8, "load output status",                u8,             1, "",    kNever,     &R::load_state},
    {0xEDA9, 0xEDA9, "load output voltage",               u16,          100, "V",   kFFFF,      &R::load_voltage_v},
    {0xEDAA, 0xEDAA, "load output power",                 u16,            1, "W",   kFFFF,      &R::load_power_w},
    {0xEDAB, 0xEDAB, "load output control",               u8},
    {0xEDAC, 0xEDAC, "load offset voltage",               u8,           100, "V"},
    {0xEDAD, 0xEDAD, "load output current",               u16,           10, "A",   kFFFF,      &R::load_current_a},
    {0xEDB3, 0xEDB3, "MPP operation mode",                u8,             1, "",    kFF,        &R::mpp_mode},
    {0xEDB8, 0xEDB8, "maximum PV voltage",                u16,          100, "V",   kFFFF},
    {0xEDBB, 0xEDBB, "PV or input voltage",               u16,          100, "V",   kFFFF,      &R::pv_voltage_v},
    {0xEDBC, 0xEDBC, "PV or input power",                 u32,          100, "W",   kFFFFFFFF,  &R::pv_power_w},
    {0xEDBD, 0xEDBD, "PV or input current",               u16,           10, "A",   kFFFF,      &R::pv_current_a},
    {0xEDCE, 0xEDCE, "voltage settings range"},
    {0xEDD0, 0xEDD0, "maximum power yesterday",           u16_or_u32,     1, "W",   kFFFFFFFF,  &R::power_max_yesterday_w},
    {0xEDD1, 0xEDD1, "yield yesterday",                   u16_or_u32,   100, "kWh", kFFFFFFFF,  &R::yield_yesterday_kwh},
    {0xEDD2, 0xEDD2, "maximum power today",               u16_or_u32,     1, "W",   kFFFFFFFF,  &R::power_max_today_w},
    {0xEDD3, 0xEDD3, "yield today",                       u16_or_u32,   100, "kWh", kFFFFFFFF,  &R::yield_today_kwh},
    {0xEDD4, 0xEDD4, "extra charger state",               u8},
    {0xEDD5, 0xEDD5, "charger voltage",                   u16,          100, "V",   kFFFF},
    {0xEDD7, 0xEDD7, "charger current",                   s16,           10, "A",   k7FFF},
    {0xEDDA, 0xEDDA, "charger error",                     u8,             1, "",    kFF,        &R::charger_error},
    {0xEDDB, 0xEDDB, "charger temperature",               s16,          100, "C",   k7FFF},
    {0xEDDC, 0xEDDC, "yield since reset",                 u32,          100, "kWh", kFFFFFFFF,  &R::yield_user_kwh},
    {0xEDDD, 0xEDDD, "yield, lifetime",                   u32,          100, "kWh", kFFFFFFFF,  &R::yield_system_kwh},
    {0xEDDF, 0xEDDF, "charger maximum current",           u16,           10, "A",   kFFFF},
    {0xEDE0, 0xEDE0, "low temperature level",             s16,          100, "C"},
    {0xEDE6, 0xEDE6, "low temperature charge current",    u16,           10, "A",   kFFFF},
    {0xEDE7, 0xEDE7, "charger tail current",              u16,           10, "A"},
    {0xEDEA, 0xEDEA, "battery voltage setting",           u8,             1, "V"},
    {0xEDEC, 0xEDEC, "battery temperature",               u16,          100, "K",   kFFFF,      &R::temperature_k},
    {0xEDEF, 0xEDEF, "battery voltage in use",            u8,             1, "V"},
    {0xEDF0, 0xEDF0, "battery maximum current",           u16,           10, "A",   kFFFF},
    {0xEDF1, 0xEDF1, "battery type",                      u8},
    {0xEDF2, 0xEDF2, "temperature compensation",          s16,          100, "mV/C"},
    {0xEDF4, 0xEDF4, "equalisation voltage",              u16,          100, "V",   kFFFF},
    {0xEDF5, 0xEDF5, "storage voltage",                   u16,          100, "V",   kFFFF},
    {0xEDF6, 0xEDF6, "float voltage",                     u16,          100, "V",   kFFFF},
    {0xEDF7, 0xEDF7, "absorption voltage",                u16,          100, "V",   kFFFF},
    {0xEDFB, 0xEDFB, "absorption time limit",             u16,          100, "h"},
    {0xEDFC, 0xEDFC, "bulk time limit",                   u16,          100, "h"},
    {0xEDFD, 0xEDFD, "automatic equalisation",            u8},
    {0xEDFE, 0xEDFE, "adaptive mode",                     u8},
    {0xEE12, 0xEE12, "estimated battery temperature",     u16,          100, "K",   kFFFF},
    {0xEE36, 0xEE36, "shutdown voltage",                  u16,          100, "V"},
    {0xEE37, 0xEE37, "start voltage",                     u16,          100, "V"},
    {0xEE38, 0xEE38, "delayed start voltage",             u16,          100, "V"},
    {0xEE39, 0xEE39, "start delay",                       u16,            1, "s"},
    {0xEEFF, 0xEEFF, "consumed charge",                   s32,           10, "Ah",  k7FFFFFFF,  &R::consumed_ah},
});
// clang-format on

constexpr bool is_number(RegisterType type) {
    return type >= u8 && type <= u16_or_u32;
}

constexpr unsigned bits_of(RegisterType type) {
    switch (type) {
        case u8:
            return 8;
        case u16:
        case s16:
            return 16;
        case u32:
        case s32:
        case u16_or_u32:
            return 32;
        default:
            return 0;
    }
}

/// Rows ascend and do not overlap; markers fit their type; only numbers have units, scales and a place in a reading.
constexpr bool well_formed(std::span<const Register> rows) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto& row = rows[i];
        const unsigned bits = bits_of(row.type);
        const bool ordered = row.first <= row.last && (i == 0 || rows[i - 1].last < row.first);
        const bool marker = !row.absent || (bits != 0 && (bits == 32 || *row.absent >> bits == 0));
        const bool plain =
            is_number(row.type)
            || (row.per_unit == 1 && row.unit.empty() && std::holds_alternative<std::monostate>(row.into));
        if (!ordered || !marker || !plain || row.per_unit <= 0 || row.name.empty()) {
            return false;
        }
    }
    return true;
}

static_assert(well_formed(kRows));

}  // namespace register_rows

}  // namespace smartsolar
