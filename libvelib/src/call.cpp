#include "call.hpp"

#include <memory>
#include <optional>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace velib {
namespace asio = boost::asio;

namespace {

// Shared by the waiting coroutine and sd-bus's callback, whichever lives longer.
struct Pending {
    explicit Pending(const asio::any_io_executor& executor)
        : wake(executor, asio::steady_timer::time_point::max()) {}
    std::optional<CallResult> result;
    asio::steady_timer wake;
};
using Handle = std::shared_ptr<Pending>;

int on_reply(sd_bus_message* reply, void* userdata, sd_bus_error*) {
    auto& pending = **static_cast<Handle*>(userdata);
    pending.result.emplace();
    if (const auto* error = sd_bus_message_get_error(reply)) {
        pending.result->error_name = error->name != nullptr ? error->name : "";
        pending.result->error_text = error->message != nullptr ? error->message : "";
    } else {
        pending.result->reply.reset(sd_bus_message_ref(reply));
    }
    pending.wake.cancel();
    return 1;
}

// Also runs when the connection goes away with the call unanswered.
void on_forgotten(void* userdata) {
    auto* handle = static_cast<Handle*>(userdata);
    if (!(*handle)->result) {
        (*handle)->result.emplace();
        (*handle)->result->error_name = SD_BUS_ERROR_DISCONNECTED;
        (*handle)->result->error_text = "the connection was closed";
        (*handle)->wake.cancel();
    }
    delete handle;
}

}  // namespace

bool CallResult::service_missing() const {
    return error_name == SD_BUS_ERROR_SERVICE_UNKNOWN || error_name == SD_BUS_ERROR_NAME_HAS_NO_OWNER;
}

asio::awaitable<CallResult> send_call(Bus& bus, message::Message call, std::chrono::milliseconds timeout) {
    const auto pending = std::make_shared<Pending>(bus.context().executor);
    message::check(sd_bus_message_set_auto_start(call.get(), 0));
    auto userdata = std::make_unique<Handle>(pending);
    sd_bus_slot* slot = nullptr;
    const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(timeout).count();
    const int sent = sd_bus_call_async(bus.raw(), &slot, call.get(), &on_reply, userdata.get(),
                                       static_cast<std::uint64_t>(microseconds));
    if (sent < 0) {
        co_return CallResult{nullptr, SD_BUS_ERROR_DISCONNECTED, "the call could not be sent"};
    }
    sd_bus_slot_set_destroy_callback(slot, &on_forgotten);
    sd_bus_slot_set_floating(slot, 1);
    sd_bus_slot_unref(slot);
    static_cast<void>(userdata.release());
    bus.sent();

    boost::system::error_code woken;
    co_await pending->wake.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    if (!pending->result) {
        throw boost::system::system_error(asio::error::operation_aborted);
    }
    co_return std::move(*pending->result);
}

}  // namespace velib
