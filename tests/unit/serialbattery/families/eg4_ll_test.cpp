#include "support/catch.hpp"
#include "support/modbus_frame.hpp"
#include "support/scripted_device.hpp"

using namespace bms;
using test::modbus_frame;

namespace {

const std::string kAskStatus = modbus_frame("020300000027");
const std::string kAskIdentity = modbus_frame("020300690017");
/// Captured answers of a rack module.
const std::string kStatus =
    "02034e14f600780d1a0d190d1b0d1b0d1a0d1b0d1a0d1b0d1a0d1b0d1a0d1a0d1a0d1b0d1a"
    "0d1a0019001b0018006100640064"
    "006100010000000000000000000b15752a00181818180000001003e80000";
const std::string kIdentity =
    "02032e4c46502d35312e325631303041682d56312e3000000000005a303254303432303232"
    "2d31302d32360000000000004818";

/// The status with words from register `reg` on replaced.
std::string with(unsigned reg, const std::string& words) {
    auto hex = kStatus;
    hex.replace(6 + 4 * std::size_t{reg}, words.size(), words);
    return modbus_frame(hex);
}

test::ScriptedDevice module() {
    test::ScriptedDevice device(*find_family("eg4_ll"), 2);
    device.answer(kAskStatus, modbus_frame(kStatus)).answer(kAskIdentity, kIdentity);
    return device;
}

}  // namespace

TEST_CASE("eg4_ll: a whole reading") {
    auto device = module();
    REQUIRE(device.poll());
    CHECK(device.unasked().empty());
    const auto& battery = device.battery();
    CHECK(battery.voltage_v == 53.66);
    CHECK(battery.current_a == 1.2);
    CHECK(battery.soc_pct == 97.0);
    CHECK(battery.soh_pct == 100.0);
    CHECK(battery.full_ah == 100.0);
    CHECK(battery.capacity_ah == 100.0);
    CHECK_FALSE(battery.remaining_ah);
    CHECK(battery.cycles == 11u);
    CHECK(battery.charge_current_limit_a == 100.0);
    REQUIRE(battery.cells.size() == 16);
    CHECK(battery.cells[1].volts == 3.353);
    CHECK(battery.cells[1].balancing == false);
    REQUIRE(battery.temperatures.size() == 5);
    CHECK(battery.temperatures[0] == Temperature{Place::cell, 24.0});
    CHECK(battery.temperatures[4] == Temperature{Place::board, 25.0});
    CHECK_FALSE(battery.charge_fet);
    CHECK(battery.model == "LFP-51.2V100Ah-V1.0");
    CHECK(battery.firmware_version == "Z02T04");
    CHECK(battery.unique_id.empty());
    CHECK(device.session().proof() == Proof::proven);
    CHECK_FALSE(implausible(battery));
    REQUIRE(device.poll());
    CHECK(device.times_asked(kAskIdentity) == 1);
}

TEST_CASE("eg4_ll: warnings, protections and errors") {
    auto device = module();
    // Warnings: pack low, charge warm, ambient; protections: discharge current,
    // short; errors: unbalanced.
    device.answer(kAskStatus, with(26, "014420200010"));
    REQUIRE(device.poll());
    const auto& battery = device.battery();
    CHECK(battery.alarms[Alarm::low_voltage] == Level::warning);
    CHECK(battery.alarms[Alarm::high_charge_temperature] == Level::warning);
    CHECK(battery.alarms[Alarm::high_temperature] == Level::warning);
    CHECK(battery.alarms[Alarm::high_discharge_current] == Level::alarm);
    CHECK(battery.alarms[Alarm::cell_imbalance] == Level::alarm);
    CHECK(battery.alarms[Alarm::internal_failure] == Level::ok);
    CHECK(battery.alarms[Alarm::low_soc] == Level::ok);
    CHECK_FALSE(battery.alarms[Alarm::fuse_blown]);
}

TEST_CASE("eg4_ll: balancing cells") {
    auto device = module();
    device.answer(kAskStatus, with(38, "8001"));
    REQUIRE(device.poll());
    CHECK(device.battery().balancing == true);
    CHECK(device.battery().cells[0].balancing == true);
    CHECK(device.battery().cells[1].balancing == false);
    CHECK(device.battery().cells[15].balancing == true);
}

TEST_CASE("eg4_ll: a battery of four cells leaves out what it does not know") {
    test::ScriptedDevice device(*find_family("eg4_ll"), 1);
    device.answer(modbus_frame("010300000027"),
                  "01034e052cffc20cee0cf10ced0cf1000000000000000000000000000000000000000000"
                  "000000001100110011000002"
                  "ee006400300002000000000000000000010000000011c80000000000040000000095a4");
    REQUIRE(device.poll());
    const auto& battery = device.battery();
    CHECK(battery.voltage_v == 13.24);
    CHECK(battery.current_a == -0.62);
    REQUIRE(battery.cells.size() == 4);
    CHECK_FALSE(battery.full_ah);
    CHECK_FALSE(battery.capacity_ah);
    CHECK_FALSE(battery.charge_current_limit_a);
    REQUIRE(battery.temperatures.size() == 3);
    CHECK(battery.temperatures[0].celsius == 17.0);
    CHECK_FALSE(battery.temperatures[1].celsius);
    CHECK(battery.temperatures[2] == Temperature{Place::board, 17.0});
    CHECK(device.session().proof() == Proof::proven);
}

TEST_CASE("eg4_ll: other slaves answer the same read with other things") {
    const auto answer = GENERATE(with(36, "0000"), with(36, "0011"), with(0, "0a00"), with(0, "0000"));
    auto device = module();
    device.answer(kAskStatus, answer);
    SECTION("first: it is no such battery") {
        CHECK_FALSE(device.poll());
        CHECK(device.session().proof() == Proof::refuted);
        CHECK_FALSE(device.battery().voltage_v);
    }
    SECTION("later: it is a misreading") {
        auto known = module();
        REQUIRE(known.poll());
        known.answer(kAskStatus, answer);
        CHECK_FALSE(known.poll());
        CHECK(known.session().proof() != Proof::refuted);
        CHECK(known.battery().cells.empty());
    }
}

TEST_CASE("eg4_ll: damaged, short and foreign answers are no reading") {
    auto device = module();
    const auto answer =
        GENERATE(as<std::string>(), kStatus + "0000", kStatus.substr(0, 80), modbus_frame("028302"),
                 modbus_frame("01" + kStatus.substr(2)), modbus_frame("02030214f6"), "010103126100");
    device.answer(kAskStatus, answer);
    CHECK_FALSE(device.poll());
    CHECK_FALSE(device.battery().voltage_v);
    CHECK(device.session().proof() == Proof::pending);
}

TEST_CASE("eg4_ll: a silent module leaves nothing of the last reading") {
    auto device = module();
    REQUIRE(device.poll());
    device.mute(kAskStatus);
    CHECK_FALSE(device.poll());
    const auto& battery = device.battery();
    CHECK_FALSE(battery.voltage_v);
    CHECK_FALSE(battery.charge_current_limit_a);
    CHECK_FALSE(battery.alarms[Alarm::high_voltage]);
    CHECK(battery.cells.empty());
    CHECK(battery.temperatures.empty());
    CHECK(battery.model == "LFP-51.2V100Ah-V1.0");
}

TEST_CASE("eg4_ll: nothing of it can be switched") {
    auto device = module();
    REQUIRE(device.poll());
    CHECK_FALSE(device.control(Control::charge, 0));
}
