// The phase machine, its controllers and the reset charge, beyond the cases of the vectors.
#include "battery_fixture.hpp"
#include "support/catch.hpp"

using namespace bms::control;
using test::Bench;
using test::cells;

namespace {

/// Full and balanced: absorption begins.
Bench at_target() {
    Bench bench;
    bench.reading.cells = cells(16, 3.45);
    bench.reading.soc_percent = 99;
    bench.at(0);
    return bench;
}

}  // namespace

TEST_CASE("absorption begins only at the target and with balanced cells") {
    Bench bench;
    bench.reading.soc_percent = 99;
    bench.reading.cells = cells(16, 3.45, {3.4498});  // 0.2 mV short
    CHECK(bench.at(0).phase == Phase::bulk);
    bench.reading.cells = cells(16, 3.45);
    CHECK(bench.at(1).phase == Phase::absorption);

    Bench uneven;
    uneven.reading.soc_percent = 99;
    uneven.reading.cells = cells(16, 3.455, {3.4449});  // 10.1 mV
    CHECK(uneven.at(0).phase == Phase::bulk);
    uneven.reading.cells = cells(16, 3.455, {3.445});  // exactly 10 mV
    CHECK(uneven.at(1).phase == Phase::absorption);
}

TEST_CASE("absorption falls back to bulk half a volt below the target, however many cells") {
    for (const std::size_t count : {4U, 16U}) {
        Bench bench;
        bench.pack.cell_count = count;
        bench.reading.soc_percent = 99;
        bench.reading.cells = cells(count, 3.45);
        CHECK(bench.at(0).phase == Phase::absorption);
        const double target = 3.45 * static_cast<double>(count);
        bench.reading.cells = cells(count, (target - 0.5) / static_cast<double>(count));
        CHECK(bench.at(1).phase == Phase::absorption);  // exactly half a volt
        bench.reading.cells = cells(count, (target - 0.502) / static_cast<double>(count));
        CHECK(bench.at(2).phase == Phase::bulk);
        CHECK_FALSE(bench.machine().absorption_since);
    }
}

TEST_CASE("float is left for low charge, for imbalance and for nothing when both are off") {
    const auto floating = [] {
        Bench bench;
        bench.state.voltage.allow_max = false;
        bench.reading.soc_percent = 90;
        bench.at(0);
        return bench;
    };
    Bench bench = floating();
    CHECK(bench.out().phase == Phase::float_);
    CHECK(bench.out().charge_voltage_v == 54.0);
    bench.reading.cells = cells(16, 3.3, {3.3799});
    CHECK(bench.at(1).phase == Phase::float_);
    bench.reading.cells = cells(16, 3.3, {3.38});
    CHECK(bench.at(2).phase == Phase::bulk);
    CHECK(bench.out().charge_voltage_v == 55.2);

    bench = floating();
    bench.reading.soc_percent = 80;
    CHECK(bench.at(1).phase == Phase::float_);
    bench.reading.soc_percent = 79.99;
    CHECK(bench.at(2).phase == Phase::bulk);

    bench = floating();
    bench.settings.bulk_soc_percent = 0;
    bench.settings.bulk_diff_v = 10;
    bench.reading.soc_percent = 0;
    bench.reading.cells = cells(16, 3.3, {2.9});
    CHECK(bench.at(1).phase == Phase::float_);
}

TEST_CASE(
    "an absorption timer left by the last run that is over goes to float without the events of being full") {
    Bench bench;
    bench.state.voltage.absorption_since = Seconds{-1000};
    bench.reading.cells = cells(16, 3.45);
    bench.reading.soc_percent = 99;
    bench.settings.soc_reset_days = 30;
    const auto& out = bench.at(0);
    CHECK(out.phase == Phase::float_);
    CHECK(out.charge_voltage_v == 54.0);
    CHECK_FALSE(out.set_bms_full);
    CHECK_FALSE(bench.state.history.last_full_charge);
    CHECK(bench.machine().last_reset == Seconds{0});  // the reset charge counts as done
}

TEST_CASE("being full is told once, with the poll that enters float") {
    Bench bench = at_target();
    int told = 0;
    for (int t = 1; t <= 2200; ++t) {
        told += bench.at(t).set_bms_full ? 1 : 0;
    }
    CHECK(told == 1);
    CHECK(bench.out().phase == Phase::float_);
    CHECK(*bench.out().history.automatic_syncs == 1);
    CHECK(*bench.out().since_full_charge_s == 2200 - 901);

    Bench kept = at_target();
    kept.settings.auto_reset_soc = false;
    kept.until(901);
    CHECK(kept.out().phase == Phase::float_transition);
    CHECK_FALSE(kept.out().set_bms_full);
    CHECK(*kept.out().since_full_charge_s == 0);
}

