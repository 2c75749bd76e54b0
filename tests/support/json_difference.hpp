#pragma once
// What decoders print, against what the collected vectors expect of them.

#include <cmath>
#include <cstddef>
#include <string>

#include <nlohmann/json.hpp>

namespace support {

/// Where `actual` lacks or contradicts `expected`; empty when it agrees. Further members are allowed. Numbers agree
/// when they are no further apart than `tolerance`.
inline std::string difference(const nlohmann::ordered_json& expected, const nlohmann::ordered_json& actual,
                              double tolerance, const std::string& where = "") {
    if (expected.is_number() && actual.is_number()) {
        const double apart = std::abs(expected.get<double>() - actual.get<double>());
        return apart <= tolerance ? "" : where + ": " + actual.dump() + " instead of " + expected.dump();
    }
    if (expected.is_object() && actual.is_object()) {
        for (const auto& [key, value] : expected.items()) {
            if (!actual.contains(key)) {
                return where + "/" + key + ": missing";
            }
            if (auto found = difference(value, actual[key], tolerance, where + "/" + key); !found.empty()) {
                return found;
            }
        }
        return "";
    }
    if (expected.is_array() && actual.is_array() && expected.size() == actual.size()) {
        for (std::size_t i = 0; i < expected.size(); ++i) {
            const auto place = where + "/" + std::to_string(i);
            if (auto found = difference(expected[i], actual[i], tolerance, place); !found.empty()) {
                return found;
            }
        }
        return "";
    }
    return expected == actual ? "" : where + ": " + actual.dump() + " instead of " + expected.dump();
}

}  // namespace support
