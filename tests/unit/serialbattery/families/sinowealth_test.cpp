#include "support/catch.hpp"
#include "support/scripted_device.hpp"

using namespace bms;

namespace {

/// An item's answer with its check, which covers the request too.
void tell(test::ScriptedDevice& device, const std::string& request, const std::string& data) {
    const auto covered = wire::from_hex(request + data).value();
    wire::Buffer check{wire::Crc8::of(covered)};
    device.answer(request, data + wire::to_hex(check));
}

/// Ten cells of 3.709 V at 25.1 and 21.0 degrees, charging with 12.345 A.
test::ScriptedDevice board() {
    test::ScriptedDevice device(*find_family("sinowealth"));
    tell(device, "0a1702", "0047");
    for (int cell = 1; cell <= 10; ++cell) {
        const wire::Buffer number{static_cast<std::uint8_t>(cell)};
        tell(device, "0a" + wire::to_hex(number) + "02", "0e7d");
    }
    tell(device, "0a0b02", "90e2");
    tell(device, "0a0c02", "0ba6");
    tell(device, "0a0d02", "0b7d");
    tell(device, "0a0e02", "0bc3");
    tell(device, "0a1004", "00003039");
    tell(device, "0a1104", "0000c350");
    tell(device, "0a1204", "0000a028");
    tell(device, "0a1302", "0057");
    tell(device, "0a1402", "0007");
    tell(device, "0a1502", "0007");
    tell(device, "0a1602", "0000");
    return device;
}

}  // namespace

TEST_CASE("sinowealth: a whole reading, once the configuration is known") {
    auto device = board();
    REQUIRE(device.poll());
    CHECK(device.asked() == std::vector<std::string>{"0a1702"});
    CHECK(device.session().proof() == Proof::pending);
    REQUIRE(device.poll());
    CHECK(device.unasked().empty());
    CHECK(device.session().proof() == Proof::proven);
    CHECK(device.session().complete());
    const auto& battery = device.battery();
    CHECK(battery.voltage_v == 37.09);
    CHECK(battery.current_a == 12.345);
    CHECK(battery.soc_pct == 87.0);
    CHECK(battery.full_ah == 50.0);
    CHECK(battery.remaining_ah == 41.0);
    CHECK(battery.cycles == 7u);
    REQUIRE(battery.cells.size() == 10);
    CHECK(battery.cells[9].volts == 3.709);
    REQUIRE(battery.temperatures.size() == 3);
    CHECK(battery.temperatures[0] == Temperature{Place::cell, 25.1});
    CHECK(battery.temperatures[1] == Temperature{Place::cell, 21.0});
    CHECK(battery.temperatures[2] == Temperature{Place::board, 28.0});
    CHECK(battery.charge_fet == true);
    CHECK(battery.discharge_fet == true);
    CHECK(battery.alarms[Alarm::high_voltage] == Level::ok);
    CHECK_FALSE(battery.alarms[Alarm::high_cell_voltage]);
    REQUIRE(device.poll());
    CHECK(device.times_asked("0a1702") == 1);
}

TEST_CASE("sinowealth: a configuration that nothing follows was noise") {
    auto device = board();
    REQUIRE(device.poll());
    device.mute("0a0102");
    CHECK_FALSE(device.poll());
    CHECK(device.session().proof() == Proof::refuted);
}

TEST_CASE("sinowealth: the status words") {
    auto device = board();
    tell(device, "0a1502", "0100");
    tell(device, "0a1602", "2506");
    REQUIRE(device.poll());
    REQUIRE(device.poll());
    const auto& battery = device.battery();
    CHECK(battery.charge_fet == false);
    CHECK(battery.discharge_fet == false);
    CHECK(battery.alarms[Alarm::low_voltage] == Level::alarm);
    CHECK(battery.alarms[Alarm::high_charge_current] == Level::alarm);
    CHECK(battery.alarms[Alarm::high_charge_temperature] == Level::alarm);
    CHECK(battery.alarms[Alarm::low_charge_temperature] == Level::alarm);
    CHECK(battery.alarms[Alarm::high_discharge_current] == Level::alarm);  // the short circuit
    CHECK(battery.alarms[Alarm::high_voltage] == Level::ok);
    CHECK(battery.alarms[Alarm::low_temperature] == Level::ok);
}

TEST_CASE("sinowealth: what is not answered is unknown") {
    auto device = board();
    REQUIRE(device.poll());
    REQUIRE(device.poll());
    SECTION("a temperature only") {
        device.mute("0a0c02");
        CHECK(device.poll());
        CHECK(device.battery().temperatures.size() == 2);
    }
    SECTION("a cell") {
        device.mute("0a0302");
        CHECK_FALSE(device.poll());
        CHECK_FALSE(device.battery().cells[2].volts);
        CHECK(device.session().proof() == Proof::pending);
    }
    SECTION("the status") {
        device.mute("0a1602");
        CHECK_FALSE(device.poll());
        CHECK_FALSE(device.battery().alarms[Alarm::high_voltage]);
        CHECK_FALSE(device.battery().alarm_word);
    }
}

TEST_CASE("sinowealth: one sensor is asked for where there is one") {
    auto device = board();
    tell(device, "0a1702", "0007");
    REQUIRE(device.poll());
    REQUIRE(device.poll());
    CHECK(device.times_asked("0a0d02") == 0);
    CHECK(device.battery().temperatures.size() == 2);
}

TEST_CASE("sinowealth: values no such board has refute it") {
    auto device = board();
    SECTION("a cell of 0.3 V") {
        tell(device, "0a0102", "012c");
    }
    SECTION("cells that do not add up") {
        tell(device, "0a0b02", "6000");
    }
    device.poll();
    device.poll();
    CHECK(device.session().proof() == Proof::refuted);
}

TEST_CASE("sinowealth: damage, echoes and answers to another item are not taken") {
    auto device = board();
    SECTION("damaged answers are asked for again") {
        device.damage_next(2);
        CHECK(device.poll());
        CHECK(device.times_asked("0a1702") == 3);
    }
    SECTION("an echo") {
        device.echo(true);
    }
    SECTION("the answer to another item in front") {
        device.prefix("0e7dbf");
    }
    REQUIRE(device.poll());
    REQUIRE(device.poll());
    CHECK(device.battery().cells.size() == 10);
    CHECK(device.battery().voltage_v == 37.09);
}
