#include "serialbattery/driver/service.hpp"

#include "serialbattery/driver/bank_service.hpp"
#include "serialbattery/driver/battery_settings.hpp"
#include "serialbattery/driver/neighbours.hpp"
#include "serialbattery/driver/port_worker.hpp"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <system_error>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

namespace bms {
namespace asio = boost::asio;
namespace {

constexpr auto kFirstRetry = 10s;
constexpr auto kLongestRetry = 60s;

/// A coroutine of its own with an end that can be waited for.
struct Task {
    asio::cancellation_signal cancel;
    bool running = true;
    std::exception_ptr failure;
    std::optional<GivenUp> given_up;
};

class Service {
  public:
    Service(velib::App& app, ServiceOptions options, OpenPort open_port)
        : app_(app),
          options_(std::move(options)),
          open_port_(std::move(open_port)),
          settings_(app.bus()),
          config_(load_config(options_.config.empty() ? kDefaultConfig : options_.config,
                              !options_.config.empty())),
          neighbours_(app.bus()),
          host_{.bus = app.bus(),
                .settings = settings_,
                .config = config_,
                .neighbours = neighbours_,
                .state_folder = options_.state_folder,
                .bank_expected = options_.ports.size() > 1},
          bank_(host_),
          changed_(app.context(), asio::steady_timer::time_point::max()) {}

    asio::awaitable<int> run() {
        neighbours_.follow(control::settings_for(config_, {}).settings);
        for (const auto& path : options_.ports) {
            workers_.push_back(std::make_unique<PortWorker>(host_, path, open_port_));
        }
        host_.polled = [this] { bank_.note_poll(); };
        for (const auto& worker : workers_) {
            start(keep_serving(*worker));
        }
        start(serve_bank());
        std::exception_ptr ended;
        int code = 0;
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
    void start(asio::awaitable<std::optional<GivenUp>> body) {
        auto task = std::make_shared<Task>();
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
            if (workers_.size() == 1 || why == GivenUp::excluded) {
                co_return why;
            }
            timer.expires_after(pause);
            co_await timer.async_wait(asio::use_awaitable);
            pause = std::min(pause * 2, std::chrono::duration_cast<milliseconds>(kLongestRetry));
        }
    }

    asio::awaitable<std::optional<GivenUp>> serve_bank() {
        co_await add_installation_settings(settings_);
        follow_log_level();
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

    asio::awaitable<int> wait_for_end() {
        for (;;) {
            bool serving = false;
            std::optional<GivenUp> why;
            for (const auto& task : tasks_) {
                if (task->failure) {
                    std::rethrow_exception(task->failure);
                }
                serving = serving || (task->running && task != tasks_.back());
                why = task->given_up ? task->given_up : why;
            }
            if (!serving) {
                co_return why == GivenUp::excluded ? 0 : kExitNotOurs;
            }
            co_await changed();
            const auto cancellation = co_await asio::this_coro::cancellation_state;
            if (cancellation.cancelled() != asio::cancellation_type::none) {
                throw boost::system::system_error(asio::error::operation_aborted);
            }
        }
    }

    asio::awaitable<void> say_goodbye() {
        for (auto* unit : host_.units) {
            unit->farewell();
            co_await unit->save(true);
        }
        bank_.farewell();
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

/// Null when nothing is to be recorded.
std::shared_ptr<transport::Recorder> recorder_of(const ServiceOptions& options) {
    if (options.record.empty()) {
        return nullptr;
    }
    spdlog::info("recording every byte to {}", options.record);
    return std::make_shared<transport::Recorder>(options.record,
                                                 [](const std::string& why) { spdlog::error("{}", why); });
}

}  // namespace

asio::awaitable<int> serve(velib::App& app, ServiceOptions options) {
    const auto executor = app.context().get_executor();
    if (options.replay.empty()) {
        auto open_port = local_ports(executor, options.ports.size(), recorder_of(options));
        Service service(app, std::move(options), std::move(open_port));
        co_return co_await service.run();
    }
    const auto recording = load_recording(options.replay);
    auto open_port = recorded_ports(executor, recording, Pace::real, [&app] {
        spdlog::info("the recording has ended");
        app.stop(0);
    });
    // What is known here of other batteries has no part in it.
    const TemporaryFolder folder;
    options.ports = recording->ports;
    options.state_folder = folder.path();
    Service service(app, std::move(options), std::move(open_port));
    co_return co_await service.run();
}

}  // namespace bms
