// Current limits, state of charge, time to go, history, alarms, silence: beyond the cases of the vectors.
#include "battery_fixture.hpp"
#include "support/catch.hpp"

#include <cmath>

using namespace bms::control;
using bms::Alarm;
using bms::Level;
using test::Bench;
using test::cells;

namespace {

std::string charge_text(const Output& out) {
    return limitation_text(out.charge_limitation, Direction::charge);
}
std::string discharge_text(const Output& out) {
    return limitation_text(out.discharge_limitation, Direction::discharge);
}

}  // namespace

// ------------------------------------------------------------------------------------------ current limits

TEST_CASE("a limitation names every candidate at the minimum, the maxima alone") {
    Bench bench;
    bench.reading.cells = cells(16, 3.3, {3.4});
    bench.reading.temperatures_c = {2.0};
    CHECK(charge_text(bench.at(0)) == "Cell Voltage, Temp");
    CHECK(*bench.out().charge_current_a == 12.5);

    Bench both;
    both.reading.cells = cells(16, 3.3, {3.6});
    both.reading.charge_fet = false;
    CHECK(charge_text(both.at(0)) == "Cell Voltage, BMS");

    Bench bms;
    bms.reading.bms_charge_current_a = 25;
    bms.reading.temperatures_c = {5.0};  // also 25 A
    CHECK(charge_text(bms.at(0)) == "BMS Settings");

    Bench all;
    all.settings.charge_by_soc = true;
    all.reading.soc_percent = 97;  // between 95 (0.2) and 98 (0.1)
    all.reading.mosfet_c = 60;
    CHECK(*all.at(0).charge_current_a == Approx(50 * (0.2 - 0.1 * 2 / 3)).margin(0.0005));
    CHECK(charge_text(all.out()) == "SoC");

    Bench forced;
    forced.around.discharging_forced_off = true;
    CHECK(discharge_text(forced.at(0)) == "User");
    CHECK(*forced.out().discharge_current_a == 0);
    CHECK(forced.out().allow_discharge == false);
    CHECK(forced.out().allow_charge == true);

    Bench faulty;
    faulty.around.limits_blocked = true;
    faulty.around.configuration_faulty = true;
    CHECK(charge_text(faulty.at(0)) == "Configuration");
    CHECK(*faulty.out().discharge_current_a == 0);
    CHECK(faulty.out().state == kStateError);
    CHECK(faulty.out().mode == kModeStandby);
    CHECK(faulty.out().error_code == kErrorSettings);
}

TEST_CASE("without a number of cells there is no limit of the voltage, rather than one of 0 V") {
    Bench bench;
    bench.pack.cell_count = 0;
    bench.reading.cells.clear();
    bench.reading.voltage_v = 52.8;
    bench.until(300);
    CHECK_FALSE(bench.out().charge_voltage_v);
    CHECK_FALSE(bench.out().low_voltage_v);
    CHECK(bench.out().charge_mode.empty());
    CHECK_FALSE(bench.out().error_code);
    CHECK(*bench.out().charge_current_a == 50);
    bench.pack.cell_count = 16;
    bench.reading.cells = cells(16, 3.3);
    CHECK(*bench.at(301).charge_voltage_v == 55.2);
    CHECK(*bench.out().low_voltage_v == 46.4);
}

TEST_CASE("an unknown switch counts as on") {
    Bench bench;
    bench.reading.charge_fet.reset();
    bench.reading.discharge_fet.reset();
    const auto& out = bench.at(0);
    CHECK(out.allow_charge == true);
    CHECK(out.allow_discharge == true);
    CHECK(out.state == kStateRunning);
}

TEST_CASE("state and mode follow what is allowed") {
    Bench bench;
    bench.reading.charge_fet = false;
    CHECK(bench.at(0).state == kStateRunning);
    bench.reading.discharge_fet = false;
    CHECK(bench.at(1).state == kStateStandby);
    CHECK(bench.out().mode == kModeOff);
    bench.reading.discharge_fet = true;
    bench.until(40);  // the discharge limit recovers
    CHECK(bench.out().state == kStateRunning);
    CHECK(bench.out().mode == kModeOn);
}

