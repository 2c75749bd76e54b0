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
constexpr auto kMemoryPause = 1s;

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

/// The memory takes a moment: what differs is looked at once more. The last word that was read.
asio::awaitable<LinkResult<std::uint16_t>> read_back(Link& link, std::uint16_t address,
                                                     std::uint16_t wanted) {
    auto word = co_await link.read_word(address);
    if (word && !is_same_set_point(*word, wanted)) {
        co_await common::pause(kMemoryPause);
        word = co_await link.read_word(address);
    }
    co_return word;
}

/// What differs from the plan in the controller's memory, in a sentence; empty: nothing.
asio::awaitable<std::string> verify(Link& link, const SetPointWrite& write) {
    const auto word = co_await read_back(link, write.address, write.word);
    if (!word) {
        co_return fmt::format("register {:#06x} could not be read back: {}", write.address,
                              word.error().text());
    }
    if (!is_same_set_point(*word, write.word)) {
        co_return fmt::format("register {:#06x} holds {} instead of {}", write.address, *word, write.word);
    }
    co_return std::string{};
}

/// A set point as it was before it was written.
struct FormerSetPoint {
    std::uint16_t address;
    std::uint16_t word;
};

asio::awaitable<std::string> write_all(Link& link, const std::vector<SetPointWrite>& plan,
                                       double volts_per_unit, const ProfileHooks& hooks,
                                       std::vector<FormerSetPoint>& former) {
    int done = 0;
    for (const auto& write : plan) {
        hooks.progress("writing", 20 + 50 * done++ / static_cast<int>(plan.size()));
        const auto request = write_set_point(link.unit(), write.address, write.value, volts_per_unit);
        if (!request) {
            co_return std::string{describe(request.error())};
        }
        const auto before = co_await link.read_word(write.address);
        if (!before) {
            co_return fmt::format("register {:#06x} could not be read: {}", write.address,
                                  before.error().text());
        }
        former.push_back({write.address, *before});
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

/// The controller takes new set points, and lets go of the fault that writing them raised, when it restarts.
asio::awaitable<std::string> restart_with(Link& link, const ProfileHooks& hooks) {
    hooks.before_reset();
    const bool restarting = co_await restart_controller(link);
    if (!restarting) {
        co_return std::string{"the controller refused to restart"};
    }
    const bool back = co_await wait_for_restart(link);
    co_return std::string{back ? "" : "the controller did not come back after its restart"};
}

/// Writes what was there before, the last one first. How that went, for the end of a sentence.
asio::awaitable<std::string> take_back(Link& link, const std::vector<FormerSetPoint>& former,
                                       const ProfileHooks& hooks) {
    bool restored = true;
    for (auto point = former.rbegin(); point != former.rend(); ++point) {
        const auto request = restore_set_point(link.unit(), point->address, point->word);
        if (request) {
            co_await link.write(*request);
        }
        const auto word = co_await read_back(link, point->address, point->word);
        restored = restored && word && is_same_set_point(*word, point->word);
    }
    const auto wrong = co_await restart_with(link, hooks);
    co_return restored&& wrong.empty() ? "; the former set points are back"
                                       : "; the former set points could not be brought back";
}

asio::awaitable<std::string> write_and_check(Link& link, const std::vector<SetPointWrite>& plan,
                                             double volts_per_unit, const ProfileHooks& hooks,
                                             std::vector<FormerSetPoint>& former) {
    auto wrong = co_await write_all(link, plan, volts_per_unit, hooks, former);
    if (!wrong.empty()) {
        co_return wrong;
    }
    hooks.progress("resetting", 75);
    wrong = co_await restart_with(link, hooks);
    if (!wrong.empty()) {
        co_return wrong;
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
    std::vector<FormerSetPoint> former;
    auto wrong = co_await write_and_check(link, plan, volts_per_unit, hooks, former);
    if (!wrong.empty() && !former.empty()) {
        hooks.progress("restoring", 95);
        wrong += co_await take_back(link, former, hooks);
    }
    co_return wrong;
}

}  // namespace tristar
