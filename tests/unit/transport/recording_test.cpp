#include "transport/serial/recording.hpp"

#include "support/catch.hpp"
#include "support/temporary_folder.hpp"
#include "transport/serial/recorder.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

using namespace transport;
using Kind = RecordedEvent::Kind;
using std::chrono::microseconds;

namespace {

constexpr std::string_view kExample =
    "serial recording 1\n"
    "0.000000 1 open /dev/ttyUSB0\n"
    "0.000071 1 line 9600 none\n"
    "0.252310 1 sent dda50300fffd77\n"
    "0.300000 2 open /dev/my adapter\n"
    "0.300001 2 line 115200 even\n"
    "0.301442 1 received dd0300\n"
    "0.301442 1 received 1a\n"
    "12.000000 1 close\n";

/// Where and why a text is refused: "3: no baud rate"; empty when it is not.
std::string refusal(const std::string& lines) {
    const auto parsed = parse_recording(std::string(kRecordingHead) + lines);
    return parsed ? "" : std::to_string(parsed.error().line) + ": " + std::string(parsed.error().what);
}

wire::Expected<Recording, RecordingFault> parsed_file(const std::filesystem::path& path) {
    std::ifstream file(path);
    return parse_recording(std::string{std::istreambuf_iterator<char>{file}, {}});
}

}  // namespace

TEST_CASE("a recording is read and written again as it is") {
    const auto parsed = parse_recording(kExample);
    REQUIRE(parsed);
    CHECK(parsed->ports == std::vector<std::string>{"/dev/ttyUSB0", "/dev/my adapter"});
    REQUIRE(parsed->events.size() == 8);
    CHECK(parsed->events[1].line == RecordedLine{9600, false});
    CHECK(parsed->events[4].line == RecordedLine{115200, true});
    CHECK(parsed->events[2].kind == Kind::sent);
    CHECK(parsed->events[2].at == microseconds(252310));
    CHECK(wire::to_hex(parsed->bytes_of(parsed->events[2])) == "dda50300fffd77");
    CHECK(wire::to_hex(parsed->bytes_of(parsed->events[6])) == "1a");
    CHECK(parsed->events[7].kind == Kind::close);
    CHECK(to_text(*parsed) == kExample);
}

TEST_CASE("a last line without an end is dropped") {
    const auto parsed = parse_recording(std::string(kExample) + "13.000000 1 rec");
    REQUIRE(parsed);
    CHECK(to_text(*parsed) == kExample);
}

TEST_CASE("what is no recording is refused with the line") {
    CHECK(parse_recording("").error().line == 1);
    CHECK(parse_recording("serial recording 2\n").error().what
          == "this is no recording, or one of another version");
    const std::string open = "0.000000 1 open a\n";
    CHECK(refusal("").empty());
    CHECK(refusal(open + "\n") == "3: no time of a recording");
    CHECK(refusal(open + "-1.000000 1 close\n") == "3: no time of a recording");
    CHECK(refusal(open + "1.5 1 close\n") == "3: no time of a recording");
    CHECK(refusal(open + "99999999.000000 1 close\n") == "3: no time of a recording");
    CHECK(refusal("1.000000 1 open a\n0.999999 1 close\n") == "3: time runs backwards");
    CHECK(refusal(open + "1.000000 1 explode\n") == "3: nothing that happens to a port");
    CHECK(refusal("0.000000 1 sent 00\n") == "2: a port that was never opened");
    CHECK(refusal(open + "0.000000 2 sent 00\n") == "3: a port that was never opened");
    CHECK(refusal("0.000000 2 open a\n") == "2: no number of a port");
    CHECK(refusal("0.000000 0 open a\n") == "2: no number of a port");
    CHECK(refusal("0.000000 1 open \n") == "2: no name of a port");
    CHECK(refusal(open + "0.000000 1 open b\n") == "3: a port with another name than before");
    CHECK(refusal(open + "0.000000 1 line 0 none\n") == "3: no baud rate");
    CHECK(refusal(open + "0.000000 1 line 9600 odd\n") == "3: no parity");
    CHECK(refusal(open + "0.000000 1 sent \n") == "3: no bytes");
    CHECK(refusal(open + "0.000000 1 sent 0g\n") == "3: no bytes");
    CHECK(refusal(open + "0.000000 1 sent 012\n") == "3: no bytes");
    CHECK(refusal(open + "0.000000 1 received " + std::string(2 * recording_limits::kBytesAtOnce, '0') + "\n")
              .empty());
    CHECK(refusal(open + "0.000000 1 received " + std::string(2 * recording_limits::kBytesAtOnce + 2, '0')
                  + "\n")
          == "3: no bytes");
    CHECK(refusal(open + "0.000000 1 close now\n") == "3: more than a line can hold");
}

TEST_CASE("many bytes at once become several events") {
    const wire::Buffer many(recording_limits::kBytesAtOnce + 1, 0x5a);
    const auto text = recorded_bytes(microseconds(1), 1, false, many);
    const auto parsed = parse_recording(std::string(kRecordingHead) + "0.000000 1 open a\n" + text);
    REQUIRE(parsed);
    CHECK(parsed->events.size() == 3);
    CHECK(parsed->bytes == many);
}

