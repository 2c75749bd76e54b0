#pragma once
// What a Victron product tells about itself over Bluetooth, whichever way it came.
//
// One struct for every kind of product: an Instant Readout record fills a handful of members, a GATT session others.
// Units are in the names. Currents into a battery are positive. A member without a value is unknown or not available.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace smartsolar {

using Quantity = std::optional<double>;
/// Enumerations, bit masks and counts, as the product numbers them.
using Code = std::optional<std::int64_t>;

/// What the auxiliary input of a battery monitor measures (docs/protocols/victron-ble.md, "Battery monitor").
enum class AuxKind : std::uint8_t { starter_voltage = 0, mid_voltage = 1, temperature = 2, none = 3 };

/// One day of a charger's history (docs/protocols/victron-ble.md, "History days").
struct HistoryDay {
    Quantity yield_kwh;
    Quantity consumed_kwh;  // energy of the load output
    Quantity battery_voltage_max_v;
    Quantity battery_voltage_min_v;
    Code error_database;  // 0: charger errors
    std::array<Code, 4> errors;
    Quantity bulk_min;
    Quantity absorption_min;
    Quantity float_min;
    Quantity power_max_w;
    Quantity battery_current_max_a;
    Quantity pv_voltage_max_v;
    Code day_number;

    bool operator==(const HistoryDay&) const = default;
};

struct Reading {
    // State
    Code device_state;
    Code charger_error;
    Code device_mode;
    Code off_reason;
    Code mpp_mode;
    Code load_state;
    Code relay_state;

    // Battery side
    Quantity battery_voltage_v;
    Quantity battery_current_a;
    Quantity battery_power_w;
    Quantity temperature_c;
    Quantity temperature_k;
    Quantity time_to_go_min;
    Quantity consumed_ah;  // 0 or negative
    Quantity soc_pct;
    Code aux_raw;
    Code aux_mode;
    Quantity aux_voltage_v;
    Quantity mid_voltage_v;
    Quantity mid_deviation_pct;
    Code monitor_mode;

    // Outputs of a charger with several
    Quantity battery_voltage_1_v;
    Quantity battery_current_1_a;
    Quantity battery_voltage_2_v;
    Quantity battery_current_2_a;
    Quantity battery_voltage_3_v;
    Quantity battery_current_3_a;

    // Sun
    Quantity pv_power_w;
    Quantity pv_voltage_v;
    Quantity pv_current_a;
    Quantity yield_today_kwh;
    Quantity yield_yesterday_kwh;
    Quantity yield_user_kwh;
    Quantity yield_system_kwh;
    Quantity power_max_today_w;
    Quantity power_max_yesterday_w;

    // Load output
    Quantity load_current_a;
    Quantity load_voltage_v;
    Quantity load_power_w;

    // DC/DC
    Quantity input_voltage_v;
    Quantity input_current_a;
    Quantity output_voltage_v;
    Quantity output_current_a;

    // AC
    Quantity ac_voltage_v;
    Quantity ac_current_a;
    Quantity ac_apparent_power_va;
    Quantity ac_in_power_w;
    Quantity ac_out_power_w;
    Quantity ac_frequency_hz;
    Code active_ac_in;
    Code vebus_error;
    Code alarm;

    // Alarms and batteries with a management system
    Code alarm_reason;
    Code warning_reason;
    Code error;
    Code error_code;
    Code output_state;
    Code bms_flags;
    Code error_flags;
    Code balancer_status;
    Code io_status;
    Code warnings_alarms;
    std::array<Code, 8> cell_raw;
    std::array<Quantity, 8> cells_v;

    // Test record and solar sensor
    Quantity uptime_s;
    Quantity dc_power_w;
    Quantity installation_power_w;
    Quantity irradiance_w_m2;
    Quantity cell_temperature_c;
    Quantity tx_power_dbm;
    Quantity time_since_last_sun_min;

    // Lifetime figures of a battery monitor
    Quantity deepest_discharge_ah;
    Quantity last_discharge_ah;
    Quantity average_discharge_ah;
    Code charge_cycles;
    Code full_discharges;
    Quantity total_ah_drawn;
    Quantity minimum_voltage_v;
    Quantity maximum_voltage_v;
    Quantity since_full_charge_s;
    Code automatic_syncs;
    Code low_voltage_alarms;
    Code high_voltage_alarms;
    Code low_aux_voltage_alarms;
    Code high_aux_voltage_alarms;
    Quantity minimum_aux_voltage_v;
    Quantity maximum_aux_voltage_v;
    Quantity discharged_energy_kwh;
    Quantity charged_energy_kwh;

    bool operator==(const Reading&) const = default;
};

/// What a product calls itself; read over GATT, apart from the product id.
struct Identity {
    std::optional<std::uint16_t> product_id;
    std::optional<std::uint32_t> firmware;  // 24 bits, see firmware_text()
    std::string serial;
    std::string model;
    std::string custom_name;

    bool operator==(const Identity&) const = default;
};

}  // namespace smartsolar
