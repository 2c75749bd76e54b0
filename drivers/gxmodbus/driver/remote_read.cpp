// The part of Remote that reads: which blocks are due, and what their answers mean.

#include "gxmodbus/driver/remote.hpp"
#include "gxmodbus/driver/timing.hpp"

#include <algorithm>

#include <spdlog/spdlog.h>

namespace gxmodbus {
namespace asio = boost::asio;
using namespace std::chrono_literals;
using T = ServiceType;

namespace {

constexpr int kFailuresToForget = 2;
constexpr auto kFirstRetryOfGone = 10s;
constexpr auto kRetryOfGone = 60s;
constexpr auto kLongGone = std::chrono::hours(1);
constexpr auto kRetryOfLongGone = std::chrono::minutes(10);
constexpr auto kNotBefore = std::chrono::hours(24 * 365);
constexpr auto kRefusalSpacing = 1s;
constexpr auto kSilenceToStale = kSilenceToDown + 2s;

bool touches(const Read& read, const Pair& pair) {
    const bool shared = read.joined && (pair.type == T::settings || pair.type == T::hub4);
    return read.unit == pair.unit && (read.type == pair.type || shared);
}

// What fails is asked ever more rarely: each answer of this kind is a line in the remote's log.
Remote::Clock::duration patience(Remote::Clock::duration failing) {
    return failing < kFirstRetryOfGone ? clock_time(kFirstRetryOfGone)
           : failing < kLongGone       ? clock_time(kRetryOfGone)
                                       : clock_time(kRetryOfLongGone);
}

}  // namespace

// Makes the jobs fit pairs, plan and wishes; what stays keeps its time.
void Remote::plan_jobs() {
    std::vector<Pair> wanted;
    for (const auto& [pair, state] : pairs_) {
        if (events_.wanted(pair)) {
            wanted.push_back(pair);
        }
    }
    std::vector<JobPtr> jobs;
    const auto now = Clock::now();
    const auto reads = join_ ? reads_of(plan_, wanted) : [&] {
        std::vector<Read> apart;
        for (const Pair& pair : wanted) {
            const auto some = reads_of(plan_, std::span{&pair, 1});
            apart.insert(apart.end(), some.begin(), some.end());
        }
        return apart;
    }();
    for (const Read& read : reads) {
        const auto same =
            std::find_if(jobs_.begin(), jobs_.end(), [&](const JobPtr& job) { return job->read == read; });
        if (same != jobs_.end()) {
            jobs.push_back(*same);
            continue;
        }
        auto job = std::make_shared<Job>();
        job->read = read;
        job->due = job->last_good = now;
        jobs.push_back(std::move(job));
    }
    const auto before = std::exchange(jobs_, std::move(jobs));
    for (const JobPtr& old : before) {
        old->dead = std::find(jobs_.begin(), jobs_.end(), old) == jobs_.end();
        if (old->dead) {
            forget_unread(old->read);
        }
    }
}

// A new conversation asks for everything at once; what was read last keeps its age.
void Remote::restart_jobs() {
    for (JobPtr& job : jobs_) {
        job->dead = true;
        auto fresh = std::make_shared<Job>();
        fresh->read = job->read;
        fresh->due = Clock::now();
        fresh->last_good = job->last_good;
        fresh->stale = job->stale;
        job = std::move(fresh);
    }
    plan_jobs();
}

// Registers that the plan has dropped have no value any more.
void Remote::forget_unread(const Read& read) {
    for (const auto& [pair, state] : pairs_) {
        if (!touches(read, pair)) {
            continue;
        }
        const auto is_read = [&, &pair = pair](unsigned address) {
            return std::any_of(jobs_.begin(), jobs_.end(), [&](const JobPtr& job) {
                const Block& block = job->read.block;
                return touches(job->read, pair) && address >= block.first
                       && address < unsigned{block.first} + block.count;
            });
        };
        const unsigned end = unsigned{read.block.first} + read.block.count;
        for (unsigned first = read.block.first; first < end; ++first) {
            unsigned last = first;
            while (last < end && !is_read(last)) {
                ++last;
            }
            if (last > first) {
                events_.stale(pair, {static_cast<std::uint16_t>(first),
                                     static_cast<std::uint16_t>(last - first), read.block.speed});
                first = last;
            }
        }
    }
}

std::chrono::milliseconds Remote::period(Speed speed) const {
    return speed == Speed::fast ? options_.fast : speed == Speed::slow ? options_.slow : options_.rare;
}

Remote::JobPtr Remote::due_job(Clock::time_point now) const {
    JobPtr best;
    for (const JobPtr& job : jobs_) {
        if (!job->busy && job->due <= now && (!best || job->due < best->due)) {
            best = job;
        }
    }
    return best;
}

asio::awaitable<void> Remote::perform(JobPtr job) {
    const Read read = job->read;
    const auto answer = co_await read_own(read, job->first ? kFirstReadTimeout : kReadTimeout);
    job->busy = false;
    if (stopped_ || job->dead) {
        co_return;
    }
    const auto now = Clock::now();
    job->due += clock_time(period(read.block.speed));
    if (job->due <= now) {
        job->due = now + clock_time(period(read.block.speed));  // late: skip, do not queue
    }
    take_answer(job, answer);
    wake();
}

void Remote::take_answer(const JobPtr& job, const Answer& answer) {
    if (answer.has_data() && answer.words.size() == job->read.block.count) {
        took_data(job, answer);
    } else if (answer.refused(2)) {
        was_refused(job);
    } else if (answer.kind == Answer::Kind::exception) {
        was_denied(job, answer.absent());
    } else {
        check_stale(*job);
    }
}

void Remote::took_data(const JobPtr& job, const Answer& answer) {
    const Read read = job->read;
    job->first = job->stale = false;
    job->failures = 0;
    job->last_good = Clock::now();
    for (const T type : {read.type, read.type == T::settings ? T::hub4 : T::settings}) {
        const Pair pair{read.unit, type};
        const auto state = pairs_.find(pair);
        if ((type != read.type && !read.joined) || state == pairs_.end()) {
            continue;
        }
        if (std::exchange(state->second.gone, false)) {
            for (const JobPtr& other : jobs_of(pair)) {
                other->failures = 0;
                other->due = std::min(other->due, Clock::now() + clock_time(period(other->read.block.speed)));
            }
        }
        if (!std::exchange(state->second.confirmed, true) || !memory_.pairs.contains(pair)) {
            memory_.pairs.try_emplace(pair);
            events_.learned();
            set_state(status_.state);
        }
        events_.read(pair, read.block, answer.words, plan_.version(type));
    }
    hint(read, answer.words);
    if (job == jobs_.front()) {
        cycle_started_ = Clock::now();
    } else if (job == jobs_.back()) {
        status_.cycle = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - cycle_started_);
    }
}

