#include "support/catch.hpp"
#include "support/scripted_device.hpp"

using namespace bms;

namespace {

const char* const kAskInfo = "dda50300fffd77";
const char* const kAskCells = "dda50400fffc77";
const char* const kInfo = "dd03001d0618000001f201f400002c7c00000000000080640304030b8b0b8a0b84fa8d77";
/// The same board with its software lock on: charge FET off, discharge FET on, protection bit 12.
std::string charge_locked() {
    auto info = wire::from_hex(kInfo).value();
    info[20] = 0x10;
    info[24] = 0x02;
    return test::with_jbd_checksum(info);
}

test::ScriptedDevice board(const std::string& info = kInfo) {
    test::ScriptedDevice device(*find_family("jbd"));
    device.answer(kAskInfo, info).answer(kAskCells, "dd0400080f450f3d0f370f3dfec677");
    return device;
}

}  // namespace

TEST_CASE("jbd: a whole reading") {
    auto device = board();
    REQUIRE(device.poll());
    const auto& battery = device.session().battery();
    CHECK(battery.voltage_v == 15.6);
    CHECK(battery.current_a == 0.0);
    CHECK(battery.soc_pct == 100);
    CHECK(battery.capacity_ah == 5.0);
    CHECK(battery.cell_count == 4u);
    CHECK(battery.cells[1].volts == 3.901);
    CHECK(battery.charge_fet == true);
    CHECK(battery.firmware_version == "8.0");
    CHECK(battery.production == Date{2022, 3, 28});
    REQUIRE(battery.temperatures.size() == 3);
    CHECK(battery.temperatures[0] == Temperature{Place::mosfet, 22.4});
    CHECK(battery.temperatures[2] == Temperature{Place::cell, 21.7});
    CHECK(battery.alarms[Alarm::high_cell_voltage] == Level::ok);
    CHECK_FALSE(battery.alarms[Alarm::low_soc]);  // the board has no such flag
    CHECK_FALSE(implausible(battery));
}

TEST_CASE("jbd: the first of several sensors sits on a cell where the user says so") {
    test::ScriptedDevice device(*find_family("jbd"), 0, {.first_sensor_is_mosfet = false});
    device.answer(kAskInfo, kInfo).answer(kAskCells, "dd0400080f450f3d0f370f3dfec677");
    REQUIRE(device.poll());
    CHECK(device.battery().temperatures.front() == Temperature{Place::cell, 22.4});
}

TEST_CASE("jbd: an answer in the place of the register belongs to the one asked (firmware of 2017)") {
    auto info = wire::from_hex(kInfo).value();
    info[1] = 0xa5;  // not covered by the checksum
    auto device = board(wire::to_hex(info));
    CHECK(device.poll());
    CHECK(device.session().battery().voltage_v == 15.6);
}

TEST_CASE("jbd: cell counts that cannot be refute the family") {
    auto info = wire::from_hex(kInfo).value();
    info[25] = 40;
    const auto sum = 0x10000 - wire::sum16(wire::Bytes(info).subspan(2, info.size() - 5));
    info[info.size() - 3] = static_cast<std::uint8_t>(sum >> 8);
    info[info.size() - 2] = static_cast<std::uint8_t>(sum);
    auto device = board(wire::to_hex(info));
    CHECK_FALSE(device.poll());
    CHECK(device.session().proof() == Proof::refuted);
}

TEST_CASE("jbd: switching one FET keeps the lock of the other") {
    SECTION("nothing locked") {
        auto device = board();
        REQUIRE(device.poll());
        device.answer("dd5ae1020001ff1c77", "dde10000000077");
        device.answer(kAskInfo, charge_locked());
        CHECK(device.control(Control::charge, 0));
        CHECK(read_back(device.session().battery(), Control::charge) == 0);
        CHECK(read_back(device.session().battery(), Control::discharge) == 1);
    }
    SECTION("charge locked before") {
        auto device = board(charge_locked());
        REQUIRE(device.poll());
        device.answer("dd5ae1020003ff1a77", "dde10000000077");
        CHECK(device.control(Control::discharge, 0));
    }
    SECTION("a FET that a protection opened is not locked as well") {
        auto info = wire::from_hex(kInfo).value();
        info[21] = 1;     // cell over-voltage, no software lock
        info[24] = 0x02;  // charge FET open
        auto device = board(test::with_jbd_checksum(info));
        REQUIRE(device.poll());
        device.answer("dd5ae1020002ff1b77", "dde10000000077");
        CHECK(device.control(Control::discharge, 0));
        CHECK(device.unasked().empty());
    }
}

TEST_CASE("jbd: a refused command fails and is not tried again") {
    auto device = board();
    REQUIRE(device.poll());
    device.answer("dd5ae1020001ff1c77", "dde18000ff8077");
    CHECK_FALSE(device.control(Control::charge, 0));
    CHECK(device.times_asked("dd5ae1020001ff1c77") == 1);
}

TEST_CASE("jbd: the balancer is switched in factory mode, which is always left") {
    auto device = board();
    REQUIRE(device.poll());
    const char* const enter = "dd5a00025678ff3077";
    const char* const leave = "dd5a01020000fffd77";
    const char* const save = "dd5a01022828ffad77";
    SECTION("one bit of the function register changes") {
        device.answer(enter, "dd000000000077").answer(leave, "dd010000000077").answer(save, "dd010000000077");
        device.answer("dda52d00ffd377", "dd2d0002000bfff377");  // 0b1011: balancer off
        device.answer("dd5a2d02000fffc277", "dd2d0000000077");  // 0b1111
        CHECK(device.control(Control::balancing, 1));
        CHECK(device.times_asked(save) == 1);
        CHECK(device.times_asked(leave) == 1);
    }
    SECTION("already as wanted: nothing is written") {
        device.answer(enter, "dd000000000077").answer(leave, "dd010000000077");
        device.answer("dda52d00ffd377", "dd2d0002000fffef77");
        CHECK(device.control(Control::balancing, 1));
        CHECK(device.times_asked(save) == 0);
        CHECK(read_back(device.session().battery(), Control::balancing) == 1);
    }
    SECTION("the register stays silent: factory mode is left all the same") {
        device.answer(enter, "dd000000000077").answer(leave, "dd010000000077");
        CHECK_FALSE(device.control(Control::balancing, 1));
        CHECK(device.times_asked(leave) == 1);
    }
}

TEST_CASE("jbd: controls take only what they offer") {
    auto device = board();
    REQUIRE(device.poll());
    CHECK_FALSE(device.control(Control::charge, 2));
    CHECK_FALSE(device.control(Control::soc, 50));
    CHECK_FALSE(device.control(Control::charge, -1));
}
