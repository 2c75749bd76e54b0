// Several batteries as one, and what outlives a restart.
#include "battery_fixture.hpp"
#include "serialbattery/control/persistence.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <cmath>
#include <deque>
#include <random>

using namespace bms::control;
using bms::Alarm;
using bms::Level;
using test::Bench;
using test::cells;

namespace {

/// Batteries with names a, b, c, ... polled together every second.
struct Rack {
    std::deque<Bench> packs;
    BankState state;
    BankOutput out;
    Surroundings around;
    bool series = false;
    std::vector<bool> silent;
    int t = -1;

    explicit Rack(const std::vector<double>& capacities) {
        for (const double ah : capacities) {
            packs.emplace_back().pack.capacity_ah = ah;
        }
        silent.assign(capacities.size(), false);
    }

    Settings settings() const {
        std::vector<const Settings*> all;
        for (const auto& pack : packs) {
            all.push_back(&pack.settings);
        }
        return bank_settings(all);
    }

    const BankOutput& step() {
        ++t;
        std::vector<BankMember> members;
        static const std::array<std::string_view, 3> kNames = {"a", "b", "c"};
        for (std::size_t i = 0; i < packs.size(); ++i) {
            Bench& pack = packs[i];
            silent[i] ? pack.silent_at(t) : pack.at(t);
            members.push_back({.id = kNames[i],
                               .name = kNames[i],
                               .settings = &pack.settings,
                               .cell_count = pack.pack.cell_count,
                               .reading = &pack.reading,
                               .out = &pack.state.out,
                               .last_good = pack.state.last_good,
                               .interval = pack.interval,
                               .soh_percent = 100,
                               .resistance_ohm = {}});
        }
        const Millis now{t * 1000};
        out = series ? poll_series(state, settings(), members, around, now)
                     : poll_bank(state, settings(), members, around, now);
        return out;
    }
    const BankOutput& until(int seconds) {
        while (t < seconds) {
            step();
        }
        return out;
    }
    const Output& values() const { return out.values; }
};

MemberMemory member(double capacity_ah, double charge_a, double discharge_a = 100) {
    MemberMemory memory;
    memory.known = true;
    memory.live = true;
    memory.capacity_ah = capacity_ah;
    memory.charge = {.amps = charge_a, .maximum_a = charge_a, .limiters = limiter_bit(Limiter::cell_voltage)};
    memory.discharge = {.amps = discharge_a, .maximum_a = discharge_a, .limiters = 1};
    memory.safe_time = Seconds{1800};
    return memory;
}

double charge_amps(const std::vector<MemberMemory>& members, const Settings& settings = {}, int now_s = 0) {
    return bank_target(members, Direction::charge, settings, Seconds{now_s}).amps;
}

}  // namespace

// ------------------------------------------------------------------------------------------ limits

TEST_CASE("a bank carries what its weakest share allows") {
    const auto big = member(280, 100);
    auto small = member(140, 40);
    CHECK(charge_amps({big, small}) == 120);
    small.charge_fet_off = true;
    CHECK(charge_amps({big, small}) == 100);
    small.charge_fet_off = false;
    small.charge.amps = 0;
    CHECK(charge_amps({big, small}) == 0);
    CHECK(charge_amps({}) == 0);
    auto off = big;
    off.charge_fet_off = true;
    CHECK(charge_amps({off}) == 0);
    CHECK(bank_target(std::vector{off}, Direction::discharge, {}, Millis{0}).amps == 100);
    Settings capped;
    capped.bank_max_charge_current_a = 70;
    CHECK(charge_amps({big, member(140, 40)}, capped) == 70);
}

TEST_CASE("shares go by resistance when all are known, else by capacity, else evenly") {
    Settings settings;
    settings.bank_share_by = 1;
    auto a = member(100, 60);
    auto b = member(100, 60);
    CHECK(charge_amps({a, b}, settings) == 120);
    a.resistance_ohm = 0.010;
    b.resistance_ohm = 0.020;  // carries a third
    CHECK(charge_amps({a, b}, settings) == 90);
    b.resistance_ohm = 0;
    CHECK(charge_amps({a, b}, settings) == 120);
    b.capacity_ah = 0;
    a.charge.amps = 30;
    CHECK(charge_amps({a, b}) == 60);
}

