#pragma once
// The field tables of every record, in the order of docs/protocols/victron-ble.md, "Records".

#include "smartsolar/protocol/records.hpp"

#include <array>

namespace smartsolar::fields {

using R = Reading;
using enum AuxKind;
inline constexpr auto U = Sign::is_unsigned;
inline constexpr auto S = Sign::is_signed;
inline constexpr std::nullopt_t kAlways = std::nullopt;  // no value means "not available"

// clang-format off
//   key                 bit  bits    absent      member                     per unit, bias

inline constexpr auto kTest = std::to_array<Field>({
    {"uptime_s",           0, 30, U, 0x3FFFFFFF, &R::uptime_s},
    {"temperature_c",     30,  7, U, 0x7F,       &R::temperature_c,          1, -40},
});

inline constexpr auto kSolarCharger = std::to_array<Field>({
    {"device_state",       0,  8, U, 0xFF,       &R::device_state},
    {"charger_error",      8,  8, U, 0xFF,       &R::charger_error},
    {"battery_voltage_v", 16, 16, S, 0x7FFF,     &R::battery_voltage_v,    100},
    {"battery_current_a", 32, 16, S, 0x7FFF,     &R::battery_current_a,     10},
    {"yield_today_kwh",   48, 16, U, 0xFFFF,     &R::yield_today_kwh,      100},
    {"pv_power_w",        64, 16, U, 0xFFFF,     &R::pv_power_w},
    {"load_current_a",    80,  9, U, 0x1FF,      &R::load_current_a,        10},
});

// The absent current is 0x1FFFFF: real products without a shunt send it, although the maker's document
// prints the figure of a 23 bit field, which is a reading of -1 mA.
inline constexpr auto kBatteryMonitor = std::to_array<Field>({
    {"time_to_go_min",     0, 16, U, 0xFFFF,     &R::time_to_go_min},
    {"battery_voltage_v", 16, 16, S, 0x7FFF,     &R::battery_voltage_v,    100},
    {"alarm_reason",      32, 16, U, kAlways,    &R::alarm_reason},
    {"aux_raw",           48, 16, U, kAlways,    &R::aux_raw},
    {"aux_voltage_v",     48, 16, S, 0x7FFF,     &R::aux_voltage_v,        100, 0, starter_voltage},
    {"mid_voltage_v",     48, 16, U, 0xFFFF,     &R::mid_voltage_v,        100, 0, mid_voltage},
    {"temperature_k",     48, 16, U, 0xFFFF,     &R::temperature_k,        100, 0, temperature},
    {"aux_mode",          64,  2, U, kAlways,    &R::aux_mode},
    {"battery_current_a", 66, 22, S, 0x1FFFFF,   &R::battery_current_a,   1000},
    {"consumed_ah",       88, 20, U, 0xFFFFF,    &R::consumed_ah,          -10},
    {"soc_pct",          108, 10, U, 0x3FF,      &R::soc_pct,               10},
});

inline constexpr auto kInverter = std::to_array<Field>({
    {"device_state",       0,  8, U, 0xFF,       &R::device_state},
    {"alarm_reason",       8, 16, U, kAlways,    &R::alarm_reason},
    {"battery_voltage_v", 24, 16, S, 0x7FFF,     &R::battery_voltage_v,    100},
    {"ac_apparent_power_va", 40, 16, U, 0xFFFF,  &R::ac_apparent_power_va},
    {"ac_voltage_v",      56, 15, U, 0x7FFF,     &R::ac_voltage_v,         100},
    {"ac_current_a",      71, 11, U, 0x7FF,      &R::ac_current_a,          10},
});

inline constexpr auto kDcDcConverter = std::to_array<Field>({
    {"device_state",       0,  8, U, 0xFF,       &R::device_state},
    {"charger_error",      8,  8, U, 0xFF,       &R::charger_error},
    {"input_voltage_v",   16, 16, U, 0xFFFF,     &R::input_voltage_v,      100},
    {"output_voltage_v",  32, 16, S, 0x7FFF,     &R::output_voltage_v,     100},
    {"off_reason",        48, 32, U, kAlways,    &R::off_reason},
});

inline constexpr CellBlock kSmartLithiumCells{48, 7, 8};
inline constexpr auto kSmartLithium = std::to_array<Field>({
    {"bms_flags",          0, 32, U, kAlways,    &R::bms_flags},
    {"error_flags",       32, 16, U, kAlways,    &R::error_flags},
    {"battery_voltage_v", 104, 12, U, 0xFFF,     &R::battery_voltage_v,    100},
    {"balancer_status",  116,  4, U, 0xF,        &R::balancer_status},
    {"temperature_c",    120,  7, U, 0x7F,       &R::temperature_c,          1, -40},
});

inline constexpr auto kInverterRs = std::to_array<Field>({
    {"device_state",       0,  8, U, 0xFF,       &R::device_state},
    {"charger_error",      8,  8, U, 0xFF,       &R::charger_error},
    {"battery_voltage_v", 16, 16, S, 0x7FFF,     &R::battery_voltage_v,    100},
    {"battery_current_a", 32, 16, S, 0x7FFF,     &R::battery_current_a,     10},
    {"pv_power_w",        48, 16, U, 0xFFFF,     &R::pv_power_w},
    {"yield_today_kwh",   64, 16, U, 0xFFFF,     &R::yield_today_kwh,      100},
    {"ac_out_power_w",    80, 16, S, 0x7FFF,     &R::ac_out_power_w},
});

inline constexpr auto kGxDevice = std::to_array<Field>({
    {"battery_voltage_v",  0, 16, U, 0xFFFF,     &R::battery_voltage_v,    100},
    {"pv_power_w",        16, 20, U, 0xFFFFF,    &R::pv_power_w},
    {"soc_pct",           36,  7, U, 0x7F,       &R::soc_pct},
    {"battery_power_w",   43, 21, S, 0x0FFFFF,   &R::battery_power_w},
    {"dc_power_w",        64, 21, S, 0x0FFFFF,   &R::dc_power_w},
});

inline constexpr auto kAcCharger = std::to_array<Field>({
    {"device_state",       0,  8, U, 0xFF,       &R::device_state},
    {"charger_error",      8,  8, U, 0xFF,       &R::charger_error},
    {"battery_voltage_1_v", 16, 13, U, 0x1FFF,   &R::battery_voltage_1_v,  100},
    {"battery_current_1_a", 29, 11, U, 0x7FF,    &R::battery_current_1_a,   10},
    {"battery_voltage_2_v", 40, 13, U, 0x1FFF,   &R::battery_voltage_2_v,  100},
    {"battery_current_2_a", 53, 11, U, 0x7FF,    &R::battery_current_2_a,   10},
    {"battery_voltage_3_v", 64, 13, U, 0x1FFF,   &R::battery_voltage_3_v,  100},
    {"battery_current_3_a", 77, 11, U, 0x7FF,    &R::battery_current_3_a,   10},
    {"temperature_c",     88,  7, U, 0x7F,       &R::temperature_c,          1, -40},
    {"ac_current_a",      95,  9, U, 0x1FF,      &R::ac_current_a,          10},
});

inline constexpr auto kBatteryProtect = std::to_array<Field>({
    {"device_state",       0,  8, U, 0xFF,       &R::device_state},
    {"output_state",       8,  8, U, 0xFF,       &R::output_state},
    {"error_code",        16,  8, U, 0xFF,       &R::error_code},
    {"alarm_reason",      24, 16, U, kAlways,    &R::alarm_reason},
    {"warning_reason",    40, 16, U, kAlways,    &R::warning_reason},
    {"input_voltage_v",   56, 16, S, 0x7FFF,     &R::input_voltage_v,      100},
    {"output_voltage_v",  72, 16, U, 0xFFFF,     &R::output_voltage_v,     100},
    {"off_reason",        88, 32, U, kAlways,    &R::off_reason},
});

inline constexpr auto kLynxBms = std::to_array<Field>({
    {"error",              0,  8, U, kAlways,    &R::error},
    {"time_to_go_min",     8, 16, U, 0xFFFF,     &R::time_to_go_min},
    {"battery_voltage_v", 24, 16, S, 0x7FFF,     &R::battery_voltage_v,    100},
    {"battery_current_a", 40, 16, S, 0x7FFF,     &R::battery_current_a,     10},
    {"io_status",         56, 16, U, kAlways,    &R::io_status},
    {"warnings_alarms",   72, 18, U, kAlways,    &R::warnings_alarms},
    {"soc_pct",           90, 10, U, 0x3FF,      &R::soc_pct,               10},
    {"consumed_ah",      100, 20, U, 0xFFFFF,    &R::consumed_ah,          -10},
    {"temperature_c",    120,  7, U, 0x7F,       &R::temperature_c,          1, -40},
});

inline constexpr auto kMultiRs = std::to_array<Field>({
    {"device_state",       0,  8, U, 0xFF,       &R::device_state},
    {"charger_error",      8,  8, U, 0xFF,       &R::charger_error},
    {"battery_current_a", 16, 16, S, 0x7FFF,     &R::battery_current_a,     10},
    {"battery_voltage_v", 32, 14, U, 0x3FFF,     &R::battery_voltage_v,    100},
    {"active_ac_in",      46,  2, U, 3,          &R::active_ac_in},
    {"ac_in_power_w",     48, 16, S, 0x7FFF,     &R::ac_in_power_w},
    {"ac_out_power_w",    64, 16, S, 0x7FFF,     &R::ac_out_power_w},
    {"pv_power_w",        80, 16, U, 0xFFFF,     &R::pv_power_w},
    {"yield_today_kwh",   96, 16, U, 0xFFFF,     &R::yield_today_kwh,      100},
});

inline constexpr auto kVeBus = std::to_array<Field>({
    {"device_state",       0,  8, U, 0xFF,       &R::device_state},
    {"vebus_error",        8,  8, U, 0xFF,       &R::vebus_error},
    {"battery_current_a", 16, 16, S, 0x7FFF,     &R::battery_current_a,     10},
    {"battery_voltage_v", 32, 14, U, 0x3FFF,     &R::battery_voltage_v,    100},
    {"active_ac_in",      46,  2, U, 3,          &R::active_ac_in},
    {"ac_in_power_w",     48, 19, S, 0x3FFFF,    &R::ac_in_power_w},
    {"ac_out_power_w",    67, 19, S, 0x3FFFF,    &R::ac_out_power_w},
    {"alarm",             86,  2, U, 3,          &R::alarm},
    {"temperature_c",     88,  7, U, 0x7F,       &R::temperature_c,          1, -40},
    {"soc_pct",           95,  7, U, 0x7F,       &R::soc_pct},
});

inline constexpr auto kDcEnergyMeter = std::to_array<Field>({
    {"monitor_mode",       0, 16, S, kAlways,    &R::monitor_mode},
    {"battery_voltage_v", 16, 16, S, 0x7FFF,     &R::battery_voltage_v,    100},
    {"alarm_reason",      32, 16, U, kAlways,    &R::alarm_reason},
    {"aux_raw",           48, 16, U, kAlways,    &R::aux_raw},
    {"aux_voltage_v",     48, 16, S, 0x7FFF,     &R::aux_voltage_v,        100, 0, starter_voltage},
    {"temperature_k",     48, 16, U, 0xFFFF,     &R::temperature_k,        100, 0, temperature},
    {"aux_mode",          64,  2, U, kAlways,    &R::aux_mode},
    {"battery_current_a", 66, 22, S, 0x1FFFFF,   &R::battery_current_a,   1000},
});

inline constexpr auto kOrionXs = std::to_array<Field>({
    {"device_state",       0,  8, U, 0xFF,       &R::device_state},
    {"charger_error",      8,  8, U, 0xFF,       &R::charger_error},
    {"output_voltage_v",  16, 16, U, 0xFFFF,     &R::output_voltage_v,     100},
    {"output_current_a",  32, 16, U, 0xFFFF,     &R::output_current_a,      10},
    {"input_voltage_v",   48, 16, U, 0xFFFF,     &R::input_voltage_v,      100},
    {"input_current_a",   64, 16, U, 0xFFFF,     &R::input_current_a,       10},
    {"off_reason",        80, 32, U, kAlways,    &R::off_reason},
});

inline constexpr auto kSolarSense = std::to_array<Field>({
    {"error",              0, 32, U, kAlways,    &R::error},
    {"charger_error",     32,  8, U, 0xFF,       &R::charger_error},
    {"installation_power_w", 40, 20, U, 0xFFFFF, &R::installation_power_w},
    {"todays_yield_kwh",  60, 20, U, 0xFFFFF,    &R::yield_today_kwh,      100},
    {"irradiance_w_m2",   80, 14, U, 0x3FFF,     &R::irradiance_w_m2,       10},
    {"cell_temperature_c", 94, 11, U, 0x7FF,     &R::cell_temperature_c,    10, -600},
    {"battery_voltage_v", 106, 8, U, 0xFF,       &R::battery_voltage_v,    100, 170},
    {"tx_power_dbm",     114,  1, U, kAlways,    &R::tx_power_dbm,           1, 0, kAlways, Curve::transmit_power},
    {"time_since_last_sun_min", 115, 7, U, 0x7F, &R::time_since_last_sun_min, 1, 0, kAlways,
     Curve::minutes_since_sun},
});

inline constexpr auto kLayouts = std::to_array<RecordLayout>({
    {record::kTest, "test record", kTest},
    {record::kSolarCharger, "solar charger", kSolarCharger},
    {record::kBatteryMonitor, "battery monitor", kBatteryMonitor},
    {record::kInverter, "inverter", kInverter},
    {record::kDcDcConverter, "DC/DC converter", kDcDcConverter},
    {record::kSmartLithium, "SmartLithium battery", kSmartLithium, kSmartLithiumCells},
    {record::kInverterRs, "inverter RS", kInverterRs},
    {record::kGxDevice, "GX device", kGxDevice},
    {record::kAcCharger, "AC charger", kAcCharger},
    {record::kBatteryProtect, "Smart BatteryProtect", kBatteryProtect},
    {record::kLynxBms, "BMS", kLynxBms},
    {record::kMultiRs, "Multi RS", kMultiRs},
    {record::kVeBus, "VE.Bus", kVeBus},
    {record::kDcEnergyMeter, "DC energy meter", kDcEnergyMeter},
    {record::kOrionXs, "Orion XS", kOrionXs},
    {record::kClearTest, "test record (clear)", kTest},
    {record::kSolarSense, "SolarSense", kSolarSense},
});

// clang-format on
// Rules over the tables ------------------------------------------------------------------------------------

constexpr bool well_formed(const Field& field) {
    const bool sized = field.bits >= 1 && field.bits <= 32 && field.start + field.bits <= 128;
    const bool marker = !field.absent || field.bits == 32 || *field.absent >> field.bits == 0;
    const bool sign = field.sign == U || field.bits > 1;
    return sized && marker && sign && field.per_unit != 0 && !field.key.empty();
}

/// Rows are in the order of their bits, do not overlap (but for the views on the auxiliary value, which are told
/// apart by its kind), and name each key once.
constexpr bool well_formed(std::span<const Field> rows) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (!well_formed(rows[i])) {
            return false;
        }
        for (std::size_t j = 0; j < i; ++j) {
            const bool same_place =
                rows[i].only && rows[j].start == rows[i].start && rows[j].only != rows[i].only;
            if (rows[j].key == rows[i].key || (rows[j].start + rows[j].bits > rows[i].start && !same_place)) {
                return false;
            }
        }
    }
    return true;
}

constexpr bool well_formed(std::span<const RecordLayout> layouts) {
    for (std::size_t i = 0; i < layouts.size(); ++i) {
        if (!well_formed(layouts[i].fields) || (i > 0 && layouts[i - 1].type >= layouts[i].type)) {
            return false;
        }
    }
    return true;
}

static_assert(well_formed(kLayouts));
static_assert(kSmartLithiumCells.start + kSmartLithiumCells.bits * kSmartLithiumCells.count == 104);

}  // namespace smartsolar::fields
