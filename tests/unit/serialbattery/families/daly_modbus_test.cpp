#include "support/catch.hpp"
#include "support/modbus_frame.hpp"
#include "support/scripted_device.hpp"

#include <map>

using namespace bms;
using test::modbus_frame;

namespace {

std::string hex(unsigned word) {
    const std::array<std::uint8_t, 2> bytes{static_cast<std::uint8_t>(word >> 8),
                                            static_cast<std::uint8_t>(word)};
    return wire::to_hex(bytes);
}
/// The answer of `unit` that brings `count` registers from `first` on: those of `content`, the others 0.
std::string words(const std::string& unit, unsigned first, unsigned count,
                  const std::map<unsigned, unsigned>& content) {
    std::string data = unit + "03" + hex(2 * count).substr(2);
    for (unsigned reg = first; reg < first + count; ++reg) {
        const auto found = content.find(reg);
        data += hex(found == content.end() ? 0 : found->second);
    }
    return modbus_frame(data);
}
std::string ask(const std::string& unit, unsigned first, unsigned count) {
    return modbus_frame(unit + "03" + hex(first) + hex(count));
}

/// Four cells of 3.3 V, 2.5 A; `state`: 0 idle, 1 charging, 2 discharging.
std::map<unsigned, unsigned> d2_live(unsigned current, unsigned state) {
    return {{0x00, 3300}, {0x01, 3301},  {0x02, 3302}, {0x03, 3297}, {0x20, 61}, {0x28, 132}, {0x29, current},
            {0x2a, 805},  {0x2f, state}, {0x31, 4},    {0x32, 1},    {0x35, 1},  {0x36, 1}};
}
test::ScriptedDevice d2(unsigned current, unsigned state) {
    test::ScriptedDevice device(*find_family("daly_d2"));
    device.answer(ask("d2", 0, 80), words("d2", 0, 80, d2_live(current, state)));
    return device;
}

}  // namespace

TEST_CASE(
    "daly_d2: where the state says for ten samples that the current runs the other way, it is believed") {
    constexpr unsigned kPlus = 30025;
    constexpr unsigned kCharging = 1;
    constexpr unsigned kDischarging = 2;
    auto device = d2(kPlus, kDischarging);
    const auto tell = [&device](unsigned current, unsigned state) {
        device.answer(ask("d2", 0, 80), words("d2", 0, 80, d2_live(current, state)));
    };
    for (int i = 0; i < 9; ++i) {
        REQUIRE(device.poll());
        CHECK(device.battery().current_a == 2.5);
    }
    SECTION("the tenth turns it, and it stays turned") {
        REQUIRE(device.poll());
        CHECK(device.battery().current_a == -2.5);
        tell(kPlus, 0);
        REQUIRE(device.poll());
        CHECK(device.battery().current_a == -2.5);
        // One sample in which the state lags behind changes nothing.
        tell(kPlus, kCharging);
        REQUIRE(device.poll());
        CHECK(device.battery().current_a == -2.5);
        for (int i = 0; i < 9; ++i) {
            REQUIRE(device.poll());
        }
        CHECK(device.battery().current_a == 2.5);
    }
    SECTION("one that agrees begins the count anew") {
        tell(kPlus, kCharging);
        REQUIRE(device.poll());
        tell(kPlus, kDischarging);
        for (int i = 0; i < 9; ++i) {
            REQUIRE(device.poll());
            CHECK(device.battery().current_a == 2.5);
        }
    }
}

TEST_CASE("daly_p81: the state in the second block decides on the current in the first") {
    test::ScriptedDevice device(*find_family("daly_p81"));
    device.answer(
        ask("81", 0, 64),
        words("51", 0, 64, {{0x00, 3300}, {0x01, 3300}, {0x38, 66}, {0x39, 29911}, {0x3a, 500}, {0x3c, 2}}));
    device.answer(ask("81", 0x41, 62), words("51", 0x41, 62, {{0x48, 1}}));
    for (int i = 0; i < 9; ++i) {
        REQUIRE(device.poll());
        CHECK(device.battery().current_a == -8.9);
    }
    REQUIRE(device.poll());
    CHECK(device.battery().current_a == 8.9);
}