TEST_CASE("a recorder writes what its ports do, numbered in the order they open") {
    const test::TemporaryFolder folder;
    const auto path = folder.path / "recording";
    std::string stopped;
    {
        Recorder recorder(path.string(), [&](const std::string& why) { stopped = why; });
        const auto first = recorder.opened("/dev/a");
        recorder.line(first, {19200, true});
        const auto second = recorder.opened("/dev/b");
        recorder.sent(first, wire::Buffer{1, 2});
        recorder.received(second, wire::Buffer{3});
        recorder.closed(first);
        CHECK(recorder.opened("/dev/a") == first);
    }
    const auto parsed = parsed_file(path);
    REQUIRE(parsed);
    CHECK(stopped.empty());
    CHECK(parsed->ports == std::vector<std::string>{"/dev/a", "/dev/b"});
    REQUIRE(parsed->events.size() == 7);
    CHECK(parsed->events[1].line == RecordedLine{19200, true});
    CHECK(parsed->events[3].kind == Kind::sent);
    CHECK(wire::to_hex(parsed->bytes_of(parsed->events[3])) == "0102");
    CHECK(parsed->events[4].port == 2);
    CHECK(parsed->events[4].kind == Kind::received);
    CHECK(parsed->events[5].kind == Kind::close);
}

TEST_CASE("a recorder says when it cannot write") {
    CHECK_THROWS(Recorder("/nonexistent/file", [](const auto&) {}));
    std::string stopped;
    Recorder full("/dev/full", [&](const std::string& why) { stopped = why; });
    CHECK(stopped.find("/dev/full: ") == 0);
    stopped.clear();
    CHECK(full.opened("a") == 1);
    CHECK(stopped.empty());  // said once
}

TEST_CASE("a recorder that is begun later knows the ports that are open, and is for its owner only") {
    const test::TemporaryFolder folder;
    const auto path = folder.path / "recording";
    std::ofstream(path) << "of somebody else";
    Recorder recorder([](const auto& why) { FAIL(why); });
    const auto first = recorder.opened("/dev/a");
    const auto second = recorder.opened("/dev/b");
    recorder.line(first, {9600, false});
    recorder.line(second, {19200, true});
    recorder.closed(first);
    CHECK_FALSE(recorder.recording());
    recorder.begin(path, {});
    CHECK(recorder.recording());
    recorder.sent(second, wire::Buffer{1});
    recorder.end();
    CHECK_FALSE(recorder.recording());
    recorder.sent(second, wire::Buffer{2});
    const auto parsed = parsed_file(path);
    REQUIRE(parsed);
    CHECK(parsed->ports == std::vector<std::string>{"/dev/a", "/dev/b"});
    REQUIRE(parsed->events.size() == 5);
    CHECK(parsed->events[1].kind == Kind::close);
    CHECK(parsed->events[3].line == RecordedLine{19200, true});
    CHECK(parsed->events[4].port == second);
    const auto allowed = std::filesystem::status(path).permissions();
    CHECK(allowed == (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
}

TEST_CASE("full files are put aside, each whole in itself, and not more of them than are wanted") {
    const test::TemporaryFolder folder;
    const auto path = folder.path / "recording";
    constexpr std::size_t kMost = 400;
    const auto newest = [&path](std::size_t age) {
        return age == 0 ? path : std::filesystem::path(path.string() + "." + std::to_string(age));
    };
    Recorder recorder([](const auto& why) { FAIL(why); });
    recorder.begin(path, {.file_bytes = kMost, .older_files = 2});
    const auto port = recorder.opened("/dev/a");
    recorder.line(port, {9600, false});
    for (std::uint8_t i = 0; i < 100; ++i) {
        recorder.sent(port, wire::Buffer(8, i));
    }
    std::uint8_t last = 99;
    for (std::size_t age = 0; age <= 2; ++age) {
        INFO(age);
        CHECK(std::filesystem::file_size(newest(age)) <= kMost);
        const auto parsed = parsed_file(newest(age));
        REQUIRE(parsed);
        CHECK(parsed->events[1].line == RecordedLine{9600, false});
        REQUIRE(parsed->events.size() > 3);
        for (std::size_t i = parsed->events.size() - 1; i >= 2; --i) {
            CHECK(parsed->bytes_of(parsed->events[i])[0] == last--);
        }
    }
    CHECK_FALSE(std::filesystem::exists(newest(3)));
    // Another start keeps what was there, too.
    recorder.begin(path, {.file_bytes = kMost, .older_files = 2});
    CHECK(parsed_file(path)->events.size() == 2);
    CHECK(parsed_file(newest(1))->events.size() > 3);
    SECTION("none") {
        Recorder alone([](const auto& why) { FAIL(why); });
        const auto other = folder.path / "other";
        alone.begin(other, {.file_bytes = kMost, .older_files = 0});
        const auto number = alone.opened("/dev/a");
        for (std::uint8_t i = 0; i < 100; ++i) {
            alone.sent(number, wire::Buffer(8, i));
        }
        CHECK(parsed_file(other));
        CHECK_FALSE(std::filesystem::exists(other.string() + ".1"));
    }
}
