#include "transport/serial/serial_port.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace transport {
namespace {

namespace asio = boost::asio;

SerialFault fault_of(int error) {
    switch (error) {
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

bool would_block(int error) {
    return error == EAGAIN || error == EINTR;
}

constexpr auto kSpeeds = std::to_array<std::pair<std::uint32_t, speed_t>>({
    {1200, B1200},
    {2400, B2400},
    {4800, B4800},
    {9600, B9600},
    {19200, B19200},
    {38400, B38400},
    {57600, B57600},
    {115200, B115200},
    {230400, B230400},
});

/// Raw, 8 data bits, 1 stop bit, no flow control.
termios raw_line(speed_t speed, bool even_parity) {
    termios line{};
    line.c_iflag = even_parity ? INPCK : IGNPAR;
    line.c_cflag = CS8 | CREAD | CLOCAL | (even_parity ? tcflag_t{PARENB} : 0);
    line.c_cc[VMIN] = 1;  // with 0 an empty port would look like one that is gone
    static_cast<void>(::cfsetspeed(&line, speed));
    return line;
}

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
    fd_ = ::open(path.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (fd_ < 0) {
        return fault_of(errno);
    }
    // The lock file protocol of serial-starter does not bind others: flock tells our kind, TIOCEXCL everybody.
    if (::isatty(fd_) == 0) {
        close();
        return SerialFault::not_a_port;
    }
    if (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
        close();
        return SerialFault::busy;
    }
    static_cast<void>(::ioctl(fd_, TIOCEXCL));
    if (const auto fault = set_line(line)) {
        close();
        return fault;
    }
    discard_input();
    return std::nullopt;
}

void SerialPort::close() {
    if (is_open()) {
        static_cast<void>(::ioctl(fd_, TIOCNXCL));
        ::close(std::exchange(fd_, -1));
    }
}

std::optional<SerialFault> SerialPort::set_line(const LineSettings& line) {
    const auto speed = std::ranges::find(kSpeeds, line.baud, &decltype(kSpeeds)::value_type::first);
    if (speed == kSpeeds.end()) {
        return SerialFault::unsupported;
    }
    const termios wanted = raw_line(speed->second, line.even_parity);
    if (::tcsetattr(fd_, TCSANOW, &wanted) != 0) {
        return errno == EIO || errno == ENXIO ? SerialFault::gone : SerialFault::unsupported;
    }
    line_ = line;
    return std::nullopt;
}

void SerialPort::discard_input() {
    if (is_open()) {
        static_cast<void>(::tcflush(fd_, TCIFLUSH));
    }
}

asio::awaitable<bool> SerialPort::ready(Readiness what, Clock::time_point until) {
    using namespace asio::experimental::awaitable_operators;  // NOLINT(google-build-using-namespace)
    struct Lease {
        asio::posix::stream_descriptor& waiter;
        ~Lease() { waiter.release(); }
    };
    constexpr auto kAsTuple = asio::as_tuple(asio::use_awaitable);
    asio::steady_timer timer(waiter_.get_executor(), until);
    waiter_.assign(fd_);
    const Lease lease{waiter_};
    const auto outcome = co_await (waiter_.async_wait(what, kAsTuple) || timer.async_wait(kAsTuple));
    co_return outcome.index() == 0;
}

asio::awaitable<wire::Expected<std::size_t, SerialFault>> SerialPort::read_some(std::span<std::uint8_t> into,
                                                                                Clock::time_point until) {
    for (;;) {
        const auto count = ::read(fd_, into.data(), into.size());
        if (count > 0) {
            co_return static_cast<std::size_t>(count);
        }
        // Reading fails in many ways when an adapter is pulled out; all mean the same.
        if (count == 0 || !would_block(errno)) {
            co_return wire::Unexpected{SerialFault::gone};
        }
        const bool more = co_await ready(Readiness::wait_read, until);
        if (!more) {
            co_return std::size_t{0};
        }
    }
}

asio::awaitable<std::optional<SerialFault>> SerialPort::write(wire::Bytes bytes) {
    while (!bytes.empty()) {
        const auto count = ::write(fd_, bytes.data(), bytes.size());
        if (count >= 0) {
            bytes = bytes.subspan(static_cast<std::size_t>(count));
            continue;
        }
        if (!would_block(errno)) {
            co_return SerialFault::gone;
        }
        static_cast<void>(co_await ready(Readiness::wait_write, Clock::time_point::max()));
    }
    co_return std::nullopt;
}

}  // namespace transport
