#include "transport/serial/recording.hpp"

#include "support/catch.hpp"
#include "transport/serial/recorder.hpp"

#include <unistd.h>

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
    const auto path =
        std::filesystem::temp_directory_path() / ("recorder-test-" + std::to_string(::getpid()));
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
    std::ifstream file(path);
    const auto parsed = parse_recording(std::string{std::istreambuf_iterator<char>{file}, {}});
    std::filesystem::remove(path);
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
