#include "tsmppt/control/override.hpp"

#include "day.hpp"
#include "support/catch.hpp"

#include <limits>

using namespace tristar;

namespace {

const OverrideSettings kSettings{28.7, 7200, 2.0, 300, 100};

OverrideLimits limits(OverrideSettings settings = kSettings, int system_volts = 24) {
    SetPoints points;
    points.absorption_volts = 14.2;
    points.limit_volts = 15.2;
    return *override_limits(settings, system_volts, points, 60);
}

Charger charging(double volts, double amps, double sweep_watts = 1000) {
    Charger charger;
    charger.charge_state = 9;
    charger.battery_volts = volts;
    charger.battery_amps = amps;
    charger.output_watts = volts * amps;
    charger.sweep_max_watts = sweep_watts;
    return charger;
}

Moment after(int seconds) {
    auto now = day::at(0, 12);
    now.unix_seconds += seconds;
    return now;
}

Override asked_for(double volts) {
    Override wanted;
    follow(wanted, kSettings, charging(26, 0), after(-5));
    REQUIRE_FALSE(request_volts(wanted, volts, limits()).has_value());
    return wanted;
}

}  // namespace

TEST_CASE("the limits of an override are the narrowest of all that set one") {
    CHECK(limits().lowest_volts == Approx(20));
    CHECK(limits().highest_volts == Approx(28.7));
    CHECK(limits().usual_volts == Approx(28.4));
    CHECK(limits({0, 0, 0, 0, 0}).highest_volts == Approx(28.8));
    CHECK(limits({60, 0, 0, 0, 0}).highest_volts == Approx(30.4));  // the controller's own limit
    CHECK(limits({28.7, 0, 0, 0, 0}, 12).highest_volts == Approx(15.2));
    CHECK(limits({28.7, 0, 0, 0, 0}, 48).highest_volts == Approx(28.7));
    const auto unlimited = *override_limits({60, 0, 0, 0, 0}, 12, SetPoints{}, 60);
    CHECK(unlimited.highest_volts == Approx(16));
    CHECK(override_limits(kSettings, std::nullopt, SetPoints{}, 60).error() == OverrideFault::unknown_system);
}

TEST_CASE("requests outside the limits change nothing") {
    auto wanted = asked_for(28.4);
    CHECK(request_volts(wanted, 28.71, limits()) == OverrideFault::too_high);
    CHECK(request_volts(wanted, 14.4, limits()) == OverrideFault::too_low);
    CHECK(request_volts(wanted, std::numeric_limits<double>::quiet_NaN(), limits())
          == OverrideFault::too_low);
    CHECK(request_amps(wanted, 60.1, limits()) == OverrideFault::current);
    CHECK(request_amps(wanted, std::numeric_limits<double>::quiet_NaN(), limits()) == OverrideFault::current);
    CHECK(wanted.volts == 28.4);
    CHECK_FALSE(wanted.amps.has_value());
}

TEST_CASE("an override ends when the user takes both halves back") {
    auto wanted = asked_for(28.4);
    CHECK_FALSE(request_amps(wanted, 10, limits()).has_value());
    CHECK_FALSE(request_volts(wanted, 0, limits()).has_value());
    CHECK(wanted.active());
    CHECK_FALSE(request_amps(wanted, -1, limits()).has_value());
    CHECK_FALSE(wanted.active());
    CHECK(describe(wanted.stopped) == "UserDisabled");
}

TEST_CASE("asking for the same again changes nothing") {
    auto wanted = asked_for(28.4);
    wanted.tail_seconds = 100;
    CHECK_FALSE(request_volts(wanted, 28.4, limits()).has_value());
    CHECK(wanted.tail_seconds == 100);
    stop(wanted, StopReason::battery_full);
    CHECK_FALSE(request_volts(wanted, 0, limits()).has_value());
    CHECK_FALSE(request_amps(wanted, 0, limits()).has_value());
    CHECK(wanted.stopped == StopReason::battery_full);
}

TEST_CASE("the battery is full after the tail current has lasted") {
    auto wanted = asked_for(28.4);
    int t = 0;
    for (; t < 600; t += 5) {
        REQUIRE_FALSE(follow(wanted, kSettings, charging(28.4, 8), after(t)));
    }
    CHECK(wanted.tail_seconds == 0);
    CHECK(wanted.at_target_seconds == 600);
    for (; t < 600 + 200; t += 5) {
        REQUIRE_FALSE(follow(wanted, kSettings, charging(28.39, 1.9), after(t)));
    }
    CHECK(wanted.tail_seconds == 200);
    follow(wanted, kSettings, charging(28.4, 2.1), after(t));  // one look at more current starts it again
    CHECK(wanted.tail_seconds == 0);
    int steps = 0;
    while (!follow(wanted, kSettings, charging(28.4, 1.9), after(t += 5))) {
        ++steps;
    }
    CHECK(steps == 59);
    CHECK(describe(wanted.stopped) == "BatteryFull");
    CHECK_FALSE(wanted.active());
}

