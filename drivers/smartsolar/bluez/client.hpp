#pragma once
// BlueZ as this driver sees it: adapters, Victron devices, their advertisements; kept up to date by signals alone,
// through adapters that come and go and restarts of bluetoothd. docs/protocols/victron-ble.md, "Bluetooth on a GX".

#include "smartsolar/bluez/call.hpp"
#include "wire/bytes.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <velib/bus.hpp>

namespace smartsolar::bluez {

struct AdapterState {
    bool powered = false;
    bool discovering = false;    // anybody's discovery
    bool monitors = false;       // can take advertisement monitors
    bool monitor_set = false;    // ours is registered
    bool our_discovery = false;  // our session runs
};

/// A device that has sent manufacturer data of Victron.
struct DeviceState {
    std::string path;
    std::string adapter;
    std::string address;  // lower case
    std::string name;     // empty while unknown: only an active scan brings it
    std::optional<std::int16_t> rssi;
    bool paired = false;
    bool connected = false;
    bool services_resolved = false;
};

/// What happens is told through these, on the executor's thread.
struct Handlers {
    /// A frame of a Victron device, of any kind; `data` is the manufacturer data after the company id.
    std::function<void(const DeviceState&, wire::Bytes data)> advertisement;
};

class Client {
  public:
    Client(const velib::BusContext& context, Handlers handlers);
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    ~Client();

    /// How to listen.
    enum class Listening {
        polite,  // an advertisement monitor where BlueZ takes one, discovery else
        active,  // discovery: brings names
    };

    /// Keeps receiving until cancelled: waits for BlueZ and its adapters, registers, starts again after every loss.
    boost::asio::awaitable<void> listen(Listening how);

    /// Our discovery stops (some controllers cannot scan and connect) and starts again when the last hold is gone.
    class Hold {
      public:
        explicit Hold(Client& client) : client_(client) { client_.change_holds(+1); }
        Hold(const Hold&) = delete;
        Hold& operator=(const Hold&) = delete;
        ~Hold() { client_.change_holds(-1); }

      private:
        Client& client_;
    };
    /// Ends our discovery, if any.
    boost::asio::awaitable<void> stop_discovery();

    [[nodiscard]] const std::map<std::string, DeviceState>& devices() const { return devices_; }
    /// By address in lower case, null when BlueZ does not know it (now).
    [[nodiscard]] const DeviceState* find(const std::string& address) const;
    [[nodiscard]] bool present() const { return present_; }

    /// Returns at the next change of an adapter, a device's link or BlueZ's presence, or when the time has come.
    boost::asio::awaitable<void> wait_change(std::chrono::steady_clock::time_point until);
    /// Cancels the timer's waits at the next such change.
    void wake_at_change(const std::shared_ptr<boost::asio::steady_timer>& timer);

    /// The notifications of one characteristic go to `handler` until the subscription ends.
    using Notification = std::function<void(wire::Bytes)>;
    void subscribe(const std::string& characteristic, Notification handler);
    void unsubscribe(const std::string& characteristic);

    /// A GATT characteristic below a device.
    struct Characteristic {
        std::string path;
        std::string uuid;
        std::uint16_t mtu = 0;  // 0: unknown
        std::vector<std::string> flags;
    };
    boost::asio::awaitable<std::vector<Characteristic>> characteristics(std::string device);

    /// The passkey our agent answers for a device while it is being paired; every other request is refused.
    void expect_pairing(const std::string& device, std::uint32_t passkey);
    void end_pairing();
    /// Registers the agent, if it is not.
    boost::asio::awaitable<std::optional<CallFault>> ensure_agent();

    [[nodiscard]] velib::Bus& bus() { return *bus_; }

  private:
    void match(const std::string& rule, void (Client::*handler)(sdbus::Message&));
    void export_agent();
    void export_monitor();

    void on_owner_changed(sdbus::Message& message);
    void on_interfaces_added(sdbus::Message& message);
    void on_interfaces_removed(sdbus::Message& message);
    void on_properties_changed(sdbus::Message& message);
    void on_device_changed(const std::string& path, sdbus::Message& message);

    void read_object(const std::string& path, sdbus::Message& message);
    void take_adapter(const std::string& path, sdbus::Message& message);
    void take_device(const std::string& path, sdbus::Message& message);
    void forget_everything();
    void changed();
    void change_holds(int by);

    boost::asio::awaitable<bool> read_all();
    boost::asio::awaitable<void> serve_adapter(std::string path, Listening how);
    boost::asio::awaitable<void> register_monitor(std::string path);
    boost::asio::awaitable<void> start_discovery(std::string path);
    [[nodiscard]] std::chrono::steady_clock::time_point next_attempt() const;

    std::unique_ptr<velib::Bus> bus_;
    Handlers handlers_;
    std::vector<std::unique_ptr<sdbus::IObject>> exported_;
    std::map<std::string, AdapterState> adapters_;
    std::map<std::string, DeviceState> devices_;
    std::map<std::string, Notification> notifications_;
    std::string pairing_device_;
    std::optional<std::uint32_t> passkey_;
    bool present_ = false;
    bool known_ = false;  // read_all() has been through since BlueZ appeared
    bool agent_registered_ = false;
    int holds_ = 0;
    unsigned changes_ = 0;
    unsigned failures_ = 0;
    std::chrono::steady_clock::time_point retry_at_{};
    std::vector<std::weak_ptr<boost::asio::steady_timer>> waiting_;
};

}  // namespace smartsolar::bluez
