#include "gxmodbus/service/mirrored_device.hpp"

#include "gxmodbus/protocol/units.hpp"
#include "velib/app.hpp"

#include <system_error>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace gxmodbus {
namespace asio = boost::asio;
using T = ServiceType;

namespace {

constexpr int kFirstInstance = 600;  // out of the reach of any GX's own Modbus server
constexpr auto kRetryName = std::chrono::seconds(10);

std::string class_of(const Origin& origin) {
    return origin.mode == Mode::neutral ? "gxmirror" : std::string(name_of(origin.pair.type));
}

velib::Type type_of(Kind kind) {
    return kind == Kind::real      ? velib::Type::real
           : kind == Kind::integer ? velib::Type::integer
                                   : velib::Type::text;
}

velib::Format format_of(const ItemPlan& plan) {
    if (plan.path == "/ProductId") {
        return velib::format::hex;
    }
    if (plan.path == "/FirmwareVersion") {
        return velib::format::firmware;
    }
    if (plan.kind == Kind::text || (plan.kind == Kind::integer && plan.unit.empty())) {
        return velib::format::plain;
    }
    return velib::Format::fixed(plan.digits, plan.unit);
}

velib::Value bus_value(const ItemPlan& plan, const std::optional<Value>& value) {
    if (!value) {
        return {};
    }
    if (const auto* text = std::get_if<std::string>(&*value)) {
        return velib::Value(*text);
    }
    const double number = std::get<double>(*value);
    return plan.kind == Kind::integer ? velib::Value(static_cast<std::int64_t>(number))
                                      : velib::Value(number);
}

}  // namespace

std::string service_name(const Origin& origin) {
    const auto type = name_of(origin.pair.type);
    if (origin.mode == Mode::neutral) {
        return fmt::format("com.victronenergy.gxmirror.gx_{}_{}_u{}", origin.serial, type, origin.pair.unit);
    }
    return fmt::format("com.victronenergy.{}.gx_{}_u{}", type, origin.serial, origin.pair.unit);
}

MirroredDevice::MirroredDevice(velib::BusContext bus, velib::Settings& settings, Origin origin,
                               std::string_view seen, Write write)
    : bus_(std::move(bus)),
      settings_(settings),
      origin_(std::move(origin)),
      mirror_(origin_.pair.type, origin_.mode, origin_.alarms),
      write_(std::move(write)),
      timer_(bus_.executor) {
    mirror_.learn(seen);
}

// Modes have classes of their own, and an instance is unique within its class.
std::string MirroredDevice::id() const {
    return fmt::format("{}_{}_{}_u{}", origin_.mode == Mode::neutral ? "gxmirror" : "gx", origin_.serial,
                       name_of(origin_.pair.type), origin_.pair.unit);
}

velib::Identity MirroredDevice::identity() const {
    const auto text = [&](std::string_view path) -> std::string {
        const auto* item = mirror_.find(path);
        const auto* value =
            item != nullptr && item->value ? std::get_if<std::string>(&*item->value) : nullptr;
        return value != nullptr ? *value : std::string{};
    };
    velib::Identity identity;
    identity.device_class = class_of(origin_);
    identity.id = id();
    identity.preferred_instance = kFirstInstance;
    identity.process_name = "dbus-gxmodbus";
    identity.process_version = velib::suite_version();
    identity.connection = fmt::format("Modbus TCP {} unit {}", origin_.host, origin_.pair.unit);
    identity.product_id = static_cast<int>(mirror_.number("/ProductId").value_or(0));
    std::string title{title_of(origin_.pair.type)};
    if (const auto kind = mirror_.number("/Type"); kind && origin_.pair.type == T::digitalinput) {
        const auto word =
            choice_text(*find_register(T::digitalinput, "/Type"), static_cast<long long>(*kind));
        title = word.empty() ? title : word;
    }
    identity.product_name = fmt::format("{} via {}", title, origin_.name);
    if (origin_.pair.type == T::system) {
        identity.firmware_version = velib::Value(origin_.firmware);
    } else if (const auto version = mirror_.number("/FirmwareVersion")) {
        identity.firmware_version = velib::Value(static_cast<std::int64_t>(*version));
    }
    identity.serial = origin_.pair.type == T::system ? origin_.serial : text("/Serial");
    if (identity.serial.empty()) {
        identity.serial =
            fmt::format("{}-{}-{}", origin_.serial, name_of(origin_.pair.type), origin_.pair.unit);
    }
    return identity;
}

void MirroredDevice::take(const Block& block, Words words, ServerVersion version) {
    if (closed_) {
        return;
    }
    version_ = version;
    timer_.cancel();
    mirror_.take(block, words, version, Mirror::Clock::now());
    const bool was_online = std::exchange(online_, true);
    if (!std::exchange(opening_, true)) {
        asio::co_spawn(
            bus_.executor,
            [](std::shared_ptr<MirroredDevice> self) -> asio::awaitable<void> {
                co_await self->open();
            }(shared_from_this()),
            asio::detached);
        return;
    }
    if (!ready_) {
        return;
    }
    show_changes();
    if (!was_online) {
        velib::Update update(device_->items());
        device_->set_connected(update, true);
    }
    if (!device_->published()) {
        publish();
    }
}

void MirroredDevice::forget(const Block& block) {
    mirror_.forget(block, version_);
    show_changes();
}

void MirroredDevice::offline(std::chrono::seconds stay) {
    if (!std::exchange(online_, false)) {
        return;
    }
    mirror_.lost();
    if (!ready_) {
        return;
    }
    velib::Update update(device_->items());
    device_->set_connected(update, false);
    show_changes();
    if (stay.count() > 0) {
        timer_.expires_after(stay);
        timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& cancelled) {
            if (const auto self = weak.lock(); self && !cancelled && !self->online_ && self->device_) {
                spdlog::info("{}: leaves the bus", service_name(self->origin_));
                self->device_->withdraw();
            }
        });
    }
}

