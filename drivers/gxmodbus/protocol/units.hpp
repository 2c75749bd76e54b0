#pragma once
// Unit ids of the server and the device instances behind them (docs/protocols/gx-modbus.md, "Units").

#include <cstdint>
#include <optional>

namespace gxmodbus {

/// The device instance a unit id stands for by the server's fixed table, if it is in it.
[[nodiscard]] std::optional<int> table_instance(std::uint8_t unit);

/// Whether a service with this instance could be reached over a GX's own Modbus server. A mirrored service must
/// not: then no other bridge can take it for a real one, and loops cannot arise.
[[nodiscard]] bool reachable_instance(int instance);

}  // namespace gxmodbus
