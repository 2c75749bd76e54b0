#include "support/catch.hpp"
#include "support/scripted_device.hpp"

using namespace bms;

namespace {

/// A frame of the A5 dialect: its first bytes, the data filled up to eight bytes, the sum.
std::string frame(std::string head, char fill) {
    head.resize(24, fill);
    const auto sum = wire::sum8(wire::from_hex(head).value());
    return head + wire::to_hex(wire::Bytes(&sum, 1));
}
std::string ask(const std::string& id) {
    return frame("a540" + id + "08", 'a');
}
std::string reply(const std::string& id, const std::string& data) {
    return frame("a501" + id + "08" + data, '0');
}
std::string text_frame(const std::string& id, int number, std::string_view letters) {
    const wire::Bytes bytes(reinterpret_cast<const std::uint8_t*>(letters.data()), letters.size());
    return reply(id, "0" + std::to_string(number) + wire::to_hex(bytes));
}

const std::string kAskCode = ask("57");
const std::string kCode = text_frame("57", 1, "GARAGE-") + text_frame("57", 2, "LEFT   ")
                          + text_frame("57", 3, "       ") + text_frame("57", 4, "       ")
                          + text_frame("57", 5, "       ");

/// 4 cells of 3.3 V, 10 A of discharge, 80 %, two sensors.
test::ScriptedDevice board() {
    test::ScriptedDevice device(*find_family("daly"), 0x40);
    device.answer(ask("94"), reply("94", "0402"))
        .answer(ask("90"), reply("90",
                                 "008400007594"
                                 "0320"))
        .answer(ask("93"), reply("93", "02010107000186a0"))
        .answer(ask("98"), reply("98", ""))
        .answer(ask("97"), reply("97", "02"))
        .answer(ask("95"), reply("95", "010ce40ce50ce6") + reply("95", "020ce3"))
        .answer(ask("96"), reply("96", "013d3e"))
        .answer(ask("50"), reply("50", "000249f000000ce4"))
        .answer(ask("53"), reply("53", "0000180203"))
        .answer(ask("63"), text_frame("63", 1, "DL-BMS-") + text_frame("63", 2, "R32-01E"))
        .answer(kAskCode, kCode);
    return device;
}

}  // namespace

TEST_CASE("daly: a whole reading") {
    auto device = board();
    for (int i = 0; i < 3; ++i) {
        REQUIRE(device.poll());
    }
    CHECK(device.unasked().empty());
    const auto& battery = device.battery();
    CHECK(battery.voltage_v == 13.2);
    CHECK(battery.current_a == -10.0);
    CHECK(battery.soc_pct == 80.0);
    CHECK(battery.remaining_ah == 100.0);
    CHECK(battery.capacity_ah == 150.0);
    REQUIRE(battery.cells.size() == 4);
    CHECK(battery.cells[3].volts == 3.299);
    CHECK(battery.cells[0].balancing == false);
    CHECK(battery.cells[1].balancing == true);
    REQUIRE(battery.temperatures.size() == 2);
    CHECK(battery.temperatures[1] == Temperature{Place::cell, 22.0});
    CHECK(battery.charge_fet == true);
    CHECK(battery.production == Date{2024, 2, 3});
    CHECK(battery.firmware_version == "DL-BMS-R32-01E");
    CHECK(battery.device_name == "GARAGE-LEFT");
    CHECK(battery.unique_id == "GARAGE-LEFT");
    CHECK(device.times_asked(kAskCode) == 1);
}

TEST_CASE("daly: a code is taken when all of it came, however often that takes") {
    SECTION("a frame is lost: what came before is completed by the next answer") {
        auto device = board();
        device.answer(kAskCode, text_frame("57", 1, "GARAGE-") + kCode.substr(2 * 26));
        REQUIRE(device.poll());
        CHECK(device.battery().device_name.empty());
        CHECK(device.battery().unique_id == "2024-02-03_150");
        device.answer(kAskCode, kCode);
        REQUIRE(device.poll());
        CHECK(device.battery().unique_id == "GARAGE-LEFT");
    }
    SECTION("the other facts do not keep it from being asked again") {
        auto device = board();
        device.mute(kAskCode);
        REQUIRE(device.poll());
        device.answer(kAskCode, kCode);
        REQUIRE(device.poll());
        CHECK(device.battery().unique_id == "GARAGE-LEFT");
        CHECK(device.times_asked(ask("50")) == 1);
    }
    SECTION("a board without one is not asked for ever") {
        auto device = board();
        device.mute(kAskCode);
        for (int i = 0; i < 6; ++i) {
            REQUIRE(device.poll());
        }
        CHECK(device.times_asked(kAskCode) == 6);
        CHECK(device.battery().unique_id == "2024-02-03_150");
    }
}

TEST_CASE("daly: a board without a list of sensors is asked for its extremes") {
    auto device = board();
    device.mute(ask("96"));
    device.answer(ask("92"), reply("92", "41013c02"));
    for (int i = 0; i < 10; ++i) {
        REQUIRE(device.poll());
    }
    CHECK(device.times_asked(ask("96")) == 3);
    CHECK(device.battery().temperatures
          == std::vector<Temperature>{{Place::cell, 25.0}, {Place::cell, 20.0}});
}