TEST_CASE("step mode takes the neighbour of its direction") {
    Bench bench;
    bench.settings.charge_mode = 2;
    bench.settings.charge_by_soc = true;
    bench.settings.discharge_by_soc = true;
    bench.reading.soc_percent = 86;  // charge: upper neighbour of 85..90
    CHECK(*bench.at(0).charge_current_a == 25);
    Bench low = bench;
    low.state = {};
    low.reading.soc_percent = 7;  // discharge: upper neighbour of 5..10
    CHECK(*low.at(0).discharge_current_a == 12);
    Bench hot = bench;
    hot.state = {};
    hot.reading.soc_percent = 50;
    hot.reading.mosfet_c = 79.9;  // lower neighbour in both directions
    CHECK(*hot.at(0).charge_current_a == 50);
    CHECK(*hot.out().discharge_current_a == 60);
}

TEST_CASE("where maxima come from is a choice of each direction") {
    const auto limits = [](double charge_source, double discharge_source, bool use_bms) {
        Bench bench;
        bench.settings.charge_current_source = charge_source;
        bench.settings.discharge_current_source = discharge_source;
        bench.settings.use_bms_limits = use_bms;
        bench.reading.bms_charge_current_a = 40;
        bench.reading.bms_discharge_current_a = 100;
        bench.at(0);
        return std::pair(*bench.out().charge_current_a, *bench.out().discharge_current_a);
    };
    CHECK(limits(2, 2, false) == std::pair(40.0, 60.0));   // the lower of both
    CHECK(limits(0, 0, false) == std::pair(50.0, 60.0));   // own
    CHECK(limits(1, 1, false) == std::pair(40.0, 100.0));  // the BMS's
    CHECK(limits(0, 0, true) == std::pair(40.0, 100.0));
    Bench silent;
    silent.settings.use_bms_limits = true;
    CHECK(*silent.at(0).charge_current_a == 50);  // it does not say
}

TEST_CASE("a least limit keeps an inverter on, but not against the BMS") {
    Bench bench;
    bench.settings.min_discharge_limit_a = 0.1;
    bench.reading.cells = cells(16, 3.0, {2.7});
    CHECK(*bench.at(0).discharge_current_a == 0.1);
    CHECK(discharge_text(bench.out()) == "Cell Voltage");
    bench.reading.bms_discharge_current_a = 0;
    CHECK(*bench.at(1).discharge_current_a == 0);
    CHECK(discharge_text(bench.out()) == "BMS Settings");
    bench.reading.bms_discharge_current_a.reset();
    CHECK(*bench.until(31).discharge_current_a == 0);
    CHECK(*bench.until(33).discharge_current_a == 0.1);  // allowed again, after hold and ramp
    bench.reading.discharge_fet = false;
    CHECK(*bench.at(34).discharge_current_a == 0);
}

TEST_CASE("the change that is published at once is counted in milliamperes") {
    Bench bench;
    bench.settings.max_charge_current_a = 27.3;
    bench.settings.charge_cell_voltage = {{3.3, 3.4}, {1, 0}};
    bench.reading.cells = cells(16, 3.3);
    bench.at(0);
    bench.reading.cells = cells(16, 3.333);  // 18.291 A: exactly 33 % less
    CHECK(*bench.at(1).charge_current_a == 18.291);
    bench.reading.cells = cells(16, 3.334);  // a small change waits
    CHECK(*bench.until(60).charge_current_a == 18.291);
    CHECK(*bench.at(61).charge_current_a == 18.018);
}

TEST_CASE("a maximum that was lowered is never exceeded, not even until the next refresh") {
    Bench bench;
    bench.reading.bms_charge_current_a = 48;
    bench.at(0);
    bench.reading.bms_charge_current_a = 40;  // 17 % less
    CHECK(*bench.at(1).charge_current_a == 40);
    CHECK(charge_text(bench.out()) == "BMS Settings");
    bench.settings.max_discharge_current_a = 55;
    CHECK(*bench.at(2).discharge_current_a == 55);
}

TEST_CASE("a suppressed dip does not restart the hold, a passed-on one does") {
    Bench bench;
    bench.reading.cells = cells(16, 3.39);
    bench.at(0);
    bench.reading.cells = cells(16, 3.3);
    bench.until(10);                         // recovering, holding since 1
    bench.reading.cells = cells(16, 3.391);  // 26.5 A: less than a third below 27.5
    bench.at(11);
    CHECK(*bench.out().charge_current_a == 27.5);
    bench.reading.cells = cells(16, 3.3);
    bench.until(31);
    CHECK(*bench.out().charge_current_a == 27.5);  // first ramp poll
    CHECK(*bench.at(32).charge_current_a == 32.5);
    bench.reading.cells = cells(16, 3.4);
    CHECK(*bench.at(33).charge_current_a == 12.5);
    bench.reading.cells = cells(16, 3.3);
    bench.until(34 + 29);
    CHECK(charge_text(bench.out()) == "Max Battery Charge Current *");
    CHECK(*bench.at(64).charge_current_a == 12.5);
    CHECK(*bench.at(65).charge_current_a == 17.5);
}

