// dbus-serialbattery monitor: a live view of the batteries on a port, with the limits that the driver would publish.

#include "serialbattery/cli/battery_text.hpp"
#include "serialbattery/cli/command.hpp"
#include "serialbattery/cli/monitor_view.hpp"
#include "serialbattery/cli/port_session.hpp"
#include "serialbattery/driver/measurement.hpp"
#include "terminal.hpp"

#include <unistd.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

namespace bms::cli {
namespace asio = boost::asio;
namespace {

using velib::cli::Terminal;

struct MonitorOptions {
    PortOptions port;
    double interval_s = 1;
    unsigned polls = 0;  ///< 0: until stopped
};

/// One battery with all that the driver keeps of it.
struct Followed {
    Heard* heard;
    control::Settings settings;
    control::State state = {};
    Watched watched = {};
};

class Monitor {
  public:
    Monitor(const asio::any_io_executor& executor, MonitorOptions options)
        : options_(std::move(options)),
          session_(executor, options_.port),
          timer_(executor),
          input_(executor) {}

    asio::awaitable<int> run() {
        const bool usable = co_await session_.search();
        if (!usable) {
            co_return kNotDone;
        }
        if (session_.occupied()) {
            const auto lost = co_await session_.overhear_round();
            if (lost && !session_.replayed()) {
                std::cerr << session_.port() << ": " << transport::describe(*lost) << '\n';
                co_return kNotDone;
            }
        }
        if (session_.batteries().empty()) {
            std::cerr << session_.port() << ": " << session_.otherwise() << '\n';
            co_return kNotDone;
        }
        add_members();
        if (Terminal::usable()) {
            terminal_.enter();
            if (terminal_.reads_keys()) {
                input_.assign(::dup(STDIN_FILENO));
            }
        }
        const auto fault = co_await watch();
        terminal_.leave();
        if (fault) {
            std::cerr << session_.port() << ": " << transport::describe(*fault) << '\n';
        }
        co_return fault ? kNotDone : kDone;
    }

  private:
    void add_members() {
        for (auto i = members_.size(); i < session_.batteries().size(); ++i) {
            const auto& heard = session_.batteries()[i];
            members_.push_back({.heard = heard.get(), .settings = session_.settings()});
            members_.back().watched.title = session_.port() + ": " + title_of(heard->place, heard->battery());
        }
    }

    /// Until the user ends it, or the port is lost.
    asio::awaitable<std::optional<SerialFault>> watch() {
        for (unsigned round = 0; !quit_ && (options_.polls == 0 || round < options_.polls); ++round) {
            if (round > 0) {
                const auto lost = co_await wait();
                if (lost) {
                    co_return session_.replayed() ? std::nullopt : lost;
                }
            }
            due_ = Clock::now()
                   + std::chrono::duration_cast<Clock::duration>(
                       std::chrono::duration<double>(options_.interval_s));
            for (auto& member : members_) {
                const auto fault = co_await poll(member);
                if (fault) {
                    co_return session_.replayed() ? std::nullopt : fault;
                }
                if (!terminal_.entered()) {
                    fmt::print("{}\n", monitor_line(member.watched));
                    std::fflush(stdout);
                }
            }
            draw();
        }
        co_return std::nullopt;
    }

    asio::awaitable<std::optional<SerialFault>> poll(Followed& member) {
        auto& watched = member.watched;
        if (session_.occupied()) {
            watched.silent = !std::exchange(member.heard->fresh, false);
        } else {
            const auto fault = co_await session_.poll(*member.heard);
            if (fault) {
                co_return fault;
            }
            watched.silent = !member.heard->talk.succeeded();
        }
        ++watched.polls;
        watched.unanswered += watched.silent ? 1 : 0;
        if (!watched.silent) {
            watched.battery = member.heard->battery();
            drop_implausible(watched.battery);
        }
        const auto pack = pack_of(watched.battery);
        const auto reading = measurement_of(watched.battery, member.settings);
        const control::Surroundings around;
        const control::Context context{.settings = member.settings,
                                       .pack = pack,
                                       .around = around,
                                       .interval = control::Millis(std::llround(options_.interval_s * 1000))};
        const bool believed = !watched.silent && !implausible(watched.battery);
        const auto now = std::chrono::duration_cast<control::Millis>(session_.now().time_since_epoch());
        control::poll(member.state, context, believed ? &reading : nullptr, now);
        watched.out = member.state.out;
        co_return std::nullopt;
    }

