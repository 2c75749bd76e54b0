#pragma once
// A remote device as a service on the local bus: its items follow a Mirror, clients' writes go to the remote.

#include "gxmodbus/mirror/mirror.hpp"
#include "gxmodbus/plan/pair.hpp"
#include "velib/device.hpp"

#include <functional>
#include <memory>
#include <string>

#include <boost/asio/steady_timer.hpp>

namespace gxmodbus {

/// What a mirrored device is and where it comes from.
struct Origin {
    std::string serial;    ///< of the remote GX
    std::string firmware;  ///< of the remote GX, as text
    std::string host;      ///< "10.0.0.5:502"
    std::string name;      ///< what people call the remote: its system name, else its host
    Pair pair;
    Mode mode = Mode::real;
    bool alarms = true;
};

class MirroredDevice : public std::enable_shared_from_this<MirroredDevice> {
  public:
    /// Called with a value a client wrote, already checked against the register; true when it is on its way.
    using Write = std::function<bool(const Register& row, const Value& value)>;

    /// `seen`: what Mirror::seen() told last time.
    MirroredDevice(velib::BusContext bus, velib::Settings& settings, Origin origin, std::string_view seen,
                   Write write);

    /// Takes a block. The first one opens the service.
    void take(const Block& block, Words words, ServerVersion version);
    void forget(const Block& block);
    /// No contact: nothing is known, and after `stay` (zero: never) the service leaves the bus until there is data again.
    void offline(std::chrono::seconds stay);
    /// The remote has no such path.
    void absent(std::string_view path);
    /// Leaves the bus for good.
    void close();

    [[nodiscard]] const Origin& origin() const { return origin_; }
    [[nodiscard]] Mirror& mirror() { return mirror_; }
    [[nodiscard]] bool published() const { return device_ && device_->published(); }

  private:
    boost::asio::awaitable<void> open();
    [[nodiscard]] velib::Identity identity() const;
    void publish();
    void show_changes();
    void show(velib::Update& update, const Mirror::Item& item);
    velib::Item* create(const Mirror::Item& item);
    void link_custom_name(velib::Item& item, const Mirror::Item& source);
    void keep_unreachable();
    [[nodiscard]] velib::WriteReply on_write(const Mirror::Item& item, const velib::Value& value);
    [[nodiscard]] std::string id() const;

    velib::BusContext bus_;
    velib::Settings& settings_;
    Origin origin_;
    Mirror mirror_;
    Write write_;
    ServerVersion version_;
    std::unique_ptr<velib::Device> device_;
    velib::Settings::Subscription instance_watch_;
    boost::asio::steady_timer timer_;
    bool opening_ = false;
    bool ready_ = false;
    bool online_ = false;
    bool closed_ = false;
    bool custom_name_linked_ = false;
};

/// The name a mirrored device takes on the bus, stable across restarts and address changes.
[[nodiscard]] std::string service_name(const Origin& origin);

}  // namespace gxmodbus
