#include "support/catch.hpp"
#include "support/modbus_frame.hpp"
#include "support/scripted_device.hpp"

using namespace bms;
using test::modbus_frame;

TEST_CASE("heltec_yy: a whole reading") {
    test::ScriptedDevice device(*find_family("heltec_yy"), 1);
    device
        .answer("01030007000d35ce",
                modbus_frame("01031a47572d3234533445420000000000000000000000000000000000"))
        .answer("0103004c000205dc", modbus_frame("010304f0330000"))
        .answer("0103004b0001f41c", modbus_frame("0103020401"))
        .answer(modbus_frame("010300510004"), modbus_frame("010308e40ce50ce30ce40c"))
        .answer("0103004e0002a41c", modbus_frame("010304e8030000"))
        .answer(
            "010300780001"
            "0413",
            modbus_frame("0103025062"))
        .answer(
            "010300760002"
            "25d1",
            modbus_frame("010304f00ac408"))
        .answer("0103007e0001e412", modbus_frame("010302280a"));
    REQUIRE(device.poll());
    CHECK(device.unasked().empty());
    CHECK(device.session().proof() == Proof::proven);
    const auto& battery = device.battery();
    CHECK(battery.model == "GW-24S4EB");
    CHECK(battery.voltage_v == 13.296);
    CHECK(battery.current_a == -10.0);
    CHECK(battery.soc_pct == 80.0);
    CHECK(battery.soh_pct == 98.0);
    CHECK(battery.cells[1].volts == 3.301);
    CHECK(battery.capacity_ah == 280.0);
    CHECK(battery.full_ah == 260.0);
}
