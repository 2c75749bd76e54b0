#pragma once
// Looking a value up in a table of points (docs/battery-control.md, "Tables").

#include "serialbattery/control/settings.hpp"

namespace bms::control {

/// What lies between two points a <= x < b.
enum class Between {
    line,   ///< the straight line
    lower,  ///< the value at a
    upper,  ///< the value at b
};

/// The value at x; outside the points the value of the nearest one. The points may stand in any order.
/// Nothing when the curve is empty.
[[nodiscard]] std::optional<double> look_up(const Curve& curve, double x, Between between);

}  // namespace bms::control
