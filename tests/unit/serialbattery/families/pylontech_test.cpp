#include "support/catch.hpp"
#include "support/hex_frame.hpp"
#include "support/scripted_device.hpp"

using namespace bms;
using test::hex_frame;

namespace {

const auto kAskAnalog = hex_frame("20024642", "02");
const auto kAskAlarms = hex_frame("20024644", "02");
const auto kAskLimits = hex_frame("20024692", "02");
const auto kAskSerial = hex_frame("20024693", "02");
const auto kAskMaker = hex_frame("20024651");
const auto kAskParameters = hex_frame("20024647");

// An UP2500 with eight cells, as python-pylontech recorded it.
const auto kAnalog =
    hex_frame("20024600",
              "1002080D020D020D020D030D000D010D010D03050B7D0B690B690B690B73FFFA680EFFFF04FFFF00000174E401B1"
              "98");
const auto kLimits = hex_frame("20024600", "026EF05AA0022BFDD5C0");
/// Eight cells and five sensors without an alarm, both FETs closed, discharging.
const std::string kQuiet = "00020800000000000000000500000000000000000006400000";

test::ScriptedDevice battery() {
    test::ScriptedDevice device(*find_family("pylontech"), 2);
    device.answer(kAskAnalog, kAnalog)
        .answer(kAskAlarms, hex_frame("20024600", kQuiet))
        .answer(kAskLimits, kLimits);
    device.answer(kAskSerial, hex_frame("20024600", "024B323231303331313134333930303132"));
    device.answer(kAskMaker, hex_frame("20024600",
                                       "55503235303000000000"
                                       "0208"
                                       "50796C6F6E000000000000000000000000000000"));
    return device;
}

}  // namespace

TEST_CASE("pylontech: a whole reading") {
    auto device = battery();
    REQUIRE(device.poll());
    const auto& read = device.battery();
    CHECK(device.session().proof() == Proof::proven);
    CHECK(read.voltage_v == 26.638);
    CHECK(read.current_a == -0.6);
    CHECK(read.remaining_ah == 95.46);
    CHECK(read.capacity_ah == 111.0);
    CHECK(read.soc_pct == 86.0);
    CHECK(read.cell_count == 8u);
    CHECK(read.cells[3].volts == 3.331);
    REQUIRE(read.temperatures.size() == 5);
    CHECK(read.temperatures[0] == Temperature{Place::board, 21.0});
    CHECK(read.temperatures[4] == Temperature{Place::cell, 20.0});
    CHECK(read.charge_voltage_limit_v == 28.4);
    CHECK(read.charge_current_limit_a == 55.5);
    CHECK(read.discharge_current_limit_a == 55.5);
    CHECK(read.charge_fet == true);
    CHECK(read.discharge_fet == true);
    CHECK(read.heating == false);
    CHECK(read.serial == "K221031114390012");
    CHECK(read.model == "UP2500");
    CHECK(read.firmware_version == "2.8");
    CHECK(read.manufacturer == "Pylon");
    CHECK(read.alarms[Alarm::high_cell_voltage] == Level::ok);
    CHECK_FALSE(read.alarms[Alarm::low_soc]);  // there is no such flag
    CHECK_FALSE(implausible(read));
    // Who it is was asked once; what it may do at this moment every time.
    REQUIRE(device.poll());
    CHECK(device.times_asked(kAskSerial) == 1);
    CHECK(device.times_asked(kAskLimits) == 2);
}

TEST_CASE("pylontech: the battery forbids charging: the limit is nothing") {
    auto device = battery();
    device.answer(kAskLimits, hex_frame("20024600", "026EF05AA0022BFDD540"));
    REQUIRE(device.poll());
    CHECK(device.battery().charge_current_limit_a == 0.0);
    CHECK(device.battery().discharge_current_limit_a == 55.5);
}

TEST_CASE("pylontech: what is not answered any more is unknown") {
    auto device = battery();
    REQUIRE(device.poll());
    SECTION("alarms") {
        device.mute(kAskAlarms);
        CHECK(device.poll());
        CHECK_FALSE(device.battery().alarms[Alarm::high_cell_voltage]);
        CHECK_FALSE(device.battery().charge_fet);
        CHECK(device.battery().voltage_v);
    }
    SECTION("limits") {
        device.mute(kAskLimits);
        CHECK(device.poll());
        CHECK_FALSE(device.battery().charge_current_limit_a);
        CHECK_FALSE(device.battery().charge_voltage_limit_v);
    }
    SECTION("values") {
        device.mute(kAskAnalog);
        CHECK_FALSE(device.poll());
        CHECK_FALSE(device.battery().voltage_v);
        CHECK_FALSE(device.battery().soc_pct);
        CHECK(device.battery().cells.empty());
    }
}

