#include "support/catch.hpp"
#include "support/hex_frame.hpp"
#include "support/scripted_device.hpp"

using namespace bms;
using test::hex_frame;
using test::hex_text;

namespace {

/// Cells, sensors and the values behind them of a captured answer of address 1.
const std::string kCells = "100CC70CC80CC70CC70CC70CC50CC60CC70CC70CC60CC70CC60CC60CC70CC60CC7";
const std::string kSensors = "060B9B0B990B990B990BB30BBC";
const std::string kTail = "FF1FCCCD12D303286A008C2710";
const std::string kAnalog = "0001" + kCells + kSensors + kTail;
const std::string kNoWarnings =
    "000110" + std::string(32, '0') + "06" + std::string(12, '0') + std::string(6, '0');

const std::string kAskAnalog = hex_frame("25014642", "01");
const std::string kAskStatus = hex_frame("25014644", "01");

/// `flags`: protect 1, 2, instruction, control, fault, balance 1, 2, warn 1, 2.
std::string status(const std::string& flags) {
    return hex_frame("25014600", kNoWarnings + flags);
}

test::ScriptedDevice board(const std::string& flags = "000006000000000000") {
    test::ScriptedDevice device(*find_family("pace"), 1);
    device.answer(kAskAnalog, hex_frame("25014600", kAnalog)).answer(kAskStatus, status(flags));
    return device;
}

}  // namespace

TEST_CASE("pace: a whole reading") {
    auto device = board();
    device.answer(hex_frame("250146C1"), hex_frame("25014600", hex_text("P16S100A-1812-1.00  ")));
    device.answer(hex_frame("250146C2"), hex_frame("25014600", hex_text("1812101380309D      ")));
    device.answer(hex_frame("250146D1"), hex_frame("25014600", "010E100E740D340A"));
    device.answer(hex_frame("250146D3"), hex_frame("25014600", "010AF009C40B540A"));
    device.answer(hex_frame("250146D9"), hex_frame("25014600", "010069006E0A"));
    device.answer(hex_frame("250146DB"), hex_frame("25014600", "01FF97FF920A"));
    REQUIRE(device.poll());
    CHECK(device.unasked().empty());
    const auto& battery = device.battery();
    CHECK(battery.voltage_v == 52.429);
    CHECK(battery.current_a == -2.25);
    CHECK(battery.soc_pct == Approx(100 * 48.19 / 103.46));
    CHECK(battery.full_ah == 103.46);
    CHECK(battery.capacity_ah == 100.0);
    CHECK(battery.cycles == 140u);
    REQUIRE(battery.cells.size() == 16);
    CHECK(battery.cells[1].volts == 3.272);
    CHECK(battery.cells[1].balancing == false);
    REQUIRE(battery.temperatures.size() == 6);
    CHECK(battery.temperatures[0] == Temperature{Place::cell, 24.1});
    CHECK(battery.temperatures[4] == Temperature{Place::mosfet, 26.5});
    CHECK(battery.temperatures[5] == Temperature{Place::ambient, 27.4});
    CHECK(battery.charge_fet == true);
    CHECK(battery.discharge_fet == true);
    CHECK(battery.model == "P16S100A-1812");
    CHECK(battery.firmware_version == "1.00");
    CHECK(battery.unique_id == "1812101380309D");
    CHECK(battery.cell_overvoltage_v == 3.7);
    CHECK(battery.cell_undervoltage_v == 2.5);
    CHECK(battery.charge_overcurrent_a == 110.0);
    CHECK(battery.discharge_overcurrent_a == 110.0);
    CHECK(device.session().proof() == Proof::proven);
    CHECK_FALSE(implausible(battery));
    REQUIRE(device.poll());
    CHECK(device.times_asked(hex_frame("250146C1")) == 1);
}

