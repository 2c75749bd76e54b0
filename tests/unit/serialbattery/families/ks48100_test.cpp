#include "support/catch.hpp"
#include "support/hex_frame.hpp"
#include "support/scripted_device.hpp"

using namespace bms;

namespace {

std::string ks_frame(const std::string& head, const std::string& info = "") {
    return test::hex_frame(head, info, '>');
}
const std::string kAskLive = ks_frame("22014242");
const std::string kAskNumbers = ks_frame("22014AB0", "010103FF56");

/// 16 cells from 3.318 to 3.333 V, 12.34 A, both FETs closed.
const std::string kLive =
    "00223D14C0100CF60CF70CF80CF90CFA0CFB0CFC0CFD0CFE0CFF0D000D010D020D030D040D0500FA00F001040400F000F100"
    "F200F304D2000000640D2710223D001500000001000000000003";
const std::string kRest(46, '0');

}  // namespace

TEST_CASE("ks48100: a reading, the serial number") {
    test::ScriptedDevice device(*find_family("ks48100"), 1);
    std::string numbers = "B0010103FF56" + test::hex_text("CER2408-04                    ");
    numbers += std::string(2 * (6 + 86) - numbers.size(), 'F');
    device.answer(kAskLive, ks_frame("22014200", kLive + kRest))
        .answer(kAskNumbers, ks_frame("22014A00", numbers));
    REQUIRE(device.poll());
    CHECK(device.unasked().empty());
    const auto& battery = device.battery();
    CHECK(device.session().proof() == Proof::proven);
    CHECK(battery.serial == "CER2408-04");
    CHECK(battery.manufacturer.empty());
    CHECK(battery.voltage_v == 53.12);
    CHECK(battery.current_a == 12.34);
    CHECK(battery.soc_pct == 87.65);
    CHECK(battery.remaining_ah == 87.65);
    CHECK(battery.cells.size() == 16);
    CHECK(battery.charge_fet == true);
    CHECK(battery.alarms[Alarm::low_cell_voltage] == Level::ok);
    CHECK(battery.temperatures[4] == Temperature{Place::mosfet, 26.0});
}

TEST_CASE("ks48100: the class of an answer is the board's own, its start character and address are not") {
    test::ScriptedDevice device(*find_family("ks48100"), 1);
    SECTION("another class") {
        device.answer(kAskLive, ks_frame("22014A00", kLive + kRest));
        CHECK(device.poll());
    }
    SECTION("a Daren board") {
        device.answer(kAskLive, test::hex_frame("22014200", kLive + kRest));
        CHECK_FALSE(device.poll());
    }
    SECTION("a neighbour") {
        device.answer(kAskLive, ks_frame("22024200", kLive + kRest));
        CHECK_FALSE(device.poll());
    }
    SECTION("an unknown class") {
        device.answer(kAskLive, ks_frame("22014600", kLive + kRest));
        CHECK_FALSE(device.poll());
    }
}

TEST_CASE("ks48100: a board that misses requests is given four seconds twice") {
    test::ScriptedDevice device(*find_family("ks48100"), 1);
    CHECK_FALSE(device.poll());
    CHECK(device.times_asked(kAskLive) == 2);
    CHECK(device.now() - TimePoint{} >= 8s);
    CHECK_FALSE(device.battery().voltage_v);
}
