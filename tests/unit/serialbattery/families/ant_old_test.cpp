#include "support/catch.hpp"
#include "support/scripted_device.hpp"

#include <utility>

using namespace bms;

namespace {

const std::string kAsk = "dbdb00000000";
const std::string kAskOtherForm = "5a5a00000101";
/// A captured answer: 14 cells, discharging with 8 A.
const std::string kStatus =
    "aa55aaff01e80daa0d9c0da40d8e0d9c0d900db40d970db50db50da80d910d9e0d8c0000000000000000000000000000"
    "0000000000000000000000000000000000000000000000000050290a21fe800419589300a9840f00fa08310016001500"
    "1500150015001501010003e800170000000186090db50e0d8c0d9f0e00000070006b02ac00000000400115f4";
constexpr std::size_t kChargeState = 103;
constexpr std::size_t kDischargeState = 104;
constexpr std::size_t kBalanceState = 105;
constexpr std::size_t kCellCount = 123;
constexpr std::size_t kBalanceMask = 135;  ///< its last byte

/// The captured answer with other bytes, its sum made right.
std::string status(const std::vector<std::pair<std::size_t, int>>& other = {}) {
    auto bytes = wire::from_hex(kStatus).value();
    for (const auto& [at, value] : other) {
        bytes.at(at) = static_cast<std::uint8_t>(value);
    }
    const auto sum = wire::sum16(wire::Bytes(bytes).subspan(4, bytes.size() - 6));
    bytes[bytes.size() - 2] = static_cast<std::uint8_t>(sum >> 8);
    bytes[bytes.size() - 1] = static_cast<std::uint8_t>(sum);
    return wire::to_hex(bytes);
}

test::ScriptedDevice board() {
    test::ScriptedDevice device(*find_family("ant_old"));
    device.answer(kAsk, kStatus);
    return device;
}

}  // namespace

TEST_CASE("ant_old: a whole reading") {
    CHECK(status() == kStatus);
    auto device = board();
    REQUIRE(device.poll());
    CHECK(device.session().proof() == Proof::proven);
    CHECK(device.session().complete());
    const auto& battery = device.battery();
    CHECK(battery.manufacturer == "ANT");
    CHECK(battery.voltage_v == 48.8);
    CHECK(battery.current_a == -8.0);
    CHECK(battery.soc_pct == 41.0);
    CHECK(battery.capacity_ah == 170.0);
    CHECK(battery.remaining_ah == 68.769939);
    CHECK(battery.cycles == 65u);  // 11109 Ah by 170 Ah
    REQUIRE(battery.cells.size() == 14);
    CHECK(battery.cells[0].volts == 3.498);
    CHECK(battery.cells[13].volts == 3.468);
    REQUIRE(battery.temperatures.size() == 6);
    CHECK(battery.temperatures[0] == Temperature{Place::mosfet, 22.0});
    CHECK(battery.temperatures[1] == Temperature{Place::balancer, 21.0});
    CHECK(battery.temperatures[5] == Temperature{Place::cell, 21.0});
    CHECK(battery.charge_fet == true);
    CHECK(battery.discharge_fet == true);
    CHECK(battery.balancing == false);
    CHECK(battery.alarms[Alarm::high_cell_voltage] == Level::ok);
    CHECK_FALSE(battery.alarms[Alarm::low_soc]);  // it has no such alarm
}

TEST_CASE("ant_old: a sensor that is not fitted is none, a capacity that is not set unknown") {
    auto device = board();
    device.answer(kAsk, status({{99, 0xff}, {100, 0xd8}, {75, 0}, {76, 0}, {77, 0}, {78, 0}}));
    REQUIRE(device.poll());
    CHECK(device.battery().temperatures.size() == 5);
    CHECK_FALSE(device.battery().capacity_ah);
    CHECK_FALSE(device.battery().cycles);
}

TEST_CASE("ant_old: a code says why a switch is open") {
    auto device = board();
    device.answer(kAsk, status({{kChargeState, 2}, {kDischargeState, 12}}));
    REQUIRE(device.poll());
    const auto& battery = device.battery();
    CHECK(battery.charge_fet == false);
    CHECK(battery.discharge_fet == false);
    CHECK(battery.charge_switch == true);
    CHECK(battery.alarms[Alarm::high_cell_voltage] == Level::alarm);
    CHECK(battery.alarms[Alarm::low_cell_voltage] == Level::ok);
    CHECK(battery.alarms[Alarm::high_discharge_current] == Level::alarm);
    device.answer(kAsk,
                  status({{kChargeState, 7}, {kDischargeState, 1}, {kBalanceState, 4}, {kBalanceMask, 5}}));
    REQUIRE(device.poll());
    CHECK(battery.discharge_fet == true);
    CHECK(battery.alarms[Alarm::high_cell_voltage] == Level::ok);
    CHECK(battery.alarms[Alarm::high_internal_temperature] == Level::alarm);
    CHECK(battery.balancing == true);
    CHECK(battery.cells[0].balancing == true);
    CHECK(battery.cells[1].balancing == false);
    CHECK(battery.cells[2].balancing == true);
}

TEST_CASE("ant_old: boards that take the other form of the question") {
    test::ScriptedDevice device(*find_family("ant_old"));
    device.answer(kAskOtherForm, kStatus);
    CHECK_FALSE(device.poll());
    CHECK_FALSE(device.battery().voltage_v);
    REQUIRE(device.poll());
    CHECK(device.battery().voltage_v == 48.8);
    // It keeps to what was answered, and knows nothing any more when that is not.
    const auto asked = device.times_asked(kAsk);
    REQUIRE(device.poll());
    CHECK(device.times_asked(kAsk) == asked);
    device.mute(kAskOtherForm);
    CHECK_FALSE(device.poll());
    CHECK_FALSE(device.battery().voltage_v);
    CHECK(device.battery().cells.empty());
    CHECK_FALSE(device.battery().alarms[Alarm::high_cell_voltage]);
    CHECK(device.session().proof() == Proof::proven);
}

TEST_CASE("ant_old: an impossible number of cells is no battery") {
    const auto cells = GENERATE(0, 33);
    auto device = board();
    device.answer(kAsk, status({{kCellCount, cells}}));
    CHECK_FALSE(device.poll());
    CHECK(device.session().proof() == Proof::refuted);
    CHECK_FALSE(device.battery().voltage_v);
}

TEST_CASE("ant_old: a switch is written, applied and looked at") {
    auto device = board();
    REQUIRE(device.poll());
    device.answer(kAsk, status({{kChargeState, 15}}));
    REQUIRE(device.control(Control::charge, 0));
    CHECK(device.battery().charge_fet == false);
    CHECK(device.battery().charge_switch == false);
    const auto& asked = device.asked();
    REQUIRE(asked.size() == 4);
    CHECK(asked[1] == "a5a5fa0000fa");
    CHECK(asked[2] == "a5a5ff0000ff");
    CHECK(asked[3] == kAsk);
    // What the board did not do shows.
    REQUIRE(device.control(Control::discharge, 0));
    CHECK(device.times_asked("a5a5f90000f9") == 1);
    CHECK(device.battery().discharge_switch == true);
    REQUIRE(device.control(Control::charge, 1));
    CHECK(device.times_asked("a5a5fa0001fb") == 1);
}