TEST_CASE("pylontech: a command the battery does not know is not asked again") {
    auto device = battery();
    device.answer(kAskLimits, hex_frame("20024604"));
    CHECK(device.poll());
    CHECK(device.poll());
    CHECK(device.times_asked(kAskLimits) == 1);
    CHECK_FALSE(device.battery().charge_current_limit_a);
}

TEST_CASE("pylontech: a failed answer of the battery is no value") {
    auto device = battery();
    REQUIRE(device.poll());
    device.answer(kAskAnalog, hex_frame("20024691"));
    CHECK_FALSE(device.poll());
    CHECK_FALSE(device.battery().voltage_v);
}

TEST_CASE("pylontech: alarms by cell, by sensor and by status") {
    auto device = battery();
    std::string info = kQuiet;
    SECTION("a cell above its limit has no status bit") {
        info.replace(6, 2, "02");
        device.answer(kAskAlarms, hex_frame("20024600", info));
        REQUIRE(device.poll());
        CHECK(device.battery().alarms[Alarm::high_cell_voltage] == Level::alarm);
        CHECK(device.battery().alarms[Alarm::low_cell_voltage] == Level::ok);
    }
    SECTION("a cold sensor stops charging only while charging") {
        info.replace(26, 2, "01");
        device.answer(kAskAlarms, hex_frame("20024600", info));
        REQUIRE(device.poll());
        CHECK(device.battery().alarms[Alarm::low_temperature] == Level::alarm);
        CHECK(device.battery().alarms[Alarm::low_charge_temperature] == Level::ok);
        info.replace(info.size() - 6, 2, "80");
        device.answer(kAskAlarms, hex_frame("20024600", info));
        REQUIRE(device.poll());
        CHECK(device.battery().alarms[Alarm::low_temperature] == Level::ok);
        CHECK(device.battery().alarms[Alarm::low_charge_temperature] == Level::alarm);
    }
    SECTION("status and a failed cell") {
        info.replace(info.size() - 10, 10, "9402000100");
        device.answer(kAskAlarms, hex_frame("20024600", info));
        REQUIRE(device.poll());
        CHECK(device.battery().alarms[Alarm::high_charge_current] == Level::alarm);
        CHECK(device.battery().alarms[Alarm::high_discharge_current] == Level::alarm);
        CHECK(device.battery().alarms[Alarm::low_voltage] == Level::alarm);
        CHECK(device.battery().alarms[Alarm::internal_failure] == Level::alarm);
        CHECK(device.battery().discharge_fet == false);
    }
}

TEST_CASE("pylontech: an answer with another layout comes from another make") {
    test::ScriptedDevice device(*find_family("pylontech"), 2);
    // Ten values behind the remaining capacity, as Seplos sends it.
    device.answer(kAskAnalog,
                  hex_frame("20024600",
                            "0001020D000D00020B900B90FFFA145010000A27100000000000000000000000000000000000"));
    CHECK_FALSE(device.poll());
    CHECK(device.session().proof() == Proof::refuted);
    CHECK_FALSE(device.battery().voltage_v);
}

TEST_CASE("pylontech: a neighbour on the bus is not taken for this battery") {
    auto device = battery();
    device.prefix(hex_frame("20034600", "036EF05AA0022BFDD5C0"));
    REQUIRE(device.poll());
    CHECK(device.talk().traffic().foreign == 5);
    CHECK(device.battery().charge_voltage_limit_v == 28.4);
}

TEST_CASE("pylontech: a request damaged on its way is sent again") {
    test::ScriptedDevice device(*find_family("pylontech"), 2);
    const auto code = GENERATE("20024602", "20024603");
    device.answer(kAskAnalog, hex_frame(code));
    CHECK_FALSE(device.poll());
    CHECK(device.times_asked(kAskAnalog) == 3);
    device.answer(kAskAnalog, kAnalog);
    CHECK(device.poll());
    CHECK(device.battery().voltage_v == 26.638);
}
