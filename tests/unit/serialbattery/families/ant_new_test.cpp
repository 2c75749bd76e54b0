#include "support/catch.hpp"
#include "support/hex_frame.hpp"
#include "support/scripted_device.hpp"

#include <algorithm>
#include <utility>

using namespace bms;

namespace {

const std::string kAsk = "7ea1010000be1855aa55";
const std::string kAskInfo = "7ea1026c022058c4aa55";
const std::string kChargeOff = "7ea151040000c8e4aa55";
const std::string kChargeOffDone = "7ea1610400020100f22baa55";
/// A captured answer: 16 cells, two sensors, discharging with 0.3 A.
const std::string kStatus =
    "7ea11100008e05010210000000000000000080008001000000000000000000000000e40ce40ce50ce50ce80ce70ce70c"
    "e60ce80ce70ce70ce70ce70ce70ce60ce90c0100020002000700a41403005b006400010100000076b010d5670e0fba32"
    "4a000f00000010582e0200000000e90c1000e40c01000500e60c000080007a000f02f2fab98c3b00bbd85800da2d4300"
    "e8b649000543aa55";
/// Another one: 14 cells, four sensors of which one is missing, discharging stopped.
const std::string kEmpty =
    "7ea11100008e0501040e0200000000000000000000010000000000000000000000001110111011101110111011101110"
    "11101110111011101110111011101c001c00d8ff1c001c001c007e160000600064000102000080c3c9014f55b3010853"
    "0000000000006b28120000000000111001001110010000001110020070000300ac02f1fa7d2e000094770000de070000"
    "7776000035e2aa55";
constexpr std::size_t kSensorCount = 8;
constexpr std::size_t kCellCount = 9;
constexpr std::size_t kChargeState = 82;
constexpr std::size_t kDischargeState = 83;
constexpr std::size_t kBalanceState = 84;
constexpr std::size_t kBalanceMask = 106;

std::string with_crc(wire::Buffer bytes) {
    const auto crc = wire::Crc16Modbus::of(wire::Bytes(bytes).subspan(1, bytes.size() - 5));
    bytes[bytes.size() - 4] = static_cast<std::uint8_t>(crc);
    bytes[bytes.size() - 3] = static_cast<std::uint8_t>(crc >> 8);
    return wire::to_hex(bytes);
}

/// The captured answer with other bytes, its check made right.
std::string status(const std::vector<std::pair<std::size_t, int>>& other = {}) {
    auto bytes = wire::from_hex(kStatus).value();
    for (const auto& [at, value] : other) {
        bytes.at(at) = static_cast<std::uint8_t>(value);
    }
    return with_crc(std::move(bytes));
}

/// Sixteen characters each, and `surplus` behind the check.
std::string info(const std::string& surplus = "") {
    const auto texts = test::hex_text("24BHUB00-211026A") + test::hex_text("24BHUB00U211026A");
    const auto frame = with_crc(wire::from_hex("7ea1126c0220" + texts + "0000aa55").value());
    return frame.substr(0, frame.size() - 4) + surplus + "aa55";
}

test::ScriptedDevice board() {
    test::ScriptedDevice device(*find_family("ant_new"));
    device.answer(kAsk, kStatus).answer(kAskInfo, info());
    return device;
}

}  // namespace

TEST_CASE("ant_new: a whole reading") {
    CHECK(status() == kStatus);
    auto device = board();
    REQUIRE(device.poll());
    CHECK(device.unasked().empty());
    CHECK(device.session().proof() == Proof::proven);
    CHECK(device.session().complete());
    const auto& battery = device.battery();
    CHECK(battery.manufacturer == "ANT");
    CHECK(battery.model == "24BHUB00-211026A");
    CHECK(battery.firmware_version == "24BHUB00U211026A");
    CHECK(battery.voltage_v == 52.84);
    CHECK(battery.current_a == -0.3);
    CHECK(battery.soc_pct == 91.0);
    CHECK(battery.soh_pct == 100.0);
    CHECK(battery.capacity_ah == 280.0);
    CHECK(battery.remaining_ah == 252.602325);
    CHECK(battery.discharged_ah == 3902.649);
    CHECK(battery.charged_ah == 5822.651);
    REQUIRE(battery.cells.size() == 16);
    CHECK(battery.cells[0].volts == 3.3);
    CHECK(battery.cells[15].volts == 3.305);
    REQUIRE(battery.temperatures.size() == 4);
    CHECK(battery.temperatures[0] == Temperature{Place::cell, 1.0});
    CHECK(battery.temperatures[2] == Temperature{Place::mosfet, 2.0});
    CHECK(battery.temperatures[3] == Temperature{Place::balancer, 7.0});
    CHECK(battery.charge_fet == true);
    CHECK(battery.discharge_fet == true);
    CHECK(battery.balancing == false);
    // Bits that nobody has explained are no alarm.
    CHECK(battery.warning_word == 25165952u);
    for (std::size_t i = 0; i < kAlarmCount; ++i) {
        CHECK(battery.alarms[static_cast<Alarm>(i)].value_or(Level::ok) == Level::ok);
    }
    REQUIRE(device.poll());
    CHECK(device.times_asked(kAskInfo) == 1);
}

