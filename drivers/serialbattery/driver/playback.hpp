#pragma once
// What a recorded port answers to a driver that asks again. Pure: told what was sent and when, it says what comes
// next and when.
//
// A request finds the nearest same request of the recording, on the same line settings, and gets what came behind it
// with the delays it had. One that stands far ahead (asked rarely) or only before (asked again) is answered from
// there without leaving the place where the recording is. One that is nowhere gets no answer.

#include "serialbattery/conversation.hpp"
#include "transport/serial/recording.hpp"

#include <memory>
#include <optional>
#include <vector>

namespace bms {

class Playback {
  public:
    /// `port` is its number in the recording, `now` the time that its first event has now.
    Playback(std::shared_ptr<const transport::Recording> recording, unsigned port, TimePoint now);

    void set_line(const transport::RecordedLine& line) { line_ = line; }
    void sent(Bytes bytes, TimePoint now);
    /// When the next bytes come; nothing when none do before something else is sent or set.
    [[nodiscard]] std::optional<TimePoint> next();
    /// Those bytes. Only while next() holds.
    [[nodiscard]] Bytes take();
    /// All of the recording has been used, or it has long been left without a way back.
    [[nodiscard]] bool ended() const { return at_ >= events_.size() || astray_ > kMostAstray; }

  private:
    static constexpr std::size_t kMostAstray = 500;  ///< a whole detection asks less
    struct Entry {
        const transport::RecordedEvent* event;
        transport::RecordedLine line;  ///< in force
    };
    /// Where bytes are taken from, and how recorded times become ours.
    struct Reading {
        std::size_t at = 0;
        TimePoint ours{};
        std::chrono::microseconds recorded{};
    };
    [[nodiscard]] bool same(const Entry& entry, Bytes bytes) const;
    [[nodiscard]] std::optional<std::size_t> ahead(Bytes bytes) const;
    [[nodiscard]] std::optional<std::size_t> elsewhere(Bytes bytes) const;
    void pass_lines();

    std::shared_ptr<const transport::Recording> recording_;
    std::vector<Entry> events_;  ///< of this port: line, sent, received
    transport::RecordedLine line_;
    std::size_t at_ = 0;  ///< what has been used of the recording
    Reading reading_;
    bool detour_ = false;     ///< reading from elsewhere than at_
    std::size_t astray_ = 0;  ///< requests since the last that was found ahead
};

}  // namespace bms
