#include "smartsolar/driver/gatt_session.hpp"

#include <algorithm>

namespace smartsolar {
namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

namespace {

std::chrono::milliseconds now() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now().time_since_epoch());
}

// The published service has no session: each value is read once.
asio::awaitable<void> read_published(bluez::GattLink& link, const OnMessage& on_message) {
    for (auto& [number, data] : co_await link.read_published()) {
        VregMessage message;
        message.vreg = number;
        message.data = std::move(data);
        if (!on_message(message)) {
            co_return;
        }
    }
}

asio::awaitable<std::optional<bluez::LinkFault>> converse(bluez::GattLink& link, Session& session,
                                                          Clock::time_point until, bool linger,
                                                          const OnMessage& on_message) {
    while (Clock::now() < until) {
        while (auto next = session.next_write(now())) {
            if (auto fault = co_await link.write(*std::move(next))) {
                co_return fault;
            }
        }
        if (session.finished() && !linger) {
            co_return std::nullopt;
        }
        const auto due = Clock::time_point(session.next_due());
        auto notification = co_await link.next(std::min(until, due));
        if (!notification) {
            if (!link.connected()) {
                co_return bluez::LinkFault{bluez::LinkFault::Kind::failed, "the link was cut"};
            }
            continue;
        }
        std::vector<VregMessage> messages;
        session.on_notification(notification->from, notification->bytes, now(), messages);
        for (const auto& message : messages) {
            if (!on_message(message)) {
                co_return std::nullopt;
            }
        }
    }
    co_return std::nullopt;
}

}  // namespace

asio::awaitable<SessionResult> run_session(bluez::Client& client, SessionRequest request,
                                           OnMessage on_message) {
    const bluez::Client::Hold hold(client);
    bluez::GattLink link(client, request.address);
    SessionResult result;
    result.fault = co_await link.open(request.passkey);
    if (!result.fault) {
        request.plan.fragment_size = link.fragment_size();
        Session session(std::move(request.plan), now());
        result.fault =
            co_await converse(link, session, Clock::now() + request.limit, request.linger, on_message);
        result.unanswered = session.unanswered().size();
        result.dropped = session.dropped();
    } else if (result.fault->kind == bluez::LinkFault::Kind::published_only) {
        result.fault.reset();
        co_await read_published(link, on_message);
    }
    co_await link.close();
    co_return result;
}

}  // namespace smartsolar
