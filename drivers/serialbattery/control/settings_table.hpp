#pragma once
// Every setting of the driver as one row of data: parser, checks, D-Bus registration, import and the reference
// table in docs/battery-control.md are all made from it.
//
// The names are those of the public Python driver's config.ini, in its order, so that an existing file can be
// taken over; below them the settings it does not have.

#include "serialbattery/control/settings.hpp"

#include <array>
#include <cstdint>
#include <string_view>
#include <variant>

namespace bms::control {

/// Where a setting is stored and changed.
enum class Place : std::uint8_t {
    battery,       ///< D-Bus, per battery: /Settings/Devices/<id>/<path>, on the service /Settings/<path>
    installation,  ///< D-Bus, whole installation: /Settings/BatteryDriver/<path>
    pair,          ///< stored as the second half of the list above it ("point:value, point:value")
    file,          ///< file only, section [default] or [battery:<id>]
    port_file,     ///< file only, section [port:<tty>] (or [default] for every port)
    none,          ///< accepted, without effect
};

/// Groups in the order of the settings pages.
enum class Group : std::uint8_t {
    battery,
    limits,
    phases,
    protection,
    derating,
    dynamics,
    soc,
    connection,
    temperature,
    information,
    bank,
    driver,
};

/// One of the two lists of a Curve.
struct CurveList {
    Curve Settings::*curve;
    List Curve::*list;
};

using Member = std::variant<bool Settings::*, double Settings::*, std::optional<double> Settings::*,
                            std::string Settings::*, TextList Settings::*, List Settings::*, CurveList,
                            Adjust Settings::*>;

/// What an empty text means for a number: an error, or this number. (Optional numbers, texts and lists may
/// always be empty.)
inline constexpr double kRefused = -1e9;

struct Row {
    std::string_view name;
    Member member;
    Group group;
    Place place;
    std::string_view path;  ///< below the root that `place` says
    std::string_view unit;
    double low;  ///< of a number, or of every element of a list
    double high;
    std::string_view choices;  ///< allowed values separated by '|', empty: any in the range
    double when_empty;         ///< kRefused: an empty text is an error
    std::string_view help;
};

namespace detail {
using S = Settings;
constexpr Member points(Curve Settings::*curve) {
    return CurveList{curve, &Curve::points};
}
constexpr Member values(Curve Settings::*curve) {
    return CurveList{curve, &Curve::values};
}
inline constexpr double kNo = kRefused;
}  // namespace detail

// clang-format off
/// The settings of the Python driver come first, `kOwnSettingsFrom` says where ours begin.
inline constexpr auto kSettings = [] {
    using namespace detail;
    using G = Group;
    using P = Place;
    return std::to_array<Row>({
    {"LOGGING", &S::log_level, G::driver, P::installation, "LogLevel", "", 0, 0, "ERROR|WARNING|INFO|DEBUG", kNo, "How much is logged"},
    {"MAX_BATTERY_CHARGE_CURRENT", &S::max_charge_current_a, G::limits, P::battery, "Limits/MaxChargeCurrent", "A", 0.1, 2000, "", kNo, "Upper bound of the charge current; the charge tables are fractions of it"},
    {"MAX_BATTERY_DISCHARGE_CURRENT", &S::max_discharge_current_a, G::limits, P::battery, "Limits/MaxDischargeCurrent", "A", 0.1, 2000, "", kNo, "Upper bound of the discharge current; the discharge tables are fractions of it"},
    {"MIN_CELL_VOLTAGE", &S::min_cell_v, G::limits, P::battery, "Limits/MinCellVoltage", "V", 1, 5, "", kNo, "Empty cell: low voltage, floor of the charge voltage, 0 % when counting"},
    {"MAX_CELL_VOLTAGE", &S::max_cell_v, G::limits, P::battery, "Limits/MaxCellVoltage", "V", 1, 5, "", kNo, "Bulk and absorption voltage of a cell"},
    {"FLOAT_CELL_VOLTAGE", &S::float_cell_v, G::limits, P::battery, "Limits/FloatCellVoltage", "V", 1, 5, "", kNo, "Float voltage of a cell"},
    {"SOC_RESET_CELL_VOLTAGE", &S::soc_reset_cell_v, G::phases, P::battery, "ChargePhases/ResetCellVoltage", "V", 1, 5, "", kNo, "Raised cell voltage of the periodic reset charge"},
    {"SOC_RESET_AFTER_DAYS", &S::soc_reset_days, G::phases, P::battery, "ChargePhases/ResetAfterDays", "d", 0, 3650, "", kNo, "Days between two reset charges; empty: never, 0: always"},
    {"SOC_CALCULATION", &S::soc_calculation, G::soc, P::battery, "Soc/Count", "", 0, 1, "", kNo, "Count the state of charge from the current instead of taking the BMS's"},
    {"CURRENT_REPORTED_BY_BMS", points(&S::current_map), G::soc, P::battery, "Soc/CurrentMap", "A", -2000, 2000, "", kNo, "Current correction: what the BMS reports"},
    {"CURRENT_MEASURED_BY_USER", values(&S::current_map), G::soc, P::pair, "", "A", -2000, 2000, "", kNo, "Current correction: what really flows at each of these; equal lists: none"},
    {"EXTERNAL_SENSOR_DBUS_DEVICE", &S::external_service, G::soc, P::battery, "Soc/ExternalService", "", 0, 0, "", kNo, "Service of a shunt to use instead of the BMS"},
    {"EXTERNAL_SENSOR_DBUS_PATH_CURRENT", &S::external_current_path, G::soc, P::battery, "Soc/ExternalCurrentPath", "", 0, 0, "", kNo, "Path of the shunt's current"},
    {"EXTERNAL_SENSOR_DBUS_PATH_SOC", &S::external_soc_path, G::soc, P::battery, "Soc/ExternalSocPath", "", 0, 0, "", kNo, "Path of the shunt's state of charge"},
    {"BLOCK_ON_DISCONNECT", &S::block_on_disconnect, G::connection, P::battery, "Connection/Block", "", 0, 1, "", kNo, "No current as soon as the BMS has been silent for 10 s"},
    {"BLOCK_ON_DISCONNECT_TIMEOUT_MINUTES", &S::disconnect_minutes, G::connection, P::battery, "Connection/Minutes", "min", 0, 1440, "", kNo, "How long the last limits stay while the BMS is silent and its cells were in the safe window"},
    {"BLOCK_ON_DISCONNECT_VOLTAGE_MIN", &S::safe_window_min_v, G::connection, P::battery, "Connection/WindowMin", "V", 1, 5, "", kNo, "Safe window: every cell above this"},
    {"BLOCK_ON_DISCONNECT_VOLTAGE_MAX", &S::safe_window_max_v, G::connection, P::battery, "Connection/WindowMax", "V", 1, 5, "", kNo, "Safe window: every cell below this"},
    {"BMS_CABLE_ALARM", &S::bms_cable_alarm, G::connection, P::battery, "Connection/CableAlarm", "", 0, 1, "", kNo, "Raise the BMS cable alarm"},
    {"CHARGE_MODE", &S::charge_mode, G::derating, P::battery, "Derating/Mode", "", 1, 2, "1|2", kNo, "Tables: 1 interpolated, 2 in steps"},
    {"CVL_RECALCULATION_EVERY", &S::limit_refresh_s, G::dynamics, P::battery, "Dynamics/RefreshTime", "s", 0, 3600, "", kNo, "Small changes of the current limits are published this often"},
    {"CVL_RECALCULATION_ON_MAX_PERCENTAGE_CHANGE", &S::limit_refresh_percent, G::dynamics, P::battery, "Dynamics/RefreshPercent", "%", 0, 100, "", kNo, "Larger changes of the current limits are published at once"},
    {"CVL_RECOVERY_HOLD_SEC", &S::cvl_hold_s, G::protection, P::battery, "CellProtection/HoldTime", "s", 0, 86400, "", kNo, "Time a lowered charge voltage is held before it recovers"},
    {"CVL_RECOVERY_RATE_V_PER_SEC", &S::cvl_rate_v_per_s, G::protection, P::battery, "CellProtection/RecoveryRate", "V/s", 0, 10, "", kNo, "Recovery of the charge voltage; 0: at once"},
    {"CVCM_ENABLE", &S::charge_phases, G::phases, P::battery, "ChargePhases/Enable", "", 0, 1, "", kNo, "Bulk, absorption and float; off: always the maximum voltage"},
    {"SWITCH_TO_FLOAT_WAIT_FOR_SEC", &S::absorption_s, G::phases, P::battery, "ChargePhases/AbsorptionTime", "s", 0, 86400, "", 0, "Absorption time"},
    {"SWITCH_TO_FLOAT_CELL_VOLTAGE_DIFF", &S::balanced_diff_v, G::phases, P::battery, "ChargePhases/BalancedDifference", "V", 0, 10, "", 10, "Cells within this count as balanced; empty or 10: always"},
    {"SWITCH_TO_FLOAT_CELL_VOLTAGE_DEVIATION", &S::balanced_deviation_v, G::phases, P::battery, "ChargePhases/BalancedDeviation", "V", 0, 10, "", 0, "Absorption starts anew when the cells drift further apart by this"},
    {"SWITCH_TO_BULK_SOC_THRESHOLD", &S::bulk_soc_percent, G::phases, P::battery, "ChargePhases/BulkSoc", "%", 0, 100, "", 0, "Float is left below this state of charge; 0: never"},
    {"SWITCH_TO_BULK_CELL_VOLTAGE_DIFF", &S::bulk_diff_v, G::phases, P::battery, "ChargePhases/BulkDifference", "V", 0, 10, "", 10, "Float is left when the cells differ by this; empty or 10: never"},
    {"CVL_CONTROLLER_MODE", &S::controller_mode, G::protection, P::battery, "CellProtection/Controller", "", 0, 3, "0|1|2|3", kNo, "Charge voltage when a cell is too high: 0 unchanged, 1 sum less the excess, 2 integral, 3 clipped sum"},
    {"CVL_ICONTROLLER_FACTOR", &S::integral_factor, G::protection, P::battery, "CellProtection/IntegralFactor", "1/s", 0, 10, "", kNo, "Controller 2: volts per volt of excess and second"},
    {"CCCM_CV_ENABLE", &S::charge_by_cell_voltage, G::derating, P::battery, "Derating/ChargeByCellVoltageEnable", "", 0, 1, "", kNo, "Limit charging by the highest cell"},
    {"DCCM_CV_ENABLE", &S::discharge_by_cell_voltage, G::derating, P::battery, "Derating/DischargeByCellVoltageEnable", "", 0, 1, "", kNo, "Limit discharging by the lowest cell"},
    {"CCCM_T_ENABLE", &S::charge_by_temperature, G::derating, P::battery, "Derating/ChargeByTemperatureEnable", "", 0, 1, "", kNo, "Limit charging by temperature"},
    {"DCCM_T_ENABLE", &S::discharge_by_temperature, G::derating, P::battery, "Derating/DischargeByTemperatureEnable", "", 0, 1, "", kNo, "Limit discharging by temperature"},
    {"CCCM_T_MOSFET_ENABLE", &S::charge_by_mosfet, G::derating, P::battery, "Derating/ChargeByMosfetEnable", "", 0, 1, "", kNo, "Limit charging by the temperature of the switch"},
    {"DCCM_T_MOSFET_ENABLE", &S::discharge_by_mosfet, G::derating, P::battery, "Derating/DischargeByMosfetEnable", "", 0, 1, "", kNo, "Limit discharging by the temperature of the switch"},
    {"CCCM_SOC_ENABLE", &S::charge_by_soc, G::derating, P::battery, "Derating/ChargeBySocEnable", "", 0, 1, "", kNo, "Limit charging by state of charge"},
    {"DCCM_SOC_ENABLE", &S::discharge_by_soc, G::derating, P::battery, "Derating/DischargeBySocEnable", "", 0, 1, "", kNo, "Limit discharging by state of charge"},
    {"CELL_VOLTAGES_WHILE_CHARGING", points(&S::charge_cell_voltage), G::derating, P::battery, "Derating/ChargeByCellVoltage", "V", 0, 10, "", kNo, "Charge table by the highest cell: points"},
    {"MAX_CHARGE_CURRENT_CV_FRACTION", values(&S::charge_cell_voltage), G::derating, P::pair, "", "", 0, 1, "", kNo, "Charge table by the highest cell: fraction of the maximum"},
    {"CELL_VOLTAGES_WHILE_DISCHARGING", points(&S::discharge_cell_voltage), G::derating, P::battery, "Derating/DischargeByCellVoltage", "V", 0, 10, "", kNo, "Discharge table by the lowest cell: points"},
    {"MAX_DISCHARGE_CURRENT_CV_FRACTION", values(&S::discharge_cell_voltage), G::derating, P::pair, "", "", 0, 1, "", kNo, "Discharge table by the lowest cell: fraction of the maximum"},
    {"TEMPERATURES_WHILE_CHARGING", points(&S::charge_temperature), G::derating, P::battery, "Derating/ChargeByTemperature", "°C", -60, 200, "", kNo, "Charge table by temperature: points"},
    {"MAX_CHARGE_CURRENT_T_FRACTION", values(&S::charge_temperature), G::derating, P::pair, "", "", 0, 1, "", kNo, "Charge table by temperature: fraction of the maximum"},
    {"TEMPERATURES_WHILE_DISCHARGING", points(&S::discharge_temperature), G::derating, P::battery, "Derating/DischargeByTemperature", "°C", -60, 200, "", kNo, "Discharge table by temperature: points"},
    {"MAX_DISCHARGE_CURRENT_T_FRACTION", values(&S::discharge_temperature), G::derating, P::pair, "", "", 0, 1, "", kNo, "Discharge table by temperature: fraction of the maximum"},
    {"MOSFET_TEMPERATURES_WHILE_CHARGING", points(&S::charge_mosfet), G::derating, P::battery, "Derating/ChargeByMosfet", "°C", -60, 200, "", kNo, "Charge table by switch temperature: points"},
    {"MAX_CHARGE_CURRENT_T_MOSFET_FRACTION", values(&S::charge_mosfet), G::derating, P::pair, "", "", 0, 1, "", kNo, "Charge table by switch temperature: fraction of the maximum"},
    {"MOSFET_TEMPERATURES_WHILE_DISCHARGING", points(&S::discharge_mosfet), G::derating, P::battery, "Derating/DischargeByMosfet", "°C", -60, 200, "", kNo, "Discharge table by switch temperature: points"},
    {"MAX_DISCHARGE_CURRENT_T_MOSFET_FRACTION", values(&S::discharge_mosfet), G::derating, P::pair, "", "", 0, 1, "", kNo, "Discharge table by switch temperature: fraction of the maximum"},
    {"SOC_WHILE_CHARGING", points(&S::charge_soc), G::derating, P::battery, "Derating/ChargeBySoc", "%", 0, 100, "", kNo, "Charge table by state of charge: points"},
    {"MAX_CHARGE_CURRENT_SOC_FRACTION", values(&S::charge_soc), G::derating, P::pair, "", "", 0, 1, "", kNo, "Charge table by state of charge: fraction of the maximum"},
    {"SOC_WHILE_DISCHARGING", points(&S::discharge_soc), G::derating, P::battery, "Derating/DischargeBySoc", "%", 0, 100, "", kNo, "Discharge table by state of charge: points"},
    {"MAX_DISCHARGE_CURRENT_SOC_FRACTION", values(&S::discharge_soc), G::derating, P::pair, "", "", 0, 1, "", kNo, "Discharge table by state of charge: fraction of the maximum"},
    {"CHARGE_CURRENT_RECOVERY_THRESHOLD_PERCENT", &S::ccl_threshold_fraction, G::dynamics, P::battery, "Dynamics/ChargeThreshold", "", 0, 1, "", kNo, "Charging stays off until this fraction of the maximum is allowed again"},
    {"DISCHARGE_CURRENT_RECOVERY_THRESHOLD_PERCENT", &S::dcl_threshold_fraction, G::dynamics, P::battery, "Dynamics/DischargeThreshold", "", 0, 1, "", kNo, "Discharging stays off until this fraction of the maximum is allowed again"},
    {"CCL_RECOVERY_HOLD_SEC", &S::ccl_hold_s, G::dynamics, P::battery, "Dynamics/ChargeHoldTime", "s", 0, 86400, "", kNo, "Time a lowered charge limit is held before it rises"},
    {"CCL_RECOVERY_RATE_A_PER_SEC", &S::ccl_rate_a_per_s, G::dynamics, P::battery, "Dynamics/ChargeRate", "A/s", 0, 10000, "", kNo, "Rise of the charge limit; 0: at once"},
    {"DCL_RECOVERY_HOLD_SEC", &S::dcl_hold_s, G::dynamics, P::battery, "Dynamics/DischargeHoldTime", "s", 0, 86400, "", kNo, "Time a lowered discharge limit is held before it rises"},
    {"DCL_RECOVERY_RATE_A_PER_SEC", &S::dcl_rate_a_per_s, G::dynamics, P::battery, "Dynamics/DischargeRate", "A/s", 0, 10000, "", kNo, "Rise of the discharge limit; 0: at once"},
    {"TIME_TO_GO_ENABLE", &S::time_to_go, G::information, P::battery, "Info/TimeToGo", "", 0, 1, "", kNo, "Compute the time to go"},
    {"TIME_TO_SOC_POINTS", &S::time_to_soc_points, G::information, P::battery, "Info/TimeToSocPoints", "%", 0, 100, "", kNo, "States of charge whose time of arrival is published"},
    {"TIME_TO_SOC_VALUE_TYPE", &S::time_to_soc_form, G::information, P::installation, "TimeToSocForm", "", 1, 3, "1|2|3", kNo, "Their form: 1 seconds, 2 text, 3 both"},
    {"TIME_TO_SOC_RECALCULATE_EVERY", &S::time_to_soc_every_s, G::information, P::installation, "TimeToGoEvery", "s", 5, 86400, "", kNo, "Time to go is computed this often"},
    {"TIME_TO_SOC_INC_FROM", &S::time_to_soc_behind, G::information, P::none, "", "", 0, 1, "", kNo, "Never had an effect"},
    {"HISTORY_ENABLE", &S::history, G::information, P::battery, "Info/History", "", 0, 1, "", kNo, "Keep the history"},
    {"VOLTAGE_DROP", &S::voltage_drop_v, G::limits, P::battery, "Limits/VoltageDrop", "V", 0, 2, "", kNo, "Loss on the cables, added to the published charge voltage only"},
    {"SOC_LOW_WARNING", &S::soc_low_warning_percent, G::soc, P::battery, "Alarm/LowSocClear", "%", 0, 100, "", kNo, "Low state of charge: warning below this; also where time to go ends"},
    {"SOC_LOW_ALARM", &S::soc_low_alarm_percent, G::soc, P::battery, "Alarm/LowSoc", "%", 0, 100, "", kNo, "Low state of charge: alarm below this"},
    {"BATTERY_CAPACITY", &S::battery_capacity_ah, G::battery, P::battery, "Battery/Capacity", "Ah", 0.1, 5000, "", kNo, "Capacity, for a BMS that does not report it"},
    {"AUTO_RESET_SOC", &S::auto_reset_soc, G::soc, P::battery, "Soc/AutoReset", "", 0, 1, "", kNo, "Write 100 % into the BMS when float begins, where it can"},
    {"USE_BMS_DVCC_VALUES", &S::use_bms_limits, G::limits, P::battery, "Limits/UseBmsLimits", "", 0, 1, "", kNo, "Take all three limits from the BMS, where it has them"},
    {"INVERT_CURRENT_MEASUREMENT", &S::current_sign, G::battery, P::battery, "Battery/CurrentSign", "", -1, 1, "1|-1", kNo, "-1 turns the sign of the current"},
    {"MIDPOINT_ENABLE", &S::midpoint, G::information, P::battery, "Info/Midpoint", "", 0, 1, "", kNo, "Publish the mid-point voltage"},
    {"TEMPERATURE_SOURCE_BATTERY", &S::temperature_sources, G::temperature, P::battery, "Temperature/Sources", "", 1, 4, "1|2|3|4", kNo, "Sensors that make the battery temperature"},
    {"TEMPERATURE_1_NAME", &S::temperature_1_name, G::temperature, P::battery, "Temperature/Name1", "", 0, 0, "", kNo, "Name of sensor 1"},
    {"TEMPERATURE_2_NAME", &S::temperature_2_name, G::temperature, P::battery, "Temperature/Name2", "", 0, 0, "", kNo, "Name of sensor 2"},
    {"TEMPERATURE_3_NAME", &S::temperature_3_name, G::temperature, P::battery, "Temperature/Name3", "", 0, 0, "", kNo, "Name of sensor 3"},
    {"TEMPERATURE_4_NAME", &S::temperature_4_name, G::temperature, P::battery, "Temperature/Name4", "", 0, 0, "", kNo, "Name of sensor 4"},
    {"TEMPERATURE_1_ADJUST", &S::temperature_1_adjust, G::temperature, P::battery, "Temperature/Adjust1", "°C, slope", -100, 100, "", kNo, "Correction of sensor 1: offset, slope"},
    {"TEMPERATURE_2_ADJUST", &S::temperature_2_adjust, G::temperature, P::battery, "Temperature/Adjust2", "°C, slope", -100, 100, "", kNo, "Correction of sensor 2: offset, slope"},
    {"TEMPERATURE_3_ADJUST", &S::temperature_3_adjust, G::temperature, P::battery, "Temperature/Adjust3", "°C, slope", -100, 100, "", kNo, "Correction of sensor 3: offset, slope"},
    {"TEMPERATURE_4_ADJUST", &S::temperature_4_adjust, G::temperature, P::battery, "Temperature/Adjust4", "°C, slope", -100, 100, "", kNo, "Correction of sensor 4: offset, slope"},
    {"TEMPERATURE_MOS_ADJUST", &S::mosfet_adjust, G::temperature, P::battery, "Temperature/AdjustMosfet", "°C, slope", -100, 100, "", kNo, "Correction of the switch's sensor: offset, slope"},
    {"BATTERY_CELL_DATA_FORMAT", &S::cell_data_format, G::information, P::file, "", "", 0, 3, "0|1|2|3", kNo, "Cell paths: 0 none, 1 /Voltages, 2 /Cell, 3 /Cell with balance flags"},
    {"PUBLISH_CONFIG_VALUES", &S::publish_settings, G::information, P::none, "", "", 0, 1, "", kNo, "Every setting of a battery is an item below its /Settings"},
    {"PUBLISH_BATTERY_DATA_AS_JSON", &S::publish_json, G::information, P::installation, "PublishJson", "", 0, 1, "", kNo, "Publish everything as one JSON text"},
    {"GUI_PARAMETERS_SHOW_ADDITIONAL_INFO", &S::publish_debug, G::information, P::installation, "PublishDebug", "", 0, 1, "", kNo, "Publish the texts that explain the charge phase"},
    {"GUI_INSTALL_CUSTOMIZATIONS", &S::gui_customizations, G::driver, P::none, "", "", 0, 1, "", kNo, "The pages that the GX has are used; none are installed"},
    {"TELEMETRY", &S::telemetry, G::driver, P::none, "", "", 0, 1, "", kNo, "This driver reports to nobody"},
    {"SERIAL_STARTER_ENABLED", &S::serial_starter, G::driver, P::none, "", "", 0, 1, "", kNo, "Ports are given to this driver by its installation"},
    {"BATTERY_ADDRESSES", &S::addresses, G::driver, P::port_file, "", "", 0, 0, "", kNo, "Addresses of several batteries on one port, such as 0x01, 0x02"},
    {"BMS_TYPE", &S::bms_types, G::driver, P::port_file, "", "", 0, 0, "", kNo, "Look for these types only"},
    {"EXCLUDED_DEVICES", &S::excluded_devices, G::driver, P::file, "", "", 0, 0, "", kNo, "Ports never to be touched"},
    {"POLL_INTERVAL", &S::poll_interval_s, G::battery, P::battery, "Battery/PollInterval", "s", 0.1, 3600, "", kNo, "Time between two readings; empty: as the type needs"},
    {"USE_PORT_AS_UNIQUE_ID", &S::port_as_unique_id, G::driver, P::file, "", "", 0, 1, "", kNo, "Identify the battery by port and address instead of its serial number"},
    {"BLUETOOTH_BMS", &S::bluetooth_bms, G::driver, P::none, "", "", 0, 0, "", kNo, "Bluetooth batteries are not read"},
    {"BLUETOOTH_USE_POLLING", &S::bluetooth_polling, G::driver, P::none, "", "", 0, 1, "", kNo, "Bluetooth batteries are not read"},
    {"BLUETOOTH_FORCE_RESET_BLE_STACK", &S::bluetooth_reset_stack, G::driver, P::none, "", "", 0, 1, "", kNo, "Bluetooth batteries are not read"},
    {"BLUETOOTH_USE_USB", &S::bluetooth_usb, G::driver, P::none, "", "", 0, 1, "", kNo, "Bluetooth batteries are not read"},
    {"CAN_PORT", &S::can_ports, G::driver, P::none, "", "", 0, 0, "", kNo, "CAN batteries are not read"},
    {"UP16S_REQUIRE_DIRECT_CONNECTION", &S::up16s_direct, G::driver, P::port_file, "", "", 0, 1, "", kNo, "JBD UP16S: only the pack at the cable, none that is relayed by another"},
    {"GREENMETER_ADDRESS", &S::greenmeter_address, G::driver, P::none, "", "", 0, 255, "", kNo, "BATTERY_ADDRESSES names the Green Meter where it is not 1"},
    {"LIPRO_START_ADDRESS", &S::lipro_start_address, G::driver, P::port_file, "", "", 1, 223, "", kNo, "Address of the first LiPro monitor; empty: the one behind its meter's"},
    {"LIPRO_END_ADDRESS", &S::lipro_end_address, G::driver, P::none, "", "", 0, 255, "", kNo, "LiPro monitors are found by asking"},
    {"LIPRO_CELL_COUNT", &S::lipro_cell_count, G::driver, P::none, "", "", 1, 255, "", kNo, "LiPro monitors are counted"},
    {"UBMS_CAN_MODULE_SERIES", &S::ubms_series, G::driver, P::none, "", "", 1, 64, "", kNo, "CAN batteries are not read"},
    {"UBMS_CAN_MODULE_PARALLEL", &S::ubms_parallel, G::driver, P::none, "", "", 1, 64, "", kNo, "CAN batteries are not read"},
    {"MQTT_TOPIC", &S::mqtt_topic, G::driver, P::none, "", "", 0, 0, "", kNo, "MQTT batteries are not read"},
    {"MQTT_BROKER_ADDRESS", &S::mqtt_host, G::driver, P::none, "", "", 0, 0, "", kNo, "MQTT batteries are not read"},
    {"MQTT_BROKER_PORT", &S::mqtt_port, G::driver, P::none, "", "", 1, 65535, "", kNo, "MQTT batteries are not read"},
    {"MQTT_TLS_ENABLED", &S::mqtt_tls, G::driver, P::none, "", "", 0, 1, "", kNo, "MQTT batteries are not read"},
    {"MQTT_TLS_PATH_TO_CA", &S::mqtt_tls_ca, G::driver, P::none, "", "", 0, 0, "", kNo, "MQTT batteries are not read"},
    {"MQTT_TLS_INSECURE", &S::mqtt_tls_insecure, G::driver, P::none, "", "", 0, 1, "", kNo, "MQTT batteries are not read"},
    {"MQTT_USERNAME", &S::mqtt_user, G::driver, P::none, "", "", 0, 0, "", kNo, "MQTT batteries are not read"},
    {"MQTT_PASSWORD", &S::mqtt_password, G::driver, P::none, "", "", 0, 0, "", kNo, "MQTT batteries are not read"},
    {"BMS_CAPTURE_RAW_DATA", &S::capture, G::driver, P::installation, "Capture", "", 0, 1, "", kNo, "Record every byte of all ports, for a while"},
    {"BMS_CAPTURE_RAW_DATA_MAX_SIZE_MB", &S::capture_max_mb, G::driver, P::installation, "CaptureMaxSize", "MB", 1, 1000, "", kNo, "Largest recording, 64 at most; then a new file is begun"},
    {"BMS_CAPTURE_RAW_DATA_BACKUP_COUNT", &S::capture_backups, G::driver, P::installation, "CaptureOlderFiles", "", 0, 100, "", kNo, "How many older recordings are kept"},
    // Not in the Python driver.
    {"CVL_SOURCE", &S::charge_voltage_source, G::limits, P::battery, "Limits/ChargeVoltageSource", "", 0, 2, "0|1|2", kNo, "Charge voltage: 0 own, 1 the BMS's, 2 the lower"},
    {"CCL_SOURCE", &S::charge_current_source, G::limits, P::battery, "Limits/ChargeCurrentSource", "", 0, 2, "0|1|2", kNo, "Maximum charge current: 0 own, 1 the BMS's, 2 the lower"},
    {"DCL_SOURCE", &S::discharge_current_source, G::limits, P::battery, "Limits/DischargeCurrentSource", "", 0, 2, "0|1|2", kNo, "Maximum discharge current: 0 own, 1 the BMS's, 2 the lower"},
    {"MIN_CHARGE_CURRENT_LIMIT", &S::min_charge_limit_a, G::limits, P::battery, "Limits/MinChargeCurrent", "A", 0, 100, "", kNo, "Never publish less while the BMS allows charging"},
    {"MIN_DISCHARGE_CURRENT_LIMIT", &S::min_discharge_limit_a, G::limits, P::battery, "Limits/MinDischargeCurrent", "A", 0, 100, "", kNo, "Never publish less while the BMS allows discharging (0.1 keeps an off-grid inverter on)"},
    {"MONITOR_ONLY", &S::monitor_only, G::limits, P::file, "", "", 0, 1, "", kNo, "Publish no limits at all: another battery controls the system"},
    {"CHARGE_EFFICIENCY", &S::charge_efficiency, G::soc, P::battery, "Soc/ChargeEfficiency", "", 0.5, 1, "", kNo, "Counting: part of the charged ampere-hours that is stored"},
    {"SELF_CONSUMPTION_CURRENT", &S::own_consumption_a, G::soc, P::battery, "Soc/SelfConsumption", "A", 0, 5, "", kNo, "Counting: current that the BMS takes but does not measure"},
    {"SOC_FULL_TAIL_CURRENT", &S::full_tail_current_a, G::soc, P::battery, "Soc/FullTailCurrent", "A", 0, 1000, "", kNo, "Counting: full after a minute at the target voltage below this current; empty: only when float begins"},
    {"EXTERNAL_SENSOR_INSTANCE", &S::external_instance, G::soc, P::battery, "Soc/ExternalInstance", "", 0, 100000, "", kNo, "Device instance of the shunt, instead of its service name"},
    {"ALARM_CLEAR_DELAY_SEC", &S::alarm_clear_delay_s, G::information, P::battery, "Info/AlarmClearDelay", "s", 0, 3600, "", kNo, "An alarm falls only after its cause has been gone for this long"},
    {"BANK_ENABLE", &S::bank, G::bank, P::installation, "Bank", "", 0, 1, "", kNo, "Publish all batteries as one when there are several"},
    {"BANK_IN_SERIES", &S::bank_in_series, G::bank, P::installation, "BankInSeries", "", 0, 1, "", kNo, "The batteries are in series: voltages add, the weakest decides"},
    {"BANK_SHARE_BY", &S::bank_share_by, G::bank, P::installation, "BankShareBy", "", 0, 1, "0|1", kNo, "How the current divides: 0 by capacity, 1 by resistance"},
    {"BANK_MAX_CHARGE_CURRENT", &S::bank_max_charge_current_a, G::bank, P::installation, "BankMaxChargeCurrent", "A", 0, 10000, "", kNo, "Upper bound of the bank's charge current"},
    {"BANK_MAX_DISCHARGE_CURRENT", &S::bank_max_discharge_current_a, G::bank, P::installation, "BankMaxDischargeCurrent", "A", 0, 10000, "", kNo, "Upper bound of the bank's discharge current"},
    {"BANK_SOFTEN_MEMBER_ALARMS", &S::bank_soften_alarms, G::bank, P::installation, "BankSoftenAlarms", "", 0, 1, "", kNo, "Show a member's alarm as a warning while others carry the load"},
    {"JBD_FIRST_SENSOR_IS_MOSFET", &S::first_sensor_is_mosfet, G::driver, P::port_file, "", "", 0, 1, "", kNo, "LLT/JBD: the first of several sensors sits on the power stage, not on a cell"},
    {"RENOGY_PRO", &S::renogy_pro, G::driver, P::port_file, "", "", 0, 0, "AUTO|YES|NO", kNo, "Renogy: the Pro generation, whose current comes in tenths; AUTO: by the model"},
    {"BMS_CAPTURE_RAW_DATA_MINUTES", &S::capture_minutes, G::driver, P::installation, "CaptureMinutes", "min", 0.05, 10080, "", kNo, "After so long recording switches itself off"},
    {"UNVERIFIED_CONTROLS", &S::unverified_controls, G::driver, P::file, "", "", 0, 1, "", kNo, "Offer also those controls of a BMS that are only described and were never seen to work"},
    });
}();
// clang-format on

/// Index of the first setting that the Python driver does not have.
inline constexpr std::size_t kOwnSettingsFrom = [] {
    std::size_t at = 0;
    while (kSettings[at].name != "CVL_SOURCE") {
        ++at;
    }
    return at;
}();

/// The row of a name, nullptr when there is none. Names are case-sensitive.
[[nodiscard]] constexpr const Row* find_setting(std::string_view name) {
    for (const auto& row : kSettings) {
        if (row.name == name) {
            return &row;
        }
    }
    return nullptr;
}

namespace detail {
constexpr bool names_unique() {
    for (std::size_t i = 0; i < kSettings.size(); ++i) {
        for (std::size_t j = i + 1; j < kSettings.size(); ++j) {
            if (kSettings[i].name == kSettings[j].name
                || (!kSettings[i].path.empty() && kSettings[i].place == kSettings[j].place
                    && kSettings[i].path == kSettings[j].path)) {
                return false;
            }
        }
    }
    return true;
}
constexpr bool members_unique() {
    for (std::size_t i = 0; i < kSettings.size(); ++i) {
        for (std::size_t j = i + 1; j < kSettings.size(); ++j) {
            const auto& a = kSettings[i].member;
            const auto& b = kSettings[j].member;
            if (a.index() != b.index()) {
                continue;
            }
            const bool same = std::visit(
                [&b]<class T>(const T& member) {
                    const auto& other = std::get<T>(b);
                    if constexpr (std::is_same_v<T, CurveList>) {
                        return member.curve == other.curve && member.list == other.list;
                    } else {
                        return member == other;
                    }
                },
                a);
            if (same) {
                return false;
            }
        }
    }
    return true;
}
constexpr bool places_fit() {
    for (std::size_t i = 0; i < kSettings.size(); ++i) {
        const Row& row = kSettings[i];
        const bool on_bus = row.place == Place::battery || row.place == Place::installation;
        if (on_bus == row.path.empty() || row.low > row.high || row.help.empty() || row.help.back() == '.') {
            return false;
        }
        // The second list of a curve follows the first, which alone is stored.
        if (row.place == Place::pair) {
            const auto* here = std::get_if<CurveList>(&row.member);
            const auto* above = i == 0 ? nullptr : std::get_if<CurveList>(&kSettings[i - 1].member);
            if (here == nullptr || above == nullptr || here->curve != above->curve
                || here->list != &Curve::values || above->list != &Curve::points) {
                return false;
            }
        }
    }
    return true;
}
}  // namespace detail

static_assert(detail::names_unique(), "two settings share a name or a place");
static_assert(detail::members_unique(), "two settings share a member");
static_assert(detail::places_fit(), "a setting's place, range or help text is not in order");

}  // namespace bms::control
