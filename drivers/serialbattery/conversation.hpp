#pragma once
// Carries the queries of a session over a line: sends, collects the answer, drops noise, echoes and answers to
// something else, tries again, keeps the pauses a device needs. No I/O and no clock inside: the caller does
// what next() says and reports what came, with the time as an argument.

#include "serialbattery/family.hpp"
#include "wire/bytes.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace bms {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;

/// What the caller has to do now.
struct Step {
    enum class Kind : std::uint8_t {
        send,       ///< discard what waits in the input, then write `bytes`
        receive,    ///< read until something comes or `until` has passed
        pause,      ///< nothing to do before `until`; what comes meanwhile is discarded
        configure,  ///< set the port to `line`, discard the input
        finished,
    };
    Kind kind = Kind::finished;
    Bytes bytes = {};
    TimePoint until = {};
    Line line = {};
    /// Of receive: when the whole answer ought to be there. Who looks earlier gets it in pieces, all the same.
    TimePoint look = {};
};

/// Counters since the start, for the user and for the recording.
struct Traffic {
    std::uint32_t sent = 0;  ///< requests
    std::uint32_t answered = 0;
    std::uint32_t timeouts = 0;  ///< requests without an answer, each try
    std::uint32_t noise = 0;     ///< bytes that belonged to no frame
    std::uint32_t foreign = 0;   ///< good frames that answered something else
    std::uint32_t echoes = 0;
};

/// One session on one line.
class Conversation {
  public:
    Conversation(const Family& family, Session& session, Line line)
        : family_(family), session_(session), line_(line) {}

    /// Begins the next poll cycle.
    void start_cycle();
    /// Begins carrying out a control; false when the session has no such control or the value is out of range.
    [[nodiscard]] bool start_control(const Command& command);
    /// Begins sending one query, as detection does.
    void start_query(const Query& query);

    /// What to do at `now`. After `finished`, succeeded() tells how it went.
    [[nodiscard]] Step next(TimePoint now);
    /// Bytes that came while next() said receive.
    void received(Bytes bytes, TimePoint now);

    /// Whether every required query of what was started last has been answered.
    [[nodiscard]] bool succeeded() const { return !failed_; }
    /// Whether the device answered at all since the start.
    [[nodiscard]] bool heard() const { return heard_; }
    /// Whether it said that it will not answer a required query.
    [[nodiscard]] bool refused() const { return refused_; }
    [[nodiscard]] const Traffic& traffic() const { return traffic_; }
    /// Everything received for the query that is open or was closed last: for other families to look at.
    [[nodiscard]] Bytes last_input() const { return input_; }
    [[nodiscard]] unsigned cycles() const { return poll_; }

  private:
    enum class State : std::uint8_t { idle, ready, waiting };

    void begin();
    void close_query(bool answered, TimePoint now);
    void scan(TimePoint now);
    void await_other_answer(Bytes answer);
    [[nodiscard]] bool give_up_partial();
    [[nodiscard]] milliseconds reply_limit() const;
    [[nodiscard]] milliseconds& usual_wait();
    void learn_wait(TimePoint now);
    [[nodiscard]] const Query& current() const { return queries_[at_]; }

    const Family& family_;
    Session& session_;
    Line line_;

    Queries queries_;
    Queries follow_;
    std::size_t at_ = 0;
    unsigned tries_left_ = 0;
    bool asked_again_ = false;
    State state_ = State::idle;
    bool failed_ = false;
    bool heard_ = false;
    bool refused_ = false;
    bool partly_answered_ = false;
    unsigned poll_ = 0;

    wire::Buffer input_;
    std::size_t scanned_ = 0;
    std::size_t waiting_ = static_cast<std::size_t>(-1);  ///< offset of a partial frame
    TimePoint deadline_{};
    TimePoint last_deadline_{};
    TimePoint answer_due_{};  ///< by then an answer to what was sent last has begun
    TimePoint not_before_{};
    TimePoint sent_{};
    TimePoint look_{};
    bool looked_ = false;  ///< since the request, and there was something
    std::vector<std::pair<std::uint16_t, milliseconds>>
        waits_;  ///< by a query's tag, until its answer was complete
    Traffic traffic_;
};

}  // namespace bms
