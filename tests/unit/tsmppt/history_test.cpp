#include "tsmppt/control/history.hpp"

#include "day.hpp"
#include "support/catch.hpp"
#include "tsmppt/control/state.hpp"

using namespace tristar;
using day::at;
using day::reading;
using day::Scene;
using day::time_of;

namespace {

/// Watt hours of today and yesterday as they must stand in each scene of the simulated day.
struct Expected {
    double today;
    double yesterday;
};
Expected expected(Scene scene) {
    switch (scene) {
        case Scene::bulk:
            return {1620, 3310};
        case Scene::absorption:
            return {2810, 3310};
        case Scene::float_:
            return {3370, 3310};
        case Scene::evening:
            return {3400, 3310};
        default:
            return {0, 3310};
    }
}

double wh(const History& history, std::size_t days_ago) {
    const auto* day = day_at(history, days_ago);
    return day == nullptr ? -1 : day->yield_wh;
}

/// What remains after the process was killed and started again.
History restarted(const History& history) {
    const auto state = from_text(to_text(State{history, {}, false, false, {}}));
    REQUIRE(state.has_value());
    return state->history;
}

void check_scene(const History& history, Scene scene) {
    INFO("scene " << tristar_simulator::kSceneNames[static_cast<std::size_t>(scene)]);
    CHECK(wh(history, 0) == Approx(expected(scene).today));
    CHECK(wh(history, 1) == Approx(expected(scene).yesterday));
}

std::pair<std::uint16_t, std::uint16_t> wh_register(std::uint16_t value) {
    return {68, value};
}

}  // namespace

TEST_CASE("the simulated day is booked right at every moment") {
    const auto steps = day::polls();
    auto history = begin_history(reading(steps[0].scene), steps[0].now);
    for (const auto& step : steps) {
        book(history, reading(step.scene), step.now);
        check_scene(history, step.scene);
    }
    CHECK(days_available(history) == 2);
    CHECK(history.life.total_kwh == Approx(2607.4));
    CHECK(history.life.user_kwh == Approx(315.4));
    CHECK(*history.today.max_watts == Approx(1121.04).margin(0.01));
    CHECK(*history.today.max_battery_amps == Approx(38.6).margin(0.01));
    CHECK(*history.today.min_battery_volts == Approx(25.10).margin(0.01));
    CHECK(*history.today.max_battery_volts == Approx(28.85).margin(0.01));
    CHECK(*history.today.max_pv_volts == Approx(93.40).margin(0.01));
    CHECK(*history.today.absorption_seconds == 7200);
    CHECK(*history.today.float_seconds == 12000);
    // MPPT from 07:00 to 13:25.
    CHECK(*history.today.bulk_seconds == (6 * 60 + 25) * 60);
}

TEST_CASE("a restart of the driver at any poll changes nothing", "[long]") {
    const auto steps = day::polls();
    for (std::size_t kill = 0; kill < steps.size(); ++kill) {
        auto history = begin_history(reading(steps[0].scene), steps[0].now);
        auto untouched = history;
        for (std::size_t i = 0; i < steps.size(); ++i) {
            book(untouched, reading(steps[i].scene), steps[i].now);
            book(history, reading(steps[i].scene), steps[i].now);
            if (i == kill) {
                history = restarted(history);
            }
        }
        CHECK(history == untouched);
    }
}

TEST_CASE("a state file five minutes old at the time of the kill loses no energy", "[long]") {
    const auto steps = day::polls();
    for (std::size_t kill = 2; kill + 1 < steps.size(); ++kill) {
        auto history = begin_history(reading(steps[0].scene), steps[0].now);
        auto on_disk = history;
        for (std::size_t i = 0; i < steps.size(); ++i) {
            if (i == kill) {
                history = restarted(on_disk);  // as it was one poll ago
            }
            on_disk = history;
            book(history, reading(steps[i].scene), steps[i].now);
            check_scene(history, steps[i].scene);
        }
    }
}

TEST_CASE("a driver that starts with no state knows the day, and yesterday where the controller does",
          "[long]") {
    const auto steps = day::polls();
    for (std::size_t first = 0; first < steps.size(); ++first) {
        auto history = begin_history(reading(steps[first].scene), steps[first].now);
        for (std::size_t i = first; i < steps.size(); ++i) {
            book(history, reading(steps[i].scene), steps[i].now);
        }
        INFO("started at poll " << first);
        CHECK(wh(history, 0) == Approx(3400));
        const bool yesterday_was_there = steps[first].scene < Scene::fresh_morning;
        if (yesterday_was_there) {
            CHECK(wh(history, 1) == Approx(3310));
        } else {
            CHECK(wh(history, 1) <= 0);
        }
        CHECK(history.life.total_kwh >= 2607);
        CHECK(history.life.total_kwh <= 2607.4 + 1e-6);
    }
}

