#pragma once
// The data adapter: a TCP server that passes requests to the house and answers to everybody, with all the ways in
// which real ones fail.

#include "simulators/givenergy/house.hpp"
#include "simulators/givenergy/wire_format.hpp"

#include <chrono>
#include <deque>
#include <memory>
#include <random>
#include <set>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

namespace gesim {

namespace asio = boost::asio;
using asio::ip::tcp;

/// Ways to misbehave. Counts say how many answers to come are concerned, switches hold until they are turned off.
struct Misbehaviour {
    int drop = 0;             ///< no answer at all
    int wrong_check = 0;      ///< the check of the answer is wrong
    int zero = 0;             ///< a bank of zeros
    int memory = 0;           ///< the adapter's own memory
    int shift = 0;            ///< a bank whose middle is shifted by one byte, with a right check
    int zero_tail = 0;        ///< values and check are zero from the middle on
    int error = 0;            ///< an error answer
    int write_refused = 0;    ///< error answer to a write
    int write_other = 0;      ///< a write echoed with another value, and not done
    int write_lost = 0;       ///< a write done but not answered
    int write_dropped = 0;    ///< a write neither done nor answered
    bool glue = false;        ///< frames are held back and sent two at a time
    bool split = false;       ///< frames arrive byte by byte
    bool foreign = false;     ///< answers to somebody else come first
    bool heartbeats = false;  ///< a heartbeat before every answer
    bool extras = false;      ///< null responses and network announcements in between
    bool silence = false;     ///< the connection stays, nothing is answered
    bool half_open = false;   ///< not even heartbeats
    double chaos = 0;         ///< probability that an answer suffers one of the above
};

struct Counters {
    int connections = 0, requests = 0, reads = 0, writes = 0, heartbeats_answered = 0, rubbish = 0;
};

class Adapter {
  public:
    Adapter(asio::io_context& context, House& house, std::string serial);

    /// Listens on a port (0: a free one) of one address; returns the port.
    std::uint16_t listen(const std::string& address, std::uint16_t port);
    void set_heartbeat(double seconds) { heartbeat_seconds_ = seconds; }
    void set_latency(double seconds) { latency_seconds_ = seconds; }
    [[nodiscard]] Misbehaviour& misbehaviour() { return misbehaviour_; }
    [[nodiscard]] Counters& counters() { return counters_; }
    /// Writes as (register, value), in order.
    [[nodiscard]] std::vector<std::pair<int, int>>& writes() { return writes_; }
    /// Ends all connections with a TCP reset.
    void reset_connections();
    /// Takes no connections for a while.
    void refuse_for(double seconds);
    void send_heartbeats();

  private:
    struct Client {
        explicit Client(tcp::socket s) : socket(std::move(s)), wake(socket.get_executor()) {}
        tcp::socket socket;
        asio::steady_timer wake;
        std::deque<Octets> out{};
        Octets in{};
        int unanswered_heartbeats = 0;
        bool closed = false;
    };

    asio::awaitable<void> accept();
    asio::awaitable<void> serve(std::shared_ptr<Client> client);
    asio::awaitable<void> write_out(std::shared_ptr<Client> client);
    asio::awaitable<void> beat();
    void obey(Client& client);
    void answer(const Request& request);
    void answer_read(const Request& request);
    void answer_write(const Request& request);
    void spoil(Octets& frame, const Request& request);
    void apply_chaos();
    void send(Octets frame);
    void drop_client(const std::shared_ptr<Client>& client);
    [[nodiscard]] Serials serials_for(std::uint8_t address) const;

    asio::io_context& context_;
    House& house_;
    std::string serial_;
    std::unique_ptr<tcp::acceptor> acceptor_;
    tcp::endpoint endpoint_;
    std::set<std::shared_ptr<Client>> clients_;
    Misbehaviour misbehaviour_;
    Counters counters_;
    std::vector<std::pair<int, int>> writes_;
    Octets held_back_;
    std::mt19937 dice_{4711};
    double heartbeat_seconds_ = 180;
    double latency_seconds_ = 0.02;
};

}  // namespace gesim
