#pragma once
// A serial port for coroutines: opened for this process alone, its baud rate changed without closing it. Works on
// pseudo-terminals too.
//
// The descriptor belongs to Asio only while something waits for it. Else every few bytes that an adapter delivers
// would wake the process, though nobody wants them before the whole answer is there.

#include "wire/bytes.hpp"
#include "wire/expected.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

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

    explicit SerialPort(const boost::asio::any_io_executor& executor) : waiter_(executor) {}
    SerialPort(const SerialPort&) = delete;
    SerialPort& operator=(const SerialPort&) = delete;
    ~SerialPort() { close(); }

    /// Opens `path` in raw mode with an exclusive lock (TIOCEXCL and flock) and discards what waits in its input.
    /// Nothing on success.
    [[nodiscard]] std::optional<SerialFault> open(const std::string& path, const LineSettings& line);
    void close();
    [[nodiscard]] bool is_open() const { return fd_ >= 0; }

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

  private:
    using Readiness = boost::asio::posix::descriptor_base::wait_type;
    /// False when `until` passed before the port was ready.
    [[nodiscard]] boost::asio::awaitable<bool> ready(Readiness what, Clock::time_point until);

    boost::asio::posix::stream_descriptor waiter_;
    int fd_ = -1;
    LineSettings line_;
};

}  // namespace transport
