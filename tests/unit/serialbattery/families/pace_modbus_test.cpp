#include "support/catch.hpp"
#include "support/modbus_frame.hpp"
#include "support/scripted_device.hpp"

using namespace bms;
using test::modbus_frame;

namespace {

/// `registers` words from hex, the rest zero, as an answer of unit 1.
std::string words(std::size_t registers, std::string hex) {
    hex.resize(4 * registers, '0');
    const auto size = static_cast<std::uint8_t>(2 * registers);
    return modbus_frame("0103" + wire::to_hex(wire::Bytes(&size, 1)) + hex);
}
std::string text(std::string_view content) {
    std::string padded(content);
    padded.resize(20, '\0');
    return wire::to_hex(wire::Bytes(reinterpret_cast<const std::uint8_t*>(padded.data()), padded.size()));
}

const std::string kAskPaceName = "010300960014a5e9";
const std::string kAskPaceLive = "0103000000258411";
const std::string kAskPaceLimits = modbus_frame("0103003c0015");
const std::string kAskPaceSerial = modbus_frame("010300aa000a");
const std::string kPaceName = words(20, text("P16S100A-1812-1.00") + text("PACE 48100"));

/// -2.25 A, 52.32 V, 46 %; `status`: warning, protection, status and balancing.
std::string pace_live(const std::string& status) {
    std::string cells;
    for (int i = 0; i < 16; ++i) {
        cells += "0cc6";
    }
    return words(37,
                 "ff1f1470002e006312d3286a271000"
                 "8c0000"
                     + status + "00000000" + cells + "00f100effff600f0010980fb");
}
const std::string kQuiet =
    "00000000"
    "0c00"
    "0000";

test::ScriptedDevice pace(const std::string& status = kQuiet) {
    test::ScriptedDevice device(*find_family("pace_modbus"), 1);
    device.answer(kAskPaceName, kPaceName).answer(kAskPaceLive, pace_live(status));
    return device;
}

const std::string kAskGobelName = "010300aa00232433";
const std::string kAskGobelLive = "01030000003b0419";
const std::string kGobelName =
    words(35, text("P4S200A-40569-1.02") + text("4056911A1100032P") + text("GP-LA12-31420250618"));
/// A captured answer.
const std::string kGobelLive =
    "01037600000533006100647b117eed7aa800010000000000000c0000000000c00000040cff0d020d020d0100000000000000"
    "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000100d100"
    "000000000000000000000000000000000000d3ffff01d6";

test::ScriptedDevice gobel() {
    test::ScriptedDevice device(*find_family("gobel_modbus"), 1);
    device.answer(kAskGobelName, kGobelName).answer(kAskGobelLive, kGobelLive);
    return device;
}

}  // namespace

TEST_CASE("pace_modbus: a whole reading") {
    auto device = pace();
    device.answer(kAskPaceLimits, words(21, std::string(4 * 5, '0') + "0e74" + std::string(4 * 7, '0')
                                                + "09c4000000000000006e00000000ff92"));
    device.answer(kAskPaceSerial, words(10, text("1812101380309D")));
    REQUIRE(device.poll());
    CHECK(device.unasked().empty());
    const auto& battery = device.battery();
    CHECK(battery.current_a == -2.25);
    CHECK(battery.voltage_v == 52.32);
    CHECK(battery.soc_pct == 46.0);
    CHECK(battery.soh_pct == 99.0);
    CHECK(battery.remaining_ah == 48.19);
    CHECK(battery.full_ah == 103.46);
    CHECK(battery.capacity_ah == 100.0);
    CHECK(battery.cycles == 140u);
    REQUIRE(battery.cells.size() == 16);
    CHECK(battery.cells[0].volts == 3.27);
    CHECK(battery.cells[0].balancing == false);
    REQUIRE(battery.temperatures.size() == 6);
    CHECK(battery.temperatures[0] == Temperature{Place::cell, 24.1});
    CHECK(battery.temperatures[2] == Temperature{Place::cell, -1.0});
    CHECK(battery.temperatures[4] == Temperature{Place::mosfet, 26.5});
    CHECK(battery.temperatures[5] == Temperature{Place::ambient, std::nullopt});
    CHECK(battery.charge_fet == true);
    CHECK(battery.discharge_fet == true);
    CHECK(battery.heating == false);
    CHECK(battery.manufacturer == "PACE");
    CHECK(battery.model == "PACE 48100");
    CHECK(battery.firmware_version == "P16S100A-1812-1.00");
    CHECK(battery.unique_id == "1812101380309D");
    CHECK(battery.cell_overvoltage_v == 3.7);
    CHECK(battery.cell_undervoltage_v == 2.5);
    CHECK(battery.charge_overcurrent_a == 110.0);
    CHECK(battery.discharge_overcurrent_a == 110.0);
    CHECK(device.session().proof() == Proof::proven);
    REQUIRE(device.poll());
    CHECK(device.times_asked(kAskPaceName) == 1);
    CHECK(device.times_asked(kAskPaceLimits) == 1);
}

