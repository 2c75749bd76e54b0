#include "support/catch.hpp"
#include "support/hex_frame.hpp"
#include "support/scripted_device.hpp"

using namespace bms;
using test::hex_frame;

namespace {

const std::string kAskLive = hex_frame("22014A42", "01");
const std::string kAskNumbers = hex_frame("22014AB0", "010103FF00");
const std::string kAskCapacities = hex_frame("22014AB0", "010104FF00");
const std::string kAskParameters = hex_frame("22014A47", "01");
const std::string kAskManufacturer = hex_frame("22014A51");

/// The answer of a 16-cell board as cpttinkering/daren-485 recorded it, in front of its status words.
const std::string kLive =
    "001A2C14C0100D010D010CDB0D010D010D000D020CE60CF80D020D010CDF0D020D020D000CE0010E0104010E04010401040104"
    "0104000000000050011F4014F000CC";

/// Status words of voltage, current, temperature, alarm and FETs, balancing cells, what follows.
std::string status(const std::string& words = "00000000000000000023", const std::string& balancing = "0000") {
    return words + std::string(16, '0') + balancing + std::string(26, '0');
}
std::string live(const std::string& tail = status()) {
    return hex_frame("22014A00", kLive + tail);
}

std::string filled(const std::string& text, std::size_t size) {
    std::string digits = test::hex_text(text);
    while (digits.size() < 2 * size) {
        digits += "FF";
    }
    return digits;
}

test::ScriptedDevice board() {
    test::ScriptedDevice device(*find_family("daren"), 1);
    device.answer(kAskLive, live());
    return device;
}

}  // namespace

TEST_CASE("daren: a whole reading") {
    auto device = board();
    device.answer(kAskNumbers,
                  hex_frame("22014A00", "B0010103FF71" + filled("JD2M02150860  1", 30) + filled("PROD", 30)
                                            + filled("BOARD", 30) + "160512" + filled("DAREN", 20)));
    device.answer(kAskCapacities, hex_frame("22014A00", "B0010104FF0014F01F40271000003B87000036D044E139C3"));
    device.answer(kAskParameters, hex_frame("22014A00", "000E4209C40073002D2EE00E4209C400102EE01F4005A00000"
                                                            + filled("", 40)));
    device.answer(
        kAskManufacturer,
        hex_frame("22014A00", "54315F472020202020204855414E593034202020313653313030412020200100020101"));
    REQUIRE(device.poll());
    CHECK(device.unasked().empty());
    const auto& battery = device.battery();
    CHECK(device.session().proof() == Proof::proven);
    CHECK(battery.voltage_v == 53.12);
    CHECK(battery.current_a == 0.0);
    CHECK(battery.soc_pct == 67.0);
    CHECK(battery.soh_pct == 80.0);
    CHECK(battery.remaining_ah == 53.6);
    CHECK(battery.full_ah == 80.0);
    CHECK(battery.capacity_ah == 100.0);
    CHECK(battery.cycles == 204u);
    REQUIRE(battery.cells.size() == 16);
    CHECK(battery.cells[2].volts == 3.291);
    CHECK(battery.cells[2].balancing == false);
    REQUIRE(battery.temperatures.size() == 6);
    CHECK(battery.temperatures[0] == Temperature{Place::cell, 26.0});
    CHECK(battery.temperatures[4] == Temperature{Place::mosfet, 27.0});
    CHECK(battery.temperatures[5] == Temperature{Place::ambient, 27.0});
    CHECK(battery.charge_fet == true);
    CHECK(battery.discharge_fet == true);
    CHECK(battery.charge_current_limit_a == 120.0);
    CHECK(battery.charged_ah == 15239.0);
    CHECK(battery.discharged_ah == 14032.0);
    CHECK_FALSE(battery.charged_kwh);  // a word that wraps is no total
    CHECK(battery.serial == "JD2M02150860  1");
    CHECK(battery.manufacturer == "DAREN");
    CHECK(battery.model == "HUANY04 16S100A");
    CHECK(battery.hardware_version == "T1_G");
    CHECK(battery.firmware_version == "01.00.02");
    CHECK(battery.alarms[Alarm::high_cell_voltage] == Level::ok);
    CHECK_FALSE(battery.alarms[Alarm::state_of_health]);  // there is no such flag
    // Who it is was asked once.
    REQUIRE(device.poll());
    CHECK(device.times_asked(kAskNumbers) == 1);
    CHECK(device.times_asked(kAskCapacities) == 1);
    CHECK(device.times_asked(kAskLive) == 2);
}

