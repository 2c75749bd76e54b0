#pragma once
// A Modbus TCP client on Asio: ask() a question, get a checked answer or a named error. Nothing throws when the
// network or the device fails; a coroutine that is cancelled while asking leaves no request behind.

#include "transport/modbus/frame.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

namespace transport::modbus {

/// Everything is used from the one thread that runs the executor.
class TcpClient {
  public:
    enum class Mode {
        one_request_per_connection,  ///< for servers that close after each answer
        keep_connection,             ///< connect on demand, keep the socket, reconnect after it was lost
        /// As keep_connection, but once the connection is lost every request fails (Fault::closed) until close():
        /// for owners that must find out who answers at the other end before they go on.
        until_lost
    };
    enum class Direction { sent, received };

    struct Options {
        std::string host;  ///< address or name
        std::uint16_t port = kDefaultPort;
        Mode mode = Mode::keep_connection;
        /// How many requests may wait for their answers at once (at least 1); further ones queue in order.
        /// Without a kept connection it is always one.
        std::size_t in_flight = 1;
        std::chrono::milliseconds connect_timeout{3000};   ///< resolving the name included
        std::chrono::milliseconds response_timeout{3000};  ///< from sending to the last byte of the answer
        /// Sees every byte as it passes; for recordings and traces.
        std::function<void(Direction, wire::Bytes)> tap;
    };

    TcpClient(boost::asio::any_io_executor executor, Options options);
    TcpClient(const TcpClient&) = delete;
    TcpClient& operator=(const TcpClient&) = delete;
    /// As close().
    ~TcpClient();

    /// Connects when necessary, sends, waits for the answer with this transaction id. Errors: everything in Fault.
    /// An answer that breaks the protocol closes the connection; an exception or a timeout does not, and an
    /// answer that comes after its timeout is dropped.
    [[nodiscard]] boost::asio::awaitable<Result<Response>> ask(
        Request request, std::optional<std::chrono::milliseconds> response_timeout = {});

    /// Ends the connection. Requests under way or queued return Fault::cancelled; later ones connect again.
    void close();

    [[nodiscard]] bool is_connected() const;

  private:
    struct Attempt;
    struct Connection;
    struct Core;
    std::shared_ptr<Core> core_;
};

}  // namespace transport::modbus