TEST_CASE("pace_modbus: warnings, protections, faults and balancing") {
    // Cell low, charge; short circuit, MOSFETs hot; sensor fault, charge FET
    // only, heater; balancing cells 1 and 16.
    auto device = pace(
        "8002"
        "1040"
        "8404"
        "8001");
    REQUIRE(device.poll());
    const auto& battery = device.battery();
    CHECK(battery.alarms[Alarm::low_cell_voltage] == Level::warning);
    CHECK(battery.alarms[Alarm::low_soc] == Level::warning);
    CHECK(battery.alarms[Alarm::high_discharge_current] == Level::alarm);
    CHECK(battery.alarms[Alarm::high_internal_temperature] == Level::alarm);
    CHECK(battery.alarms[Alarm::internal_failure] == Level::alarm);
    CHECK(battery.alarms[Alarm::high_voltage] == Level::ok);
    CHECK_FALSE(battery.alarms[Alarm::cell_imbalance]);
    CHECK(battery.charge_fet == true);
    CHECK(battery.discharge_fet == false);
    CHECK(battery.heating == true);
    CHECK(battery.cells[0].balancing == true);
    CHECK(battery.cells[1].balancing == false);
    CHECK(battery.cells[15].balancing == true);
}

TEST_CASE(
    "pace_modbus: a Gobel answers the same read with its count where the "
    "first cell should be") {
    test::ScriptedDevice device(*find_family("pace_modbus"), 1);
    device.answer(kAskPaceName, kPaceName);
    device.answer(kAskPaceLive, words(37,
                                      "00000533006100647b117eed7aa80001"
                                      "000000000000"
                                      "000c00000000"
                                      "c000"
                                      "0004"
                                      "0cff0d020d020d01"));
    CHECK_FALSE(device.poll());
    CHECK(device.session().proof() == Proof::refuted);
    CHECK(device.battery().cells.empty());
}

TEST_CASE("pace_modbus: what is no text is no battery") {
    const auto name = GENERATE(words(20, "0102"), words(20, ""), words(20, text("P16S") + "80"));
    auto device = pace();
    device.answer(kAskPaceName, name);
    CHECK_FALSE(device.poll());
    CHECK(device.session().proof() == Proof::refuted);
}

TEST_CASE("gobel_modbus: a whole reading") {
    auto device = gobel();
    REQUIRE(device.poll());
    CHECK(device.unasked().empty());
    const auto& battery = device.battery();
    CHECK(battery.current_a == 0.0);
    CHECK(battery.voltage_v == 13.31);
    CHECK(battery.soc_pct == 97.0);
    CHECK(battery.remaining_ah == 315.05);
    CHECK(battery.full_ah == 324.93);
    CHECK(battery.capacity_ah == 314.0);
    REQUIRE(battery.cells.size() == 4);
    CHECK(battery.cells[3].volts == 3.329);
    CHECK_FALSE(battery.cells[3].balancing);
    REQUIRE(battery.temperatures.size() == 2);
    CHECK(battery.temperatures[0] == Temperature{Place::cell, 20.9});
    CHECK(battery.temperatures[1] == Temperature{Place::mosfet, 21.1});
    CHECK(battery.charge_fet == true);
    CHECK(battery.discharge_fet == true);
    CHECK(battery.alarms[Alarm::internal_failure] == Level::ok);
    CHECK_FALSE(battery.alarms[Alarm::high_cell_voltage]);
    CHECK(battery.manufacturer == "Gobel Power");
    CHECK(battery.model == "GP-LA12-31420250618");
    CHECK(battery.unique_id == "4056911A1100032P");
    CHECK(device.session().proof() == Proof::proven);
    CHECK_FALSE(implausible(battery));
}

TEST_CASE("gobel_modbus: any bit of the problem code warns") {
    auto device = gobel();
    auto live = kGobelLive.substr(0, kGobelLive.size() - 4);
    live.replace(6 + 4 * 9, 4, "0100");
    device.answer(kAskGobelLive, modbus_frame(live));
    REQUIRE(device.poll());
    CHECK(device.battery().alarms[Alarm::internal_failure] == Level::warning);
}

TEST_CASE("gobel_modbus: damaged and impossible answers are no reading") {
    auto device = gobel();
    auto live = kGobelLive.substr(0, kGobelLive.size() - 4);
    SECTION("damaged") {
        device.answer(kAskGobelLive, live + "0000");
        CHECK_FALSE(device.poll());
        CHECK(device.session().proof() == Proof::pending);
    }
    SECTION("a count that cannot be") {
        live.replace(6 + 4 * 15, 4, "0020");
        device.answer(kAskGobelLive, modbus_frame(live));
        CHECK_FALSE(device.poll());
        CHECK(device.session().proof() == Proof::refuted);
    }
    SECTION("refused") {
        device.answer(kAskGobelLive, modbus_frame("018302"));
        CHECK_FALSE(device.poll());
        CHECK(device.session().proof() == Proof::pending);
    }
    CHECK_FALSE(device.battery().voltage_v);
}

TEST_CASE("pace_modbus: a silent battery leaves nothing of the last reading") {
    auto device = GENERATE(true, false) ? pace() : gobel();
    REQUIRE(device.poll());
    device.mute(kAskPaceLive);
    device.mute(kAskGobelLive);
    CHECK_FALSE(device.poll());
    const auto& battery = device.battery();
    CHECK_FALSE(battery.voltage_v);
    CHECK_FALSE(battery.soc_pct);
    CHECK_FALSE(battery.charge_fet);
    CHECK_FALSE(battery.alarms[Alarm::internal_failure]);
    CHECK(battery.cells.empty());
    CHECK(battery.temperatures.empty());
    CHECK_FALSE(device.control(Control::charge, 0));
}
