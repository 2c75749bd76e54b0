#pragma once
// A battery under control, second by second: what the tests of this folder drive.

#include "serialbattery/control/control.hpp"

#include <vector>

namespace bms::control::test {

/// `count` cells of the same voltage.
inline CellVolts cells(std::size_t count, double volts) {
    return CellVolts(count, volts);
}

/// Cells of one voltage, but for the first ones.
inline CellVolts cells(std::size_t count, double volts, const std::vector<double>& first) {
    CellVolts list(count, volts);
    for (std::size_t i = 0; i < first.size(); ++i) {
        list[i] = first[i];
    }
    return list;
}

/// 16 cells of 280 Ah, 50 %, 25 °C, idle.
struct Bench {
    Settings settings;
    Pack pack{.cell_count = 16, .capacity_ah = 280};
    Surroundings around;
    Measurement reading;
    State state;
    Millis interval{1000};
    Millis now{0};

    Bench() {
        settings.alarm_clear_delay_s = 0;
        reading.cells = cells(16, 3.3);
        reading.current_a = 0;
        reading.soc_percent = 50;
        reading.temperatures_c = {25.0};
        reading.charge_fet = true;
        reading.discharge_fet = true;
    }

    const Output& out() const { return state.out; }
    const ChargeVoltage& machine() const { return state.voltage; }

    Context context() const { return {settings, pack, around, interval}; }

    /// One good poll at `seconds`.
    const Output& at(double seconds) {
        now = Millis{static_cast<std::int64_t>(seconds * 1000)};
        poll(state, context(), &reading, now);
        return state.out;
    }
    /// A good poll every second, from the one after the last to `seconds`.
    const Output& until(double seconds) {
        for (double t = static_cast<double>(now.count()) / 1000 + 1; t <= seconds; t += 1) {
            at(t);
        }
        return state.out;
    }
    /// A failed poll at `seconds`.
    const Output& silent_at(double seconds) {
        now = Millis{static_cast<std::int64_t>(seconds * 1000)};
        poll(state, context(), nullptr, now);
        return state.out;
    }
    const Output& silent_until(double seconds) {
        for (double t = static_cast<double>(now.count()) / 1000 + 1; t <= seconds; t += 1) {
            silent_at(t);
        }
        return state.out;
    }
};

}  // namespace bms::control::test
