// Rounding, thresholds, tables, cells, temperatures.
#include "battery_fixture.hpp"
#include "serialbattery/control/curve.hpp"
#include "support/catch.hpp"

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <random>

using namespace bms::control;
using test::cells;

TEST_CASE("rounding takes the nearest decimal and the even one of a tie") {
    CHECK(round_to(50.625, 2) == 50.62);  // exact in binary: 15 cells of 3.375 V
    CHECK(round_to(50.635, 2) == 50.63);  // a hair below in binary
    CHECK(round_to(2.5, 0) == 2);
    CHECK(round_to(3.5, 0) == 4);
    CHECK(round_to(-0.0004, 3) == 0);
    CHECK_FALSE(std::signbit(round_to(-0.0004, 3)));
    CHECK(round_to(1e300, 2) == 1e300);
    CHECK(std::isnan(round_to(std::nan(""), 2)));
    // As the decimal text of the exact binary value says it, near ties and far from them.
    std::minstd_rand random(1);
    for (int i = 0; i < 20'000; ++i) {
        const int decimals = static_cast<int>(random() % 5);
        const double near_tie = (static_cast<double>(random() % 2'000'000) + 0.5) / std::pow(10.0, decimals);
        const double value =
            i % 2 == 0 ? near_tie - 100
                       : static_cast<double>(random()) / static_cast<double>(1 + random() % 100'000);
        std::array<char, 64> text{};
        std::snprintf(text.data(), text.size(), "%.*f", decimals, value);
        const double expected = std::strtod(text.data(), nullptr);
        if (round_to(value, decimals) != expected) {  // a check for each would take a second
            FAIL(value << " to " << decimals << " decimals: " << round_to(value, decimals));
        }
    }

    CHECK(round_half_even(506'250, 100) == 506'200);
    CHECK(round_half_even(506'350, 100) == 506'400);
    CHECK(round_half_even(-150, 100) == -200);
    CHECK(round_half_even(-250, 100) == -200);
    CHECK(round_half_even(-251, 100) == -300);
}

TEST_CASE("numbers out of reach saturate instead of overflowing") {
    CHECK(saturated(1e300) == 1'000'000'000'000'000);
    CHECK(saturated(-std::numeric_limits<double>::infinity()) == -1'000'000'000'000'000);
    CHECK(saturated(std::nan("")) == 0);
    CHECK(microvolts(3.45) == 3'450'000);
}

TEST_CASE("sums of cells meet their decimal target whatever their binary fractions") {
    for (const auto& [count, volt] : std::vector<std::pair<std::size_t, double>>{
             {8, 3.45}, {16, 3.65}, {8, 3.65}, {16, 3.55}, {24, 2.4}, {15, 3.45}, {4, 3.45}}) {
        const auto list = cells(count, volt);
        const auto sum = summarise({.cells = list, .extremes = {}, .pack_v = {}}, count, 5).sum;
        CHECK(sum == std::llround(volt * 1000) * 1000 * static_cast<std::int64_t>(count));
    }
}

TEST_CASE("a table gives the line or the step between two points and the ends outside") {
    const Curve rising{{2.8, 2.9, 3.0}, {0, 0.5, 1}};
    const Curve falling{{3.0, 2.9, 2.8}, {1, 0.5, 0}};
    for (const auto& curve : {rising, falling}) {
        CHECK(*look_up(curve, 2.85, Between::line) == Approx(0.25));
        CHECK(*look_up(curve, 2.85, Between::lower) == 0);
        CHECK(*look_up(curve, 2.85, Between::upper) == 0.5);
        CHECK(*look_up(curve, 2.9, Between::line) == 0.5);
        CHECK(*look_up(curve, 2.9, Between::lower) == 0.5);
        CHECK(*look_up(curve, 2.9, Between::upper) == 1);  // 2.9 <= x < 3.0
        for (const auto between : {Between::line, Between::lower, Between::upper}) {
            CHECK(*look_up(curve, 2.8, between) == 0);
            CHECK(*look_up(curve, 1, between) == 0);
            CHECK(*look_up(curve, 3.0, between) == 1);
            CHECK(*look_up(curve, 9, between) == 1);
        }
    }
    CHECK_FALSE(look_up({}, 1, Between::line));
    CHECK(*look_up({{5}, {0.3}}, 7, Between::upper) == 0.3);
    CHECK(*look_up({{1, 2, 3}, {0.1}}, 2, Between::line) == 0.1);  // the shorter list counts
}

TEST_CASE("implausible and missing cells are left out everywhere") {
    auto list = cells(4, 3.3, {3.2, 3.4});
    const auto of = [&list](std::size_t count) {
        return summarise({.cells = list, .extremes = {}, .pack_v = {}}, count, 3.45);
    };
    CHECK(of(4).complete);
    CHECK(of(4).min_v == 3.2);
    CHECK(of(4).min_cell == 1);
    CHECK(of(4).max_cell == 2);
    CHECK(of(4).sum == 13'200'000);
    CHECK_FALSE(of(5).complete);    // one is missing
    CHECK(of(3).sum == 9'900'000);  // what is too much is ignored

    list[1] = 6.9;  // exactly twice the maximum still counts
    CHECK(of(4).complete);
    list[1] = 6.9001;
    CHECK_FALSE(of(4).complete);
    CHECK(of(4).max_v == 3.3);
    CHECK(of(4).max_cell == 3);
    CHECK(of(4).sum == 9'800'000);
    for (const double bad : {-0.1, std::nan(""), std::numeric_limits<double>::infinity()}) {
        list[1] = bad;
        CHECK_FALSE(of(4).complete);
        CHECK(of(4).sum == 9'800'000);
    }
    list.assign(4, std::nullopt);
    CHECK_FALSE(of(4).any);
}

TEST_CASE("a BMS without single cells gives extremes and the pack's voltage") {
    const StringReading string = {.cells = {}, .extremes = CellExtremes{3.2, 3.4}, .pack_v = 52.9};
    const auto summary = summarise(string, 16, 3.45);
    CHECK(summary.complete);
    CHECK(summary.sum == 52'900'000);
    CHECK(summary.min_cell == 0);
    CHECK(excess_above(string, 16, 3'350'000) == 50'000);
    CHECK_FALSE(summarise({.cells = {}, .extremes = CellExtremes{3.4, 3.2}, .pack_v = 52.9}, 16, 3.45).any);
    CHECK_FALSE(summarise({.cells = {}, .extremes = CellExtremes{3.2, 3.4}, .pack_v = {}}, 16, 3.45).any);
    CHECK_FALSE(summarise({.cells = {}, .extremes = {}, .pack_v = 52.9}, 16, 3.45).any);
}

TEST_CASE("the mid-point needs four cells, all of them") {
    const auto odd = cells(
        15, 3.30, {3.30, 3.30, 3.30, 3.30, 3.30, 3.30, 3.30, 3.32, 3.34, 3.34, 3.34, 3.34, 3.34, 3.34, 3.34});
    const auto middle = midpoint(odd, 15, 3.45);
    REQUIRE(middle);
    CHECK(middle->volts == Approx(24.76));
    CHECK(middle->deviation_percent == Approx(0.602410));
    auto gap = odd;
    gap[7] = std::nullopt;
    CHECK_FALSE(midpoint(gap, 15, 3.45));
    CHECK_FALSE(midpoint(cells(3, 3.3), 3, 3.45));
    CHECK(midpoint(cells(4, 3.3), 4, 3.45)->volts == Approx(6.6));
    CHECK_FALSE(midpoint(cells(4, 0), 4, 3.45));
}

TEST_CASE("temperatures are clamped, corrected and selected") {
    Settings settings;
    Measurement reading;
    reading.temperatures_c = {-40.0, 200.0, std::nullopt, 25.04};
    settings.temperature_4_adjust = {.offset_c = 4, .slope = 1.1};
    settings.mosfet_adjust = {.offset_c = -1, .slope = 1};
    reading.mosfet_c = 30;
    auto all = temperatures(settings, reading);
    CHECK(*all.sensors_c[0] == -20);
    CHECK(*all.sensors_c[1] == 100);
    CHECK_FALSE(all.sensors_c[2]);
    CHECK(*all.sensors_c[3] == Approx(31.5));  // 25.0 * 1.1 + 4, not rounded again
    CHECK(*all.mosfet_c == 29);
    CHECK(*all.min_c == -20);
    CHECK(all.min_sensor == 1);
    CHECK(all.max_sensor == 2);
    CHECK(*all.battery_c == round_to((-20 + 100 + 31.5) / 3, 1));

    settings.temperature_sources = {3, 4};
    all = temperatures(settings, reading);
    CHECK(*all.battery_c == 31.5);
    CHECK(all.min_sensor == 4);
    settings.temperature_sources = {};
    CHECK_FALSE(temperatures(settings, reading).battery_c);
    CHECK(sensor_name(settings, 2) == "Temp 2");
    CHECK(sensor_name(settings, 5).empty());
}