TEST_CASE("a pack that states the sum over its stack gets no more than the others leave of it") {
    auto master = member(100, 120, 300);
    auto slave = member(100, 100, 100);
    auto elsewhere = member(100, 100, 100);
    master.bus = slave.bus = "ttyUSB0";
    elsewhere.bus = "ttyUSB1";
    master.limits_are_sums = true;
    master.bms_charge_a = 120;  // its own 20 A and the slave's 100 A
    master.bms_discharge_a = 500;
    slave.bms_charge_a = slave.bms_discharge_a = elsewhere.bms_charge_a = elsewhere.bms_discharge_a = 100;
    std::vector members = {master, slave, elsewhere};
    split_sums(members);
    CHECK(members[0].charge.amps == 20);
    CHECK(members[0].charge.limiters == limiter_bit(Limiter::bms_settings));
    CHECK(members[0].discharge.amps == 300);  // the configured limit is lower than what is left
    CHECK(members[1].charge.amps == 100);
    CHECK(charge_amps({members[0], members[1]}) == 40);
    SECTION("a lost slave still needs its part") {
        members[1].live = false;
        split_sums(members);
        CHECK(members[0].charge.amps == 20);
    }
    SECTION("what adds up to more than the sum leaves nothing") {
        members[0].charge.amps = 120;
        members[1].bms_charge_a = 150;
        split_sums(members);
        CHECK(members[0].charge.amps == 0);
    }
    SECTION("alone on its bus the sum is its own") {
        std::vector alone = {master, elsewhere};
        split_sums(alone);
        CHECK(alone[0].charge.amps == 120);
    }
}

TEST_CASE("a lost member's limits count while that is safe, then only the others' share is left") {
    const auto big = member(280, 100);
    auto lost = member(140, 40);
    lost.live = false;
    CHECK(charge_amps({big, lost}, {}, 1800) == 120);
    CHECK(charge_amps({big, lost}, {}, 1801) == 80);  // two thirds: never more than before
    lost.charge.amps = 10;
    CHECK(charge_amps({big, lost}, {}, 1801) == 20);
    lost.safe_time = Seconds{0};
    CHECK(charge_amps({big, lost}, {}, 11) == 20);
    lost.blocks_when_lost = true;
    const auto blocked = bank_target(std::vector{big, lost}, Direction::charge, {}, Seconds{11});
    CHECK(blocked.amps == 0);
    CHECK(blocked.limiters == limiter_bit(Limiter::connection_lost));
    lost.charge_fet_off = true;  // it cannot be charging
    CHECK(charge_amps({big, lost}, {}, 11) == 100);
    auto all_lost = big;
    all_lost.live = false;
    CHECK(charge_amps({all_lost}, {}, 1801) == 0);
}

TEST_CASE("whatever the members are, none gets more than its share and a loss never raises a limit") {
    std::mt19937 random(7);
    const auto pick = [&random](double low, double high) {
        return std::uniform_real_distribution<double>(low, high)(random);
    };
    for (int round = 0; round < 3000; ++round) {
        std::vector<MemberMemory> members;
        for (double count = pick(1, 7); count > 0; --count) {
            auto one = member(std::round(pick(50, 400)), pick(0, 1) < 0.1 ? 0 : std::round(pick(1, 200)));
            one.charge.maximum_a = 200;
            one.charge_fet_off = pick(0, 1) < 0.2;
            one.live = pick(0, 1) < 0.8;
            one.safe_time = Seconds{pick(0, 1) < 0.5 ? 0 : 1800};
            members.push_back(one);
        }
        const double amps = charge_amps(members, {}, 100);
        double weight = 0;
        double maximum = 0;
        bool live = false;
        for (const auto& one : members) {
            weight += one.charge_fet_off ? 0 : one.capacity_ah;
            maximum += one.charge_fet_off ? 0 : one.charge.maximum_a;
            live = live || (one.live && !one.charge_fet_off);
        }
        REQUIRE(amps >= 0);
        REQUIRE(amps <= maximum + 0.001);
        for (const auto& one : members) {
            if (!one.charge_fet_off) {
                REQUIRE(amps * one.capacity_ah / weight <= one.charge.amps + 0.001);
            }
        }
        if (!live
            && std::ranges::none_of(members, [](const auto& one) { return one.safe_time > Seconds{0}; })) {
            REQUIRE(amps == 0);
        }
        auto fewer = members;
        fewer.front().live = false;
        fewer.front().safe_time = Seconds{0};
        REQUIRE(charge_amps(fewer, {}, 100) <= amps + 0.001);
        fewer.front().blocks_when_lost = true;
        if (!fewer.front().charge_fet_off) {
            REQUIRE(charge_amps(fewer, {}, 100) == 0);
        }
    }
}

