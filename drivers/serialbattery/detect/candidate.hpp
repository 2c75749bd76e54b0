#pragma once
// What detector.cpp and hearing.cpp share.

#include "serialbattery/conversation.hpp"
#include "serialbattery/detect/detector.hpp"

#include <memory>
#include <optional>
#include <string>

namespace bms {

inline constexpr auto kListen = 250ms;    ///< after kSettle: silence for so long, and no master is at work
inline constexpr auto kQuiet = 50ms;      ///< after the last byte of somebody, before the next probe
inline constexpr auto kAnswered = 600ms;  ///< by then almost every board has: the few others are asked twice
inline constexpr auto kAgain = 100ms;     ///< an answer asked for again may take so much longer than before

/// A family at an address that has been asked, or is being proven.
struct Detector::Candidate {
    Probe probe;
    std::unique_ptr<Session> session;  ///< null for what is recognised but is no battery
    std::unique_ptr<Session> ear;      ///< stands in for the missing session
    std::unique_ptr<Conversation> talk;
    Query query;
    unsigned cycles = 0;
    bool confirming = false;
    bool answered_twice = false;          ///< the probe's request, in the probe and in a cycle
    std::optional<unsigned> repeated_at;  ///< answers there were when a cycle sent it
    /// Sees what the conversation does next.
    void watch(const Step& step);
};

/// "19200 8E1"
[[nodiscard]] std::string name_of(const Line& line);

/// The answer to `asked` among the bytes; nothing when there is none.
[[nodiscard]] std::optional<Bytes> answer_in(Bytes bytes, const Family& family, Bytes asked);

}  // namespace bms
