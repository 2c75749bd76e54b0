#include "serialbattery/table.hpp"

#include "support/catch.hpp"

using namespace bms;

namespace {

constexpr auto kFields = std::to_array<Field>({
    {0, Raw::u16be, 100, "voltage_V", &Battery::voltage_v},
    {2, Raw::s16be, -10, "current_A", &Battery::current_a},
    {4, Raw::u8, 1, "cycles", &Battery::cycles},
    {5, Raw::flag, 0, "charge_fet", &Battery::charge_fet, 0, 1},
    {6, Raw::u16be, 1, "soc_pct", &Battery::soc_pct, 0, 0, 0xffff},
});
static_assert(well_formed(kFields));

constexpr auto kOverlap = std::to_array<Field>({{0, Raw::u16be, 1, "a"}, {1, Raw::u8, 1, "b"}});
static_assert(!well_formed(kOverlap));
constexpr auto kTwice = std::to_array<Field>({{0, Raw::u8, 1, "a"}, {1, Raw::u8, 1, "a"}});
static_assert(!well_formed(kTwice));
constexpr auto kNoScale = std::to_array<Field>({{0, Raw::u8, 0, "a"}});
static_assert(!well_formed(kNoScale));
constexpr auto kSameBit = std::to_array<Flag>({{3, Alarm::low_soc}, {3, Alarm::low_voltage}});
static_assert(!well_formed(kSameBit));

}  // namespace

TEST_CASE("a field's unit, sign and zero are applied") {
    const std::uint8_t bytes[] = {0x14, 0x8c, 0x00, 0x9b, 7, 0x02, 0x00, 0x4d};
    Battery battery;
    load(kFields, {bytes}, battery);
    CHECK(battery.voltage_v == 52.6);
    CHECK(battery.current_a == -15.5);
    CHECK(battery.cycles == 7u);
    CHECK(battery.charge_fet == true);
    CHECK(battery.soc_pct == 77);
}

TEST_CASE("what is past the end or not fitted is unknown, never zero and never the last value") {
    Battery battery;
    battery.soc_pct = 50;
    battery.cycles = 3;
    const std::uint8_t short_one[] = {0x14, 0x8c, 0x00, 0x00};
    load(kFields, {short_one}, battery);
    CHECK(battery.current_a == 0.0);
    CHECK_FALSE(std::signbit(*battery.current_a));
    CHECK_FALSE(battery.cycles);
    CHECK_FALSE(battery.soc_pct);

    const std::uint8_t not_fitted[] = {0, 0, 0, 0, 0, 0, 0xff, 0xff};
    battery.soc_pct = 50;
    load(kFields, {not_fitted}, battery);
    CHECK_FALSE(battery.soc_pct);
    Record record;
    load(kFields, {not_fitted}, record);
    CHECK(std::holds_alternative<std::nullptr_t>(record.find("soc_pct")->value));

    forget(kFields, battery);
    CHECK_FALSE(battery.voltage_v);
    CHECK_FALSE(battery.charge_fet);
}

TEST_CASE("registers are found by their address") {
    const std::uint8_t words[] = {0x01, 0x02, 0x03, 0x04};
    const auto payload = registers(0x1306, words);
    const Field second{0x1307, Raw::u16be, 1, "x"};
    CHECK(raw_value(second, payload) == 0x0304);
    CHECK(raw_value({0x1307, Raw::low8, 1, "x"}, payload) == 4);
    CHECK_FALSE(raw_value({0x1308, Raw::u16be, 1, "x"}, payload));
    CHECK_FALSE(raw_value({0x1305, Raw::u16be, 1, "x"}, payload));
    CHECK_FALSE(raw_value({0x1307, Raw::u32be, 1, "x"}, payload));
}

TEST_CASE("alarms: the highest source wins, unsupported stays unknown") {
    constexpr auto flags = std::to_array<Flag>({
        {0, Alarm::high_voltage, Level::warning, "one"},
        {1, Alarm::high_voltage, Level::alarm, "two"},
        {7, Alarm::low_soc, Level::warning, "seven"},
    });
    Alarms alarms;
    raise(flags, 0x03, alarms);
    CHECK(alarms[Alarm::high_voltage] == Level::alarm);
    CHECK(alarms[Alarm::low_soc] == Level::ok);
    CHECK_FALSE(alarms[Alarm::fuse_blown]);
    CHECK(names(flags, 0x81).size() == 2);
    CHECK(venus(alarms).members().size() == 1);
    CHECK(venus(alarms).find("HighVoltage") != nullptr);
}

TEST_CASE("a cell slot without value keeps its place") {
    Battery battery;
    const std::uint16_t cells[] = {3300, 0, 3310};
    set_cells(battery, cells);
    set_balancing(battery, 0b100);
    REQUIRE(battery.cells.size() == 3);
    CHECK_FALSE(battery.cells[1].volts);
    CHECK(battery.cells[2].volts == 3.31);
    CHECK(battery.cells[2].balancing == true);
    CHECK(battery.balancing == true);
    CHECK_FALSE(cell_sum(battery));
}

TEST_CASE("an implausible sample names what is wrong with it") {
    Battery battery;
    CHECK_FALSE(implausible(battery));
    battery.voltage_v = 13.2;
    battery.cells = {{3.3, {}}, {3.3, {}}, {3.3, {}}, {3.3, {}}};
    CHECK_FALSE(implausible(battery));
    battery.voltage_v = 14.2;
    CHECK(implausible(battery) == "cell sum");
    battery.voltage_v = 131;
    CHECK(implausible(battery) == "voltage");
    battery.cells.assign(32, {4.1, {}});
    CHECK_FALSE(implausible(battery));
    battery.soc_pct = 101;
    CHECK(implausible(battery) == "state of charge");
    battery.temperatures = {{Place::cell, -60.0}, {Place::cell, 21.0}};
    drop_implausible(battery);
    CHECK_FALSE(battery.temperatures[0].celsius);
    CHECK(battery.temperatures[1].celsius == 21.0);
}
