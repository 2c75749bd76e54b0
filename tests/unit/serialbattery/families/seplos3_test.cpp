#include "support/catch.hpp"
#include "support/modbus_frame.hpp"
#include "support/scripted_device.hpp"

using namespace bms;
using test::modbus_frame;

namespace {

const std::string kAskName = "00041700000a7468";
const std::string kName = "000414585a482d456c65635465636820436f2e2c4c7464c622";
const std::string kAskSummary = modbus_frame("000410000011");
const std::string kAskCells = modbus_frame("00041100001a");
const std::string kAskEvents = modbus_frame("000112000090");
const std::string kAskStack = modbus_frame("00042000001a");
const std::string kAskIdentity = modbus_frame("000417000033");
const std::string kAskLimits = modbus_frame("000413000035");
const std::string kAskCapacities = modbus_frame("000413350035");

/// Captured values of a pack of 280 Ah, as unit 0 sends them.
const std::string kSummary = modbus_frame(
    "0004221472fd3034646d6000d501df03e700090cc70b9f0cc80cc60ba50b9"
    "9000000b400b4");
const std::string kCells = "0cc80cc80cc80cc70cc70cc70cc70cc60cc60cc70cc70cc70cc70cc80cc8";
const std::string kSensors = "0ba50b990b9a0ba40aab0aab0aab0aab0bc40bb5";
const std::string kIdentity =
    "000466585a482d456c65635465636820436f2e2c4c74645347313653323030412d53503537"
    "422d41000000313553503537422d"
    "41323530363132303032320000000000000000000000000000000000000000000000000000"
    "0000000000000000000000000000"
    "000000634b";

std::string events(const std::string& bytes) {
    return modbus_frame("000112" + bytes);
}
const std::string kQuiet =
    "0000000000000000"
    "02000000000000030000";

test::ScriptedDevice pack() {
    test::ScriptedDevice device(*find_family("seplos3"), 0);
    device.answer(kAskName, kName).answer(kAskSummary, kSummary).answer(kAskEvents, events(kQuiet));
    device.answer(kAskCells, modbus_frame("000434" + kCells + "0cc8" + kSensors));
    return device;
}

/// `registers` zero words, those given replaced.
std::string block(unsigned registers, std::initializer_list<std::pair<unsigned, std::string>> set) {
    std::string words(4 * std::size_t{registers}, '0');
    for (const auto& [at, word] : set) {
        words.replace(4 * std::size_t{at}, 4, word);
    }
    const auto size = static_cast<std::uint8_t>(2 * registers);
    return modbus_frame("0004" + wire::to_hex(wire::Bytes(&size, 1)) + words);
}

}  // namespace

TEST_CASE("seplos3: a whole reading") {
    auto device = pack();
    device.answer(kAskIdentity, kIdentity);
    device.answer(kAskLimits, block(53, {{0x0d, "0e42"}, {0x11, "0a8c"}, {0x17, "00d2"}, {0x1d, "ff2e"}}));
    device.answer(kAskCapacities, block(53, {{0x23, "6d60"}}));
    device.answer(kAskStack, block(26, {{0, "1472"}, {0x16, "0001"}}));
    REQUIRE(device.poll());
    CHECK(device.unasked().empty());
    const auto& battery = device.battery();
    CHECK(battery.voltage_v == 52.34);
    CHECK(battery.current_a == -7.2);
    CHECK(battery.soc_pct == 47.9);
    CHECK(battery.soh_pct == 99.9);
    CHECK(battery.remaining_ah == 134.12);
    CHECK(battery.full_ah == 280.0);
    CHECK(battery.capacity_ah == 280.0);
    CHECK(battery.discharged_ah == Approx(2130));
    CHECK(battery.cycles == 9u);
    CHECK(battery.charge_current_limit_a == 180.0);
    CHECK(battery.discharge_current_limit_a == 180.0);
    REQUIRE(battery.cells.size() == 16);
    CHECK(battery.cells[3].volts == 3.271);
    CHECK(battery.cells[3].balancing == false);
    REQUIRE(battery.temperatures.size() == 6);
    CHECK(battery.temperatures[0] == Temperature{Place::cell, 25.0});
    CHECK(battery.temperatures[4] == Temperature{Place::ambient, 28.1});
    CHECK(battery.temperatures[5] == Temperature{Place::mosfet, 26.6});
    CHECK(battery.charge_fet == true);
    CHECK(battery.discharge_fet == true);
    CHECK(battery.heating == false);
    CHECK(battery.model == "SG16S200A-SP57B-A");
    CHECK(battery.firmware_version == "15");
    CHECK(battery.unique_id == "SP57B-A2506120022");
    CHECK(battery.cell_overvoltage_v == 3.65);
    CHECK(battery.cell_undervoltage_v == 2.7);
    CHECK(battery.charge_overcurrent_a == 210.0);
    CHECK(battery.discharge_overcurrent_a == 210.0);
    CHECK(device.session().proof() == Proof::proven);
    CHECK_FALSE(implausible(battery));
    REQUIRE(device.poll());
    CHECK(device.times_asked(kAskName) == 1);
    CHECK(device.times_asked(kAskLimits) == 1);
}