TEST_CASE("both directions recover independently with their own settings") {
    Bench bench;
    bench.settings.dcl_hold_s = 0;
    bench.settings.dcl_rate_a_per_s = 0;
    bench.reading.charge_fet = false;
    bench.reading.discharge_fet = false;
    bench.at(0);
    bench.reading.charge_fet = true;
    bench.reading.discharge_fet = true;
    bench.at(1);
    CHECK(*bench.out().discharge_current_a == 60);
    CHECK(*bench.out().charge_current_a == 0);
    CHECK(*bench.until(32).charge_current_a == 5);
}

// ------------------------------------------------------------------------------------------ state of charge

TEST_CASE("counting starts with what is stored, else with the BMS, else full") {
    const auto start = [](std::optional<double> stored, std::optional<double> bms) {
        Bench bench;
        bench.settings.soc_calculation = true;
        bench.state.soc.stored_percent = stored;
        bench.reading.soc_percent = bms;
        return *bench.at(0).soc_percent;
    };
    CHECK(start(30, 80) == 30);
    CHECK(start(0, 80) == 0);
    CHECK(start(std::nullopt, 80) == 80);
    CHECK(start(std::nullopt, std::nullopt) == 100);
}

TEST_CASE("counting goes on over a silence and stays within the capacity") {
    Bench bench;
    bench.settings.soc_calculation = true;
    bench.settings.safe_window_min_v = 3;
    bench.reading.current_a = 28;
    bench.at(0);
    bench.silent_until(99);
    bench.at(100);  // 100 s of 28 A
    CHECK(*bench.out().soc_percent == round_to(50 + 100 * 28.0 / 3600 / 2.8, 2));
    bench.reading.current_a = 1000;
    bench.at(2000);
    CHECK(*bench.out().soc_percent == 100);
    CHECK(*bench.out().remaining_ah == 280);
    CHECK(*bench.out().consumed_ah == 0);
    CHECK_FALSE(std::signbit(*bench.out().consumed_ah));
    CHECK(*bench.out().soc_bms_percent == 50);
}

TEST_CASE("a minute of load on an empty cell makes an empty battery") {
    Bench bench;
    bench.settings.soc_calculation = true;
    bench.reading.cells = cells(16, 3.0, {2.9});
    bench.reading.current_a = -1;
    bench.at(0);  // not in the first poll
    bench.until(61);
    CHECK(*bench.out().soc_percent > 49);  // 60 s since the start at 1: not yet more
    CHECK(*bench.at(62).soc_percent == 0);
    // A current that turns restarts it.
    Bench rest;
    rest.settings.soc_calculation = true;
    rest.reading.cells = cells(16, 3.0, {2.9});
    rest.reading.current_a = -1;
    rest.until(50);
    rest.reading.current_a = 0;
    rest.at(51);
    rest.reading.current_a = -1;
    CHECK(*rest.until(111).soc_percent > 49);
    CHECK(*rest.at(112).soc_percent == 0);
}

TEST_CASE("efficiency, own consumption and a full battery by its tail current are counted when set") {
    Bench bench;
    bench.settings.soc_calculation = true;
    bench.settings.charge_efficiency = 0.98;
    bench.settings.own_consumption_a = 0.1;
    bench.reading.current_a = 10;
    bench.at(0);
    bench.at(3600);
    CHECK(*bench.out().remaining_ah == Approx(140 + 9.8 - 0.1).epsilon(1e-4));
    bench.reading.current_a = -10;
    bench.at(7200);
    CHECK(*bench.out().remaining_ah == Approx(149.7 - 10.1).epsilon(1e-4));

    Bench tail;
    tail.settings.soc_calculation = true;
    tail.settings.full_tail_current_a = 7;
    tail.reading.cells = cells(16, 3.45);
    tail.reading.current_a = 6;
    tail.at(0);
    tail.until(61);
    CHECK(*tail.out().soc_percent < 51);
    tail.until(62);
    CHECK(*tail.out().soc_percent == 100);
}

