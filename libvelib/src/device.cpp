#include "velib/device.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace velib {
namespace asio = boost::asio;

int instance_of(std::string_view class_and_instance, int fallback) {
    const auto colon = class_and_instance.find(':');
    if (colon == std::string_view::npos) {
        return fallback;
    }
    const auto number = parse_integer(class_and_instance.substr(colon + 1));
    constexpr int kLargest = 0x7fffffff;
    return number && *number >= 0 && *number <= kLargest ? static_cast<int>(*number) : fallback;
}

Device::Device(const BusContext& context, Settings& settings, std::string service_name, Identity identity)
    : context_(context),
      settings_(settings),
      identity_(std::move(identity)),
      settings_path_("/Settings/Devices/" + bus_name_element(identity_.id)),
      service_(context, std::move(service_name)) {}

asio::awaitable<void> Device::prepare() {
    const auto wanted = fmt::format("{}:{}", identity_.device_class, identity_.preferred_instance);
    std::vector<SettingSpec> specs{{settings_path_ + "/ClassAndVrmInstance", Value(wanted)},
                                   {settings_path_ + "/CustomName", Value("")}};
    co_await settings_.add(std::move(specs));
    instance_ =
        instance_of(settings_.text(settings_path_ + "/ClassAndVrmInstance"), identity_.preferred_instance);
    add_mandatory_items();
    subscription_ = settings_.subscribe(
        settings_path_ + "/", [this](std::string_view path, const Value& value) { on_setting(path, value); });
}

// The controller of the GX compares the version of a solar charger with numbers and ends on a string.
void Device::check_firmware_version() {
    if (identity_.device_class == "solarcharger" && identity_.firmware_version.text() != nullptr) {
        spdlog::warn("{}: /FirmwareVersion of a solar charger must be an integer, \"{}\" is left out",
                     service_.name(), *identity_.firmware_version.text());
        identity_.firmware_version = Value();
    }
}

void Device::add_mandatory_items() {
    check_firmware_version();
    auto& tree = items();
    const auto constant = [&](const char* path, Type type, const Value& value, Format format = {}) -> Item& {
        return tree.add(path, ItemSpec{type, format}, value);
    };
    const auto version_type = [](const Value& version) {
        return version.text() != nullptr ? Type::text : Type::integer;
    };
    constant("/Mgmt/ProcessName", Type::text, identity_.process_name);
    constant("/Mgmt/ProcessVersion", Type::text, identity_.process_version);
    constant("/Mgmt/Connection", Type::text, identity_.connection);
    constant("/DeviceInstance", Type::integer, instance_);
    constant("/ProductId", Type::integer, identity_.product_id, format::hex);
    constant("/ProductName", Type::text, identity_.product_name);
    constant("/FirmwareVersion", version_type(identity_.firmware_version), identity_.firmware_version,
             format::firmware);
    constant("/HardwareVersion", version_type(identity_.hardware_version), identity_.hardware_version);
    constant("/Serial", Type::text, identity_.serial);
    connected_ = &constant("/Connected", Type::integer, 0);
    auto& name = constant("/CustomName", Type::text, settings_.text(settings_path_ + "/CustomName"));
    name.set_write_handler([this](const Value& value) { return on_custom_name(value); });
}

std::string Device::display_name() const {
    const auto name = settings_.text(settings_path_ + "/CustomName");
    return name.empty() ? identity_.product_name : name;
}

void Device::publish() {
    service_.start();
}

void Device::set_connected(Update& update, bool connected) {
    update.set(*connected_, connected);
}

void Device::on_setting(std::string_view path, const Value& value) {
    if (path.ends_with("/CustomName")) {
        items().set("/CustomName", value);
        return;
    }
    if (!path.ends_with("/ClassAndVrmInstance")) {
        return;
    }
    const int instance =
        instance_of(value.text() != nullptr ? *value.text() : "", identity_.preferred_instance);
    if (instance == instance_) {
        return;
    }
    spdlog::info("{}: instance {} instead of {}", service_.name(), instance, instance_);
    instance_ = instance;
    // Consumers remember the instance from when the name appeared, so it changes only while away.
    const bool was_published = published();
    withdraw();
    items().set("/DeviceInstance", instance);
    if (was_published) {
        come_back();
    }
}

// Without its name the device is of no use to anyone: the program ends and supervise starts it again.
void Device::come_back() {
    try {
        publish();
    } catch (const std::exception& error) {
        spdlog::error("{} cannot come back: {}", service_.name(), error.what());
        if (context_.on_lost) {
            context_.on_lost(error.what());
        }
    }
}

WriteReply Device::on_custom_name(const Value& name) {
    asio::co_spawn(context_.executor, save_custom_name(alive_, name), asio::detached);
    return WriteReply::store;
}

// A name that could not be kept must not look as if it were.
asio::awaitable<void> Device::save_custom_name(std::weak_ptr<const bool> alive, Value name) {
    if (alive.expired()) {
        co_return;
    }
    const bool saved = co_await settings_.set(settings_path_ + "/CustomName", std::move(name));
    if (!saved && !alive.expired()) {
        items().set("/CustomName", Value(settings_.text(settings_path_ + "/CustomName")));
    }
}

}  // namespace velib
