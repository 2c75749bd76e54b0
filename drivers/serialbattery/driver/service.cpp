#include "serialbattery/driver/service.hpp"

#include "common/pause.hpp"
#include "serialbattery/driver/bank_service.hpp"
#include "serialbattery/driver/battery_settings.hpp"
#include "serialbattery/driver/capture.hpp"
#include "serialbattery/driver/handover.hpp"
#include "serialbattery/driver/measurement.hpp"
#include "serialbattery/driver/neighbours.hpp"
#include "serialbattery/driver/port_worker.hpp"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

namespace bms {
namespace asio = boost::asio;
using asio::experimental::awaitable_operators::operator||;
namespace {

constexpr auto kFirstRetry = 10s;
constexpr auto kLongestRetry = 60s;
constexpr auto kHostPatience = 10s;  ///< for a process to hand the port over to: it may be starting anew
constexpr auto kHostRetry = 500ms;
constexpr auto kLookForHost = 10s;

/// A coroutine of its own with an end that can be waited for.
struct Task {
    asio::cancellation_signal cancel;
    bool running = true;
    bool keeps_process = false;  ///< which ends when no such task is left
    std::exception_ptr failure;
    std::optional<GivenUp> given_up;
};

class Service {
  public:
    /// `recorder` is for when the settings ask for it.
    Service(velib::App& app, ServiceOptions options, OpenPort open_port,
            std::shared_ptr<transport::Recorder> recorder = nullptr)
        : app_(app),
          options_(std::move(options)),
          open_port_(std::move(open_port)),
          settings_(app.bus()),
          config_(read_config()),
          neighbours_(app.bus()),
          host_{.bus = app.bus(),
                .settings = settings_,
                .config = config_,
                .neighbours = neighbours_,
                .state_folder = options_.state_folder,
                .bank_expected = options_.ports.size() > 1},
          bank_(host_),
          capture_(host_, std::move(recorder),
                   options_.ports.empty() ? "all" : port_name(options_.ports.front())),
          changed_(app.context(), asio::steady_timer::time_point::max()) {}

    /// The exit code. Nothing: the port is free for a process that serves all.
    asio::awaitable<std::optional<int>> run() {
        neighbours_.follow(control::settings_for(config_, {}).settings);
        capture_.apply();
        for (const auto& path : options_.ports) {
            workers_.push_back(std::make_unique<PortWorker>(host_, path, open_port_));
        }
        host_.polled = [this] { bank_.note_poll(); };
        for (const auto& worker : workers_) {
            start(keep_serving(*worker), true);
        }
        if (options_.host) {
            reception_.emplace(app_.context().get_executor(), options_.state_folder);
            start(receive(), true);
        }
        if (options_.join) {
            start(look_for_host(), false);
        }
        start(serve_bank(), false);
        std::exception_ptr ended;
        std::optional<int> code;
        try {
            code = co_await wait_for_end();
        } catch (...) {
            ended = std::current_exception();
        }
        co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
        for (const auto& task : tasks_) {
            task->cancel.emit(asio::cancellation_type::terminal);
        }
        while (std::ranges::any_of(tasks_, [](const auto& task) { return task->running; })) {
            co_await changed();
        }
        co_await say_goodbye();
        if (ended) {
            std::rethrow_exception(ended);
        }
        co_return code;
    }

  private:
    [[nodiscard]] control::ConfigFile read_config() const {
        return load_config(options_.config.empty() ? kDefaultConfig : options_.config,
                           !options_.config.empty());
    }

    void start(asio::awaitable<std::optional<GivenUp>> body, bool keeps_process) {
        auto task = std::make_shared<Task>();
        task->keeps_process = keeps_process;
        tasks_.push_back(task);
        asio::co_spawn(
            app_.context(), std::move(body),
            asio::bind_cancellation_slot(task->cancel.slot(), [this, task](const std::exception_ptr& failure,
                                                                           std::optional<GivenUp> given_up) {
                task->failure = failure;
                task->given_up = given_up;
                task->running = false;
                changed_.cancel();
            }));
    }

