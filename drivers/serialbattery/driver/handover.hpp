#pragma once
// Ports handed from one process of the driver to another: serial-starter starts a process for each port, one process
// serves them all, so that their batteries can be one bank. Both meet at a socket that is named after their state folder;
// a port is served for as long as the connection stands, and either side may go at any moment.

#include "serialbattery/driver/given_up.hpp"

#include <filesystem>
#include <optional>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/local/stream_protocol.hpp>

namespace bms {

/// A process that hands its port over, as the one that serves it sees it.
class Guest {
  public:
    using Socket = boost::asio::local::stream_protocol::socket;

    explicit Guest(Socket socket) : socket_(std::move(socket)) {}

    /// The path of its port. Nothing when it does not say so in five seconds, or says something else.
    [[nodiscard]] boost::asio::awaitable<std::optional<std::string>> port();
    /// Returns when it wants its port back, or is gone.
    [[nodiscard]] boost::asio::awaitable<void> leaving();
    /// Tells it why its port is not served any more.
    [[nodiscard]] boost::asio::awaitable<void> dismiss(GivenUp why);

  private:
    Socket socket_;
};

/// Where ports are taken.
class Reception {
  public:
    /// Throws std::runtime_error when another process takes the ports of this state folder already.
    Reception(const boost::asio::any_io_executor& executor, const std::filesystem::path& state_folder);

    /// The next one of this user, or of root.
    [[nodiscard]] boost::asio::awaitable<Guest> next();

  private:
    boost::asio::local::stream_protocol::acceptor acceptor_;
};

/// Whether there is a process to hand ports over to.
[[nodiscard]] boost::asio::awaitable<bool> is_somebody_there(std::filesystem::path state_folder);

struct Handover {
    bool taken = false;          ///< somebody was there to take the port
    std::optional<GivenUp> why;  ///< nothing: who took it is gone
};
/// Hands the port over and returns when it is served no more. When cancelled it waits, but not for long, until the other
/// side has let go of the port.
[[nodiscard]] boost::asio::awaitable<Handover> hand_over(std::filesystem::path state_folder,
                                                         std::string port);

}  // namespace bms
