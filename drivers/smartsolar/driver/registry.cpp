#include "smartsolar/driver/registry.hpp"

#include <array>

#include <velib/app.hpp>

namespace smartsolar {

namespace {

using velib::row;

constexpr auto kRows = std::to_array({
    row<&RegistryEntry::name>("/Name"),
    row<&RegistryEntry::address>("/Address"),
    row<&RegistryEntry::product_id>("/ProductId", velib::format::hex),
    row<&RegistryEntry::product_name>("/ProductName"),
    row<&RegistryEntry::kind>("/Kind"),
    row<&RegistryEntry::key_status>("/KeyStatus"),
    row<&RegistryEntry::status>("/Status"),
    row<&RegistryEntry::rssi_dbm>("/Rssi", velib::Format::fixed(0, "dBm")),
});
static_assert(velib::paths_unique(kRows));

std::string prefix(const std::string& id) {
    return "/Devices/" + id;
}

}  // namespace

Registry::Registry(const velib::BusContext& context) : service_(context, "com.victronenergy.ble.smartsolar") {
    auto& tree = service_.items();
    const velib::ItemSpec text{velib::Type::text, {}};
    tree.add("/Mgmt/ProcessName", text, "dbus-smartsolar");
    tree.add("/Mgmt/ProcessVersion", text, velib::suite_version());
    tree.add("/Mgmt/Connection", text, "Bluetooth LE");
    tree.add("/ProductName", text, "Victron products over Bluetooth");
}

Registry::Entry::Entry(Registry& registry, const std::string& id, std::function<void(std::string)> on_key)
    : tree_(registry.service_.items()), publication_(tree_, kRows, prefix(id)) {
    velib::ItemSpec spec{velib::Type::text, {}};
    spec.on_write = [on_key = std::move(on_key)](const velib::Value& value) {
        on_key(value.text() != nullptr ? *value.text() : "");
        return velib::WriteReply::pending;
    };
    key_ = &tree_.add(prefix(id) + "/Key", std::move(spec), "");
}

void Registry::Entry::publish(const RegistryEntry& entry, const std::string& key) {
    velib::Update update(tree_);
    publication_.publish(update, entry);
    update.set(*key_, key);
}

}  // namespace smartsolar
