#pragma once
// One private connection to a message bus, driven by an Asio executor.

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>

struct sd_bus;
struct sd_bus_message;
namespace sdbus {
class IConnection;
}

namespace velib {

/// Which bus to connect to.
struct BusAddress {
    /// "" is the rule of the field: the session bus when DBUS_SESSION_BUS_ADDRESS is set, else the system bus.
    /// "system", "session", or an address such as "unix:path=..." or "tcp:host=192.168.1.20,port=78".
    std::string text;
};

/// What every part that talks to the bus needs: where to run, which bus, and what to do when it is lost
/// (a driver ends with an error, supervise starts it again).
struct BusContext {
    boost::asio::any_io_executor executor;
    BusAddress address;
    std::function<void(const std::string& reason)> on_lost;
};

/// A connection of its own (every service needs one, because the root object is one a connection).
/// All members must be used from the executor's thread.
class Bus {
  public:
    /// Sees every message before anyone else does; returns true when it has answered it.
    using Filter = std::function<bool(sd_bus_message*)>;

    /// Connects and authenticates. Throws std::system_error when there is no such bus or it refuses.
    explicit Bus(const BusContext& context, Filter filter = {});
    Bus(const Bus&) = delete;
    Bus& operator=(const Bus&) = delete;
    /// Gives up all names, sends what is queued and closes. May be called from within the filter.
    ~Bus();

    /// Takes a well-known name, without queueing for it. Throws std::system_error (EEXIST when it is taken).
    void request_name(const std::string& name);

    /// For proxies, signal matches and calls with sdbus-c++.
    [[nodiscard]] sdbus::IConnection& connection();
    /// For messages streamed by hand.
    [[nodiscard]] sd_bus* raw();
    /// Sends a signal or a call without an answer. A connection that does not take it any more is lost: the
    /// context hears of it, soon and not from within this call, which never fails.
    void send(sd_bus_message* message);
    /// To be called after sending a message in any other way.
    void sent();

    [[nodiscard]] const BusContext& context() const;

  private:
    class Pump;
    std::shared_ptr<Pump> pump_;
};

}  // namespace velib
