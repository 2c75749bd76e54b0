#include "support/catch.hpp"
#include "support/hex_frame.hpp"
#include "support/scripted_device.hpp"

using namespace bms;
using test::hex_frame;

namespace {

const std::string kAskAnalog = hex_frame("20014A42");
const std::string kAskStatus = hex_frame("20014A44");

/// Recorded by nkinnan/esphome-pace-bms while charging.
const std::string kAnalog =
    "1001100D2F0D2C0D2C0D2D0D2D0D2F0D2F0D2F0D2C0D2D0D2D0D2F0D300D2C0D300D2C040B9B0BA50B9B0B9B0BB90BAF029D15"
    "1521A9268400540F005700620D300D2C00040BA50B9B000ADAC0000A54550005D473000570A600000680000004CA56897E24";
/// What stands in front of the events: no cell and no sensor out of its range.
const std::string kCodes = "010110" + std::string(32, '0') + "04" + std::string(16, '0') + "09";

/// Balance, voltage, temperature (two), current, capacity events, FETs, system, balancing cells.
std::string status(const std::string& events = "000000000000030000000000") {
    return hex_frame("20014A00", kCodes + events + "00");
}
test::ScriptedDevice pack() {
    test::ScriptedDevice device(*find_family("lifepower4"), 1);
    device.answer(kAskAnalog, hex_frame("20014A00", kAnalog)).answer(kAskStatus, status());
    return device;
}

}  // namespace

TEST_CASE("lifepower4: a whole reading") {
    auto device = pack();
    REQUIRE(device.poll());
    const auto& battery = device.battery();
    CHECK(device.session().proof() == Proof::proven);
    CHECK(battery.voltage_v == 53.97);
    CHECK(battery.current_a == 6.69);
    CHECK(battery.soc_pct == 87.0);
    CHECK(battery.soh_pct == 98.0);
    CHECK(battery.remaining_ah == 86.17);
    CHECK(battery.full_ah == 98.6);
    CHECK_FALSE(battery.capacity_ah);  // what is installed is not said
    CHECK(battery.cycles == 84u);
    CHECK(battery.charged_ah == 7113.6);
    CHECK(battery.discharged_kwh == 356.518);
    REQUIRE(battery.cells.size() == 16);
    CHECK(battery.cells[0].volts == 3.375);
    REQUIRE(battery.temperatures.size() == 6);
    CHECK(battery.temperatures[1] == Temperature{Place::cell, 25.0});
    CHECK(battery.temperatures[4] == Temperature{Place::ambient, 27.0});
    CHECK(battery.temperatures[5] == Temperature{Place::mosfet, 26.0});
    CHECK(battery.charge_fet == true);
    CHECK(battery.discharge_fet == true);
    CHECK(battery.heating == false);
    CHECK(battery.balancing == false);
    CHECK(battery.alarms[Alarm::low_soc] == Level::ok);
    CHECK_FALSE(battery.alarms[Alarm::fuse_blown]);  // there is no such flag
}

TEST_CASE("lifepower4: events") {
    auto device = pack();
    const auto& alarms = device.battery().alarms;
    device.answer(kAskStatus, status("51061001080101020000C001"));
    REQUIRE(device.poll());
    CHECK(alarms[Alarm::cell_imbalance] == Level::warning);
    CHECK(alarms[Alarm::internal_failure] == Level::alarm);
    CHECK(alarms[Alarm::high_cell_voltage] == Level::alarm);
    CHECK(alarms[Alarm::low_cell_voltage] == Level::warning);
    CHECK(alarms[Alarm::high_voltage] == Level::ok);
    CHECK(alarms[Alarm::high_charge_temperature] == Level::warning);
    CHECK(alarms[Alarm::high_internal_temperature] == Level::alarm);
    CHECK(alarms[Alarm::high_discharge_current] == Level::alarm);
    CHECK(alarms[Alarm::high_charge_current] == Level::ok);
    CHECK(alarms[Alarm::low_soc] == Level::warning);
    CHECK(device.battery().discharge_fet == true);
    CHECK(device.battery().charge_fet == false);
    CHECK(device.battery().cells[0].balancing == true);
    CHECK(device.battery().cells[1].balancing == false);
    CHECK(device.battery().cells[15].balancing == true);
    device.answer(kAskStatus, status("000020000000030000000000"));
    REQUIRE(device.poll());
    CHECK(alarms[Alarm::high_temperature] == Level::alarm);  // fire
}

TEST_CASE("lifepower4: what is not answered any more is unknown") {
    auto device = pack();
    REQUIRE(device.poll());
    SECTION("events") {
        const bool refused = GENERATE(false, true);
        device.mute(kAskStatus);
        if (refused) {
            device.answer(kAskStatus, hex_frame("20014A04"));
        }
        CHECK(device.poll());
        CHECK(device.battery().voltage_v == 53.97);
        CHECK_FALSE(device.battery().charge_fet);
        CHECK_FALSE(device.battery().alarms[Alarm::low_soc]);
        CHECK_FALSE(device.battery().cells[0].balancing);
    }
    SECTION("values") {
        device.mute(kAskAnalog);
        CHECK_FALSE(device.poll());
        CHECK_FALSE(device.battery().voltage_v);
        CHECK_FALSE(device.battery().charged_kwh);
        CHECK(device.battery().cells.empty());
        CHECK(device.battery().temperatures.empty());
    }
}

TEST_CASE("lifepower4: what has no layout of the pack is no reading") {
    auto other_items = kAnalog;
    other_items.replace(116, 2, "0A");
    const auto info = GENERATE_COPY(kAnalog + "00", kAnalog.substr(0, 200), other_items, std::string("1001"),
                                    std::string(202, '0'), std::string());
    test::ScriptedDevice device(*find_family("lifepower4"), 1);
    device.answer(kAskAnalog, hex_frame("20014A00", info));
    CHECK_FALSE(device.poll());
    CHECK(device.session().proof() == Proof::pending);
    CHECK_FALSE(device.battery().voltage_v);
}

TEST_CASE("lifepower4: cells that do not add up to the voltage prove nothing") {
    test::ScriptedDevice device(*find_family("lifepower4"), 1);
    auto info = kAnalog;
    info.replace(100, 4, "0A00");
    device.answer(kAskAnalog, hex_frame("20014A00", info)).answer(kAskStatus, status());
    CHECK(device.poll());
    CHECK(device.session().proof() == Proof::pending);
}

TEST_CASE(
    "lifepower4: requests keep their distance, damaged answers are asked for again, relatives not heard") {
    auto device = pack();
    SECTION("damage") {
        device.damage_next(1);
        CHECK(device.poll());
        CHECK(device.times_asked(kAskAnalog) == 2);
        CHECK(device.now() - TimePoint{} >= 400ms);
    }
    SECTION("a Daren board in front") {
        device.prefix(hex_frame("22014A00", kAnalog));
        CHECK(device.poll());
    }
    SECTION("a Daren board alone") {
        device.answer(kAskAnalog, hex_frame("22014A00", kAnalog));
        CHECK_FALSE(device.poll());
    }
    SECTION("a neighbour") {
        device.answer(kAskAnalog, hex_frame("20024A00", kAnalog));
        CHECK_FALSE(device.poll());
    }
}
