#include "tsmppt/profile_run.hpp"

#include "common/pause.hpp"

#include <chrono>

#include <fmt/format.h>

namespace tristar {

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr auto kRestartPause = 500ms;
constexpr int kRestartTries = 40;
constexpr auto kDisconnectPause = 500ms;
constexpr int kDisconnectTries = 60;

asio::awaitable<bool> wait_until_disconnected(Link& link, const ProfileHooks& hooks) {
    for (int i = 0; i < kDisconnectTries; ++i) {
        const auto charger = co_await link.read_charger(false);
        if (charger) {
            hooks.reading(*charger);
            if (charger->charge_state == static_cast<std::uint32_t>(ChargeState::disconnect)) {
                co_return true;
            }
        }
        co_await common::pause(kDisconnectPause);
    }
    co_return false;
}

/// What differs from the plan in the controller's memory, in a sentence; empty: nothing.
asio::awaitable<std::string> verify(Link& link, const SetPointWrite& write) {
    const auto word = co_await link.read_word(write.address);
    if (!word) {
        co_return fmt::format("register {:#06x} could not be read back: {}", write.address,
                              word.error().text());
    }
    const int difference = int{*word} - int{write.word};
    if (difference < -1 || difference > 1) {
        co_return fmt::format("register {:#06x} holds {} instead of {}", write.address, *word, write.word);
    }
    co_return std::string{};
}

asio::awaitable<std::string> write_all(Link& link, const std::vector<SetPointWrite>& plan,
                                       double volts_per_unit, const ProfileHooks& hooks) {
    int done = 0;
    for (const auto& write : plan) {
        hooks.progress("writing", 20 + 50 * done++ / static_cast<int>(plan.size()));
        const auto request = write_set_point(link.unit(), write.address, write.value, volts_per_unit);
        if (!request) {
            co_return std::string{describe(request.error())};
        }
        const auto written = co_await link.write(*request);
        if (!written) {
            co_return fmt::format("register {:#06x} could not be written: {}", write.address,
                                  written.error().text());
        }
        auto wrong = co_await verify(link, write);
        if (!wrong.empty()) {
            co_return wrong;
        }
    }
    co_return std::string{};
}

}  // namespace

asio::awaitable<bool> restart_controller(Link& link) {
    const auto answer = co_await link.write(write_coil(link.unit(), Coil::reset_control, true));
    co_return answer || !answer.error().refused();
}

asio::awaitable<bool> wait_for_restart(Link& link) {
    for (int i = 0; i < kRestartTries; ++i) {
        co_await common::pause(kRestartPause);
        const auto charger = co_await link.read_charger(false);
        if (charger) {
            co_return true;
        }
    }
    co_return false;
}

asio::awaitable<std::string> write_profile(Link& link, std::vector<SetPointWrite> plan, double volts_per_unit,
                                           ProfileHooks hooks) {
    hooks.progress("disconnecting", 10);
    const auto stopped = co_await link.write(write_coil(link.unit(), Coil::disconnect, true));
    if (!stopped) {
        co_return "charging could not be stopped: " + stopped.error().text();
    }
    const bool idle = co_await wait_until_disconnected(link, hooks);
    if (!idle) {
        co_return std::string{"the controller did not stop charging"};
    }
    auto wrong = co_await write_all(link, plan, volts_per_unit, hooks);
    if (!wrong.empty()) {
        co_return wrong;
    }
    hooks.progress("resetting", 75);
    hooks.before_reset();
    const bool restarting = co_await restart_controller(link);
    if (!restarting) {
        co_return std::string{"the controller refused to restart"};
    }
    const bool back = co_await wait_for_restart(link);
    if (!back) {
        co_return std::string{"the controller did not come back after its restart"};
    }
    hooks.progress("resetting", 90);
    for (const auto& write : plan) {
        wrong = co_await verify(link, write);
        if (!wrong.empty()) {
            co_return wrong;
        }
    }
    co_return std::string{};
}

}  // namespace tristar