TEST_CASE("seplos3: slots without a cell are none") {
    auto device = pack();
    device.answer(kAskCells, modbus_frame("000434" + kCells + "0000" + kSensors));
    CHECK(device.poll());
    CHECK(device.battery().cells.size() == 15);
    CHECK(device.battery().cell_count == 15u);
}

TEST_CASE("seplos3: events become alarms, enables and balancing cells none") {
    auto device = pack();
    // Balancing 1, 8, 9; cell over-voltage, charge warm, MOSFETs hot, second
    // discharge level, cell difference, wire.
    device.answer(kAskEvents, events("0000000000008101"
                                     "04020120200010010020"));
    REQUIRE(device.poll());
    const auto& battery = device.battery();
    CHECK(battery.alarms[Alarm::high_cell_voltage] == Level::alarm);
    CHECK(battery.alarms[Alarm::high_charge_temperature] == Level::warning);
    CHECK(battery.alarms[Alarm::high_internal_temperature] == Level::alarm);
    CHECK(battery.alarms[Alarm::high_discharge_current] == Level::alarm);
    CHECK(battery.alarms[Alarm::cell_imbalance] == Level::warning);
    CHECK(battery.alarms[Alarm::internal_failure] == Level::alarm);
    CHECK(battery.alarms[Alarm::low_soc] == Level::ok);
    CHECK(battery.alarms[Alarm::high_charge_current] == Level::ok);
    CHECK_FALSE(battery.alarms[Alarm::fuse_blown]);
    CHECK(battery.discharge_fet == true);
    CHECK(battery.charge_fet == false);
    CHECK(battery.balancing == true);
    CHECK(battery.cells[0].balancing == true);
    CHECK(battery.cells[1].balancing == false);
    CHECK(battery.cells[7].balancing == true);
    CHECK(battery.cells[8].balancing == true);
}

TEST_CASE("seplos3: a silent pack leaves nothing of the last reading") {
    auto device = pack();
    REQUIRE(device.poll());
    SECTION("no events") {
        device.mute(kAskEvents);
        CHECK(device.poll());
        CHECK_FALSE(device.battery().alarms[Alarm::high_cell_voltage]);
        CHECK_FALSE(device.battery().charge_fet);
        CHECK_FALSE(device.battery().cells[0].balancing);
        CHECK(device.battery().voltage_v);
    }
    SECTION("no summary") {
        device.mute(kAskSummary);
        CHECK_FALSE(device.poll());
        CHECK_FALSE(device.battery().voltage_v);
        CHECK_FALSE(device.battery().charge_current_limit_a);
    }
    SECTION("no cells") {
        device.mute(kAskCells);
        CHECK_FALSE(device.poll());
        CHECK(device.battery().cells.empty());
        CHECK(device.battery().temperatures.empty());
    }
}

TEST_CASE("seplos3: another maker's name is another device") {
    auto device = pack();
    device.answer(kAskName, modbus_frame("000414" + std::string(40, '4')));
    CHECK_FALSE(device.poll());
    CHECK(device.session().proof() == Proof::refuted);
}

TEST_CASE("seplos3: damaged, short and foreign answers are no reading") {
    auto device = pack();
    const auto answer = GENERATE(as<std::string>(), "0004221472", modbus_frame("00042414720000"),
                                 modbus_frame("0104221472fd3034646d6000d501df03e700090cc70b9f0cc8"
                                              "0cc60ba50b99000000b400b4"),
                                 modbus_frame("000402147200"), modbus_frame("008402"));
    device.answer(kAskSummary, answer);
    CHECK_FALSE(device.poll());
    CHECK_FALSE(device.battery().voltage_v);
    CHECK(device.session().proof() == Proof::pending);
}

