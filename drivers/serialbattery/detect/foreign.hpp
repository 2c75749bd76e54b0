#pragma once
// Devices that share plugs and baud rates with batteries but are none, recognised by what they send unasked.

#include "wire/bytes.hpp"

#include <optional>
#include <string_view>

namespace bms {

/// What sends these bytes: "VE.Direct", "VE.Direct HEX" or "NMEA 0183"; nothing when they are none of these.
/// Needs one whole line with a good checksum (HEX, NMEA) or two whole text lines (VE.Direct).
[[nodiscard]] std::optional<std::string_view> recognise_foreign(wire::Bytes bytes);

}  // namespace bms
