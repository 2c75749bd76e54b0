#include "watch.hpp"

#include "client.hpp"
#include "output.hpp"
#include "terminal.hpp"
#include "view.hpp"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <memory>
#include <utility>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace velib::cli {
namespace asio = boost::asio;

namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kPrefix = "com.victronenergy.";
// Many values change together; a screen a fifth of a second is quick enough for eyes.
constexpr std::chrono::milliseconds kFrame{200};

Json value_json(const Value& value) {
    return std::visit(
        [](const auto& content) -> Json {
            if constexpr (std::is_same_v<std::decay_t<decltype(content)>, std::monostate>) {
                return nullptr;
            } else {
                return content;
            }
        },
        value.storage());
}

// The prefix of names that a user's word stands for.
std::string prefix_of(const std::string& service) {
    return service.starts_with(kPrefix) ? service : std::string(kPrefix) + service;
}

// "battery" and "battery.tty" stand for com.victronenergy.battery.ttyUSB0, the whole name only for itself.
bool is_wanted(std::string_view name, std::string_view prefix, const Services& services) {
    return name == prefix || (name.starts_with(prefix) && services.find(prefix) == services.end());
}

// Where the events go: a screen, lines, or lines of JSON.
class Output {
  public:
    Output() = default;
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;
    virtual ~Output() = default;
    virtual void appeared(const MonitoredService& service) = 0;
    virtual void changed(const MonitoredService& service, std::string_view path,
                         const MonitoredItem& item) = 0;
    virtual void gone(const MonitoredService& service) = 0;
    /// When it wants to draw next; nothing: not before the next event.
    virtual std::optional<Clock::time_point> next_draw() { return std::nullopt; }
    virtual void draw(const Services&) {}
    /// The last word, after the time that was asked for.
    virtual void finish(const Services& services) = 0;
};

void print_snapshot(const Services& services, const WatchOptions& options) {
    const bool terminal = Terminal::usable();
    if (!terminal) {
        for (const auto& [name, service] : services) {
            for (const auto& [path, item] : service.items) {
                fmt::print("{}\n", plain_line(name, path, item));
            }
        }
        return;
    }
    const auto screen = render(services, {},
                               {.width = Terminal::size().columns,
                                .height = 0,
                                .color = Terminal::color(),
                                .unicode = Terminal::unicode(),
                                .history = options.history,
                                .title = options.title});
    for (const auto& line : screen.lines) {
        fmt::print("{}\n", line);
    }
}

class LineOutput final : public Output {
  public:
    explicit LineOutput(const WatchOptions& options) : options_(options) {}

    void appeared(const MonitoredService& service) override {
        fmt::print("{} appeared\n", service.name);
        for (const auto& [path, item] : service.items) {
            fmt::print("{}\n", plain_line(service.name, path, item));
        }
        std::fflush(stdout);
    }
    void changed(const MonitoredService& service, std::string_view path, const MonitoredItem& item) override {
        fmt::print("{}\n", plain_line(service.name, path, item));
        std::fflush(stdout);
    }
    void gone(const MonitoredService& service) override {
        fmt::print("{} left\n", service.name);
        std::fflush(stdout);
    }
    void finish(const Services& services) override {
        fmt::print("\n");
        print_snapshot(services, options_);
    }

  private:
    const WatchOptions& options_;
};

class JsonOutput final : public Output {
  public:
    void appeared(const MonitoredService& service) override {
        print_json({{"service", service.name}, {"event", "appeared"}});
        for (const auto& [path, item] : service.items) {
            print_item(service, path, item);
        }
        std::fflush(stdout);
    }
    void changed(const MonitoredService& service, std::string_view path, const MonitoredItem& item) override {
        print_item(service, path, item);
        std::fflush(stdout);
    }
    void gone(const MonitoredService& service) override {
        print_json({{"service", service.name}, {"event", "left"}});
        std::fflush(stdout);
    }
    void finish(const Services&) override {}

    static void snapshot(const Services& services) {
        auto all = Json::object();
        for (const auto& [name, service] : services) {
            auto& items = all[name] = Json::object();
            for (const auto& [path, item] : service.items) {
                items[path] = {{"value", value_json(item.value)}, {"text", item.text}};
            }
        }
        print_json(all);
    }

