#pragma once
// One line of recorded traffic in, what the driver reads from it out, both as JSON.

#include <nlohmann/json_fwd.hpp>

namespace gxmodbus {

/// `line` has request and hex (hexadecimal Modbus TCP messages, several in a row when pipelined) and server
/// ("dbus_modbustcp 1.0.101"; the newest when absent). The result has the keys of docs/protocols/gx-modbus.md,
/// "Recorded traffic"; {"error": text} when the bytes are no valid reply.
[[nodiscard]] nlohmann::json decode_line(const nlohmann::json& line);

}  // namespace gxmodbus
