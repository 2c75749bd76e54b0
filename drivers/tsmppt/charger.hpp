#pragma once
// What a TriStar MPPT says, in SI units (energy in kWh and Wh, charge in Ah, temperature in degrees Celsius).
// Every member is empty when its registers were not read.

#include <cstdint>
#include <optional>
#include <string>

namespace tristar {

/// Raw charge states of register 50; docs/protocols/tristar.md, "Charge states".
enum class ChargeState : std::uint32_t {
    start = 0,
    night_check = 1,
    disconnect = 2,
    night = 3,
    fault = 4,
    mppt = 5,
    absorption = 6,
    float_ = 7,
    equalize = 8,
    slave = 9
};

/// Bit numbers of the fault words (registers 44 and 73).
enum class FaultBit : unsigned {
    overcurrent = 0,
    fets_shorted = 1,
    software = 2,
    battery_high_voltage = 3,
    array_high_voltage = 4,
    dip_switch_changed = 5,
    settings_edited = 6,
    remote_sensor_shorted = 7,
    remote_sensor_disconnected = 8,
    eeprom = 9,
    slave_timeout = 11
};

/// Bit numbers of the alarm words (46:47 and 75:76) that a rule of the driver looks at.
enum class AlarmBit : unsigned { temperature_limit = 5, current_limit = 6, input_voltage_limit = 17 };

/// Bit numbers of the DIP switch word (48); bit 0 is switch 1, a set bit is ON.
enum class DipBit : unsigned {
    system_a = 1,
    system_b = 2,
    program_a = 3,
    program_b = 4,
    program_c = 5,
    auto_equalize = 6,
    remote_writes = 7
};

template <class Bit>
[[nodiscard]] constexpr bool has(std::uint32_t word, Bit bit) {
    return (word >> static_cast<unsigned>(bit) & 1u) != 0;
}

/// One reading of the RAM registers. Charge current is positive into the battery.
struct Charger {
    // What a full-scale word means; refused when zero.
    std::optional<double> volts_per_unit;
    std::optional<double> amps_per_unit;
    std::optional<std::uint32_t> software_version;

    std::optional<double> battery_volts;  ///< what regulation uses: sense wires, or terminals without them
    std::optional<double> battery_terminal_volts;
    std::optional<double> battery_sense_volts;  ///< near zero when the sense wires are not connected
    std::optional<double> array_volts;
    std::optional<double> battery_amps;  ///< slightly negative at night
    std::optional<double> array_amps;    ///< up to 20 % off: not a precision shunt
    std::optional<double> supply_12v_volts;
    std::optional<double> supply_3v_volts;
    std::optional<double> meterbus_volts;
    std::optional<double> supply_1v8_volts;
    std::optional<double> reference_volts;
    std::optional<double> heatsink_celsius;
    std::optional<bool> remote_sensor_connected;
    std::optional<double> remote_celsius;   ///< battery sensor; empty also when it is not connected
    std::optional<double> battery_celsius;  ///< remote sensor, or the controller's own without one
    std::optional<double> battery_volts_1min;
    std::optional<double> battery_amps_1min;

    std::optional<double> battery_min_volts;  ///< since the charge counters were reset
    std::optional<double> battery_max_volts;
    std::optional<std::uint32_t> operating_hours;
    std::optional<std::uint32_t> faults;
    std::optional<std::uint32_t> alarms;
    std::optional<std::uint32_t> dip_switches;
    std::optional<std::uint32_t> led_state;
    std::optional<std::uint32_t> charge_state;  ///< ChargeState, or a number the documents do not have
    std::optional<double> target_volts;         ///< temperature compensated; 0 at night
    std::optional<double> resettable_ah;
    std::optional<double> total_ah;
    std::optional<std::uint32_t> resettable_kwh;  ///< moves once a day
    std::optional<std::uint32_t> total_kwh;       ///< moves once a day
    std::optional<double> output_watts;
    std::optional<double> input_watts;
    std::optional<double> sweep_max_watts;
    std::optional<double> sweep_mpp_volts;
    std::optional<double> sweep_open_volts;

    std::optional<double> battery_min_volts_today;
    std::optional<double> battery_max_volts_today;
    std::optional<double> array_max_volts_today;
    std::optional<double> ah_today;
    std::optional<std::uint32_t> wh_today;
    std::optional<std::uint32_t> flags_today;
    std::optional<double> max_watts_today;
    std::optional<double> battery_min_celsius_today;
    std::optional<double> battery_max_celsius_today;
    std::optional<std::uint32_t> faults_today;
    std::optional<std::uint32_t> alarms_today;
    std::optional<std::uint32_t> absorption_seconds_today;
    std::optional<std::uint32_t> equalize_seconds_today;
    std::optional<std::uint32_t> float_seconds_today;

    std::optional<double> slave_amps;   ///< the current override as it stands in the controller
    std::optional<double> slave_volts;  ///< the voltage override; negative: none
};

/// Who the controller is; from its EEPROM.
struct Identity {
    std::optional<std::string> serial;            ///< 8 characters, leading zeros matter
    std::optional<std::string> product;           ///< "TriStar MPPT 60"
    std::optional<std::string> hardware_version;  ///< "1.2"
    std::optional<int> rated_amps;                ///< 30, 45 or 60
};

/// Set points of the custom battery program, in volts at the battery of a 12 V system (multiply by
/// system voltage / 12 for others).
struct SetPoints {
    std::optional<double> absorption_volts;
    std::optional<double> float_volts;  ///< 0: no float stage
    std::optional<std::uint32_t> absorption_seconds;
    std::optional<std::uint32_t> absorption_extension_seconds;
    std::optional<double> absorption_extension_volts;
    std::optional<double> float_cancel_volts;
    std::optional<std::uint32_t> float_exit_seconds;
    std::optional<double> equalize_volts;  ///< 0: no equalize
    std::optional<std::uint32_t> equalize_days;
    std::optional<double> temperature_compensation;  ///< volts per degree, to be subtracted
    std::optional<double> disconnect_volts;
    std::optional<double> reconnect_volts;
    std::optional<double> limit_volts;  ///< regulation never goes above; 0: no limit
    std::optional<double> array_max_volts_24h;
};

}  // namespace tristar
