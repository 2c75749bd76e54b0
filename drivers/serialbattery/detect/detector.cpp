#include "serialbattery/detect/detector.hpp"

#include "serialbattery/detect/candidate.hpp"

#include <algorithm>

namespace bms {
namespace {

constexpr auto kSettle = 50ms;       ///< after a change of the baud rate
constexpr unsigned kMostCycles = 3;  ///< to read what proves a family
constexpr auto kBrief = 65ms;        ///< to the next probe; answers that come later are still heard
constexpr auto kPatient = 250ms;     ///< the same, when every probe is sent once more
constexpr auto kBabble = 400ms;      ///< longest wait for silence: a line full of noise is asked all the same
constexpr auto kStragglers = 250ms;  ///< for late answers before the baud rate changes

/// Takes any answer: all there is to know of a device that is no battery.
class Ear : public Session {
  public:
    void cycle(unsigned, Queries&) override {}
    Taken take(const Query&, Bytes, Queries&) override { return Taken::done; }
    [[nodiscard]] Proof proof() const override { return Proof::pending; }
};

}  // namespace

std::string name_of(const Line& line) {
    return std::to_string(line.baud) + (line.parity == Parity::even ? " 8E1" : "");
}

void Detector::Candidate::watch(const Step& step) {
    const auto answered = talk->traffic().answered;
    answered_twice = answered_twice || (repeated_at && answered > *repeated_at);
    if (step.kind == Step::Kind::send) {
        const bool same = std::ranges::equal(step.bytes, query.bytes.bytes());
        repeated_at = same ? std::optional(answered) : std::nullopt;
    }
}

Detector::Detector(DetectionPlan plan) : options_(plan.options), queue_(plan_probes(plan)) {}
Detector::~Detector() = default;

bool Detector::listened(const Line& line) const {
    // Bytes of another parity would have been heard too, as something.
    return std::any_of(listened_.begin(), listened_.end(), [&](const Listened& done) {
        return done.line == line || (done.silent && done.line.baud == line.baud);
    });
}

/// Whether the next probe is sent before all answers to this one can have come.
bool Detector::may_answer_late(const Probe& probe) {
    return probe.patience == Patience::brief || probe.patience == Patience::patient;
}

Step Detector::next(TimePoint now) {
    while (true) {
        if (line_ && now < drained_) {
            return {Step::Kind::pause, {}, drained_, *line_};
        }
        std::optional<Step> step;
        switch (state_) {
            case State::choose:
                step = choose(now);
                break;
            case State::configure:
                if (now < until_) {
                    return {Step::Kind::pause, {}, until_, *line_};
                }
                state_ = State::listen;
                until_ = now + kListen;
                break;
            case State::listen:
                step = listen(now);
                break;
            case State::probe:
                step = probe(now);
                break;
            case State::prove:
                step = prove(now);
                break;
            case State::done:
                return {Step::Kind::finished, {}, now, line_.value_or(Line{})};
        }
        if (step) {
            return *step;
        }
    }
}

std::optional<Step> Detector::choose(TimePoint now) {
    const bool over = at_ >= queue_.size();
    const bool change = over || line_ != queue_[at_].line;
    const auto quiet =
        std::min(std::max(last_byte_ + kQuiet, change ? late_until() : TimePoint{}), free_ + kBabble);
    if (line_ && now < quiet) {
        return Step{Step::Kind::receive, {}, quiet, *line_};
    }
    if (!heard_.empty()) {
        weigh_heard(now);
        return std::nullopt;
    }
    if (over) {
        finish(Detected::Kind::nothing);
        return std::nullopt;
    }
    const auto& probe = queue_[at_];
    const bool remembered = probe.patience == Patience::remembered;
    if (change) {
        // Masters are listened for without parity first: the one battery with another comes after.
        const bool new_rate = std::ranges::none_of(
            listened_, [&](const Listened& done) { return done.line.baud == probe.line.baud; });
        line_ = !remembered && new_rate ? Line{probe.line.baud, Parity::none} : probe.line;
        pending_.clear();
        until_ = now + kSettle;
        // What answered here last time is asked at once: nobody else took the port since.
        if (remembered) {
            start_probe(now);
        } else {
            state_ = State::configure;
        }
        return Step{Step::Kind::configure, {}, until_, *line_};
    }
    if (!remembered && !listened(*line_)) {
        state_ = State::configure;
        until_ = now;
        return std::nullopt;
    }
    start_probe(now);
    return std::nullopt;
}

/// Until when answers to the last probes are waited for before the line changes.
TimePoint Detector::late_until() const {
    TimePoint latest{};
    for (const auto& sent : pending_) {
        latest = std::max(latest, std::min(sent.until, sent.end + kAnswered));
    }
    return std::min(latest, free_ + kStragglers);
}

std::optional<Step> Detector::listen(TimePoint now) {
    activity_ = "listening at " + name_of(*line_);
    if (listened(*line_)) {
        state_ = State::choose;
        return std::nullopt;
    }
    if (now < until_) {
        return Step{Step::Kind::receive, {}, until_, *line_};
    }
    listened_.push_back({*line_, heard_.empty()});
    free_ = now;
    state_ = State::choose;
    return std::nullopt;
}

std::unique_ptr<Detector::Candidate> Detector::candidate_of(const Probe& probe) const {
    auto candidate = std::make_unique<Candidate>();
    candidate->probe = probe;
    const auto& family = *probe.family;
    if (family.open != nullptr) {
        candidate->session = family.open(probe.address, options_);
    } else {
        candidate->ear = std::make_unique<Ear>();
    }
    auto& session = candidate->session ? *candidate->session : *candidate->ear;
    candidate->talk = std::make_unique<Conversation>(family, session, probe.line);
    candidate->query = (probe.otherwise ? family.probe_otherwise : family.probe)(probe.address);
    return candidate;
}

void Detector::start_probe(TimePoint now) {
    const auto& probe = queue_[at_];
    const auto& family = *probe.family;
    candidate_ = candidate_of(probe);
    Query query = candidate_->query;
    const auto window = std::max<milliseconds>(query.reply, family.detection.window);
    switch (probe.patience) {
        case Patience::remembered:
            query.tries = std::max<std::uint8_t>(query.tries, 2);
            query.reply = window;
            break;
        case Patience::again:
            query.tries = 1;
            query.reply = probe.wait;
            break;
        case Patience::brief:
            query.tries = 1;
            query.reply = std::min(window, kBrief);
            break;
        case Patience::patient:
            query.tries = std::max<std::uint8_t>(query.tries, 1);
            query.reply = query.reply > 0ms ? query.reply : std::min(window, kPatient);
            break;
    }
    sent_ = query.bytes;
    sent_end_ = now + std::chrono::ceil<milliseconds>(wire_time(probe.line, query.bytes.bytes().size()));
    if (may_answer_late(probe)) {
        pending_.push_back({probe, sent_, sent_end_, sent_end_ + window});
    }
    candidate_->talk->start_query(query);
    forget_heard();
    ++probes_;
    activity_ = std::string(family.title) + " at " + name_of(probe.line);
    state_ = State::probe;
}

std::optional<Step> Detector::probe(TimePoint now) {
    const Step step = candidate_->talk->next(now);
    if (step.kind != Step::Kind::finished) {
        return step;
    }
    const auto& talk = *candidate_->talk;
    const bool late = may_answer_late(candidate_->probe);
    const bool remembered = candidate_->probe.patience == Patience::remembered;
    if (!talk.heard()
        || (!remembered && !answer_in(beside_echo(), *candidate_->probe.family, sent_.bytes()))) {
        reject(now);
    } else if (!talk.refused()) {
        // What comes later belongs to probes before it.
        if (late) {
            pending_.pop_back();
        }
        start_proof();
    } else {
        latency_ = std::max(latency_, std::chrono::ceil<milliseconds>(now - sent_end_));
        // Which of the questions was refused? Where it can only be this one, the family is ruled out.
        const auto meant = std::ranges::count_if(pending_, [&](const Pending& sent) {
            return answer_in(beside_echo(), *sent.probe.family, sent.bytes.bytes()).has_value();
        });
        if (!late || meant == 1) {
            garbled_at_.reset();
        }
        if (late && meant == 1) {
            pending_.pop_back();
        }
        reject(now);
    }
    return std::nullopt;
}

void Detector::start_proof() {
    if (!candidate_->session) {
        result_.what = std::string(candidate_->probe.family->title);
        finish(Detected::Kind::foreign);
        return;
    }
    candidate_->talk->start_cycle();
    state_ = State::prove;
}

/// Reads until the family is proven, then asks once more unless a cycle has: only what answers twice is believed. A
/// remembered battery needs no second answer.
std::optional<Step> Detector::prove(TimePoint now) {
    auto& candidate = *candidate_;
    const Step step = candidate.talk->next(now);
    candidate.watch(step);
    const auto& session = *candidate.session;
    const bool over = step.kind == Step::Kind::finished;
    if (candidate.confirming) {
        if (!over) {
            return step;
        }
        candidate.talk->heard() ? accept() : reject(now);
        return std::nullopt;
    }
    const auto proof = session.proof();
    if (proof == Proof::proven && session.complete() && !implausible(session.battery())) {
        const bool sure = candidate.probe.family->detection.sure && candidate.talk->traffic().answered > 1;
        if (candidate.probe.patience == Patience::remembered || candidate.answered_twice || sure) {
            accept();
        } else {
            candidate.confirming = true;
            candidate.talk->start_query(candidate.query);
        }
        return std::nullopt;
    }
    if (proof == Proof::refuted || candidate.talk->refused() || (over && ++candidate.cycles >= kMostCycles)) {
        reject(now);
        return std::nullopt;
    }
    if (!over) {
        return step;
    }
    start_proof();
    return std::nullopt;
}

void Detector::accept() {
    result_.place = {candidate_->probe.family, candidate_->probe.address, candidate_->probe.line};
    result_.session = std::move(candidate_->session);
    finish(Detected::Kind::battery);
}

void Detector::reject(TimePoint now) {
    if (state_ == State::prove) {
        garbled_at_.reset();  // its own answers
    }
    candidate_.reset();
    free_ = now;
    ++at_;
    state_ = State::choose;
}

void Detector::finish(Detected::Kind kind) {
    result_.kind = kind;
    candidate_.reset();
    state_ = State::done;
}

}  // namespace bms
