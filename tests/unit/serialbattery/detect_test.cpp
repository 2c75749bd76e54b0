#include "serialbattery/detect/detector.hpp"
#include "serialbattery/detect/foreign.hpp"
#include "serialbattery/framing/modbus.hpp"
#include "support/catch.hpp"
#include "support/virtual_line.hpp"

using namespace bms;
using Kind = Detected::Kind;

namespace {

std::vector<std::string> simulated() {
    std::vector<std::string> names;
    for (const auto& simulator : sim::simulators()) {
        names.emplace_back(simulator.family);
    }
    return names;
}
wire::Buffer bytes(std::string_view text) {
    return {text.begin(), text.end()};
}

}  // namespace

TEST_CASE("every simulated battery is found as what it is, with an echo too") {
    const auto name = GENERATE(from_range(simulated()));
    const bool echo = GENERATE(false, true);
    test::VirtualLine line;
    line.echo = echo;
    auto& unit = line.add(name);
    Detector detector({});
    line.run(detector);
    const auto found = detector.take_result();
    const auto took = std::chrono::duration_cast<milliseconds>(line.now() - TimePoint{});
    INFO(name << " took " << took.count() << " ms");
    REQUIRE(found.kind == Kind::battery);
    CHECK(found.place.family->name == name);
    CHECK(found.place.address == unit.address());
    CHECK(found.session->battery().cells.size() == unit.pack.size());
    CHECK(took < (echo ? 5500ms : 5s));  // our own bytes that come back make every pause longer
}

TEST_CASE(
    "behind a slow adapter every battery is found, though more answers meet the next probe on the wire") {
    const auto name = GENERATE(from_range(simulated()));
    test::VirtualLine line;
    line.delay = GENERATE(25ms, 45ms, 65ms);
    line.add(name);
    Detector detector({});
    line.run(detector);
    const auto found = detector.take_result();
    const auto took = std::chrono::duration_cast<milliseconds>(line.now() - TimePoint{});
    INFO(name << " with " << line.delay.count() << " ms more took " << took.count() << " ms");
    REQUIRE(found.kind == Kind::battery);
    CHECK(found.place.family->name == name);
    // Three bytes can be lost without a trace, and are heard when all are asked once more.
    CHECK(took < (name == "sinowealth" ? 10s : 5500ms));
}

TEST_CASE("boards as slow as their documents allow are found") {
    struct Slow {
        std::string_view name;
        milliseconds answers;
        milliseconds limit;
    };
    const auto slow =
        GENERATE(Slow{"jbd_up16s", 300ms, 5s}, Slow{"jbd_up16s", 600ms, 5s}, Slow{"eg4_lifepower", 400ms, 6s},
                 Slow{"revov", 400ms, 6s}, Slow{"lifepower4", 400ms, 5s}, Slow{"eg4_ll", 300ms, 5s},
                 Slow{"pace", 300ms, 5s}, Slow{"heltec_yy", 350ms, 6s}, Slow{"renogy", 200ms, 5s},
                 Slow{"pace_modbus", 200ms, 5s}, Slow{"gobel_modbus", 200ms, 5s}, Slow{"hlpdata", 300ms, 5s},
                 Slow{"seplos2", 450ms, 5500ms}, Slow{"daren", 450ms, 5s}, Slow{"daren", 500ms, 5s},
                 Slow{"ks48100", 300ms, 5s}, Slow{"ks48100", 500ms, 5s}, Slow{"ks48100", 1000ms, 5s},
                 Slow{"ks48100", 2000ms, 11s}, Slow{"ks48100", 3000ms, 11s});
    test::VirtualLine line;
    auto& unit = line.add(slow.name);
    line.delay = slow.answers - unit.simulator().latency;
    Detector detector({});
    line.run(detector);
    const auto found = detector.take_result();
    const auto took = std::chrono::duration_cast<milliseconds>(line.now() - TimePoint{});
    INFO(slow.name << " at " << slow.answers.count() << " ms took " << took.count() << " ms");
    REQUIRE(found.kind == Kind::battery);
    CHECK(found.place.family->name == slow.name);
    CHECK(took < slow.limit);
}

TEST_CASE("a frame that answers something else does not hide the answer behind it") {
    const auto stray = GENERATE("ddaa00020000fffe77", "00ff7fdd", "0103020017f84a");
    test::VirtualLine line;
    line.prefix = wire::from_hex(stray).value();
    line.add("jbd");
    Detector detector({});
    line.run(detector);
    INFO(stray);
    CHECK(detector.take_result().kind == Kind::battery);
    CHECK(line.now() - TimePoint{} < 5s);
}

TEST_CASE("a Seplos pack that only knows its own address as a group is found, and packs of a stack") {
    sim::Simulator strict = *sim::find_simulator("seplos2");
    strict.respond = [](Bytes heard, unsigned unit, sim::Pack& pack) -> std::optional<sim::Response> {
        constexpr std::size_t kFrame = 20;
        const std::string group{"0123456789ABCDEF"[unit]};
        const std::string text(heard.begin(),
                               heard.begin() + static_cast<std::ptrdiff_t>(std::min(heard.size(), kFrame)));
        const bool grouped = text.size() == kFrame && text.substr(9, 4) == "E002";
        return grouped && text.substr(13, 2) != "0" + group
                   ? std::nullopt
                   : sim::find_simulator("seplos2")->respond(heard, unit, pack);
    };
    strict.baud = GENERATE(19200u, 9600u);
    const unsigned address = GENERATE(0u, 1u);
    INFO(strict.baud << " address " << address);
    test::VirtualLine line;
    line.add(strict, address);
    Detector detector({});
    line.run(detector);
    const auto found = detector.take_result();
    REQUIRE(found.kind == Kind::battery);
    CHECK(found.place.family->name == "seplos2");
    CHECK(found.place.address == address);
    CHECK(found.session->complete());
}

