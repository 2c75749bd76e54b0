#include "support/catch.hpp"
#include "support/scripted_device.hpp"

using namespace bms;

namespace {

const char* const kAskAll = "4e5700130000000006030000000000006800000129";
const char* const kWake = "4e5700130000000001030000000000006800000124";
/// Captured: 14 cells, charging.
const std::string kAll =
    "4e57011b00000000060001792a010eed020efa030ef7040eec050ef8060efa070ef1080ef8090ee30a0efa0b0ef10c0e"
    "fb0d0efb0e0ef280001d81001e82001c8314ef8480d0850f860287000489000000008a000e8b00008c00078e16268f10"
    "ae900fd2910fa0920005930bea940c1c95000596012c9700079800039900059a00059b0ce49c00089d019e005a9f0046"
    "a00064a10064a20014a30046a40046a5ffeca6fff6a7ffeca8fff6a90eaa0000000eab01ac01ad0411ae01af01b0000a"
    "b114b231323334353600000000b300b4496e707574205573b532313031b60000e200b748362e585f5f53362e312e3353"
    "5f5fb800b900000000ba425433303732303230313230303030323030353231303031c0010000000068000054d1";

/// The capture with bytes of one tag changed and its sum made right.
std::string changed(const std::string& from, const std::string& to) {
    auto hex = kAll;
    hex.replace(hex.find(from), from.size(), to);
    auto bytes = wire::from_hex(hex).value();
    const auto sum = wire::sum16(wire::Bytes(bytes).first(bytes.size() - 4));
    bytes[bytes.size() - 2] = static_cast<std::uint8_t>(sum >> 8);
    bytes[bytes.size() - 1] = static_cast<std::uint8_t>(sum);
    return wire::to_hex(bytes);
}

test::ScriptedDevice board(const std::string& all = kAll) {
    test::ScriptedDevice device(*find_family("jk_ttl"));
    device.answer(kAskAll, all);
    return device;
}

}  // namespace

TEST_CASE("jk_ttl: a whole reading") {
    auto device = board();
    REQUIRE(device.poll());
    const auto& battery = device.battery();
    CHECK(device.session().proof() == Proof::proven);
    CHECK(battery.voltage_v == 53.59);
    CHECK(battery.current_a == 2.08);
    CHECK(battery.soc_pct == 15.0);
    CHECK(battery.cells.size() == 14);
    CHECK(battery.cells[0].volts == 3.821);
    CHECK(battery.temperatures
          == std::vector<Temperature>{{Place::mosfet, 29.0}, {Place::cell, 30.0}, {Place::cell, 28.0}});
    CHECK(battery.production == Date{2021, 1, 1});
    CHECK_FALSE(battery.full_ah);  // this firmware does not know it
    CHECK(battery.unique_id == "BT3072020120000200521001");
}

TEST_CASE("jk_ttl: running time and learned capacity") {
    auto device = board(changed("b900000000", "b900000118"));
    REQUIRE(device.poll());
    CHECK(device.battery().full_ah == 280.0);
    REQUIRE(device.battery().run_time_s);
    CHECK(*device.battery().run_time_s % 60 == 0);
    CHECK(*device.battery().run_time_s > 0);
}

TEST_CASE("jk_ttl: without the last tag the current is coded the other way") {
    // 84 80D0 is 33 A less than 10000 in hundredths there; the tag is turned into one that ends the list.
    auto device = board(changed("c001000000", "d001000000"));
    REQUIRE(device.poll());
    CHECK(device.battery().current_a == (10000 - 0x80d0) / 100.0);
}

TEST_CASE("jk_ttl: a board that sleeps is woken before it is asked again") {
    auto device = board();
    REQUIRE(device.poll());
    device.mute(kAskAll);
    CHECK_FALSE(device.poll());
    CHECK_FALSE(device.battery().voltage_v);
    CHECK(device.times_asked(kWake) == 0);
    device.answer(kAskAll, kAll);
    CHECK(device.poll());
    CHECK(device.times_asked(kWake) == 1);
    CHECK(device.poll());
    CHECK(device.times_asked(kWake) == 1);
}
