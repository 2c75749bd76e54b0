#include "gxmodbus/protocol/units.hpp"

#include <algorithm>
#include <array>

namespace gxmodbus {
namespace {

struct UnitRun {
    std::uint8_t first;
    std::uint8_t last;
    std::int16_t instance;  // of the first unit
    std::int8_t direction;  // how the instance goes on with the unit
};

constexpr auto kRuns = std::to_array<UnitRun>({
    {100, 100, 0, 1},
    {204, 214, 262, 1},
    {215, 222, 280, 1},
    {223, 224, 277, 1},
    {225, 225, 512, 1},
    {226, 226, 279, 1},
    {227, 227, 276, 1},
    {228, 230, 275, -1},
    {231, 233, 295, -1},
    {234, 234, 296, 1},
    {235, 239, 292, -1},
    {242, 247, 261, -1},
});

constexpr int kHighestUnit = 255;

}  // namespace

std::optional<int> table_instance(std::uint8_t unit) {
    const auto run = std::find_if(kRuns.begin(), kRuns.end(),
                                  [&](const UnitRun& r) { return unit >= r.first && unit <= r.last; });
    if (run == kRuns.end()) {
        return std::nullopt;
    }
    return run->instance + run->direction * (unit - run->first);
}

bool reachable_instance(int instance) {
    if (instance >= 0 && instance <= kHighestUnit) {
        return true;
    }
    for (int unit = 0; unit <= kHighestUnit; ++unit) {
        if (table_instance(static_cast<std::uint8_t>(unit)) == instance) {
            return true;
        }
    }
    return false;
}

}  // namespace gxmodbus
