#pragma once
// One product: its settings and key, its last values, and the service it is published as.

#include "smartsolar/bluez/client.hpp"
#include "smartsolar/driver/context.hpp"
#include "smartsolar/driver/gatt_session.hpp"
#include "smartsolar/driver/registry.hpp"
#include "smartsolar/protocol/advertisement.hpp"
#include "smartsolar/publication/services.hpp"

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>
#include <velib/device.hpp>

namespace smartsolar {

class Product : public std::enable_shared_from_this<Product> {
  public:
    using Clock = std::chrono::steady_clock;

    /// `wake_sessions` is called when a session is wanted before its time.
    Product(Context& context, Registry& registry, std::string address, std::function<void()> wake_sessions);
    Product(const Product&) = delete;
    Product& operator=(const Product&) = delete;
    ~Product() = default;

    /// A product advertisement of any length; the first one starts the set-up.
    void on_advertisement(const bluez::DeviceState& device, wire::Bytes data);

    /// Once a second: what has become of the values with time.
    void tick();

    // Sessions

    [[nodiscard]] const std::string& address() const { return address_; }
    /// When the next session is due; never while sessions are off.
    [[nodiscard]] Clock::time_point session_due() const;
    [[nodiscard]] SessionRequest session_request() const;
    bool on_message(const VregMessage& message);
    void on_session_end(const SessionResult& result);

  private:
    /// The service on the bus and what hangs on it.
    struct Published {
        const ServiceKind* kind = nullptr;
        bool with_sessions = false;
        std::unique_ptr<velib::Device> device;
        std::optional<velib::Publication<ProductView>> link;
        std::optional<velib::Publication<ProductView>> values;
        std::optional<velib::Publication<ProductView>> polled;
        std::array<std::optional<velib::Publication<HistoryDay>>, 31> history;
        bool ready = false;    // items are there, the name is taken
        bool invalid = false;  // the values are, for silence or a wrong key
    };

    boost::asio::awaitable<void> set_up();
    void on_setting(std::string_view path);
    void read_settings();
    void write_key(std::string key);

    void decode();
    void on_fault(ReadoutFault fault);
    void accept(const Readout& readout);
    void show(const ServiceKind* kind);
    boost::asio::awaitable<void> start_service(const ServiceKind* kind);
    void add_items(Published& service);
    velib::WriteReply on_mode(const velib::Value& value);
    void publish();
    void publish_session();
    void publish_history(velib::Update& update);
    void invalidate(std::string why);
    void withdraw();
    void say(std::string status);
    void update_registry();
    void check_read_back();
    void offer_key();

    [[nodiscard]] bool enabled() const;
    [[nodiscard]] bool with_sessions() const;
    [[nodiscard]] std::chrono::seconds stale_after() const;
    [[nodiscard]] std::string setting(std::string_view name) const;

    Context& context_;
    Registry& registry_;
    std::string address_;
    std::string id_;  // ble_<12 digits>
    std::function<void()> wake_sessions_;

    bool set_up_begun_ = false;
    bool settled_ = false;  // the settings are known
    velib::Settings::Subscription subscription_;
    std::optional<Registry::Entry> entry_;
    RegistryEntry registered_;

    std::string key_text_;
    std::optional<Key> key_;
    wire::Buffer last_frame_;
    std::optional<std::uint16_t> product_id_;
    std::optional<std::uint8_t> key_check_;
    std::optional<ReadoutFault> fault_;
    bool readable_ = false;  // advertisements could be read since the key was set

    ProductView view_;
    Identity identity_;
    std::array<std::optional<HistoryDay>, 31> history_;
    Clock::time_point heard_{};  // the last accepted values
    Published service_;
    bool starting_ = false;

    std::optional<Clock::time_point> polled_at_;  // end of the last session that worked
    std::uint64_t sessions_ = 0;
    unsigned session_failures_ = 0;
    bool session_refused_ = false;
    Clock::time_point session_due_{};
    std::optional<std::uint8_t> wanted_mode_;
    wire::Buffer offered_key_;
};

}  // namespace smartsolar