TEST_CASE("a tail current without sun or below the target is none") {
    auto wanted = asked_for(28.4);
    follow(wanted, kSettings, charging(28.4, 1.0), after(0));
    CHECK(wanted.tail_seconds == 5);
    follow(wanted, kSettings, charging(28.4, 1.0, 100), after(5));  // the array gives all it has
    CHECK(wanted.tail_seconds == 0);
    follow(wanted, kSettings, charging(28.0, 1.0), after(10));
    CHECK(wanted.tail_seconds == 0);
    auto ignoring_sun = kSettings;
    ignoring_sun.excess_watts = -1;
    follow(wanted, ignoring_sun, charging(28.4, 1.0, 0), after(15));
    CHECK(wanted.tail_seconds == 5);
    auto unknown = charging(28.4, 1.0);
    unknown.sweep_max_watts.reset();
    follow(wanted, kSettings, unknown, after(20));
    CHECK(wanted.tail_seconds == 0);
}

TEST_CASE("the time at the target pauses below it and ends the override at its limit") {
    auto wanted = asked_for(28.4);
    follow(wanted, kSettings, charging(28.4, 8), after(0));
    follow(wanted, kSettings, charging(28.0, 8), after(5));
    CHECK(wanted.at_target_seconds == 5);
    follow(wanted, kSettings, charging(28.4, 8), after(5000));  // a gap does not count
    CHECK(wanted.at_target_seconds == 5);
    int t = 5000;
    while (!follow(wanted, kSettings, charging(28.4, 8), after(t += 5))) {
        REQUIRE(t < 20000);
    }
    CHECK(t == 5000 + 7195);
    CHECK(describe(wanted.stopped) == "TimeLimit");
    // The time of the day is used up; the next day has its own.
    CHECK_FALSE(request_volts(wanted, 28.4, limits()).has_value());
    CHECK(follow(wanted, kSettings, charging(28.4, 8), after(t += 5)));
    CHECK_FALSE(request_volts(wanted, 28.4, limits()).has_value());
    CHECK_FALSE(follow(wanted, kSettings, charging(28.4, 8), day::at(1, 12)));
    CHECK(wanted.at_target_seconds == 0);
}

TEST_CASE("night ends an override") {
    for (const std::uint32_t state : {0u, 1u, 3u}) {
        auto wanted = asked_for(28.4);
        auto charger = charging(26, 0);
        charger.charge_state = state;
        CHECK(follow(wanted, kSettings, charger, after(0)));
        CHECK(describe(wanted.stopped) == "Night");
    }
}

TEST_CASE("both registers get a value, what is left open the usual one") {
    const auto now = after(0);
    Override wanted;
    CHECK_FALSE(slave_target(wanted, {}, limits(), now).has_value());
    wanted.volts = 28.6;
    CHECK(slave_target(wanted, {}, limits(), now) == SlaveTarget{28.6, 60});
    wanted.volts.reset();
    wanted.amps = 10;
    CHECK(slave_target(wanted, {}, limits(), now) == SlaveTarget{28.4, 10});
}

TEST_CASE("the GX has its way while it repeats itself and the user has no other wish") {
    const auto now = after(0);
    GxWishes link{28.2, 25, now.unix_seconds - 60, now.unix_seconds - 60};
    CHECK(slave_target({}, link, limits(), now) == SlaveTarget{28.2, 25});
    CHECK_FALSE(slave_target({}, link, limits(), after(1)).has_value());
    Override wanted;
    wanted.volts = 28.6;
    CHECK(slave_target(wanted, link, limits(), now) == SlaveTarget{28.6, 60});
    link.volts = 99;
    link.amps = 0;
    const auto cut = slave_target({}, link, limits(), now);
    REQUIRE(cut.has_value());
    CHECK(cut->volts == Approx(28.7));
    CHECK(cut->amps > 0);
    CHECK(cut->amps < 0.01);
}

TEST_CASE("registers are written on change, every 30 s, and when someone else changed them") {
    const SlaveTarget target{28.4, 60};
    Charger charger;
    charger.slave_volts = 28.4;
    charger.slave_amps = 60;
    const SlaveWrites done{target, after(0).unix_seconds};
    CHECK(slave_action({}, target, charger, false, after(0)) == SlaveAction::write);
    CHECK(slave_action(done, target, charger, false, after(29)) == SlaveAction::none);
    CHECK(slave_action(done, target, charger, false, after(30)) == SlaveAction::write);
    CHECK(slave_action(done, target, charger, false, after(-100))
          == SlaveAction::write);  // the clock went back
    CHECK(slave_action(done, SlaveTarget{28.5, 60}, charger, false, after(1)) == SlaveAction::write);
    charger.slave_volts = 27.0;
    CHECK(slave_action(done, target, charger, false, after(1)) == SlaveAction::write);
    charger.slave_volts.reset();  // not read in this poll
    CHECK(slave_action(done, target, charger, false, after(1)) == SlaveAction::none);
}

TEST_CASE("registers are released once nothing is wanted, also those of a former run") {
    const SlaveWrites done{SlaveTarget{28.4, 60}, 0};
    CHECK(slave_action(done, {}, {}, false, after(0)) == SlaveAction::release);
    CHECK(slave_action({}, {}, {}, false, after(0)) == SlaveAction::none);
    CHECK(slave_action({}, {}, {}, true, after(0)) == SlaveAction::release);
}
