#pragma once
// Waiting, in a coroutine.

#include <chrono>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace common {

/// Returns after the time; cancellation ends it with operation_aborted.
inline boost::asio::awaitable<void> pause(std::chrono::duration<double> time) {
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
    timer.expires_after(std::chrono::duration_cast<std::chrono::milliseconds>(time));
    co_await timer.async_wait(boost::asio::use_awaitable);
}

}  // namespace common
