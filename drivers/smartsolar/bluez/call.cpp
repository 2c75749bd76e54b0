#include "smartsolar/bluez/call.hpp"

#include <optional>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace smartsolar::bluez {
namespace asio = boost::asio;

namespace {

// Destroying it abandons the call.
struct Pending {
    explicit Pending(const asio::any_io_executor& executor)
        : wake(executor, asio::steady_timer::time_point::max()) {}

    std::optional<Reply> reply;
    asio::steady_timer wake;
    std::unique_ptr<sdbus::IProxy> proxy;
    sdbus::Slot slot;
};

}  // namespace

bool CallFault::is(std::string_view bluez_error) const {
    constexpr std::string_view kPrefix = "org.bluez.Error.";
    return name.starts_with(kPrefix) && std::string_view(name).substr(kPrefix.size()) == bluez_error;
}

asio::awaitable<Reply> send(velib::Bus& bus, std::unique_ptr<sdbus::IProxy> proxy, sdbus::MethodCall message,
                            std::chrono::milliseconds timeout) {
    const auto pending = std::make_shared<Pending>(bus.context().executor);
    pending->proxy = std::move(proxy);
    try {
        pending->slot = pending->proxy->callMethodAsync(
            message,
            [weak = std::weak_ptr(pending)](sdbus::MethodReply reply, std::optional<sdbus::Error> error) {
                if (const auto waiting = weak.lock()) {
                    if (error) {
                        waiting->reply.emplace(
                            wire::Unexpected{CallFault{error->getName(), error->getMessage()}});
                    } else {
                        waiting->reply.emplace(std::move(reply));
                    }
                    waiting->wake.cancel();
                }
            },
            timeout, sdbus::return_slot);
    } catch (const sdbus::Error& error) {
        co_return wire::Unexpected{CallFault{error.getName(), error.getMessage()}};
    }
    bus.sent();
    boost::system::error_code woken;
    co_await pending->wake.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    if (!pending->reply) {
        throw boost::system::system_error(asio::error::operation_aborted);
    }
    co_return std::move(*pending->reply);
}

}  // namespace smartsolar::bluez
