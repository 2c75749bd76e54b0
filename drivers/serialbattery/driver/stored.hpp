#pragma once
// What batteries and the bank have in common when they keep their state in the settings service.

#include "serialbattery/control/persistence.hpp"
#include "velib/value.hpp"

#include <chrono>

namespace bms {

/// How often to look whether something is worth writing (control::worth_writing).
inline constexpr std::chrono::seconds kLookToSave{15};

[[nodiscard]] inline velib::Value to_bus(const control::StoredValue& stored) {
    return std::visit([](const auto& content) { return velib::Value(content); }, stored.value);
}

}  // namespace bms
