#include "serialbattery/driver/battery_settings.hpp"

#include "common/state_file.hpp"
#include "serialbattery/control/settings_text.hpp"

#include <algorithm>
#include <filesystem>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <spdlog/spdlog.h>

namespace bms {
namespace asio = boost::asio;
using control::BusValue;
using SettingPlace = control::Place;
namespace {

velib::Value to_bus(const BusValue& value) {
    return std::visit([](const auto& content) { return velib::Value(content); }, value);
}

std::optional<BusValue> from_bus(const velib::Value& value) {
    if (const auto* text = value.text()) {
        return BusValue(*text);
    }
    if (std::holds_alternative<double>(value.storage())) {
        return BusValue(*value.real());
    }
    const auto whole = value.integer();
    return whole ? std::optional<BusValue>(*whole) : std::nullopt;
}

velib::Type type_of(const BusValue& value) {
    return std::holds_alternative<std::string>(value) ? velib::Type::text
           : std::holds_alternative<double>(value)    ? velib::Type::real
                                                      : velib::Type::integer;
}

std::vector<velib::SettingSpec> specs(SettingPlace place, const std::string& root) {
    std::vector<velib::SettingSpec> list;
    for (const auto& setting : control::bus_settings(place)) {
        list.push_back({.path = root + std::string(setting.row->path),
                        .default_value = to_bus(setting.fallback),
                        .min = setting.low,
                        .max = setting.high});
    }
    return list;
}

/// What differs from the default in the settings service: it wins over the file.
void collect(const velib::Settings& service, SettingPlace place, const std::string& root,
             std::vector<control::SettingText>& out) {
    for (const auto& setting : control::bus_settings(place)) {
        const auto value = service.value(root + std::string(setting.row->path));
        if (!value.valid() || value.same_as(to_bus(setting.fallback))) {
            continue;
        }
        const auto known = from_bus(value);
        const auto texts = known ? control::texts_of(*setting.row, *known) : std::nullopt;
        if (!texts) {
            spdlog::warn("{}{} has a value that it cannot have; it is ignored", root, setting.row->path);
            continue;
        }
        out.insert(out.end(), texts->begin(), texts->end());
    }
}

asio::awaitable<void> save(velib::Settings& settings, std::string path, velib::Value value) {
    const bool saved = co_await settings.set(path, std::move(value));
    if (!saved) {
        spdlog::warn("{} could not be stored", path);
    }
}

}  // namespace

asio::awaitable<void> add_installation_settings(velib::Settings& settings) {
    auto list = specs(SettingPlace::installation, kInstallationRoot);
    co_await settings.add(std::move(list));
}

control::Settings installation_settings(const velib::Settings& settings, const control::ConfigFile& config) {
    std::vector<control::SettingText> overrides;
    collect(settings, SettingPlace::installation, kInstallationRoot, overrides);
    return control::settings_for(config, {{}, {}, overrides}).settings;
}

control::ConfigFile load_config(const std::string& path, bool must_exist) {
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored) && !must_exist) {
        return {};
    }
    if (const auto text = common::read_file(path)) {
        auto file = control::parse_config(*text);
        for (const auto& finding : file.findings) {
            spdlog::error("{}: {}", path, finding.message);
        }
        return file;
    }
    control::ConfigFile file;
    file.findings.push_back(control::unreadable_file(path));
    spdlog::error("{}", file.findings.back().message);
    return file;
}

BatterySettings::BatterySettings(Host& host, std::string id, std::string key, std::string port)
    : host_(host),
      root_("/Settings/Devices/" + std::move(id) + "/"),
      key_(std::move(key)),
      port_(std::move(port)) {}

asio::awaitable<void> BatterySettings::prepare() {
    auto list = specs(SettingPlace::battery, root_);
    co_await host_.settings.add(std::move(list));
    const auto follow = [this](std::string_view, const velib::Value&) { refresh(); };
    own_ = host_.settings.subscribe(root_, follow);
    installation_ = host_.settings.subscribe(kInstallationRoot, follow);
    refresh();
}

void BatterySettings::refresh() {
    std::vector<control::SettingText> overrides;
    collect(host_.settings, SettingPlace::installation, kInstallationRoot, overrides);
    collect(host_.settings, SettingPlace::battery, root_, overrides);
    auto checked = control::settings_for(host_.config, {key_, port_, overrides});
    for (const auto& finding : checked.findings) {
        if (std::ranges::find(checked_.findings, finding) == checked_.findings.end()) {
            const auto level =
                finding.severity == control::Severity::error ? spdlog::level::err : spdlog::level::warn;
            spdlog::log(level, "{}: {}", key_, finding.message);
        }
    }
    checked_ = std::move(checked);
    if (tree_ == nullptr) {
        return;
    }
    velib::Update update(*tree_);
    for (const auto& mirrored : mirrored_) {
        update.set(*mirrored.item, to_bus(control::bus_value(checked_.settings, *mirrored.row)));
    }
}

std::string BatterySettings::first_error() const {
    for (const auto& finding : checked_.findings) {
        if (finding.severity == control::Severity::error) {
            return finding.message;
        }
    }
    return {};
}

void BatterySettings::mirror(velib::ItemTree& tree) {
    tree_ = &tree;
    for (const auto& setting : control::bus_settings(SettingPlace::battery)) {
        const auto& row = *setting.row;
        const bool limited = setting.low != 0 || setting.high != 0;
        velib::ItemSpec spec{
            .type = type_of(setting.fallback),
            .on_write = [this, &row](const velib::Value& value) { return write(row, value); },
            .min = limited ? std::optional(setting.low) : std::nullopt,
            .max = limited ? std::optional(setting.high) : std::nullopt,
            .default_value = to_bus(setting.fallback)};
        auto& item = tree.add("/Settings/" + std::string(row.path), std::move(spec),
                              to_bus(control::bus_value(checked_.settings, row)));
        mirrored_.push_back({&row, &item});
    }
}

velib::WriteReply BatterySettings::write(const control::Row& row, const velib::Value& value) {
    const auto wanted = from_bus(value);
    if (!wanted) {
        return velib::WriteReply::refuse;
    }
    const auto result = control::written(checked_.settings, row, *wanted);
    if (!result) {
        spdlog::warn("{}: {}", key_, result.error());
        return velib::WriteReply::refuse;
    }
    const auto in_force = control::bus_value(checked_.settings, row);
    const bool to_default = value.same_as(to_bus(control::bus_value(control::Settings{}, row)));
    if (to_default && host_.settings.value(root_ + std::string(row.path)).same_as(value)) {
        spdlog::warn("{}: {} is {} in the configuration file and has to be changed there", key_, row.name,
                     control::to_text(checked_.settings, row));
        return velib::WriteReply::refuse;
    }
    store(row, value);
    return velib::WriteReply::pending;  // shown when the settings service says so
}

void BatterySettings::store(const control::Row& row, velib::Value value) {
    asio::co_spawn(host_.bus.executor, save(host_.settings, root_ + std::string(row.path), std::move(value)),
                   asio::detached);
}

void BatterySettings::restore_defaults() {
    for (const auto& setting : control::bus_settings(SettingPlace::battery)) {
        const auto fallback = to_bus(setting.fallback);
        if (!host_.settings.value(root_ + std::string(setting.row->path)).same_as(fallback)) {
            store(*setting.row, fallback);
        }
    }
}

}  // namespace bms