  private:
    static void print_item(const MonitoredService& service, std::string_view path,
                           const MonitoredItem& item) {
        print_json({{"service", service.name},
                    {"path", path},
                    {"value", value_json(item.value)},
                    {"text", item.text}});
    }
};

class ScreenOutput final : public Output {
  public:
    explicit ScreenOutput(const WatchOptions& options) : options_(options) {
        style_ = {.color = Terminal::color(),
                  .unicode = Terminal::unicode(),
                  .history = options.history,
                  .title = options.title};
        terminal_.enter();
    }

    [[nodiscard]] bool reads_keys() const { return terminal_.reads_keys(); }

    void appeared(const MonitoredService&) override { dirty_ = true; }
    void changed(const MonitoredService& service, std::string_view path, const MonitoredItem&) override {
        changes_.note(service.name, path, Clock::now());
        dirty_ = true;
    }
    void gone(const MonitoredService& service) override {
        changes_.forget(service.name);
        dirty_ = true;
    }
    std::optional<Clock::time_point> next_draw() override {
        if (dirty_) {
            return drawn_ + kFrame;
        }
        return changes_.next_expiry();
    }
    void draw(const Services& services) override {
        drawn_ = Clock::now();
        dirty_ = false;
        changes_.expire(drawn_);
        const auto size = Terminal::size();
        style_.width = size.columns;
        style_.height = size.rows;
        const auto screen = render(services, changes_, style_);
        most_scroll_ = screen.most_scroll;
        style_.scroll = std::min(style_.scroll, most_scroll_);
        Terminal::draw(screen.lines);
    }
    void finish(const Services& services) override {
        terminal_.leave();
        print_snapshot(services, options_);
    }

    /// False when the user wants to quit.
    bool press(Key key) {
        const auto page = style_.height > 4 ? style_.height - 4 : 1;
        auto& scroll = style_.scroll;
        dirty_ = true;
        drawn_ = {};  // keys are answered at once
        switch (key) {
            case Key::quit:
                return false;
            case Key::history:
                style_.history = !style_.history;
                break;
            case Key::up:
                scroll -= std::min<std::size_t>(scroll, 1);
                break;
            case Key::down:
                scroll = std::min(scroll + 1, most_scroll_);
                break;
            case Key::page_up:
                scroll -= std::min(scroll, page);
                break;
            case Key::page_down:
                scroll = std::min(scroll + page, most_scroll_);
                break;
            case Key::top:
                scroll = 0;
                break;
            case Key::bottom:
                scroll = most_scroll_;
                break;
            case Key::none:
                break;
        }
        return true;
    }

    void resized() {
        dirty_ = true;
        drawn_ = {};
    }

    /// Gives the terminal to the shell until the user comes back.
    void suspend() {
        terminal_.leave();
        raise(SIGSTOP);
        terminal_.enter();
        resized();
    }

  private:
    const WatchOptions& options_;
    Terminal terminal_;
    ViewStyle style_;
    Changes changes_;
    Clock::time_point drawn_{};
    std::size_t most_scroll_ = 0;
    bool dirty_ = true;
};

class Watch {
  public:
    Watch(const BusContext& context, const WatchOptions& options)
        : options_(options), wake_(context.executor), input_(context.executor), signals_(context.executor) {
        if (options.json) {
            output_ = std::make_unique<JsonOutput>();
        } else if (!options.once && Terminal::usable()) {
            auto screen = std::make_unique<ScreenOutput>(options);
            screen_ = screen.get();
            output_ = std::move(screen);
            watch_terminal();
        } else {
            output_ = std::make_unique<LineOutput>(options);
        }
        monitor_ = std::make_unique<Monitor>(
            context, std::vector{prefix_of(options.service)},
            Monitor::Handlers{
                .appeared = [this](const auto& service) { heard(&Output::appeared, service); },
                .changed = [this](const auto& service, auto path,
                                  const auto& item) { heard(&Output::changed, service, path, item); },
                .gone = [this](const auto& service) { heard(&Output::gone, service); },
                .settled =
                    [this] {
                        settled_ = true;
                        tell_what_is_missing();
                        wake_.cancel();
                    }});
    }

