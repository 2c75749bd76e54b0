#include "support/catch.hpp"
#include "support/scripted_device.hpp"

using namespace bms;

namespace {

constexpr std::string_view kAskData = "7e010100fe0d";
constexpr std::string_view kAskFirmware = "7e013300fe0d";
constexpr std::string_view kAskHardware = "7e014200fc0d";

/// Start, address, command, length in front of `payload`; check byte and end behind it.
std::string binary_frame(const std::string& payload, const std::string& head = "7e0101") {
    auto bytes = wire::from_hex(head).value();
    const auto content = wire::from_hex(payload).value();
    wire::put8(bytes, static_cast<unsigned>(content.size()));
    wire::put(bytes, content);
    unsigned mixed = 0;
    unsigned sum = 0;
    for (const auto byte : bytes) {
        mixed ^= byte;
        sum += byte;
    }
    wire::put8(bytes, (mixed ^ sum) & 0xff);
    wire::put8(bytes, 0x0d);
    return wire::to_hex(bytes);
}

const std::string kCells = "01100cf30cf40cf30cf30cf40cf40cf40cf40cf40cf40cf40cf40cf40cf40cf40cf4";
const std::string kSensors = "0506004100410040004080422042";
const std::string kEnd = "07010001080114b9090127100a010000";
/// As slim-bean/powermon recorded it, with the groups that change.
std::string data(const std::string& current = "7530", const std::string& status = "0000",
                 const std::string& soc = "229c") {
    return kCells + "0201" + current + "0301" + soc + "04012710" + kSensors + "06050000" + status
           + "000000000000" + kEnd;
}
/// The bytes as they were recorded, check byte included.
const std::string kRecorded =
    "7e01015801100cf30cf40cf30cf30cf40cf40cf40cf40cf40cf40cf40cf40cf40cf40cf40cf4020175300301229c040127100506"
    "00410041004000408042204206050000000000000000000007010001080114b9090127100a0100003c0d";

test::ScriptedDevice pack() {
    test::ScriptedDevice device(*find_family("eg4_lifepower"), 1);
    device.answer(kAskData, binary_frame(data()));
    return device;
}

}  // namespace

TEST_CASE("eg4_lifepower: a whole reading") {
    auto device = pack();
    CHECK(binary_frame(data()) == kRecorded);
    device.answer(kAskFirmware, "7e01331651542d595330302d31365356313030412d56332e3430b80d");
    device.answer(kAskHardware, binary_frame("48572d322e310102", "7e0142"));
    REQUIRE(device.poll());
    CHECK(device.unasked().empty());
    CHECK(device.session().proof() == Proof::proven);
    CHECK(device.battery().model.empty());  // a text must come twice
    REQUIRE(device.poll());
    const auto& battery = device.battery();
    CHECK(battery.voltage_v == 53.05);
    CHECK(battery.current_a == 0.0);
    CHECK(battery.soc_pct == 88.6);
    CHECK(battery.soh_pct == 100.0);
    CHECK(battery.full_ah == 100.0);
    CHECK_FALSE(battery.remaining_ah);
    CHECK(battery.cycles == 1u);
    REQUIRE(battery.cells.size() == 16);
    CHECK(battery.cells[0].volts == 3.315);
    REQUIRE(battery.temperatures.size() == 6);
    CHECK(battery.temperatures[3] == Temperature{Place::cell, 14.0});
    CHECK(battery.temperatures[4] == Temperature{Place::mosfet, 16.0});
    CHECK(battery.temperatures[5] == Temperature{Place::ambient, 16.0});
    CHECK(battery.model == "QT-YS00-16SV100A");
    CHECK(battery.firmware_version == "3.40");
    CHECK(battery.hardware_version == "HW-2.1");
    CHECK_FALSE(battery.charge_fet);  // not reported
    CHECK(battery.alarms[Alarm::high_voltage] == Level::ok);
    CHECK_FALSE(battery.alarms[Alarm::high_cell_voltage]);
    // Once settled, texts are not asked for again, nor data twice.
    REQUIRE(device.poll());
    CHECK(device.times_asked(kAskFirmware) == 2);
    CHECK(device.times_asked(kAskData) == 4);
}

