#include "support/catch.hpp"
#include "support/hex_frame.hpp"
#include "support/scripted_device.hpp"

using namespace bms;
using test::hex_frame;
using test::hex_text;

namespace {

/// A captured telemetry answer in its parts: head, cells, sensors, what stands behind them.
const std::string kCells = "100CD70CE90CF40CD60CEF0CE50CE10CDC0CE90CF00CE80CEF0CEA0CDA0CDE0CD8";
const std::string kSensors = "060BA60BA00B970BA60BA50BA2";
const std::string kTail = "FD5C14A0344E0A426803134650004603E8149F0000000000000000";
const std::string kTelemetry = "0001" + kCells + kSensors + kTail;

const std::string kAskTelemetry = hex_frame("20004642", "01");
const std::string kAskAlarms = hex_frame("20004644", "01");
const std::string kAskSettings = hex_frame("20004647");
const std::string kAskManufacturer = hex_frame("20004651");

/// `behind`: events 1 to 6, switches, balancing, system, disconnected, events 7 and 8.
std::string alarms(const std::string& behind) {
    return hex_frame("20004600", "000110" + std::string(32, '0') + "06" + std::string(12, '0') + "0000" + "14"
                                     + behind + std::string(12, '0'));
}
const std::string kQuiet =
    "000000000000"
    "03"
    "0000"
    "02"
    "00000000";

test::ScriptedDevice board(const std::string& behind = kQuiet) {
    test::ScriptedDevice device(*find_family("seplos2"), 0);
    device.answer(kAskTelemetry, hex_frame("20004600", kTelemetry)).answer(kAskAlarms, alarms(behind));
    return device;
}

std::string settings() {
    std::string words(60 * 4, '0');
    words.replace(4 * 4, 4, "0E42");
    words.replace(6 * 4, 4, "0A28");
    words.replace(54 * 4, 4, "2AF8");
    words.replace(55 * 4, 4, "D508");
    return "003C" + words + "1B" + std::string(27 * 2, '0') + "08" + std::string(16, '0')
           + hex_text("1101-SP15 ");
}

}  // namespace

TEST_CASE("seplos2: a whole reading") {
    auto device = board();
    device.answer(kAskManufacturer,
                  hex_frame("20004600", hex_text("1101-SP15 ") + "0207" + hex_text("CANProtocol:Sofar   ")));
    device.answer(kAskSettings, hex_frame("20004600", settings()));
    REQUIRE(device.poll());
    CHECK(device.unasked().empty());
    const auto& battery = device.battery();
    CHECK(battery.voltage_v == 52.8);
    CHECK(battery.current_a == -6.76);
    CHECK(battery.soc_pct == 78.7);
    CHECK(battery.soh_pct == 100.0);
    CHECK(battery.remaining_ah == 133.9);
    CHECK(battery.full_ah == 170.0);
    CHECK(battery.capacity_ah == 180.0);
    CHECK(battery.cycles == 70u);
    REQUIRE(battery.cells.size() == 16);
    CHECK(battery.cells[1].volts == 3.305);
    CHECK(battery.cells[1].balancing == false);
    REQUIRE(battery.temperatures.size() == 6);
    CHECK(battery.temperatures[2] == Temperature{Place::cell, 23.6});
    CHECK(battery.temperatures[4] == Temperature{Place::ambient, 25.0});
    CHECK(battery.temperatures[5] == Temperature{Place::mosfet, 24.7});
    CHECK(battery.charge_fet == true);
    CHECK(battery.discharge_fet == true);
    CHECK(battery.heating == false);
    CHECK(battery.model == "1101-SP15");
    CHECK(battery.manufacturer == "Seplos");
    CHECK(battery.firmware_version == "2.7");
    CHECK(battery.cell_overvoltage_v == 3.65);
    CHECK(battery.cell_undervoltage_v == 2.6);
    CHECK(battery.charge_overcurrent_a == 110.0);
    CHECK(battery.discharge_overcurrent_a == 110.0);
    CHECK(device.session().proof() == Proof::proven);
    CHECK_FALSE(implausible(battery));
    REQUIRE(device.poll());
    CHECK(device.times_asked(kAskSettings) == 1);
    CHECK(device.times_asked(kAskManufacturer) == 1);
}

TEST_CASE("seplos2: a trip point of zero is none") {
    auto device = board();
    auto blank = settings();
    blank.replace(4 + 54 * 4, 8, "00000000");
    device.answer(kAskSettings, hex_frame("20004600", blank));
    REQUIRE(device.poll());
    CHECK(device.battery().cell_overvoltage_v == 3.65);
    CHECK_FALSE(device.battery().charge_overcurrent_a);
    CHECK_FALSE(device.battery().discharge_overcurrent_a);
}

TEST_CASE("seplos2: alarms are warnings, protections alarms") {
    auto device = board(
        "100602100404"
        "01"
        "0180"
        "02"
        "00000000");
    REQUIRE(device.poll());
    const auto& battery = device.battery();
    CHECK(battery.alarms[Alarm::cell_imbalance] == Level::alarm);
    CHECK(battery.alarms[Alarm::high_cell_voltage] == Level::alarm);
    CHECK(battery.alarms[Alarm::low_cell_voltage] == Level::warning);
    CHECK(battery.alarms[Alarm::high_charge_temperature] == Level::alarm);
    CHECK(battery.alarms[Alarm::high_internal_temperature] == Level::warning);
    CHECK(battery.alarms[Alarm::high_discharge_current] == Level::warning);
    CHECK(battery.alarms[Alarm::low_soc] == Level::warning);
    CHECK(battery.alarms[Alarm::high_voltage] == Level::ok);
    CHECK(battery.alarms[Alarm::internal_failure] == Level::ok);
    CHECK_FALSE(battery.alarms[Alarm::fuse_blown]);
    CHECK(battery.charge_fet == false);
    CHECK(battery.discharge_fet == true);
    CHECK(battery.cells[0].balancing == true);
    CHECK(battery.cells[1].balancing == false);
    CHECK(battery.cells[15].balancing == true);
}

