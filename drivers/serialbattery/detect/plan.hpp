#pragma once
// What detection asks, and in which order (docs/protocols/detection.md).

#include "serialbattery/family.hpp"

#include <optional>
#include <vector>

namespace bms {

/// Where a battery was found, and how it is reached again.
struct Location {
    const Family* family = nullptr;
    std::uint8_t address = 0;
    Line line = {};
};

/// What detection is asked to do.
struct DetectionPlan {
    std::vector<const Family*> families;  ///< empty: all
    std::vector<std::uint8_t> addresses;  ///< for families on a bus; empty: those the family names
    std::optional<Location> last;         ///< found there last time: tried first
    Options options = {};
};

/// How long the answer to a probe is waited for.
enum class Patience : std::uint8_t {
    remembered,  ///< found there last time: the whole window, twice
    brief,       ///< the next probe follows soon; an answer that comes later is still heard
    patient,     ///< the next one follows when all but the slowest have answered
    again,       ///< somebody answered, but it was not understood: as long as the answer took
};

struct Probe {
    const Family* family = nullptr;
    std::uint8_t address = 0;
    Line line = {};
    Patience patience = Patience::brief;
    bool otherwise = false;   ///< the family's other form of the question
    bool wakes = false;       ///< sent well before the one that is answered
    milliseconds wait = 0ms;  ///< for Patience::again
};

/// All probes in the order they are sent.
[[nodiscard]] std::vector<Probe> plan_probes(const DetectionPlan& plan);

/// Whether the family's probe could change a device of another make.
[[nodiscard]] inline bool risky(const Family& family) {
    return family.detection.risk == Risk::write;
}

}  // namespace bms