void MirroredDevice::absent(std::string_view path) {
    mirror_.absent(path);
    if (velib::Item* item = ready_ ? device_->items().find(path) : nullptr) {
        device_->items().invalidate(*item);
    }
}

void MirroredDevice::close() {
    closed_ = true;
    timer_.cancel();
    if (device_) {
        device_->withdraw();
    }
}

asio::awaitable<void> MirroredDevice::open() {
    device_ = std::make_unique<velib::Device>(bus_, settings_, service_name(origin_), identity());
    co_await device_->prepare();
    if (closed_) {
        co_return;
    }
    keep_unreachable();
    auto& items = device_->items();
    if (origin_.mode == Mode::neutral) {
        items.add("/RemoteClass", velib::ItemSpec{velib::Type::text},
                  "com.victronenergy." + std::string(name_of(origin_.pair.type)));
        items.add("/RemoteUnit", velib::ItemSpec{velib::Type::integer}, int{origin_.pair.unit});
    }
    ready_ = true;
    velib::Update update(items);
    mirror_.changes([](const Mirror::Item&) {});
    for (const Mirror::Item& item : mirror_.items()) {
        show(update, item);
    }
    device_->set_connected(update, online_);
    if (online_) {
        publish();
    }
}

void MirroredDevice::publish() {
    try {
        device_->publish();
        spdlog::info("{}: instance {}", service_name(origin_), device_->instance());
    } catch (const std::system_error& error) {
        spdlog::error("{}: {}", service_name(origin_), error.what());
        timer_.expires_after(kRetryName);
        timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& cancelled) {
            if (const auto self = weak.lock(); self && !cancelled && self->online_ && !self->published()) {
                self->publish();
            }
        });
    }
}

// An instance that the local GX's own Modbus server can reach would let another bridge, or the remote itself, mirror
// the mirror.
void MirroredDevice::keep_unreachable() {
    const std::string setting = "/Settings/Devices/" + velib::bus_name_element(id()) + "/ClassAndVrmInstance";
    const auto check = [this, setting](const std::string& text) {
        if (!reachable_instance(velib::instance_of(text, kFirstInstance))) {
            return;
        }
        spdlog::error("{}: {} would be seen by other bridges; instances from {} on are allowed", setting,
                      text, kFirstInstance);
        asio::co_spawn(
            bus_.executor,
            [](velib::Settings& settings, std::string path, std::string value) -> asio::awaitable<void> {
                co_await settings.set(std::move(path), velib::Value(value));
            }(settings_, setting, fmt::format("{}:{}", class_of(origin_), kFirstInstance)),
            asio::detached);
    };
    check(settings_.text(setting));
    instance_watch_ = settings_.subscribe(setting, [check](std::string_view, const velib::Value& value) {
        check(value.text() != nullptr ? *value.text() : std::string{});
    });
}

void MirroredDevice::show_changes() {
    if (!ready_) {
        return;
    }
    velib::Update update(device_->items());
    mirror_.changes([&](const Mirror::Item& item) { show(update, item); });
}

void MirroredDevice::show(velib::Update& update, const Mirror::Item& item) {
    const std::string_view path = item.plan.path;
    velib::Item* shown = device_->items().find(path);
    const bool is_name = path == "/CustomName";
    // What identifies the device stays when it is silent, and the remote's firmware is text.
    const bool keeps = is_name || path == "/ProductId" || path == "/Serial" || path == "/FirmwareVersion";
    if (keeps && shown != nullptr) {
        const auto* text = item.value ? std::get_if<std::string>(&*item.value) : nullptr;
        const bool empty_serial = path == "/Serial" && (text == nullptr || text->empty());
        if (!item.value || empty_serial || origin_.pair.type == T::system) {
            return;
        }
        if (is_name) {
            link_custom_name(*shown, item);
        }
        update.set(*shown, bus_value(item.plan, item.value));
        return;
    }
    if (shown == nullptr) {
        if (!item.visible) {
            return;
        }
        shown = create(item);
    }
    update.set(*shown, item.visible ? bus_value(item.plan, item.value) : velib::Value());
}

velib::Item* MirroredDevice::create(const Mirror::Item& item) {
    velib::ItemSpec spec;
    spec.type = type_of(item.plan.kind);
    spec.format = format_of(item.plan);
    if (item.plan.row != nullptr && write_allowed(*item.plan.row, WriteLevel::everything)) {
        spec.on_write = [this, &item](const velib::Value& value) { return on_write(item, value); };
        if (item.plan.row->numeric()) {
            const Limits limits = write_limits(*item.plan.row);
            spec.min = limits.lowest;
            spec.max = limits.highest;
        }
    }
    return &device_->items().add(std::string(item.plan.path), std::move(spec));
}

// The remote has a register for the name: what the user writes goes there, what is set there shows here.
void MirroredDevice::link_custom_name(velib::Item& item, const Mirror::Item& source) {
    if (!std::exchange(custom_name_linked_, true)) {
        item.set_write_handler(
            [this, &source](const velib::Value& value) { return on_write(source, value); });
    }
}

velib::WriteReply MirroredDevice::on_write(const Mirror::Item& item, const velib::Value& value) {
    const Register& row = mirror_.carrier(item.plan);
    std::optional<Value> wanted;
    if (value.text() != nullptr) {
        wanted = Value{*value.text()};
    } else if (const auto number = value.real()) {
        wanted = Value{*number};
    }
    return wanted && online_ && write_(row, *wanted) ? velib::WriteReply::pending : velib::WriteReply::refuse;
}

}  // namespace gxmodbus