TEST_CASE("eg4_lifepower: alarms, over-current in the direction of the current") {
    auto device = pack();
    const auto& alarms = device.battery().alarms;
    SECTION("discharging") {
        device.answer(kAskData, binary_frame(data("7919", "001a")));
        REQUIRE(device.poll());
        CHECK(device.battery().current_a == -10.01);
        CHECK(alarms[Alarm::high_discharge_current] == Level::alarm);
        CHECK(alarms[Alarm::high_charge_current] == Level::ok);
        CHECK(alarms[Alarm::high_voltage] == Level::alarm);
        CHECK(alarms[Alarm::low_voltage] == Level::ok);
    }
    SECTION("charging") {
        device.answer(kAskData, binary_frame(data("7148", "0089")));
        REQUIRE(device.poll());
        CHECK(device.battery().current_a == 10.0);
        CHECK(alarms[Alarm::high_charge_current] == Level::alarm);
        CHECK(alarms[Alarm::high_discharge_current] == Level::ok);
        CHECK(alarms[Alarm::low_charge_temperature] == Level::alarm);
    }
    SECTION("a short circuit") {
        device.answer(kAskData, binary_frame(data("7530", "0004")));
        REQUIRE(device.poll());
        CHECK(alarms[Alarm::high_discharge_current] == Level::alarm);
    }
    SECTION("one status word only: alarms are unknown") {
        device.answer(kAskData, binary_frame(kCells + "02017530" + "0301229c" + "06010000" + kEnd));
        REQUIRE(device.poll());
        CHECK_FALSE(alarms[Alarm::high_voltage]);
        CHECK(device.battery().temperatures.empty());
        CHECK_FALSE(device.battery().full_ah);
    }
}

TEST_CASE("eg4_lifepower: what the answer before does not bear out is asked again") {
    auto device = pack();
    REQUIRE(device.poll());
    const auto asked = device.times_asked(kAskData);
    SECTION("a step of the load") {
        device.answer(kAskData, binary_frame(data("7919")));
        REQUIRE(device.poll());
        CHECK(device.times_asked(kAskData) == asked + 2);
        CHECK(device.battery().current_a == -10.01);
    }
    SECTION("a small change") {
        device.answer(kAskData, binary_frame(data("7550", "0000", "2290")));
        REQUIRE(device.poll());
        CHECK(device.times_asked(kAskData) == asked + 1);
        CHECK(device.battery().current_a == -0.32);
    }
}

TEST_CASE("eg4_lifepower: a wrong bit that the check byte does not see is no value") {
    auto wrong = kRecorded;
    wrong.replace(wrong.find("0301229c") + 4, 4, "269c");  // charge of 98.84 %, check byte as it was
    const auto& family = *find_family("eg4_lifepower");
    const auto session = family.open(1, {});
    Queries queries;
    session->cycle(0, queries);
    const auto hear = [&](const std::string& hex) {
        const auto frame = wire::from_hex(hex).value();
        REQUIRE(family.sight(frame, {}).kind == Sight::Kind::frame);
        Queries follow;
        CHECK(session->take(queries.front(), frame, follow) == Taken::done);
        return follow.size();  // asked again
    };
    CHECK(hear(kRecorded) == 1);
    CHECK(hear(kRecorded) == 0);
    CHECK(hear(wrong) == 1);
    CHECK(session->battery().soc_pct == 88.6);
    CHECK(hear(kRecorded) == 1);
    CHECK(hear(kRecorded) == 0);
    CHECK(session->battery().soc_pct == 88.6);
}

TEST_CASE("eg4_lifepower: answers that never agree are no reading") {
    const auto& family = *find_family("eg4_lifepower");
    const auto session = family.open(1, {});
    Queries queries;
    session->cycle(0, queries);
    Queries follow;
    const std::string currents[] = {"7530", "7130", "7530"};
    for (const auto& current : currents) {
        CHECK(session->take(queries.front(), wire::from_hex(binary_frame(data(current))).value(), follow)
              == Taken::done);
    }
    CHECK(follow.size() == 3);
    CHECK(session->take(queries.front(), wire::from_hex(binary_frame(data("7130"))).value(), follow)
          == Taken::refused);
    CHECK_FALSE(session->battery().current_a);
}

