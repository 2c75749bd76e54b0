#include "serialbattery/driver/replay_port.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/use_awaitable.hpp>

namespace bms {
namespace asio = boost::asio;

ReplayPort::ReplayPort(const asio::any_io_executor& executor, SharedRecording recording, unsigned port,
                       Pace pace, std::function<void()> ended)
    : timer_(executor), pace_(pace), ended_(std::move(ended)), playback_(std::move(recording), port, now_) {}

std::optional<SerialFault> ReplayPort::set_line(const Line& line) {
    playback_.set_line(recorded(line));
    return std::nullopt;
}

asio::awaitable<wire::Expected<std::size_t, SerialFault>> ReplayPort::read_some(std::span<std::uint8_t> into,
                                                                                TimePoint until) {
    if (left_.empty()) {
        const auto when = playback_.next();
        co_await pause(when ? std::min(std::max(*when, now()), until) : until);
        if (!when || *when > until) {
            co_return std::size_t{0};
        }
        left_ = playback_.take();
    }
    const auto count = std::min(into.size(), left_.size());
    std::ranges::copy(left_.first(count), into.begin());
    left_ = left_.subspan(count);
    co_return count;
}

asio::awaitable<std::optional<SerialFault>> ReplayPort::write(Bytes bytes) {
    left_ = {};
    if (playback_.ended()) {
        std::exchange(ended_, [] {})();
        co_return SerialFault::gone;
    }
    playback_.sent(bytes, now());
    co_return std::nullopt;
}

asio::awaitable<void> ReplayPort::pause(TimePoint until) {
    // Even without waiting others get their turn, and a cancellation is noticed.
    timer_.expires_at(pace_ == Pace::real ? until : Clock::now());
    co_await timer_.async_wait(asio::use_awaitable);
    now_ = std::max(now_, until);
}

}  // namespace bms
