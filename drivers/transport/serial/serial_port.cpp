#include "transport/serial/serial_port.hpp"

#include <sys/file.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace transport {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

SerialFault fault_of(const error_code& error) {
    switch (error.value()) {
        case ENOENT:
        case ENODEV:
        case ENXIO:
            return SerialFault::missing;
        case EACCES:
        case EPERM:
            return SerialFault::denied;
        case EBUSY:
            return SerialFault::busy;
        case ENOTTY:
            return SerialFault::not_a_port;
        default:
            return SerialFault::failed;
    }
}

/// Reading and writing fail in many ways when an adapter is pulled out; all mean the same.
SerialFault lost(const error_code& error) {
    return error == asio::error::operation_aborted ? SerialFault::failed : SerialFault::gone;
}

constexpr auto kAsTuple = asio::as_tuple(asio::use_awaitable);

}  // namespace

std::string_view describe(SerialFault fault) {
    switch (fault) {
        case SerialFault::missing:
            return "there is no such port";
        case SerialFault::denied:
            return "no permission to open the port";
        case SerialFault::busy:
            return "another process uses the port";
        case SerialFault::not_a_port:
            return "it is no serial port";
        case SerialFault::unsupported:
            return "the port does not support these line settings";
        case SerialFault::gone:
            return "the port is gone";
        case SerialFault::failed:
            return "the port failed";
    }
    return "unknown";
}

std::optional<SerialFault> SerialPort::open(const std::string& path, const LineSettings& line) {
    close();
    error_code error;
    port_.open(path, error);
    if (error) {
        return fault_of(error);
    }
    const int fd = port_.native_handle();
    // The lock file protocol of serial-starter does not bind others: flock tells our kind, TIOCEXCL everybody.
    if (::isatty(fd) == 0) {
        close();
        return SerialFault::not_a_port;
    }
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close();
        return SerialFault::busy;
    }
    static_cast<void>(::ioctl(fd, TIOCEXCL));
    if (const auto fault = set_line(line)) {
        close();
        return fault;
    }
    discard_input();
    return std::nullopt;
}

void SerialPort::close() {
    error_code ignored;
    if (port_.is_open()) {
        static_cast<void>(::ioctl(port_.native_handle(), TIOCNXCL));
    }
    port_.close(ignored);
}

std::optional<SerialFault> SerialPort::set_line(const LineSettings& line) {
    using Port = asio::serial_port_base;
    error_code error;
    const auto set = [&](const auto& option) {
        if (!error) {
            port_.set_option(option, error);
        }
    };
    set(Port::character_size(8));
    set(Port::stop_bits(Port::stop_bits::one));
    set(Port::flow_control(Port::flow_control::none));
    set(Port::parity(line.even_parity ? Port::parity::even : Port::parity::none));
    set(Port::baud_rate(line.baud));
    if (error) {
        return error.value() == EIO || error.value() == ENXIO ? SerialFault::gone : SerialFault::unsupported;
    }
    line_ = line;
    return std::nullopt;
}

void SerialPort::discard_input() {
    if (port_.is_open()) {
        static_cast<void>(::tcflush(port_.native_handle(), TCIFLUSH));
    }
}

asio::awaitable<wire::Expected<std::size_t, SerialFault>> SerialPort::read_some(std::span<std::uint8_t> into,
                                                                                Clock::time_point until) {
    using namespace asio::experimental::awaitable_operators;  // NOLINT(google-build-using-namespace)
    asio::steady_timer timer(co_await asio::this_coro::executor, until);
    const auto outcome = co_await (port_.async_read_some(asio::buffer(into.data(), into.size()), kAsTuple)
                                   || timer.async_wait(kAsTuple));
    if (outcome.index() == 1) {
        co_return std::size_t{0};
    }
    const auto& [error, count] = std::get<0>(outcome);
    if (error) {
        co_return wire::Unexpected{lost(error)};
    }
    if (tap_) {
        tap_(Direction::received, into.first(count));
    }
    co_return count;
}

asio::awaitable<std::optional<SerialFault>> SerialPort::write(wire::Bytes bytes) {
    const auto [error, count] =
        co_await asio::async_write(port_, asio::buffer(bytes.data(), bytes.size()), kAsTuple);
    if (error || count != bytes.size()) {
        co_return lost(error);
    }
    if (tap_) {
        tap_(Direction::sent, bytes);
    }
    co_return std::nullopt;
}

}  // namespace transport
