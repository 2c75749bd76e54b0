#include "serialbattery/driver/measurement.hpp"

#include "support/catch.hpp"

using namespace bms;

TEST_CASE("what the settings say of a battery reaches its session") {
    control::Settings settings;
    auto options = options_of(settings);
    CHECK(options.first_sensor_is_mosfet);
    CHECK_FALSE(options.tenfold_current);
    CHECK_FALSE(options.direct_only);
    CHECK_FALSE(options.sole_unit);
    CHECK_FALSE(options.first_monitor);
    settings.first_sensor_is_mosfet = false;
    settings.up16s_direct = true;
    settings.lipro_start_address = 40;
    settings.renogy_pro = "YES";
    options = options_of(settings);
    CHECK_FALSE(options.first_sensor_is_mosfet);
    CHECK(options.direct_only);
    CHECK(options.first_monitor == 40);
    CHECK(options.tenfold_current == true);
    settings.renogy_pro = "NO";
    CHECK(options_of(settings).tenfold_current == false);
}

TEST_CASE("a switch that nobody saw work is for who asks for it") {
    for (const auto* name : {"jbd_up16s", "seplos3", "daly_p81"}) {
        INFO(name);
        const auto* family = find_family(name);
        REQUIRE(family != nullptr);
        CHECK_FALSE(offers(*family, Control::charge, false));
        CHECK_FALSE(offers(*family, Control::discharge, false));
        CHECK(offers(*family, Control::charge, true));
        CHECK(offers(*family, Control::discharge, true));
        CHECK_FALSE(offers(*family, Control::heating, true));
    }
    CHECK(offers(*find_family("jbd"), Control::charge, false));
    CHECK(offers(*find_family("jbd_up16s"), Control::soc, false));
}