// ------------------------------------------------------------------------------------------ a bank at work

TEST_CASE("a bank shows means, sums and true extremes") {
    Rack rack({280, 140});
    rack.packs[0].reading.soc_percent = 80;
    rack.packs[1].reading.soc_percent = 50;
    rack.packs[0].reading.current_a = -30;
    rack.packs[1].reading.current_a = -12;
    rack.packs[0].reading.cells = cells(16, 3.3, {3.25});
    rack.packs[1].reading.cells = cells(16, 3.3, {3.3, 3.3, 3.3, 3.3, 3.3, 3.3, 3.35});
    rack.packs[0].reading.temperatures_c = {20.0, 24.0};
    rack.packs[1].reading.temperatures_c = {30.0};
    rack.packs[1].reading.balancing = true;
    rack.packs[0].reading.alarms.raise(Alarm::cell_imbalance, Level::warning);
    rack.packs[1].reading.alarms.raise(Alarm::cell_imbalance, Level::ok);
    const auto& out = rack.step();
    const Output& v = out.values;
    CHECK(*v.voltage_v == round_to((52.75 + 52.85) / 2, 2));
    CHECK(*v.current_a == -42);
    CHECK(*v.soc_percent == 70);
    CHECK(*v.remaining_ah == 294);
    CHECK(*v.consumed_ah == -126);
    CHECK(*v.capacity_ah == 420);
    CHECK(v.time_to_go.seconds == 18000);
    CHECK(*out.soh_percent == 100);
    CHECK(*v.temperatures.battery_c == 26);
    CHECK(*v.temperatures.min_c == 20);
    CHECK(out.min_temperature_id == "a: Temp 1");
    CHECK(out.max_temperature_id == "b: Temp 1");
    CHECK(out.min_cell_id == "a:C1");
    CHECK(out.max_cell_id == "b:C7");
    CHECK(v.cells.min_v == 3.25);
    CHECK(v.alarms[Alarm::cell_imbalance] == Level::warning);
    CHECK_FALSE(v.alarms[Alarm::fuse_blown]);
    CHECK(out.batteries == 2);
    CHECK(out.online == 2);
    CHECK(out.offline == 0);
    CHECK(out.cells_per_battery == 16U);
    CHECK(out.balancing);
    CHECK(*v.low_voltage_v == 46.4);
    CHECK(*v.charge_voltage_v == 55.2);
    CHECK(*v.charge_current_a == 75);  // 50 A each at shares of 2/3 and 1/3
    CHECK(*v.discharge_current_a == 90);
    CHECK(v.state == kStateRunning);
    CHECK(v.bms_cable == Level::ok);
}

TEST_CASE("one machine runs for the whole bank") {
    Rack rack({100, 100});
    for (auto& pack : rack.packs) {
        pack.reading.soc_percent = 99;
        pack.reading.cells = cells(16, 3.45);
    }
    rack.packs[1].reading.cells = cells(16, 3.449);
    CHECK(rack.step().values.phase == Phase::bulk);  // the lowest sum has not reached the target
    rack.packs[1].reading.cells = cells(16, 3.45);
    CHECK(rack.step().values.phase == Phase::absorption);
    rack.packs[1].reading.cells = cells(16, 3.449, {3.47});
    rack.step();  // too far apart: absorption starts anew
    CHECK(rack.values().cell_ovp == CellOvp::hold);
    CHECK(*rack.values().charge_voltage_exact_v == Approx(55.185));  // 55.205 less 0.02
    rack.packs[1].reading.cells = cells(16, 3.45);
    rack.until(903);
    CHECK(rack.values().phase == Phase::float_transition);
    CHECK(rack.values().set_bms_full);
    CHECK_FALSE(rack.step().values.set_bms_full);
    // One member below the threshold ends float for all.
    rack.packs[0].reading.soc_percent = 79;
    CHECK(rack.step().values.phase == Phase::bulk);
}

