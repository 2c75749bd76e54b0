#include "smartsolar/driver/product.hpp"

#include "smartsolar/protocol/products.hpp"
#include "smartsolar/protocol/records.hpp"
#include "smartsolar/protocol/registers.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <velib/app.hpp>

namespace smartsolar {
namespace asio = boost::asio;

namespace {

constexpr int kPreferredInstance = 20;
constexpr std::string_view kDevicesPath = "/Settings/Devices/";
// Values of sessions that have failed this often in a row are no longer shown.
constexpr int kSessionsForgiven = 2;

std::string settings_id(const std::string& address) {
    std::string id = "ble_";
    std::ranges::copy_if(address, std::back_inserter(id), [](char c) { return c != ':'; });
    return id;
}

}  // namespace

Product::Product(Context& context, Registry& registry, std::string address,
                 std::function<void()> wake_sessions)
    : context_(context),
      registry_(registry),
      address_(std::move(address)),
      id_(settings_id(address_)),
      wake_sessions_(std::move(wake_sessions)) {
    registered_.address = address_;
}

// Settings -----------------------------------------------------------------------------------------------------

std::string Product::setting(std::string_view name) const {
    return fmt::format("{}{}/{}", kDevicesPath, id_, name);
}

bool Product::enabled() const {
    return context_.settings.integer(setting("Enabled")) != 0;
}

bool Product::with_sessions() const {
    return settled_ && enabled() && context_.settings.integer(setting("Sessions")) != 0;
}

asio::awaitable<void> Product::set_up() {
    std::vector<velib::SettingSpec> specs{{setting("CustomName"), velib::Value(registered_.name)},
                                          {setting("Key"), "", 0, 0, true},
                                          {setting("Enabled"), 1, 0, 1},
                                          {setting("Sessions"), 0, 0, 1},
                                          {setting("Pin"), "000000", 0, 0, true}};
    co_await context_.settings.add(std::move(specs));
    const std::weak_ptr<Product> weak = weak_from_this();
    subscription_ =
        context_.settings.subscribe(setting(""), [weak](std::string_view path, const velib::Value&) {
            if (const auto self = weak.lock()) {
                self->on_setting(path);
            }
        });
    entry_.emplace(registry_, id_, [weak](std::string key) {
        if (const auto self = weak.lock()) {
            self->write_key(std::move(key));
        }
    });
    settled_ = true;
    read_settings();
    decode();
}

void Product::on_setting(std::string_view path) {
    if (path.ends_with("/CustomName") || path.ends_with("/ClassAndVrmInstance")) {
        return;
    }
    if (path.ends_with("/Pin") || path.ends_with("/Sessions")) {
        session_refused_ = false;
        session_failures_ = 0;
        session_due_ = {};
        wake_sessions_();
    }
    read_settings();
    decode();
}

void Product::read_settings() {
    if (auto typed = context_.settings.text(setting("Key")); typed != key_text_) {
        key_text_ = std::move(typed);
        const auto parsed = parse_key(key_text_);
        key_ = parsed ? std::optional(*parsed) : std::nullopt;
        fault_.reset();
        readable_ = false;
        if (!parsed && parsed.error() != KeyFault::empty) {
            spdlog::warn("{} ({}): {}", address_, registered_.name, smartsolar::text(parsed.error()));
        }
    }
    if (!enabled()) {
        withdraw();
    }
}

void Product::write_key(std::string key) {
    asio::co_spawn(
        context_.bus.executor,
        [](std::shared_ptr<Product> self, std::string value) -> asio::awaitable<void> {
            co_await self->context_.settings.set(self->setting("Key"), velib::Value(value));
        }(shared_from_this(), std::move(key)),
        asio::detached);
}

// Advertisements -----------------------------------------------------------------------------------------------

void Product::on_advertisement(const bluez::DeviceState& device, wire::Bytes data) {
    const auto product = advertised_product(data);
    if (!product) {
        return;
    }
    product_id_ = product;
    view_.rssi_dbm = device.rssi ? std::optional<std::int64_t>(*device.rssi) : std::nullopt;
    view_.device_name = device.name.empty() ? product_text(*product) : device.name;
    registered_.name = view_.device_name;
    registered_.product_id = *product;
    registered_.product_name = product_text(*product);
    registered_.rssi_dbm = view_.rssi_dbm;
    last_frame_.assign(data.begin(), data.end());
    if (!set_up_begun_) {
        set_up_begun_ = true;
        spdlog::info("found {} {} ({})", address_, registered_.product_name, registered_.name);
        asio::co_spawn(
            context_.bus.executor,
            [](std::shared_ptr<Product> self) -> asio::awaitable<void> {
                co_await self->set_up();
            }(shared_from_this()),
            asio::detached);
    } else if (settled_) {
        decode();
    }
}

void Product::decode() {
    if (last_frame_.empty()) {
        return;
    }
    if (!enabled()) {
        registered_.key_status = "";
        say("switched off");
        return;
    }
    if (const auto header = parse_header(last_frame_)) {
        key_check_ = header->encrypted() ? std::optional(header->key_check) : std::nullopt;
        const auto* layout = find_layout(header->record_type);
        registered_.kind =
            layout != nullptr ? std::string(layout->name) : fmt::format("0x{:02X}", header->record_type);
    }
    const auto readout = decode_readout(last_frame_, key_ ? &*key_ : nullptr);
    if (readout) {
        accept(*readout);
    } else {
        on_fault(readout.error());
    }
}

void Product::on_fault(ReadoutFault fault) {
    std::string status;
    switch (fault) {
        case ReadoutFault::no_key: {
            const auto parsed = parse_key(key_text_);
            const bool missing = parsed || parsed.error() == KeyFault::empty;
            registered_.key_status = missing ? "missing" : text(parsed.error());
            status = missing ? "enter the key from the VictronConnect app" : registered_.key_status;
            break;
        }
        case ReadoutFault::key_mismatch:
            registered_.key_status = "wrong";
            status = "the key is wrong, or the PIN was changed: enter the key from the VictronConnect app";
            break;
        case ReadoutFault::no_record:
            registered_.key_status = "";
            status = "Instant Readout is switched off in the product";
            break;
        case ReadoutFault::unknown_record_type:
            registered_.key_status = key_ ? "right" : "";
            status = fmt::format("record type {} is not known", registered_.kind);
            break;
        default:
            return;  // a damaged frame: the next one comes in a second
    }
    if (fault_ != fault) {
        fault_ = fault;
        spdlog::warn("{} ({}): {}", address_, registered_.name, status);
    }
    const bool by_session = with_sessions() && sessions_ > 0;
    if (!by_session && fault != ReadoutFault::unknown_record_type) {
        readable_ = false;
        invalidate(status);
    }
    say(std::move(status));
}

void Product::accept(const Readout& readout) {
    if (fault_) {
        spdlog::info("{} ({}): advertisements can be read again", address_, registered_.name);
    }
    fault_.reset();
    readable_ = true;
    heard_ = Clock::now();
    registered_.key_status = readout.record_type < 0xFF ? "right" : "not needed";
    view_.live = readout.reading;
    view_.connection_information.clear();
    const auto* kind =
        service_for(readout.record_type, readout.product_id, readout.reading, context_.options.publish_vebus);
    if (kind == nullptr) {
        withdraw();
        say(readout.record_type == record::kVeBus
                ? "a VE.Bus service is made only with the setting PublishVebus"
                : "read, but there is no service for this kind");
        return;
    }
    show(kind);
}

void Product::show(const ServiceKind* kind) {
    // Another kind of service, or the items of sessions come or go: leave the bus and come back.
    if (service_.ready && (!(*service_.kind == *kind) || service_.with_sessions != with_sessions())) {
        withdraw();
    }
    if (service_.ready) {
        publish();
    } else if (!starting_) {
        starting_ = true;
        asio::co_spawn(
            context_.bus.executor,
            [](std::shared_ptr<Product> self, const ServiceKind* wanted) -> asio::awaitable<void> {
                try {
                    co_await self->start_service(wanted);
                } catch (const std::system_error& error) {
                    spdlog::error("{} cannot be published: {}", self->address_, error.what());
                    self->service_ = {};
                }
                self->starting_ = false;
            }(shared_from_this(), kind),
            asio::detached);
    }
}

// The service --------------------------------------------------------------------------------------------------

asio::awaitable<void> Product::start_service(const ServiceKind* kind) {
    velib::Identity identity;
    identity.device_class = kind->device_class;
    identity.id = id_;
    identity.preferred_instance = kPreferredInstance;
    identity.process_name = "dbus-smartsolar";
    identity.process_version = velib::suite_version();
    identity.connection = "Bluetooth LE";
    identity.product_id = product_id_.value_or(0);
    identity.product_name = product_text(product_id_.value_or(0));
    Published service;
    service.kind = kind;
    service.with_sessions = with_sessions();
    service.device = std::make_unique<velib::Device>(
        context_.bus, context_.settings, fmt::format("com.victronenergy.{}.{}", kind->device_class, id_),
        identity);
    co_await service.device->prepare();
    if (!enabled()) {
        co_return;
    }
    add_items(service);
    service_ = std::move(service);
    if (service_.with_sessions && sessions_ > 0) {
        publish_session();
    } else {
        publish();
    }
    service_.device->publish();
    service_.ready = true;
    spdlog::info("{} ({}) is {}", address_, service_.device->display_name(),
                 service_.device->service().name());
    say("published as " + service_.device->service().name());
}

void Product::add_items(Published& service) {
    auto& tree = service.device->items();
    service.link.emplace(tree, link_rows());
    service.values.emplace(tree, service.kind->rows);
    if (!service.with_sessions) {
        return;
    }
    service.polled.emplace(tree, service.kind->polled);
    if (auto* mode = tree.find("/Mode"); mode != nullptr && !service.kind->modes.empty()) {
        const std::weak_ptr<Product> weak = weak_from_this();
        mode->set_write_handler([weak](const velib::Value& value) {
            const auto self = weak.lock();
            return self ? self->on_mode(value) : velib::WriteReply::refuse;
        });
    }
}

velib::WriteReply Product::on_mode(const velib::Value& value) {
    const auto mode = value.integer();
    const auto& allowed = service_.kind->modes;
    if (!mode || std::ranges::find(allowed, *mode) == allowed.end()
        || !write_allowed(vreg::kDeviceMode, *mode)) {
        return velib::WriteReply::refuse;
    }
    wanted_mode_ = static_cast<std::uint8_t>(*mode);
    wake_sessions_();
    return velib::WriteReply::pending;
}

void Product::publish() {
    auto& device = *service_.device;
    velib::Update update(device.items());
    service_.link->publish(update, view_);
    service_.values->publish(update, view_);
    if (service_.polled) {
        service_.polled->publish(update, view_);
    }
    device.set_connected(update, true);
    service_.invalid = false;
}

void Product::publish_session() {
    velib::Update update(service_.device->items());
    publish();
    if (!identity_.serial.empty()) {
        update.set("/Serial", velib::Value(identity_.serial));
    }
    if (identity_.firmware) {
        update.set("/FirmwareVersion", velib::Value(static_cast<std::int32_t>(*identity_.firmware)));
    }
    if (service_.kind->charger_history) {
        publish_history(update);
    }
}

// Today's record changes at every session, the others once a day; items exist for the days that are stored.
void Product::publish_history(velib::Update& update) {
    for (std::size_t day = 0; day < history_.size(); ++day) {
        auto& publication = service_.history[day];
        if (!history_[day]) {
            if (publication) {
                publication->invalidate(update);
            }
            continue;
        }
        if (!publication) {
            publication.emplace(service_.device->items(), history_rows(day == 0),
                                fmt::format("/History/Daily/{}", day));
        }
        publication->publish(update, *history_[day]);
    }
}

void Product::invalidate(std::string why) {
    view_.live = {};
    view_.connection_information = std::move(why);
    if (!service_.ready) {
        return;
    }
    velib::Update update(service_.device->items());
    service_.link->publish(update, view_);
    if (service_.invalid) {
        return;
    }
    service_.values->invalidate(update);
    if (service_.polled) {
        service_.polled->invalidate(update);
    }
    service_.device->set_connected(update, false);
    service_.invalid = true;
}

void Product::withdraw() {
    if (service_.ready) {
        spdlog::info("{} ({}) leaves the bus", address_, registered_.name);
    }
    service_ = {};
}

void Product::say(std::string status) {
    registered_.status = std::move(status);
    update_registry();
}

void Product::update_registry() {
    if (entry_) {
        entry_->publish(registered_, key_text_);
    }
}

std::chrono::seconds Product::stale_after() const {
    if (!readable_ && with_sessions()) {
        return 2 * context_.options.session_interval + context_.options.stale_after;
    }
    return context_.options.stale_after;
}

void Product::tick() {
    if (!service_.ready) {
        return;
    }
    if (polled_at_
        && Clock::now() - *polled_at_ > (kSessionsForgiven + 1) * context_.options.session_interval) {
        polled_at_.reset();
        view_.polled = {};
        if (service_.polled) {
            velib::Update update(service_.device->items());
            service_.polled->publish(update, view_);
        }
    }
    const auto silence = Clock::now() - heard_;
    if (silence >= std::max<std::chrono::seconds>(kGoneAfter, stale_after())) {
        withdraw();
        say("not heard for a long time");
    } else if (silence >= stale_after() && !service_.invalid) {
        auto why = fmt::format("not heard for {} s", stale_after().count());
        spdlog::warn("{} ({}): {}", address_, registered_.name, why);
        invalidate(why);
        say(std::move(why));
    }
}

}  // namespace smartsolar
