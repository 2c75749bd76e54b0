// Banks that lie: docs/protocols/givenergy.md.

#include "givenergy/protocol/sanity.hpp"

#include "support/catch.hpp"

using namespace givenergy;
using namespace std::chrono_literals;

namespace {

using Words = std::vector<std::uint16_t>;
constexpr Request kLiveBank{0x11, Function::read_input, 0, 60};
constexpr Request kPackBank{0x32, Function::read_input, 60, 60};
constexpr Request kSettingsBank{0x11, Function::read_holding, 0, 60};
const Gatekeeper::Clock::time_point kStart{};

Words live_bank() {
    Words words(60, 0);
    words[0] = 1;
    words[5] = 2400;
    words[12] = 5000;  // 500.0 kWh of PV
    words[25] = 50;    // 5.0 kWh exported today
    words[52] = 300;
    words[59] = 60;
    return words;
}

Words pack_bank() {
    Words words(60, 0);
    for (std::size_t i = 0; i < 16; ++i) {
        words[i] = 3300;
    }
    for (std::size_t i = 16; i < 20; ++i) {
        words[i] = 205;
    }
    words[21] = 250;    // MOSFET
    words[23] = 52800;  // 52.8 V
    words[25] = words[27] = 18600;
    words[29] = 9300;
    words[37] = 16;
    words[38] = 3005;
    words[40] = 50;
    for (std::size_t i = 0; i < 5; ++i) {
        static constexpr std::array<std::uint16_t, 5> kSerial{0x4247, 0x3231, 0x3334, 0x4730, 0x3037};
        words[50 + i] = kSerial[i];
    }
    return words;
}

std::optional<Suspicion> admit(Gatekeeper& gate, const Request& request, Words words, std::chrono::seconds at,
                               bool midnight = false) {
    return gate.admit(request, words, kStart + at, midnight);
}

}  // namespace

TEST_CASE("the adapter's own memory is never believed, however often it comes") {
    Words words(60, 0);
    words[28] = 0x4c32;
    words[30] = 0xa119;
    words[31] = 0x34ea;
    words[40] = 0xb619;
    words[41] = 0xc0a8;
    words[43] = 0xc0a8;
    Gatekeeper gate;
    for (int i = 0; i < 5; ++i) {
        CHECK(admit(gate, kSettingsBank, words, i * 10s) == Suspicion::memory);
    }
    Words high(60, 0xf000);
    CHECK(admit(gate, kLiveBank, high, 60s) == Suspicion::memory);
}

TEST_CASE("zeros over values are a drop-out until they come three times") {
    Gatekeeper gate;
    CHECK_FALSE(admit(gate, kLiveBank, live_bank(), 0s));
    CHECK(admit(gate, kLiveBank, Words(60, 0), 10s) == Suspicion::dropout);
    CHECK(admit(gate, kLiveBank, Words(60, 0), 20s) == Suspicion::dropout);
    CHECK_FALSE(admit(gate, kLiveBank, Words(60, 0), 30s));
}

TEST_CASE("a battery bank whose middle is shifted by a byte is refused") {
    Gatekeeper gate;
    CHECK_FALSE(admit(gate, kPackBank, pack_bank(), 0s));
    const Words good = pack_bank();
    for (std::size_t first = 0; first < 40; ++first) {
        Words shifted = good;
        for (std::size_t i = first; i < 45; ++i) {
            shifted[i] = static_cast<std::uint16_t>(good[i] << 8 | good[i + 1] >> 8);
        }
        if (shifted == good) {
            continue;
        }
        INFO("shifted from " << first);
        CHECK(admit(gate, kPackBank, shifted, 10s).has_value());
        CHECK_FALSE(admit(gate, kPackBank, good, 10s));
    }
}