TEST_CASE("a bank obeys the most careful of its members' settings") {
    Rack rack({100, 100});
    rack.packs[0].settings.max_cell_v = 3.5;
    rack.packs[1].settings.max_cell_v = 3.4;
    rack.packs[1].settings.float_cell_v = 3.35;
    rack.packs[0].settings.min_cell_v = 3.0;
    rack.packs[0].settings.voltage_drop_v = 0.2;
    CHECK(*rack.step().values.charge_voltage_v == 54.4);
    CHECK(*rack.values().low_voltage_v == 48);
    CHECK(bank_settings({}).max_cell_v == Settings{}.max_cell_v);
}

TEST_CASE("a member with both switches open takes no part, one with an open charge switch no charge") {
    Rack rack({280, 140});
    rack.packs[1].reading.charge_fet = false;
    rack.packs[1].reading.discharge_fet = false;
    rack.packs[1].reading.cells = cells(16, 3.0);
    rack.packs[1].reading.alarms.raise(Alarm::low_voltage, Level::alarm);
    rack.packs[1].settings.bank_soften_alarms = true;
    rack.packs[0].settings.bank_soften_alarms = true;
    const auto& out = rack.step();
    CHECK(*out.values.voltage_v == 52.8);
    CHECK(*out.values.charge_current_a == 50);
    CHECK(out.blocking_charge == 1);
    CHECK(out.values.allow_charge == true);
    CHECK(out.values.alarms[Alarm::low_voltage] == Level::warning);
    rack.packs[0].reading.charge_fet = false;
    rack.packs[0].reading.discharge_fet = false;
    rack.step();
    CHECK(*rack.values().charge_current_a == 0);
    CHECK(rack.values().state == kStateStandby);
    CHECK(rack.values().alarms[Alarm::low_voltage] == Level::alarm);  // nobody carries the load
    CHECK(*rack.values().voltage_v == round_to((52.8 + 48) / 2, 2));
}

TEST_CASE("a bank lives on with what is left of it, and welcomes a member back") {
    Rack rack({280, 140});
    rack.packs[0].reading.current_a = -20;
    rack.packs[1].reading.current_a = -10;
    rack.until(10);
    rack.silent[1] = true;
    rack.until(25);
    CHECK(rack.out.online == 1);
    CHECK(rack.out.offline == 1);
    CHECK(rack.values().bms_cable == Level::warning);
    CHECK(*rack.values().current_a == -20);
    CHECK(*rack.values().soc_percent == 50);
    CHECK(*rack.values().capacity_ah == 420);      // its last state of charge still counts
    CHECK(*rack.values().charge_current_a == 75);  // and so do its limits: its cells were safe
    rack.until(10 + 1801);
    CHECK(*rack.values().capacity_ah == 280);
    CHECK(*rack.values().charge_current_a == 50);  // the others' share is left
    CHECK(limitation_text(rack.values().charge_limitation, Direction::charge) == "Connection lost");
    rack.packs[1].state = {};  // its service left the bus and starts anew
    rack.silent[1] = false;
    rack.step();
    CHECK(rack.out.online == 2);
    CHECK(*rack.values().charge_current_a == 50);  // hold and ramp
    rack.until(rack.t + 40);
    CHECK(*rack.values().charge_current_a == 75);
    CHECK(rack.values().bms_cable == Level::ok);
}