TEST_CASE("an outage from the night to noon books the new day only") {
    for (const auto& before : {at(-1, 23, 50), at(0, 3)}) {
        for (const int today : {1620, 3310, 5000}) {
            auto history = begin_history(reading(Scene::evening, {wh_register(3310)}), at(-1, 20));
            book(history, reading(Scene::before_dawn), before);
            history = restarted(history);
            book(history, reading(Scene::bulk, {wh_register(static_cast<std::uint16_t>(today))}),
                 at(0, 11, 30));
            INFO("last poll " << before.local_hour << " h, " << today << " Wh");
            if (today == 3310) {
                // Equal counters cannot be told apart from frozen ones; nothing may be booked twice.
                CHECK(wh(history, 0) + wh(history, 1) <= 2 * 3310);
            } else {
                CHECK(wh(history, 0) == Approx(today));
            }
            CHECK(wh(history, 1) == Approx(3310));
        }
    }
}

TEST_CASE("the gap over dawn of the reference day") {
    for (const int today : {1620, 5000}) {
        auto history = begin_history(reading(Scene::before_dawn), time_of(Scene::before_dawn));
        book(history, reading(Scene::bulk, {wh_register(static_cast<std::uint16_t>(today))}),
             time_of(Scene::bulk));
        CHECK(wh(history, 0) == Approx(today));
        CHECK(wh(history, 1) == Approx(3310));
    }
}

TEST_CASE("an outage from the evening to the stale morning completes yesterday") {
    auto history = begin_history(reading(Scene::before_dawn), time_of(Scene::before_dawn));
    for (const auto& step : day::polls()) {
        if (step.now.unix_seconds <= time_of(Scene::float_).unix_seconds) {
            book(history, reading(step.scene), step.now);
        }
    }
    history = restarted(history);
    book(history, reading(Scene::stale_morning, {wh_register(3400)}), time_of(Scene::stale_morning, 1));
    CHECK(wh(history, 0) == 0);
    CHECK(wh(history, 1) == Approx(3400));
    CHECK(wh(history, 2) == Approx(3310));
}

TEST_CASE("the day after begins with nothing while the registers still show the day before") {
    auto history = begin_history(reading(Scene::before_dawn), time_of(Scene::before_dawn));
    for (const auto& step : day::polls()) {
        book(history, reading(step.scene), step.now);
    }
    book(history, reading(Scene::stale_morning, {wh_register(3400)}), time_of(Scene::stale_morning, 1));
    CHECK(wh(history, 0) == 0);
    CHECK(wh(history, 1) == Approx(3400));
    // The frozen maxima belong to yesterday.
    CHECK(*history.today.max_watts < 50);
    CHECK(*history.today.absorption_seconds == 0);
}

TEST_CASE("an outage over two nights") {
    auto history = begin_history(reading(Scene::before_dawn), time_of(Scene::before_dawn));
    for (const auto& step : day::polls()) {
        book(history, reading(step.scene), step.now);
    }
    for (const int unseen_day : {2000, 5000}) {
        auto after = restarted(history);
        book(after, reading(Scene::before_dawn, {wh_register(static_cast<std::uint16_t>(unseen_day))}),
             at(2, 3));
        CHECK(wh(after, 0) == 0);
        CHECK(wh(after, 1) == Approx(unseen_day));
        CHECK(wh(after, 2) == Approx(3400));
        CHECK(wh(after, 3) == Approx(3310));
    }
}

TEST_CASE("a reset of the controller at noon loses nothing") {
    auto history = begin_history(reading(Scene::before_dawn), time_of(Scene::before_dawn));
    for (const auto& step : day::polls()) {
        if (step.scene <= Scene::absorption) {
            book(history, reading(step.scene), step.now);
        }
    }
    CHECK(wh(history, 0) == Approx(2810));
    book(history, reading(Scene::absorption, {wh_register(0), {77, 0}, {67, 0}}), at(0, 16));
    book(history, reading(Scene::float_, {wh_register(560), {77, 600}, {79, 300}}), at(0, 17));
    CHECK(wh(history, 0) == Approx(3370));
    CHECK(*history.today.absorption_seconds == 3600 + 600);
    CHECK(*history.today.float_seconds == 300);
}

TEST_CASE("time counters that restart at nightfall keep the day's value") {
    auto history = begin_history(reading(Scene::before_dawn), time_of(Scene::before_dawn));
    for (const auto& step : day::polls()) {
        book(history, reading(step.scene), step.now);
    }
    book(history, reading(Scene::evening, {{77, 0}, {79, 0}}), at(0, 21));
    CHECK(*history.today.absorption_seconds == 7200);
    CHECK(*history.today.float_seconds == 12000);
    book(history, reading(Scene::evening, {{77, 0}, {79, 0}}), at(1, 0, 1));
    CHECK(*history.today.absorption_seconds == 0);
    CHECK(*day_at(history, 1)->absorption_seconds == 7200);
}

TEST_CASE("a dark day on which the registers never restart shows nothing of the day before") {
    auto history = begin_history(reading(Scene::before_dawn), time_of(Scene::before_dawn));
    for (int hour = 4; hour < 24; ++hour) {
        book(history, reading(Scene::before_dawn), at(0, hour));
    }
    CHECK(wh(history, 0) == 0);
    CHECK(wh(history, 1) == Approx(3310));
    CHECK(*history.today.max_watts == 0);
    CHECK(*history.today.max_pv_volts < 1);
}