std::vector<Remote::JobPtr> Remote::jobs_of(const Pair& pair) const {
    std::vector<JobPtr> jobs;
    std::copy_if(jobs_.begin(), jobs_.end(), std::back_inserter(jobs),
                 [&](const JobPtr& job) { return touches(job->read, pair); });
    return jobs;
}

// An exception for a block that should work. Twice in a row, and its values mean nothing any more; when every block
// of the pair fails, the pair is gone.
void Remote::was_denied(const JobPtr& job, bool absent) {
    const Pair pair{job->read.unit, job->read.type};
    const auto found = pairs_.find(pair);
    if (found == pairs_.end()) {
        return;
    }
    const PairState& state = found->second;
    if (absent && !state.confirmed && !state.listed) {
        memory_.absent.insert(pair);
        drop_pair(pair);
        events_.learned();
        return;
    }
    const auto now = Clock::now();
    if (job->failures++ == 0) {
        job->failing_since = now;
    }
    if (job->failures < kFailuresToForget) {
        job->due =
            now + clock_time(std::min<std::chrono::milliseconds>(period(job->read.block.speed), 1000ms));
        return;
    }
    make_stale(*job);
    job->due = now + patience(now - job->failing_since);
    const auto jobs = jobs_of(pair);
    bool all_fail = true;
    for (const JobPtr& other : jobs) {
        if (other->failures == 0) {
            all_fail = false;
            other->due = std::min(other->due, now);  // it tells whether the device is there at all
        }
    }
    if (!all_fail) {
        return;
    }
    lose_pair(pair);
    // One block of a pair that is gone is asked for at a time, each in its turn.
    const auto self = std::find(jobs.begin(), jobs.end(), job);
    const auto next = self == jobs.end() || std::next(self) == jobs.end() ? jobs.begin() : std::next(self);
    const auto retry = job->due;
    for (const JobPtr& other : jobs) {
        other->due = other == *next ? retry : now + kNotBefore;
    }
}

void Remote::lose_pair(const Pair& pair) {
    const auto state = pairs_.find(pair);
    if (state == pairs_.end() || std::exchange(state->second.gone, true)) {
        return;
    }
    spdlog::info("{}: {} is gone", options_.host, to_text(pair));
    events_.gone(pair);
    set_state(status_.state);
    rescan(Hints{}.set(static_cast<std::size_t>(pair.type)));  // it may have another unit now
}

void Remote::drop_pair(const Pair& pair) {
    pairs_.erase(pair);
    plan_jobs();
}

void Remote::was_refused(const JobPtr& job) {
    const auto now = Clock::now();
    if (job->read.joined) {
        join_ = false;
    } else {
        spdlog::info("{}: the server refuses {} registers from {}", options_.host, job->read.block.count,
                     job->read.block.first);
        plan_.refused(job->read.type, job->read.block);
        memory_.plan = plan_.to_text();
        events_.learned();
    }
    const std::vector<JobPtr> before = jobs_;
    plan_jobs();
    // New blocks may be refused as well: one a second, so that the remote's log stays readable.
    next_refusal_ = std::max(next_refusal_, now);
    for (const JobPtr& fresh : jobs_) {
        if (std::find(before.begin(), before.end(), fresh) == before.end()) {
            next_refusal_ += kRefusalSpacing;
            fresh->due = next_refusal_;
        }
    }
}

// Values that were not read for several periods, for whatever reason, are not kept.
void Remote::check_stale(Job& job) {
    const auto limit =
        std::max<Clock::duration>(clock_time(3 * period(job.read.block.speed)), kSilenceToStale);
    if (!down_ && !job.stale && Clock::now() - job.last_good > limit) {
        make_stale(job);
    }
}

void Remote::make_stale(Job& job) {
    if (std::exchange(job.stale, true)) {
        return;
    }
    for (auto entry = pairs_.begin(); entry != pairs_.end(); ++entry) {
        const Pair pair = entry->first;
        if (!touches(job.read, pair)) {
            continue;
        }
        events_.stale(pair, job.read.block);
        const auto jobs = jobs_of(pair);
        if (std::all_of(jobs.begin(), jobs.end(), [](const JobPtr& other) { return other->stale; })
            && entry->second.confirmed) {
            lose_pair(pair);
        }
    }
}

}  // namespace gxmodbus
