#include "gxmodbus/driver/remote.hpp"

#include "gxmodbus/driver/timing.hpp"

#include <algorithm>
#include <array>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

namespace gxmodbus {
namespace asio = boost::asio;
using namespace std::chrono_literals;
using T = ServiceType;

namespace {

// What answers after a loss may be another GX: nothing is asked before it has been identified.
TcpClient::Options connection_options(const RemoteOptions& options, std::size_t in_flight) {
    auto connection = client_options(options.host, options.port, in_flight);
    connection.mode = TcpClient::Mode::until_lost;
    return connection;
}

constexpr std::size_t kInFlight = 4;
constexpr int kTimeoutsToReconnect = 3;
constexpr auto kCrashPause = 60s;

// Places on unit 100 that are asked once without a scan.
constexpr std::array kFixedPlaces{T::system, T::settings, T::hub4, T::generator, T::platform};

}  // namespace

std::string_view describe(RemoteState state) {
    switch (state) {
        case RemoteState::connecting:
            return "connecting";
        case RemoteState::running:
            return "running";
        case RemoteState::scanning:
            return "scanning";
        case RemoteState::down:
            return "link down";
        case RemoteState::refused:
            return "refused: own GX";
        case RemoteState::no_gx:
            return "refused: read error";
    }
    return "";
}

const char* describe(WriteOutcome outcome) {
    switch (outcome) {
        case WriteOutcome::taken:
            return "taken";
        case WriteOutcome::different:
            return "the remote confirmed the write but shows another value";
        case WriteOutcome::gone:
            return "the remote device is no longer there";
        case WriteOutcome::no_path:
            return "the remote device does not have this";
        case WriteOutcome::refused:
            return "the remote GX allows no writes here";
        case WriteOutcome::failed:
            return "the remote GX did not answer";
    }
    return "";
}

std::chrono::milliseconds backoff(int attempt, double chance) {
    constexpr std::array<int, 6> kSeconds{1, 2, 5, 10, 30, 60};
    const auto step =
        std::min<std::size_t>(static_cast<std::size_t>(std::max(attempt, 0)), kSeconds.size() - 1);
    return std::chrono::milliseconds(static_cast<int>(kSeconds[step] * 1000 * (0.8 + 0.4 * chance)));
}

Remote::Remote(const asio::any_io_executor& executor, RemoteOptions options, RemoteEvents& events)
    : executor_(executor),
      options_(std::move(options)),
      events_(events),
      client_(executor, connection_options(options_, kInFlight)),
      timer_(executor),
      watchdog_(executor) {}

asio::awaitable<void> Remote::run() {
    const auto self = shared_from_this();
    for (int attempt = 0; !stopped_; ++attempt) {
        lost_ = false;
        timeouts_ = 0;
        const auto before = Clock::now();
        bool worked = false;
        if (co_await greet()) {
            co_await converse();
            worked = std::none_of(jobs_.begin(), jobs_.end(), [](const JobPtr& job) { return job->first; });
        }
        if (stopped_) {
            break;
        }
        client_.close();
        if (worked || Clock::now() - before > 60s) {
            attempt = 0;
        }
        auto wait = clock_time(backoff(attempt, chance()));
        if (std::exchange(crash_pause_, false)) {
            wait = kCrashPause;
        } else if (status_.state == RemoteState::refused) {
            wait = clock_time(60s);
        }
        const auto until = Clock::now() + wait;
        while (!stopped_ && Clock::now() < until) {
            co_await pause_until(until);
        }
    }
}

void Remote::stop() {
    stopped_ = true;
    client_.close();
    timer_.cancel();
    watchdog_.cancel();
}

void Remote::set_pace(const RemoteOptions& options) {
    options_.fast = options.fast;
    options_.slow = options.slow;
    options_.rare = options.rare;
    options_.requests_per_second = options.requests_per_second;
    options_.probes_per_second = options.probes_per_second;
    options_.watch = options.watch;
    next_watch_ = std::min(next_watch_, Clock::now() + options_.watch);
    for (const auto& job : jobs_) {
        job->due = std::min(job->due, Clock::now() + clock_time(period(job->read.block.speed)));
    }
    wake();
}

void Remote::reconsider() {
    plan_jobs();
    wake();
}

void Remote::wake() {
    timer_.cancel();
}

void Remote::spawn(asio::awaitable<void> task) {
    asio::co_spawn(
        executor_,
        [self = shared_from_this(), work = std::move(task)]() mutable -> asio::awaitable<void> {
            co_await std::move(work);
        },
        asio::detached);
}

asio::awaitable<void> Remote::pause_until(Clock::time_point when) {
    timer_.expires_at(when);
    boost::system::error_code woken;
    co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
}

asio::awaitable<void> Remote::keep_pace() {
    while (!stopped_ && Clock::now() < next_request_) {
        co_await pause_until(next_request_);
    }
}

// The next moment at which a request may leave; whoever asks takes one.
Remote::Clock::time_point Remote::book_turn() {
    const auto turn = std::max(next_request_, Clock::now());
    next_request_ = turn + clock_time(std::chrono::duration<double>(1 / options_.requests_per_second));
    return turn;
}

asio::awaitable<void> Remote::take_turn() {
    const auto turn = book_turn();
    if (turn > Clock::now()) {
        asio::steady_timer timer(executor_, turn);
        co_await timer.async_wait(asio::use_awaitable);
    }
}

void Remote::set_state(RemoteState state) {
    status_.state = state;
    status_.found =
        static_cast<std::size_t>(std::count_if(pairs_.begin(), pairs_.end(), [](const auto& entry) {
            return entry.second.confirmed && !entry.second.gone;
        }));
    status_.scan_percent = scan_ ? scan_->progress_percent() : 100;
    events_.status_changed(status_);
}

// Any answer shows that the link works, an exception too.
void Remote::note_answer(const Answer& answer) {
    --waiting_;
    if (answer.kind == Answer::Kind::data || answer.kind == Answer::Kind::exception) {
        timeouts_ = 0;
        watchdog_.cancel();
        watching_ = false;
        if (waiting_ > 0) {
            arm_watchdog();
        }
        if (std::exchange(down_, false) && conversing_) {
            set_state(scan_ ? RemoteState::scanning : RemoteState::running);
        }
    } else if (answer.kind == Answer::Kind::lost || ++timeouts_ >= kTimeoutsToReconnect) {
        lost_ = true;
    }
}

// Silence counts from the first request that is not answered, however rarely something is asked.
void Remote::note_request() {
    ++waiting_;
    if (!watching_) {
        arm_watchdog();
    }
}

void Remote::arm_watchdog() {
    watching_ = true;
    watchdog_.expires_after(kSilenceToDown);
    watchdog_.async_wait([weak = weak_from_this()](const boost::system::error_code& cancelled) {
        const auto self = weak.lock();
        if (!cancelled && self && !self->stopped_ && !std::exchange(self->down_, true)) {
            self->events_.link_down();
            self->set_state(RemoteState::down);
        }
    });
}

asio::awaitable<Answer> Remote::ask(std::uint8_t unit, std::uint16_t first, std::uint16_t count,
                                    std::chrono::milliseconds timeout) {
    co_await take_turn();
    if (stopped_) {
        co_return Answer{Answer::Kind::lost, 0, {}};
    }
    Answer answer = co_await put(unit, first, count, timeout);
    co_return answer;
}

// For readings that belong together: the time they take from others is made up for after them.
asio::awaitable<Answer> Remote::ask_now(std::uint8_t unit, std::uint16_t first, std::uint16_t count,
                                        std::chrono::milliseconds timeout) {
    book_turn();
    Answer answer = co_await put(unit, first, count, timeout);
    co_return answer;
}

asio::awaitable<Answer> Remote::put(std::uint8_t unit, std::uint16_t first, std::uint16_t count,
                                    std::chrono::milliseconds timeout) {
    note_request();
    Answer answer = co_await read_registers(client_, status_.traffic, unit, first, count, timeout);
    if (!stopped_) {
        note_answer(answer);
    }
    co_return answer;
}

// Who is there? True when it is a GX that is to be mirrored.
asio::awaitable<bool> Remote::greet() {
    const auto self = shared_from_this();
    if (down_) {
        set_state(memory_.identity.serial.empty() ? RemoteState::connecting : RemoteState::down);
    }
    std::optional<Memory> remembered;
    const auto recall = [&](const std::string& serial) -> std::optional<Identity> {
        if (memory_.identity.serial == serial) {
            return memory_.identity;
        }
        remembered = events_.recall(serial);
        return remembered ? std::optional{remembered->identity} : std::nullopt;
    };
    const auto identity = co_await identify(client_, status_.traffic, recall);
    if (stopped_) {
        co_return false;
    }
    if (!identity) {
        if (client_.is_connected()) {
            set_state(RemoteState::no_gx);
        }
        co_return false;
    }
    const bool another = memory_.identity.serial != identity->serial;
    if (another) {
        leave_behind();
    }
    const bool welcome = events_.identified(*identity);
    if (another) {
        memory_ = welcome ? remembered.value_or(Memory{}) : Memory{};
    }
    if (!welcome) {
        set_state(RemoteState::refused);
        co_return false;
    }
    const bool same_firmware = memory_.identity.serial == identity->serial
                               && memory_.identity.version == identity->version
                               && memory_.identity.beta == identity->beta;
    if (!same_firmware) {
        memory_.plan.clear();
        memory_.absent.clear();
        memory_.scanned = memory_.crashed = false;
    }
    memory_.identity = *identity;
    plan_ = ReadPlan::parse(memory_.plan).value_or(ReadPlan(identity->generation));
    status_.may_crash = memory_.crashed || may_crash_on_probe(identity->version, identity->beta);
    spdlog::info("{}: GX {} {} ({})", options_.host, identity->serial, identity->firmware(),
                 name_of(identity->generation));
    events_.learned();
    co_return true;
}

// Another GX answers at this address now: nothing that was known or wanted of the old one holds.
void Remote::leave_behind() {
    for (const auto& [pair, state] : pairs_) {
        events_.gone(pair);
    }
    pairs_.clear();
    for (const JobPtr& job : jobs_) {
        job->dead = true;
    }
    jobs_.clear();
    for (const PendingWrite& write : std::exchange(writes_, {})) {
        write.done(WriteOutcome::failed);
    }
    scan_.reset();
    watched_.clear();
    hints_.reset();
    rescanned_.reset();
    join_ = true;
}

void Remote::add_pair(const Pair& pair, bool listed) {
    PairState& state = pairs_[pair];
    state.listed = state.listed || listed;
}

void Remote::add_fixed_places() {
    for (const T type : kFixedPlaces) {
        // A server that may crash is asked only for what is surely there.
        const Pair pair{kSystemUnit, type};
        const bool sure = type == T::system || type == T::settings || memory_.pairs.contains(pair);
        if (sure || (!status_.may_crash && !memory_.absent.contains(pair))) {
            add_pair(pair, false);
        } else if (const auto known = pairs_.find(pair); known != pairs_.end() && !known->second.listed) {
            pairs_.erase(known);
        }
    }
}

asio::awaitable<void> Remote::converse() {
    const auto self = shared_from_this();
    ++conversation_;
    for (auto& [pair, state] : pairs_) {
        state.distinct = state.alias = false;  // units may have changed meanwhile
    }
    add_fixed_places();
    for (const Pair& pair : options_.units.pairs) {
        add_pair(pair, true);
    }
    if (options_.units.automatic) {
        for (const auto& [pair, seen] : memory_.pairs) {
            add_pair(pair, false);
            pairs_[pair].confirmed = true;
        }
    }
    restart_jobs();
    next_probe_ = next_watch_ = Clock::now() + 2s;  // reading goes first, it has the hints
    scanning_considered_ = false;
    conversing_ = true;
    set_state(scan_ ? RemoteState::scanning : RemoteState::running);
    while (!stopped_ && !lost_) {
        co_await step();
    }
    conversing_ = false;
}

Remote::Clock::time_point Remote::next_event() const {
    auto next = Clock::now() + 60s;
    for (const JobPtr& job : jobs_) {
        if (!job->busy) {
            next = std::min(next, job->due);
        }
    }
    if (scan_ || !scanning_considered_) {
        next = std::min(next, next_probe_);
    } else if (!watched_.empty() && options_.watch.count() > 0) {
        next = std::min(next, next_watch_);
    }
    return next;
}

// The next thing to do: writes first, then reads and probes in turn.
asio::awaitable<void> Remote::step() {
    const auto now = Clock::now();
    const bool watching = !scan_ && !watched_.empty() && options_.watch.count() > 0 && now >= next_watch_;
    const bool probe_due = (scan_ && now >= next_probe_) || watching;
    for (const JobPtr& job : jobs_) {
        check_stale(*job);
    }
    const JobPtr due = due_job(now);
    if (!writes_.empty()) {
        PendingWrite write = std::move(writes_.front());
        writes_.pop_front();
        co_await keep_pace();
        co_await carry_out(std::move(write));
    } else if (due && !(probe_due && probe_turn_)) {
        probe_turn_ = true;
        due->busy = true;
        co_await keep_pace();
        if (due->first) {
            spawn(perform(due));  // it may take long, and nobody else shall wait
        } else {
            co_await perform(due);
        }
    } else if (probe_due) {
        probe_turn_ = false;
        co_await keep_pace();
        co_await probe();
    } else if (!scanning_considered_ && now >= next_probe_) {
        scanning_considered_ = true;
        consider_scanning();
    } else {
        co_await pause_until(next_event());
    }
}

void Remote::remember(const Pair& pair, std::string seen) {
    if (const auto known = memory_.pairs.find(pair); known != memory_.pairs.end()) {
        known->second = std::move(seen);
        events_.learned();
    }
}

}  // namespace gxmodbus