TEST_CASE("eg4_lifepower: what is not answered any more is unknown") {
    auto device = pack();
    REQUIRE(device.poll());
    device.mute(kAskData);
    CHECK_FALSE(device.poll());
    CHECK_FALSE(device.battery().voltage_v);
    CHECK_FALSE(device.battery().current_a);
    CHECK_FALSE(device.battery().alarms[Alarm::high_voltage]);
    CHECK(device.battery().cells.empty());
    CHECK(device.battery().temperatures.empty());
}

TEST_CASE("eg4_lifepower: what has no cells, current, charge and voltage is no reading") {
    const auto payload =
        GENERATE_COPY(data() + "0b", data().substr(0, data().size() - 2), kCells + "02017530" + kEnd,
                      "01000201753003012299" + kEnd, std::string("0110"));
    test::ScriptedDevice device(*find_family("eg4_lifepower"), 1);
    device.answer(kAskData, binary_frame(payload));
    CHECK_FALSE(device.poll());
    CHECK(device.session().proof() == Proof::pending);
    CHECK_FALSE(device.battery().voltage_v);
}

TEST_CASE("eg4_lifepower: cells that do not add up to the voltage prove nothing") {
    test::ScriptedDevice device(*find_family("eg4_lifepower"), 1);
    auto payload = data();
    payload.replace(payload.find("080114b9") + 4, 4, "1000");
    device.answer(kAskData, binary_frame(payload));
    CHECK(device.poll());
    CHECK(device.session().proof() == Proof::pending);
}

TEST_CASE("eg4_lifepower: frames of others, echoes and damage") {
    auto device = pack();
    SECTION("a neighbour in front") {
        device.prefix(binary_frame(data("7919"), "7e0201"));
        CHECK(device.poll());
        CHECK(device.battery().current_a == 0.0);
    }
    SECTION("an echo, and a hexadecimal frame") {
        device.echo(true);
        device.prefix("7e3230303134413432303030304644413230440d");
        CHECK(device.poll());
    }
    SECTION("damage") {
        device.damage_next(2);
        CHECK(device.poll());
    }
    SECTION("frames") {
        const auto& family = *find_family("eg4_lifepower");
        const auto kind = [&family](std::string_view hex) {
            return family.sight(wire::from_hex(hex).value(), {}).kind;
        };
        CHECK(kind("7e") == Sight::Kind::partial);
        CHECK(kind("7e10") == Sight::Kind::none);
        CHECK(kind("7e30") == Sight::Kind::none);
        CHECK(kind("7e0177") == Sight::Kind::none);
        CHECK(kind("7e010100fe0d") == Sight::Kind::frame);
        CHECK(kind("7e010100ff0d") == Sight::Kind::none);
        CHECK(kind("7e010100fe0a") == Sight::Kind::none);
        CHECK(kind("7c010100020d") == Sight::Kind::none);
    }
}

TEST_CASE("revov: the same behind another start byte, with four sensors and four status words") {
    const auto payload = kCells + "0201781e" + "03011a04" + "04013a98" + "05040044004400440044"
                         + "06040000000200000000" + kEnd;
    test::ScriptedDevice device(*find_family("revov"), 1);
    device.answer("7c010100020d", binary_frame(payload, "7c0101"));
    device.answer("7c013300fe0d", "7c01331654502d42443136533438563135302d56332e312e3239e20d");
    REQUIRE(device.poll());
    REQUIRE(device.poll());
    const auto& battery = device.battery();
    CHECK(device.session().proof() == Proof::proven);
    CHECK(battery.current_a == -7.5);
    CHECK(battery.soc_pct == 66.6);
    CHECK(battery.full_ah == 150.0);
    CHECK(battery.temperatures == std::vector<Temperature>(4, {Place::cell, 18.0}));
    CHECK(battery.alarms[Alarm::high_voltage] == Level::ok);
    CHECK(battery.model == "TP-BD16S48V150");
    CHECK(battery.firmware_version == "3.1.29");
    // The relative's frames are none of its own.
    device.answer("7c010100020d", kRecorded);
    CHECK_FALSE(device.poll());
    CHECK_FALSE(device.battery().voltage_v);
}