TEST_CASE(
    "seplos3: boards of many amperes send tenths, which a lone pack's "
    "two currents show") {
    auto device = pack();
    const auto stack = [](const std::string& amperes, const std::string& packs) {
        return block(26, {{2, amperes}, {3, "ffff"}, {0x16, packs}});
    };
    SECTION("tenths, told by two comparisons") {
        device.answer(kAskStack, stack("fd30", "0001"));
        for (int i = 0; i < 5; ++i) {
            REQUIRE(device.poll());
            CHECK(device.battery().current_a == -7.2);
        }
        REQUIRE(device.poll());
        REQUIRE(device.poll());
        CHECK(device.battery().current_a == -72.0);
    }
    SECTION("hundredths") {
        device.answer(kAskStack, stack("ffb8", "0001"));
    }
    SECTION("of several packs the sum says nothing") {
        device.answer(kAskStack, stack("fd30", "0002"));
    }
    if (device.battery().current_a.value_or(0) != -72.0) {
        for (int i = 0; i < 12; ++i) {
            REQUIRE(device.poll());
        }
        CHECK(device.battery().current_a == -7.2);
    }
}

TEST_CASE("seplos3: a FET is switched and its state read back") {
    auto device = pack();
    REQUIRE(device.poll());
    SECTION("discharging off") {
        device.answer("0010151000010255aa52be", "00101510000105d1");
        device.answer(kAskEvents, events("0000000000000000"
                                         "01000000000000020000"));
        CHECK(device.control(Control::discharge, 0));
        CHECK(read_back(device.battery(), Control::discharge) == 0);
        CHECK(read_back(device.battery(), Control::charge) == 1);
    }
    SECTION("charging has a register for off and one for on") {
        device.answer(modbus_frame("0010151100010255aa"), modbus_frame("001015110001"));
        device.answer(kAskEvents, events("0000000000000000"
                                         "01000000000000010000"));
        CHECK(device.control(Control::charge, 0));
        CHECK(read_back(device.battery(), Control::charge) == 0);
        device.answer(modbus_frame("00101515000102aa55"), modbus_frame("001015150001"));
        device.answer(kAskEvents, events(kQuiet));
        CHECK(device.control(Control::charge, 1));
        CHECK(read_back(device.battery(), Control::charge) == 1);
    }
    SECTION("refused, or answered for another register") {
        const auto answer = GENERATE(as<std::string>(), modbus_frame("009003"), modbus_frame("001015110001"));
        device.answer("0010151000010255aa52be", answer);
        CHECK_FALSE(device.control(Control::discharge, 0));
        CHECK(device.times_asked("0010151000010255aa52be") == 1);
        CHECK(read_back(device.battery(), Control::discharge) == 1);
    }
    SECTION("not offered") {
        CHECK_FALSE(device.control(Control::charge, 2));
        CHECK_FALSE(device.control(Control::balancing, 1));
    }
}

TEST_CASE(
    "seplos3: behind the first pack of a stack the others are read by "
    "listening") {
    auto session = find_family("seplos3")->open(2, {});
    const auto hear = [&session](const std::string& reply, const std::string& request) {
        return session->overheard(wire::from_hex(reply).value(), wire::from_hex(request).value());
    };
    const auto summary = modbus_frame(
        "0204221472fd3034646d6000d501df03e700090cc7"
        "0b9f0cc80cc60ba50b99000000b400b4");
    const auto cells = modbus_frame("020434" + kCells + "0cc8" + kSensors);
    const auto ask_summary = modbus_frame("020410000011");
    const auto ask_cells = modbus_frame("02041100001a");
    CHECK_FALSE(hear(kSummary, kAskSummary));
    CHECK_FALSE(hear(cells, ask_summary));
    CHECK(hear(summary, ask_summary));
    CHECK(session->proof() == Proof::pending);
    CHECK(hear(cells, ask_cells));
    CHECK(session->proof() == Proof::proven);
    CHECK(session->battery().current_a == -7.2);
}
