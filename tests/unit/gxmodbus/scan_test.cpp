#include "gxmodbus/plan/scan.hpp"

#include "support/catch.hpp"

#include <algorithm>
#include <functional>

using namespace gxmodbus;
using T = ServiceType;

namespace {

std::vector<Pair> all_of(Scan scan, Scan::Outcome outcome = Scan::Outcome::absent) {
    std::vector<Pair> pairs;
    while (const auto pair = scan.next()) {
        pairs.push_back(*pair);
        scan.answer(outcome);
    }
    return pairs;
}

std::size_t place(const std::vector<Pair>& pairs, Pair pair) {
    return static_cast<std::size_t>(std::find(pairs.begin(), pairs.end(), pair) - pairs.begin());
}

}  // namespace

TEST_CASE("likely pairs come first and once") {
    const auto pairs = all_of(Scan::likely({}, {}));
    CHECK(pairs.size() > 800);
    CHECK(pairs.size() < 1300);
    CHECK(std::set<Pair>(pairs.begin(), pairs.end()).size() == pairs.size());
    CHECK(pairs.front() == Pair{227, T::vebus});
    CHECK(place(pairs, {225, T::battery}) < 5);
    CHECK(place(pairs, {47, T::tank}) > place(pairs, {20, T::tank}));
    CHECK(
        std::none_of(pairs.begin(), pairs.end(), [](const Pair& pair) { return !is_scannable(pair.type); }));
}

TEST_CASE("hints set the order, nothing else") {
    Hints hints;
    hints.set(static_cast<std::size_t>(T::grid));
    const auto hinted = all_of(Scan::likely(hints, {}));
    const auto plain = all_of(Scan::likely({}, {}));
    CHECK(hinted.front() == Pair{20, T::grid});
    CHECK(place(hinted, {35, T::grid}) < place(plain, {35, T::grid}));
    CHECK(std::set<Pair>(hinted.begin(), hinted.end()) == std::set<Pair>(plain.begin(), plain.end()));
}

TEST_CASE("a scan for some types asks for no others") {
    Hints types;
    types.set(static_cast<std::size_t>(T::digitalinput));
    const auto pairs = all_of(Scan::likely_of(types, {{3, T::digitalinput}}));
    CHECK(pairs.size() == 10);
    CHECK(pairs.front() == Pair{0, T::digitalinput});
}

TEST_CASE("a full scan asks every type on every unit") {
    CHECK(all_of(Scan::full({}, {})).size() == 29u * 256u);
    CHECK(all_of(Scan::full({}, {{227, T::vebus}, {225, T::battery}})).size() == 29u * 256u - 2);
    const std::uint8_t units[] = {7, 8, 7};
    CHECK(all_of(Scan::of_units(units, {})).size() == 2u * 29u);
}

TEST_CASE("a type the server does not know is asked for once") {
    CHECK(all_of(Scan::full({}, {}), Scan::Outcome::unknown_type).size() == 29);
}

TEST_CASE("a silent unit is asked once more, last") {
    const std::uint8_t units[] = {7};
    const auto pairs = all_of(Scan::of_units(units, {}), Scan::Outcome::no_answer);
    REQUIRE(pairs.size() == 58);
    CHECK(pairs[0] == pairs[29]);
    Scan scan = Scan::of_units(units, {});
    CHECK(scan.progress_percent() == 0);
    scan.answer(Scan::Outcome::present);
    CHECK(scan.progress_percent() == 3);
    while (scan.next()) {
        scan.answer(Scan::Outcome::absent);
    }
    CHECK(scan.done());
    CHECK(scan.progress_percent() == 100);
    scan.answer(Scan::Outcome::absent);
    CHECK(scan.done());
}

TEST_CASE("the owner's list of units") {
    CHECK(parse_units("")->automatic);
    const auto none = parse_units("none");
    REQUIRE(none.has_value());
    CHECK_FALSE(none->automatic);
    CHECK(none->units.empty());
    const auto list = parse_units("225, 227:vebus,0");
    REQUIRE(list.has_value());
    CHECK(list->units == std::vector<std::uint8_t>{225, 0});
    CHECK(list->pairs == std::vector<Pair>{{227, T::vebus}});
    for (const char* bad : {"x", "256", "1:", "1:nothing", "1;2", "-1", "1,,2"}) {
        INFO(bad);
        CHECK_FALSE(parse_units(bad).has_value());
    }
    CHECK(parse_pair(to_text(Pair{0, T::dcdc})) == Pair{0, T::dcdc});
}

TEST_CASE("units 0 and 100 may be one device") {
    CHECK(possible_alias({100, T::solarcharger}) == Pair{0, T::solarcharger});
    CHECK(possible_alias({0, T::solarcharger}) == Pair{100, T::solarcharger});
    CHECK_FALSE(possible_alias({1, T::solarcharger}).has_value());
    CHECK(preferred_alias({0, T::solarcharger}, {100, T::solarcharger}) == Pair{0, T::solarcharger});
    CHECK(preferred_alias({100, T::solarcharger}, {0, T::solarcharger}) == Pair{0, T::solarcharger});
    CHECK(preferred_alias({0, T::system}, {100, T::system}) == Pair{100, T::system});
    CHECK(preferred_alias({0, T::generator}, {100, T::generator}) == Pair{100, T::generator});
}

namespace {

// The registers of a tank, by the number of the reading: the even ones are of one unit, the odd ones of the other.
bool same_tank(const std::function<std::vector<std::uint16_t>(int)>& reading_of) {
    const Block tank{3000, 8, Speed::slow};
    Comparison comparison(tank, version_of(Generation::v94));
    int number = 0;
    while (comparison.wants_more()) {
        const auto one = reading_of(number++);
        const auto two = reading_of(number++);
        comparison.take(one, two);
    }
    return comparison.same();
}

}  // namespace

TEST_CASE("a device that lives is still one device") {
    using Registers = std::vector<std::uint16_t>;
    const auto level = [](int value) {
        return Registers{1, 0, 100, 1, static_cast<std::uint16_t>(value), 0, 5, 0};
    };
    CHECK(same_tank([&](int) { return level(500); }));
    CHECK(same_tank([&](int number) { return level(500 + number); }));
    CHECK(same_tank([&](int number) { return level(500 - number); }));
    CHECK(same_tank([&](int number) { return level(number % 3 == 0 ? 500 : 501); }));
    CHECK_FALSE(same_tank([&](int number) { return level(number % 2 == 0 ? 500 : 501); }));
    CHECK_FALSE(same_tank([&](int number) { return level(number % 2 == 0 ? 500 + number : 700 + number); }));
}
