#pragma once
// Finds out which battery is on a port: listens, then asks. Pure: it says what to send, set or wait for next, like
// a Conversation, and is told what came (docs/protocols/detection.md).

#include "serialbattery/conversation.hpp"
#include "serialbattery/family.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bms {

/// Where a battery was found, and how it is reached again.
struct Location {
    const Family* family = nullptr;
    std::uint8_t address = 0;
    Line line = {};
};

/// What detection is asked to do.
struct DetectionPlan {
    std::vector<const Family*> families;  ///< empty: all
    std::vector<std::uint8_t> addresses;  ///< for families on a bus; empty: those the family names
    std::optional<Location> last;         ///< found there last time: tried first
    Options options = {};
};

/// How it ended.
struct Detected {
    enum class Kind : std::uint8_t {
        nothing,   ///< nobody answered
        battery,   ///< `place` and `session`
        foreign,   ///< `what` is on this port, and it is no battery
        occupied,  ///< another master asks batteries of `place.family` here: listen, never transmit
    };
    Kind kind = Kind::nothing;
    Location place = {};
    std::unique_ptr<Session> session;  ///< has been read already
    std::string what;
};

class Detector {
  public:
    explicit Detector(DetectionPlan plan);
    ~Detector();
    Detector(const Detector&) = delete;
    Detector& operator=(const Detector&) = delete;

    /// What to do at `now`; `finished` once result() holds.
    [[nodiscard]] Step next(TimePoint now);
    void received(Bytes bytes, TimePoint now);

    /// The outcome; the session moves to the caller.
    [[nodiscard]] Detected take_result() { return std::move(result_); }
    /// What is being tried, for the log: "listening at 9600", "LLT/JBD at 9600".
    [[nodiscard]] std::string_view activity() const { return activity_; }
    [[nodiscard]] unsigned probes_sent() const { return probes_; }

  private:
    /// How long the answer to a probe is waited for.
    enum class Patience : std::uint8_t {
        remembered,  ///< found there last time: the whole window, twice
        late,        ///< had answered after it was given up: likewise
        brief,       ///< the next probe follows soon; an answer that comes later is still heard
        patient,     ///< the next one follows when all but the slowest have answered
    };
    struct Probe {
        const Family* family;
        std::uint8_t address;
        Line line;
        Patience patience;
    };
    /// A probe whose answer may still come while the next ones are sent.
    struct Pending {
        Probe probe;
        Packet bytes;
        TimePoint until;  ///< no answer comes later
    };
    struct Listened {
        Line line;
        bool silent;
    };
    struct Candidate;
    enum class State : std::uint8_t { choose, configure, listen, probe, prove, done };

    void plan_probes(const DetectionPlan& plan);
    void add_probes(const Family& family, const Line& line, const std::vector<std::uint8_t>& addresses);
    [[nodiscard]] std::optional<Step> choose(TimePoint now);
    [[nodiscard]] std::optional<Step> listen(TimePoint now);
    [[nodiscard]] std::optional<Step> probe(TimePoint now);
    [[nodiscard]] std::optional<Step> prove(TimePoint now);
    void start_probe(TimePoint now);
    void reject(TimePoint now);
    void accept();
    void hear(Bytes bytes);
    [[nodiscard]] bool recognise_traffic();
    void promote_heard();
    [[nodiscard]] bool promote_late();
    [[nodiscard]] TimePoint late_until() const;
    void finish(Detected::Kind kind);
    [[nodiscard]] bool listened(const Line& line) const;

    Options options_;
    std::vector<Probe> queue_;
    std::size_t at_ = 0;
    std::optional<Line> line_;
    std::vector<Listened> listened_;
    std::vector<Pending> pending_;  ///< on the line that is set now
    State state_ = State::choose;
    std::unique_ptr<Candidate> candidate_;
    wire::Buffer heard_;  ///< unasked, or beside what was asked
    TimePoint until_{};
    TimePoint last_byte_{};
    TimePoint free_{};  ///< when listening or the last probe ended
    unsigned probes_ = 0;
    std::string activity_;
    Detected result_;
};

}  // namespace bms