    /// A lone port is given up when nothing is there, so that others can have it; of several each is tried again.
    asio::awaitable<std::optional<GivenUp>> keep_serving(PortWorker& worker) {
        asio::steady_timer timer(app_.context());
        auto pause = std::chrono::duration_cast<milliseconds>(kFirstRetry);
        for (;;) {
            const GivenUp why = co_await worker.run();
            const bool alone = options_.ports.size() == 1 && !options_.host;
            if (alone || why == GivenUp::excluded) {
                co_return why;
            }
            timer.expires_after(pause);
            co_await timer.async_wait(asio::use_awaitable);
            pause = std::min(pause * 2, std::chrono::duration_cast<milliseconds>(kLongestRetry));
        }
    }

    asio::awaitable<std::optional<GivenUp>> receive() {
        for (;;) {
            auto guest = std::make_shared<Guest>(co_await reception_->next());
            start(serve_guest(std::move(guest)), false);
        }
    }

    /// Until the port is given up or its process is gone.
    asio::awaitable<std::optional<GivenUp>> serve_guest(std::shared_ptr<Guest> guest) {
        const auto path = co_await guest->port();
        if (!path) {
            co_return std::nullopt;
        }
        if (std::ranges::any_of(workers_, [&path](const auto& other) { return other->path() == *path; })) {
            spdlog::warn("{}: handed over twice", *path);
            co_await guest->dismiss(GivenUp::no_port);
            co_return std::nullopt;
        }
        config_ = read_config();  // as a process of its own would
        auto& worker = *workers_.emplace_back(std::make_unique<PortWorker>(host_, *path, open_port_));
        auto serving = attempt(worker);
        auto leaving = guest->leaving();
        const auto end = co_await (std::move(serving) || std::move(leaving));
        if (end.index() == 1) {
            spdlog::info("{}: taken back", *path);
        }
        for (const auto& unit : worker.units()) {
            unit->farewell();
            co_await unit->save(true);
        }
        std::erase_if(workers_, [&worker](const auto& other) { return other.get() == &worker; });
        if (const auto* why = std::get_if<0>(&end)) {
            co_await guest->dismiss(*why);
        }
        co_return std::nullopt;
    }

    /// What goes wrong on one port that was handed over shall not end the others.
    static asio::awaitable<GivenUp> attempt(PortWorker& worker) {
        std::string failure;
        try {
            co_return co_await worker.run();
        } catch (const std::exception& error) {
            failure = error.what();
        }
        const auto cancellation = co_await asio::this_coro::cancellation_state;
        if (cancellation.cancelled() != asio::cancellation_type::none) {
            throw boost::system::system_error(asio::error::operation_aborted);
        }
        spdlog::error("{}: {}", worker.path(), failure);
        co_return GivenUp::failed;
    }

    asio::awaitable<std::optional<GivenUp>> serve_bank() {
        co_await add_installation_settings(settings_);
        follow_log_level();
        capture_.follow();
        co_await bank_.run();
        co_return std::nullopt;
    }

