#pragma once
// One GX at the other end of a TCP connection: finds what it has, reads it in time, writes to it, and comes back after
// every kind of loss. Knows no D-Bus; who wants its readings implements RemoteEvents.

#include "gxmodbus/driver/ask.hpp"
#include "gxmodbus/driver/memory.hpp"

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <random>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

namespace gxmodbus {

struct RemoteOptions {
    std::string host;
    std::uint16_t port = transport::modbus::kDefaultPort;
    std::chrono::milliseconds fast{1000};
    std::chrono::milliseconds slow{10000};
    std::chrono::milliseconds rare{60000};
    double requests_per_second = 50;
    double probes_per_second = 5;
    /// Between two probes of the quiet watch for new devices; zero: no watch.
    std::chrono::seconds watch{600};
    UnitList units;
};

enum class RemoteState : std::uint8_t { connecting, running, scanning, down, refused, no_gx };
[[nodiscard]] std::string_view describe(RemoteState state);

struct RemoteStatus {
    RemoteState state = RemoteState::connecting;
    int scan_percent = 100;
    std::size_t found = 0;
    Traffic traffic;
    std::chrono::milliseconds cycle{0};  ///< from the first to the last reply of one round of fast reads
    bool may_crash = false;              ///< this server is not scanned by itself
};

/// How a write ended.
enum class WriteOutcome : std::uint8_t {
    taken,      ///< read back as written
    different,  ///< confirmed, but the device shows another value
    gone,       ///< the device is no longer there
    no_path,    ///< the device does not have it
    refused,    ///< the remote allows no writes
    failed      ///< no answer
};
[[nodiscard]] const char* describe(WriteOutcome outcome);

class RemoteEvents {
  public:
    RemoteEvents() = default;
    RemoteEvents(const RemoteEvents&) = delete;
    RemoteEvents& operator=(const RemoteEvents&) = delete;
    virtual ~RemoteEvents() = default;

    /// What is remembered of the GX with this serial.
    virtual std::optional<Memory> recall(const std::string& serial) = 0;
    /// The GX is known. False when it is not to be mirrored.
    virtual bool identified(const Identity& identity) = 0;
    /// Whether a pair is to be read at all.
    virtual bool wanted(const Pair& pair) = 0;
    /// A block of a pair was read. The first one tells that the pair is there.
    virtual void read(const Pair& pair, const Block& block, Words words, ServerVersion version) = 0;
    /// A block can not be read, or is no longer: its last values mean nothing any more.
    virtual void stale(const Pair& pair, const Block& block) = 0;
    /// The remote no longer has the pair.
    virtual void gone(const Pair& pair) = 0;
    /// There has been no answer of any kind for too long.
    virtual void link_down() = 0;
    virtual void status_changed(const RemoteStatus& status) = 0;
    /// memory() has changed.
    virtual void learned() = 0;
};

/// Create it shared, spawn run(), stop() it before its events go away.
class Remote : public std::enable_shared_from_this<Remote> {
  public:
    using Clock = std::chrono::steady_clock;

    Remote(const boost::asio::any_io_executor& executor, RemoteOptions options, RemoteEvents& events);

    /// Connects, reads and reconnects until stop().
    boost::asio::awaitable<void> run();
    void stop();

    /// Intervals and rates from now on; host, port and units need a new Remote.
    void set_pace(const RemoteOptions& options);
    /// What is wanted has changed.
    void reconsider();

    enum class Depth : std::uint8_t { likely, full };
    /// Starts a scan on the owner's demand, whatever the server's version.
    void start_scan(Depth depth);
    void stop_scan();

    /// Writes the words of a register (served_row()) once and reads back. `done` hears how it ended.
    void write(const Pair& pair, const Register& row, std::vector<std::uint16_t> words,
               std::function<void(WriteOutcome)> done);

    [[nodiscard]] const Memory& memory() const { return memory_; }
    [[nodiscard]] const RemoteStatus& status() const { return status_; }
    /// The server version by whose table a type is read.
    [[nodiscard]] ServerVersion version(ServiceType type) const { return plan_.version(type); }
    /// Remembers what a mirror has seen.
    void remember(const Pair& pair, std::string seen);

  private:
    struct Job {
        Read read;
        Clock::time_point due;
        Clock::time_point last_good;
        Clock::time_point failing_since{};
        int failures = 0;  // exceptions in a row
        bool first = true;
        bool busy = false;
        bool stale = false;
        bool dead = false;  // no longer part of the plan
    };
    struct PairState {
        bool confirmed = false;  // answered once
        bool listed = false;     // the owner says it is there
        bool gone = false;
        bool distinct = false;  // is not the device that another pair denotes
        bool alias = false;     // is
    };
    struct PendingWrite {
        Pair pair;
        Register row;
        std::vector<std::uint16_t> words;
        std::function<void(WriteOutcome)> done;
    };
    using JobPtr = std::shared_ptr<Job>;

