// The allow-list: what may be written on which model, and nothing else.

#include "givenergy/protocol/writes.hpp"

#include "support/catch.hpp"

#include <set>

using namespace givenergy;

namespace {

bool allowed(Model model, int reg, int value, Consent consent = {}, std::uint16_t arm = 449) {
    return approve(model, arm, consent, static_cast<std::uint16_t>(reg), static_cast<std::uint16_t>(value))
        .has_value();
}

/// Registers that take at least one value.
std::set<int> writable(Model model, Consent consent = {}, std::uint16_t arm = 449) {
    std::set<int> registers;
    for (int reg = 0; reg <= 0xffff; ++reg) {
        for (const int value : {0, 1, 4, 50, 100, 1000}) {
            if (allowed(model, reg, value, consent, arm)) {
                registers.insert(reg);
                break;
            }
        }
    }
    return registers;
}

const std::set<int> kBase{20, 27, 29, 35, 36, 37,  38,  39,  40,  44,  45,  50, 56,
                          57, 59, 94, 95, 96, 110, 111, 112, 114, 116, 163, 166};

}  // namespace

TEST_CASE("each model has exactly its list") {
    CHECK(writable(Model::hybrid_gen1) == kBase);
    CHECK(writable(Model::gateway) == kBase);
    CHECK(writable(Model::unknown).empty());
    CHECK(writable(Model::unknown, {.unknown_model = true}) == kBase);
    auto with_slot2 = kBase;
    with_slot2.insert({31, 32});
    CHECK(writable(Model::hybrid_gen2, {.charge_slot_2 = true}) == with_slot2);

    auto ten = kBase;
    for (int reg = 242; reg <= 269; ++reg) {
        ten.insert(reg);
    }
    ten.insert(272);
    for (int reg = 275; reg <= 299; ++reg) {
        ten.insert(reg);
    }
    CHECK(writable(Model::hybrid_gen4) == ten);
    CHECK(writable(Model::hybrid_gen3, {.charge_slot_2 = true}, 303) == ten);
    auto aio = ten;
    aio.insert({311, 313, 314, 317, 318, 319, 320});
    CHECK(writable(Model::all_in_one) == aio);
    auto gen3 = ten;
    gen3.insert({318, 319, 320});
    CHECK(writable(Model::hybrid_gen3, {}, 312) == gen3);

    std::set<int> three{20, 27, 29, 35, 36, 37, 38, 39, 40, 50, 114, 163, 166, 1078};
    for (int reg = 246; reg <= 269; ++reg) {
        three.insert(reg);
    }
    for (int reg = 276; reg <= 299; ++reg) {
        three.insert(reg);
    }
    for (int reg = 1108; reg <= 1123; ++reg) {
        if (reg != 1117) {
            three.insert(reg);
        }
    }
    CHECK(writable(Model::hybrid_3ph) == three);
    CHECK(writable(Model::ac_3ph) == three);

    std::set<int> ems{2040};
    for (int reg = 2044; reg <= 2071; ++reg) {
        ems.insert(reg);
    }
    CHECK(writable(Model::ems) == ems);
}

TEST_CASE("values keep to their ranges") {
    const Model model = Model::all_in_one;
    for (const int reg : {110, 114, 116, 242, 248, 272, 299}) {
        CHECK_FALSE(allowed(model, reg, 3));
        CHECK(allowed(model, reg, 4));
        CHECK(allowed(model, reg, 100));
        CHECK_FALSE(allowed(model, reg, 101));
    }
    for (const int reg : {44, 57, 94, 243, 319}) {
        CHECK(allowed(model, reg, 0));
        CHECK(allowed(model, reg, 2359));
        for (const int value : {60, 1275, 2360, 2400, 65535}) {
            CHECK_FALSE(allowed(model, reg, value));
        }
    }
    CHECK(allowed(model, 111, 50));
    CHECK_FALSE(allowed(model, 111, 51));
    CHECK_FALSE(allowed(model, 313, 0));
    CHECK_FALSE(allowed(model, 318, 4));
    CHECK(allowed(model, 29, 3));
    CHECK_FALSE(allowed(model, 29, 2));
    for (const int value : {0, 1, 2, 3, 99, 101, 200}) {
        CHECK_FALSE(allowed(model, 163, value));
    }
    CHECK_FALSE(allowed(Model::ems, 2071, 22001));
}

TEST_CASE("a refusal says what would be right") {
    CHECK(approve(Model::ac, 282, {}, 116, 101).error().text == "range 4-100");
    CHECK(approve(Model::ac, 282, {}, 94, 60).error().text == "time 0000-2359");
    CHECK(approve(Model::ac, 282, {}, 63, 1840).error().text == "register 63 is not to be written on AC");
}

TEST_CASE("captured writes are judged for any model") {
    CHECK_FALSE(forbidden_everywhere(0x11, 2040, 1));
    CHECK(forbidden_everywhere(0x32, 20, 1));
    CHECK(forbidden_everywhere(0x11, 162, 1));
    CHECK(forbidden_everywhere(0x11, 163, 1));
}
