#pragma once
// What the control room is given: one reading of a battery, what never changes about it, and what is around it.

#include "serialbattery/battery.hpp"

#include <cstddef>
#include <optional>
#include <vector>

namespace bms::control {

/// Cell 1..n in volts; nothing where the BMS gave no value.
using CellVolts = std::vector<std::optional<double>>;

struct CellExtremes {
    double min_v = 0;
    double max_v = 0;
};

/// What is known of a battery before the first reading.
struct Pack {
    std::size_t cell_count = 0;  ///< in series; 0: not known, and so is every limit of the voltage
    /// Nominal capacity as the BMS reports it; nothing: the setting BATTERY_CAPACITY counts.
    std::optional<double> capacity_ah;
};

/// History values that a BMS keeps itself; each replaces the one computed here.
struct BmsHistory {
    std::optional<double> charge_cycles;
    std::optional<double> total_ah_drawn;     ///< Ah, positive
    std::optional<double> deepest_discharge;  ///< Ah, positive
    std::optional<double> full_discharges;
    std::optional<double> minimum_cell_voltage;
    std::optional<double> maximum_cell_voltage;
    std::optional<double> discharged_energy_kwh;
    std::optional<double> charged_energy_kwh;
};

/// One good reading, as the BMS gives it: SI units, current positive while charging.
struct Measurement {
    CellVolts cells;
    /// Of a BMS that does not report single cells (`cells` is empty then).
    std::optional<CellExtremes> extremes;
    std::optional<double> voltage_v;  ///< nothing: the sum of the plausible cells is used
    std::optional<double> current_a;
    std::optional<double> soc_percent;
    std::optional<double> remaining_ah;
    std::vector<std::optional<double>> temperatures_c;  ///< sensor 1, 2, ...; raw
    std::optional<double> mosfet_c;
    std::optional<bool> charge_fet;
    std::optional<bool> discharge_fet;
    bool balancing = false;
    bool heating = false;
    Alarms alarms;
    // Limits of the BMS itself, read in the same poll.
    std::optional<double> bms_charge_voltage_v;
    std::optional<double> bms_charge_current_a;
    std::optional<double> bms_discharge_current_a;
    BmsHistory history;
};

/// The ESS settings of the system that decide down to which state of charge it discharges.
struct Ess {
    int hub4_mode = 0;
    int battery_life_state = 0;
    std::optional<double> minimum_soc_limit;
    std::optional<double> soc_limit;
};

/// What comes from elsewhere on the bus and from the user.
struct Surroundings {
    std::optional<double> external_current_a;  ///< nothing: no sensor, its service is gone or has no value
    std::optional<double> external_soc_percent;
    std::optional<Ess> ess;
    bool charging_forced_off = false;
    bool discharging_forced_off = false;
    bool configuration_faulty = false;  ///< State 10 and error 119
    bool limits_blocked = false;        ///< a safety setting has no usable value: no current at all
};

}  // namespace bms::control
