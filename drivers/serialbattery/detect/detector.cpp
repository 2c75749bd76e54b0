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
constexpr unsigned kRanksPerPass = 50;  ///< the popular families at every baud rate before the rare ones

unsigned pass_of(const Family& family) {
    return family.detection.rank / kRanksPerPass;
}

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
    const auto& named = family.detection.addresses;
    if (named.empty()) {
        queue_.push_back({&family, family.first_address, line, false});
    } else if (addresses.empty()) {
        for (const auto address : named) {
            queue_.push_back({&family, address, line, false});
        }
    } else {
        for (const auto address : addresses) {
            if (address >= family.first_address && address <= family.last_address) {
                queue_.push_back({&family, address, line, false});
            }
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
    // Less likely baud rates of a family count as rare. What could change a foreign device comes last at its rate.
    const auto key = [](const Probe& probe) {
        const auto& lines = probe.family->lines;
        const unsigned pass = pass_of(*probe.family) + (probe.line == lines.front() ? 0 : 1);
        const bool risky = probe.family->detection.risk == Risk::write;
        return std::tuple(risky ? 0u : pass, order_of(probe.line), risky, probe.family->detection.rank);
    };
    std::stable_sort(queue_.begin(), queue_.end(),
                     [&](const Probe& a, const Probe& b) { return key(a) < key(b); });
    if (plan.last && plan.last->family != nullptr) {
        queue_.insert(queue_.begin(), {plan.last->family, plan.last->address, plan.last->line, true});
    }
}

bool Detector::listened(const Line& line) const {
    return std::find(listened_.begin(), listened_.end(), line) != listened_.end();
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
    if (at_ >= queue_.size()) {
        finish(Detected::Kind::nothing);
        return std::nullopt;
    }
    const auto& probe = queue_[at_];
    if (line_ != probe.line) {
        line_ = probe.line;
        heard_.clear();
        until_ = now + kSettle;
        // What answered here last time is asked at once: nobody else took the port since.
        if (probe.remembered) {
            start_probe();
        } else {
            state_ = State::configure;
        }
        return Step{Step::Kind::configure, {}, until_, *line_};
    }
    if (!probe.remembered && !listened(probe.line)) {
        state_ = State::configure;
        until_ = now;
        return std::nullopt;
    }
    if (now < last_byte_ + kQuiet) {
        return Step{Step::Kind::receive, {}, last_byte_ + kQuiet, *line_};
    }
    start_probe();
    return std::nullopt;
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
    listened_.push_back(*line_);
    promote_heard();
    heard_.clear();
    state_ = State::choose;
    return std::nullopt;
}

void Detector::start_probe() {
    const auto& probe = queue_[at_];
    candidate_ = std::make_unique<Candidate>();
    candidate_->probe = probe;
    if (probe.family->open != nullptr) {
        candidate_->session = probe.family->open(probe.address, options_);
    } else {
        candidate_->ear = std::make_unique<Ear>();
    }
    auto& session = candidate_->session ? *candidate_->session : *candidate_->ear;
    candidate_->talk = std::make_unique<Conversation>(*probe.family, session, probe.line);
    Query query = probe.family->probe(probe.address);
    query.tries = probe.remembered ? 2 : 1;
    query.reply = std::max<milliseconds>(query.reply, probe.family->detection.window);
    candidate_->talk->start_query(query);
    heard_.clear();
    ++probes_;
    activity_ = std::string(probe.family->title) + " at " + name_of(probe.line);
    state_ = State::probe;
}

std::optional<Step> Detector::probe(TimePoint now) {
    const Step step = candidate_->talk->next(now);
    if (step.kind != Step::Kind::finished) {
        return step;
    }
    if (!candidate_->talk->heard()) {
        reject();
    } else if (!candidate_->session) {
        result_.what = std::string(candidate_->probe.family->title);
        finish(Detected::Kind::foreign);
    } else {
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
        candidate.talk->heard() ? accept() : reject();
        return std::nullopt;
    }
    const auto proof = session.proof();
    if (proof == Proof::proven && session.complete() && !implausible(session.battery())) {
        if (candidate.probe.remembered) {
            accept();
        } else {
            candidate.confirming = true;
            candidate.talk->start_query(candidate.probe.family->probe(candidate.probe.address));
        }
        return std::nullopt;
    }
    if (proof == Proof::refuted || (over && ++candidate.cycles >= kMostCycles)) {
        reject();
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

void Detector::reject() {
    candidate_.reset();
    ++at_;
    promote_heard();
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

/// Families whose good replies were heard beside what was asked for come next at this baud rate.
void Detector::promote_heard() {
    if (heard_.empty()) {
        return;
    }
    const auto begin = queue_.begin() + static_cast<std::ptrdiff_t>(std::min(at_, queue_.size()));
    std::stable_partition(begin, queue_.end(), [this](const Probe& probe) {
        if (probe.line != *line_ || probe.family->detection.risk == Risk::write) {
            return false;
        }
        const auto found = find_frame(*probe.family, heard_, {}, 0).frame;
        return found && found->role == Role::reply;
    });
    heard_.clear();
}

void Detector::finish(Detected::Kind kind) {
    result_.kind = kind;
    candidate_.reset();
    state_ = State::done;
}

}  // namespace bms
