#pragma once
// History: extremes, counters and energies, evaluated once a minute (docs/battery-control.md, "History").

#include "serialbattery/control/state_of_charge.hpp"
#include "serialbattery/control/temperatures.hpp"

namespace bms::control {

/// Groups that a user can clear, with the values of /History/Clear.
enum class HistoryGroup : std::uint8_t {
    all = 1,
    capacity = 2,
    voltage = 3,
    time = 4,
    alarms = 5,
    temperature = 6,
    energy = 7,
};

/// The values. Discharges are positive here and negative on the bus. Nothing: not evaluated yet.
struct HistoryValues {
    std::optional<double> deepest_discharge_ah;
    std::optional<double> last_discharge_ah;
    std::optional<double> average_discharge_ah;
    std::optional<double> total_ah_drawn;
    std::optional<double> charge_cycles;
    std::optional<double> full_discharges;
    std::optional<double> minimum_voltage;
    std::optional<double> maximum_voltage;
    std::optional<double> minimum_cell_voltage;
    std::optional<double> maximum_cell_voltage;
    std::optional<double> minimum_temperature_c;
    std::optional<double> maximum_temperature_c;
    std::optional<double> automatic_syncs;
    std::optional<double> low_voltage_alarms;
    std::optional<double> high_voltage_alarms;
    std::optional<double> discharged_energy_kwh;
    std::optional<double> charged_energy_kwh;
    friend bool operator==(const HistoryValues&, const HistoryValues&) = default;
};

/// Whether the pack's and a cell's alarm are raised.
struct AlarmPair {
    bool pack = false;
    bool cell = false;
};

struct History {
    HistoryValues values;
    double discharges = 0;  ///< how often a discharge began
    std::optional<Seconds> last_full_charge;

    std::optional<Seconds> evaluated_at;
    Flowed pending;                   ///< flowed since the last evaluation
    double this_discharge_ah = 0;     ///< since the average current last turned negative
    std::optional<double> average_a;  ///< of the poll before
    bool full_discharge_counted = false;
    std::optional<AlarmPair> low_alarm;  ///< at the last evaluation of this run
    std::optional<AlarmPair> high_alarm;
};

struct HistoryInput {
    std::optional<double> consumed_ah;  ///< the published value, never positive
    std::optional<double> soc_percent;
    std::optional<double> voltage_v;
    std::optional<double> average_a;
    double capacity_ah = 0;
    std::size_t cell_count = 0;
    CellSummary cells;
    Temperatures temperatures;
    Alarms alarms;
    BmsHistory bms;
};

/// Every good poll: adds what flowed and watches for the beginning of a discharge; evaluates every 60 s.
void update_history(History& history, const Settings& settings, const HistoryInput& input,
                    const Flowed& flowed, Seconds t);

/// Float began: the battery is full.
void note_full_charge(History& history, Seconds t);

/// Sets a group to nothing and evaluates again at once.
void clear_history(History& history, HistoryGroup group, const Settings& settings, const HistoryInput& input,
                   Seconds t);

}  // namespace bms::control