    asio::awaitable<int> run() {
        const auto end = options_.duration ? Clock::now() + *options_.duration : Clock::time_point::max();
        while (!quit_ && Clock::now() < end && !(options_.once && settled_)) {
            const auto draw_at = output_->next_draw().value_or(Clock::time_point::max());
            if (draw_at <= Clock::now()) {
                output_->draw(wanted_services());
                continue;
            }
            wake_.expires_at(std::min(draw_at, end));
            boost::system::error_code woken;
            co_await wake_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
            if ((co_await asio::this_coro::cancellation_state).cancelled() != asio::cancellation_type::none) {
                co_return 0;
            }
        }
        co_return conclude();
    }

  private:
    template <class Event, class... Arguments>
    void heard(Event event, const MonitoredService& service, const Arguments&... arguments) {
        if (options_.once || !is_wanted(service.name, prefix_of(options_.service), monitor_services())) {
            return;
        }
        seen_ = true;
        (output_.get()->*event)(service, arguments...);
        wake_.cancel();
    }

    // The first events may come while the monitor is being made.
    const Services& monitor_services() const {
        static const Services kNone;
        return monitor_ ? monitor_->services() : kNone;
    }

    // It may come, so it is waited for; but a name that was misspelt should not look like a service that is silent.
    void tell_what_is_missing() {
        const bool waits = !options_.once && !options_.duration && screen_ == nullptr;
        if (waits && !options_.service.empty() && !seen_) {
            fmt::print(stderr, "velib: there is no service {} on the bus yet\n", prefix_of(options_.service));
        }
    }

    const Services& wanted_services() {
        if (options_.service.empty()) {
            return monitor_services();
        }
        wanted_.clear();
        for (const auto& [name, service] : monitor_services()) {
            if (is_wanted(name, prefix_of(options_.service), monitor_services())) {
                wanted_.emplace(name, service);
            }
        }
        return wanted_;
    }

    int conclude() {
        const auto& services = wanted_services();
        const bool missed = !options_.service.empty() && services.empty() && !seen_;
        if (!options_.once && !quit_) {
            output_->finish(services);
        }
        if (missed && !quit_) {
            throw Failure(fmt::format("there is no service {} on the bus", prefix_of(options_.service)));
        }
        if (!options_.once) {
            return 0;
        }
        if (options_.json) {
            JsonOutput::snapshot(services);
        } else {
            print_snapshot(services, options_);
        }
        return 0;
    }

    void watch_terminal() {
        signals_.add(SIGWINCH);
        signals_.add(SIGTSTP);
        wait_signal();
        if (screen_->reads_keys()) {
            input_.assign(dup(STDIN_FILENO));
            wait_key();
        }
    }

    void wait_signal() {
        signals_.async_wait([this](boost::system::error_code error, int signal) {
            if (error) {
                return;
            }
            if (signal == SIGTSTP) {
                screen_->suspend();
            } else {
                screen_->resized();
            }
            wake_.cancel();
            wait_signal();
        });
    }

    void wait_key() {
        input_.async_wait(asio::posix::stream_descriptor::wait_read, [this](boost::system::error_code error) {
            char sent[64];
            const auto length = error ? 0 : read(input_.native_handle(), sent, sizeof sent);
            if (length <= 0) {
                return;
            }
            for (const auto key : keys_in({sent, static_cast<std::size_t>(length)})) {
                quit_ = quit_ || !screen_->press(key);
            }
            wake_.cancel();
            wait_key();
        });
    }

    const WatchOptions& options_;
    asio::steady_timer wake_;
    asio::posix::stream_descriptor input_;
    asio::signal_set signals_;
    std::unique_ptr<Output> output_;
    ScreenOutput* screen_ = nullptr;
    std::unique_ptr<Monitor> monitor_;
    Services wanted_;  // those that were asked for, when not all were
    bool settled_ = false;
    bool seen_ = false;  // the service that was asked for, at any time
    bool quit_ = false;
};

}  // namespace

asio::awaitable<int> watch(BusContext context, WatchOptions options) {
    Watch running(context, options);
    co_return co_await running.run();
}

}  // namespace velib::cli
