#include "tsmppt/driver.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

namespace tristar {

namespace asio = boost::asio;

/// A controller and the coroutine that serves it.
struct Driver::Child {
    Child(const Controller::Surroundings& around, const Endpoint& endpoint, bool is_first)
        : controller(around, endpoint, is_first) {}

    Controller controller;
    asio::cancellation_signal cancel;
    std::exception_ptr failure;
    bool running = true;
};

Driver::Driver(velib::App& app, Options options)
    : app_(app),
      options_(std::move(options)),
      settings_(app.bus()),
      changed_(app.context(), asio::steady_timer::time_point::max()) {}

Driver::~Driver() = default;

asio::awaitable<int> Driver::run() {
    co_await settings_.add(setting_specs());
    apply_time_zone();
    const auto handler = [this](std::string_view path, const velib::Value&) { follow(path); };
    const auto own = settings_.subscribe(std::string{kSettingsRoot}, handler);
    const auto zone = settings_.subscribe(std::string{kTimeZoneSetting}, handler);

    std::exception_ptr ended;
    try {
        for (;;) {
            restart_ = false;
            config_ = read_config(settings_);
            start_children();
            co_await wait_for_change();
            co_await stop_children();
        }
    } catch (...) {
        ended = std::current_exception();
    }
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    co_await stop_children();
    std::rethrow_exception(ended);
}

void Driver::follow(std::string_view path) {
    if (path == kTimeZoneSetting) {
        apply_time_zone();
        return;
    }
    if (reconnects(path)) {
        restart_ = true;
        wake();
        return;
    }
    config_ = read_config(settings_);
    if (path.ends_with(kProfileNamesSetting)) {
        warn_of_profiles();
    }
    for (const auto& child : children_) {
        child->controller.profiles_changed();
    }
}

void Driver::apply_time_zone() {
    const auto zone = settings_.text(kTimeZoneSetting);
    if (!clock_.set_zone(zone)) {
        spdlog::warn("{} = \"{}\" is no time zone of this machine; its own is used", kTimeZoneSetting, zone);
    }
}

void Driver::warn_of_profiles() const {
    for (const auto& word : config_.refused_profiles) {
        spdlog::warn("{}{}: \"{}\" is left out: a name has letters, digits, - and _, at most 32 of them",
                     kSettingsRoot, kProfileNamesSetting, word);
    }
}

void Driver::start_children() {
    warn_of_profiles();
    for (const auto& word : config_.refused_hosts) {
        spdlog::warn(
            "{}IPAddress: \"{}\" is left out: it is neither HOST nor HOST:PORT with a port of 1 to 65535",
            kSettingsRoot, word);
    }
    if (config_.endpoints.empty() && config_.refused_hosts.empty()) {
        spdlog::info("no controller to serve: {}IPAddress is empty, or PortNumber or Interval is 0",
                     kSettingsRoot);
    }
    const Controller::Surroundings around{
        app_.bus(), settings_, config_, clock_, options_.state_folder, options_.leave_after, serials_};
    for (const auto& endpoint : config_.endpoints) {
        auto child = std::make_shared<Child>(around, endpoint, children_.empty());
        children_.push_back(child);
        asio::co_spawn(app_.context(), child->controller.run(),
                       asio::bind_cancellation_slot(child->cancel.slot(),
                                                    [this, child](const std::exception_ptr& failure) {
                                                        child->failure = failure;
                                                        child->running = false;
                                                        wake();
                                                    }));
    }
}

/// Returns when the controllers have to be served anew; throws what one of them failed with.
asio::awaitable<void> Driver::wait_for_change() {
    while (!restart_) {
        for (const auto& child : children_) {
            if (!child->running && child->failure) {
                std::rethrow_exception(child->failure);
            }
        }
        boost::system::error_code woken;
        co_await changed_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
        const auto cancellation = co_await asio::this_coro::cancellation_state;
        if (cancellation.cancelled() != asio::cancellation_type::none) {
            throw boost::system::system_error(asio::error::operation_aborted);
        }
    }
}

asio::awaitable<void> Driver::stop_children() {
    for (const auto& child : children_) {
        child->cancel.emit(asio::cancellation_type::terminal);
    }
    while (std::ranges::any_of(children_, [](const auto& child) { return child->running; })) {
        boost::system::error_code woken;
        co_await changed_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    }
    children_.clear();
}

void Driver::wake() {
    changed_.cancel();
}

}  // namespace tristar
