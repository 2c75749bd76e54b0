#pragma once
// The reference table of all settings, as it stands in docs/battery-control.md.

#include <string>

namespace bms::control {

/// Markdown: a heading and a table for every group of settings, in the order of the settings pages.
[[nodiscard]] std::string settings_reference();

}  // namespace bms::control
