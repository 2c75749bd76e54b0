#pragma once
// A serial port on Asio: opened for this process alone, its baud rate changed without closing it. Works on
// pseudo-terminals too.

#include "wire/bytes.hpp"
#include "wire/expected.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/serial_port.hpp>

namespace transport {

/// Why a port cannot be used.
enum class SerialFault : std::uint8_t {
    missing,      ///< no such device
    denied,       ///< no permission
    busy,         ///< another process holds it
    not_a_port,   ///< a file that is no terminal
    unsupported,  ///< the driver refuses the baud rate or the parity
    gone,         ///< unplugged, or the other end closed
    failed,       ///< any other error of the system
};
/// A short sentence for the log, without a full stop.
[[nodiscard]] std::string_view describe(SerialFault fault);

/// 8 data bits, 1 stop bit, no flow control.
struct LineSettings {
    std::uint32_t baud = 9600;
    bool even_parity = false;
    bool operator==(const LineSettings&) const = default;
};

class SerialPort {
  public:
    using Clock = std::chrono::steady_clock;
    enum class Direction : std::uint8_t { received, sent };
    /// Sees every byte that passes, for recordings.
    using Tap = std::function<void(Direction, wire::Bytes)>;

    explicit SerialPort(const boost::asio::any_io_executor& executor) : port_(executor) {}

    /// Opens `path` in raw mode with an exclusive lock (TIOCEXCL and flock) and discards what waits in its input.
    /// Nothing on success.
    [[nodiscard]] std::optional<SerialFault> open(const std::string& path, const LineSettings& line);
    void close();
    [[nodiscard]] bool is_open() const { return port_.is_open(); }

    /// Changes the line of the open port. Nothing on success.
    [[nodiscard]] std::optional<SerialFault> set_line(const LineSettings& line);
    [[nodiscard]] const LineSettings& line() const { return line_; }

    /// Throws away what has been received and not yet read.
    void discard_input();

    /// What has come, at least one byte; 0 when `until` passed before. Cancelling the coroutine cancels the read.
    [[nodiscard]] boost::asio::awaitable<wire::Expected<std::size_t, SerialFault>> read_some(
        std::span<std::uint8_t> into, Clock::time_point until);
    /// Hands all of `bytes` to the system, which sends them in its own time. Nothing on success.
    [[nodiscard]] boost::asio::awaitable<std::optional<SerialFault>> write(wire::Bytes bytes);

    void set_tap(Tap tap) { tap_ = std::move(tap); }

  private:
    boost::asio::serial_port port_;
    LineSettings line_;
    Tap tap_;
};

}  // namespace transport