TEST_CASE("an external sensor wins over counting and the BMS while it has a value") {
    Bench bench;
    bench.settings.soc_calculation = true;
    bench.settings.external_soc_path = "/Soc";
    bench.settings.external_current_path = "/Dc/0/Current";
    bench.settings.current_map = {{-300, 300}, {-600, 600}};
    bench.around.external_soc_percent = 77.12345;
    bench.around.external_current_a = 12.34567;
    bench.reading.current_a = 5;
    CHECK(*bench.at(0).soc_percent == 77.12);
    CHECK(*bench.out().current_a == 12.35);  // no map
    bench.around = {};
    CHECK(*bench.at(1).soc_percent == 50);
    CHECK(*bench.out().current_a == 10);
    bench.reading.charge_fet = false;
    CHECK(*bench.at(2).current_a == 0);
    bench.settings.external_current_path.clear();
    bench.around.external_current_a = 99;
    CHECK(*bench.at(3).current_a == 0);
}

TEST_CASE("the sign and the map correct the BMS's current, unless a switch makes it impossible") {
    Bench bench;
    bench.settings.current_sign = -1;
    bench.reading.current_a = 8;
    CHECK(*bench.at(0).current_a == -8);
    bench.reading.discharge_fet = false;
    CHECK(*bench.at(1).current_a == 0);
    bench.reading.discharge_fet.reset();
    CHECK(*bench.at(2).current_a == -8);  // unknown: nothing is cut
}

TEST_CASE("the user sets the counted state of charge") {
    Bench bench;
    bench.settings.soc_calculation = true;
    bench.at(0);
    set_soc(bench.state, bench.context(), 88);
    CHECK(*bench.at(1).soc_percent == 88);
    set_soc(bench.state, bench.context(), 250);
    CHECK(*bench.at(2).soc_percent == 100);
}

TEST_CASE("a stored state of charge is not believed when it is old and far off") {
    CHECK(stored_soc_believable(50, std::chrono::hours{24}, 90));
    CHECK_FALSE(stored_soc_believable(50, std::chrono::hours{25}, 90));
    CHECK(stored_soc_believable(50, std::chrono::hours{25}, 70));
    CHECK(stored_soc_believable(50, std::chrono::hours{25}, std::nullopt));
    CHECK_FALSE(stored_soc_believable(101, Seconds{1}, 90));
}

TEST_CASE("without a capacity of the BMS the setting counts") {
    Bench bench;
    bench.pack.capacity_ah.reset();
    CHECK(*bench.at(0).capacity_ah == 99);
    CHECK(*bench.out().remaining_ah == 49.5);
    bench.reading.remaining_ah = 51.2;
    CHECK(*bench.at(1).remaining_ah == 51.2);
    CHECK(*bench.out().consumed_ah == Approx(-47.8));
}

TEST_CASE("readings that cannot be count as no reply") {
    const auto accepted = [](auto change) {
        Bench bench;
        bench.reading.voltage_v = 52.8;
        change(bench);
        return poll(bench.state, bench.context(), &bench.reading, Millis{0});
    };
    CHECK(accepted([](Bench&) {}));
    CHECK(accepted([](Bench& b) { b.reading.current_a = -1000; }));
    CHECK_FALSE(accepted([](Bench& b) { b.reading.current_a = 1000.1; }));
    CHECK_FALSE(accepted([](Bench& b) { b.reading.current_a = std::nan(""); }));
    CHECK_FALSE(accepted([](Bench& b) { b.reading.voltage_v = 100.1; }));
    CHECK_FALSE(accepted([](Bench& b) { b.reading.voltage_v = -0.1; }));
    CHECK_FALSE(accepted([](Bench& b) { b.reading.soc_percent = 100.5; }));
    CHECK_FALSE(accepted([](Bench& b) { b.pack.capacity_ah = 5001; }));
    CHECK(accepted([](Bench& b) { b.reading.soc_percent.reset(); }));
}

// ------------------------------------------------------------------------------------------ time to go

