#include "serialbattery/control/history.hpp"

#include <algorithm>
#include <cmath>

namespace bms::control {
namespace {

using Value = std::optional<double>;

void keep_highest(Value& value, Value sample) {
    if (sample) {
        value = value ? std::max(*value, *sample) : *sample;
    }
}
void keep_lowest(Value& value, Value sample) {
    if (sample) {
        value = value ? std::min(*value, *sample) : *sample;
    }
}
/// A counter begins at `start` and grows from the next evaluation on.
void count(Value& value, double start, double step) {
    value = value ? *value + step : start;
}
void prefer(Value& value, const Value& from_bms) {
    if (from_bms && std::isfinite(*from_bms)) {
        value = from_bms;
    }
}

bool raised(std::optional<Level> level) {
    return level.value_or(Level::ok) > Level::ok;
}

/// 1 when the pack or the cell alarm rose since the last evaluation; the first one only takes note.
double rising(std::optional<AlarmPair>& before, std::optional<Level> pack, std::optional<Level> cell) {
    const bool rose = before && ((raised(pack) && !before->pack) || (raised(cell) && !before->cell));
    before = AlarmPair{.pack = raised(pack), .cell = raised(cell)};
    return rose ? 1 : 0;
}

void evaluate_discharges(History& history, const HistoryInput& in) {
    HistoryValues& v = history.values;
    const double bms_cycles = in.bms.charge_cycles.value_or(0);
    if (in.consumed_ah) {
        keep_highest(v.deepest_discharge_ah, std::fabs(*in.consumed_ah));
    }
    if (!v.last_discharge_ah) {
        v.last_discharge_ah = 0;
    } else if (in.average_a && *in.average_a <= 0) {
        v.last_discharge_ah = history.this_discharge_ah;
    }
    count(v.total_ah_drawn, std::max(0.0, bms_cycles) * in.capacity_ah, history.pending.discharged_ah);
    if (*v.total_ah_drawn > 0 && in.capacity_ah > 0) {
        v.charge_cycles = *v.total_ah_drawn / in.capacity_ah;
    }
    if (*v.total_ah_drawn > 0 && history.discharges > 0) {
        v.average_discharge_ah = *v.total_ah_drawn / history.discharges;
    }
    if (in.soc_percent && *in.soc_percent > 15) {
        history.full_discharge_counted = false;
    }
    const bool begins = v.full_discharges.has_value();
    const bool empty = in.soc_percent == 0.0 && !history.full_discharge_counted;
    count(v.full_discharges, 0, empty ? 1 : 0);
    history.full_discharge_counted = history.full_discharge_counted || (begins && empty);
}

void evaluate(History& history, const Settings& settings, const HistoryInput& in) {
    HistoryValues& v = history.values;
    const double bms_energy_kwh = settings.float_cell_v * static_cast<double>(in.cell_count) * in.capacity_ah
                                  * std::max(0.0, in.bms.charge_cycles.value_or(0)) / 1000;
    evaluate_discharges(history, in);
    count(v.discharged_energy_kwh, bms_energy_kwh, history.pending.discharged_kwh);
    count(v.charged_energy_kwh, bms_energy_kwh, history.pending.charged_kwh);
    history.pending = {};

    keep_lowest(v.minimum_voltage, in.voltage_v);
    keep_highest(v.maximum_voltage, in.voltage_v);
    if (in.cells.any) {
        keep_lowest(v.minimum_cell_voltage, in.cells.min_v);
        keep_highest(v.maximum_cell_voltage, in.cells.max_v);
    }
    keep_lowest(v.minimum_temperature_c, in.temperatures.min_c);
    keep_highest(v.maximum_temperature_c, in.temperatures.max_c);
    count(v.low_voltage_alarms, 0,
          rising(history.low_alarm, in.alarms[Alarm::low_voltage], in.alarms[Alarm::low_cell_voltage]));
    count(v.high_voltage_alarms, 0,
          rising(history.high_alarm, in.alarms[Alarm::high_voltage], in.alarms[Alarm::high_cell_voltage]));

    prefer(v.charge_cycles, in.bms.charge_cycles);
    prefer(v.total_ah_drawn, in.bms.total_ah_drawn);
    prefer(v.deepest_discharge_ah, in.bms.deepest_discharge);
    prefer(v.full_discharges, in.bms.full_discharges);
    prefer(v.minimum_cell_voltage, in.bms.minimum_cell_voltage);
    prefer(v.maximum_cell_voltage, in.bms.maximum_cell_voltage);
    prefer(v.discharged_energy_kwh, in.bms.discharged_energy_kwh);
    prefer(v.charged_energy_kwh, in.bms.charged_energy_kwh);
}

/// A discharge begins when the average current turns negative; one under way at the very start is one too.
void watch_discharge(History& history, const HistoryInput& in) {
    if (!in.average_a) {
        return;
    }
    const bool negative = *in.average_a < 0;
    const bool turned = history.average_a && *history.average_a >= 0 && negative;
    const bool first_ever = !history.average_a && negative && history.discharges == 0;
    if (turned) {
        history.this_discharge_ah = 0;
    }
    if (turned || first_ever) {
        history.discharges += 1;
    }
    history.average_a = in.average_a;
}

}  // namespace

void update_history(History& history, const Settings& settings, const HistoryInput& input,
                    const Flowed& flowed, Seconds t) {
    constexpr Seconds kEvery{60};
    history.pending.charged_ah += flowed.charged_ah;
    history.pending.discharged_ah += flowed.discharged_ah;
    history.pending.charged_kwh += flowed.charged_kwh;
    history.pending.discharged_kwh += flowed.discharged_kwh;
    history.this_discharge_ah += flowed.discharged_ah;
    watch_discharge(history, input);
    if (!settings.history || (history.evaluated_at && t - *history.evaluated_at < kEvery)) {
        return;
    }
    history.evaluated_at = t;
    evaluate(history, settings, input);
}

void note_full_charge(History& history, Seconds t) {
    history.last_full_charge = t;
    history.values.automatic_syncs = history.values.automatic_syncs.value_or(0) + 1;
}

void clear_history(History& history, HistoryGroup group, const Settings& settings, const HistoryInput& input,
                   Seconds t) {
    HistoryValues& v = history.values;
    const auto clears = [group](HistoryGroup one) { return group == HistoryGroup::all || group == one; };
    if (clears(HistoryGroup::capacity)) {
        for (Value* value : {&v.deepest_discharge_ah, &v.last_discharge_ah, &v.average_discharge_ah,
                             &v.total_ah_drawn, &v.charge_cycles, &v.full_discharges}) {
            value->reset();
        }
        history.discharges = input.average_a.value_or(0) < 0 ? 1 : 0;
        history.this_discharge_ah = 0;
        history.pending.discharged_ah = 0;
    }
    if (clears(HistoryGroup::voltage)) {
        for (Value* value :
             {&v.minimum_voltage, &v.maximum_voltage, &v.minimum_cell_voltage, &v.maximum_cell_voltage}) {
            value->reset();
        }
    }
    if (clears(HistoryGroup::time)) {
        history.last_full_charge.reset();
        v.automatic_syncs.reset();
    }
    if (clears(HistoryGroup::alarms)) {
        v.low_voltage_alarms.reset();
        v.high_voltage_alarms.reset();
    }
    if (clears(HistoryGroup::temperature)) {
        v.minimum_temperature_c.reset();
        v.maximum_temperature_c.reset();
    }
    if (clears(HistoryGroup::energy)) {
        v.discharged_energy_kwh.reset();
        v.charged_energy_kwh.reset();
        history.pending.charged_kwh = 0;
        history.pending.discharged_kwh = 0;
    }
    if (settings.history) {
        history.evaluated_at = t;
        evaluate(history, settings, input);
    }
}

}  // namespace bms::control
