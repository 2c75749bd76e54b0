// How a conversation learns when to look for an answer.

#include "serialbattery/conversation.hpp"
#include "support/catch.hpp"
#include "support/virtual_line.hpp"

using namespace bms;

namespace {

/// A JBD battery on a line with true byte times, polled again and again.
struct Polled {
    struct Cost {
        std::size_t sent;
        std::size_t reads;
        milliseconds took;
    };

    test::VirtualLine line;
    std::unique_ptr<Session> session;
    std::unique_ptr<Conversation> talk;

    Polled() {
        const auto& family = *find_family("jbd");
        const auto& unit = line.add("jbd");
        session = family.open(static_cast<std::uint8_t>(unit.address()), {});
        talk = std::make_unique<Conversation>(family, *session, family.lines.front());
        line.open_at(family.lines.front());
    }
    Cost poll(unsigned times) {
        const auto sent = talk->traffic().sent;
        const auto reads = line.reads();
        const auto begin = line.now();
        for (unsigned i = 0; i < times; ++i) {
            talk->start_cycle();
            line.run(*talk);
            REQUIRE(talk->succeeded());
            line.pass(500ms);
        }
        const auto took = std::chrono::duration_cast<milliseconds>(line.now() - begin);
        return {talk->traffic().sent - sent, line.reads() - reads, took / times - 500ms};
    }
};

}  // namespace

TEST_CASE("an answer whose time is known is read in one go, hardly later than piece by piece") {
    Polled battery;
    const auto first = battery.poll(1);
    CHECK(first.reads > 4 * first.sent);
    battery.poll(2);
    const auto usual = battery.poll(100);
    CHECK(usual.sent == 200);
    CHECK(usual.reads
          < 300);  // a look that comes too early, now and then, finds out that it cannot be shorter
    CHECK(usual.took < first.took);
}

TEST_CASE("a battery that becomes slower, or faster again, is followed") {
    Polled battery;
    battery.poll(10);
    const auto before = battery.poll(10);
    battery.line.delay = 200ms;
    battery.poll(30);
    const auto slow = battery.poll(10);
    CHECK(slow.took > before.took + 390ms);
    CHECK(slow.took < before.took + 420ms);
    CHECK(slow.reads < 40);
    battery.line.delay = 0ms;
    battery.poll(200);
    CHECK(battery.poll(10).took < before.took + 20ms);
    CHECK(battery.talk->traffic().timeouts == 0);
}