TEST_CASE("the average takes the good polls of 300 seconds, however often they come") {
    for (const double period : {0.5, 1.0, 10.0}) {
        Bench bench;
        bench.reading.current_a = -100;
        bench.at(0);
        bench.reading.current_a = 10;
        for (double t = period; t < 300; t += period) {
            bench.at(t);
        }
        CHECK(*bench.out().current_average_a < 10);
        CHECK(*bench.at(300).current_average_a == 10);  // t - 300 s < time <= t
    }
}

TEST_CASE("time to go ends where the system stops discharging") {
    const auto seconds = [](std::optional<Ess> ess) {
        Bench bench;
        bench.around.ess = ess;
        bench.reading.current_a = -28;
        return bench.at(0).time_to_go.seconds;
    };
    CHECK(seconds(std::nullopt) == 10800);
    CHECK(seconds(Ess{1, 10, 30, 5}) == 7200);
    CHECK(seconds(Ess{1, 12, 30, 5}) == 7200);
    CHECK(seconds(Ess{1, 2, 30, 40}) == 3600);
    CHECK(seconds(Ess{1, 9, 30, 40}) == 10800);   // keep charged
    CHECK(seconds(Ess{3, 10, 30, 40}) == 10800);  // external control
    CHECK(seconds(Ess{1, 10, std::nullopt, 40}) == 10800);
    CHECK_FALSE(seconds(Ess{1, 10, 60, 40}));  // below it already
}

TEST_CASE("no time to go while idle, without a state of charge, or when it is switched off") {
    Bench bench;
    bench.reading.current_a = -0.1;
    CHECK_FALSE(bench.at(0).time_to_go.seconds);
    Bench unknown;
    unknown.reading.current_a = -10;
    unknown.reading.soc_percent.reset();
    CHECK_FALSE(unknown.at(0).time_to_go.seconds);
    Bench off;
    off.reading.current_a = -28;
    off.settings.time_to_go = false;
    off.settings.time_to_soc_points = {40, 60};
    CHECK_FALSE(off.at(0).time_to_go.seconds);
    CHECK(*off.out().current_average_a == -28);
    REQUIRE(off.out().time_to_go.to_points.size() == 2);
    CHECK(off.out().time_to_go.to_points[0] == 3600);
    CHECK_FALSE(off.out().time_to_go.to_points[1]);
}

TEST_CASE("time to go is computed every so often, at least every five seconds apart") {
    Bench bench;
    bench.settings.time_to_soc_every_s = 1;
    bench.reading.current_a = -28;
    bench.at(0);
    bench.reading.soc_percent = 40;
    CHECK(bench.until(4).time_to_go.seconds == 10800);
    CHECK(bench.at(5).time_to_go.seconds == 7200);
}

TEST_CASE("durations show their two biggest units") {
    CHECK(duration_text(93600) == "1d 2h");
    CHECK(duration_text(93661) == "1d 2h");
    CHECK(duration_text(125) == "2m 5s");
    CHECK(duration_text(3605) == "1h");
    CHECK(duration_text(86400) == "1d");
    CHECK(duration_text(15) == "15s");
    CHECK(duration_text(0) == "0s");
    Settings settings;
    CHECK(time_to_soc_text(settings, 93600) == "93600");
    settings.time_to_soc_form = 2;
    CHECK(time_to_soc_text(settings, 93600) == "1d 2h");
    settings.time_to_soc_form = 3;
    CHECK(time_to_soc_text(settings, 93600) == "93600 [1d 2h]");
}

// ------------------------------------------------------------------------------------------ history

TEST_CASE("history is seen from the poll after its evaluation on") {
    Bench bench;
    bench.reading.current_a = -36;
    bench.at(0);
    CHECK_FALSE(bench.out().history.total_ah_drawn);
    CHECK(*bench.at(1).history.total_ah_drawn == 0);
    bench.until(60);
    CHECK(*bench.out().history.total_ah_drawn == 0);
    CHECK(*bench.at(61).history.total_ah_drawn == Approx(0.6));
    CHECK(*bench.out().history.charge_cycles == Approx(0.6 / 280));
    CHECK(*bench.out().history.average_discharge_ah == Approx(0.6));
    CHECK_FALSE(bench.out().since_full_charge_s);
    Bench off;
    off.settings.history = false;
    off.until(100);
    CHECK_FALSE(off.out().history.total_ah_drawn);
}

