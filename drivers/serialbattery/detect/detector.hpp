#pragma once
// Finds out which battery is on a port: listens, then asks. Pure: it says what to send, set or wait for next, like
// a Conversation, and is told what came (docs/protocols/detection.md).

#include "serialbattery/conversation.hpp"
#include "serialbattery/detect/plan.hpp"
#include "serialbattery/family.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bms {

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
    /// A probe whose answer may still come while the next ones are sent.
    struct Pending {
        Probe probe;
        Packet bytes;
        TimePoint end;    ///< of its last byte
        TimePoint until;  ///< no answer comes later
    };
    struct Listened {
        Line line;
        bool silent;
    };
    struct Candidate;
    enum class State : std::uint8_t { choose, configure, listen, probe, prove, done };

    [[nodiscard]] std::optional<Step> choose(TimePoint now);
    [[nodiscard]] std::optional<Step> listen(TimePoint now);
    [[nodiscard]] std::optional<Step> probe(TimePoint now);
    [[nodiscard]] std::optional<Step> prove(TimePoint now);
    [[nodiscard]] static bool may_answer_late(const Probe& probe);
    [[nodiscard]] std::unique_ptr<Candidate> candidate_of(const Probe& probe) const;
    void start_probe(TimePoint now);
    void start_proof();
    void reject(TimePoint now);
    void accept();
    void hear(Bytes bytes, TimePoint now);
    void forget_heard();
    [[nodiscard]] Bytes beside_echo() const;
    [[nodiscard]] bool recognise_traffic();
    void weigh_heard(TimePoint now);
    [[nodiscard]] bool take_late(TimePoint now);
    bool promote_likely(Bytes heard);
    void ask_again();
    void ask_next(std::vector<Probe> probes);
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
    Packet sent_;  ///< the last probe: it may come back
    TimePoint sent_end_{};
    wire::Buffer heard_;                   ///< unasked, or beside what was asked
    std::optional<TimePoint> garbled_at_;  ///< since when there is more in it than our own request
    std::size_t asked_again_ = 0;
    milliseconds latency_{100};  ///< of the last answer that came late
    TimePoint drained_{};        ///< until when other late answers may come
    TimePoint until_{};
    TimePoint last_byte_{};
    TimePoint free_{};  ///< when listening or the last probe ended
    unsigned probes_ = 0;
    std::string activity_;
    Detected result_;
};

}  // namespace bms
