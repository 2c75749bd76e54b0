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

// Gives the session a notification. False when the receiver of the values has enough.
bool take(Session& session, const bluez::GattLink::Notification& notification, const OnMessage& on_message) {
    std::vector<VregMessage> messages;
    session.on_notification(notification.from, notification.bytes, now(), messages);
    return std::ranges::all_of(messages, on_message);
}

asio::awaitable<std::optional<bluez::LinkFault>> converse(bluez::GattLink& link, Session& session,
                                                          Clock::time_point until, bool linger,
                                                          const OnMessage& on_message) {
    std::optional<bluez::LinkFault> fault;
    while (Clock::now() < until) {
        // What has come already counts, also when the link is down by now.
        while (const auto waiting = link.received()) {
            if (!take(session, *waiting, on_message)) {
                co_return std::nullopt;
            }
        }
        if (fault || (session.finished() && !linger)) {
            co_return fault;
        }
        if (auto next = session.next_write(now())) {
            fault = co_await link.write(*std::move(next));
        } else if (link.connected()) {
            co_await link.wait(std::min(until, Clock::time_point(session.next_due())));
        } else {
            co_return bluez::LinkFault{bluez::LinkFault::Kind::failed, "the link was cut"};
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