TEST_CASE("a discharge begins when the average current turns negative") {
    Bench bench;
    bench.reading.current_a = -36;
    bench.until(600);
    bench.reading.current_a = 100;
    bench.until(900);
    CHECK(*bench.out().history.last_discharge_ah == Approx(6).margin(0.7));
    const double before = *bench.out().history.total_ah_drawn;
    bench.reading.current_a = -36;
    bench.until(1600);
    CHECK(*bench.out().history.last_discharge_ah < 6.5);  // began anew
    CHECK(bench.state.history.discharges == 2);
    CHECK(*bench.out().history.total_ah_drawn > before);
    CHECK(*bench.out().history.average_discharge_ah == Approx(*bench.out().history.total_ah_drawn / 2));
}

TEST_CASE("empty batteries and alarms are counted when they come, not while they last") {
    Bench bench;
    bench.reading.alarms.supports(Alarm::low_voltage);
    bench.until(61);
    const auto alarm = [](Level level) {
        bms::Alarms alarms;
        alarms.raise(Alarm::low_cell_voltage, level);
        return alarms;
    };
    bench.reading.soc_percent = 0;
    bench.reading.alarms = alarm(Level::alarm);
    bench.until(300);
    CHECK(*bench.out().history.full_discharges == 1);
    CHECK(*bench.out().history.low_voltage_alarms == 1);
    CHECK(*bench.out().history.high_voltage_alarms == 0);
    bench.reading.soc_percent = 15;
    bench.reading.alarms = alarm(Level::ok);
    bench.until(400);
    bench.reading.soc_percent = 0;
    bench.reading.alarms = alarm(Level::warning);
    bench.until(500);
    CHECK(*bench.out().history.full_discharges == 1);  // not above 15 % in between
    CHECK(*bench.out().history.low_voltage_alarms == 2);
    bench.reading.soc_percent = 16;
    bench.until(600);
    bench.reading.soc_percent = 0;
    bench.until(700);
    CHECK(*bench.out().history.full_discharges == 2);
}

TEST_CASE("a BMS's own history replaces ours") {
    Bench bench;
    bench.reading.history.charge_cycles = 100;
    bench.reading.history.minimum_cell_voltage = 2.5;
    bench.at(0);
    bench.at(1);
    CHECK(*bench.out().history.charge_cycles == 100);
    CHECK(*bench.out().history.total_ah_drawn == 28000);
    CHECK(*bench.out().history.discharged_energy_kwh == Approx(3.375 * 16 * 280 * 100 / 1000));
    CHECK(*bench.out().history.minimum_cell_voltage == 2.5);
}

TEST_CASE("clearing a group leaves the others and counts on from nothing") {
    Bench bench;
    bench.reading.current_a = -36;
    bench.reading.cells = cells(16, 3.2);
    bench.until(121);
    bench.reading.cells = cells(16, 3.3);
    bench.at(122);
    clear_history(bench.state, bench.context(), HistoryGroup::voltage, Millis{122000});
    CHECK(*bench.out().history.minimum_cell_voltage == 3.3);
    CHECK(*bench.out().history.total_ah_drawn > 1);
    clear_history(bench.state, bench.context(), HistoryGroup::capacity, Millis{122000});
    CHECK(*bench.out().history.total_ah_drawn == 0);
    CHECK_FALSE(bench.out().history.charge_cycles);
    CHECK(*bench.out().history.discharged_energy_kwh > 0);
    clear_history(bench.state, bench.context(), HistoryGroup::all, Millis{122000});
    CHECK(*bench.out().history.discharged_energy_kwh == 0);
    bench.until(183);
    CHECK(*bench.out().history.total_ah_drawn == Approx(0.6));
    for (const auto group :
         {HistoryGroup::time, HistoryGroup::alarms, HistoryGroup::temperature, HistoryGroup::energy}) {
        clear_history(bench.state, bench.context(), group, bench.now);
        CHECK(*bench.out().history.total_ah_drawn == Approx(0.61));  // one second more
    }
}

// ------------------------------------------------------------------------------------------ alarms

