#include "support/catch.hpp"
#include "support/scripted_device.hpp"

using namespace bms;

namespace {

std::string with_crc(const std::string& hex) {
    auto frame = wire::from_hex(hex).value();
    wire::put_le16(frame, wire::Crc16Modbus::of(frame));
    return wire::to_hex(frame);
}
std::string read(const std::string& unit, const std::string& reg, const std::string& count) {
    return with_crc(unit + "03" + reg + count);
}
std::string words(const std::string& unit, const std::string& data) {
    const wire::Buffer size{static_cast<std::uint8_t>(data.size() / 2)};
    return with_crc(unit + "03" + wire::to_hex(size) + data);
}

const std::string kAskIdentity = read("01", "0000", "0001");
const std::string kAskVoltage = read("01", "006c", "0002");
const std::string kAskSoc = read("01", "0080", "0002");
const std::string kAskStates = read("01", "0082", "0002");

/// A 250 A meter at 13.28 V without cell monitors; long values with the low word first.
test::ScriptedDevice meter(const Options& options = {}) {
    test::ScriptedDevice device(*find_family("ecs"), 1, options);
    device.answer(kAskIdentity, words("01", "01f5"))
        .answer(kAskVoltage, words("01", "33e00000"))
        .answer(read("01", "0072", "0002"), words("01", "cfc7ffff"))
        .answer(kAskSoc, words("01", "9c400000"))
        .answer(kAskStates, words("01", "00000000"))
        .answer(read("01", "0066", "0002"), words("01", "096ffe0c"))
        .answer(read("01", "0002", "0002"), words("01", "b4e20134"))
        .answer(read("01", "001e", "0002"), words("01", "ff380064"))
        .answer(read("01", "002e", "0002"), words("01", "86a00001"));
    return device;
}
void add_monitor(test::ScriptedDevice& device, const std::string& unit, const std::string& millivolts,
                 const std::string& level = "0000") {
    device.answer(read(unit, "0000", "0001"), words(unit, "0066"));
    device.answer(read(unit, "0064", "0003"), words(unit, millivolts + "096f" + level));
}

}  // namespace

TEST_CASE("ecs: a whole reading of a meter") {
    auto device = meter();
    REQUIRE(device.poll());
    CHECK(device.unasked().empty());
    CHECK(device.session().proof() == Proof::proven);
    CHECK(device.session().complete());
    const auto& battery = device.battery();
    CHECK(battery.voltage_v == 13.28);
    CHECK(battery.current_a == -12.345);
    CHECK(battery.soc_pct == 40.0);
    CHECK(battery.capacity_ah == 100.0);
    CHECK(battery.charge_fet == true);
    CHECK(battery.discharge_fet == true);
    CHECK(battery.charge_current_limit_a == 100.0);
    CHECK(battery.discharge_current_limit_a == 200.0);
    CHECK(battery.temperatures == std::vector<Temperature>{{Place::cell, 24.15}, {Place::cell, -5.0}});
    CHECK(battery.model == "GreenMeter 250A");
    CHECK(battery.serial == "20231394");
    CHECK(battery.cells.empty());
    CHECK_FALSE(battery.cell_count);
    CHECK(battery.alarms[Alarm::high_voltage] == Level::ok);
    CHECK_FALSE(battery.alarms[Alarm::high_cell_voltage]);
    // Who it is was asked once.
    REQUIRE(device.poll());
    CHECK(device.times_asked(kAskIdentity) == 1);
    CHECK(device.times_asked(kAskVoltage) == 2);
}

TEST_CASE("ecs: the high word of a state of charge below 65.535 % may be FFFF") {
    auto device = meter();
    device.answer(kAskSoc, words("01", "c350ffff"));
    REQUIRE(device.poll());
    CHECK(device.battery().soc_pct == 50.0);
    device.answer(kAskSoc, words("01", "86a00001"));
    REQUIRE(device.poll());
    CHECK(device.battery().soc_pct == 100.0);
}

