#include "smartsolar/bluez/gatt_link.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace smartsolar::bluez {
namespace asio = boost::asio;

namespace {

constexpr std::chrono::seconds kServicesLimit{15};
constexpr std::size_t kMaxQueued = 1024;  // notifications nobody has taken yet
constexpr std::size_t kAttHeader = 3;
constexpr std::size_t kSmallestFragment = 20;

constexpr std::array kEnds{
    std::pair{Characteristic::control, "306b0002-b081-4037-83dc-e59fcc3cdfd0"},
    std::pair{Characteristic::last, "306b0003-b081-4037-83dc-e59fcc3cdfd0"},
    std::pair{Characteristic::more, "306b0004-b081-4037-83dc-e59fcc3cdfd0"},
};
constexpr std::string_view kPublishedPrefix = "6597";
constexpr std::string_view kPublishedRest = "-4bda-4c1e-af4b-551c4cf74769";

LinkFault fault_of(const CallFault& fault) {
    using Kind = LinkFault::Kind;
    const bool authentication =
        fault.name.find(".Authentication") != std::string::npos || fault.is("NotPermitted");
    const bool gone = fault.is("DoesNotExist") || fault.name == "org.freedesktop.DBus.Error.UnknownObject"
                      || fault.name == "org.freedesktop.DBus.Error.ServiceUnknown" || fault.is("NotReady");
    return {authentication ? Kind::refused
            : gone         ? Kind::absent
                           : Kind::failed,
            fault.text.empty() ? fault.name : fault.text};
}

std::optional<std::uint16_t> published_number(std::string_view uuid) {
    std::uint16_t number = 0;
    if (uuid.size() != 36 || !uuid.starts_with(kPublishedPrefix) || !uuid.ends_with(kPublishedRest)
        || std::from_chars(uuid.data() + 4, uuid.data() + 8, number, 16).ptr != uuid.data() + 8) {
        return std::nullopt;
    }
    return number;
}

}  // namespace

GattLink::GattLink(Client& client, std::string address)
    : client_(client),
      address_(std::move(address)),
      wake_(std::make_shared<asio::steady_timer>(client.bus().context().executor)) {}

GattLink::~GattLink() {
    for (const auto& [from, end] : ends_) {
        client_.unsubscribe(end.path);
    }
}

bool GattLink::connected() const {
    const auto* device = client_.find(address_);
    return device != nullptr && device->connected;
}

asio::awaitable<std::optional<LinkFault>> GattLink::open(std::uint32_t passkey) {
    const auto* device = client_.find(address_);
    if (device == nullptr) {
        co_return LinkFault{LinkFault::Kind::absent, "out of range"};
    }
    path_ = device->path;
    co_await client_.stop_discovery();
    if (auto fault = co_await pair(passkey)) {
        co_return fault;
    }
    if (auto fault = co_await connect()) {
        co_return fault;
    }
    opened_ = true;
    if (!co_await wait_resolved()) {
        co_return LinkFault{LinkFault::Kind::failed, "the link broke before the services were known"};
    }
    if (auto fault = co_await find_characteristics()) {
        co_return fault;
    }
    co_return co_await start_notifications();
}

asio::awaitable<std::optional<LinkFault>> GattLink::pair(std::uint32_t passkey) {
    const auto* device = client_.find(address_);
    if (device == nullptr || device->paired) {
        co_return std::nullopt;
    }
    if (auto fault = co_await client_.ensure_agent()) {
        co_return fault_of(*fault);
    }
    co_await call(client_.bus(), path_, kProperties, "Set", kCall, std::string(kDevice),
                  std::string("Trusted"), sdbus::Variant(true));
    client_.expect_pairing(path_, passkey);
    const auto reply = co_await call(client_.bus(), path_, kDevice, "Pair", kSlowCall);
    client_.end_pairing();
    if (reply || reply.error().is("AlreadyExists")) {
        co_return std::nullopt;
    }
    co_return fault_of(reply.error());
}

asio::awaitable<std::optional<LinkFault>> GattLink::connect() {
    const auto reply = co_await call(client_.bus(), path_, kDevice, "Connect", kSlowCall);
    if (reply || reply.error().is("AlreadyConnected")) {
        co_return std::nullopt;
    }
    co_return fault_of(reply.error());
}

