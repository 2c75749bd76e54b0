#pragma once
// Conversations with one controller: what is read and written, in how many requests, and how often it is tried.

#include "transport/modbus/tcp_client.hpp"
#include "tsmppt/protocol/commands.hpp"
#include "tsmppt/protocol/image.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include <boost/asio/awaitable.hpp>

namespace tristar {

/// Why a conversation failed: on the way, or in what the registers said.
struct LinkFault {
    std::optional<transport::modbus::Error> modbus;
    std::optional<ImageFault> image;

    /// Whether the controller itself said no (and so is there).
    [[nodiscard]] bool refused() const {
        return modbus && modbus->fault == transport::modbus::Fault::exception;
    }
    /// A sentence without full stop for a log line.
    [[nodiscard]] std::string text() const;
};

template <class T>
using LinkResult = wire::Expected<T, LinkFault>;

/// The coils that show how the controller is switched.
struct Coils {
    bool equalize = false;
    bool disconnect = false;
};

class Link {
  public:
    struct Options {
        std::string host;
        std::uint16_t port = transport::modbus::kDefaultPort;
        std::uint8_t unit = 1;
        std::chrono::milliseconds connect_timeout{3000};
        std::chrono::milliseconds response_timeout{3000};
    };

    Link(const boost::asio::any_io_executor& executor, const Options& options);

    [[nodiscard]] std::uint8_t unit() const { return unit_; }

    /// One reading of the RAM registers; the two override registers only on request. Tried twice.
    boost::asio::awaitable<LinkResult<Charger>> read_charger(bool with_override);
    /// Serial number, model and hardware version. What the controller refuses to show stays empty.
    boost::asio::awaitable<LinkResult<Identity>> read_identity();
    /// The set points of the EEPROM, in 12 V terms.
    boost::asio::awaitable<LinkResult<SetPoints>> read_set_points(double volts_per_unit);
    /// One EEPROM register as it is.
    boost::asio::awaitable<LinkResult<std::uint16_t>> read_word(std::uint16_t address);
    boost::asio::awaitable<LinkResult<Coils>> read_coils();

    /// Sends a write and waits for its confirmation. Never tried twice. The value is true.
    boost::asio::awaitable<LinkResult<bool>> write(transport::modbus::Request request);

  private:
    boost::asio::awaitable<LinkResult<transport::modbus::Response>> read(transport::modbus::Request request);
    boost::asio::awaitable<LinkResult<Image>> read_eeprom(std::span<const Block> blocks, bool refusal_is_gap);

    std::uint8_t unit_;
    transport::modbus::TcpClient client_;
};

}  // namespace tristar