TEST_CASE("a battery with a wrong counter stays in float until its charge criterion is armed again") {
    Bench bench = at_target();
    bench.settings.absorption_s = 10;
    bench.reading.soc_percent = 60;
    bench.until(11);
    CHECK(bench.out().phase == Phase::float_transition);
    CHECK_FALSE(bench.machine().soc_armed);
    // 20 % of 280 Ah have to be drawn; what is charged meanwhile does not count against it.
    bench.reading.cells = cells(16, 3.3);
    bench.reading.current_a = -280;
    bench.until(12 + 700);
    bench.reading.current_a = 100;
    bench.until(12 + 800);
    bench.reading.current_a = -280;
    bench.until(12 + 819);
    CHECK(bench.out().phase == Phase::float_transition);
    CHECK(bench.at(12 + 820).phase == Phase::bulk);
}

TEST_CASE("an imbalance ends float although the charge criterion is not armed") {
    Bench bench = at_target();
    bench.settings.absorption_s = 10;
    bench.reading.soc_percent = 60;
    bench.until(12);
    bench.reading.cells = cells(16, 3.3, {3.4});
    CHECK(bench.at(13).phase == Phase::bulk);
}

TEST_CASE("unknown charge is an error where a phase depends on it, not before") {
    Bench bench;
    bench.reading.soc_percent.reset();
    const auto& out = bench.at(0);
    CHECK(out.phase == Phase::error);
    CHECK(out.charge_voltage_v == 54.0);
    CHECK(out.charge_mode == "Error, cell voltages or state of charge unknown │ Linear Mode");
    bench.reading.soc_percent = 50;
    CHECK(bench.at(1).phase == Phase::bulk);

    // While the timer runs nobody asks for it; when it ends somebody does.
    Bench absorbing = at_target();
    absorbing.settings.absorption_s = 5;
    absorbing.reading.soc_percent.reset();
    absorbing.until(5);
    CHECK(absorbing.out().phase == Phase::absorption);
    CHECK(absorbing.at(6).phase == Phase::error);
    absorbing.reading.soc_percent = 95;
    CHECK(absorbing.at(7).phase == Phase::float_);
    CHECK(absorbing.out().charge_voltage_v == 54.0);
    CHECK_FALSE(absorbing.out().history.automatic_syncs);
}

TEST_CASE("180 internal errors within three hours show, and go when they have become rare") {
    Bench bench;
    bench.reading.soc_percent.reset();
    bench.at(0);
    bench.until(178);
    CHECK_FALSE(bench.out().error_code);
    bench.until(180);
    CHECK(bench.out().error_code == kErrorInternal);
    bench.reading.soc_percent = 50;
    bench.at(181);
    bench.at(7300);
    CHECK(bench.out().error_code == kErrorInternal);  // the oldest is two hours old
    bench.at(11100);
    CHECK_FALSE(bench.out().error_code);
}

TEST_CASE("while a cell has no plausible reading phase and voltage stay, the currents follow the others") {
    Bench bench;
    bench.reading.cells = cells(16, 3.42, {3.47});
    bench.at(0);
    CHECK(bench.out().cell_ovp == CellOvp::hold);
    const auto before = bench.out().charge_voltage_v;
    bench.reading.cells = cells(16, 3.40);
    bench.reading.cells[3] = std::nullopt;
    bench.until(200);
    CHECK(bench.out().charge_voltage_v == before);
    CHECK(bench.out().cell_ovp == CellOvp::hold);
    CHECK(*bench.out().charge_current_a == 12.5);
    bench.reading.cells[3] = 3.40;
    CHECK(bench.at(201).cell_ovp == CellOvp::ramp);
    CHECK(*bench.out().charge_voltage_v > *before);

    Bench first;
    first.reading.cells[0] = 53.0;
    CHECK(first.at(0).charge_voltage_v == 55.2);
    CHECK(first.out().phase == Phase::bulk);
    Bench floating;
    floating.state.voltage.allow_max = false;
    floating.reading.cells[0] = 53.0;
    CHECK(floating.at(0).charge_voltage_v == 54.0);
    CHECK(floating.out().phase == Phase::float_);

    Bench none;
    none.reading.cells.assign(16, std::nullopt);
    none.reading.voltage_v = 52;
    CHECK(none.at(0).phase == Phase::error);
    CHECK(none.out().charge_current_a == 50.0);
}

