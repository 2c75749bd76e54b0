#pragma once
// `dbus-smartsolar decode`: captured bytes in, what they say out; one JSON object a line. Pure.

#include <string>
#include <string_view>

namespace smartsolar {

/// Decodes one line. Inputs by `protocol`, and the keys of the answer: docs/protocols/victron-ble.md, "Decode lines".
/// A line that cannot be used gives {"error": "..."}; nothing is thrown.
[[nodiscard]] std::string decode_line(std::string_view line);

}  // namespace smartsolar
