#include "serialbattery/control/curve.hpp"

#include <algorithm>

namespace bms::control {

std::optional<double> look_up(const Curve& curve, double x, Between between) {
    const std::size_t count = std::min(curve.points.size(), curve.values.size());
    std::optional<std::size_t> below;  // the highest point <= x
    std::optional<std::size_t> above;  // the lowest point > x
    std::optional<std::size_t> first;
    for (std::size_t i = 0; i < count; ++i) {
        const double point = curve.points[i];
        if (!first || point < curve.points[*first]) {
            first = i;
        }
        if (point <= x) {
            if (!below || point > curve.points[*below]) {
                below = i;
            }
        } else if (!above || point < curve.points[*above]) {
            above = i;
        }
    }
    if (!first) {
        return std::nullopt;
    }
    if (!below || x <= curve.points[*first]) {
        return curve.values[*first];
    }
    if (!above || between == Between::lower) {
        return curve.values[*below];
    }
    if (between == Between::upper) {
        return curve.values[*above];
    }
    const double a = curve.points[*below];
    const double b = curve.points[*above];
    const double at_a = curve.values[*below];
    return at_a + (curve.values[*above] - at_a) * (x - a) / (b - a);
}

}  // namespace bms::control
