// Forced charge and export: what is written, what is remembered, what is put back. And counters that only grow.

#include "givenergy/control/overrides.hpp"

#include "givenergy/control/energy_guard.hpp"
#include "givenergy/driver/site_state.hpp"
#include "support/catch.hpp"

#include <fmt/format.h>

using namespace givenergy;

namespace {

constexpr std::int64_t kNow = 1'780'000'000;

struct Settings {
    Registers registers;
    CommandContext context;

    explicit Settings(bool pause_register = false) {
        std::vector<std::uint16_t> low(60, 0), high(60, 0);
        low[27] = 1;
        high[110 - 60] = 10;
        high[111 - 60] = 40;
        high[112 - 60] = 45;
        high[94 - 60] = 60;  // "not set"
        high[116 - 60] = 90;
        registers.store({0x11, Function::read_holding, 0, 60}, low);
        registers.store({0x11, Function::read_holding, 60, 60}, high);
        context.model = pause_register ? Model::all_in_one : Model::hybrid_gen1;
        if (pause_register) {
            registers.store({0x11, Function::read_holding, 300, 60}, std::vector<std::uint16_t>(60, 0));
        }
        context.registers = &registers;
        context.now = {2026, 6, 1, 23, 50, 12};
    }
};

std::string text(const std::vector<ApprovedWrite>& writes) {
    std::string out;
    for (const ApprovedWrite& write : writes) {
        out += fmt::format("{}{}={}", out.empty() ? "" : " ", write.reg(), write.value());
    }
    return out;
}

}  // namespace

TEST_CASE("a forced charge runs over midnight and is put back") {
    const Settings settings;
    const auto plan = begin_override(OverrideKind::force_charge, 30, settings.context, {}, kNow);
    REQUIRE(plan);
    CHECK(text(plan->writes) == "116=100 94=2350 95=20 96=1 111=50");
    CHECK(plan->record.ends_at == kNow + 1800);
    // 60 is "not set" and cannot be written: the slot is switched off instead.
    CHECK(text(end_override(plan->record, settings.context)) == "111=40 96=0 95=0 94=0 116=90");
}

TEST_CASE("one override replaces another and keeps what was saved first") {
    Settings settings{true};
    const auto charge = begin_override(OverrideKind::force_charge, 30, settings.context, {}, kNow);
    REQUIRE(charge);
    CHECK(text(charge->writes).ends_with("318=0"));
    for (const ApprovedWrite& write : charge->writes) {
        settings.registers.update_holding(write.reg(), write.value());
    }
    const auto again =
        begin_override(OverrideKind::force_charge, 60, settings.context, charge->record, kNow + 60);
    REQUIRE(again);
    CHECK(again->record.saved == charge->record.saved);
    const auto exported =
        begin_override(OverrideKind::force_export, 10, settings.context, charge->record, kNow + 60);
    REQUIRE(exported);
    CHECK(text(exported->writes) == "111=40 96=0 95=0 94=0 116=90 110=4 112=50 27=0 59=1 56=2350 57=0 318=0");
    CHECK(text(end_override(exported->record, settings.context))
          == "318=0 57=0 56=0 59=0 27=1 112=45 110=10");
}

TEST_CASE("pauses use the register made for it, or the rate") {
    const Settings with{true}, without;
    CHECK(text(begin_override(OverrideKind::pause_charge, 5, with.context, {}, kNow)->writes) == "318=1");
    CHECK(text(begin_override(OverrideKind::pause_discharge, 5, without.context, {}, kNow)->writes)
          == "112=0");
}

TEST_CASE("nothing begins before the settings are known") {
    CommandContext unknown;
    unknown.model = Model::hybrid_gen1;
    CHECK_FALSE(begin_override(OverrideKind::force_export, 5, unknown, {}, kNow));
}

TEST_CASE("minutes are 1 to 1439, or a word that ends it") {
    const auto minutes = [](const char* words) { return override_minutes({{"", words}}); };
    CHECK(*minutes("30") == 30);
    CHECK(*minutes("Cancel") == 0);
    CHECK(*minutes("Normal") == 0);
    CHECK_FALSE(minutes("1440"));
    CHECK_FALSE(minutes("-1"));
    CHECK_FALSE(minutes("soon"));
    CHECK(*override_minutes({{"duration", "15"}}) == 15);
}

TEST_CASE("what is remembered survives being written down") {
    SiteState state;
    state.saved_reserve = 25;
    state.charge_wraps = 1;
    state.running = Override{OverrideKind::force_export, kNow, {{110, 10}, {56, 1600}}};
    CHECK(parse_site_state(to_text(state)) == state);
    for (const char* damaged : {"", "{}", "[1]", R"({"saved_reserve":"x"})"}) {
        CHECK_FALSE(parse_site_state(damaged));
    }
    CHECK_FALSE(parse_site_state(
        R"({"saved_reserve":4,"charge_wraps":0,"discharge_wraps":0,"running":{"function":"?"}})"));
}

TEST_CASE("a counter shows the median of three readings, and then never less") {
    CounterGuard guard;
    CHECK_FALSE(guard.take(100.0));
    CHECK_FALSE(guard.take(9000.0));
    CHECK(guard.take(100.1) == 100.1);
    CHECK(guard.take(100.0) == 100.1);
    CHECK(guard.take(std::nullopt) == 100.1);
    CHECK(guard.take(101.0) == 101.0);
    guard.begin();
    CHECK(guard.take(5.0) == 101.0);
    CHECK(guard.take(101.2) == 101.0);
    CHECK(guard.take(101.3) == 101.2);
}

TEST_CASE("a counter of 16 bits goes on behind its wrap") {
    CounterGuard guard;
    guard.set_narrow(true);
    for (int i = 0; i < 3; ++i) {
        (void)guard.take(6553.4);
    }
    CHECK(*guard.take(0.2) == Approx(6553.8));
    CHECK(guard.wraps() == 1);
}
