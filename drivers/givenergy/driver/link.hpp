#pragma once
// The TCP connection to one adapter: one request outstanding, paced, answers matched, heartbeats answered, and every
// known way of hanging noticed. Its owner reconnects.

#include "givenergy/protocol/framer.hpp"
#include "givenergy/protocol/writes.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

namespace givenergy {

using Milliseconds = std::chrono::milliseconds;

/// Where an adapter is.
struct AdapterAddress {
    std::string host;
    std::uint16_t port = kAdapterPort;

    [[nodiscard]] std::string text() const;
    friend bool operator==(const AdapterAddress&, const AdapterAddress&) = default;
};
/// "192.168.1.50" or "givenergy.lan:8899"; nothing if it is neither.
[[nodiscard]] std::optional<AdapterAddress> parse_address(std::string_view text);

/// Patience and pacing: docs/protocols/givenergy.md, "Timing".
struct LinkTiming {
    Milliseconds gap{300};         ///< between an answer and the next request
    Milliseconds write_gap{1000};  ///< between writes
    Milliseconds read_timeout{2000};
    Milliseconds write_timeout{3000};
    Milliseconds connect_timeout{7000};
    Milliseconds settle{500};  ///< after connecting; what arrives meanwhile is thrown away
    Milliseconds retry_pause{500};
    Milliseconds silence{36000};  ///< without any frame the connection counts as dead
    int timeouts_until_dead = 5;
};

enum class LinkFault : std::uint8_t {
    disconnected,
    timeout,
    refused,   ///< error answer: this device has no such registers, or does not take the value
    mismatch,  ///< a write was echoed with another value
};
[[nodiscard]] std::string_view to_string(LinkFault fault);

struct LinkStatistics {
    std::uint64_t requests = 0, answers = 0, timeouts = 0, refusals = 0, bad_frames = 0, foreign = 0,
                  heartbeats = 0, connections = 0;
};

class Link {
  public:
    Link(boost::asio::any_io_executor executor, AdapterAddress address, LinkTiming timing = {});
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;
    ~Link();

    /// Connects, waits until the adapter has settled, and reads once for nothing. False with a reason in `why`.
    boost::asio::awaitable<bool> connect(std::string* why = nullptr);
    void close();
    [[nodiscard]] bool connected() const;

    /// Reads one bank; asks up to 1 + retries times. Several timeouts in a row close the connection.
    boost::asio::awaitable<wire::Expected<std::vector<std::uint16_t>, LinkFault>> read(Request request,
                                                                                       int retries = 1);
    /// Sends one write and waits for its echo; up to three attempts, reading the register back in between.
    boost::asio::awaitable<std::optional<LinkFault>> write(ApprovedWrite write);

    void set_timing(const LinkTiming& timing);
    [[nodiscard]] const AdapterAddress& address() const;
    /// Learned from the first frame; empty before.
    [[nodiscard]] const std::string& adapter_serial() const;
    [[nodiscard]] const LinkStatistics& statistics() const;

  private:
    class Connection;
    std::shared_ptr<Connection> connection_;
};

}  // namespace givenergy
