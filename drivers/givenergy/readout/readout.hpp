#pragma once
// What a user reads: named values in groups, as one nested JSON object or as one MQTT topic each.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace givenergy {

/// A value with its place: groups are separated by '/', e.g. "Energy/Total" and "PV Energy Total kWh".
struct ReadoutEntry {
    std::string group;
    std::string name;
    nlohmann::ordered_json value;  ///< number, text or bool; null is never stored
};

class Readout {
  public:
    /// Adds a value; one that is not known is left out.
    template <class T>
    void add(std::string_view group, std::string_view name, const std::optional<T>& value) {
        if (value) {
            entries_.push_back({std::string{group}, std::string{name}, *value});
        }
    }
    void add(std::string_view group, std::string_view name, nlohmann::ordered_json value) {
        entries_.push_back({std::string{group}, std::string{name}, std::move(value)});
    }
    void append(Readout other) {
        std::move(other.entries_.begin(), other.entries_.end(), std::back_inserter(entries_));
    }

    [[nodiscard]] const std::vector<ReadoutEntry>& entries() const { return entries_; }
    [[nodiscard]] bool empty() const { return entries_.empty(); }
    /// {"Energy":{"Total":{"PV Energy Total kWh":1.0}}}
    [[nodiscard]] nlohmann::ordered_json nested() const;

  private:
    std::vector<ReadoutEntry> entries_;
};

/// A value as the text of an MQTT message: numbers in their shortest form, True and False, text as it is.
[[nodiscard]] std::string payload_text(const nlohmann::ordered_json& value);

/// A double that prints without a fraction when it is whole: watts, volt amperes, percent.
[[nodiscard]] nlohmann::ordered_json whole_if_possible(double value);

}  // namespace givenergy