TEST_CASE("a remembered battery is found within a second") {
    const auto name = GENERATE(from_range(simulated()));
    test::VirtualLine line;
    auto& unit = line.add(name);
    const auto& family = *find_family(name);
    DetectionPlan plan;
    plan.last = Location{&family, static_cast<std::uint8_t>(unit.address()), family.lines.front()};
    Detector detector(std::move(plan));
    line.run(detector);
    const auto took = std::chrono::duration_cast<milliseconds>(line.now() - TimePoint{});
    INFO(name << " took " << took.count() << " ms");
    CHECK(detector.take_result().kind == Kind::battery);
    CHECK(took < 1s);
}

TEST_CASE("an empty port is given up within fifteen seconds") {
    test::VirtualLine line;
    line.echo = GENERATE(false, true);
    Detector detector({});
    line.run(detector);
    CHECK(detector.take_result().kind == Kind::nothing);
    CHECK(line.now() - TimePoint{} < (line.echo ? 14800ms : 13500ms));
}

TEST_CASE(
    "no probe but the JK PB's can write to a foreign device, and that one only at 115200 and last there") {
    test::VirtualLine line;
    Detector detector({});
    line.run(detector);
    bool written = false;
    for (const auto& [at, request] : line.sent()) {
        const bool modbus_write =
            request.size() > 7 && request[0] < 248
            && (request[1] == 5 || request[1] == 6 || request[1] == 15 || request[1] == 16);
        if (at.baud == 115200) {
            CHECK_FALSE(written);
            written = modbus_write;
        } else {
            CHECK_FALSE(modbus_write);
        }
    }
    CHECK(written);
}

TEST_CASE("foreign devices that speak unasked are named and nothing is sent to them at their baud rate") {
    test::VirtualLine line;
    SECTION("VE.Direct") {
        line.chatter(19200, bytes("\r\nPID\t0x203\r\nV\t26201\r\nI\t0\r\nChecksum\t#"), 250ms);
        Detector detector({});
        line.run(detector);
        const auto found = detector.take_result();
        CHECK(found.kind == Kind::foreign);
        CHECK(found.what == "VE.Direct");
    }
    SECTION("GPS") {
        line.chatter(9600, bytes("\r\n$GPGLL,4916.45,N,12311.12,W,225444,A*31\r\n"), 200ms);
        Detector detector({});
        line.run(detector);
        const auto found = detector.take_result();
        CHECK(found.kind == Kind::foreign);
        CHECK(found.what == "NMEA 0183");
        for (const auto& [at, request] : line.sent()) {
            CHECK(at.baud != 9600);
        }
    }
}

TEST_CASE("a bus another master works on is only listened to") {
    test::VirtualLine line;
    auto request = wire::from_hex("dda50300fffd77").value();
    const auto reply =
        wire::from_hex("dd03001d0618000001f201f400002c7c00000000000080640304030b8b0b8a0b84fa8d77").value();
    request.insert(request.end(), reply.begin(), reply.end());
    line.chatter(9600, request, 200ms);
    Detector detector({});
    line.run(detector);
    const auto found = detector.take_result();
    CHECK(found.kind == Kind::occupied);
    CHECK(found.place.family->name == "jbd");
    for (const auto& [at, sent] : line.sent()) {
        CHECK(at.baud != 9600);
    }
}

TEST_CASE("a master at 19200 baud is heard before the battery with even parity is asked") {
    test::VirtualLine line;
    auto question = modbus::request(0, modbus::kReadInput, 0x1000, 17);
    wire::Buffer traffic(question.bytes().begin(), question.bytes().end());
    Packet answer;
    for (const unsigned byte : {0, 4, 34}) {
        answer.push(byte);
    }
    for (unsigned i = 0; i < 34; ++i) {
        answer.push(0);
    }
    modbus::push_crc(answer);
    wire::put(traffic, answer.bytes());
    line.chatter(19200, traffic, 200ms);
    Detector detector({});
    line.run(detector);
    const auto found = detector.take_result();
    CHECK(found.kind == Kind::occupied);
    CHECK(found.place.family->name == "seplos3");
    CHECK(std::ranges::none_of(line.sent(), [](const auto& sent) { return sent.first.baud == 19200; }));
}

TEST_CASE("foreign lines are recognised only by whole lines with their checks") {
    CHECK(recognise_foreign(bytes("x\n:A0102000544\n")) == std::nullopt);
    CHECK(recognise_foreign(bytes("x\n:51641F9\r\n")) == "VE.Direct HEX");
    CHECK(recognise_foreign(bytes("\n$GPGLL,4916.45,N,12311.12,W,225444,A*32\r\n")) == std::nullopt);
    CHECK(recognise_foreign(bytes("\nV\t12800\r\n")) == std::nullopt);
    CHECK(recognise_foreign(bytes("\nV\t12800\r\nI\t-15\r\n")) == "VE.Direct");
    CHECK(recognise_foreign({}) == std::nullopt);
}

TEST_CASE("only the families asked for are tried, at the addresses given") {
    test::VirtualLine line;
    line.add("jk_pb", 7);
    DetectionPlan plan;
    plan.families = {find_family("jk_pb")};
    plan.addresses = {3, 7};
    Detector detector(std::move(plan));
    line.run(detector);
    const auto found = detector.take_result();
    CHECK(found.kind == Kind::battery);
    CHECK(found.place.address == 7);
}
