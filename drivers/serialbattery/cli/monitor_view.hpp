#pragma once
// A battery and the limits that the driver would publish for it, as text: a screen or a line. Pure.

#include "serialbattery/battery.hpp"
#include "serialbattery/control/control.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace bms::cli {

struct Watched {
    std::string title;
    Battery battery;      ///< as of the last answer
    control::Output out;  ///< with the settings of the configuration file
    unsigned polls = 0;
    unsigned unanswered = 0;
    bool silent = false;  ///< the last poll had no answer
};

/// Cells in as many columns as fit, none wider than `columns`.
[[nodiscard]] std::vector<std::string> monitor_screen(const Watched& watched, std::size_t columns);
/// The same in short, without a line end.
[[nodiscard]] std::string monitor_line(const Watched& watched);

}  // namespace bms::cli