TEST_CASE("ecs: cell monitors behind the meter are found, one after the other") {
    auto device = meter();
    add_monitor(device, "02", "0cf8");
    add_monitor(device, "03", "0cf9", "0050");
    add_monitor(device, "04", "0cf7", "0032");
    SECTION("all of them") {
        add_monitor(device, "05", "0cf8");
        REQUIRE(device.poll());
        const auto& battery = device.battery();
        REQUIRE(battery.cells.size() == 4);
        CHECK(battery.cell_count == 4u);
        CHECK(battery.cells[1] == Cell{3.321, true});
        CHECK(battery.cells[2] == Cell{3.319, false});
        CHECK(device.times_asked(read("06", "0000", "0001")) == 2);
        SECTION("one that falls silent takes the cells away") {
            device.mute(read("04", "0064", "0003"));
            CHECK(device.poll());
            CHECK(device.battery().cells.empty());
            CHECK_FALSE(device.battery().cell_count);
        }
    }
    SECTION("one is missing: cells that do not add up are not shown") {
        REQUIRE(device.poll());
        CHECK(device.battery().cells.empty());
    }
    SECTION("another device at the next address is no cell") {
        device.answer(read("05", "0000", "0001"), words("05", "0007"));
        REQUIRE(device.poll());
        CHECK(device.session().complete());
        CHECK(device.times_asked(read("05", "0064", "0003")) == 0);
    }
}

TEST_CASE("ecs: each side's state closes its switch or raises an alarm") {
    struct Case {
        std::string states;
        Alarm alarm;
        Level level;
    };
    const auto [states, alarm, level] = GENERATE(values<Case>({
        {"00010000", Alarm::high_voltage, Level::alarm},
        {"00020000", Alarm::high_charge_current, Level::warning},
        {"00040000", Alarm::high_charge_temperature, Level::warning},
        {"00060000", Alarm::low_charge_temperature, Level::warning},
        {"00000001", Alarm::low_voltage, Level::alarm},
        {"00000002", Alarm::high_discharge_current, Level::warning},
        {"00000003", Alarm::high_temperature, Level::warning},
        {"00000005", Alarm::low_temperature, Level::warning},
    }));
    auto device = meter();
    device.answer(kAskStates, words("01", states));
    REQUIRE(device.poll());
    const auto& battery = device.battery();
    CHECK(battery.alarms[alarm] == level);
    CHECK(battery.charge_fet == (states.substr(0, 4) == "0000"));
    CHECK(battery.discharge_fet == (states.substr(4) == "0000"));
    device.answer(kAskStates, words("01", "00000000"));
    REQUIRE(device.poll());
    CHECK(battery.alarms[alarm] == Level::ok);
}

TEST_CASE("ecs: what is not answered is unknown") {
    auto device = meter();
    REQUIRE(device.poll());
    SECTION("silence") {
        device.mute(kAskStates);
    }
    SECTION("a refusal") {
        device.answer(kAskStates, with_crc("018302"));
    }
    CHECK_FALSE(device.poll());
    CHECK_FALSE(device.battery().charge_fet);
    CHECK_FALSE(device.battery().alarms[Alarm::high_voltage]);
}

TEST_CASE("ecs: another Modbus device is none") {
    auto device = meter();
    device.answer(kAskIdentity, words("01", "0066"));
    device.poll();
    CHECK(device.session().proof() == Proof::refuted);
}

TEST_CASE("ecs: damage, echoes and answers of neighbours are not taken") {
    auto device = meter();
    SECTION("damaged answers are asked for again") {
        device.damage_next(2);
        CHECK(device.poll());
        CHECK(device.times_asked(kAskIdentity) == 3);
    }
    SECTION("an echo") {
        device.echo(true);
        CHECK(device.poll());
    }
    SECTION("an answer of another unit in front") {
        device.prefix(words("07", "01f6"));
        CHECK(device.poll());
    }
    CHECK(device.battery().model == "GreenMeter 250A");
    CHECK(device.battery().voltage_v == 13.28);
}

TEST_CASE("ecs: the monitors are where the user says") {
    auto device = meter({.first_monitor = 0x20});
    for (const auto* unit : {"20", "21", "22", "23"}) {
        add_monitor(device, unit, "0cf8");
    }
    REQUIRE(device.poll());
    CHECK(device.battery().cells.size() == 4);
    CHECK(device.times_asked(read("02", "0000", "0001")) == 0);
}
