#include "serialbattery/conversation.hpp"

#include "serialbattery/framing/scanner.hpp"

#include <algorithm>

namespace bms {
namespace {

/// More than any family's longest answer: beyond it, what came is no answer.
constexpr std::size_t kMostInput = 16384;
/// What an answer may take on the wire beyond its first byte.
constexpr std::size_t kLongestAnswer = 1024;
/// The usual time to an answer follows a slower one in steps, so that a single late answer changes little ...
constexpr auto kSlower = 10ms;
/// ... and is tried a little shorter when all was there: by this part, and by a millisecond at least.
constexpr int kQuicker = 64;
/// Before the deadline, to have looked by then.
constexpr auto kLookMargin = 20ms;

bool in_range(const Family& family, const Command& command) {
    return std::any_of(family.controls.begin(), family.controls.end(), [&](const ControlInfo& info) {
        return info.control == command.control && command.value >= info.lowest
               && command.value <= info.highest;
    });
}

}  // namespace

void Conversation::begin() {
    at_ = 0;
    failed_ = false;
    heard_ = false;
    refused_ = false;
    state_ = State::ready;
    tries_left_ = 0;
}

void Conversation::start_cycle() {
    queries_.clear();
    session_.cycle(poll_++, queries_);
    begin();
}

bool Conversation::start_control(const Command& command) {
    queries_.clear();
    if (!in_range(family_, command) || !session_.control(command, queries_)) {
        queries_.clear();
        return false;
    }
    begin();
    return true;
}

void Conversation::start_query(const Query& query) {
    queries_.assign(1, query);
    begin();
}

milliseconds Conversation::reply_limit() const {
    return current().reply > 0ms ? current().reply : family_.timing.reply;
}

Step Conversation::next(TimePoint now) {
    while (true) {
        if (state_ == State::waiting) {
            if (now < deadline_) {
                return {Step::Kind::receive, {}, deadline_, line_, look_};
            }
            if (!give_up_partial()) {
                close_query(partly_answered_ && session_.settled(current()), now);
                continue;
            }
            scan(now);
            continue;
        }
        if (state_ == State::idle || at_ >= queries_.size()) {
            state_ = State::idle;
            return {Step::Kind::finished, {}, now, line_};
        }
        if (failed_ && !current().always) {
            ++at_;
            continue;
        }
        if (now < not_before_) {
            return {Step::Kind::pause, {}, not_before_, line_};
        }
        asked_again_ = tries_left_ != 0;
        if (tries_left_ == 0) {
            tries_left_ = current().tries != 0 ? current().tries : family_.timing.tries;
        }
        --tries_left_;
        ++traffic_.sent;
        input_.clear();
        scanned_ = 0;
        waiting_ = kNowhere;
        partly_answered_ = false;
        state_ = State::waiting;
        const auto on_the_wire =
            std::chrono::ceil<milliseconds>(wire_time(line_, current().bytes.bytes().size()));
        answer_due_ = now + on_the_wire + reply_limit();
        deadline_ = answer_due_;
        last_deadline_ = deadline_ + std::chrono::ceil<milliseconds>(wire_time(line_, kLongestAnswer))
                         + 4 * family_.timing.gap;
        not_before_ = now + family_.timing.spacing;
        sent_ = now;
        look_ = std::min(now + usual_wait(), deadline_ - kLookMargin);
        looked_ = false;
        return {Step::Kind::send, current().bytes.bytes(), deadline_, line_};
    }
}

void Conversation::received(Bytes bytes, TimePoint now) {
    if (state_ != State::waiting || bytes.empty()) {
        return;
    }
    if (input_.size() + bytes.size() > kMostInput) {
        traffic_.noise += static_cast<std::uint32_t>(input_.size() - scanned_);
        input_.clear();
        scanned_ = 0;
    }
    wire::put(input_, bytes);
    scan(now);
    looked_ = true;
    // Inside an answer the gap counts, but no babble holds the line for ever.
    if (state_ == State::waiting && (waiting_ != kNowhere || partly_answered_)) {
        const auto block =
            std::chrono::ceil<milliseconds>(wire_time(line_, 16));  // adapters deliver in blocks
        deadline_ = std::min(std::max(deadline_, now + family_.timing.gap + block), last_deadline_);
    }
}

void Conversation::scan(TimePoint now) {
    const Query query = current();
    const Bytes asked = query.bytes.bytes();
    while (state_ == State::waiting) {
        const Scan seen = find_frame(family_, input_, asked, scanned_);
        const auto& found = seen.frame;
        if (!found) {
            waiting_ = seen.waiting;
            const auto keep = waiting_ != kNowhere ? waiting_ : input_.size();
            traffic_.noise += static_cast<std::uint32_t>(keep - scanned_);
            scanned_ = keep;
            return;
        }
        traffic_.noise += static_cast<std::uint32_t>(found->offset - scanned_);
        const Bytes frame = Bytes(input_).subspan(found->offset, found->length);
        scanned_ = found->offset + found->length;
        if (found->role == Role::request) {
            const bool ours = std::equal(frame.begin(), frame.end(), asked.begin(), asked.end());
            ++(ours ? traffic_.echoes : traffic_.foreign);
            continue;
        }
        if (family_.mismatch(frame, asked)) {
            ++traffic_.foreign;
            continue;
        }
        follow_.clear();
        const Taken taken = session_.take(query, frame, follow_);
        if (taken == Taken::foreign) {
            ++traffic_.foreign;
        } else {
            heard_ = true;
            partly_answered_ = true;
        }
        if (taken == Taken::done || taken == Taken::refused) {
            queries_.insert(queries_.begin() + static_cast<std::ptrdiff_t>(at_) + 1, follow_.begin(),
                            follow_.end());
            if (taken == Taken::refused && query.required) {
                failed_ = true;
                refused_ = true;
            }
            learn_wait(now);
            await_other_answer(frame);
            close_query(true, now);
        }
    }
}

/// Nothing for a request that was never answered yet.
milliseconds& Conversation::usual_wait() {
    const auto known = std::ranges::find(waits_, current().tag, &decltype(waits_)::value_type::first);
    return known != waits_.end() ? known->second : waits_.emplace_back(current().tag, 0ms).second;
}

void Conversation::learn_wait(TimePoint now) {
    auto& wait = usual_wait();
    const auto took = std::chrono::ceil<milliseconds>(now - sent_);
    if (wait == 0ms) {
        wait = took;
    } else if (looked_) {
        wait = std::min(took, wait + kSlower);
    } else {
        wait -= std::max(wait / kQuicker, 1ms);
    }
}

/// What was asked twice may be answered twice. Where the next query could take that for its own answer, as with Modbus,
/// which does not name the register, it is let pass.
void Conversation::await_other_answer(Bytes answer) {
    if (asked_again_ && at_ + 1 < queries_.size()
        && !family_.mismatch(answer, queries_[at_ + 1].bytes.bytes())) {
        not_before_ = std::max(not_before_, answer_due_);
    }
}

bool Conversation::give_up_partial() {
    if (waiting_ == kNowhere) {
        return false;
    }
    // Nothing more comes: the partial frame was none. What stands behind its first byte may be one.
    scanned_ = waiting_ + 1;
    ++traffic_.noise;
    waiting_ = kNowhere;
    return true;
}

void Conversation::close_query(bool answered, TimePoint now) {
    const Query query = current();
    state_ = State::ready;
    not_before_ = std::max(not_before_, now + family_.timing.pause);
    if (answered) {
        ++traffic_.answered;
    } else {
        ++traffic_.timeouts;
        if (tries_left_ > 0) {
            return;
        }
        session_.missed(query);
        failed_ = failed_ || query.required;
    }
    tries_left_ = 0;
    ++at_;
    if (at_ < queries_.size() && queries_[at_].pause > 0ms) {
        not_before_ = std::max(not_before_, now + queries_[at_].pause);
    }
}

}  // namespace bms
