#pragma once
// What the blocks of a JK PB unit hold: docs/protocols/jk_pb.md

#include "serialbattery/table.hpp"

#include <array>
#include <cstdint>
#include <string_view>

namespace bms::jk_pb {

/// Offsets in the frame: the vendor's register bytes plus the six of the header.
inline constexpr auto kStatusFields = std::to_array<Field>({
    // 6 cells, 32 words
    {70, Raw::u32le, 1, "cell_mask"},
    {74, Raw::u16le, 1, "avg_mV"},
    {76, Raw::u16le, 1, "delta_mV"},
    {78, Raw::u8, 1, "max_idx"},  // counted from 0
    {79, Raw::u8, 1, "min_idx"},
    {144, Raw::s16le, 10, "mos_temp_C"},
    {150, Raw::u32le, 1000, "voltage_V", &Battery::voltage_v},
    {154, Raw::u32le, 1000, "power_W"},                         // without sign
    {158, Raw::s32le, 1000, "current_A", &Battery::current_a},  // + charging
    {162, Raw::s16le, 10, "temp1_C"},
    {164, Raw::s16le, 10, "temp2_C"},
    {166, Raw::u32le, 1, "alarms", &Battery::alarm_word},
    {170, Raw::s16le, 1, "balance_current_mA"},
    {172, Raw::u8, 1, "balance_state", &Battery::status_word},
    {172, Raw::truth8, 0, "", &Battery::balancing},
    {173, Raw::u8, 1, "soc_pct", &Battery::soc_pct},
    {174, Raw::s32le, 1000, "remaining_Ah", &Battery::remaining_ah},
    {178, Raw::u32le, 1000, "full_Ah", &Battery::full_ah},
    {182, Raw::u32le, 1, "cycles", &Battery::cycles},
    {186, Raw::u32le, 1000, "cycle_cap_Ah", &Battery::discharged_ah},
    {190, Raw::u8, 1, "soh_pct", &Battery::soh_pct},
    {191, Raw::u8, 1, "precharge"},
    {194, Raw::u32le, 1, "runtime_s", &Battery::run_time_s},
    {198, Raw::truth8, 0, "charge_fet", &Battery::charge_fet},
    {199, Raw::truth8, 0, "discharge_fet", &Battery::discharge_fet},
    {214, Raw::u8, 1, "temp_sensor_mask"},
    {215, Raw::u8, 1, "heating"},
    {215, Raw::truth8, 0, "", &Battery::heating},
    {236, Raw::s16le, 1, "heater_mA"},
    {254, Raw::s16le, 10, "temp_254_C"},
    {256, Raw::s16le, 10, "temp_256_C"},
    {258, Raw::s16le, 10, "temp_258_C"},
});
static_assert(well_formed(kStatusFields));
inline constexpr std::size_t kCellsAt = 6;
inline constexpr std::size_t kCellSlots = 32;
inline constexpr std::size_t kCellMaskAt = 70;
inline constexpr std::size_t kSensorMaskAt = 214;
inline constexpr Field kHeaterCurrent{236, Raw::s16le, 1000, ""};

/// Which bit of the sensor mask stands for which temperature. Bit 3's place repeats the power stage.
struct Sensor {
    std::uint8_t bit;
    std::uint16_t at;
    Place place;
};
inline constexpr auto kSensors = std::to_array<Sensor>({
    {0, 144, Place::mosfet},
    {1, 162, Place::cell},
    {2, 164, Place::cell},
    {4, 256, Place::cell},
    {5, 258, Place::cell},
});

inline constexpr auto kSettingsFields = std::to_array<Field>({
    {6, Raw::s32le, 1000, "smart_sleep_V"},
    {10, Raw::s32le, 1000, "cell_uv_V", &Battery::cell_undervoltage_v},
    {14, Raw::s32le, 1000, "cell_uvr_V"},
    {18, Raw::s32le, 1000, "cell_ov_V", &Battery::cell_overvoltage_v},
    {22, Raw::s32le, 1000, "cell_ovr_V"},
    {26, Raw::s32le, 1000, "balance_trigger_V"},
    {30, Raw::s32le, 1000, "soc100_V"},
    {34, Raw::s32le, 1000, "soc0_V"},
    {38, Raw::s32le, 1000, "rcv_V"},  // requested charge voltage of a cell
    {42, Raw::s32le, 1000, "rfv_V"},
    {46, Raw::s32le, 1000, "power_off_V"},
    {50, Raw::s32le, 1000, "max_charge_A", &Battery::charge_current_limit_a},
    {54, Raw::s32le, 1, "coc_delay_s"},
    {58, Raw::s32le, 1, "coc_recover_s"},
    {62, Raw::s32le, 1000, "max_discharge_A", &Battery::discharge_current_limit_a},
    {66, Raw::s32le, 1, "doc_delay_s"},
    {70, Raw::s32le, 1, "doc_recover_s"},
    {74, Raw::s32le, 1, "scp_recover_s"},
    {78, Raw::s32le, 1000, "max_balance_A"},
    {82, Raw::s32le, 10, "chg_ot_C"},
    {86, Raw::s32le, 10, "chg_otr_C"},
    {90, Raw::s32le, 10, "dsg_ot_C"},
    {94, Raw::s32le, 10, "dsg_otr_C"},
    {98, Raw::s32le, 10, "chg_ut_C"},
    {102, Raw::s32le, 10, "chg_utr_C"},
    {106, Raw::s32le, 10, "mos_ot_C"},
    {110, Raw::s32le, 10, "mos_otr_C"},
    {114, Raw::s32le, 1, "cell_count", &Battery::cell_count},
    {118, Raw::s32le, 1, "charge_switch"},
    {122, Raw::s32le, 1, "discharge_switch"},
    {126, Raw::s32le, 1, "balance_switch"},
    {130, Raw::s32le, 1000, "capacity_Ah", &Battery::capacity_ah},
    {134, Raw::s32le, 1, "scp_delay_us"},
    {138, Raw::s32le, 1000, "balance_start_V"},
    {270, Raw::s32le, 1, "dev_addr"},
    {274, Raw::u32le, 1, "predischarge_s"},
    {282, Raw::u16le, 1, "control_bits"},
    {284, Raw::s8, 1, "heat_start_C", &Battery::heater_start_c},
    {285, Raw::s8, 1, "heat_stop_C", &Battery::heater_stop_c},
    {286, Raw::u8, 1, "smart_sleep_h"},
});
static_assert(well_formed(kSettingsFields));
inline constexpr Field kRequestedCellVoltage{38, Raw::s32le, 1000, ""};
inline constexpr Field kChargeCold{98, Raw::s32le, 10, ""};
inline constexpr Field kChargeWarm{102, Raw::s32le, 10, ""};

/// Texts of the about block; the pass codes at 62 and 118 are never read.
struct TextField {
    std::uint16_t at;
    std::uint8_t size;
    std::string_view key;
};
inline constexpr auto kAboutTexts = std::to_array<TextField>({
    {6, 16, "device_id"},
    {22, 8, "hw_version"},
    {30, 8, "sw_version"},
    {46, 16, "serial"},
    {78, 8, "date"},
    {86, 11, "serial2"},
    {102, 16, "user_data"},
    {134, 16, "user_data2"},
});
inline constexpr auto kAboutFields = std::to_array<Field>({
    {38, Raw::u32le, 1, "runtime_s"},
    {42, Raw::u32le, 1, "power_on_count"},
});
static_assert(well_formed(kAboutFields));

inline constexpr auto kAlarmFlags = std::to_array<Flag>({
    {0, Alarm::cell_imbalance, Level::warning},  // resistance of a balance wire
    {1, Alarm::high_internal_temperature},
    {2, Alarm::internal_failure},
    {3, Alarm::internal_failure},
    {4, Alarm::high_cell_voltage},
    {5, Alarm::high_voltage},
    {6, Alarm::high_charge_current},
    {7, Alarm::high_charge_current},
    {8, Alarm::high_charge_temperature},
    {9, Alarm::low_charge_temperature},
    {10, Alarm::internal_failure},
    {11, Alarm::low_cell_voltage},
    {12, Alarm::low_voltage},
    {13, Alarm::high_discharge_current},
    {14, Alarm::high_discharge_current},
    {15, Alarm::high_temperature},
    {16, Alarm::internal_failure},
    {17, Alarm::internal_failure},
    {20, Alarm::internal_failure, Level::warning},
    {21, Alarm::high_temperature},
    {22, Alarm::internal_failure, Level::warning},
    {23, Alarm::internal_failure, Level::warning},
    {24, Alarm::internal_failure},
    {25, Alarm::high_discharge_current},
    {26, Alarm::high_discharge_current},
    {27, Alarm::low_temperature},
});
static_assert(well_formed(kAlarmFlags));

}  // namespace bms::jk_pb
