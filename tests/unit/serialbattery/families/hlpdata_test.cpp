#include "support/catch.hpp"
#include "support/scripted_device.hpp"

using namespace bms;

namespace {

std::string hex_of(const std::string& text) {
    return wire::to_hex(wire::Buffer(text.begin(), text.end()));
}

const std::string kAskVersion = hex_of("\npv\n");
const std::string kAskStatus = hex_of("m1\n");
const std::string kAskSettings = hex_of("ps\n");

std::string status(
    const std::string& fields = "3.312,3.315,3.309,3.318,-12.5,87,1,0,12.9,86,0,0,1,b1 23,b2 -4") {
    return hex_of("m1 " + fields + "\r\n");
}

test::ScriptedDevice board() {
    test::ScriptedDevice device(*find_family("hlpdata"));
    device.answer(kAskVersion, hex_of("pv\r\nBMS4S ver 2.10\r\n")).answer(kAskStatus, status());
    return device;
}

}  // namespace

TEST_CASE("hlpdata: a whole reading, with a current below zero") {
    auto device = board();
    REQUIRE(device.poll());
    CHECK(device.session().proof() == Proof::proven);
    const auto& battery = device.battery();
    CHECK(battery.voltage_v == Approx(13.254));
    CHECK(battery.current_a == -12.5);
    CHECK(battery.soc_pct == 87.0);
    CHECK(battery.charge_fet == true);
    CHECK(battery.discharge_fet == false);
    REQUIRE(battery.cells.size() == 4);
    CHECK(battery.cells[3].volts == 3.318);
    CHECK(battery.temperatures == std::vector<Temperature>{{Place::cell, 23.0}, {Place::cell, -4.0}});
    CHECK(battery.model == "BMS4S");
    CHECK(battery.firmware_version == "ver 2.10");
    CHECK(battery.alarms[Alarm::high_voltage] == Level::ok);
    CHECK_FALSE(battery.alarms[Alarm::high_cell_voltage]);
    CHECK_FALSE(battery.capacity_ah);
}

TEST_CASE("hlpdata: settings are found in a long text, with a comma for the point") {
    auto device = board();
    std::string text(600, 'x');
    text += "\r\nBatterySize= 230 Ah\r\nVoltHigh= 3,60 VoltLow=2.80\r\n";
    device.answer(kAskSettings, hex_of(text));
    REQUIRE(device.poll());
    CHECK(device.times_asked(kAskSettings) == 0);
    SECTION("in one piece") {}
    SECTION("in pieces") {
        device.deliver_in_chunks_of(7);
    }
    REQUIRE(device.poll());
    CHECK(device.battery().capacity_ah == 230.0);
    CHECK(device.battery().cell_overvoltage_v == 3.6);
    CHECK(device.battery().cell_undervoltage_v == 2.8);
    CHECK(device.battery().charge_voltage_limit_v == Approx(14.4));
    for (int i = 0; i < 40; ++i) {
        REQUIRE(device.poll());
    }
    CHECK(device.times_asked(kAskSettings) == 1);
}

TEST_CASE("hlpdata: the beep says what is wrong") {
    struct Case {
        std::string code;
        Alarm alarm;
        Level level;
    };
    const auto [code, alarm, level] = GENERATE(values<Case>({
        {"2", Alarm::low_charge_temperature, Level::warning},
        {"3", Alarm::high_charge_temperature, Level::warning},
        {"4", Alarm::low_voltage, Level::alarm},
        {"5", Alarm::high_voltage, Level::alarm},
    }));
    auto device = board();
    device.answer(kAskStatus, status("3.312,3.315,3.309,3.318,0.4,87,1,1,12.9,86,0," + code + ",1,b1 2"));
    REQUIRE(device.poll());
    CHECK(device.battery().alarms[alarm] == level);
    device.answer(kAskStatus, status());
    REQUIRE(device.poll());
    CHECK(device.battery().alarms[alarm] == Level::ok);
}

TEST_CASE("hlpdata: what stands in front of an answer is stepped over") {
    auto device = board();
    const auto before = GENERATE(as<std::string>(), "m1\r\n>", "m1 ", "\r\n> ", "xyz", "\xff\x00");
    device.prefix(hex_of(before));
    REQUIRE(device.poll());
    CHECK(device.battery().current_a == -12.5);
}

TEST_CASE("hlpdata: an echo is no answer") {
    auto device = board();
    device.echo(true);
    CHECK(device.poll());
    CHECK(device.battery().soc_pct == 87.0);
    device.mute(kAskStatus);
    CHECK_FALSE(device.poll());
}

TEST_CASE("hlpdata: lines that are not whole are no reading") {
    auto device = board();
    REQUIRE(device.poll());
    const auto bad = GENERATE_COPY(
        as<std::string>(), status("3.312,3.315,3.309,3.318,-12.5,87,1,1,12.9,86,0,0"),  // a field too few
        status("3.312,3.315,3.309,3.318,-12.5,87,1,1,12.9,86,0,x,1,b1 23"),             // no number
        status("3312,3.315,3.309,3.318,-12.5,87,1,1,12.9,86,0,0,1,b1 23"),              // no point
        status("1.1,1.1,1.1,1.1,0,0,1,1,0,0,0,0,1"),                                    // too short
        status("3.312,3.315,3.309,3.318,-12.5,87,1,1,12.9,86,0,0,1,b\x01 23"),          // no text
        hex_of("m1 3.312,3.315,3.309,3.318,-12.5,87,1,1,12.9,86,0,0,1,b1 23"),          // no line end
        hex_of("m1 " + std::string(300, '1') + "\r\n"));
    device.answer(kAskStatus, bad);
    CHECK_FALSE(device.poll());
    CHECK_FALSE(device.battery().voltage_v);
    CHECK_FALSE(device.battery().charge_fet);
    CHECK_FALSE(device.battery().alarms[Alarm::high_voltage]);
    CHECK(device.battery().cells.empty());
}

TEST_CASE("hlpdata: a board that must be woken answers the second time") {
    auto device = board();
    device.answer(kAskVersion, hex_of("pv\r\nBMS4S\r\n"));
    device.damage_next(1);
    REQUIRE(device.poll());
    CHECK(device.times_asked(kAskVersion) == 2);
}

TEST_CASE("hlpdata: cells no such board has refute it") {
    auto device = board();
    device.answer(kAskStatus, status("7.312,3.315,3.309,3.318,-12.5,87,1,1,12.9,86,0,0,1,b1 23"));
    device.poll();
    CHECK(device.session().proof() == Proof::refuted);
}
