#pragma once
// A connection to one product: pairing, connecting, the characteristics, notifications in, writes out.
// docs/protocols/victron-ble.md, "Bluetooth on a GX" and "GATT messages".

#include "smartsolar/bluez/client.hpp"
#include "smartsolar/protocol/vreg_request.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

namespace smartsolar::bluez {

/// Why there is no connection, or none any more.
struct LinkFault {
    enum class Kind : std::uint8_t {
        absent,          // BlueZ does not know the device, or no adapter is there
        refused,         // wrong PIN, or the product does not pair now: no fast retry
        failed,          // busy, out of range, cut: to be tried again
        no_service,      // connected, but it has not the register protocol
        published_only,  // only the published service of a SmartShunt
    };
    Kind kind = Kind::failed;
    std::string text;
};

class GattLink {
  public:
    using Clock = std::chrono::steady_clock;

    GattLink(Client& client, std::string address);
    GattLink(const GattLink&) = delete;
    GattLink& operator=(const GattLink&) = delete;
    /// Ends the subscriptions; close() should have run.
    ~GattLink();

    /// Pairs when needed with `passkey`, connects, waits for the services and switches the notifications on.
    boost::asio::awaitable<std::optional<LinkFault>> open(std::uint32_t passkey);

    /// Writes one fragment and waits until it is accepted.
    boost::asio::awaitable<std::optional<LinkFault>> write(Fragment fragment);

    struct Notification {
        Characteristic from = Characteristic::last;
        wire::Buffer bytes;
    };
    /// The next notification that has come, if any.
    std::optional<Notification> received();
    /// Returns with the next notification, with the end of the link, or at `until`.
    boost::asio::awaitable<void> wait(Clock::time_point until);

    /// Values of the published service by register number, read one after another; empty without that service.
    boost::asio::awaitable<std::map<std::uint16_t, wire::Buffer>> read_published();

    [[nodiscard]] bool connected() const;
    /// How many bytes fit into one write.
    [[nodiscard]] std::size_t fragment_size() const { return fragment_size_; }

    /// Disconnects. Safe at any time, never fails.
    boost::asio::awaitable<void> close();

  private:
    struct End {
        std::string path;
        bool by_command = false;  // write without response
    };

    boost::asio::awaitable<std::optional<LinkFault>> pair(std::uint32_t passkey);
    boost::asio::awaitable<std::optional<LinkFault>> connect();
    boost::asio::awaitable<std::optional<LinkFault>> find_characteristics();
    boost::asio::awaitable<std::optional<LinkFault>> start_notifications();
    boost::asio::awaitable<bool> wait_resolved();

    Client& client_;
    std::string address_;
    std::string path_;
    std::map<Characteristic, End> ends_;
    std::map<std::uint16_t, std::string> published_;
    std::size_t fragment_size_ = 20;
    std::deque<Notification> received_;
    std::shared_ptr<boost::asio::steady_timer> wake_;
    bool opened_ = false;
};

}  // namespace smartsolar::bluez
