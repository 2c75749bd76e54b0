#include "serialbattery/detect/detector.hpp"

#include "serialbattery/detect/foreign.hpp"
#include "serialbattery/framing/scanner.hpp"

#include <algorithm>

namespace bms {
namespace {

constexpr auto kListen = 300ms;         ///< silence for so long: no master is at work
constexpr auto kListenLonger = 1200ms;  ///< once something was heard: most speak every second
constexpr auto kQuiet = 50ms;           ///< after the last byte of somebody, before the next probe
constexpr auto kSettle = 50ms;          ///< after a change of the baud rate
constexpr unsigned kMostCycles = 3;     ///< to read what proves a family
constexpr std::size_t kMostHeard = 4096;
constexpr unsigned kPopular = 50;    ///< families below this rank are tried at every baud rate first
constexpr auto kBrief = 95ms;        ///< to the next probe; answers that come later are still heard
constexpr auto kPatient = 250ms;     ///< the same, when every probe is sent once more
constexpr auto kBabble = 400ms;      ///< longest wait for silence: a line full of noise is asked all the same
constexpr auto kStragglers = 250ms;  ///< for late answers before the baud rate changes

std::string name_of(const Line& line) {
    return std::to_string(line.baud) + (line.parity == Parity::even ? " 8E1" : "");
}

/// Baud rates in the order they are tried: popular boards answer within milliseconds at the highest.
int order_of(const Line& line) {
    if (line.parity != Parity::none) {
        return 3;
    }
    return line.baud == 115200 ? 0 : line.baud == 9600 ? 1 : line.baud == 19200 ? 2 : 4;
}

bool risky(const Family& family) {
    return family.detection.risk == Risk::write;
}

}  // namespace

/// A family at an address that has been asked, or is being proven.
struct Detector::Candidate {
    Probe probe;
    std::unique_ptr<Session> session;  ///< null for what is recognised but is no battery
    std::unique_ptr<Session> ear;      ///< stands in for the missing session
    std::unique_ptr<Conversation> talk;
    unsigned cycles = 0;
    bool confirming = false;
};

namespace {

/// Takes any answer: all there is to know of a device that is no battery.
class Ear : public Session {
  public:
    void cycle(unsigned, Queries&) override {}
    Taken take(const Query&, Bytes, Queries&) override { return Taken::done; }
    [[nodiscard]] Proof proof() const override { return Proof::pending; }
};

}  // namespace

Detector::Detector(DetectionPlan plan) : options_(plan.options) {
    plan_probes(plan);
}
Detector::~Detector() = default;

void Detector::add_probes(const Family& family, const Line& line,
                          const std::vector<std::uint8_t>& addresses) {
    // At the baud rate of a probe that could change a foreign device every other one comes before it: once.
    const auto all = families();
    const bool once = std::any_of(all.begin(), all.end(), [&](const Family* other) {
        return risky(*other) && other->lines.front() == line;
    });
    const bool likely = line == family.lines.front() && family.detection.battery;
    const auto add = [&](std::uint8_t address) {
        if (once ? !risky(family) : likely) {
            queue_.push_back({&family, address, line, Patience::brief});
        }
        if (!once || risky(family)) {
            queue_.push_back({&family, address, line, Patience::patient});
        }
    };
    const auto& named = family.detection.addresses;
    if (named.empty()) {
        add(family.first_address);
        return;
    }
    for (const auto address : addresses.empty() ? std::span(named) : std::span(addresses)) {
        if (addresses.empty() || (address >= family.first_address && address <= family.last_address)) {
            add(address);
        }
    }
}

void Detector::plan_probes(const DetectionPlan& plan) {
    const auto all = families();
    std::vector<const Family*> chosen = plan.families;
    if (chosen.empty()) {
        chosen.assign(all.begin(), all.end());
    }
    for (const auto* family : chosen) {
        if (family->probe == nullptr) {
            continue;
        }
        for (const auto& line : family->lines) {
            add_probes(*family, line, plan.addresses);
        }
    }
    // Popular families at every baud rate, then the rare ones with the rates in reverse (one change less), then all
    // once more. The slow come first: their answers arrive while the quick ones are asked. What could change a
    // foreign device is last at its rate.
    const auto key = [](const Probe& probe) {
        const auto& family = *probe.family;
        const int order = order_of(probe.line);
        const bool popular = family.detection.rank < kPopular;
        const int stage = order == 0 ? 0 : probe.patience == Patience::patient ? 2 : popular ? 0 : 1;
        return std::tuple(stage, stage == 1 ? (order == 1 ? 4 : order) : order, risky(family),
                          -family.detection.window, family.detection.rank);
    };
    std::stable_sort(queue_.begin(), queue_.end(),
                     [&](const Probe& a, const Probe& b) { return key(a) < key(b); });
    if (plan.last && plan.last->family != nullptr) {
        const auto& last = *plan.last;
        queue_.insert(queue_.begin(), {last.family, last.address, last.line, Patience::remembered});
    }
}

bool Detector::listened(const Line& line) const {
    // Bytes of another parity would have been heard too, as something.
    return std::any_of(listened_.begin(), listened_.end(), [&](const Listened& done) {
        return done.line == line || (done.silent && done.line.baud == line.baud);
    });
}

Step Detector::next(TimePoint now) {
    while (true) {
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
        promote_heard();
        return std::nullopt;
    }
    if (over) {
        finish(Detected::Kind::nothing);
        return std::nullopt;
    }
    const auto& probe = queue_[at_];
    const bool remembered = probe.patience == Patience::remembered;
    if (change) {
        line_ = probe.line;
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
    if (!remembered && !listened(probe.line)) {
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
        latest = std::max(latest, sent.until);
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

void Detector::start_probe(TimePoint now) {
    const auto& probe = queue_[at_];
    const auto& family = *probe.family;
    candidate_ = std::make_unique<Candidate>();
    candidate_->probe = probe;
    if (family.open != nullptr) {
        candidate_->session = family.open(probe.address, options_);
    } else {
        candidate_->ear = std::make_unique<Ear>();
    }
    auto& session = candidate_->session ? *candidate_->session : *candidate_->ear;
    candidate_->talk = std::make_unique<Conversation>(family, session, probe.line);
    Query query = family.probe(probe.address);
    const auto window = std::max<milliseconds>(query.reply, family.detection.window);
    if (probe.patience == Patience::remembered || probe.patience == Patience::late) {
        query.tries = std::max<std::uint8_t>(query.tries, 2);
        query.reply = window;
    } else {
        query.tries = std::max<std::uint8_t>(query.tries, 1);
        const milliseconds most = probe.patience == Patience::brief ? kBrief : kPatient;
        query.reply = query.reply > 0ms ? query.reply : std::min(window, most);
        const auto sent = wire_time(probe.line, query.bytes.bytes().size());
        pending_.push_back({probe, query.bytes, now + std::chrono::ceil<milliseconds>(sent) + window});
    }
    candidate_->talk->start_query(query);
    heard_.clear();
    ++probes_;
    activity_ = std::string(family.title) + " at " + name_of(probe.line);
    state_ = State::probe;
}

std::optional<Step> Detector::probe(TimePoint now) {
    const Step step = candidate_->talk->next(now);
    if (step.kind != Step::Kind::finished) {
        return step;
    }
    if (!candidate_->talk->heard()) {
        reject(now);
    } else if (!candidate_->session) {
        result_.what = std::string(candidate_->probe.family->title);
        finish(Detected::Kind::foreign);
    } else {
        // Answered: what comes later belongs to probes before it.
        if (candidate_->probe.patience == Patience::brief
            || candidate_->probe.patience == Patience::patient) {
            pending_.pop_back();
        }
        candidate_->talk->start_cycle();
        state_ = State::prove;
    }
    return std::nullopt;
}

/// Reads until the family is proven, then asks once more: only what answers twice is believed. A remembered
/// battery needs no second answer.
std::optional<Step> Detector::prove(TimePoint now) {
    auto& candidate = *candidate_;
    const Step step = candidate.talk->next(now);
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
        if (candidate.probe.patience == Patience::remembered) {
            accept();
        } else {
            candidate.confirming = true;
            candidate.talk->start_query(candidate.probe.family->probe(candidate.probe.address));
        }
        return std::nullopt;
    }
    if (proof == Proof::refuted || (over && ++candidate.cycles >= kMostCycles)) {
        reject(now);
        return std::nullopt;
    }
    if (!over) {
        return step;
    }
    candidate.talk->start_cycle();
    return std::nullopt;
}

void Detector::accept() {
    result_.place = {candidate_->probe.family, candidate_->probe.address, candidate_->probe.line};
    result_.session = std::move(candidate_->session);
    finish(Detected::Kind::battery);
}

void Detector::reject(TimePoint now) {
    candidate_.reset();
    free_ = now;
    ++at_;
    state_ = State::choose;
}

void Detector::received(Bytes bytes, TimePoint now) {
    last_byte_ = now;
    hear(bytes);
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

void Detector::hear(Bytes bytes) {
    if (heard_.size() + bytes.size() > kMostHeard) {
        heard_.clear();
    }
    wire::put(heard_, bytes.last(std::min(bytes.size(), kMostHeard)));
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

/// A good answer to a probe that had been given up: the probe is sent again, next and with all its time. False when
/// nothing of the kind was heard.
bool Detector::promote_late() {
    const auto answered = std::find_if(pending_.begin(), pending_.end(), [this](const Pending& sent) {
        const auto& family = *sent.probe.family;
        const Bytes asked = sent.bytes.bytes();
        const auto found = find_frame(family, heard_, asked, 0).frame;
        return found && found->role == Role::reply
               && !family.mismatch(Bytes(heard_).subspan(found->offset, found->length), asked);
    });
    if (answered == pending_.end()) {
        return false;
    }
    Probe again = answered->probe;
    again.patience = Patience::late;
    pending_.erase(answered);
    queue_.insert(queue_.begin() + static_cast<std::ptrdiff_t>(at_), again);
    return true;
}

/// What was heard beside what was asked decides what comes next at this baud rate: the family whose answer came
/// late, or else those whose good replies these are.
void Detector::promote_heard() {
    if (!promote_late()) {
        const auto begin = queue_.begin() + static_cast<std::ptrdiff_t>(std::min(at_, queue_.size()));
        std::stable_partition(begin, queue_.end(), [this](const Probe& probe) {
            if (probe.line != *line_ || risky(*probe.family)) {
                return false;
            }
            const auto found = find_frame(*probe.family, heard_, {}, 0).frame;
            return found && found->role == Role::reply;
        });
    }
    heard_.clear();
}

void Detector::finish(Detected::Kind kind) {
    result_.kind = kind;
    candidate_.reset();
    state_ = State::done;
}

}  // namespace bms