TEST_CASE("ant_new: a missing sensor is none, a code says why a switch is open") {
    auto device = board();
    device.answer(kAsk, kEmpty);
    REQUIRE(device.poll());
    const auto& battery = device.battery();
    CHECK(battery.cells.size() == 14);
    CHECK(battery.temperatures.size() == 5);
    CHECK(battery.charge_fet == true);
    CHECK(battery.discharge_fet == false);
    CHECK(battery.discharge_switch == true);
    CHECK(battery.alarms[Alarm::low_cell_voltage] == Level::alarm);
    device.answer(kAsk,
                  status({{kChargeState, 17}, {kDischargeState, 15}, {kBalanceState, 1}, {kBalanceMask, 2}}));
    REQUIRE(device.poll());
    CHECK(battery.alarms[Alarm::low_charge_temperature] == Level::alarm);
    CHECK(battery.alarms[Alarm::low_cell_voltage] == Level::ok);
    CHECK(battery.discharge_switch == false);
    CHECK(battery.balancing == true);
    CHECK(battery.cells[0].balancing == false);
    CHECK(battery.cells[1].balancing == true);
}

TEST_CASE("ant_new: bytes between the check and the trailer of the device information") {
    auto device = board();
    device.answer(kAskInfo, info("0000000000"));
    REQUIRE(device.poll());
    CHECK(device.battery().model == "24BHUB00-211026A");
}

TEST_CASE("ant_new: device information that does not come is asked for three times, and does no harm") {
    auto device = board();
    device.mute(kAskInfo);
    for (int i = 0; i < 5; ++i) {
        REQUIRE(device.poll());
    }
    CHECK(device.times_asked(kAskInfo) == 3);
    CHECK(device.battery().model.empty());
}

TEST_CASE("ant_new: what is not answered any more is unknown") {
    auto device = board();
    REQUIRE(device.poll());
    device.mute(kAsk);
    CHECK_FALSE(device.poll());
    const auto& battery = device.battery();
    CHECK_FALSE(battery.voltage_v);
    CHECK_FALSE(battery.soc_pct);
    CHECK_FALSE(battery.charge_fet);
    CHECK_FALSE(battery.balancing);
    CHECK(battery.cells.empty());
    CHECK(battery.temperatures.empty());
    CHECK_FALSE(battery.alarms[Alarm::low_cell_voltage]);
    CHECK(battery.model == "24BHUB00-211026A");
}

TEST_CASE("ant_new: counts that do not fit the frame are no battery") {
    auto device = board();
    SECTION("no cells") {
        device.answer(kAsk, status({{kCellCount, 0}}));
    }
    SECTION("more cells than there can be") {
        device.answer(kAsk, status({{kCellCount, 33}}));
    }
    SECTION("more sensors than there is room for") {
        device.answer(kAsk, status({{kSensorCount, 17}}));
    }
    SECTION("lists longer than the frame") {
        device.answer(kAsk, status({{kCellCount, 32}, {kSensorCount, 16}}));
    }
    CHECK_FALSE(device.poll());
    CHECK(device.session().proof() == Proof::refuted);
    CHECK_FALSE(device.battery().voltage_v);
}

TEST_CASE("ant_new: a switch is written behind the password, and looked at") {
    auto device = board();
    REQUIRE(device.poll());
    device.answer(kChargeOff, kChargeOffDone);
    device.answer(kAsk, status({{kChargeState, 15}}));
    REQUIRE(device.control(Control::charge, 0));
    CHECK(device.battery().charge_switch == false);
    CHECK(device.battery().charge_fet == false);
    const auto& asked = device.asked();
    const auto password =
        std::ranges::find_if(asked, [](const auto& one) { return one.starts_with("7ea123"); });
    REQUIRE(password != asked.end());
    CHECK(password < std::ranges::find(asked, kChargeOff));
    SECTION("what is refused or not answered has failed") {
        device.answer(kChargeOff, with_crc(wire::from_hex("7ea16104000200000000aa55").value()));
        CHECK_FALSE(device.control(Control::charge, 0));
        device.mute(kChargeOff);
        CHECK_FALSE(device.control(Control::charge, 0));
    }
    SECTION("the orders of the others") {
        CHECK_FALSE(device.control(Control::charge, 1));
        CHECK(device.times_asked("7ea1510600006924aa55") > 0);
        CHECK_FALSE(device.control(Control::discharge, 0));
        CHECK(device.times_asked("7ea151010000d8e5aa55") > 0);
        CHECK_FALSE(device.control(Control::discharge, 1));
        CHECK(device.times_asked("7ea1510300007925aa55") > 0);
    }
}
