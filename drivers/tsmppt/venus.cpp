#include "tsmppt/venus.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

namespace tristar {

namespace {

/// Error codes of /ErrorCode; the numbers are those of veutil's charger_error.h.
enum class ChargerError : std::int32_t {
    none = 0,
    battery_voltage_high = 2,
    temperature_sensor_miswired = 4,
    temperature_sensor_lost = 5,
    overcurrent = 18,
    power_stage = 28,
    input_voltage_high = 33,
    internal = 40,
    external_control_lost = 67,
    memory = 113,
    settings = 119
};

struct FaultRule {
    std::uint32_t faults;  ///< any of these bits
    ChargerError error;
};

constexpr std::uint32_t bit(FaultBit fault) {
    return 1u << static_cast<unsigned>(fault);
}

/// The first row that matches counts: what stops the power stage before what only wants attention.
constexpr auto kFaultRules = std::to_array<FaultRule>({
    {bit(FaultBit::fets_shorted), ChargerError::power_stage},
    {bit(FaultBit::overcurrent), ChargerError::overcurrent},
    {bit(FaultBit::battery_high_voltage), ChargerError::battery_voltage_high},
    {bit(FaultBit::array_high_voltage), ChargerError::input_voltage_high},
    {bit(FaultBit::software), ChargerError::internal},
    {bit(FaultBit::eeprom), ChargerError::memory},
    {bit(FaultBit::slave_timeout), ChargerError::external_control_lost},
    {bit(FaultBit::dip_switch_changed) | bit(FaultBit::settings_edited), ChargerError::settings},
    {bit(FaultBit::remote_sensor_shorted), ChargerError::temperature_sensor_miswired},
    {bit(FaultBit::remote_sensor_disconnected), ChargerError::temperature_sensor_lost},
    {0xF000, ChargerError::internal},  // bits without a name
});

struct StateRow {
    std::string_view name;
    VenusState state;
    MppMode mode;
};

/// By raw charge state. In MPPT the mode is limited instead of tracking while an alarm says so.
constexpr auto kStates = std::to_array<StateRow>({
    {"start", VenusState::off, MppMode::off},
    {"night check", VenusState::off, MppMode::off},
    {"disconnect", VenusState::off, MppMode::off},
    {"night", VenusState::off, MppMode::off},
    {"fault", VenusState::fault, MppMode::off},
    {"MPPT", VenusState::bulk, MppMode::tracking},
    {"absorption", VenusState::absorption, MppMode::limited},
    {"float", VenusState::float_, MppMode::limited},
    {"equalize", VenusState::equalize, MppMode::limited},
    {"slave", VenusState::external_control, MppMode::limited},
});
static_assert(kStates.size() == static_cast<std::size_t>(ChargeState::slave) + 1);

constexpr auto kFaultNames = std::to_array<std::string_view>(
    {"overcurrent", "FETs shorted", "software fault", "battery high voltage disconnect",
     "array high voltage disconnect", "settings switch changed", "custom settings edited",
     "remote temperature sensor shorted", "remote temperature sensor disconnected", "EEPROM retry limit",
     "reserved", "slave control timeout"});

constexpr auto kAlarmNames = std::to_array<std::string_view>({"remote temperature sensor open",
                                                              "remote temperature sensor shorted",
                                                              "remote temperature sensor disconnected",
                                                              "heat sink sensor open",
                                                              "heat sink sensor shorted",
                                                              "high temperature current limit",
                                                              "current limit",
                                                              "current offset",
                                                              "battery sense out of range",
                                                              "battery sense disconnected",
                                                              "uncalibrated",
                                                              "remote temperature sensor miswired",
                                                              "high voltage disconnect",
                                                              "undefined",
                                                              "system miswired",
                                                              "MOSFET open",
                                                              "12 V supply out of range",
                                                              "high input voltage current limit",
                                                              "ADC input at maximum",
                                                              "controller was reset"});

constexpr auto kLedNames = std::to_array<std::string_view>({"start",
                                                            "start 2",
                                                            "branch",
                                                            "fast green blink",
                                                            "slow green blink",
                                                            "green, 1 Hz",
                                                            "green",
                                                            "undefined",
                                                            "yellow",
                                                            "undefined",
                                                            "red blink",
                                                            "red",
                                                            "red-yellow-green error",
                                                            "red/yellow-green error",
                                                            "red/green-yellow error",
                                                            "red-yellow: high temperature",
                                                            "red-green: high voltage disconnect",
                                                            "red/yellow-green/yellow",
                                                            "green/yellow/red",
                                                            "green/yellow/red twice"});

std::string_view name_in(std::span<const std::string_view> names, std::uint32_t index) {
    return index < names.size() ? names[index] : "unknown";
}

constexpr double kTrickleWatts = 1.0;

const StateRow* known_state(std::uint32_t raw) {
    return raw < kStates.size() ? &kStates[raw] : nullptr;
}

/// A state the documents do not have counts as bulk while power flows (10 was seen after a botched slave exit).
std::optional<std::int32_t> state_of(const Charger& charger) {
    if (!charger.charge_state) {
        return std::nullopt;
    }
    if (const auto* row = known_state(*charger.charge_state)) {
        return static_cast<std::int32_t>(row->state);
    }
    if (!charger.output_watts) {
        return std::nullopt;
    }
    return static_cast<std::int32_t>(*charger.output_watts >= kTrickleWatts ? VenusState::bulk
                                                                            : VenusState::off);
}

std::optional<std::int32_t> mpp_mode_of(const Charger& charger, std::optional<std::int32_t> state) {
    if (!charger.charge_state || !state) {
        return std::nullopt;
    }
    const auto* row = known_state(*charger.charge_state);
    if (row == nullptr) {
        return static_cast<std::int32_t>(
            *state == static_cast<std::int32_t>(VenusState::bulk) ? MppMode::tracking : MppMode::off);
    }
    if (row->mode != MppMode::tracking) {
        return static_cast<std::int32_t>(row->mode);
    }
    if (!charger.alarms) {
        return std::nullopt;
    }
    const bool limited = has(*charger.alarms, AlarmBit::temperature_limit)
                         || has(*charger.alarms, AlarmBit::current_limit)
                         || has(*charger.alarms, AlarmBit::input_voltage_limit);
    return static_cast<std::int32_t>(limited ? MppMode::limited : MppMode::tracking);
}

std::optional<std::int32_t> error_code_of(const Charger& charger) {
    if (!charger.faults) {
        return std::nullopt;
    }
    for (const auto& rule : kFaultRules) {
        if ((*charger.faults & rule.faults) != 0) {
            return static_cast<std::int32_t>(rule.error);
        }
    }
    const bool unnamed = charger.charge_state == static_cast<std::uint32_t>(ChargeState::fault);
    return static_cast<std::int32_t>(unnamed ? ChargerError::internal : ChargerError::none);
}

std::optional<double> if_known(std::optional<double> value, int decimals) {
    return value ? std::optional{rounded(*value, decimals)} : std::nullopt;
}

std::optional<double> not_negative(std::optional<double> value) {
    return value ? std::optional{std::max(0.0, *value)} : std::nullopt;
}

std::optional<double> pv_amps_of(const VenusValues& values) {
    if (!values.pv_volts || !values.pv_watts) {
        return std::nullopt;
    }
    return *values.pv_volts > 1.0 ? rounded(*values.pv_watts / *values.pv_volts, 2) : 0.0;
}

/// Consumers read the version as hexadecimal digits and refuse small 16-bit numbers: version 42 is 0x4200FF.
std::optional<std::int32_t> firmware_of(std::optional<std::uint32_t> version) {
    if (!version || *version < 2 || *version > 99) {  // 1 would fall below what consumers accept
        return std::nullopt;
    }
    const auto bcd = static_cast<std::int32_t>(*version / 10 << 4 | *version % 10);
    return bcd << 16 | 0xFF;
}

std::optional<std::int32_t> alarm_of(std::optional<bool> raised, std::int32_t level) {
    return raised ? std::optional{*raised ? level : 0} : std::nullopt;
}

}  // namespace

double rounded(double value, int decimals) {
    static constexpr std::array<double, 5> kTens{1, 10, 100, 1000, 10000};
    const double tens = kTens.at(static_cast<std::size_t>(std::clamp(decimals, 0, 4)));
    return std::round(value * tens) / tens + 0.0;
}

VenusValues to_venus(const Charger& charger) {
    VenusValues values;
    values.dc_volts = if_known(charger.battery_volts, 2);
    values.dc_amps = if_known(not_negative(charger.battery_amps), 2);
    values.dc_celsius = charger.remote_celsius;
    values.pv_volts = if_known(not_negative(charger.array_volts), 2);
    values.pv_watts = if_known(charger.output_watts, 0);
    values.pv_amps = pv_amps_of(values);
    values.state = state_of(charger);
    values.mpp_mode = mpp_mode_of(charger, values.state);
    values.error_code = error_code_of(charger);
    if (charger.alarms) {
        values.high_temperature_alarm = alarm_of(has(*charger.alarms, AlarmBit::temperature_limit), 1);
    }
    if (charger.faults) {
        values.short_circuit_alarm = alarm_of(has(*charger.faults, FaultBit::fets_shorted), 2);
    }
    values.firmware_version = firmware_of(charger.software_version);
    return values;
}

std::string_view name_of_state(std::uint32_t raw) {
    const auto* row = known_state(raw);
    return row != nullptr ? row->name : "unknown";
}

bool is_documented_state(std::uint32_t raw) {
    return known_state(raw) != nullptr;
}

std::string_view name_of_fault(unsigned index) {
    return name_in(kFaultNames, index);
}

std::string_view name_of_alarm(unsigned index) {
    return name_in(kAlarmNames, index);
}

std::string_view name_of_led(std::uint32_t code) {
    return name_in(kLedNames, code);
}

bool is_night(std::uint32_t raw_state) {
    return raw_state == static_cast<std::uint32_t>(ChargeState::start)
           || raw_state == static_cast<std::uint32_t>(ChargeState::night_check)
           || raw_state == static_cast<std::uint32_t>(ChargeState::night);
}

bool is_charging(std::uint32_t raw_state) {
    return raw_state >= static_cast<std::uint32_t>(ChargeState::mppt)
           && raw_state <= static_cast<std::uint32_t>(ChargeState::slave);
}

std::optional<int> system_volts_of_dip(std::uint32_t dip_switches) {
    const bool first = has(dip_switches, DipBit::system_a);
    const bool second = has(dip_switches, DipBit::system_b);
    if (!first && !second) {
        return std::nullopt;
    }
    return first && second ? 48 : first ? 24 : 12;
}

bool fits_system(double battery_volts, int system_volts) {
    const double per_12v = battery_volts * 12.0 / system_volts;
    return per_12v >= 9.0 && per_12v <= 17.0;
}

std::optional<int> system_volts_of(const Charger& charger, const SetPoints& points) {
    if (!charger.dip_switches || !charger.battery_volts) {
        return std::nullopt;
    }
    auto volts = system_volts_of_dip(*charger.dip_switches);
    if (!volts && charger.charge_state && charger.target_volts) {
        const auto raw = static_cast<ChargeState>(*charger.charge_state);
        const double stored = raw == ChargeState::absorption ? points.absorption_volts.value_or(0)
                              : raw == ChargeState::float_   ? points.float_volts.value_or(0)
                                                             : 0;
        for (const int candidate : {12, 24, 48}) {
            // Temperature compensation moves the target by some per cent, the next system is a factor of two away.
            const double expected = stored * candidate / 12;
            if (expected > 0 && std::abs(*charger.target_volts / expected - 1.0) < 0.2) {
                volts = candidate;
            }
        }
    }
    return volts && fits_system(*charger.battery_volts, *volts) ? volts : std::nullopt;
}

}  // namespace tristar
