#pragma once
// One remote GX in the settings: its connection, its mirrored devices, its status service, its memory on the disk.

#include "gxmodbus/service/host_settings.hpp"
#include "gxmodbus/service/mirrored_device.hpp"
#include "gxmodbus/service/status_service.hpp"

#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>

#include <boost/asio/steady_timer.hpp>

namespace gxmodbus {

/// What the hosts of one bridge share.
struct BridgeContext {
    velib::BusContext bus;
    velib::Settings& settings;
    std::filesystem::path state_directory;
    std::string local_serial;          ///< of the GX the bridge runs on, empty while unknown
    std::map<std::string, int> taken;  ///< serial of a remote to the slot that mirrors it
};

class GxHost final : private RemoteEvents {
  public:
    /// The slot's settings (setting_specs, mode_specs) must have been added.
    GxHost(BridgeContext& context, int slot);
    ~GxHost() override;

    /// Reads the settings and does what they say.
    void apply();
    /// The local GX's serial has become known.
    void check_own();
    [[nodiscard]] bool used() const { return !settings_.remote.host.empty(); }

  private:
    std::optional<Memory> recall(const std::string& serial) override;
    bool identified(const Identity& identity) override;
    bool wanted(const Pair& pair) override;
    void read(const Pair& pair, const Block& block, Words words, ServerVersion version) override;
    void stale(const Pair& pair, const Block& block) override;
    void gone(const Pair& pair) override;
    void link_down() override;
    void status_changed(const RemoteStatus& status) override;
    void learned() override;

    void start_remote();
    void stop_remote();
    void leave_gx();
    void refit_devices();
    MirroredDevice& device_of(const Pair& pair);
    bool write(const Pair& pair, const Register& row, const Value& value);
    void save();
    [[nodiscard]] std::filesystem::path memory_path(const std::string& serial) const;
    [[nodiscard]] std::string address() const;

    BridgeContext& context_;
    int slot_;
    HostSettings settings_;
    StatusService status_;
    std::shared_ptr<Remote> remote_;
    std::map<Pair, std::shared_ptr<MirroredDevice>> devices_;
    std::string serial_;
    boost::asio::steady_timer save_timer_;
    bool save_pending_ = false;
};

}  // namespace gxmodbus