TEST_CASE("seplos2: faults of the board, and of the power stage") {
    SECTION("the power stage is protected when both bits say so") {
        auto device = board(
            "000000300000"
            "03"
            "0000"
            "02"
            "00000000");
        REQUIRE(device.poll());
        CHECK(device.battery().alarms[Alarm::high_internal_temperature] == Level::alarm);
    }
    SECTION("a calibration that is missing is a failure of the board") {
        auto device = board(
            "000000000000"
            "03"
            "0000"
            "02"
            "00000004");
        REQUIRE(device.poll());
        CHECK(device.battery().alarms[Alarm::internal_failure] == Level::alarm);
    }
    SECTION("waiting for a charger is none") {
        auto device = board(
            "000000000002"
            "03"
            "0000"
            "02"
            "00001000");
        REQUIRE(device.poll());
        CHECK(device.battery().alarms[Alarm::internal_failure] == Level::ok);
    }
}

TEST_CASE("seplos2: a silent board leaves nothing of the last reading") {
    auto device = board();
    REQUIRE(device.poll());
    SECTION("no alarms") {
        device.mute(kAskAlarms);
        CHECK(device.poll());
        CHECK_FALSE(device.battery().alarms[Alarm::high_cell_voltage]);
        CHECK_FALSE(device.battery().charge_fet);
        CHECK_FALSE(device.battery().cells[0].balancing);
        CHECK(device.battery().voltage_v);
    }
    SECTION("no values, and the group stays what it was") {
        device.mute(kAskTelemetry);
        CHECK_FALSE(device.poll());
        CHECK_FALSE(device.battery().voltage_v);
        CHECK_FALSE(device.battery().soc_pct);
        CHECK_FALSE(device.battery().cycles);
        CHECK(device.battery().cells.empty());
        device.answer(kAskTelemetry, hex_frame("20004600", kTelemetry));
        CHECK(device.poll());
    }
}

TEST_CASE("seplos2: a board that ignores group 1 is asked for its address, and the other way round") {
    SECTION("address 0") {
        test::ScriptedDevice device(*find_family("seplos2"), 0);
        device.answer(hex_frame("20004642", "00"), hex_frame("20004600", kTelemetry));
        CHECK_FALSE(device.poll());
        CHECK(device.poll());
        CHECK(device.session().proof() == Proof::proven);
    }
    SECTION("address 12") {
        test::ScriptedDevice device(*find_family("seplos2"), 12);
        device.answer(hex_frame("200C4642", "01"), hex_frame("200C4600", kTelemetry));
        CHECK_FALSE(device.poll());
        CHECK(device.times_asked(hex_frame("200C4642", "0C")) == 3);
        CHECK(device.poll());
    }
}

TEST_CASE("seplos2: fifteen cells, an open sensor") {
    auto device = board();
    const std::string cells = "0F" + kCells.substr(2, 60);
    const std::string sensors = "060853" + kSensors.substr(6);
    device.answer(kAskTelemetry, hex_frame("20004600", "0000" + cells + sensors + kTail));
    CHECK(device.poll());
    CHECK(device.battery().cells.size() == 15);
    CHECK(device.battery().temperatures[0] == Temperature{Place::cell, std::nullopt});
    CHECK(device.battery().temperatures[5].celsius == 24.7);
}

TEST_CASE("seplos2: the clone with version 26 sends no state of charge") {
    test::ScriptedDevice device(*find_family("seplos2"), 0);
    device.answer(kAskTelemetry,
                  hex_frame("26004600", "0001" + kCells + kSensors + "FD5C14A0344E0242680046"));
    REQUIRE(device.poll());
    CHECK(device.battery().soc_pct == Approx(100 * 133.9 / 170));
    CHECK(device.battery().cycles == 70u);
    CHECK_FALSE(device.battery().soh_pct);
    CHECK_FALSE(device.battery().capacity_ah);
}

TEST_CASE("seplos2: what has no layout of the board is no reading") {
    const auto answer = GENERATE(
        as<std::string>(),
        // Two items, as of a Pylontech; a word short; more cells than there are; the answer to another command.
        "0001" + kCells + kSensors + "FD5C14A0344E0242680046",
        "0001" + kCells + kSensors + kTail.substr(0, kTail.size() - 4),
        "000111" + kCells.substr(2) + kSensors + kTail, "00", "");
    test::ScriptedDevice device(*find_family("seplos2"), 0);
    device.answer(kAskTelemetry, hex_frame("20004600", answer));
    CHECK_FALSE(device.poll());
    CHECK(device.session().proof() == Proof::pending);
    CHECK_FALSE(device.battery().voltage_v);
}

TEST_CASE("seplos2: a damaged answer is asked for again, another one's is not taken") {
    auto device = board();
    device.damage_next(1);
    CHECK(device.poll());
    CHECK(device.times_asked(kAskTelemetry) == 2);
    device.answer(kAskTelemetry, hex_frame("20014600", kTelemetry));
    CHECK_FALSE(device.poll());
    device.answer(kAskTelemetry, hex_frame("25004600", kTelemetry));
    CHECK_FALSE(device.poll());
    CHECK_FALSE(device.battery().voltage_v);
}

TEST_CASE("seplos2: nothing of it can be switched") {
    auto device = board();
    REQUIRE(device.poll());
    CHECK_FALSE(device.control(Control::charge, 0));
    CHECK_FALSE(device.control(Control::discharge, 0));
}