TEST_CASE("the charge voltage never rises above a maximum that was lowered meanwhile") {
    Bench bench = at_target();
    bench.settings.max_cell_v = 3.40;
    CHECK(bench.at(1).charge_voltage_v == 54.4);
    bench = at_target();
    bench.until(902);
    CHECK(bench.out().phase == Phase::float_transition);
    bench.settings.max_cell_v = 3.40;
    CHECK(*bench.at(903).charge_voltage_v <= 54.4);
    Bench held = at_target();
    held.reading.cells[0].reset();
    held.settings.max_cell_v = 3.40;
    CHECK(held.at(1).charge_voltage_v == 54.4);
}

TEST_CASE("recovery without a ramp jumps to where the controller wants it") {
    Bench bench;
    bench.settings.cvl_rate_v_per_s = 0;
    bench.settings.cvl_hold_s = 5;
    bench.reading.cells = cells(16, 3.40, {3.5});
    bench.at(0);
    CHECK(bench.out().charge_voltage_exact_v == 54.45);
    bench.reading.cells = cells(16, 3.42, {3.46});
    bench.until(4);
    CHECK(bench.out().charge_voltage_exact_v == 54.45);
    bench.at(5);
    CHECK(bench.out().charge_voltage_exact_v == 54.75);  // 15 * 3.42 + 3.46 less 0.01
    CHECK(bench.out().cell_ovp == CellOvp::ramp);
    bench.reading.cells = cells(16, 3.42);
    bench.at(6);
    CHECK(bench.out().charge_voltage_exact_v == 55.2);
    CHECK(bench.out().cell_ovp == CellOvp::ramp);  // shown once more
    CHECK(bench.at(7).cell_ovp == CellOvp::none);
}

TEST_CASE("a new limitation during the ramp starts the hold anew") {
    Bench bench;
    bench.reading.cells = cells(16, 3.40, {3.5});
    bench.at(0);
    bench.reading.cells = cells(16, 3.42);
    bench.until(100);
    CHECK(bench.out().charge_voltage_exact_v == Approx(54.49));
    bench.reading.cells = cells(16, 3.40, {3.46});
    bench.at(101);  // 54.46 - 0.01
    CHECK(bench.out().charge_voltage_exact_v == Approx(54.45));
    bench.reading.cells = cells(16, 3.42);
    bench.until(160);
    CHECK(bench.out().cell_ovp == CellOvp::hold);
    bench.until(162);
    CHECK(bench.out().charge_voltage_exact_v == Approx(54.451));
}

TEST_CASE("the integral controller works by time, not by poll") {
    const auto after = [](double period) {
        Bench bench;
        bench.settings.controller_mode = 2;
        bench.reading.cells = cells(16, 3.42);
        bench.reading.soc_percent = 95;
        bench.at(0);
        bench.reading.cells = cells(16, 3.42, {3.51});
        for (double t = period; t <= 4; t += period) {
            bench.at(t);
        }
        return *bench.out().charge_voltage_exact_v;
    };
    CHECK(after(0.5) == Approx(after(2)));
    CHECK(after(1) == Approx(55.16));
    CHECK(after(4) == Approx(55.16));
}

TEST_CASE("the charge voltage never falls below the empty battery") {
    Bench bench;
    bench.reading.cells = cells(16, 2.0, {3.6});
    CHECK(bench.at(0).charge_voltage_v == 46.4);
}

