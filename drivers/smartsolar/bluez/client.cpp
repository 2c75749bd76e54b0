#include "smartsolar/bluez/client.hpp"

#include "smartsolar/bluez/properties.hpp"
#include "smartsolar/protocol/advertisement.hpp"
#include "smartsolar/protocol/text.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace smartsolar::bluez {
namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

namespace {

constexpr const char* kAgentPath = "/com/victronenergy/smartsolar/agent";
constexpr const char* kMonitorRoot = "/com/victronenergy/smartsolar/monitors";
constexpr const char* kMonitorPath = "/com/victronenergy/smartsolar/monitors/instant_readout";

// Endless attempts on a busy adapter have filled memory elsewhere: wait longer each time.
constexpr std::chrono::seconds kFirstRetry{10};
constexpr std::chrono::seconds kLastRetry{600};

std::string lower(std::string text) {
    std::ranges::transform(text, text.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

std::string cleaned(const std::string& text) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(text.data());
    return clean_text({bytes, text.size()});
}

std::string parent(const std::string& path) {
    return path.substr(0, path.rfind('/'));
}

}  // namespace

Client::Client(const velib::BusContext& context, Handlers handlers)
    : bus_(std::make_unique<velib::Bus>(context)), handlers_(std::move(handlers)) {
    match(
        "type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',member='"
        "NameOwnerChanged',"
        "arg0='org.bluez'",
        &Client::on_owner_changed);
    match(
        "type='signal',sender='org.bluez',interface='org.freedesktop.DBus.ObjectManager',member='"
        "InterfacesAdded'",
        &Client::on_interfaces_added);
    match(
        "type='signal',sender='org.bluez',interface='org.freedesktop.DBus.ObjectManager',member='"
        "InterfacesRemoved'",
        &Client::on_interfaces_removed);
    // By interface: batteries, players and whatever else BlueZ knows do not wake us.
    for (const char* interface : {kDevice, kAdapter, kGattCharacteristic}) {
        match(fmt::format("type='signal',sender='org.bluez',interface='org.freedesktop.DBus.Properties',"
                          "member='PropertiesChanged',path_namespace='/org/bluez',arg0='{}'",
                          interface),
              &Client::on_properties_changed);
    }
    export_agent();
    export_monitor();
}

Client::~Client() = default;

void Client::match(const std::string& rule, void (Client::*handler)(sdbus::Message&)) {
    bus_->connection().addMatchAsync(
        rule,
        [this, handler](sdbus::Message message) {
            try {
                (this->*handler)(message);
            } catch (const sdbus::Error& error) {
                spdlog::debug("unreadable signal from BlueZ: {}", error.what());
            }
        },
        [](const sdbus::Message&) {});
    bus_->sent();
}

void Client::export_agent() {
    auto agent = sdbus::createObject(bus_->connection(), sdbus::ObjectPath{kAgentPath});
    const auto reject = [] {
        throw sdbus::Error(sdbus::Error::Name{"org.bluez.Error.Rejected"}, "not expected");
    };
    agent
        ->addVTable(
            sdbus::registerMethod("Release").implementedAs([this] { agent_registered_ = false; }),
            sdbus::registerMethod("RequestPasskey")
                .implementedAs([this, reject](const sdbus::ObjectPath& device) -> std::uint32_t {
                    if (!passkey_ || device != pairing_device_) {
                        reject();
                    }
                    return passkey_.value_or(0);
                }),
            sdbus::registerMethod("RequestPinCode")
                .implementedAs([reject](const sdbus::ObjectPath&) -> std::string {
                    reject();
                    return {};
                }),
            sdbus::registerMethod("DisplayPinCode")
                .implementedAs([](const sdbus::ObjectPath&, const std::string&) {}),
            sdbus::registerMethod("DisplayPasskey")
                .implementedAs([](const sdbus::ObjectPath&, std::uint32_t, std::uint16_t) {}),
            sdbus::registerMethod("RequestConfirmation")
                .implementedAs([reject](const sdbus::ObjectPath&, std::uint32_t) { reject(); }),
            sdbus::registerMethod("RequestAuthorization").implementedAs([reject](const sdbus::ObjectPath&) {
                reject();
            }),
            sdbus::registerMethod("AuthorizeService")
                .implementedAs([reject](const sdbus::ObjectPath&, const std::string&) { reject(); }),
            sdbus::registerMethod("Cancel").implementedAs([] {}))
        .forInterface("org.bluez.Agent1");
    exported_.push_back(std::move(agent));
}

void Client::export_monitor() {
    using Pattern = sdbus::Struct<std::uint8_t, std::uint8_t, std::vector<std::uint8_t>>;
    // Manufacturer data of Victron that begin like a product advertisement.
    static const std::vector<Pattern> patterns{Pattern{
        0, 0xFF, std::vector<std::uint8_t>{kCompanyId & 0xFF, kCompanyId >> 8, kProductAdvertisement}}};
    auto root = sdbus::createObject(bus_->connection(), sdbus::ObjectPath{kMonitorRoot});
    root->addObjectManager();
    auto monitor = sdbus::createObject(bus_->connection(), sdbus::ObjectPath{kMonitorPath});
    monitor
        ->addVTable(sdbus::registerMethod("Release").implementedAs([this] {
            for (auto& [path, adapter] : adapters_) {
                adapter.monitor_set = false;
            }
            changed();
        }),
                    sdbus::registerMethod("Activate").implementedAs([] {}),
                    sdbus::registerMethod("DeviceFound").implementedAs([](const sdbus::ObjectPath&) {}),
                    sdbus::registerMethod("DeviceLost").implementedAs([](const sdbus::ObjectPath&) {}),
                    sdbus::registerProperty("Type").withGetter([] { return std::string("or_patterns"); }),
                    sdbus::registerProperty("RSSISamplingPeriod").withGetter([] { return std::uint16_t{0}; }),
                    sdbus::registerProperty("Patterns").withGetter([] { return patterns; }))
        .forInterface("org.bluez.AdvertisementMonitor1");
    exported_.push_back(std::move(root));
    exported_.push_back(std::move(monitor));
}

// Signals ------------------------------------------------------------------------------------------------------

void Client::on_owner_changed(sdbus::Message& message) {
    std::string name;
    std::string old_owner;
    std::string new_owner;
    message >> name >> old_owner >> new_owner;
    if (!old_owner.empty()) {
        spdlog::warn("BlueZ left the bus");
    }
    forget_everything();
    present_ = !new_owner.empty();
    changed();
}

void Client::on_interfaces_added(sdbus::Message& message) {
    sdbus::ObjectPath path;
    message >> path;
    read_object(path, message);
}

void Client::on_interfaces_removed(sdbus::Message& message) {
    sdbus::ObjectPath path;
    std::vector<std::string> interfaces;
    message >> path >> interfaces;
    for (const auto& interface : interfaces) {
        if (interface == kDevice) {
            devices_.erase(path);
        } else if (interface == kAdapter) {
            spdlog::warn("Bluetooth adapter {} is gone", path.substr(path.rfind('/') + 1));
            adapters_.erase(path);
        } else if (interface == kMonitorManager) {
            if (const auto found = adapters_.find(path); found != adapters_.end()) {
                found->second.monitors = found->second.monitor_set = false;
            }
        }
    }
    changed();
}

void Client::on_properties_changed(sdbus::Message& message) {
    std::string interface;
    message >> interface;
    const std::string path = message.getPath();
    if (interface == kDevice) {
        on_device_changed(path, message);
    } else if (interface == kAdapter) {
        take_adapter(path, message);
    } else if (interface == kGattCharacteristic) {
        const auto found = notifications_.find(path);
        if (found == notifications_.end()) {
            return;
        }
        if (const auto news = read_characteristic(message); news.value) {
            const auto handler = found->second;  // may unsubscribe
            handler(*news.value);
        }
    }
}

void Client::on_device_changed(const std::string& path, sdbus::Message& message) {
    take_device(path, message);
    std::vector<std::string> invalidated;
    message >> invalidated;
    if (const auto found = devices_.find(path);
        found != devices_.end() && std::ranges::find(invalidated, "RSSI") != invalidated.end()) {
        found->second.rssi.reset();
    }
}

// State --------------------------------------------------------------------------------------------------------

void Client::read_object(const std::string& path, sdbus::Message& message) {
    read_interfaces(message, [&](const std::string& interface) {
        if (interface == kDevice) {
            take_device(path, message);
        } else if (interface == kAdapter) {
            adapters_.try_emplace(path);
            take_adapter(path, message);
        } else {
            skip_properties(message);
            if (interface == kMonitorManager) {
                adapters_[path].monitors = true;
                changed();
            }
        }
    });
}

void Client::take_adapter(const std::string& path, sdbus::Message& message) {
    const auto news = read_adapter(message);
    const auto found = adapters_.find(path);
    if (found == adapters_.end()) {
        return;
    }
    auto& adapter = found->second;
    if (news.powered) {
        if (adapter.powered && !*news.powered) {
            spdlog::warn("Bluetooth adapter {} was switched off", path.substr(path.rfind('/') + 1));
        }
        adapter.powered = *news.powered;
        if (!adapter.powered) {
            adapter.our_discovery = adapter.monitor_set = false;
        }
        failures_ = 0;
        retry_at_ = {};
    }
    if (news.discovering) {
        adapter.discovering = *news.discovering;
        if (!adapter.discovering) {
            adapter.our_discovery = false;
        }
    }
    changed();
}

void Client::take_device(const std::string& path, sdbus::Message& message) {
    const auto news = read_device(message);
    auto found = devices_.find(path);
    if (found == devices_.end()) {
        // Only what has ever sent data of the company is kept; a change tells no address, but the path does.
        if (!news.victron) {
            return;
        }
        auto address = news.address.value_or(path.size() >= 17 ? path.substr(path.size() - 17) : "");
        std::ranges::replace(address, '_', ':');
        DeviceState device;
        device.path = path;
        device.adapter = parent(path);
        device.address = lower(std::move(address));
        found = devices_.emplace(path, std::move(device)).first;
    }
    auto& device = found->second;
    if (news.name) {
        device.name = cleaned(*news.name);
    }
    if (news.rssi) {
        device.rssi = news.rssi;
    }
    const bool link = news.paired || news.connected || news.services_resolved;
    device.paired = news.paired.value_or(device.paired);
    device.connected = news.connected.value_or(device.connected);
    device.services_resolved = news.services_resolved.value_or(device.services_resolved);
    if (link) {
        changed();
    }
    if (news.victron && handlers_.advertisement) {
        handlers_.advertisement(device, *news.victron);
    }
}

void Client::forget_everything() {
    adapters_.clear();
    devices_.clear();
    present_ = known_ = agent_registered_ = false;
    failures_ = 0;
    retry_at_ = {};
}

const DeviceState* Client::find(const std::string& address) const {
    const auto found =
        std::ranges::find_if(devices_, [&](const auto& entry) { return entry.second.address == address; });
    return found == devices_.end() ? nullptr : &found->second;
}

void Client::changed() {
    ++changes_;
    auto waiting = std::move(waiting_);
    waiting_.clear();
    for (const auto& weak : waiting) {
        if (const auto timer = weak.lock()) {
            timer->cancel();
        }
    }
}

asio::awaitable<void> Client::wait_change(Clock::time_point until) {
    const auto timer = std::make_shared<asio::steady_timer>(bus_->context().executor, until);
    wake_at_change(timer);
    boost::system::error_code woken;
    co_await timer->async_wait(asio::redirect_error(asio::use_awaitable, woken));
    if ((co_await asio::this_coro::cancellation_state).cancelled() != asio::cancellation_type::none) {
        throw boost::system::system_error(asio::error::operation_aborted);
    }
}

// Timers that are gone make room first: a long session without any change must not pile them up.
void Client::wake_at_change(const std::shared_ptr<asio::steady_timer>& timer) {
    std::erase_if(waiting_, [&](const auto& weak) { return weak.expired() || weak.lock() == timer; });
    waiting_.push_back(timer);
}

void Client::subscribe(const std::string& characteristic, Notification handler) {
    notifications_[characteristic] = std::move(handler);
}

void Client::unsubscribe(const std::string& characteristic) {
    notifications_.erase(characteristic);
}

void Client::expect_pairing(const std::string& device, std::uint32_t passkey) {
    pairing_device_ = device;
    passkey_ = passkey;
}

void Client::end_pairing() {
    passkey_.reset();
}

void Client::change_holds(int by) {
    holds_ += by;
    changed();
}

// Listening ----------------------------------------------------------------------------------------------------

asio::awaitable<bool> Client::read_all() {
    auto reply = co_await call(*bus_, "/", kObjectManager, "GetManagedObjects", kCall);
    if (!reply) {
        spdlog::debug("no objects from BlueZ: {}", reply.error().text);
        co_return false;
    }
    try {
        read_objects(*reply, [&](const std::string& path) { read_object(path, *reply); });
    } catch (const sdbus::Error& error) {
        spdlog::warn("unreadable objects from BlueZ: {}", error.what());
        co_return false;
    }
    co_return true;
}

Clock::time_point Client::next_attempt() const {
    const auto wait =
        std::min<std::chrono::seconds>(kFirstRetry * (1U << std::min(failures_, 6U)), kLastRetry);
    return Clock::now() + wait;
}

asio::awaitable<void> Client::listen(Listening how) {
    bool said_absent = false;
    for (;;) {
        const auto seen = changes_;
        if (!known_) {
            known_ = co_await read_all();
            present_ = present_ || known_;
            if (!known_) {
                if (!said_absent) {
                    spdlog::info("waiting for BlueZ");
                    said_absent = true;
                }
                // Its name appearing wakes us; the time is for a BlueZ that is there and does not answer.
                if (seen == changes_) {
                    co_await wait_change(Clock::now() + kFirstRetry);
                }
                continue;
            }
            said_absent = false;
            spdlog::info("BlueZ has {} Bluetooth adapter{}", adapters_.size(),
                         adapters_.size() == 1 ? "" : "s");
        }
        std::vector<std::string> paths;
        for (const auto& [path, adapter] : adapters_) {
            paths.push_back(path);
        }
        for (const auto& path : paths) {
            co_await serve_adapter(path, how);
        }
        // What changed while we spoke with an adapter is looked at before any waiting.
        if (known_ && seen == changes_) {
            co_await wait_change(retry_at_ > Clock::now() ? retry_at_ : Clock::time_point::max());
        }
    }
}

asio::awaitable<void> Client::serve_adapter(std::string path, Listening how) {
    const auto found = adapters_.find(path);
    if (found == adapters_.end() || !found->second.powered || retry_at_ > Clock::now()) {
        co_return;
    }
    const auto adapter = found->second;
    const bool by_monitor = how == Listening::polite && adapter.monitors;
    if (by_monitor) {
        if (!adapter.monitor_set) {
            co_await register_monitor(path);
        }
    } else if (holds_ > 0 && adapter.our_discovery) {
        co_await stop_discovery();
    } else if (holds_ == 0 && !adapter.our_discovery) {
        co_await start_discovery(path);
    }
}

asio::awaitable<void> Client::register_monitor(std::string path) {
    const auto reply = co_await call(*bus_, path, kMonitorManager, "RegisterMonitor", kCall,
                                     sdbus::ObjectPath{kMonitorRoot});
    const auto found = adapters_.find(path);
    if (found == adapters_.end()) {
        co_return;
    }
    if (reply || reply.error().is("AlreadyExists")) {
        found->second.monitor_set = true;
        spdlog::info("listening on {} with an advertisement monitor", path);
    } else {
        spdlog::warn("{} takes no advertisement monitor ({}), discovering instead", path, reply.error().text);
        found->second.monitors = false;
        changed();
    }
}

asio::awaitable<void> Client::start_discovery(std::string path) {
    std::map<std::string, sdbus::Variant> filter{{"Transport", sdbus::Variant(std::string("le"))},
                                                 {"DuplicateData", sdbus::Variant(true)}};
    auto reply = co_await call(*bus_, path, kAdapter, "SetDiscoveryFilter", kCall, filter);
    if (reply) {
        reply = co_await call(*bus_, path, kAdapter, "StartDiscovery", kCall);
    }
    const auto found = adapters_.find(path);
    if (found == adapters_.end()) {
        co_return;
    }
    if (reply) {
        found->second.our_discovery = true;
        failures_ = 0;
        spdlog::info("listening on {} by discovery", path);
        co_return;
    }
    // InProgress: somebody scans past BlueZ, so advertisements may come all the same.
    retry_at_ = next_attempt();
    if (failures_++ == 0) {
        spdlog::warn("discovery on {} refused ({}); still listening, next attempts with growing pauses", path,
                     reply.error().text);
    }
}

asio::awaitable<void> Client::stop_discovery() {
    std::vector<std::string> paths;
    for (auto& [path, adapter] : adapters_) {
        if (adapter.our_discovery) {
            adapter.our_discovery = false;
            paths.push_back(path);
        }
    }
    for (const auto& path : paths) {
        co_await call(*bus_, path, kAdapter, "StopDiscovery", kCall);
    }
}

// GATT and pairing ---------------------------------------------------------------------------------------------

asio::awaitable<std::vector<Client::Characteristic>> Client::characteristics(std::string device) {
    std::vector<Characteristic> found;
    auto reply = co_await call(*bus_, "/", kObjectManager, "GetManagedObjects", kCall);
    if (!reply) {
        co_return found;
    }
    read_objects(*reply, [&](const std::string& path) {
        read_interfaces(*reply, [&](const std::string& interface) {
            if (interface != kGattCharacteristic || !path.starts_with(device + "/")) {
                skip_properties(*reply);
                return;
            }
            auto news = read_characteristic(*reply);
            found.push_back({path, lower(news.uuid.value_or("")), news.mtu.value_or(0),
                             news.flags.value_or(std::vector<std::string>{})});
        });
    });
    co_return found;
}

asio::awaitable<std::optional<CallFault>> Client::ensure_agent() {
    if (agent_registered_) {
        co_return std::nullopt;
    }
    const auto reply = co_await call(*bus_, "/org/bluez", kAgentManager, "RegisterAgent", kCall,
                                     sdbus::ObjectPath{kAgentPath}, std::string("KeyboardDisplay"));
    if (!reply && !reply.error().is("AlreadyExists")) {
        co_return reply.error();
    }
    agent_registered_ = true;
    co_return std::nullopt;
}

}  // namespace smartsolar::bluez
