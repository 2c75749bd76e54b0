#include "call.hpp"

#include <optional>
#include <utility>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

namespace velib {
namespace asio = boost::asio;

namespace {

// sd-bus is C: nothing may be thrown through it.
template <class Work>
void guarded(Work&& work) {
    try {
        work();
    } catch (const std::exception& error) {
        spdlog::error("handling a message failed: {}", error.what());
    }
}

struct PendingCall {
    ReplyHandler handler;

    void answer(CallResult result) {
        if (const auto once = std::exchange(handler, {})) {
            guarded([&] { once(result); });
        }
    }
};

int on_reply(sd_bus_message* reply, void* userdata, sd_bus_error*) {
    CallResult result;
    if (const auto* error = sd_bus_message_get_error(reply)) {
        result.error_name = error->name != nullptr ? error->name : "";
        result.error_text = error->message != nullptr ? error->message : "";
    } else {
        result.reply.reset(sd_bus_message_ref(reply));
    }
    static_cast<PendingCall*>(userdata)->answer(std::move(result));
    return 1;
}

// Also runs when the connection goes away with the call unanswered.
void on_call_forgotten(void* userdata) {
    const std::unique_ptr<PendingCall> pending(static_cast<PendingCall*>(userdata));
    pending->answer({nullptr, SD_BUS_ERROR_DISCONNECTED, "the connection was closed"});
}

// Shared by a waiting coroutine and the call, whichever lives longer.
struct Waiting {
    explicit Waiting(const asio::any_io_executor& executor)
        : wake(executor, asio::steady_timer::time_point::max()) {}
    std::optional<CallResult> result;
    asio::steady_timer wake;
};

using MatchHandler = std::function<void(sd_bus_message*)>;

int on_match(sd_bus_message* message, void* userdata, sd_bus_error*) {
    guarded([&] { (*static_cast<MatchHandler*>(userdata))(message); });
    return 0;
}

void on_match_forgotten(void* userdata) {
    delete static_cast<MatchHandler*>(userdata);
}

}  // namespace

bool CallResult::service_missing() const {
    return error_name == SD_BUS_ERROR_SERVICE_UNKNOWN || error_name == SD_BUS_ERROR_NAME_HAS_NO_OWNER;
}

void begin_call(Bus& bus, message::Message call, ReplyHandler handler, std::chrono::milliseconds timeout) {
    message::check(sd_bus_message_set_auto_start(call.get(), 0));
    auto pending = std::make_unique<PendingCall>(PendingCall{std::move(handler)});
    sd_bus_slot* slot = nullptr;
    const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(timeout).count();
    const int sent = sd_bus_call_async(bus.raw(), &slot, call.get(), &on_reply, pending.get(),
                                       static_cast<std::uint64_t>(microseconds));
    if (sent < 0) {
        pending->answer({nullptr, SD_BUS_ERROR_DISCONNECTED, "the call could not be sent"});
        return;
    }
    static_cast<void>(pending.release());
    sd_bus_slot_set_destroy_callback(slot, &on_call_forgotten);
    sd_bus_slot_set_floating(slot, 1);
    sd_bus_slot_unref(slot);
    bus.sent();
}

asio::awaitable<CallResult> send_call(Bus& bus, message::Message call, ReplyHandler on_arrival,
                                      std::chrono::milliseconds timeout) {
    const auto waiting = std::make_shared<Waiting>(bus.context().executor);
    begin_call(
        bus, std::move(call),
        [waiting, on_arrival = std::move(on_arrival)](CallResult& result) {
            if (on_arrival) {
                guarded([&] { on_arrival(result); });
            }
            waiting->result = std::move(result);
            waiting->wake.cancel();
        },
        timeout);
    if (!waiting->result) {
        boost::system::error_code woken;
        co_await waiting->wake.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    }
    if (!waiting->result) {
        throw boost::system::system_error(asio::error::operation_aborted);
    }
    co_return std::move(*waiting->result);
}

Match add_match(Bus& bus, const std::string& rule, MatchHandler handler) {
    auto owned = std::make_unique<MatchHandler>(std::move(handler));
    sd_bus_slot* slot = nullptr;
    message::check(sd_bus_add_match_async(bus.raw(), &slot, rule.c_str(), &on_match, nullptr, owned.get()));
    sd_bus_slot_set_destroy_callback(slot, &on_match_forgotten);
    static_cast<void>(owned.release());
    bus.sent();
    return Match(slot);
}

}  // namespace velib