TEST_CASE("a reset charge raises the target, shows, and is over when float begins") {
    Bench bench;
    bench.settings.soc_reset_days = 15;
    bench.settings.charge_cell_voltage = {{3.7, 3.6, 3.5, 3.4, 3.375}, {0, 0.005, 0.05, 0.25, 1}};
    bench.settings.absorption_s = 10;
    bench.reading.soc_percent = 99;
    bench.reading.alarms.raise(bms::Alarm::high_cell_voltage, bms::Level::warning);
    bench.reading.alarms.raise(bms::Alarm::high_voltage, bms::Level::alarm);
    bench.at(0);  // never done: at once
    CHECK(bench.out().charge_voltage_v == 58.4);
    CHECK(bench.out().max_cell_voltage_v == 3.65);
    CHECK(bench.out().charge_mode == "Bulk & SoC Reset │ Linear Mode");
    CHECK(bench.out().alarms[bms::Alarm::high_cell_voltage] == bms::Level::ok);
    CHECK(bench.out().alarms[bms::Alarm::high_voltage] == bms::Level::alarm);  // an alarm is never hidden
    bench.reading.cells = cells(16, 3.65);
    bench.until(12);
    CHECK(bench.out().phase == Phase::float_transition);
    CHECK(bench.out().charge_voltage_v == 58.4);
    CHECK_FALSE(bench.machine().reset_requested);
    CHECK(bench.machine().last_reset == Seconds{12});
    bench.reading.cells = cells(16, 3.375);
    bench.until(12 + 1800);
    CHECK(bench.out().alarms[bms::Alarm::high_cell_voltage] == bms::Level::ok);
    bench.at(12 + 1801);
    CHECK(bench.out().alarms[bms::Alarm::high_cell_voltage] == bms::Level::warning);

    // Due again strictly after 15 days; it leaves float at once.
    constexpr double kDays = 15 * 86400;
    bench.at(12 + kDays);
    CHECK(bench.out().phase == Phase::float_);
    bench.at(12 + kDays + 1);
    CHECK(bench.out().phase == Phase::bulk);
    CHECK(bench.out().charge_voltage_v == 58.4);
    bench.settings.soc_reset_days.reset();
    bench.at(12 + kDays + 2);
    CHECK(bench.out().charge_voltage_v == 55.2);
}

TEST_CASE("limits of the BMS replace ours, lower them or are noise") {
    const auto cvl = [](double source, std::optional<double> bms) {
        Bench bench;
        bench.settings.charge_voltage_source = source;
        bench.reading.bms_charge_voltage_v = bms;
        return *bench.at(0).charge_voltage_v;
    };
    CHECK(cvl(0, 56.0) == 55.2);
    CHECK(cvl(1, 56.0) == 56.0);
    CHECK(cvl(1, std::nullopt) == 55.2);
    CHECK(cvl(2, 56.0) == 55.2);
    CHECK(cvl(2, 54.0) == 54.0);
    CHECK(cvl(1, 655.35) == 55.2);
    CHECK(cvl(1, 0) == 55.2);
    CHECK(cvl(1, 60) == 55.2);  // more than 16 cells of 3.65 V
}

TEST_CASE("marks stand in their order, in bulk and absorption only") {
    Bench bench;
    bench.settings.soc_reset_days = 0;
    bench.settings.charge_mode = 2;
    bench.reading.balancing = true;
    bench.reading.heating = true;
    bench.reading.cells = cells(16, 3.4, {3.7});
    CHECK(bench.at(0).charge_mode == "Bulk (Cell OVP) & SoC Reset + Balancing + Heating │ Step Mode");
    Bench floating;
    floating.state.voltage.allow_max = false;
    floating.reading.balancing = true;
    floating.reading.soc_percent = 90;
    CHECK(floating.at(0).charge_mode == "Float │ Linear Mode");
    Bench fixed;
    fixed.settings.charge_phases = false;
    fixed.reading.balancing = true;
    CHECK(fixed.at(0).charge_mode == "Keep always max voltage");
    // Phases switched on again: no event, no jump beyond the settings.
    fixed.state.voltage.allow_max = false;
    fixed.settings.charge_phases = true;
    fixed.reading.soc_percent = 90;
    CHECK(fixed.at(1).phase == Phase::float_);
    CHECK_FALSE(fixed.out().set_bms_full);
}

TEST_CASE("several strings: the lowest sum, the widest difference and the lowest target count") {
    const Settings settings;
    const auto even = cells(16, 3.45);
    const auto high = cells(16, 3.44, {3.50});
    const std::vector<StringReading> both = {{.cells = even, .extremes = {}, .pack_v = {}},
                                             {.cells = high, .extremes = {}, .pack_v = {}}};
    ChargeVoltage machine;
    const ChargeVoltageInput input = {
        .strings = both, .cell_count = 16, .soc_percent = 99, .capacity_ah = 560};
    (void)step_charge_voltage(machine, settings, input, Millis{0}, Millis{0});
    CHECK(machine.phase == Phase::bulk);  // 60 mV apart
    CHECK(*machine.cvl == 15 * 3'440'000 + 3'500'000 - 50'000);
    ChargeVoltage capped;
    auto limited = input;
    limited.ceiling = 50'000'000;
    (void)step_charge_voltage(capped, settings, limited, Millis{0}, Millis{0});
    CHECK(*capped.cvl == 50'000'000);
}
