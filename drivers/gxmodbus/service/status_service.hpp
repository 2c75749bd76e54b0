#pragma once
// com.victronenergy.gxbridge.gx<n>: how the bridge to one remote GX is doing, and its re-scan switch.

#include "gxmodbus/driver/remote.hpp"
#include "velib/service.hpp"

#include <functional>
#include <string>

namespace gxmodbus {

class StatusService {
  public:
    enum class ScanRequest : std::uint8_t { stop = 0, likely = 1, full = 2 };

    StatusService(const velib::BusContext& bus, int slot, std::function<void(ScanRequest)> on_scan);

    /// Takes the name and shows the host.
    void start(const std::string& connection);
    void stop() { service_.stop(); }

    void idle();
    void show(const RemoteStatus& status);
    void show(const Identity& identity);
    void error(const std::string& message);

  private:
    velib::Service service_;
};

}  // namespace gxmodbus
