#include "velib/app.hpp"

#include <chrono>
#include <exception>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace velib {
namespace asio = boost::asio;

const char* suite_version() {
    return VENUS_VERSION;
}

struct App::Stop {
    explicit Stop(asio::io_context& context) : signals(context, SIGTERM, SIGINT), grace(context) {}
    asio::cancellation_signal cancel;
    asio::signal_set signals;
    asio::steady_timer grace;
    bool requested = false;
    int exit_code = 0;
};

App::App(std::string name, std::string description)
    : name_(std::move(name)), cli_(std::move(description), name_), stop_(std::make_unique<Stop>(context_)) {
    cli_.add_option("--dbus", bus_address_,
                    "bus to use: system, session or an address; default: the session bus when "
                    "DBUS_SESSION_BUS_ADDRESS is set, else the system bus");
    cli_.add_option("--log-level", log_level_, "what to log")
        ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
        ->capture_default_str();
    cli_.set_version_flag("--version", std::string(suite_version()));
}

App::~App() = default;

BusContext App::bus() {
    return {context_.get_executor(), {bus_address_}, [this](const std::string& reason) {
                if (!stop_->requested) {
                    spdlog::error("lost the message bus: {}", reason);
                    stop(1);
                }
            }};
}

int App::run(int argc, char** argv, std::function<asio::awaitable<int>()> body) {
    try {
        cli_.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return cli_.exit(error) == 0 ? 0 : 2;
    }
    // To stderr: results of command line calls go to stdout; under daemontools both are one.
    spdlog::set_default_logger(spdlog::stderr_logger_st(name_));
    spdlog::set_pattern("%l: %v");
    spdlog::set_level(spdlog::level::from_str(log_level_));
    spdlog::flush_on(spdlog::level::debug);

    watch_signals();
    int exit_code = 1;
    asio::co_spawn(
        context_, std::move(body),
        asio::bind_cancellation_slot(stop_->cancel.slot(), [&](const std::exception_ptr& failure, int code) {
            exit_code = code;
            if (failure && !stop_->requested) {
                try {
                    std::rethrow_exception(failure);
                } catch (const std::exception& error) {
                    spdlog::error("{}", error.what());
                }
                exit_code = 1;
            }
            context_.stop();
        }));
    context_.run();
    return stop_->requested ? stop_->exit_code : exit_code;
}

void App::watch_signals() {
    stop_->signals.async_wait([this](boost::system::error_code error, int) {
        if (!error) {
            stop(0);
        }
    });
}

void App::stop(int exit_code) {
    if (stop_->requested) {
        return;
    }
    stop_->requested = true;
    stop_->exit_code = exit_code;
    stop_->grace.expires_after(std::chrono::seconds(2));
    stop_->grace.async_wait([this](boost::system::error_code error) {
        if (!error) {
            context_.stop();
        }
    });
    // The caller may be the very coroutine that is to be cancelled.
    asio::post(context_, [this] { stop_->cancel.emit(asio::cancellation_type::terminal); });
}

}  // namespace velib
