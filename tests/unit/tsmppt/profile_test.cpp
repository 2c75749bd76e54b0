#include "tsmppt/control/profile.hpp"

#include "support/catch.hpp"

using namespace tristar;

namespace {

/// DIP switches 4, 5, 6 (custom program) and 8 (writes) ON.
Charger ready() {
    Charger charger;
    charger.volts_per_unit = 180;
    charger.dip_switches = 0b10111000;
    return charger;
}

SetPoints points(const Profile& profile, double twelves) {
    SetPoints current;
    current.absorption_volts = profile.absorption_volts / twelves;
    current.float_volts = profile.float_volts / twelves;
    current.absorption_seconds = static_cast<std::uint32_t>(profile.absorption_seconds);
    current.float_cancel_volts = profile.float_cancel_volts / twelves;
    current.limit_volts = 15.2;
    return current;
}

ProfileFault fault(const Profile& profile, std::optional<int> system = 24, SetPoints current = {},
                   Charger charger = ready()) {
    const auto plan = plan_profile(profile, system, current, charger);
    REQUIRE_FALSE(plan.has_value());
    return plan.error();
}

}  // namespace

TEST_CASE("every profile that comes with the driver fits every system") {
    for (const auto& named : kProfiles) {
        for (const int system : {12, 24, 48}) {
            INFO(named.name << " at " << system << " V");
            const auto profile = starting_profile(named.name, system);
            CHECK(profile.absorption_volts == Approx(named.per_12v.absorption_volts * system / 12));
            CHECK(profile.absorption_seconds == named.per_12v.absorption_seconds);
            const auto plan = plan_profile(profile, system, {}, ready());
            REQUIRE(plan.has_value());
            CHECK(plan->size() == kProfileFields.size());
        }
    }
}

TEST_CASE("a name that is not known begins with the custom profile") {
    CHECK(starting_profile("Monday", 24).absorption_volts == Approx(28.6));
    CHECK(starting_profile("winter", 24).absorption_volts == Approx(28.8));
}

TEST_CASE("profile names are letters, digits, dash and underscore, each once") {
    using Names = std::vector<std::string>;
    CHECK(profile_names("Summer,Winter,Custom").usable == Names{"Summer", "Winter", "Custom"});
    const auto mixed = profile_names(" A , b-1,,a, c/d, \xC3\xA4 ,e_f");
    CHECK(mixed.usable == Names{"A", "b-1", "e_f"});
    CHECK(mixed.refused == Names{"c/d", "\xC3\xA4"});
    CHECK(profile_names("").usable.empty());
    CHECK(profile_names("").refused.empty());
    const std::string too_long(33, 'x');
    CHECK(profile_names(too_long).usable.empty());
    CHECK(profile_names(too_long).refused == Names{too_long});
}

TEST_CASE("only what differs is written, the lowest voltage first") {
    const auto profile = starting_profile("Summer", 24);
    auto current = points(profile, 2);
    CHECK(plan_profile(profile, 24, current, ready())->empty());

    current.absorption_volts = 14.4;
    current.float_volts = 13.8;
    const auto plan = plan_profile(profile, 24, current, ready());
    REQUIRE(plan.has_value());
    REQUIRE(plan->size() == 2);
    CHECK((*plan)[0].address == 0xE001);
    CHECK((*plan)[0].value == Approx(13.6));
    CHECK((*plan)[0].word == 2476);
    CHECK((*plan)[1].address == 0xE000);
    CHECK((*plan)[1].word == 2585);
}

TEST_CASE("a profile for another system voltage is refused") {
    CHECK(fault(starting_profile("Summer", 24), 48) == ProfileFault::voltage_out_of_range);
    CHECK(fault(starting_profile("Summer", 24), 12) == ProfileFault::voltage_out_of_range);
    CHECK(fault(starting_profile("Summer", 24), std::nullopt) == ProfileFault::unknown_system);
}

TEST_CASE("a profile that contradicts itself or the controller is refused") {
    auto profile = starting_profile("Summer", 24);
    profile.float_volts = profile.absorption_volts;
    CHECK(fault(profile) == ProfileFault::float_above_absorption);
    profile = starting_profile("Summer", 24);
    profile.float_cancel_volts = profile.float_volts;
    CHECK(fault(profile) == ProfileFault::cancel_above_float);
    profile = starting_profile("Summer", 24);
    profile.absorption_seconds = 40000;
    CHECK(fault(profile) == ProfileFault::time_out_of_range);
    SetPoints limited;
    limited.limit_volts = 14.0;
    CHECK(fault(starting_profile("Summer", 24), 24, limited) == ProfileFault::above_limit);
    auto fixed_program = ready();
    fixed_program.dip_switches = 0b10110000;
    CHECK(fault(starting_profile("Summer", 24), 24, {}, fixed_program) == ProfileFault::not_custom);
    auto locked = ready();
    locked.dip_switches = 0b00111000;
    CHECK(fault(starting_profile("Summer", 24), 24, {}, locked) == ProfileFault::writes_refused);
}

TEST_CASE("no float stage is a profile, too") {
    auto profile = starting_profile("Lifepo4", 12);
    profile.float_volts = 0;
    profile.float_cancel_volts = 0;
    const auto plan = plan_profile(profile, 12, {}, ready());
    REQUIRE(plan.has_value());
    CHECK((*plan)[0].word == 0);
}
