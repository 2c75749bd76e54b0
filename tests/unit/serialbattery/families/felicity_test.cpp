#include "support/catch.hpp"
#include "support/modbus_frame.hpp"
#include "support/scripted_device.hpp"

using namespace bms;
using test::modbus_frame;

namespace {

const char* const kAskSerial = "0103f8040005f568";

/// Four cells, 10 A of discharge on the wire; three sensors are not fitted.
test::ScriptedDevice board() {
    std::string cells = "0ce40ce50ce60ce5";
    for (int i = 0; i < 12; ++i) {
        cells += "7fff";
    }
    test::ScriptedDevice device(*find_family("felicity"), 1);
    device.answer("0103f80b0001c4a8", modbus_frame("01030201a2"))
        .answer("0103132a00146089", modbus_frame("010328" + cells + "fffb7fff7fff7fff"))
        .answer("010313060002208e", modbus_frame("01030405290064"))
        .answer("0103130a0002e08d", modbus_frame("01030400190050"))
        .answer("010313020003a08f", modbus_frame("010306000500000000"))
        .answer("0103131c0004814b", modbus_frame("01030805a0044c03e805dc"));
    return device;
}

}  // namespace

TEST_CASE("felicity: a whole reading") {
    auto device = board();
    device.answer(kAskSerial, modbus_frame("01030a00010002000300040005"));
    REQUIRE(device.poll());
    CHECK(device.unasked().empty());
    CHECK(device.session().proof() == Proof::proven);
    const auto& battery = device.battery();
    CHECK(battery.voltage_v == 13.21);
    CHECK(battery.current_a == -10.0);
    CHECK(battery.soc_pct == 80.0);
    CHECK(battery.cells.size() == 4);
    CHECK(battery.temperatures == std::vector<Temperature>{{Place::cell, -5.0}, {Place::board, 25.0}});
    CHECK(battery.charge_fet == true);
    CHECK(battery.charge_voltage_limit_v == 14.4);
    CHECK(battery.charge_current_limit_a == 100.0);
    CHECK(battery.discharge_current_limit_a == 150.0);
    CHECK(battery.unique_id == "12345");
}

TEST_CASE("felicity: a board that does not tell its serial number is not slowed down for ever") {
    auto device = board();
    for (int i = 0; i < 20; ++i) {
        REQUIRE(device.poll());
    }
    CHECK(device.times_asked(kAskSerial) == 5);
}

TEST_CASE("felicity: temperature faults are of the side the current flows to") {
    auto device = board();
    device.answer("010313020003a08f", modbus_frame("010306000500000100"));
    REQUIRE(device.poll());
    CHECK(device.battery().alarms[Alarm::high_temperature] == Level::alarm);
    CHECK(device.battery().alarms[Alarm::high_charge_temperature] == Level::ok);
    device.answer("010313060002208e", modbus_frame("0103040529ff9c"));
    REQUIRE(device.poll());
    CHECK(device.battery().current_a == 10.0);
    CHECK(device.battery().alarms[Alarm::high_charge_temperature] == Level::alarm);
}
