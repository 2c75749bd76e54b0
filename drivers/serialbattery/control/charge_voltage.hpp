#pragma once
// The charge voltage limit: reset charge, phase machine, cell over-voltage controllers and recovery, float
// transition (docs/battery-control.md, "Charge voltage").

#include "serialbattery/control/cells.hpp"
#include "serialbattery/control/settings.hpp"

#include <cstdint>
#include <span>
#include <string>

namespace bms::control {

enum class Phase : std::uint8_t { none, bulk, absorption, float_transition, float_, keep_max, error };

/// How far a lowered charge voltage is on its way back.
enum class CellOvp : std::uint8_t { none, hold, ramp };

/// The machine's memory. A fresh one is "as after installation".
struct ChargeVoltage {
    // Kept over a restart.
    bool allow_max = true;                    ///< bulk and absorption are allowed
    std::optional<Seconds> absorption_since;  ///< the absorption timer
    std::optional<Seconds> last_reset;        ///< end of the last reset charge; nothing: never

    Phase phase = Phase::none;
    CellOvp ovp = CellOvp::none;
    bool reset_mark = false;  ///< a reset charge shows in bulk and absorption
    bool balancing_mark = false;
    bool heating_mark = false;
    std::optional<Microvolts> cvl;

    bool reset_requested = false;
    std::optional<Seconds> limited_at;  ///< last limitation by a high cell
    std::optional<Microvolts> ramp_base;
    Microvolts transition_from = 0;
    Seconds transition_since{};
    bool soc_armed = true;      ///< a low state of charge may end float
    double drawn_since_ah = 0;  ///< discharged since absorption ended
};

struct ChargeVoltageInput {
    /// The cells of each parallel string (one for a single battery), all of `cell_count` cells.
    std::span<const StringReading> strings;
    std::size_t cell_count = 0;
    std::optional<double> soc_percent;
    double capacity_ah = 0;
    double discharged_ah = 0;  ///< since the poll before
    bool balancing = false;
    bool heating = false;
    /// The BMS's own charge voltage limit, as the setting CVL_SOURCE wants it used.
    std::optional<double> bms_charge_voltage_v;
    /// Never above this, whatever the settings say (the lowest member's maximum in a bank).
    std::optional<Microvolts> ceiling;
};

/// What one poll of the machine brought about beside its state.
struct ChargeVoltageEvents {
    bool full = false;             ///< float began: the battery is taken for full
    unsigned internal_errors = 0;  ///< errors 8 to be counted
};

/// One good poll. The lowest sum of all strings decides when the target is reached, the highest and lowest cell
/// of all of them whether they are balanced; the controllers take the lowest target. `elapsed` is the time since the good poll before (0 for the first).
ChargeVoltageEvents step_charge_voltage(ChargeVoltage& state, const Settings& settings,
                                        const ChargeVoltageInput& input, Millis now, Millis elapsed);

/// Battery voltages that follow from the settings, rounded to 10 mV.
struct BatteryVoltages {
    Microvolts min = 0;
    Microvolts max = 0;  ///< raised while a reset charge is requested
    Microvolts float_ = 0;
    Microvolts cell_reference = 0;
};
[[nodiscard]] BatteryVoltages battery_voltages(const Settings& settings, std::size_t cell_count,
                                               bool reset_requested);

/// Whether high voltage warnings are suppressed: during a reset charge and 30 minutes after it.
[[nodiscard]] bool reset_charge_near(const ChargeVoltage& state, const Settings& settings, Seconds t);

/// CVL as published: with the loss on the cables, rounded to 10 mV. In volts.
[[nodiscard]] double published_cvl(Microvolts cvl, const Settings& settings);

/// /Info/ChargeMode: the phase, its marks and the table mode.
[[nodiscard]] std::string charge_mode_text(const ChargeVoltage& state, const Settings& settings);

/// "bulk", "float_transition", ...; empty for none.
[[nodiscard]] std::string_view phase_name(Phase phase);
/// "none", "hold", "ramp".
[[nodiscard]] std::string_view ovp_name(CellOvp ovp);

}  // namespace bms::control
