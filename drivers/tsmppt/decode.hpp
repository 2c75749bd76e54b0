#pragma once
// Readings as JSON: `dbus-tsmppt decode` and `dbus-tsmppt read --json`. Pure.

#include "tsmppt/protocol/image.hpp"

#include <iosfwd>
#include <string>

#include <nlohmann/json.hpp>

namespace tristar {

/// What an image says: objects "decoded" (physical values, 4 decimals) and "venus" (as published), and
/// "dip_switches_on". What was not read is left out. A refused image has only "error": "no_scaling" or "implausible".
[[nodiscard]] nlohmann::ordered_json to_json(const Image& image);

/// One line of captured registers: an object with "registers" (address as text, to word), or with
/// "adu": {"request", "response"} in hexadecimal. A line that is neither gives {"error": what is wrong}.
[[nodiscard]] nlohmann::ordered_json decode_line(const std::string& line);

/// Decodes line by line until the end of `in`; empty lines are skipped. False when any line had an error.
bool decode_lines(std::istream& in, std::ostream& out);

}  // namespace tristar