TEST_CASE("an alarm rises at once and falls after its cause has been gone for a while") {
    Bench bench;
    bench.settings.alarm_clear_delay_s = 10;
    const auto with = [&bench](Level level) {
        bench.reading.alarms.clear();
        bench.reading.alarms.raise(Alarm::cell_imbalance, level);
    };
    const auto shown = [&bench](double t) { return bench.at(t).alarms[Alarm::cell_imbalance]; };
    with(Level::ok);
    CHECK(shown(0) == Level::ok);
    with(Level::alarm);
    CHECK(shown(1) == Level::alarm);
    with(Level::warning);
    CHECK(shown(2) == Level::alarm);
    CHECK(shown(11) == Level::alarm);
    CHECK(shown(12) == Level::warning);
    with(Level::ok);
    CHECK(shown(13) == Level::warning);
    with(Level::warning);
    CHECK(shown(14) == Level::warning);  // came back in time
    with(Level::ok);
    CHECK(shown(24) == Level::warning);
    CHECK(shown(34) == Level::ok);
    // A warning that an alarm leaves behind lasts as long as any other.
    with(Level::alarm);
    CHECK(shown(40) == Level::alarm);
    with(Level::warning);
    CHECK(shown(41) == Level::alarm);
    CHECK(shown(45) == Level::alarm);
    with(Level::ok);
    CHECK(shown(46) == Level::alarm);
    CHECK(shown(51) == Level::warning);
    CHECK(shown(60) == Level::warning);
    CHECK(shown(61) == Level::ok);
    CHECK_FALSE(bench.out().alarms[Alarm::fuse_blown]);
}

TEST_CASE("low charge is an alarm of ours when the state of charge is ours") {
    Bench bench;
    bench.settings.soc_calculation = true;
    const auto level = [&bench](double t, double percent) {
        set_soc(bench.state, bench.context(), percent);
        return bench.at(t).alarms[Alarm::low_soc];
    };
    bench.at(0);
    CHECK(level(1, 20) == Level::ok);
    CHECK(level(2, 19.9) == Level::warning);
    CHECK(level(3, 10) == Level::warning);
    CHECK(level(4, 9.9) == Level::alarm);
    bench.settings.soc_calculation = false;
    // Of the BMS's state of charge it is computed where the BMS has no such alarm.
    bench.reading.soc_percent = 9;
    CHECK(bench.at(5).alarms[Alarm::low_soc] == Level::alarm);
    bench.reading.alarms.supports(Alarm::low_soc);
    bench.at(6);
    CHECK(bench.at(16).alarms[Alarm::low_soc] == Level::ok);
}

TEST_CASE("a nearly empty battery asks to be charged until it is no longer low") {
    Bench bench;
    bench.reading.soc_percent = 10;
    CHECK_FALSE(bench.at(0).charge_request);
    bench.reading.soc_percent = 9.9;
    CHECK(bench.at(1).charge_request);
    bench.reading.soc_percent = 19.9;
    CHECK(bench.at(2).charge_request);
    bench.reading.soc_percent = 20;
    CHECK_FALSE(bench.at(3).charge_request);
    bench.reading.cells = cells(16, 3.0, {2.899});
    CHECK(bench.at(4).charge_request);
}

TEST_CASE("the device state shows the worst first") {
    Output out;
    out.allow_charge = true;
    CHECK(device_state(out) == 0x100);
    out.allow_charge = false;
    out.allow_discharge = false;
    CHECK(device_state(out) == 0x104);
    out.alarms.raise(Alarm::low_voltage, Level::alarm);
    CHECK(device_state(out) == 0x105);
    out.alarms.raise(Alarm::high_temperature, Level::warning);
    CHECK(device_state(out) == 0x102);
    out.alarms.raise(Alarm::high_charge_temperature, Level::alarm);
    CHECK(device_state(out) == 0x101);
    out.alarms.raise(Alarm::internal_failure, Level::alarm);
    CHECK(device_state(out) == 0x103);
}

// ------------------------------------------------------------------------------------------ silence

TEST_CASE("a silent BMS with safe cells keeps its limits, then the service goes") {
    Bench bench;
    bench.until(10);
    CHECK(bench.out().connection == "Connected");
    bench.silent_at(11);
    CHECK(bench.out().connection == "Connected");  // one lost reply shows nothing
    bench.silent_until(26);
    CHECK(bench.out().connection == "Lost for: 15s | Disconnect in: 29m 45s");
    CHECK(bench.out().online == false);
    CHECK_FALSE(bench.out().voltage_v);
    CHECK_FALSE(bench.out().current_average_a);
    CHECK(*bench.out().soc_percent == 50);
    CHECK(*bench.out().charge_current_a == 50);
    CHECK_FALSE(bench.out().gone);
    bench.silent_until(1811);
    CHECK(bench.out().gone);
    CHECK(bench.out().bms_cable == Level::alarm);
    const auto after = bench.at(1812);  // nothing changes any more
    CHECK(after.gone);
    CHECK_FALSE(after.voltage_v);
}