TEST_CASE("a lost member that must block blocks the bank, one with open switches does not") {
    for (const bool open : {false, true}) {
        Rack rack({100, 100});
        rack.packs[1].settings.block_on_disconnect = true;
        if (open) {
            rack.packs[1].reading.charge_fet = false;
            rack.packs[1].reading.discharge_fet = false;
        }
        rack.until(10);
        const double before = *rack.values().charge_current_a;
        rack.silent[1] = true;
        rack.until(19);
        CHECK(*rack.values().charge_current_a == before);
        rack.until(21);
        CHECK(*rack.values().charge_current_a == (open ? 50 : 0));
        CHECK(rack.values().allow_charge == open);
    }
}

TEST_CASE("a bank all of whose members are lost keeps its limits while that is safe, then leaves the bus") {
    Rack rack({100, 100});
    rack.until(5);
    rack.silent = {true, true};
    rack.until(100);
    CHECK_FALSE(rack.values().voltage_v);
    CHECK_FALSE(rack.values().current_a);
    CHECK(rack.values().bms_cable == Level::alarm);
    CHECK(*rack.values().charge_current_a == 100);
    CHECK(*rack.values().charge_voltage_v == 55.2);
    CHECK_FALSE(rack.values().gone);
    rack.until(5 + 1800);
    CHECK(rack.values().gone);
    rack.step();
    CHECK(*rack.values().charge_current_a == 0);
}

TEST_CASE("a bank whose members do not stay is gone with the last of them") {
    Rack rack({100, 100});
    for (auto& pack : rack.packs) {
        pack.settings.disconnect_minutes = 0;
    }
    rack.until(5);
    rack.silent = {true, false};
    CHECK_FALSE(rack.until(30).values.gone);
    rack.silent = {true, true};
    CHECK(rack.until(30 + 10).values.gone);
}

TEST_CASE("members of different cell counts are no bank") {
    Rack rack({100, 100});
    rack.packs[1].pack.cell_count = 15;
    rack.packs[1].reading.cells = cells(15, 3.3);
    rack.step();
    CHECK_FALSE(rack.out.cells_per_battery);
    CHECK(*rack.values().charge_current_a == 0);
    CHECK(rack.values().state == kStateError);
    CHECK(rack.values().error_code == 9);
    CHECK_FALSE(rack.values().charge_voltage_v);
    // Nor are those that do not say how many cells they have.
    Rack silent({100, 100});
    for (auto& pack : silent.packs) {
        pack.pack.cell_count = 0;
    }
    silent.step();
    CHECK_FALSE(silent.out.cells_per_battery);
    CHECK_FALSE(silent.values().charge_voltage_v);
    CHECK(*silent.values().charge_current_a == 0);
}

TEST_CASE("a bank without members knows nothing, and can forget one") {
    BankState state;
    const auto out = poll_bank(state, Settings{}, {}, Surroundings{}, Millis{0});
    CHECK(out.batteries == 0);
    CHECK(out.values.gone);
    CHECK_FALSE(out.values.charge_current_a);
    Rack rack({100, 100});
    rack.until(3);
    forget_member(rack.state, "b");
    CHECK(rack.state.members.size() == 1);
    CHECK(rack.step().batteries == 2);  // it still answers
}

TEST_CASE("a string adds voltages, the weakest member decides the rest, a missing one breaks it") {
    Rack rack({280, 140});
    rack.series = true;
    for (auto& pack : rack.packs) {
        pack.pack.cell_count = 8;
        pack.reading.cells = cells(8, 3.3);
        pack.reading.current_a = -10;
    }
    rack.packs[0].reading.soc_percent = 80;
    rack.packs[1].reading.cells = cells(8, 3.3, {3.4});
    rack.step();
    CHECK(*rack.values().voltage_v == 52.9);
    CHECK(*rack.values().current_a == -10);
    CHECK(*rack.values().power_w == Approx(-529));
    CHECK(*rack.values().soc_percent == 50);
    CHECK(*rack.values().capacity_ah == 140);
    CHECK(*rack.values().remaining_ah == 70);
    CHECK(*rack.values().charge_voltage_v == 55.2);
    CHECK(*rack.values().charge_current_a == 12.5);
    CHECK(*rack.values().low_voltage_v == 46.4);
    // A limited member: the other one counts as it is.
    rack.packs[1].reading.cells = cells(8, 3.3, {3.5});
    rack.step();
    CHECK(*rack.values().charge_voltage_v == round_to(26.4 + (8 * 3.3 + 0.2 - 0.05), 2));
    rack.silent[0] = true;
    rack.until(20);
    CHECK(*rack.values().charge_current_a == 0);
    CHECK(*rack.values().discharge_current_a == 0);
    // Nothing is known of the whole any more; the limits have to stand, or nobody would obey the zeros.
    CHECK_FALSE(rack.values().voltage_v);
    CHECK_FALSE(rack.values().current_a);
    CHECK_FALSE(rack.values().power_w);
    CHECK(rack.values().charge_voltage_v);
    CHECK(*rack.values().low_voltage_v == 46.4);
}