    void draw() {
        if (!terminal_.entered()) {
            return;
        }
        const auto size = Terminal::size();
        std::vector<std::string> lines;
        for (const auto& member : members_) {
            const auto part = monitor_screen(member.watched, size.columns);
            lines.insert(lines.end(), part.begin(), part.end());
            lines.emplace_back();
        }
        lines.resize(std::min(lines.size(), size.rows - 1));
        lines.emplace_back(terminal_.reads_keys() ? "q: quit" : "");
        Terminal::draw(lines);
    }

    /// Until the next poll is due. Where another master asks, what it hears is taken meanwhile.
    asio::awaitable<std::optional<SerialFault>> wait() {
        if (session_.occupied()) {
            const auto until =
                session_.replayed()
                    ? session_.now() + std::chrono::milliseconds(std::llround(options_.interval_s * 1000))
                    : due_;
            const auto fault = co_await session_.overhear(until);
            if (fault) {
                co_return fault;
            }
            add_members();
            constexpr auto kForKeys = std::chrono::milliseconds(20);
            due_ = Clock::now() + kForKeys;
        }
        co_await rest();
        co_return std::nullopt;
    }

    /// Until the next poll is due or a key is pressed that means something.
    asio::awaitable<void> rest() {
        using namespace asio::experimental::awaitable_operators;  // NOLINT(google-build-using-namespace)
        constexpr auto kAsTuple = asio::as_tuple(asio::use_awaitable);
        timer_.expires_at(session_.replayed() ? Clock::now() : due_);
        std::array<char, 64> sent{};
        while (!quit_) {
            if (!input_.is_open()) {
                co_await timer_.async_wait(asio::use_awaitable);
                co_return;
            }
            const auto outcome = co_await (timer_.async_wait(kAsTuple)
                                           || input_.async_read_some(asio::buffer(sent), kAsTuple));
            if (outcome.index() == 0) {
                co_return;
            }
            const auto& [error, count] = std::get<1>(outcome);
            if (error) {
                input_.close();
                continue;
            }
            for (const auto key : velib::cli::keys_in({sent.data(), count})) {
                quit_ = quit_ || key == velib::cli::Key::quit;
            }
        }
    }

    MonitorOptions options_;
    PortSession session_;
    asio::steady_timer timer_;
    asio::posix::stream_descriptor input_;
    Terminal terminal_;
    std::vector<Followed> members_;
    TimePoint due_{};
    bool quit_ = false;
};

asio::awaitable<int> monitor(asio::any_io_executor executor, MonitorOptions options) {
    Monitor running(executor, std::move(options));
    co_return co_await running.run();
}

}  // namespace

Command add_monitor(CLI::App& app) {
    constexpr double kShortest = 0.1;
    constexpr double kLongest = 3600;
    auto* line =
        app.add_subcommand("monitor", "Shows the batteries on a port, their limits and alarms, live.");
    const auto options = std::make_shared<MonitorOptions>();
    add_port_options(*line, options->port);
    line->add_option("--interval", options->interval_s, "seconds between two looks")
        ->check(CLI::Range(kShortest, kLongest))
        ->capture_default_str();
    line->add_option("--polls", options->polls, "end after so many looks");
    return {line, [options](asio::any_io_executor executor) { return monitor(executor, *options); }};
}

}  // namespace bms::cli
