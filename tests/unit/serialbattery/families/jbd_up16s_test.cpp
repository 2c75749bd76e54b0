#include "support/catch.hpp"
#include "support/modbus_frame.hpp"
#include "support/scripted_device.hpp"

using namespace bms;
using test::modbus_frame;

namespace {

const char* const kAskStatus = "0178100010a000007fb2";
const char* const kAskOwn = "0145000000540000d4d3";
/// Captured from a master: its limits are the sums over all packs.
const std::string kStatus =
    "0178100010a0009e14c50000000493e017cf17cf2710271002c602d600000064000000000000000000030004000c0003"
    "0d0300080cf50cfb000402c8000202c002c4024807d001c007d000100cfe0cf60d030cf60cf80cfb0d000cf50cfc0cfb"
    "0cfe0cfb0cfc0cfd0cfd0cfa000402c502c002c602c8000000000c044a42443438313030303030000000000000000000"
    "00000000000000000000000200035aa60000000000006a2e";
constexpr double kSumOfChargeLimits = 200.0;
constexpr double kSumOfDischargeLimits = 200.0;

/// The own status of a pack, of which only the limits matter here.
std::string own_status(unsigned charge, unsigned discharge) {
    std::string data(200, '0');
    const auto put = [&data](std::size_t at, unsigned word) {
        const std::array<std::uint8_t, 2> bytes{static_cast<std::uint8_t>(word >> 8),
                                                static_cast<std::uint8_t>(word)};
        data.replace(2 * at, 4, wire::to_hex(bytes));
    };
    put(96, charge);
    put(98, discharge);
    return modbus_frame("0145000000540064" + data);
}

test::ScriptedDevice master() {
    test::ScriptedDevice device(*find_family("jbd_up16s"), 1);
    device.answer(kAskStatus, kStatus);
    return device;
}
void poll_times(test::ScriptedDevice& device, int times) {
    for (int i = 0; i < times; ++i) {
        REQUIRE(device.poll());
    }
}

}  // namespace

TEST_CASE("jbd_up16s: a master's own limits go before the sums it states") {
    auto device = master();
    device.answer(kAskOwn, own_status(500, 750));
    poll_times(device, 2);
    CHECK(device.battery().charge_current_limit_a == 50.0);
    CHECK(device.battery().discharge_current_limit_a == 75.0);
    CHECK_FALSE(device.battery().limits_are_sums);
    SECTION("a lost answer does not let them jump to the sums") {
        device.mute(kAskOwn);
        poll_times(device, 10);
        CHECK(device.times_asked(kAskOwn) >= 3);
        CHECK(device.battery().charge_current_limit_a == 50.0);
        CHECK(device.battery().discharge_current_limit_a == 75.0);
        // ... but one that never comes any more does not hold for ever.
        poll_times(device, 60);
        CHECK(device.battery().charge_current_limit_a == kSumOfChargeLimits);
    }
}

TEST_CASE("jbd_up16s: where own limits are not told, the sums are all there is") {
    auto device = master();
    poll_times(device, 40);
    CHECK(device.battery().charge_current_limit_a == kSumOfChargeLimits);
    CHECK(device.battery().discharge_current_limit_a == kSumOfDischargeLimits);
    CHECK(device.battery().limits_are_sums);
    CHECK(device.times_asked(kAskOwn) == 5);  // then it is clear that this port does not answer it
}

TEST_CASE("jbd_up16s: where only the pack at the cable is wanted, its own status proves that it is") {
    test::ScriptedDevice device(*find_family("jbd_up16s"), 1, {.direct_only = true});
    device.answer(kAskStatus, kStatus);
    poll_times(device, 8);
    CHECK(device.session().proof() == Proof::pending);
    device.answer(kAskOwn, own_status(500, 750));
    poll_times(device, 1);
    CHECK(device.session().proof() == Proof::proven);
}
