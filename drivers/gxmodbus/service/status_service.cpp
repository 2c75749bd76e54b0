#include "gxmodbus/service/status_service.hpp"

#include "velib/app.hpp"
#include "velib/publication.hpp"

#include <chrono>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace gxmodbus {
namespace {

using velib::row;

constexpr auto kStatusRows = std::to_array<velib::Row<RemoteStatus>>({
    row<[](const RemoteStatus& s) { return describe(s.state); }>("/Status/Text"),
    row<[](const RemoteStatus& s) { return static_cast<int>(s.state) + 1; }>("/Status/Code"),
    row<[](const RemoteStatus& s) {
        return s.state == RemoteState::running || s.state == RemoteState::scanning;
    }>("/Connected"),
    row<&RemoteStatus::scan_percent>("/Scan/Progress", velib::Format::fixed(0, "%")),
    row<[](const RemoteStatus& s) { return static_cast<int>(s.found); }>("/Scan/Found"),
    row<[](const RemoteStatus& s) { return s.may_crash ? 1 : 0; }>("/Scan/OnlyByHand"),
    row<[](const RemoteStatus& s) { return static_cast<std::int64_t>(s.traffic.requests); }>(
        "/Stats/Requests"),
    row<[](const RemoteStatus& s) { return static_cast<std::int64_t>(s.traffic.exceptions); }>(
        "/Stats/Exceptions"),
    row<[](const RemoteStatus& s) { return static_cast<int>(s.cycle.count()); }>(
        "/Stats/CycleTime", velib::Format::fixed(0, "ms")),
});
static_assert(velib::paths_unique(kStatusRows));

constexpr auto kIdentityRows = std::to_array<velib::Row<Identity>>({
    row<&Identity::serial>("/Remote/Serial"),
    row<&Identity::name>("/Remote/Name"),
    row<[](const Identity& i) { return i.firmware(); }>("/Remote/FirmwareVersion"),
    row<[](const Identity& i) { return std::string(name_of(i.generation)); }>("/Remote/Generation"),
});
static_assert(velib::paths_unique(kIdentityRows));

template <class Model, std::size_t size>
void add_rows(velib::ItemTree& tree, const std::array<velib::Row<Model>, size>& rows) {
    for (const auto& row : rows) {
        tree.add(std::string(row.path), velib::ItemSpec{row.type, row.format});
    }
}

template <class Model, std::size_t size>
void publish(velib::ItemTree& tree, const std::array<velib::Row<Model>, size>& rows, const Model& model) {
    velib::Update update(tree);
    for (const auto& row : rows) {
        row.publish(update, *tree.find(row.path), model);
    }
}

constexpr int kIdleCode = 0;

}  // namespace

StatusService::StatusService(const velib::BusContext& bus, int slot, std::function<void(ScanRequest)> on_scan)
    : service_(bus, fmt::format("com.victronenergy.gxbridge.gx{}", slot)) {
    auto& tree = service_.items();
    const auto constant = [&](const char* path, velib::Type type, const velib::Value& value) {
        tree.add(path, velib::ItemSpec{type}, value);
    };
    constant("/Mgmt/ProcessName", velib::Type::text, "dbus-gxmodbus");
    constant("/Mgmt/ProcessVersion", velib::Type::text, velib::suite_version());
    constant("/Mgmt/Connection", velib::Type::text, "Modbus TCP");
    constant("/DeviceInstance", velib::Type::integer, slot);
    constant("/ProductId", velib::Type::integer, 0);
    constant("/ProductName", velib::Type::text, "Bridge to another GX");
    constant("/FirmwareVersion", velib::Type::text, velib::suite_version());
    constant("/HardwareVersion", velib::Type::text, {});
    constant("/LastError/Message", velib::Type::text, {});
    constant("/LastError/Time", velib::Type::integer, {});
    add_rows(tree, kStatusRows);
    add_rows(tree, kIdentityRows);
    velib::ItemSpec scan{velib::Type::integer};
    scan.min = 0;
    scan.max = 2;
    scan.on_write = [on_scan = std::move(on_scan)](const velib::Value& value) {
        on_scan(static_cast<ScanRequest>(value.integer().value_or(0)));
        return velib::WriteReply::store;
    };
    tree.add("/Scan/Start", std::move(scan), 0);
    idle();
}

void StatusService::start(const std::string& connection) {
    service_.items().set("/Mgmt/Connection", connection);
    if (!service_.running()) {
        service_.start();
    }
}

void StatusService::idle() {
    publish(service_.items(), kIdentityRows, Identity{});
    velib::Update update(service_.items());
    for (const auto& row : kStatusRows) {
        service_.items().invalidate(*service_.items().find(row.path));
    }
    update.set("/Status/Text", "no host");
    update.set("/Status/Code", kIdleCode);
    update.set("/Connected", 0);
}

void StatusService::show(const RemoteStatus& status) {
    velib::Update update(service_.items());
    publish(service_.items(), kStatusRows, status);
    if (status.state != RemoteState::scanning) {
        update.set("/Scan/Start", 0);
    }
}

void StatusService::show(const Identity& identity) {
    publish(service_.items(), kIdentityRows, identity);
}

void StatusService::error(const std::string& message) {
    spdlog::warn("{}", message);
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    velib::Update update(service_.items());
    update.set("/LastError/Message", message);
    update.set("/LastError/Time", std::chrono::duration_cast<std::chrono::seconds>(now).count());
}

}  // namespace gxmodbus
