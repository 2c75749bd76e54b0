#pragma once
// Questions to a GX, as answers the planners understand.

#include "gxmodbus/plan/identify.hpp"
#include "gxmodbus/plan/scan.hpp"
#include "transport/modbus/tcp_client.hpp"

#include <chrono>

#include <boost/asio/awaitable.hpp>

namespace gxmodbus {

using transport::modbus::TcpClient;

/// The first read of a path can take as long as a hanging driver on the remote makes it take; later ones come from
/// the server's memory.
inline constexpr std::chrono::milliseconds kFirstReadTimeout{30000};
inline constexpr std::chrono::milliseconds kReadTimeout{5000};

/// How a connection to a host is to be made. `in_flight`: requests that may wait for their answers at once.
[[nodiscard]] TcpClient::Options client_options(const std::string& host, std::uint16_t port,
                                                std::size_t in_flight);

/// Counts what goes over the wire.
struct Traffic {
    std::uint64_t requests = 0;
    std::uint64_t exceptions = 0;
    std::uint64_t bytes = 0;
};

/// Reads registers. A request that could not be made at all counts as Answer::Kind::lost.
boost::asio::awaitable<Answer> read_registers(TcpClient& client, Traffic& traffic, std::uint8_t unit,
                                              std::uint16_t first, std::uint16_t count,
                                              std::chrono::milliseconds timeout);

/// Writes registers: function 6 for one, 16 for more. An answer with data is a confirmation.
boost::asio::awaitable<Answer> write_registers(TcpClient& client, Traffic& traffic, std::uint8_t unit,
                                               std::uint16_t first, std::vector<std::uint16_t> words);

/// Asks until the GX is known; nothing when it does not answer as one.
boost::asio::awaitable<std::optional<Identity>> identify(TcpClient& client, Traffic& traffic,
                                                         Identification::Recall recall);

/// Reads a block of a unit.
using ReadBlock = std::function<boost::asio::awaitable<Answer>(std::uint8_t unit, const Block& block)>;

/// Whether two pairs of a type denote one device, as units 0 and 100 do unless there is a device with instance 100.
/// Both are read in turn, since a device that lives reads differently each time. Nothing when one does not answer, false
/// when it is not there.
boost::asio::awaitable<std::optional<bool>> same_device(ReadBlock read, ReadPlan plan, Pair one, Pair other);

/// The same of two pairs that were two devices when last read: a quick look, going out from `words` that were just read
/// of a block of `one`.
boost::asio::awaitable<std::optional<bool>> still_two_devices(ReadBlock read, ReadPlan plan, Pair one,
                                                              Pair other, Block block,
                                                              std::vector<std::uint16_t> words);

/// What an answer to a probe means.
[[nodiscard]] Scan::Outcome outcome_of(const Answer& answer);

/// The types that the sums in a system block (800..) show to be in use.
[[nodiscard]] Hints hints_in(const Block& block, Words words, ServerVersion version);

}  // namespace gxmodbus