    /// At its default the setting leaves what the command line says.
    void follow_log_level() {
        const auto apply = [this, given = spdlog::get_level()](std::string_view, const velib::Value&) {
            auto wanted = installation_settings(settings_, config_).log_level;
            const bool is_default = wanted == control::Settings{}.log_level;
            std::ranges::transform(wanted, wanted.begin(),
                                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
            spdlog::set_level(is_default ? given : spdlog::level::from_str(wanted));
        };
        apply({}, {});
        installation_changes_ = settings_.subscribe(kInstallationRoot, apply);
    }

    asio::awaitable<void> changed() {
        boost::system::error_code woken;
        co_await changed_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    }

    asio::awaitable<std::optional<GivenUp>> look_for_host() {
        while (!host_found_) {
            co_await common::pause(kLookForHost);
            host_found_ = co_await is_somebody_there(options_.state_folder);
        }
        co_return std::nullopt;
    }

    asio::awaitable<std::optional<int>> wait_for_end() {
        while (!host_found_) {
            bool serving = false;
            std::optional<GivenUp> why;
            for (const auto& task : tasks_) {
                if (task->failure) {
                    std::rethrow_exception(task->failure);
                }
                serving = serving || (task->running && task->keeps_process);
                why = task->given_up ? task->given_up : why;
            }
            if (!serving) {
                co_return exit_code(why.value_or(GivenUp::nothing));
            }
            std::erase_if(tasks_, [](const auto& task) { return !task->running && !task->keeps_process; });
            co_await changed();
            const auto cancellation = co_await asio::this_coro::cancellation_state;
            if (cancellation.cancelled() != asio::cancellation_type::none) {
                throw boost::system::system_error(asio::error::operation_aborted);
            }
        }
        spdlog::info("there is a process that serves the ports of all");
        co_return std::nullopt;
    }

    asio::awaitable<void> say_goodbye() {
        for (auto* unit : host_.units) {
            if (!host_found_) {  // else it is back in a moment: no reason for an alarm
                unit->farewell();
            }
            co_await unit->save(true);
        }
        if (!host_found_) {
            bank_.farewell();
        }
        co_await bank_.save(true);
        host_.polled = [] {};
    }

    velib::App& app_;
    ServiceOptions options_;
    OpenPort open_port_;
    velib::Settings settings_;
    control::ConfigFile config_;
    velib::Settings::Subscription installation_changes_;
    Neighbours neighbours_;
    Host host_;
    BankService bank_;
    Capture capture_;
    std::optional<Reception> reception_;
    bool host_found_ = false;
    std::vector<std::unique_ptr<PortWorker>> workers_;
    std::vector<std::shared_ptr<Task>> tasks_;
    asio::steady_timer changed_;
};

class TemporaryFolder {
  public:
    TemporaryFolder() {
        auto name = (std::filesystem::temp_directory_path() / "dbus-serialbattery-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) {
            throw std::system_error(errno, std::generic_category(), name);
        }
        path_ = name;
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    [[nodiscard]] const std::string& path() const { return path_; }

  private:
    std::string path_;
};

/// Serves the ports itself. Nothing: meanwhile there is a process to hand the port over to.
asio::awaitable<std::optional<int>> serve_here(velib::App& app, ServiceOptions options) {
    const bool several = options.host || options.ports.size() > 1;
    auto recorder =
        std::make_shared<transport::Recorder>([](const std::string& why) { spdlog::error("{}", why); });
    auto open_port = local_ports(app.context().get_executor(), several, recorder);
    if (!options.record.empty()) {
        spdlog::info("recording every byte to {}", options.record);
        recorder->begin(options.record, {});
        recorder.reset();  // the settings do not change what the command line asks for
    }
    Service service(app, std::move(options), std::move(open_port), std::move(recorder));
    co_return co_await service.run();
}

/// Lets another process serve the port whenever there is one for that.
asio::awaitable<int> join(velib::App& app, ServiceOptions options) {
    const auto port = options.ports.at(0);
    auto give_up = Clock::now();
    for (;;) {
        const auto handover = co_await hand_over(options.state_folder, port);
        if (handover.why) {
            co_return exit_code(*handover.why);
        }
        if (handover.taken) {
            spdlog::warn("{}: the process that served it is gone", port);
            give_up = Clock::now() + kHostPatience;
        }
        if (Clock::now() < give_up) {
            co_await common::pause(kHostRetry);
            continue;
        }
        spdlog::warn("{}: nobody serves the ports of all; its batteries are in no bank with those of others",
                     port);
        const auto code = co_await serve_here(app, options);
        if (code) {
            co_return *code;
        }
    }
}

}  // namespace

asio::awaitable<int> serve(velib::App& app, ServiceOptions options) {
    if (options.join) {
        co_return co_await join(app, std::move(options));
    }
    if (options.replay.empty()) {
        const auto code = co_await serve_here(app, std::move(options));
        co_return code.value_or(0);
    }
    const auto recording = load_recording(options.replay);
    auto open_port = recorded_ports(app.context().get_executor(), recording, Pace::real, [&app] {
        spdlog::info("the recording has ended");
        app.stop(0);
    });
    // What is known here of other batteries has no part in it.
    const TemporaryFolder folder;
    options.ports = recording->ports;
    options.state_folder = folder.path();
    Service service(app, std::move(options), std::move(open_port));
    const auto code = co_await service.run();
    co_return code.value_or(0);
}

}  // namespace bms