TEST_CASE("battery rules, one by one") {
    const auto refused = [](auto change, bool with_previous = true) {
        Gatekeeper gate;
        if (with_previous) {
            REQUIRE_FALSE(admit(gate, kPackBank, pack_bank(), 0s));
        }
        Words words = pack_bank();
        change(words);
        return admit(gate, kPackBank, words, 10s);
    };
    CHECK(refused([](Words& w) { w[29] = 21000; }, false) == Suspicion::capacity);
    CHECK(refused([](Words& w) { std::fill_n(w.begin(), 16, std::uint16_t{0}); }, false) == Suspicion::cells);
    CHECK(refused([](Words& w) { w[16] = w[17] = 0; }, false) == Suspicion::temperatures);
    CHECK(refused([](Words& w) { w[54] = 0x3038; }) == Suspicion::identity);
    CHECK(refused([](Words& w) { w[38] = 3006; }) == Suspicion::identity);
    CHECK(refused([](Words& w) { w[40] = 61; }) == Suspicion::jump);
    CHECK_FALSE(refused([](Words& w) { w[40] = 60; }));
    CHECK(refused([](Words& w) { w[16] = 260; }) == Suspicion::jump);
    CHECK(refused([](Words& w) { w[3] = 3700; }) == Suspicion::jump);
    CHECK_FALSE(refused([](Words& w) { w[3] = 3600; }));
    CHECK(refused([](Words& w) { w[29] = 7000; }) == Suspicion::jump);
    CHECK_FALSE(refused([](Words& w) { w[21] = 440; }));
}

TEST_CASE("a frosty battery may have sensors at zero") {
    Words cold = pack_bank();
    for (std::size_t i = 16; i < 20; ++i) {
        cold[i] = 10;
    }
    Gatekeeper gate;
    REQUIRE_FALSE(admit(gate, kPackBank, cold, 0s));
    cold[16] = cold[17] = 0;
    CHECK_FALSE(admit(gate, kPackBank, cold, 10s));
}

TEST_CASE("an exchanged battery is believed after three equal readings") {
    Gatekeeper gate;
    REQUIRE_FALSE(admit(gate, kPackBank, pack_bank(), 0s));
    Words other = pack_bank();
    other[54] = 0x3038;
    CHECK(admit(gate, kPackBank, other, 10s) == Suspicion::identity);
    CHECK(admit(gate, kPackBank, other, 20s) == Suspicion::identity);
    CHECK_FALSE(admit(gate, kPackBank, other, 30s));
}

TEST_CASE("an old value does not judge a new one") {
    Gatekeeper gate;
    REQUIRE_FALSE(admit(gate, kPackBank, pack_bank(), 0s));
    Words later = pack_bank();
    later[40] = 90;
    CHECK_FALSE(admit(gate, kPackBank, later, 301s));
}

TEST_CASE("energy counters run forward, and no faster than power allows") {
    Gatekeeper gate;
    const auto with = [](std::size_t at, std::uint16_t value) {
        Words words = live_bank();
        words[at] = value;
        return words;
    };
    REQUIRE_FALSE(admit(gate, kLiveBank, live_bank(), 0s));
    CHECK(admit(gate, kLiveBank, with(12, 4999), 10s) == Suspicion::counter);
    CHECK(admit(gate, kLiveBank, with(25, 20), 20s) == Suspicion::counter);
    CHECK_FALSE(admit(gate, kLiveBank, with(25, 49), 30s));                    // one count of jitter
    CHECK(admit(gate, kLiveBank, with(12, 6000), 40s) == Suspicion::counter);  // 100 kWh in ten seconds
    CHECK_FALSE(admit(gate, kLiveBank, with(25, 0), 50s, true));               // midnight
}

TEST_CASE("a state of charge of zero with the battery at work is not one") {
    Gatekeeper gate;
    Words words = live_bank();
    words[59] = 0;
    Words first = words;
    CHECK_FALSE(gate.admit(kLiveBank, first, kStart, false));
    CHECK(first[59] == 0xffff);  // beyond its limits: not available
    Words good = live_bank();
    CHECK_FALSE(gate.admit(kLiveBank, good, kStart + 10s, false));
    Words again = words;
    CHECK_FALSE(gate.admit(kLiveBank, again, kStart + 20s, false));
    CHECK(again[59] == 60);
    Words calibrating = words;
    CHECK_FALSE(gate.admit(kLiveBank, calibrating, kStart + 30s, false, true));
    CHECK(calibrating[59] == 0);
}

TEST_CASE("settings of another inverter are refused until they insist") {
    Words words(60, 0);
    words[0] = 0x2001;
    words[13] = 0x5341;
    Gatekeeper gate;
    REQUIRE_FALSE(admit(gate, kSettingsBank, words, 0s));
    Words other = words;
    other[13] = 0x4541;
    CHECK(admit(gate, kSettingsBank, other, 10s) == Suspicion::identity);
    other[0] = 0;
    CHECK(admit(gate, kSettingsBank, other, 20s) == Suspicion::identity);
}