    boost::asio::awaitable<void> converse();
    boost::asio::awaitable<bool> greet();
    boost::asio::awaitable<void> step();
    boost::asio::awaitable<void> perform(JobPtr job);
    boost::asio::awaitable<void> probe();
    boost::asio::awaitable<void> carry_out(PendingWrite write);
    boost::asio::awaitable<void> read_back(PendingWrite write);
    boost::asio::awaitable<Answer> ask(std::uint8_t unit, std::uint16_t first, std::uint16_t count,
                                       std::chrono::milliseconds timeout);
    boost::asio::awaitable<Answer> ask_now(std::uint8_t unit, std::uint16_t first, std::uint16_t count,
                                           std::chrono::milliseconds timeout);
    boost::asio::awaitable<Answer> put(std::uint8_t unit, std::uint16_t first, std::uint16_t count,
                                       std::chrono::milliseconds timeout);
    boost::asio::awaitable<Answer> read_own(Read read, std::chrono::milliseconds timeout);
    boost::asio::awaitable<std::optional<bool>> is_alias(Pair pair);
    boost::asio::awaitable<std::optional<bool>> is_still_alias(Pair pair, Block block,
                                                               std::vector<std::uint16_t> words);
    boost::asio::awaitable<void> pause_until(Clock::time_point when);
    boost::asio::awaitable<void> keep_pace();
    boost::asio::awaitable<void> take_turn();
    void spawn(boost::asio::awaitable<void> task);

    void leave_behind();
    void note_request();
    void note_answer(const Answer& answer);
    void take_answer(const JobPtr& job, const Answer& answer);
    void took_data(const JobPtr& job, const Answer& answer);
    void was_denied(const JobPtr& job, bool absent);
    void was_refused(const JobPtr& job);
    void check_stale(Job& job);
    void make_stale(Job& job);
    void forget_unread(const Read& read);
    void lose_pair(const Pair& pair);
    void restart_jobs();
    [[nodiscard]] std::vector<JobPtr> jobs_of(const Pair& pair) const;
    void hint(const Read& read, Words words);
    void add_pair(const Pair& pair, bool listed);
    void add_fixed_places();
    void drop_pair(const Pair& pair);
    [[nodiscard]] std::optional<Pair> original_of(const Pair& pair) const;
    [[nodiscard]] ReadBlock reader();
    Clock::time_point book_turn();
    void plan_jobs();
    void begin_scan(Scan scan);
    void consider_scanning();
    void rescan(Hints types);
    void end_scan();
    void probe_answered(const Pair& probed, const Answer& answer);
    void lost_on_probe();
    [[nodiscard]] std::set<Pair> known_pairs() const;
    [[nodiscard]] std::chrono::milliseconds period(Speed speed) const;
    [[nodiscard]] JobPtr due_job(Clock::time_point now) const;
    [[nodiscard]] Clock::time_point next_event() const;
    void set_state(RemoteState state);
    void arm_watchdog();
    void wake();

    boost::asio::any_io_executor executor_;
    RemoteOptions options_;
    RemoteEvents& events_;
    TcpClient client_;
    boost::asio::steady_timer timer_;     // the main loop's sleep
    boost::asio::steady_timer watchdog_;  // runs while a request waits, out when there is no answer to any
    Memory memory_;
    ReadPlan plan_{Generation::v75};
    bool join_ = true;  // settings and hub4 in one request
    std::map<Pair, PairState> pairs_;
    std::vector<JobPtr> jobs_;
    std::deque<PendingWrite> writes_;
    std::optional<Scan> scan_;
    bool scanning_considered_ = false;
    bool conversing_ = false;
    std::vector<Pair> watched_;  // likely places, for the quiet watch
    std::size_t next_watched_ = 0;
    Hints hints_;
    Hints rescanned_;  // types that were looked for lately because they vanished or showed up
    Clock::time_point rescans_until_{};
    Clock::time_point next_request_{};
    Clock::time_point next_probe_{};
    Clock::time_point next_watch_{};
    Clock::time_point next_refusal_{};
    Clock::time_point cycle_started_{};
    int timeouts_ = 0;
    int waiting_ = 0;            // requests without an answer so far
    unsigned conversation_ = 0;  // counts connections to an identified GX
    bool watching_ = false;      // the watchdog runs
    bool probe_turn_ = false;    // when reads and a probe are due they take turns
    bool lost_ = false;
    bool down_ = true;
    bool crash_pause_ = false;
    bool stopped_ = false;
    RemoteStatus status_;
};

/// How long to wait before connecting for the n-th time after a loss (1, 2, 5, 10, 30, then each 60 s), with up to a
/// fifth more or less, so that several bridges do not return at the same moment. `chance` is within [0, 1).
[[nodiscard]] std::chrono::milliseconds backoff(int attempt, double chance);

}  // namespace gxmodbus
