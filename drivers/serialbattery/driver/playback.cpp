#include "serialbattery/driver/playback.hpp"

#include <algorithm>

namespace bms {
namespace {

using Kind = transport::RecordedEvent::Kind;

/// Requests that may be passed over: what another order of asking, or a detection that knew more, can account for.
constexpr std::size_t kMostPassed = 32;

}  // namespace

Playback::Playback(std::shared_ptr<const transport::Recording> recording, unsigned port, TimePoint now)
    : recording_(std::move(recording)) {
    transport::RecordedLine line;
    for (const auto& event : recording_->events) {
        if (event.port != port) {
            continue;
        }
        if (events_.empty()) {
            reading_ = {0, now, event.at};
        }
        line = event.kind == Kind::line ? event.line : line;
        if (event.kind == Kind::line || event.kind == Kind::sent || event.kind == Kind::received) {
            events_.push_back({&event, line});
        }
    }
}

bool Playback::same(const Entry& entry, Bytes bytes) const {
    return entry.event->kind == Kind::sent && entry.line == line_
           && std::ranges::equal(recording_->bytes_of(*entry.event), bytes);
}

std::optional<std::size_t> Playback::ahead(Bytes bytes) const {
    std::size_t passed = 0;
    for (std::size_t i = at_; i < events_.size() && passed <= kMostPassed; ++i) {
        if (same(events_[i], bytes)) {
            return i;
        }
        passed += events_[i].event->kind == Kind::sent ? 1 : 0;
    }
    return std::nullopt;
}

std::optional<std::size_t> Playback::elsewhere(Bytes bytes) const {
    for (std::size_t i = std::min(at_, events_.size()); i-- > 0;) {
        if (same(events_[i], bytes)) {
            return i;
        }
    }
    for (std::size_t i = at_; i < events_.size(); ++i) {
        if (same(events_[i], bytes)) {
            return i;
        }
    }
    return std::nullopt;
}

void Playback::sent(Bytes bytes, TimePoint now) {
    if (const auto found = ahead(bytes)) {
        at_ = *found + 1;
        reading_ = {at_, now, events_[*found].event->at};
        detour_ = false;
        astray_ = 0;
        return;
    }
    detour_ = true;
    ++astray_;
    const auto found = elsewhere(bytes);
    reading_ = found ? Reading{*found + 1, now, events_[*found].event->at} : Reading{events_.size(), now, {}};
}

/// Changes of the line that have been made here too are behind us.
void Playback::pass_lines() {
    while (!detour_ && at_ < events_.size() && events_[at_].event->kind == Kind::line
           && events_[at_].line == line_) {
        ++at_;
        reading_.at = at_;
    }
}

std::optional<TimePoint> Playback::next() {
    pass_lines();
    if (reading_.at >= events_.size() || events_[reading_.at].event->kind != Kind::received) {
        return std::nullopt;
    }
    return reading_.ours + (events_[reading_.at].event->at - reading_.recorded);
}

Bytes Playback::take() {
    const auto& event = *events_[reading_.at].event;
    ++reading_.at;
    if (!detour_) {
        at_ = reading_.at;
    }
    return recording_->bytes_of(event);
}

}  // namespace bms
