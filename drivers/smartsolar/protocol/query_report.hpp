#pragma once
// What `dbus-smartsolar query` prints: one JSON object with the keys, the order and the number format of pysmartsolar.
// docs/protocols/victron-ble.md, "The query line".
//
// For the sake of that format every number is read as unsigned and sentinels are not looked at: a missing
// temperature prints as 655.35. The driver proper uses registers.hpp instead.

#include "wire/bytes.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace smartsolar {

class QueryReport {
  public:
    enum class Outcome {
        stored,
        ignored,   // known and not part of the line
        unknown,   // worth a warning
        unusable,  // a number of more than eight bytes, or none at all
    };

    /// Takes a register's value. A register that comes again replaces its value and keeps its place.
    Outcome accept(std::uint16_t number, wire::Bytes data);

    /// The object on one line, keys in the order of first arrival.
    [[nodiscard]] std::string line() const;

    [[nodiscard]] bool empty() const { return entries_.empty(); }

  private:
    std::vector<std::pair<std::string_view, std::string>> entries_;
};

/// A double with the fewest digits that read back as the same number, always with a fraction: "8.0", "0.13".
[[nodiscard]] std::string shortest(double value);

}  // namespace smartsolar
