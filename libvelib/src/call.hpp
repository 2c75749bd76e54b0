#pragma once
// Calls to other services and matches of their signals.

#include "message.hpp"
#include "velib/bus.hpp"

#include <chrono>
#include <functional>
#include <memory>
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
    /// Nobody answered in time, or the service went away before it did.
    [[nodiscard]] bool unanswered() const { return error_name == SD_BUS_ERROR_NO_REPLY; }
};

/// Sees the answer at its place among the messages: before every signal that was sent after it. May throw
/// (it is logged) and may end the connection.
using ReplyHandler = std::function<void(CallResult&)>;

inline constexpr std::chrono::milliseconds kCallTimeout = std::chrono::seconds(25);

/// Sends `call` without starting the service it goes to, and hands the answer to `handler`, once. A call that
/// can't be sent, or whose connection is closed meanwhile, is answered with an error like any other.
void begin_call(Bus& bus, message::Message call, ReplyHandler handler,
                std::chrono::milliseconds timeout = kCallTimeout);

/// The same for a coroutine. (Pass a named `on_arrival`: g++ 12 destroys a temporary lambda with captures twice
/// when it stands in the co_await expression.) A coroutine goes on only after other messages may have been handled: what must
/// not be overtaken by a later signal belongs into `on_arrival`.
boost::asio::awaitable<CallResult> send_call(Bus& bus, message::Message call, ReplyHandler on_arrival = {},
                                             std::chrono::milliseconds timeout = kCallTimeout);

struct UnrefSlot {
    void operator()(sd_bus_slot* slot) const { sd_bus_slot_unref(slot); }
};
/// Ends the match when destroyed.
using Match = std::unique_ptr<sd_bus_slot, UnrefSlot>;

/// Calls `handler` for every message that `rule` matches. It may throw (it is logged), end the match and end
/// the connection.
[[nodiscard]] Match add_match(Bus& bus, const std::string& rule,
                              std::function<void(sd_bus_message*)> handler);

}  // namespace velib
