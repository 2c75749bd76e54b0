#pragma once
// The what-if tool behind `dbus-serialbattery control`: a case (settings, a pack, a time line of readings, check
// times) as one line of JSON in, what the battery would publish at those times as one line of JSON out.
// The keys are described in docs/battery-control.md, "The control tool".

#include <string>
#include <string_view>

namespace bms::control {

/// The answer to one line, without a line end. A line that cannot be used gives {"error": "text"}.
[[nodiscard]] std::string run_case(std::string_view line);

}  // namespace bms::control