asio::awaitable<bool> GattLink::wait_resolved() {
    const auto limit = Clock::now() + kServicesLimit;
    for (bool seen_connected = false; Clock::now() < limit;) {
        const auto* device = client_.find(address_);
        if (device == nullptr || (seen_connected && !device->connected)) {
            co_return false;
        }
        if (device->services_resolved) {
            co_return true;
        }
        seen_connected = device->connected;
        co_await client_.wait_change(limit);
    }
    co_return false;
}

asio::awaitable<std::optional<LinkFault>> GattLink::find_characteristics() {
    for (const auto& found : co_await client_.characteristics(path_)) {
        for (const auto& [from, uuid] : kEnds) {
            if (found.uuid == uuid) {
                const bool command =
                    std::ranges::find(found.flags, "write-without-response") != found.flags.end();
                ends_[from] = {found.path, command};
                if (found.mtu > kAttHeader + kSmallestFragment) {
                    fragment_size_ = found.mtu - kAttHeader;
                }
            }
        }
        if (const auto number = published_number(found.uuid)) {
            published_[*number] = found.path;
        }
    }
    if (ends_.size() == kEnds.size()) {
        co_return std::nullopt;
    }
    if (!published_.empty()) {
        co_return LinkFault{LinkFault::Kind::published_only, "only the published service"};
    }
    co_return LinkFault{LinkFault::Kind::no_service, "this product does not offer its registers"};
}

asio::awaitable<std::optional<LinkFault>> GattLink::start_notifications() {
    for (const auto& [from, end] : ends_) {
        client_.subscribe(end.path, [this, from = from](wire::Bytes bytes) {
            if (received_.size() < kMaxQueued) {
                received_.push_back({from, {bytes.begin(), bytes.end()}});
            }
            wake_->cancel();
        });
    }
    for (const auto& [from, end] : ends_) {
        const auto reply = co_await call(client_.bus(), end.path, kGattCharacteristic, "StartNotify", kCall);
        if (!reply) {
            co_return fault_of(reply.error());
        }
    }
    co_return std::nullopt;
}

asio::awaitable<std::optional<LinkFault>> GattLink::write(Fragment fragment) {
    const auto& end = ends_.at(fragment.to);
    std::map<std::string, sdbus::Variant> options{
        {"type", sdbus::Variant(std::string(end.by_command ? "command" : "request"))}};
    const auto reply = co_await call(client_.bus(), end.path, kGattCharacteristic, "WriteValue", kCall,
                                     std::move(fragment.bytes), std::move(options));
    if (!reply) {
        co_return fault_of(reply.error());
    }
    co_return std::nullopt;
}

std::optional<GattLink::Notification> GattLink::received() {
    if (received_.empty()) {
        return std::nullopt;
    }
    auto notification = std::move(received_.front());
    received_.pop_front();
    return notification;
}

asio::awaitable<void> GattLink::wait(Clock::time_point until) {
    if (!received_.empty() || !connected()) {
        co_return;
    }
    wake_->expires_at(until);
    client_.wake_at_change(wake_);
    boost::system::error_code woken;
    co_await wake_->async_wait(asio::redirect_error(asio::use_awaitable, woken));
    if ((co_await asio::this_coro::cancellation_state).cancelled() != asio::cancellation_type::none) {
        throw boost::system::system_error(asio::error::operation_aborted);
    }
}

asio::awaitable<std::map<std::uint16_t, wire::Buffer>> GattLink::read_published() {
    std::map<std::uint16_t, wire::Buffer> values;
    for (const auto& [number, path] : published_) {
        const auto reply = co_await call(client_.bus(), path, kGattCharacteristic, "ReadValue", kCall,
                                         std::map<std::string, sdbus::Variant>{});
        if (!reply) {
            spdlog::debug("{}: register {:04X} not read: {}", address_, number, reply.error().text);
            continue;
        }
        auto message = *reply;
        message >> values[number];
    }
    co_return values;
}

asio::awaitable<void> GattLink::close() {
    for (const auto& [from, end] : ends_) {
        client_.unsubscribe(end.path);
    }
    if (opened_ && connected()) {
        co_await call(client_.bus(), path_, kDevice, "Disconnect", kCall);
    }
    opened_ = false;
}

}  // namespace smartsolar::bluez
