#pragma once
// A device on the bus: its identity, its VRM instance and name from the settings service, its mandatory items.
// Facts: docs/object-model.md, "Device items", "Device instances".

#include "velib/service.hpp"
#include "velib/settings.hpp"

#include <cstdint>
#include <memory>
#include <string>

#include <boost/asio/awaitable.hpp>

namespace velib {

/// What stays the same while a device is published.
struct Identity {
    std::string device_class;     ///< third element of the bus name: "solarcharger", "battery" ...
    std::string id;               ///< stable key of the device under /Settings/Devices, made of [A-Za-z0-9_]
    int preferred_instance = 0;   ///< asked for first; the settings service resolves conflicts
    std::string process_name;     ///< /Mgmt/ProcessName
    std::string process_version;  ///< /Mgmt/ProcessVersion
    std::string connection;       ///< /Mgmt/Connection, e.g. "Modbus TCP 192.168.1.20"
    int product_id = 0;
    std::string product_name;  ///< must not be empty: consumers hide a device without a name
    Value firmware_version;  ///< an integer for solar chargers (a string there makes systemcalc crash, so it
                             ///< is left out)
    Value hardware_version;
    std::string serial;
};

/// Owns the service of one device. Create it, prepare(), add the driver's own items, publish().
class Device {
  public:
    Device(const BusContext& context, Settings& settings, std::string service_name, Identity identity);
    Device(const Device&) = delete;
    Device& operator=(const Device&) = delete;
    ~Device() = default;

    /// Asks the settings service for instance and custom name (waiting until it is there) and creates the
    /// mandatory items, /Serial and /CustomName. /Connected is 0.
    boost::asio::awaitable<void> prepare();

    [[nodiscard]] ItemTree& items() { return service_.items(); }
    [[nodiscard]] Service& service() { return service_; }
    [[nodiscard]] const Identity& identity() const { return identity_; }
    [[nodiscard]] int instance() const { return instance_; }
    /// What the user called the device, or the product's name.
    [[nodiscard]] std::string display_name() const;

    /// Takes the name; all items must be there. Throws std::system_error when the name is taken.
    void publish();
    /// Leaves the bus; publish() comes back with a fresh connection.
    void withdraw() { service_.stop(); }
    [[nodiscard]] bool published() const { return service_.running(); }

    /// /Connected, as part of an update.
    void set_connected(Update& update, bool connected);

  private:
    void check_firmware_version();
    void add_mandatory_items();
    void on_setting(std::string_view path, const Value& value);
    void come_back();
    WriteReply on_custom_name(const Value& name);
    boost::asio::awaitable<void> save_custom_name(std::weak_ptr<const bool> alive, Value name);

    BusContext context_;
    Settings& settings_;
    Identity identity_;
    std::string settings_path_;
    int instance_ = 0;
    Service service_;
    Item* connected_ = nullptr;
    Settings::Subscription subscription_;
    std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

/// The number of a "class:number" setting; `fallback` when it is malformed or negative.
[[nodiscard]] int instance_of(std::string_view class_and_instance, int fallback);

}  // namespace velib
