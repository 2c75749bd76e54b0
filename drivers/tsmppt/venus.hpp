#pragma once
// From the controller's words to the enumerations and rounded values that Victron's consumers expect. Pure.
// docs/protocols/tristar.md, "Mapping".

#include "tsmppt/charger.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace tristar {

/// Values of /State.
enum class VenusState : std::int32_t {
    off = 0,
    fault = 2,
    bulk = 3,
    absorption = 4,
    float_ = 5,
    equalize = 7,
    external_control = 252
};

/// Values of /MppOperationMode.
enum class MppMode : std::int32_t { off = 0, limited = 1, tracking = 2 };

/// A reading as it is published: rounded, with Victron's enumerations. Empty: not known.
struct VenusValues {
    std::optional<double> dc_volts;
    std::optional<double> dc_amps;     ///< never negative
    std::optional<double> dc_celsius;  ///< only from a remote sensor at the battery
    std::optional<double> pv_volts;
    std::optional<double> pv_amps;
    std::optional<double> pv_watts;
    std::optional<std::int32_t> state;
    std::optional<std::int32_t> mpp_mode;
    std::optional<std::int32_t> error_code;
    std::optional<std::int32_t> high_temperature_alarm;  ///< 0, 1 (warning)
    std::optional<std::int32_t> short_circuit_alarm;     ///< 0, 2 (alarm)
    std::optional<std::int32_t> firmware_version;        ///< 24 bit, e.g. 0x4200FF for version 42
};

[[nodiscard]] VenusValues to_venus(const Charger& charger);

/// `value` with so many decimals; the sign of zero is always plus.
[[nodiscard]] double rounded(double value, int decimals);

/// The name of a raw charge state in the vendor's document, "unknown" for others.
[[nodiscard]] std::string_view name_of_state(std::uint32_t raw);
/// Whether the vendor's document has this charge state.
[[nodiscard]] bool is_documented_state(std::uint32_t raw);
[[nodiscard]] std::string_view name_of_fault(unsigned bit);
[[nodiscard]] std::string_view name_of_alarm(unsigned bit);
[[nodiscard]] std::string_view name_of_led(std::uint32_t code);

/// True while the controller sleeps: start, night check and night.
[[nodiscard]] bool is_night(std::uint32_t raw_state);
/// True in every state in which current may flow: MPPT to slave.
[[nodiscard]] bool is_charging(std::uint32_t raw_state);

/// 12, 24 or 48 by DIP switches 2 and 3; empty when they are set to automatic.
[[nodiscard]] std::optional<int> system_volts_of_dip(std::uint32_t dip_switches);

/// 12, 24 or 48 for the whole controller: by DIP switches, or, when they are set to automatic, from the ratio of the
/// target voltage to the stored set point while in absorption or float. Empty when neither tells, or when the
/// battery voltage contradicts it. Never from volts_per_unit, which is the same on all systems.
[[nodiscard]] std::optional<int> system_volts_of(const Charger& charger, const SetPoints& points);

/// Whether the battery voltage fits a 12, 24 or 48 V battery (9 to 17 V for each 12 V).
[[nodiscard]] bool fits_system(double battery_volts, int system_volts);

}  // namespace tristar
