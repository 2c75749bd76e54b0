#pragma once
// A method call that a coroutine waits for.

#include "message.hpp"
#include "velib/bus.hpp"

#include <chrono>
#include <string>

#include <boost/asio/awaitable.hpp>

namespace velib {

/// The answer to a call: the reply, or the name and text of the error.
struct CallResult {
    message::Message reply;
    std::string error_name;
    std::string error_text;

    [[nodiscard]] bool ok() const { return reply != nullptr; }
    /// Nobody has the name that was called.
    [[nodiscard]] bool service_missing() const;
};

/// Sends `call` without starting the service it goes to. Never throws for what the other side does; a closed
/// connection is an error like any other.
boost::asio::awaitable<CallResult> send_call(Bus& bus, message::Message call,
                                             std::chrono::milliseconds timeout = std::chrono::seconds(25));

}  // namespace velib
