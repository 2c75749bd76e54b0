#pragma once
// com.victronenergy.settings on the bus: a store behind the interfaces BusItem and Settings.

#include "file.hpp"
#include "name_owner.hpp"
#include "store.hpp"
#include "velib/service.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace velib::settings {

inline constexpr const char* kServiceName = "com.victronenergy.settings";

struct Places {
    /// Of settings.xml.
    std::filesystem::path directory;
    /// Of files with settings that shall exist; there need not be one.
    std::filesystem::path presets;
};

/// Loads the settings of a directory, serves them, and saves what clients change.
class SettingsService final : private ChangeSink {
  public:
    SettingsService(const BusContext& context, const Places& places);
    SettingsService(const SettingsService&) = delete;
    SettingsService& operator=(const SettingsService&) = delete;
    ~SettingsService() override = default;

    /// Takes the name, with all settings in place. Throws std::system_error: no bus, or the name is taken.
    void start();
    /// Leaves the bus and saves what is unsaved. False when that failed.
    bool stop();

  private:
    void items_changed(std::span<const Item* const> items) override;
    void item_changed(const Item& item) override;
    [[nodiscard]] std::vector<Method> methods();

    void add_presets(const std::filesystem::path& directory);
    void add_setting(std::string_view path, sd_bus_message* call, sd_bus_message* reply, bool silent);
    void add_settings(std::string_view path, sd_bus_message* call, sd_bus_message* reply);
    void remove_settings(std::string_view path, sd_bus_message* call, sd_bus_message* reply);
    void set_value(std::string_view path, sd_bus_message* call, sd_bus_message* reply);
    void set_default(std::string_view path, sd_bus_message* reply);
    AddCode add(const AddRequest& request);
    [[nodiscard]] Item& item_at(std::string_view path) { return *service_.items().find(path); }

    Service service_;
    Store store_;
    Document document_;  // version and unique-id of the file
    Saver saver_;
    std::optional<NameOwner> platform_;  // while on the bus
};

}  // namespace velib::settings
