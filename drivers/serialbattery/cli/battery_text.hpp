#pragma once
// What a battery says, for people and for programs.

#include "serialbattery/battery.hpp"
#include "serialbattery/detect/detector.hpp"

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace bms::cli {

/// "LLT/JBD SP04S020 (jbd) at 9600 baud", with the address where the family has addresses.
[[nodiscard]] std::string title_of(const Location& place, const Battery& battery);
[[nodiscard]] std::string_view name_of(Place place);
/// "9600 baud", "115200 baud, even parity"
[[nodiscard]] std::string line_text(const Line& line);

/// Every value; null is what the battery does not say. docs/serialbattery-command-line.md lists the keys.
[[nodiscard]] nlohmann::ordered_json to_json(const Location& place, const Battery& battery);
/// What the battery says, a line for each value.
[[nodiscard]] std::vector<std::string> to_text(const Battery& battery);

/// "HighVoltage, LowSoc (warning)"; "none" when none is raised.
[[nodiscard]] std::string alarms_text(const Alarms& alarms);

}  // namespace bms::cli
