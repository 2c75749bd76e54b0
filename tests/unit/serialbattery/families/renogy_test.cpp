#include "support/catch.hpp"
#include "support/modbus_frame.hpp"
#include "support/scripted_device.hpp"

using namespace bms;
using test::modbus_frame;

namespace {

/// The answer of unit 30 with `registers` words: `content`, the rest zero.
std::string words(std::size_t registers, std::string content) {
    content.resize(4 * registers, '0');
    const auto size = static_cast<std::uint8_t>(2 * registers);
    return modbus_frame("3003" + wire::to_hex(wire::Bytes(&size, 1)) + content);
}
std::string text(std::string_view content) {
    return wire::to_hex(wire::Bytes(reinterpret_cast<const std::uint8_t*>(content.data()), content.size()));
}
const std::string kAskLive = "300313b20007a48a";
const std::string kAskStatus = "300313ec0008855c";

/// 13.2 V, 50 of 100 Ah; the current in hundredths.
std::string live(const std::string& current) {
    return words(7, current + "00840000c350000186a00005");
}
std::string status(const std::string& first) {
    return words(8, "000000000000000000000000" + first);
}

test::ScriptedDevice battery(const std::string& model = "RBT100LFP12-BT", const Options& options = {}) {
    test::ScriptedDevice device(*find_family("renogy"), 0x30, options);
    device.answer("300314020008e41d", words(8, text(model)))
        .answer(kAskLive, live("fe0c"))
        .answer("300313880022455c", words(34,
                                          "000400210021002100210000000000000000000000000000000000000000"
                                          "00000000"
                                          "0002"
                                          "00d7ffce"))
        .answer(kAskStatus, status("000e"));
    return device;
}

}  // namespace

TEST_CASE("renogy: a whole reading") {
    auto device = battery();
    REQUIRE(device.poll());
    const auto& read = device.battery();
    CHECK(device.session().proof() == Proof::proven);
    CHECK(read.voltage_v == 13.2);
    CHECK(read.current_a == -5.0);
    CHECK(read.soc_pct == 50.0);
    CHECK(read.capacity_ah == 100.0);
    REQUIRE(read.cells.size() == 4);
    CHECK(read.cells[3].volts == 3.3);
    CHECK(read.temperatures == std::vector<Temperature>{{Place::cell, 21.5}, {Place::cell, -5.0}});
    CHECK(read.charge_fet == true);
    CHECK(read.discharge_fet == true);
}

TEST_CASE("renogy: models of the Pro generation send the current in tenths") {
    auto device = battery("RNGRBP100LFP12");
    REQUIRE(device.poll());
    CHECK(device.battery().current_a == -50.0);
    SECTION("unless the user knows better") {
        auto standard = battery("RNGRBP100LFP12", {.tenfold_current = false});
        REQUIRE(standard.poll());
        CHECK(standard.battery().current_a == -5.0);
    }
}

TEST_CASE("renogy: a status word that was never set says nothing about the FETs") {
    auto device = battery();
    device.answer(kAskStatus, status("0000"));
    SECTION("whether current flows") {
        REQUIRE(device.poll());
        CHECK_FALSE(device.battery().charge_fet);
        CHECK_FALSE(device.battery().discharge_fet);
    }
    SECTION("or not: a battery at rest could never be charged again") {
        device.answer(kAskLive, live("0000"));
        REQUIRE(device.poll());
        CHECK(device.battery().current_a == 0.0);
        CHECK_FALSE(device.battery().charge_fet);
        CHECK_FALSE(device.battery().discharge_fet);
    }
    SECTION("one that was set before does") {
        device.answer(kAskStatus, status("0002"));
        REQUIRE(device.poll());
        CHECK(device.battery().charge_fet == true);
        CHECK(device.battery().discharge_fet == false);
        device.answer(kAskStatus, status("0000"));
        REQUIRE(device.poll());
        REQUIRE(device.poll());
        CHECK(device.battery().charge_fet == false);
    }
}
