#pragma once
// The settings of one battery, typed, with their defaults. What each one is called, where it is stored, which
// range it has and what it means stands in one table (settings_table.hpp); this is the struct its rows point into.

#include <optional>
#include <string>
#include <vector>

namespace bms::control {

using List = std::vector<double>;
using TextList = std::vector<std::string>;

/// A table of two equally long lists: points in any monotonic order and the value at each of them.
struct Curve {
    List points;
    List values;
    friend bool operator==(const Curve&, const Curve&) = default;
};

/// Correction of a temperature sensor: value * slope + offset.
struct Adjust {
    double offset_c = 0;
    double slope = 1;
    friend bool operator==(const Adjust&, const Adjust&) = default;
};

/// Whose limits count.
enum class LimitSource { own = 0, bms = 1, lower = 2 };

struct Settings {
    // Battery
    std::optional<double> poll_interval_s;
    double battery_capacity_ah = 99;
    double current_sign = 1;

    // Limits
    double max_charge_current_a = 50.0;
    double max_discharge_current_a = 60.0;
    double min_cell_v = 2.900;
    double max_cell_v = 3.450;
    double float_cell_v = 3.375;
    double voltage_drop_v = 0.0;
    bool use_bms_limits = false;
    double charge_voltage_source = 0;     ///< LimitSource
    double charge_current_source = 2;     ///< LimitSource
    double discharge_current_source = 2;  ///< LimitSource
    double min_charge_limit_a = 0;
    double min_discharge_limit_a = 0;
    bool monitor_only = false;

    // Charge phases
    bool charge_phases = true;
    double absorption_s = 900;
    double balanced_diff_v = 0.010;
    double balanced_deviation_v = 0.003;
    double bulk_soc_percent = 80;
    double bulk_diff_v = 0.080;
    double soc_reset_cell_v = 3.650;
    std::optional<double> soc_reset_days;

    // Cell protection
    double controller_mode = 1;
    double integral_factor = 0.2;
    double cvl_hold_s = 60;
    double cvl_rate_v_per_s = 0.001;

    // Derating tables
    double charge_mode = 1;
    bool charge_by_cell_voltage = true;
    bool discharge_by_cell_voltage = true;
    bool charge_by_temperature = true;
    bool discharge_by_temperature = true;
    bool charge_by_mosfet = true;
    bool discharge_by_mosfet = true;
    bool charge_by_soc = false;
    bool discharge_by_soc = false;
    Curve charge_cell_voltage{{3.500, 3.450, 3.425, 3.400, 3.375}, {0, 0.005, 0.05, 0.25, 1}};
    Curve discharge_cell_voltage{{2.800, 2.900, 3.000, 3.100, 3.190}, {0, 0.005, 0.05, 0.25, 1}};
    Curve charge_temperature{{0, 2, 5, 10, 40, 45, 50, 55}, {0, 0.25, 0.5, 1, 1, 0.5, 0.25, 0}};
    Curve discharge_temperature{{-10, 0, 5, 10, 40, 45, 50, 55}, {0, 0.25, 0.5, 1, 1, 0.5, 0.25, 0}};
    Curve charge_mosfet{{70, 80, 90}, {1, 0.25, 0}};
    Curve discharge_mosfet{{70, 80, 90}, {1, 0.25, 0}};
    Curve charge_soc{{98, 95, 90, 85}, {0.1, 0.2, 0.5, 1}};
    Curve discharge_soc{{5, 10, 15, 20}, {0.1, 0.2, 0.5, 1}};

    // Dynamics
    double limit_refresh_s = 60;
    double limit_refresh_percent = 33;
    double ccl_threshold_fraction = 0.015;
    double dcl_threshold_fraction = 0.015;
    double ccl_hold_s = 30;
    double dcl_hold_s = 30;
    double ccl_rate_a_per_s = 5;
    double dcl_rate_a_per_s = 5;

    // State of charge
    bool soc_calculation = false;
    Curve current_map{{-300, 300}, {-300, 300}};
    std::string external_service;
    std::optional<double> external_instance;
    std::string external_current_path;
    std::string external_soc_path;
    double soc_low_warning_percent = 20;
    double soc_low_alarm_percent = 10;
    bool auto_reset_soc = true;
    double charge_efficiency = 1;
    double own_consumption_a = 0;
    std::optional<double> full_tail_current_a;

    // Communication loss
    bool block_on_disconnect = false;
    double disconnect_minutes = 30;
    double safe_window_min_v = 3.225;
    double safe_window_max_v = 3.375;
    bool bms_cable_alarm = true;

    // Temperature
    List temperature_sources{1, 2, 3, 4};
    std::string temperature_1_name = "Temp 1";
    std::string temperature_2_name = "Temp 2";
    std::string temperature_3_name = "Temp 3";
    std::string temperature_4_name = "Temp 4";
    Adjust temperature_1_adjust;
    Adjust temperature_2_adjust;
    Adjust temperature_3_adjust;
    Adjust temperature_4_adjust;
    Adjust mosfet_adjust;

    // Information
    bool time_to_go = true;
    List time_to_soc_points;
    double time_to_soc_form = 1;
    double time_to_soc_every_s = 60;
    bool time_to_soc_behind = false;
    bool history = true;
    bool midpoint = false;
    double alarm_clear_delay_s = 10;
    double cell_data_format = 1;
    bool publish_settings = false;
    bool publish_json = false;
    bool publish_debug = false;

    // Bank of all batteries
    bool bank = true;
    bool bank_in_series = false;
    double bank_share_by = 0;
    std::optional<double> bank_max_charge_current_a;
    std::optional<double> bank_max_discharge_current_a;
    bool bank_soften_alarms = false;

    // Driver
    std::string log_level = "INFO";
    bool gui_customizations = true;
    bool telemetry = true;
    bool serial_starter = true;
    TextList addresses;
    TextList bms_types;
    TextList excluded_devices;
    bool port_as_unique_id = false;
    TextList bluetooth_bms;
    bool bluetooth_polling = true;
    bool bluetooth_reset_stack = false;
    bool bluetooth_usb = false;
    TextList can_ports;
    bool up16s_direct = false;
    double greenmeter_address = 1;
    std::optional<double> lipro_start_address;
    double lipro_end_address = 4;
    double lipro_cell_count = 15;
    double ubms_series = 4;
    double ubms_parallel = 2;
    std::string mqtt_topic;
    std::string mqtt_host = "127.0.0.1";
    double mqtt_port = 1883;
    bool mqtt_tls = false;
    std::string mqtt_tls_ca;
    bool mqtt_tls_insecure = true;
    std::string mqtt_user;
    std::string mqtt_password;
    bool first_sensor_is_mosfet = true;
    std::string renogy_pro = "AUTO";
    bool unverified_controls = false;
    bool capture = false;
    double capture_max_mb = 5;
    double capture_backups = 3;
    double capture_minutes = 60;

    friend bool operator==(const Settings&, const Settings&) = default;
};

}  // namespace bms::control
