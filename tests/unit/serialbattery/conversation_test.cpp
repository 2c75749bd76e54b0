#include "serialbattery/conversation.hpp"

#include "support/catch.hpp"
#include "support/modbus_frame.hpp"
#include "support/scripted_device.hpp"

using namespace bms;

namespace {

const char* const kInfo = "dd03001d0618000001f201f400002c7c00000000000080640304030b8b0b8a0b84fa8d77";
const char* const kCellVoltages = "dd0400080f450f3d0f370f3dfec677";
const char* const kModelName = "dd0500194a42442d53503034533033342d4c34532d323030412d422d55fa0877";
const char* const kAskInfo = "dda50300fffd77";
const char* const kAskCells = "dda50400fffc77";
const char* const kAskModel = "dda50500fffb77";

test::ScriptedDevice healthy() {
    test::ScriptedDevice device(*find_family("jbd"));
    device.answer(kAskModel, kModelName).answer(kAskInfo, kInfo).answer(kAskCells, kCellVoltages);
    return device;
}

/// Reads the registers 1 and 2 of a Modbus unit, whose answers look alike.
class TwoWords : public Session {
  public:
    void cycle(unsigned, Queries& out) override {
        for (const auto* request : {"010300010001", "010300020001"}) {
            const auto bytes = wire::from_hex(test::modbus_frame(request)).value();
            out.push_back({.bytes = Packet(bytes), .tag = bytes[3]});
        }
    }
    Taken take(const Query& query, Bytes frame, Queries&) override {
        words[query.tag - 1] = wire::be16(frame, 3);
        return Taken::done;
    }
    [[nodiscard]] Proof proof() const override { return Proof::pending; }
    std::array<unsigned, 2> words{};
};

}  // namespace

TEST_CASE("a healthy battery is read in one cycle, in any chunking") {
    const auto chunk = GENERATE(1u, 7u, 4096u);
    auto device = healthy();
    device.deliver_in_chunks_of(chunk);
    CHECK(device.poll());
    CHECK(device.session().proof() == Proof::proven);
    CHECK(device.session().battery().voltage_v == 15.6);
    CHECK(device.session().battery().model == "JBD-SP04S034-L4S-200A-B-U");
    CHECK(device.unasked().empty());
}

TEST_CASE("the echo of a half-duplex adapter is no answer") {
    auto device = healthy();
    device.echo(true);
    CHECK(device.poll());
    CHECK(device.talk().traffic().echoes == 3);
}

TEST_CASE("noise and a false header in front of an answer cost nothing") {
    auto device = healthy();
    device.prefix("00ffdd13dddd");
    const auto before = device.now();
    CHECK(device.poll());
    CHECK(device.now() - before < 500ms);
    CHECK(device.talk().traffic().noise == 3 * 6);
}

TEST_CASE("a late answer to the query before is not taken for this one's") {
    auto device = healthy();
    device.prefix(kModelName);
    CHECK(device.poll());
    CHECK(device.talk().traffic().foreign == 2);
    CHECK(device.session().battery().cells.size() == 4);
}

TEST_CASE("a damaged answer is asked for again") {
    auto device = healthy();
    device.damage_next(1);
    CHECK(device.poll());
    CHECK(device.talk().traffic().timeouts == 1);
}

TEST_CASE("silence ends the cycle after the family's tries, without values") {
    test::ScriptedDevice device(*find_family("jbd"));
    CHECK_FALSE(device.poll());
    CHECK_FALSE(device.session().battery().voltage_v);
    // The model is optional and tried once, the basic information three times; then the cycle is over.
    CHECK(device.talk().traffic().sent == 4);
    CHECK(device.talk().traffic().timeouts == 4);
    CHECK(device.now() - TimePoint{} < 4 * 600ms);
}

TEST_CASE("values disappear when their query stays without an answer") {
    auto device = healthy();
    CHECK(device.poll());
    device.mute(kAskInfo);
    CHECK_FALSE(device.poll());
    CHECK_FALSE(device.session().battery().voltage_v);
    CHECK_FALSE(device.session().battery().charge_fet);
}

TEST_CASE("endless babble does not hold the line") {
    test::ScriptedDevice device(*find_family("jbd"));
    device.babble("dd0300ff");
    CHECK_FALSE(device.poll());
    CHECK(device.now() - TimePoint{} < 4 * 2500ms);
}

TEST_CASE("a late answer and the answer to the second try are not taken for answers to two questions") {
    const auto& family = *find_family("heltec_yy");
    TwoWords session;
    Conversation talk(family, session, family.lines.front());
    const auto answer = [](const char* hex) { return wire::from_hex(test::modbus_frame(hex)).value(); };
    std::vector<std::pair<TimePoint, wire::Buffer>> under_way;
    TimePoint now{};
    talk.start_cycle();
    for (Step step = talk.next(now); step.kind != Step::Kind::finished; step = talk.next(now)) {
        REQUIRE(now < TimePoint{} + 10s);
        if (step.kind == Step::Kind::send) {
            std::erase_if(under_way, [now](const auto& one) { return one.first <= now; });
            // The first request is answered when it has just been given up, all others soon.
            const bool first = now == TimePoint{};
            under_way.emplace_back(now + (first ? family.timing.reply + 50ms : 60ms),
                                   answer(step.bytes[3] == 1 ? "0103021111" : "0103022222"));
            continue;
        }
        now += 1ms;
        for (auto one = under_way.begin(); one != under_way.end() && step.kind == Step::Kind::receive;) {
            if (one->first > now) {
                ++one;
                continue;
            }
            const auto bytes = one->second;
            one = under_way.erase(one);
            talk.received(bytes, now);
            break;
        }
    }
    CHECK(talk.succeeded());
    CHECK(session.words[0] == 0x1111);
    CHECK(session.words[1] == 0x2222);
}
