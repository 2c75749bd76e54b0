#pragma once
// Does on a port what a conversation or a detector says, until it has finished.

#include "serialbattery/conversation.hpp"
#include "serialbattery/detect/detector.hpp"
#include "serialbattery/driver/port.hpp"

#include <optional>

#include <boost/asio/awaitable.hpp>

namespace bms {

/// Carries on what was started on `talk`: talk.start_cycle(); auto fault = co_await run(port, talk);
/// Nothing when it has finished (talk.succeeded() tells how), else why the port cannot be used any more.
[[nodiscard]] boost::asio::awaitable<std::optional<SerialFault>> run(Port& port, Conversation& talk);

/// Detects on an open port. Nothing when detector.take_result() holds.
[[nodiscard]] boost::asio::awaitable<std::optional<SerialFault>> run(Port& port, Detector& detector);

}  // namespace bms
