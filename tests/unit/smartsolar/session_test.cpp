#include "smartsolar/protocol/session.hpp"

#include "smartsolar/protocol/registers.hpp"
#include "support/catch.hpp"

#include <set>

using namespace smartsolar;
using namespace std::chrono_literals;

namespace {

using Milliseconds = std::chrono::milliseconds;

wire::Buffer bytes(const char* hex) {
    return wire::from_hex(hex).value();
}

// Everything the session wants to write now, as "char:hex".
std::vector<std::string> writes(Session& session, Milliseconds now) {
    std::vector<std::string> written;
    while (const auto next = session.next_write(now)) {
        written.push_back(std::to_string(static_cast<int>(next->to)) + ":" + wire::to_hex(next->bytes));
    }
    return written;
}

void answer(Session& session, std::uint32_t instance, std::uint16_t number, Milliseconds now) {
    wire::Buffer reply;
    wire::put8(reply, 8);
    wire::put8(reply, instance);
    wire::put8(reply, 0x19);
    wire::put_be16(reply, number);
    wire::put_be16(reply, 0x4101);
    std::vector<VregMessage> out;
    session.on_notification(Characteristic::last, reply, now, out);
    CHECK(out.size() == 1);
}

SessionPlan plan(std::vector<RegisterAddress> reads) {
    SessionPlan made;
    made.reads = std::move(reads);
    return made;
}

}  // namespace

TEST_CASE("a session opens, starts the keep-alive, subscribes and then asks") {
    Session session(plan({{3, 0xED8D}, {3, 0x0093}, {0, 0xEC66}}), 0ms);
    CHECK(writes(session, 0ms)
          == std::vector<std::string>{"2:fa80ff", "2:f980", "3:01", "3:0600821893421027030003010303",
                                      "3:05038219ed8d1893"});
    CHECK(!session.finished());
    answer(session, 3, 0xED8D, 100ms);
    CHECK(writes(session, 100ms).empty());
    std::vector<VregMessage> out;
    session.on_notification(Characteristic::last, bytes("0903189301"), 120ms,
                            out);  // refused: an answer, too
    CHECK(writes(session, 120ms) == std::vector<std::string>{"3:05008119ec66"});
    answer(session, 0, 0xEC66, 200ms);
    CHECK(session.finished());
    CHECK(session.unanswered().empty());
}

TEST_CASE("long messages go out in fragments that nothing interrupts") {
    SessionPlan made = plan({{3, 0xED8D}, {3, 0xED8F}, {3, 0xEDBB}, {3, 0xEDBC}, {3, 0xEDBD}, {3, 0xEDDA}});
    made.fragment_size = 20;
    Session session(made, 0ms);
    const auto all = writes(session, 0ms);
    REQUIRE(all.size() == 6);
    CHECK(all[4] == "4:05038619ed8d19ed8f19edbb19edbc19edbd19ed");
    CHECK(all[5] == "3:da");
}

TEST_CASE("what is not answered is asked for once more and then given up") {
    SessionPlan made = plan({{3, 0xED8D}, {3, 0xED8F}, {3, 0xEDBB}});
    made.registers_per_request = 2;
    made.keep_alive = 60s;
    Session session(made, 0ms);
    writes(session, 0ms);
    answer(session, 3, 0xED8D, 500ms);
    CHECK(session.next_due() == 2500ms);
    CHECK(writes(session, 2499ms).empty());
    CHECK(writes(session, 2500ms) == std::vector<std::string>{"3:05038119ed8f"});
    CHECK(writes(session, 4499ms).empty());
    CHECK(writes(session, 4500ms) == std::vector<std::string>{"3:05038119edbb"});
    CHECK(session.unanswered() == std::vector<RegisterAddress>{{3, 0xED8F}});
    answer(session, 3, 0xEDBB, 4600ms);
    CHECK(session.finished());
}

TEST_CASE("unasked values do not put off giving up") {
    SessionPlan made = plan({{3, 0xED8F}});
    made.keep_alive = 60s;
    Session session(made, 0ms);
    writes(session, 0ms);
    for (int i = 1; i < 20; ++i) {
        answer(session, 3, 0xEC5A, i * 100ms);
    }
    CHECK(writes(session, 2000ms).size() == 1);
    CHECK(writes(session, 4000ms).empty());
    CHECK(session.finished());
}

TEST_CASE("the keep-alive is renewed at half its period") {
    Session session(plan({}), 0ms);
    writes(session, 0ms);
    CHECK(session.next_due() == 5s);
    CHECK(writes(session, 4999ms).empty());
    CHECK(writes(session, 5000ms) == std::vector<std::string>{"3:0600821893421027"});
    CHECK(session.next_due() == 10s);
}

TEST_CASE("credits are granted before the product runs out of them") {
    SessionPlan made = plan({});
    made.keep_alive = 60s;
    Session session(made, 0ms);
    writes(session, 0ms);
    std::vector<VregMessage> out;
    unsigned granted = 128;
    for (unsigned i = 1; i <= 1000; ++i) {
        session.on_notification(Characteristic::more, bytes("080319ed8d422f05"), 1ms, out);
        session.on_notification(Characteristic::control, bytes("f901"), 1ms, out);
        for (const auto& write : writes(session, 1ms)) {
            CHECK(write == "2:f941");
            granted += 65;
        }
        REQUIRE(granted > i);
        REQUIRE(granted <= i + 128 + 65);
    }
}

TEST_CASE("a session never writes anything but the keep-alive unless a user asked for it") {
    for (const bool with_history : {false, true}) {
        auto made = plan(charger_registers(3, with_history));
        const auto more = monitor_registers(3);
        made.reads.insert(made.reads.end(), more.begin(), more.end());
        made.fragment_size = 500;
        Session session(made, 0ms);
        for (auto now = 0ms; !session.finished(); now += 100ms) {
            for (const auto& write : writes(session, now)) {
                // A set (06) is the keep-alive or nothing.
                if (write.starts_with("3:06")) {
                    CHECK(write.starts_with("3:0600821893421027"));
                }
            }
        }
    }
}

TEST_CASE("a user's write goes out once and is read back, a forbidden one never") {
    SessionPlan made = plan({});
    made.write = RegisterWrite{{3, vreg::kDeviceMode}, 4};
    Session session(made, 0ms);
    const auto all = writes(session, 0ms);
    REQUIRE(all.size() == 6);
    CHECK(all[4] == "3:0603821902004104");
    CHECK(all[5] == "3:050381190200");

    made.write = RegisterWrite{{3, 0xEDF7}, 4};
    Session forbidden(made, 0ms);
    CHECK(writes(forbidden, 0ms).size() == 4);
    CHECK(forbidden.finished());
}

TEST_CASE("what a poll asks for is in the register table, once") {
    for (const auto& list :
         {charger_registers(3, true), monitor_registers(3), common_registers(0), query_registers(3)}) {
        std::set<RegisterAddress> seen;
        for (const auto& address : list) {
            CHECK(find_register(address.vreg) != nullptr);
            CHECK(seen.insert(address).second);
        }
    }
}