TEST_CASE("unsafe cells or the wish to block stop the current after ten seconds of silence") {
    for (const bool wish : {false, true}) {
        Bench bench;
        bench.settings.block_on_disconnect = wish;
        if (!wish) {
            bench.reading.cells = cells(16, 3.3, {3.375});  // not strictly inside the window
        }
        bench.until(10);
        bench.silent_until(20);
        CHECK(*bench.out().charge_current_a == 50);
        bench.silent_at(21);
        CHECK(*bench.out().charge_current_a == 0);
        CHECK(*bench.out().discharge_current_a == 0);
        CHECK(charge_text(bench.out()) == "Connection lost");
        CHECK(bench.out().allow_charge == false);
        CHECK(bench.out().allow_discharge == false);
        CHECK(bench.out().charge_voltage_v == 55.2);  // stays
        // Back again: through hold and ramp.
        bench.at(30);
        CHECK(*bench.out().charge_current_a == 0);
        CHECK(bench.out().state == kStateStandby);
        CHECK(charge_text(bench.out()) == "Max Battery Charge Current *");
        bench.until(61);
        CHECK(*bench.out().charge_current_a == 5);
        CHECK(bench.out().state == kStateRunning);
        // Or gone after a minute.
        bench.silent_until(62 + 59);
        CHECK_FALSE(bench.out().gone);
        CHECK(bench.silent_at(62 + 60).gone);
    }
}

TEST_CASE("single lost replies never add up") {
    Bench bench;
    bench.reading.cells = cells(16, 3.40);  // outside the safe window
    for (int t = 0; t <= 600; ++t) {
        if (t % 3 == 2) {
            bench.silent_at(t);
        } else {
            bench.at(t);
        }
        REQUIRE_FALSE(bench.out().gone);
        REQUIRE(bench.out().online == true);
        REQUIRE(bench.out().bms_cable == Level::ok);
    }
    CHECK(bench.out().connection == "Connected (200 errors in the last 9m 58s)");
    bench.until(599 + 61);
    CHECK(bench.out().connection == "Connected");
}

TEST_CASE("the cable warning stays until a minute has passed without an error") {
    Bench bench;
    bench.until(10);
    bench.silent_until(72);
    CHECK(bench.out().bms_cable == Level::warning);
    bench.at(73);
    CHECK(bench.out().online == true);
    CHECK(bench.out().bms_cable == Level::warning);
    bench.until(132);
    CHECK(bench.out().bms_cable == Level::warning);
    CHECK(bench.at(133).bms_cable == Level::ok);
    Bench off;
    off.settings.bms_cable_alarm = false;
    off.at(0);
    off.silent_until(1900);
    CHECK(off.out().gone);
    CHECK(off.out().bms_cable == Level::ok);
}

TEST_CASE("a slow battery is not off line for one lost reply") {
    Bench bench;
    bench.interval = Millis{15000};
    bench.settings.block_on_disconnect = true;
    bench.at(0);
    bench.silent_at(15);
    bench.silent_at(30);
    bench.silent_at(45);
    CHECK(bench.out().online == true);
    CHECK(*bench.out().charge_current_a == 50);
    bench.silent_at(60);
    CHECK(bench.out().online == false);
    CHECK(*bench.out().charge_current_a == 0);
}

TEST_CASE("energy and charge are not counted through a time off line") {
    Bench bench;
    bench.reading.current_a = -36;
    bench.until(60);
    bench.silent_until(100);
    bench.until(170);
    CHECK(*bench.out().history.total_ah_drawn == Approx(0.01 * (59 + 60)));  // 1...60 and 101...161
    Bench brief;
    brief.reading.current_a = -36;
    brief.until(60);
    brief.silent_until(65);
    brief.until(127);
    CHECK(*brief.out().history.total_ah_drawn == Approx(0.01 * 125));  // 1...126 without a gap
}

TEST_CASE("a battery that never answered shows nothing") {
    Bench bench;
    bench.silent_until(30);
    CHECK_FALSE(bench.out().charge_voltage_v);
    CHECK_FALSE(bench.out().voltage_v);
    CHECK(bench.out().state == kStateInitialising);
}
