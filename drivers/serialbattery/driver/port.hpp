#pragma once
// What a conversation needs of a line: a serial port, or a recording of one.

#include "serialbattery/conversation.hpp"
#include "transport/serial/serial_port.hpp"
#include "wire/expected.hpp"

#include <optional>
#include <span>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

namespace bms {

using transport::SerialFault;

class Port {
  public:
    Port() = default;
    Port(const Port&) = delete;
    Port& operator=(const Port&) = delete;
    virtual ~Port() = default;

    /// The line's own time: a recording's may run faster than ours.
    [[nodiscard]] virtual TimePoint now() const { return Clock::now(); }
    /// Nothing on success.
    [[nodiscard]] virtual std::optional<SerialFault> set_line(const Line& line) = 0;
    virtual void discard_input() = 0;
    /// What has come, at least one byte; 0 when `until` passed before.
    [[nodiscard]] virtual boost::asio::awaitable<wire::Expected<std::size_t, SerialFault>> read_some(
        std::span<std::uint8_t> into, TimePoint until) = 0;
    /// Hands all of `bytes` over. Nothing on success.
    [[nodiscard]] virtual boost::asio::awaitable<std::optional<SerialFault>> write(Bytes bytes) = 0;
    /// Lets time pass; what comes meanwhile stays to be read or discarded.
    [[nodiscard]] virtual boost::asio::awaitable<void> pause(TimePoint until) = 0;
    /// Whether it matters when each byte comes, so that none may be left waiting for others.
    [[nodiscard]] virtual bool keeps_times() const { return false; }
};

/// A serial port of this machine.
class LocalPort final : public Port {
  public:
    /// Pauses end on multiples of `raster`, so that those of several ports end together and the process wakes up once.
    LocalPort(const boost::asio::any_io_executor& executor, milliseconds raster)
        : serial_(executor), timer_(executor), raster_(raster) {}

    /// Opens for this process alone. Nothing on success.
    [[nodiscard]] std::optional<SerialFault> open(const std::string& path, const Line& line = {});

    [[nodiscard]] std::optional<SerialFault> set_line(const Line& line) override;
    void discard_input() override { serial_.discard_input(); }
    [[nodiscard]] boost::asio::awaitable<wire::Expected<std::size_t, SerialFault>> read_some(
        std::span<std::uint8_t> into, TimePoint until) override {
        return serial_.read_some(into, until);
    }
    [[nodiscard]] boost::asio::awaitable<std::optional<SerialFault>> write(Bytes bytes) override {
        return serial_.write(bytes);
    }
    [[nodiscard]] boost::asio::awaitable<void> pause(TimePoint until) override;

  private:
    transport::SerialPort serial_;
    boost::asio::steady_timer timer_;
    milliseconds raster_;
};

}  // namespace bms
