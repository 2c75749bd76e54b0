#pragma once
// The version of the Modbus server program on a GX (dbus_modbustcp 1.0.101), which is not the Venus OS version.

#include <compare>
#include <cstdint>
#include <optional>
#include <string_view>

namespace gxmodbus {

struct ServerVersion {
    std::uint8_t major = 0;
    std::uint8_t minor = 0;
    std::uint8_t patch = 0;
    // NOLINTNEXTLINE(modernize-use-nullptr): the checker stumbles over a defaulted comparison
    friend constexpr auto operator<=>(const ServerVersion&, const ServerVersion&) = default;
};

/// "dbus_modbustcp 1.0.101" or "1.0.101"; nothing for any other text.
[[nodiscard]] std::optional<ServerVersion> parse_server_version(std::string_view text);

// Server versions in which something a client must know changed (docs/protocols/gx-modbus.md, "Versions").
inline constexpr ServerVersion kTypesServedPerRegister{1, 0, 89};
inline constexpr ServerVersion kBatteryBlockStraightened{1, 0, 95};
inline constexpr ServerVersion kNewestServer{1, 0, 101};

}  // namespace gxmodbus
