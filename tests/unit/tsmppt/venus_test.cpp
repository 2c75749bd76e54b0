#include "tsmppt/venus.hpp"

#include "support/catch.hpp"

using namespace tristar;

namespace {

Charger in_state(std::uint32_t raw) {
    Charger charger;
    charger.charge_state = raw;
    charger.alarms = 0;
    charger.faults = 0;
    charger.output_watts = 0;
    return charger;
}

std::int32_t error_of(std::uint32_t faults, std::uint32_t state = 5) {
    auto charger = in_state(state);
    charger.faults = faults;
    return to_venus(charger).error_code.value();
}

}  // namespace

TEST_CASE("charge states map to /State and /MppOperationMode") {
    struct Row {
        std::uint32_t raw;
        std::int32_t state;
        std::int32_t mode;
    };
    for (const auto& row : {Row{0, 0, 0},
                            {1, 0, 0},
                            {2, 0, 0},
                            {3, 0, 0},
                            {4, 2, 0},
                            {5, 3, 2},
                            {6, 4, 1},
                            {7, 5, 1},
                            {8, 7, 1},
                            {9, 252, 1}}) {
        const auto values = to_venus(in_state(row.raw));
        CHECK(values.state == row.state);
        CHECK(values.mpp_mode == row.mode);
    }
}

TEST_CASE("an undocumented state is bulk while power flows and off otherwise") {
    for (const std::uint32_t raw : {10u, 11u, 65535u}) {
        auto charger = in_state(raw);
        CHECK(to_venus(charger).state == 0);
        CHECK(to_venus(charger).mpp_mode == 0);
        charger.output_watts = 1.0;
        CHECK(to_venus(charger).state == 3);
        CHECK(to_venus(charger).mpp_mode == 2);
        charger.output_watts.reset();
        CHECK_FALSE(to_venus(charger).state.has_value());
        CHECK(name_of_state(raw) == "unknown");
    }
}

TEST_CASE("limiting alarms turn tracking into limited") {
    for (const unsigned bit : {5u, 6u, 17u}) {
        auto charger = in_state(5);
        charger.alarms = 1u << bit;
        CHECK(to_venus(charger).mpp_mode == 1);
    }
    auto charger = in_state(5);
    charger.alarms = 1u << 12;
    CHECK(to_venus(charger).mpp_mode == 2);
    CHECK(to_venus(charger).high_temperature_alarm == 0);
    charger.alarms = 1u << 5;
    CHECK(to_venus(charger).high_temperature_alarm == 1);
}

TEST_CASE("the gravest fault gives the error code") {
    CHECK(error_of(0) == 0);
    CHECK(error_of(1u << 1) == 28);
    CHECK(error_of(1u << 0) == 18);
    CHECK(error_of(1u << 3) == 2);
    CHECK(error_of(1u << 4) == 33);
    CHECK(error_of(1u << 2) == 40);
    CHECK(error_of(1u << 9) == 113);
    CHECK(error_of(1u << 11) == 67);
    CHECK(error_of(1u << 5) == 119);
    CHECK(error_of(1u << 6) == 119);
    CHECK(error_of(1u << 7) == 4);
    CHECK(error_of(1u << 8) == 5);
    CHECK(error_of(1u << 10) == 0);
    CHECK(error_of(1u << 15) == 40);
    CHECK(error_of(0xFFFF) == 28);
    CHECK(error_of((1u << 8) | (1u << 9)) == 113);
    CHECK(error_of(0, 4) == 40);
    CHECK(error_of(1u << 8, 4) == 5);
}

TEST_CASE("the firmware version is one that consumers accept, or none") {
    Charger charger;
    CHECK_FALSE(to_venus(charger).firmware_version.has_value());
    charger.software_version = 42;
    CHECK(to_venus(charger).firmware_version == 0x4200FF);
    charger.software_version = 2;
    CHECK(to_venus(charger).firmware_version == 0x0200FF);
    for (const std::uint32_t odd : {0u, 1u, 100u, 9999u}) {
        charger.software_version = odd;
        CHECK_FALSE(to_venus(charger).firmware_version.has_value());
    }
}

TEST_CASE("negative current and array voltage are shown as nothing") {
    Charger charger;
    charger.battery_amps = -0.21;
    charger.array_volts = -0.01;
    charger.output_watts = 0;
    const auto values = to_venus(charger);
    CHECK(values.dc_amps == 0.0);
    CHECK_FALSE(std::signbit(*values.dc_amps));
    CHECK(values.pv_volts == 0.0);
    CHECK(values.pv_amps == 0.0);
}

TEST_CASE("the system voltage comes from the DIP switches, else from the set point in use") {
    Charger charger;
    SetPoints points;
    points.absorption_volts = 14.4;
    points.float_volts = 13.6;
    CHECK_FALSE(system_volts_of(charger, points).has_value());
    charger.battery_volts = 26.0;
    charger.dip_switches = 0b010;
    CHECK(system_volts_of(charger, points) == 24);
    charger.dip_switches = 0b110;
    CHECK_FALSE(system_volts_of(charger, points).has_value());  // 48 V set, 26 V there
    charger.battery_volts = 52.0;
    CHECK(system_volts_of(charger, points) == 48);
    charger.battery_volts = 13.0;
    charger.dip_switches = 0b100;
    CHECK(system_volts_of(charger, points) == 12);

    charger.dip_switches = 0;  // automatic
    charger.charge_state = 5;
    charger.target_volts = 28.8;
    charger.battery_volts = 28.0;
    CHECK_FALSE(system_volts_of(charger, points).has_value());
    charger.charge_state = 6;
    CHECK(system_volts_of(charger, points) == 24);
    charger.charge_state = 7;
    charger.target_volts = 54.0;
    charger.battery_volts = 54.0;
    CHECK(system_volts_of(charger, points) == 48);
    points.float_volts = 0;
    CHECK_FALSE(system_volts_of(charger, points).has_value());
}
