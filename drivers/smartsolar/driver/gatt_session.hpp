#pragma once
// One conversation with one product: link, session, values, link down again.

#include "smartsolar/bluez/gatt_link.hpp"
#include "smartsolar/protocol/session.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>

namespace smartsolar {

struct SessionRequest {
    std::string address;  // lower case
    std::uint32_t passkey = 0;
    SessionPlan plan;
    std::chrono::milliseconds limit{20'000};  // from the moment the link stands
    bool linger = false;                      // stay to the limit, also when everything is answered
};

/// Takes one value or refusal; returns false to end the session.
using OnMessage = std::function<bool(const VregMessage&)>;

struct SessionResult {
    std::optional<bluez::LinkFault> fault;
    std::size_t unanswered = 0;  // registers neither given nor refused
    std::size_t dropped = 0;     // bytes that fitted no message
};

/// Runs the session to its end. The link is down afterwards.
boost::asio::awaitable<SessionResult> run_session(bluez::Client& client, SessionRequest request,
                                                  OnMessage on_message);

}  // namespace smartsolar
