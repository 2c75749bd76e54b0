#pragma once
// What is remembered of a GX across restarts, by its serial: who it is, what it has, how it is read. With it a start takes
// two questions more than the reading itself, and none that the remote logs as an error.

#include "gxmodbus/plan/identify.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>

namespace gxmodbus {

struct Memory {
    Identity identity;
    std::string plan;                   ///< a ReadPlan as text, empty when nothing was learned
    std::map<Pair, std::string> pairs;  ///< what is there, with what has been seen of it (Mirror::seen)
    std::set<Pair> absent;              ///< places on unit 100 that this firmware does not fill
    bool scanned = false;               ///< the likely places were all asked with this firmware
    bool crashed = false;  ///< a probe made this firmware's server go away: never again by itself

    friend bool operator==(const Memory&, const Memory&) = default;
};

[[nodiscard]] std::string to_json(const Memory& memory);
/// Nothing when the text is not one of to_json().
[[nodiscard]] std::optional<Memory> parse_memory(const std::string& text);

}  // namespace gxmodbus