// ------------------------------------------------------------------------------------------ restart

TEST_CASE("what was kept continues after a restart, on another monotonic clock") {
    Bench bench;
    bench.settings.soc_calculation = true;
    bench.settings.soc_reset_days = 30;
    bench.state.voltage.last_reset = Seconds{-86400};
    bench.reading.cells = cells(16, 3.45);
    bench.reading.current_a = 20;
    bench.state.soc.stored_percent = 42;
    bench.at(0);
    bench.until(300);
    const Clocks then = {.monotonic = bench.now, .unix_time = Seconds{1'800'000'000}};
    const auto kept = to_persist(bench.state, then);
    const auto read = from_stored(stored_values(kept));
    CHECK(read.absorption_since == kept.absorption_since);
    CHECK(read.history.minimum_voltage == kept.history.minimum_voltage);

    Bench next;
    next.settings = bench.settings;
    next.reading = bench.reading;
    const Clocks now = {.monotonic = Millis{7'000'000}, .unix_time = Seconds{1'800'000'100}};
    restore(next.state, read, now, 43);
    CHECK(next.state.voltage.absorption_since == Seconds{7'000 - 400});
    CHECK(next.state.voltage.last_reset == Seconds{7'000 - 400 - 86400});
    next.at(7000);
    CHECK(next.out().phase == Phase::absorption);
    CHECK(*next.out().soc_percent == round_to(*bench.out().soc_percent, 2));
    CHECK(*next.at(7001).history.maximum_voltage == 55.2);
}

TEST_CASE("an absorption timer is dropped when the last poll is long ago") {
    Bench bench;
    bench.reading.cells = cells(16, 3.45);
    bench.at(0);
    const auto kept = to_persist(bench.state, {.monotonic = Millis{0}, .unix_time = Seconds{1'800'000'000}});
    const auto timer_after = [&kept](int seconds) {
        State state;
        restore(state, kept, {.monotonic = Millis{5'000'000}, .unix_time = Seconds{1'800'000'000 + seconds}},
                {});
        return state.voltage.absorption_since.has_value();
    };
    CHECK(timer_after(200));
    CHECK_FALSE(timer_after(301));
    CHECK_FALSE(timer_after(-200));  // the clock was set back
}

TEST_CASE("times in the future are dropped, but start no reset charge") {
    Persisted kept;
    kept.last_reset = Seconds{1'800'000'000};
    kept.last_full_charge = Seconds{1'800'000'000};
    State state;
    restore(state, kept, {.monotonic = Millis{1000}, .unix_time = Seconds{1'700'000'000}}, {});
    CHECK(state.voltage.last_reset == Seconds{1});
    CHECK_FALSE(state.history.last_full_charge);
    State fresh;
    restore(fresh, Persisted{}, {.monotonic = Millis{1000}, .unix_time = Seconds{1'700'000'000}}, {});
    CHECK_FALSE(fresh.voltage.last_reset);
}

TEST_CASE("an old state of charge far from the BMS's is dropped") {
    Persisted kept;
    kept.soc_percent = 40;
    kept.soc_seen = Seconds{1'800'000'000};
    const auto stored_after = [&kept](int seconds, double bms) {
        State state;
        restore(state, kept, {.monotonic = Millis{0}, .unix_time = Seconds{1'800'000'000 + seconds}}, bms);
        return state.soc.stored_percent;
    };
    CHECK(stored_after(3600, 90) == 40);
    CHECK_FALSE(stored_after(100'000, 90));
    CHECK(stored_after(100'000, 55) == 40);
    CHECK_FALSE(stored_after(-50, 90));  // age unknown
}

TEST_CASE("corrupt stored values are left out one by one") {
    const std::vector<StoredValue> values = {{"AllowMaxVoltage", std::string("maybe")},
                                             {"MaxVoltageStartTime", std::nan("")},
                                             {"SocResetLastReached", std::int64_t{-5}},
                                             {"SocCalc", 117.0},
                                             {"HistoryValues", std::string("{\"total_ah_drawn\": 12")},
                                             {"Unknown", std::int64_t{1}}};
    CHECK(from_stored(values) == Persisted{});
    const auto history = [](std::string text) {
        Persisted p;
        read_history(p, text);
        return p;
    };
    for (const auto* bad : {"", "[]", "null", "7", "\"x\"", "{\"total_ah_drawn\":\"many\"}",
                            "{\"total_ah_drawn\":1e99}", "\xff\xfe"}) {
        CHECK(history(bad) == Persisted{});
    }
    const auto some = history(R"({"deepest_discharge":-140.5,"minimum_temperature":-5,"charge_cycles":null,
                                  "timestamp_last_full_charge":1700000000,"full_discharge_counted":1,"x":[1]})");
    CHECK(*some.history.deepest_discharge_ah == 140.5);  // the other driver keeps it negative
    CHECK(*some.history.minimum_temperature_c == -5);
    CHECK_FALSE(some.history.charge_cycles);
    CHECK(some.last_full_charge == Seconds{1'700'000'000});
    CHECK(some.full_discharge_counted);
    CHECK(history(history_text(some)) == some);
}

TEST_CASE("flash is written for what matters at once, for the rest rarely") {
    Persisted written;
    written.soc_percent = 50;
    Persisted present = written;
    CHECK_FALSE(worth_writing(written, present, Seconds{100'000}));
    present.soc_percent = 50.4;
    present.history.total_ah_drawn = 5;
    CHECK_FALSE(worth_writing(written, present, Seconds{15}));
    CHECK(worth_writing(written, present, Seconds{900}));
    present.soc_percent = 50.5;
    CHECK(worth_writing(written, present, Seconds{15}));
    present = written;
    present.allow_max = false;
    CHECK(worth_writing(written, present, Seconds{0}));
    present = written;
    present.absorption_since = Seconds{5};
    CHECK(worth_writing(written, present, Seconds{0}));
    written.absorption_since = Seconds{6};  // only the clocks' rounding
    CHECK_FALSE(worth_writing(written, present, Seconds{0}));
}

TEST_CASE("a bank keeps its machine and its members' states of charge") {
    Rack rack({280, 140});
    rack.packs[1].reading.soc_percent = 80;
    rack.until(10);
    const Clocks then = {.monotonic = Millis{10'000}, .unix_time = Seconds{1'800'000'000}};
    const auto text = members_text(rack.state, then);
    rack.state.voltage.allow_max = false;
    const auto machine = to_persist(rack.state, then);

    Rack next({280});
    const Clocks now = {.monotonic = Millis{0}, .unix_time = Seconds{1'800'000'060}};
    read_members(next.state, text, now);
    restore(next.state, machine, now);
    CHECK_FALSE(next.state.voltage.allow_max);
    next.step();
    CHECK(next.out.batteries == 1);  // the other one has not been seen yet
    CHECK(*next.values().soc_percent == 60);
    CHECK(next.values().bms_cable == Level::ok);
    CHECK(*next.values().charge_current_a == 50);
    for (const auto* bad : {"", "[1]", "{\"a\":1}", "{\"a\":{\"soc\":500,\"capacity\":1,\"at\":1}}",
                            "{\"a\":{\"soc\":50,\"capacity\":-1,\"at\":1}}"}) {
        BankState state;
        read_members(state, bad, now);
        CHECK(state.members.empty());
    }
}
