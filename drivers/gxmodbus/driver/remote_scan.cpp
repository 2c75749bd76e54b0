// The part of Remote that finds devices.

#include "gxmodbus/driver/remote.hpp"
#include "gxmodbus/driver/timing.hpp"

#include <spdlog/spdlog.h>

namespace gxmodbus {
namespace asio = boost::asio;
using namespace std::chrono_literals;
using T = ServiceType;

namespace {

constexpr auto kCrashWindow = 2s;
constexpr auto kRescanSpacing = std::chrono::hours(1);

}  // namespace

std::set<Pair> Remote::known_pairs() const {
    std::set<Pair> known;
    for (const auto& [pair, state] : pairs_) {
        known.insert(pair);
    }
    if (known.contains({kSystemUnit, T::generator})) {
        known.insert({0, T::generator});  // the same one
    }
    return known;
}

// A device that shows in the system's sums but has no pair is looked for.
void Remote::hint(const Read& read, Words words) {
    if (read.type != T::system) {
        return;
    }
    Hints missing = hints_in(read.block, words, plan_.version(T::system));
    hints_ |= missing;
    if (!memory_.scanned) {
        return;
    }
    for (const auto& [pair, state] : pairs_) {
        if (!state.gone) {
            missing.reset(static_cast<std::size_t>(pair.type));
        }
    }
    // A VE.Bus inverter reports the grid too, and an inverter of another kind may measure the battery.
    missing.reset(static_cast<std::size_t>(T::grid));
    missing.reset(static_cast<std::size_t>(T::battery));
    missing.reset(static_cast<std::size_t>(T::dcsystem));
    rescan(missing);
}

// Looks for some types where they are likely, at most once an hour.
void Remote::rescan(Hints types) {
    const auto now = Clock::now();
    if (now >= rescans_until_) {
        rescanned_.reset();
    }
    types &= ~rescanned_;
    if (types.any() && !scan_ && options_.units.automatic && !status_.may_crash) {
        rescanned_ |= types;
        rescans_until_ = now + kRescanSpacing;
        begin_scan(Scan::likely_of(types, known_pairs()));
    }
}

void Remote::start_scan(Depth depth) {
    if (conversing_) {
        memory_.absent.clear();
        add_fixed_places();
        plan_jobs();
    }
    begin_scan(depth == Depth::full ? Scan::full(hints_, known_pairs())
                                    : Scan::likely(hints_, known_pairs()));
    wake();
}

void Remote::stop_scan() {
    scan_.reset();
    if (status_.state == RemoteState::scanning) {
        set_state(RemoteState::running);
    }
}

void Remote::begin_scan(Scan scan) {
    if (scan.done()) {
        return;
    }
    scan_ = std::move(scan);
    if (!down_) {
        set_state(RemoteState::scanning);
    }
}

// What to look for without being told: listed units always, the likely places once per firmware.
void Remote::consider_scanning() {
    watched_.clear();
    if (!options_.units.units.empty() && !scan_) {
        std::vector<std::uint8_t> units = options_.units.units;
        begin_scan(Scan::of_units(units, known_pairs()));
    }
    if (!options_.units.automatic || status_.may_crash) {
        return;
    }
    if (!memory_.scanned && !scan_) {
        begin_scan(Scan::likely(hints_, known_pairs()));
    }
    for (Scan all = Scan::likely({}, {}); const auto pair = all.next(); all.answer(Scan::Outcome::absent)) {
        watched_.push_back(*pair);
    }
    next_watched_ = static_cast<std::size_t>(chance() * static_cast<double>(watched_.size()));
}

void Remote::end_scan() {
    scan_.reset();
    if (options_.units.automatic && !memory_.scanned) {
        memory_.scanned = true;
        events_.learned();
    }
    set_state(RemoteState::running);
}

asio::awaitable<void> Remote::probe() {
    const auto now = Clock::now();
    std::optional<Pair> pair;
    if (scan_) {
        pair = scan_->next();
        next_probe_ = now + clock_time(std::chrono::duration<double>(1 / options_.probes_per_second));
        if (!pair) {
            end_scan();
        }
    } else if (!watched_.empty()
               && now >= next_watch_) {  // else a scan was stopped while its turn was awaited
        next_watch_ = now + options_.watch;
        pair = watched_[next_watched_++ % watched_.size()];
        if (known_pairs().contains(*pair)) {
            pair.reset();
        }
    }
    if (!pair) {
        co_return;
    }
    // Another scan may have begun when the answer comes.
    const auto scanning = [this, asked = scan_.has_value(), place = *pair] {
        return asked && scan_ && scan_->next() == place;
    };
    const auto answer = co_await ask(pair->unit, probe_address(pair->type), 1, kReadTimeout);
    if (stopped_) {
        co_return;
    }
    if (answer.kind == Answer::Kind::lost) {
        if (Clock::now() - now < kCrashWindow) {
            lost_on_probe();
        }
        co_return;  // the scan goes on where it was when the link is back
    }
    std::optional<bool> alias = false;
    if (answer.has_data()) {
        alias = co_await is_alias(*pair);
    }
    if (stopped_ || lost_) {
        co_return;
    }
    if (!alias || *alias) {
        if (scanning()) {
            scan_->answer(alias ? Scan::Outcome::absent : Scan::Outcome::no_answer);
        }
        co_return;
    }
    if (scanning()) {
        scan_->answer(outcome_of(answer));
        if (scan_->done()) {
            end_scan();
        } else if (const int percent = scan_->progress_percent(); percent != status_.scan_percent) {
            set_state(RemoteState::scanning);
        }
    }
    probe_answered(*pair, answer);
}

void Remote::probe_answered(const Pair& probed, const Answer& answer) {
    if (!answer.has_data()) {
        return;
    }
    // What every GX may have on unit 100 is always taken there.
    const Pair fixed{kSystemUnit, probed.type};
    const Pair pair = probed.unit == 0 && preferred_alias(probed, fixed) == fixed ? fixed : probed;
    spdlog::info("{}: found {}", options_.host, to_text(pair));
    add_pair(pair, false);
    pairs_[pair].confirmed = true;
    pairs_[pair].distinct = true;
    memory_.pairs.try_emplace(pair);
    memory_.absent.erase(pair);
    plan_jobs();
    events_.learned();
    set_state(status_.state);
}

// The connection broke right after a probe: this server may be one that crashes on it, unless it is newer than those.
void Remote::lost_on_probe() {
    if (plan_.generation() >= Generation::v95) {
        return;
    }
    spdlog::warn("{}: the connection ended on a probe; devices are no longer looked for by itself",
                 options_.host);
    memory_.crashed = true;
    status_.may_crash = true;
    scan_.reset();
    watched_.clear();
    crash_pause_ = true;
    events_.learned();
    set_state(RemoteState::running);
}

}  // namespace gxmodbus