TEST_CASE("pace: warnings are warnings, protections alarms, and what the board cannot say stays unknown") {
    auto device = board("400106000001000220");
    REQUIRE(device.poll());
    const auto& battery = device.battery();
    CHECK(battery.alarms[Alarm::high_discharge_current] == Level::alarm);  // short circuit
    CHECK(battery.alarms[Alarm::high_charge_temperature] == Level::alarm);
    CHECK(battery.alarms[Alarm::low_cell_voltage] == Level::warning);
    CHECK(battery.alarms[Alarm::low_temperature] == Level::warning);
    CHECK(battery.alarms[Alarm::high_voltage] == Level::ok);
    CHECK(battery.alarms[Alarm::internal_failure] == Level::ok);
    CHECK_FALSE(battery.alarms[Alarm::cell_imbalance]);
    CHECK(battery.balancing == true);
    CHECK(battery.cells[0].balancing == true);
    CHECK(battery.cells[1].balancing == false);
}

TEST_CASE("pace: a silent board leaves nothing of the last reading") {
    auto device = board("010006000001000000");
    REQUIRE(device.poll());
    SECTION("no alarms") {
        device.mute(kAskStatus);
        CHECK(device.poll());
        CHECK_FALSE(device.battery().alarms[Alarm::high_cell_voltage]);
        CHECK_FALSE(device.battery().charge_fet);
        CHECK_FALSE(device.battery().balancing);
        CHECK_FALSE(device.battery().cells[0].balancing);
        CHECK(device.battery().voltage_v);
    }
    SECTION("no values") {
        device.mute(kAskAnalog);
        CHECK_FALSE(device.poll());
        CHECK_FALSE(device.battery().voltage_v);
        CHECK_FALSE(device.battery().soc_pct);
        CHECK(device.battery().cells.empty());
    }
}

TEST_CASE("pace: of a stack that answers for all, the first pack is read") {
    test::ScriptedDevice device(*find_family("pace"), 0);
    const std::string second =
        "020CE40CE5020B9B0B99000019A012D30900000000000000000000000000000000000000000000";
    device.answer(hex_frame("25004642", "FF"),
                  hex_frame("25004600", "0002" + kCells + kSensors + kTail + second));
    CHECK(device.poll());
    CHECK(device.battery().cells.size() == 16);
    CHECK(device.battery().voltage_v == 52.429);
}

TEST_CASE("pace: what has no layout of the board is no reading") {
    const auto tail = GENERATE(as<std::string>(), "FF1FCCCD12D30A286A008C2710", "FF1FCCCD12D303286A008C");
    test::ScriptedDevice device(*find_family("pace"), 1);
    device.answer(kAskAnalog, hex_frame("25014600", "0001" + kCells + kSensors + tail));
    CHECK_FALSE(device.poll());
    CHECK(device.session().proof() == Proof::pending);
    CHECK_FALSE(device.battery().voltage_v);
}

TEST_CASE("pace: a FET is switched and its state read back") {
    auto device = board();
    REQUIRE(device.poll());
    SECTION("done") {
        device.answer(hex_frame("2501469A", "01"), hex_frame("25014600", "24"));
        device.answer(kAskStatus, status("000004000000000000"));
        CHECK(device.control(Control::charge, 0));
        CHECK(read_back(device.battery(), Control::charge) == 0);
        CHECK(read_back(device.battery(), Control::discharge) == 1);
        device.answer(hex_frame("2501469B", "01"), hex_frame("25014600", "00"));
        device.answer(kAskStatus, status("000000000000000000"));
        CHECK(device.control(Control::discharge, 0));
        CHECK(read_back(device.battery(), Control::discharge) == 0);
    }
    SECTION("refused: the state stays, nothing is tried again") {
        device.answer(hex_frame("2501469A", "01"), hex_frame("25014609"));
        CHECK_FALSE(device.control(Control::charge, 0));
        CHECK(device.times_asked(hex_frame("2501469A", "01")) == 1);
        CHECK(read_back(device.battery(), Control::charge) == 1);
    }
    SECTION("not offered") {
        CHECK_FALSE(device.control(Control::charge, 2));
        CHECK_FALSE(device.control(Control::balancing, 1));
    }
}

TEST_CASE("pace: a request damaged on its way is sent again, another one's answer is not taken") {
    test::ScriptedDevice device(*find_family("pace"), 1);
    device.answer(kAskAnalog, hex_frame("25014602"));
    CHECK_FALSE(device.poll());
    CHECK(device.times_asked(kAskAnalog) == 3);
    device.answer(kAskAnalog, hex_frame("25024600", kAnalog));
    CHECK_FALSE(device.poll());
    CHECK_FALSE(device.battery().voltage_v);
}
