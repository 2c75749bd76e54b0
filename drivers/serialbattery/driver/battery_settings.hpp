#pragma once
// The settings of one battery: from the file and from the bus, followed live, mirrored on the battery's service.

#include "serialbattery/control/bus_settings.hpp"
#include "serialbattery/driver/host.hpp"
#include "velib/tree.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

namespace bms {

/// The settings of the whole installation, to be registered before any battery's.
[[nodiscard]] boost::asio::awaitable<void> add_installation_settings(velib::Settings& settings);
/// Those in force for the whole installation, from the file and the settings service.
[[nodiscard]] control::Settings installation_settings(const velib::Settings& settings,
                                                      const control::ConfigFile& config);
inline constexpr const char* kInstallationRoot = "/Settings/BatteryDriver/";

/// The configuration file; nothing in it when there is none. `must_exist`: a missing file is an error.
[[nodiscard]] control::ConfigFile load_config(const std::string& path, bool must_exist);

class BatterySettings {
  public:
    /// `id` is the battery's under /Settings/Devices, `key` that of its section in the file.
    BatterySettings(Host& host, std::string id, std::string key, std::string port);
    BatterySettings(const BatterySettings&) = delete;
    BatterySettings& operator=(const BatterySettings&) = delete;
    ~BatterySettings() = default;

    /// Registers them (waiting for the settings service) and follows them from then on.
    boost::asio::awaitable<void> prepare();

    [[nodiscard]] const control::Settings& now() const { return checked_.settings; }
    [[nodiscard]] bool faulty() const { return control::is_faulty(checked_.findings); }
    [[nodiscard]] bool blocks_current() const { return control::blocks_current(checked_.findings); }
    /// The first error, empty when there is none.
    [[nodiscard]] std::string first_error() const;

    /// Adds a writable item for each below /Settings. The tree must not outlive this.
    void mirror(velib::ItemTree& tree);
    /// Gives every setting of this battery its default.
    void restore_defaults();

  private:
    void refresh();
    velib::WriteReply write(const control::Row& row, const velib::Value& value);
    void store(const control::Row& row, velib::Value value);

    Host& host_;
    std::string root_;
    std::string key_;
    std::string port_;
    control::Checked checked_;
    velib::ItemTree* tree_ = nullptr;
    struct Mirrored {
        const control::Row* row;
        velib::Item* item;
    };
    std::vector<Mirrored> mirrored_;
    velib::Settings::Subscription own_;
    velib::Settings::Subscription installation_;
};

}  // namespace bms
