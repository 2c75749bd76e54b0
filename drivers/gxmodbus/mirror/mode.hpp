#pragma once
// How a remote device shows on the local bus, so that the local system's sums stay right
// (docs/protocols/gx-modbus.md, "Keeping the local system sane").

#include "gxmodbus/protocol/registers.hpp"

#include <optional>
#include <string_view>

namespace gxmodbus {

enum class Mode : std::uint8_t {
    real,     ///< as a device of its class, with all its paths
    display,  ///< of its class, without the paths that make the local system count it
    neutral,  ///< under com.victronenergy.gxmirror, which nothing counts or controls
    off,      ///< not read at all
};
[[nodiscard]] std::string_view name_of(Mode mode);
[[nodiscard]] std::optional<Mode> parse_mode(std::string_view name);

/// The mode of a type unless the owner says otherwise. `same_system`: the remote GX sits on the same battery, so what
/// would be counted twice elsewhere is wanted.
[[nodiscard]] Mode default_mode(ServiceType type, bool same_system = false);

/// What the owner may set: display exists for the types that have something to leave out; settings, hub4, platform,
/// system and generator never take their real class, because the local ones are single.
[[nodiscard]] bool mode_allowed(ServiceType type, Mode mode);

/// Whether a path is left out when a device is only displayed.
[[nodiscard]] bool left_out_in_display(ServiceType type, std::string_view path);

/// Who may write what, beyond the register being writable at all.
enum class WriteLevel : std::uint8_t {
    none,       ///< nothing
    everyday,   ///< what a user sets by hand: modes, names, current limits, relays
    everything  ///< also set points and settings that control the remote system
};
/// Whether a writable register may be written at a level.
[[nodiscard]] bool write_allowed(const Register& row, WriteLevel level);

}  // namespace gxmodbus
