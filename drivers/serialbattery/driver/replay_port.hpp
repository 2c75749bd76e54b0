#pragma once
// A port of a recording in place of a serial port.

#include "serialbattery/driver/playback.hpp"
#include "serialbattery/driver/port_source.hpp"

#include <functional>

namespace bms {

class ReplayPort final : public Port {
  public:
    /// `ended` is called once, when something is sent and the recording has nothing more.
    ReplayPort(const boost::asio::any_io_executor& executor, SharedRecording recording, unsigned port,
               Pace pace, std::function<void()> ended);

    [[nodiscard]] TimePoint now() const override { return pace_ == Pace::real ? Clock::now() : now_; }
    [[nodiscard]] std::optional<SerialFault> set_line(const Line& line) override;
    void discard_input() override {}  // only what was read is in a recording
    [[nodiscard]] boost::asio::awaitable<wire::Expected<std::size_t, SerialFault>> read_some(
        std::span<std::uint8_t> into, TimePoint until) override;
    /// Fails when the recording has ended, as if the port were gone.
    [[nodiscard]] boost::asio::awaitable<std::optional<SerialFault>> write(Bytes bytes) override;
    [[nodiscard]] boost::asio::awaitable<void> pause(TimePoint until) override;

  private:
    boost::asio::steady_timer timer_;
    Pace pace_;
    std::function<void()> ended_;
    TimePoint now_ = Clock::now();
    Playback playback_;
    Bytes left_;  ///< of what came, for which there was no room
};

}  // namespace bms