TEST_CASE("daly_d2: capacity, trip points and the temperatures of the board") {
    auto live = d2_live(30000, 0);
    live[0x42] = 55;  // 43, the board, is 0: no sensor
    test::ScriptedDevice device(*find_family("daly_d2"));
    device.answer(ask("d2", 0, 80), words("d2", 0, 80, live));
    device.answer(
        ask("d2", 0x80, 41),
        words("d2", 0x80, 41, {{0x80, 2304}, {0x8c, 3650}, {0x8e, 2600}, {0x94, 31000}, {0x96, 28500}}));
    REQUIRE(device.poll());
    const auto& battery = device.battery();
    CHECK(battery.capacity_ah == 230.4);
    CHECK(battery.cell_overvoltage_v == 3.65);
    CHECK(battery.cell_undervoltage_v == 2.6);
    CHECK(battery.charge_overcurrent_a == 100.0);
    CHECK(battery.discharge_overcurrent_a == 150.0);
    CHECK(battery.temperatures == std::vector<Temperature>{{Place::cell, 21.0}, {Place::mosfet, 15.0}});
    REQUIRE(device.poll());
    CHECK(device.times_asked(ask("d2", 0x80, 41)) == 1);
}

TEST_CASE("daly_d2: the balancer is switched and read back, the state of charge is set in tenths") {
    auto device = d2(30000, 0);
    device.answer(ask("d2", 0xcf, 1), words("d2", 0xcf, 1, {{0xcf, 1}}));
    REQUIRE(device.poll());
    CHECK(read_back(device.battery(), Control::balancing) == 1);
    const auto off = modbus_frame("d20600cf0000");
    device.answer(off, off);
    SECTION("it obeys") {
        device.answer(ask("d2", 0xcf, 1), words("d2", 0xcf, 1, {}));
        CHECK(device.control(Control::balancing, 0));
        CHECK(read_back(device.battery(), Control::balancing) == 0);
    }
    SECTION("it says yes and does not: what it says later counts") {
        CHECK(device.control(Control::balancing, 0));
        CHECK(read_back(device.battery(), Control::balancing) == 1);
    }
    SECTION("state of charge") {
        const auto set = modbus_frame("d20600a70226");
        auto live = d2_live(30000, 0);
        live[0x2a] = 550;
        device.answer(set, set).answer(ask("d2", 0, 80), words("d2", 0, 80, live));
        CHECK(device.control(Control::soc, 55));
        CHECK(device.times_asked(set) == 1);
        CHECK(device.battery().soc_pct == 55.0);
        CHECK_FALSE(device.control(Control::soc, 101));
    }
}

TEST_CASE("daly_p81: capacity, trip points and the temperatures of the board") {
    test::ScriptedDevice device(*find_family("daly_p81"));
    device.answer(
        ask("81", 0, 64),
        words("51", 0, 64, {{0x00, 3300}, {0x30, 62}, {0x38, 33}, {0x39, 30000}, {0x3c, 1}, {0x3d, 1}}));
    device.answer(ask("81", 0x41, 62), words("51", 0x41, 62, {{0x5a, 64}, {0x5b, 70}}));
    device.answer(ask("81", 0x100, 81), words("51", 0x100, 81, {{0x100, 3000}, {0x10c, 3700}}));
    for (int i = 0; i < 2; ++i) {
        REQUIRE(device.poll());
        CHECK(device.battery().capacity_ah == 300.0);
        CHECK(device.battery().cell_overvoltage_v == 3.7);
        CHECK(device.battery().temperatures
              == std::vector<Temperature>{{Place::cell, 22.0}, {Place::mosfet, 24.0}, {Place::board, 30.0}});
    }
}