TEST_CASE("the daily counter may run over") {
    auto history = begin_history(reading(Scene::bulk, {wh_register(65000)}), at(0, 15));
    book(history, reading(Scene::bulk, {wh_register(200)}), at(0, 15, 5));
    CHECK(wh(history, 0) == Approx(65000 + 736));
    // After a night the same numbers mean a new day.
    auto other = begin_history(reading(Scene::bulk, {wh_register(65000)}), at(0, 15));
    book(other, reading(Scene::evening, {wh_register(65000)}), at(0, 20));
    book(other, reading(Scene::evening, {wh_register(65000)}), at(1, 1));
    book(other, reading(Scene::fresh_morning, {wh_register(200)}), at(1, 6, 55));
    CHECK(wh(other, 0) == Approx(200));
    CHECK(wh(other, 1) == Approx(65000));
}

TEST_CASE("a user reset of the kWh counter starts the user's yield again, not the total") {
    auto history = begin_history(reading(Scene::bulk), at(0, 11, 30));
    book(history, reading(Scene::absorption), at(0, 13, 30));
    CHECK(history.life.user_kwh == Approx(312 + 1.19));
    book(history, reading(Scene::absorption, {{56, 0}}), at(0, 13, 35));
    CHECK(history.life.user_kwh == 0);
    CHECK(history.life.total_kwh == Approx(2604 + 1.19));
}

TEST_CASE("days without a poll are days without yield") {
    auto history = begin_history(reading(Scene::evening), at(0, 20));
    CHECK(roll(history, at(1, 0)));
    CHECK_FALSE(roll(history, at(1, 23)));
    CHECK(days_available(history) == 2);
    CHECK(wh(history, 1) == Approx(3400));
    CHECK(roll(history, at(4, 0)));
    CHECK(days_available(history) == 5);
    CHECK(wh(history, 3) == 0);
    CHECK(wh(history, 4) == Approx(3400));
    CHECK_FALSE(day_at(history, 2)->max_watts.has_value());
    CHECK(roll(history, at(400, 0)));
    CHECK(days_available(history) == 31);
    CHECK(wh(history, 30) == 0);
    CHECK(day_at(history, 31) == nullptr);
}

TEST_CASE("a clock that is not set or goes back shifts no day") {
    auto history = begin_history(reading(Scene::evening), at(0, 20));
    const Moment unset{0, 0, 0};
    CHECK_FALSE(is_clock_set(unset));
    CHECK_FALSE(roll(history, unset));
    CHECK(history.day == day::kFirst);
    CHECK_FALSE(roll(history, at(-1, 23)));
    CHECK(history.day == day::kFirst);
    CHECK_FALSE(roll(history, at(-100, 12)));
    CHECK(history.day == day::kFirst - 100);
    CHECK(wh(history, 0) == Approx(3400));
    CHECK(restarted(history) == history);
}

TEST_CASE("a fault is listed once while it lasts") {
    auto history = begin_history(reading(Scene::bulk), at(0, 11, 30));
    CHECK(book(history, reading(Scene::fault, {wh_register(1620)}), at(0, 11, 35)));
    CHECK_FALSE(book(history, reading(Scene::fault, {wh_register(1620)}), at(0, 11, 40)));
    CHECK(history.today.errors == LastErrors{2, 0, 0, 0});
    book(history, reading(Scene::bulk), at(0, 11, 45));
    book(history, reading(Scene::fault, {wh_register(1620), {44, 2}}), at(0, 11, 50));
    CHECK(history.today.errors == LastErrors{28, 2, 0, 0});
    CHECK(history.life.errors == LastErrors{28, 2, 0, 0});
}

TEST_CASE("a long-term minimum that is no battery voltage is ignored") {
    auto history = begin_history(reading(Scene::bulk, {{40, 25}}), at(0, 11, 30));
    CHECK(*history.life.min_battery_volts == Approx(25.30).margin(0.01));
    book(history, reading(Scene::bulk), at(0, 11, 35));
    CHECK(*history.life.min_battery_volts == Approx(23.60).margin(0.01));
    book_array_maximum(history, 101.5);
    CHECK(*history.life.max_pv_volts == Approx(101.5));
}

TEST_CASE("totals follow the controller's own counters after an outage, but not nonsense") {
    auto history = begin_history(reading(Scene::evening), at(0, 20));
    book(history, reading(Scene::evening, {{57, 2650}, {56, 358}}), at(10, 20));
    CHECK(history.life.total_kwh == Approx(2650));
    book(history, reading(Scene::evening, {{57, 65535}, {56, 358}}), at(10, 20, 5));
    CHECK(history.life.total_kwh == Approx(2650));
}

TEST_CASE("the yield of a day never falls") {
    auto history = begin_history(reading(Scene::before_dawn), time_of(Scene::before_dawn));
    double last = 0;
    for (const auto& step : day::polls()) {
        book(history, reading(step.scene), step.now);
        CHECK(history.today.yield_wh >= last);
        last = history.today.yield_wh;
    }
}
