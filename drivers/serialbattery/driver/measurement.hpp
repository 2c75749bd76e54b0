#pragma once
// A reading of a battery as the control room wants it, who the battery is, and what its user says of it.

#include "serialbattery/control/control.hpp"
#include "serialbattery/family.hpp"

#include <string>

namespace bms {

[[nodiscard]] control::Pack pack_of(const Battery& battery);
/// The same of a battery that has been read before: once known, the number of its cells stays, and its capacity while
/// it tells no other.
[[nodiscard]] control::Pack pack_of(const Battery& battery, const control::Pack& known);
[[nodiscard]] control::Measurement measurement_of(const Battery& battery, const control::Settings& settings);

/// What the user says of the batteries of a port that they do not say themselves.
[[nodiscard]] Options options_of(const control::Settings& settings);

/// What tells a battery from others for good: its own serial number where it has a credible one, else where it is.
/// `place` is port and address. Upper case letters, digits and '_'.
[[nodiscard]] std::string identity_key(const Battery& battery, std::string_view place, bool by_place);

/// "LLT/JBD SP16S100A"; never empty.
[[nodiscard]] std::string product_name(const Battery& battery, const Family& family);

/// What a service of a port is called: "/dev/ttyUSB0" is "ttyUSB0", "/dev/pts/3" "pts3".
[[nodiscard]] std::string port_name(std::string_view path);
/// "0x01"
[[nodiscard]] std::string address_text(unsigned address);

}  // namespace bms