TEST_CASE("daren: the status words") {
    auto device = board();
    const auto& alarms = device.battery().alarms;
    SECTION("enabled LED and buzzer are no fault") {
        device.answer(kAskLive, live(status("00000000000000600023")));
        REQUIRE(device.poll());
        CHECK(alarms[Alarm::internal_failure] == Level::ok);
    }
    SECTION("failures, protections over warnings") {
        device.answer(kAskLive, live(status("60110094020108820023", "0005")));
        REQUIRE(device.poll());
        CHECK(alarms[Alarm::high_cell_voltage] == Level::alarm);
        CHECK(alarms[Alarm::low_cell_voltage] == Level::ok);
        CHECK(alarms[Alarm::cell_imbalance] == Level::alarm);
        CHECK(alarms[Alarm::fuse_blown] == Level::alarm);
        CHECK(alarms[Alarm::high_charge_current] == Level::alarm);
        CHECK(alarms[Alarm::high_discharge_current] == Level::alarm);
        CHECK(alarms[Alarm::high_charge_temperature] == Level::alarm);
        CHECK(alarms[Alarm::low_charge_temperature] == Level::warning);
        CHECK(alarms[Alarm::low_soc] == Level::alarm);
        CHECK(alarms[Alarm::internal_failure] == Level::alarm);
        CHECK(device.battery().cells[0].balancing == true);
        CHECK(device.battery().cells[1].balancing == false);
        CHECK(device.battery().cells[2].balancing == true);
    }
    SECTION("which FET is open of two cannot be told") {
        device.answer(kAskLive, live(status("00000000000000000021")));
        REQUIRE(device.poll());
        CHECK_FALSE(device.battery().charge_fet);
        CHECK_FALSE(device.battery().discharge_fet);
        device.answer(kAskLive, live(status("00000000000000000020")));
        REQUIRE(device.poll());
        CHECK(device.battery().charge_fet == false);
        CHECK(device.battery().discharge_fet == false);
    }
}

TEST_CASE("daren: the group is 1, the address when that is not answered") {
    test::ScriptedDevice device(*find_family("daren"), 2);
    const auto address_as_group = hex_frame("22024A42", "02");
    device.answer(address_as_group, hex_frame("22024A00", kLive + status()));
    CHECK_FALSE(device.poll());
    CHECK(device.times_asked(address_as_group) == 0);
    CHECK(device.poll());
    CHECK(device.poll());
    CHECK(device.battery().voltage_v == 53.12);
    CHECK(device.times_asked(hex_frame("22024A42", "01")) == 3);
}

TEST_CASE("daren: what is not answered is unknown") {
    auto device = board();
    REQUIRE(device.poll());
    CHECK_FALSE(device.battery().charge_current_limit_a);
    CHECK_FALSE(device.battery().capacity_ah);
    SECTION("silence") {
        device.mute(kAskLive);
    }
    SECTION("an error of the board") {
        device.answer(kAskLive, hex_frame("22014A91"));
    }
    CHECK_FALSE(device.poll());
    CHECK_FALSE(device.battery().voltage_v);
    CHECK_FALSE(device.battery().soc_pct);
    CHECK_FALSE(device.battery().charge_fet);
    CHECK_FALSE(device.battery().alarms[Alarm::high_cell_voltage]);
    CHECK(device.battery().cells.empty());
    CHECK(device.battery().temperatures.empty());
}

TEST_CASE("daren: a question the board does not know is asked once, one it misses a few times") {
    auto device = board();
    device.answer(kAskParameters, hex_frame("22014A04"));
    for (int i = 0; i < 10; ++i) {
        REQUIRE(device.poll());
    }
    CHECK(device.times_asked(kAskParameters) == 1);
    CHECK(device.times_asked(kAskManufacturer) == 5);
}

TEST_CASE("daren: what has no layout of the board is no reading") {
    const auto info = GENERATE(as<std::string>(), kLive + status() + "00", (kLive + status()).substr(0, 196),
                               "001A2C14C0000000000000000000" + status(), "B0010103FF00", "");
    test::ScriptedDevice device(*find_family("daren"), 1);
    device.answer(kAskLive, hex_frame("22014A00", info));
    CHECK_FALSE(device.poll());
    CHECK(device.session().proof() == Proof::pending);
    CHECK_FALSE(device.battery().voltage_v);
}

TEST_CASE("daren: cells that do not add up to the voltage prove nothing") {
    test::ScriptedDevice device(*find_family("daren"), 1);
    auto info = kLive + status();
    info.replace(6, 4, "0A00");
    device.answer(kAskLive, hex_frame("22014A00", info));
    CHECK(device.poll());
    CHECK(device.session().proof() == Proof::pending);
}

TEST_CASE("daren: damaged answers are asked for again, those of neighbours and relatives not taken") {
    auto device = board();
    SECTION("damage") {
        device.damage_next(2);
        CHECK(device.poll());
        CHECK(device.times_asked(kAskLive) == 3);
    }
    SECTION("a neighbour in front") {
        device.prefix(hex_frame("22024A00", kLive + status("00010000000000000023")));
        CHECK(device.poll());
        CHECK(device.battery().alarms[Alarm::high_cell_voltage] == Level::ok);
    }
    SECTION("a relative") {
        device.answer(kAskLive, hex_frame("20014A00", kLive + status()));
        CHECK_FALSE(device.poll());
    }
}

TEST_CASE("daren: on the bus of a pack that polls the others only live values of this pack are of use") {
    const auto& family = *find_family("daren");
    const auto session = family.open(2, {});
    const auto bytes = [](const std::string& hex) { return wire::from_hex(hex).value(); };
    const auto answer = bytes(hex_frame("22024A00", kLive + status()));
    CHECK_FALSE(session->overheard(answer, {}));
    CHECK_FALSE(session->overheard(answer, bytes(hex_frame("22024A47", "01"))));
    CHECK_FALSE(session->overheard(bytes(hex_frame("22034A00", kLive + status())),
                                   bytes(hex_frame("22034A42", "01"))));
    CHECK(session->overheard(answer, bytes(hex_frame("22024A42", "01"))));
    CHECK(session->battery().voltage_v == 53.12);
}
