#pragma once
// Small help with texts.

#include <initializer_list>
#include <string>
#include <string_view>

namespace bms::control {

/// The parts in one string.
[[nodiscard]] inline std::string concat(std::initializer_list<std::string_view> parts) {
    std::string text;
    for (const auto part : parts) {
        text += part;
    }
    return text;
}

}  // namespace bms::control
