// What the detector makes of bytes that are no answer to the probe just sent.

#include "serialbattery/detect/candidate.hpp"
#include "serialbattery/detect/foreign.hpp"
#include "serialbattery/framing/scanner.hpp"

#include <algorithm>

namespace bms {
namespace {

constexpr auto kListenLonger = 1200ms;  ///< once something was heard: most speak every second
constexpr std::size_t kMostHeard = 4096;
constexpr std::size_t kMostAgain =
    16;  ///< probes sent again for what was not understood: noise is not chased for ever

bool is_text(Bytes bytes) {
    return std::ranges::all_of(bytes, [](std::uint8_t byte) {
        return byte == '\r' || byte == '\n' || (byte >= ' ' && byte <= '~');
    });
}

}  // namespace

/// The answer to `asked` among the bytes; nothing when there is none. Other frames may stand before it, but no long noise:
/// three bytes with a check of eight bits are found in any of that.
std::optional<Bytes> answer_in(Bytes bytes, const Family& family, Bytes asked) {
    while (const auto found = find_frame(family, bytes, asked, 0).frame) {
        const Bytes frame = bytes.subspan(found->offset, found->length);
        if (found->offset > 0 && 2 * found->length < bytes.size()) {
            return std::nullopt;
        }
        if (found->role == Role::reply && !family.mismatch(frame, asked)) {
            return frame;
        }
        bytes = bytes.subspan(found->offset + found->length);
    }
    return std::nullopt;
}

void Detector::received(Bytes bytes, TimePoint now) {
    last_byte_ = now;
    hear(bytes, now);
    if (state_ == State::probe || state_ == State::prove) {
        candidate_->talk->received(bytes, now);
        return;
    }
    if (state_ == State::listen) {
        if (recognise_traffic()) {
            return;
        }
        until_ = std::max(until_, std::min(now + kListen, until_ + kListenLonger));
    }
}

void Detector::hear(Bytes bytes, TimePoint now) {
    if (heard_.size() + bytes.size() > kMostHeard) {
        heard_.clear();
    }
    wire::put(heard_, bytes.last(std::min(bytes.size(), kMostHeard)));
    // Our own request may come back.
    if (!garbled_at_ && !beside_echo().empty()) {
        garbled_at_ = now;
    }
}

/// What was heard without the request that came back, whole or so far.
Bytes Detector::beside_echo() const {
    const Bytes sent = sent_.bytes();
    const auto same = std::ranges::mismatch(heard_, sent);
    const bool echo = same.in1 == heard_.end() || same.in2 == sent.end();
    return Bytes(echo ? same.in1 : heard_.begin(), heard_.end());
}

void Detector::forget_heard() {
    heard_.clear();
    garbled_at_.reset();
}

/// Unasked traffic that settles the matter: a foreign device, or requests and their answers of another master.
bool Detector::recognise_traffic() {
    if (const auto foreign = recognise_foreign(heard_)) {
        result_.what = std::string(*foreign);
        finish(Detected::Kind::foreign);
        return true;
    }
    for (const auto* family : families()) {
        if (std::find(family->lines.begin(), family->lines.end(), *line_) == family->lines.end()) {
            continue;
        }
        Bytes request;
        std::size_t from = 0;
        while (const auto found = find_frame(*family, heard_, request, from).frame) {
            const Bytes frame = Bytes(heard_).subspan(found->offset, found->length);
            from = found->offset + found->length;
            if (found->role == Role::request) {
                request = frame;
            } else if (found->role == Role::reply && !request.empty() && !family->mismatch(frame, request)) {
                result_.place = {family, family->first_address, *line_};
                result_.what = std::string(family->title);
                finish(Detected::Kind::occupied);
                return true;
            }
        }
    }
    return false;
}

/// What was heard beside what was asked decides what comes next at this baud rate: the family whose answer came
/// late, or else those whose good replies these are, or else all who may have tried to answer.
void Detector::weigh_heard(TimePoint now) {
    const auto since = garbled_at_.value_or(now);
    std::erase_if(pending_, [&](const Pending& sent) { return sent.until + kAgain < since; });
    if (!take_late(now) && !promote_likely(beside_echo())) {
        ask_again();
    }
    forget_heard();
}

/// A good answer to a probe that had been given up is taken as if it had been waited for. False when nothing of the
/// kind was heard.
bool Detector::take_late(TimePoint now) {
    const Bytes heard = beside_echo();
    std::optional<Bytes> answer;
    std::vector<Probe> suited;
    std::erase_if(pending_, [&](const Pending& sent) {
        const auto frame = answer_in(heard, *sent.probe.family, sent.bytes.bytes());
        if (!frame || !garbled_at_ || *garbled_at_ < sent.end) {
            return false;
        }
        if (!answer) {
            // Answers come in the order of the questions. Whoever gave this one may be about to give the next.
            answer = frame;
            latency_ = std::chrono::ceil<milliseconds>(*garbled_at_ - sent.end);
            // Only the slowest take so long, and they understand nothing else.
            const auto others = latency_ > kAnswered ? TimePoint::duration{} : pending_.back().end - sent.end;
            drained_ = *garbled_at_ + others + kQuiet;
        }
        suited.push_back(sent.probe);
        return true;
    });
    if (!answer) {
        return false;
    }
    // It may suit several: the others are asked again should it not be the first.
    ask_next(suited);
    candidate_ = candidate_of(queue_[at_]);
    auto& talk = *candidate_->talk;
    talk.start_query(candidate_->query);
    static_cast<void>(talk.next(now));
    talk.received(*answer, now);
    if (talk.heard() && !talk.refused()) {
        activity_ = std::string(queue_[at_].family->title) + " at " + name_of(*line_);
        start_proof();
        return true;
    }
    candidate_.reset();
    if (suited.size() == 1) {
        ++at_;
        promote_likely(heard);
    }
    return true;
}

/// Families whose good replies were heard come next at this baud rate, be it that they refused to answer another
/// family's probe. False when there are none.
bool Detector::promote_likely(Bytes heard) {
    const auto likely = [&](const Probe& probe) {
        if (probe.line != *line_ || risky(*probe.family)) {
            return false;
        }
        const auto& family = *probe.family;
        const auto found = find_frame(family, heard, {}, 0).frame;
        return found && found->role == Role::reply
               && family.mismatch(heard.subspan(found->offset, found->length),
                                  family.probe(probe.address).bytes)
                      != Fault::address;
    };
    if (at_ < queue_.size() && queue_[at_].patience == Patience::again) {
        return true;  // they are on their way
    }
    for (const auto patience : {Patience::brief, Patience::patient}) {
        const auto begin = queue_.begin() + static_cast<std::ptrdiff_t>(std::min(at_, queue_.size()));
        const auto rest = std::stable_partition(begin, queue_.end(), [&](const Probe& probe) {
            return probe.patience != patience || !likely(probe);
        });
        const std::vector<Probe> promoted(rest, queue_.end());
        queue_.erase(rest, queue_.end());
        if (!promoted.empty()) {
            ask_next(promoted);
            return true;
        }
    }
    return false;
}

/// Somebody answered and was not understood: the answer met our last probe on the wire, so it was not this one's. Who
/// may have answered at that time is asked once more, the latest first.
void Detector::ask_again() {
    if (!garbled_at_ || pending_.empty() || asked_again_ >= kMostAgain) {
        return;
    }
    std::vector<Probe> probes;
    const auto asked_last = pending_.back().end;
    if (*garbled_at_ < pending_.back().end + kQuiet) {
        pending_.pop_back();
    }
    const bool binary = !is_text(beside_echo());
    const auto first =
        std::ranges::find_if(pending_, [](const Pending& sent) { return !is_text(sent.bytes.bytes()); });
    if (binary && first != pending_.end()) {
        drained_ = *garbled_at_ + (asked_last - first->end) + kQuiet;
    }
    for (auto sent = pending_.rbegin(); sent != pending_.rend(); ++sent) {
        if (binary == is_text(sent->bytes.bytes())) {
            continue;  // text is answered with text, and nothing else is
        }
        // One device may understand several, and must not answer one while the next is asked.
        const auto oldest = std::ranges::find_if(pending_, [&](const Pending& other) {
            return other.bytes.bytes().front() == sent->bytes.bytes().front();
        });
        const auto end = binary ? oldest->end : sent->end;
        probes.push_back(sent->probe);
        probes.back().wait = std::chrono::ceil<milliseconds>(*garbled_at_ - end) + kAgain;
    }
    asked_again_ += probes.size();
    ask_next(probes);
    pending_.clear();
}

/// Puts probes in front of all others: each is sent when the one before has had its time.
void Detector::ask_next(std::vector<Probe> probes) {
    for (auto& probe : probes) {
        probe.patience = Patience::again;
        if (probe.wait == 0ms) {
            probe.wait = latency_ + kAgain;
        }
    }
    queue_.insert(queue_.begin() + static_cast<std::ptrdiff_t>(std::min(at_, queue_.size())), probes.begin(),
                  probes.end());
}

}  // namespace bms
