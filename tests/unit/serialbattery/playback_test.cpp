// A recording as the far end of a line.

#include "serialbattery/driver/playback.hpp"

#include "serialbattery/driver/search.hpp"
#include "support/catch.hpp"

#include <string>

using namespace bms;

namespace {

const TimePoint kStart{std::chrono::hours(1)};

class Played {
  public:
    explicit Played(const std::string& lines, unsigned port = 1) {
        auto parsed = transport::parse_recording(std::string(transport::kRecordingHead) + lines);
        REQUIRE(parsed);
        playback_.emplace(std::make_shared<const transport::Recording>(std::move(*parsed)), port, kStart);
    }
    Played& line(std::uint32_t baud) {
        playback_->set_line({baud, false});
        return *this;
    }
    Played& ask(std::string_view hex, milliseconds at = 0ms) {
        playback_->sent(wire::from_hex(hex).value(), kStart + at);
        return *this;
    }
    /// "after milliseconds: bytes"; empty when nothing comes.
    std::string hear() {
        const auto when = playback_->next();
        if (!when) {
            return "";
        }
        const auto after = std::chrono::duration_cast<milliseconds>(*when - kStart);
        return std::to_string(after.count()) + ": " + wire::to_hex(playback_->take());
    }
    [[nodiscard]] bool ended() const { return playback_->ended(); }

  private:
    std::optional<Playback> playback_;
};

const std::string kTwoPolls =
    "0.000000 1 open a\n0.000000 1 line 9600 none\n"
    "1.000000 1 sent 01\n1.050000 1 received a1\n1.060000 1 received a2\n"
    "2.000000 1 sent 02\n2.010000 1 received b1\n"
    "3.000000 1 sent 01\n3.020000 1 received a3\n";

}  // namespace

TEST_CASE("requests get their answers with the delays they had") {
    Played played(kTwoPolls);
    CHECK(played.hear().empty());
    CHECK(played.ask("01", 200ms).hear() == "250: a1");
    CHECK(played.hear() == "260: a2");
    CHECK(played.hear().empty());
    CHECK(played.ask("02", 300ms).hear() == "310: b1");
    CHECK_FALSE(played.ended());
    CHECK(played.ask("01", 400ms).hear() == "420: a3");
    CHECK(played.ended());
}

TEST_CASE("an answer that was not waited for does not come later") {
    Played played(kTwoPolls);
    CHECK(played.ask("01").ask("02", 10ms).hear() == "20: b1");
}

TEST_CASE("a request that the recording does not have gets no answer and moves nothing") {
    Played played(kTwoPolls);
    CHECK(played.ask("77").hear().empty());
    CHECK(played.ask("01").hear() == "50: a1");
}

TEST_CASE("a request that stands only before is answered from there") {
    Played played(kTwoPolls);
    played.ask("01").hear();
    CHECK(played.ask("02", 100ms).hear() == "110: b1");
    CHECK(played.ask("02", 200ms).hear() == "210: b1");
    CHECK(played.ask("01", 300ms).hear() == "320: a3");
}

TEST_CASE("a request that stands far ahead does not skip what is before it") {
    std::string lines = "0.000000 1 open a\n";
    for (int i = 0; i < 100; ++i) {
        lines += "1.000000 1 sent 01\n1.000000 1 received a1\n";
    }
    Played played(lines + "2.000000 1 sent 02\n2.000000 1 received b1\n");
    CHECK(played.ask("02").hear() == "0: b1");
    for (int i = 0; i < 100; ++i) {
        CHECK(played.ask("01").hear() == "0: a1");
    }
    CHECK_FALSE(played.ended());
    played.ask("02").hear();
    CHECK(played.ended());
}

TEST_CASE("the same request at another baud rate is another one") {
    Played played(
        "0.000000 1 open a\n0.000000 1 line 9600 none\n1.000000 1 sent 01\n"
        "2.000000 1 line 115200 none\n3.000000 1 sent 01\n3.100000 1 received aa\n");
    CHECK(played.line(115200).ask("01").hear() == "100: aa");
    Played other(
        "0.000000 1 open a\n0.000000 1 line 9600 none\n1.000000 1 sent 01\n1.100000 1 received bb\n");
    CHECK(other.line(19200).ask("01").hear().empty());
}

TEST_CASE("what came unasked comes at its time, once the line is set as it was") {
    Played played(
        "5.000000 1 open a\n5.000000 1 line 9600 none\n5.100000 1 line 19200 none\n"
        "5.200000 1 received 0d0a\n");
    CHECK(played.hear().empty());
    CHECK(played.line(19200).hear() == "200: 0d0a");
    CHECK(played.ended());
}

TEST_CASE("each port has its own part of a recording") {
    const std::string lines =
        "0.000000 1 open a\n0.000000 2 open b\n1.000000 1 sent 01\n1.000000 2 sent 01\n"
        "1.010000 2 received b1\n1.020000 1 received a1\n";
    CHECK(Played(lines, 1).ask("01").hear() == "20: a1");
    CHECK(Played(lines, 2).ask("01").hear() == "10: b1");
}

TEST_CASE("a driver that asks what was never recorded comes to an end") {
    Played played(kTwoPolls);
    for (int i = 0; i < 10'000 && !played.ended(); ++i) {
        played.ask("77");
    }
    CHECK(played.ended());
}

TEST_CASE("BMS_TYPE of a Python driver's file means the same here") {
    // Every class name that its configuration could hold; MNB hangs on no serial port.
    for (const auto* type :
         {"ANT",          "Daly",         "Daren485", "Ecs",      "EG4_Lifepower", "EG4_LL",    "Felicity",
          "HeltecModbus", "HLPdataBMS4S", "Jkbms",    "Jkbms_pb", "KS48100",       "Lifepower", "LltJbd",
          "LltJbd_Up16s", "Pace",         "Renogy",   "Seplos",   "Seplosv3",      "Sinowealth"}) {
        CAPTURE(type);
        CHECK_FALSE(families_called(type).empty());
    }
    REQUIRE(families_called("Jkbms_pb").size() == 1);
    CHECK(families_called("Jkbms_pb").front()->name == "jk_pb");
    CHECK(families_called("LltJbd").front()->name == "jbd");
    CHECK(families_called("ANT").size() == 2);
    CHECK(families_called("MNB").empty());
    CHECK(families_called("").empty());
}
