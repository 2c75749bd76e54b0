#pragma once
// Why the charge voltage is what it is, in words and numbers, for whoever wonders when it will change.

#include "serialbattery/control/control.hpp"

#include <string>

namespace bms::control {

/// Texts of several lines. They change with every poll.
struct Explanation {
    std::string now;       ///< what counts at the moment
    std::string to_float;  ///< what float waits for
    std::string to_bulk;   ///< what would end float
};
[[nodiscard]] Explanation explain(const State& state, const Context& context, Millis now);

}  // namespace bms::control
