#pragma once
// Puts a GxServer on a TCP port, in the manners of the real program and, when told so, in worse ones.

#include "simulators/gxmodbus/gx_server.hpp"

#include <chrono>
#include <memory>
#include <random>
#include <set>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

namespace gxsim {

/// What can be wrong with the network or the server. All off by default.
struct Misbehaviour {
    bool mute = false;                              ///< connections stay, nothing is answered
    bool wrong_transaction = false;                 ///< replies carry another transaction id
    bool out_of_order = false;                      ///< requests that wait together are answered last first
    bool trickle = false;                           ///< replies arrive byte by byte
    bool garbage = false;                           ///< bytes that are no Modbus instead of a reply
    bool cut = false;                               ///< a reply ends in the middle and the connection closes
    std::chrono::milliseconds delay{0};             ///< before every reply
    std::chrono::milliseconds first_read_delay{0};  ///< before the first reply for a start address
    double drop_probability = 0;                    ///< the connection closes instead of a reply
};

class TcpServer {
  public:
    TcpServer(boost::asio::io_context& context, GxServer& server);
    ~TcpServer();
    TcpServer(const TcpServer&) = delete;
    TcpServer& operator=(const TcpServer&) = delete;

    /// Listens on 127.0.0.1 or all interfaces; port 0 takes a free one. Returns the port.
    std::uint16_t listen(std::uint16_t port, bool everywhere);
    /// Closes every connection.
    void drop_connections();
    /// Answers nothing any more on the connections there are; new ones work. So it looks to a client whose peer was
    /// cut off without a word.
    void forget_connections();
    /// Closes everything and comes back on the same port after a while, as a rebooting GX or a crashed server does.
    void go_away(std::chrono::milliseconds duration);
    [[nodiscard]] std::size_t connections() const { return sessions_.size(); }
    [[nodiscard]] std::uint64_t accepted() const { return accepted_; }
    /// How many replies overtook others.
    [[nodiscard]] std::uint64_t reordered() const { return reordered_; }

    Misbehaviour misbehaviour;

  private:
    struct Session;
    boost::asio::awaitable<void> accept();
    boost::asio::awaitable<void> serve(std::shared_ptr<Session> session);
    boost::asio::awaitable<bool> reply(Session& session, std::vector<std::uint8_t> request);
    boost::asio::awaitable<bool> send(Session& session, const std::vector<std::uint8_t>& frame);
    boost::asio::awaitable<void> pause(std::chrono::milliseconds duration);
    void open();

    boost::asio::io_context& context_;
    GxServer& server_;
    boost::asio::ip::tcp::endpoint endpoint_;
    boost::asio::ip::tcp::acceptor acceptor_;
    std::set<std::shared_ptr<Session>> sessions_;
    std::set<unsigned> read_before_;
    std::uint64_t accepted_ = 0;
    std::uint64_t reordered_ = 0;
    unsigned away_ = 0;
    std::mt19937 random_{20261};
};

}  // namespace gxsim
