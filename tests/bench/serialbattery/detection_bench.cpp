// Prints how long detection takes for every simulated battery, on a line with true byte times: with nothing known,
// and for the battery that was there last time.

#include "serialbattery/detect/detector.hpp"
#include "support/virtual_line.hpp"

#include <cstdio>

namespace {

using namespace bms;

struct Run {
    long ms = 0;
    unsigned probes = 0;
    bool found = false;
};

Run detect(std::string_view name, bool remembered) {
    test::VirtualLine line;
    auto& unit = line.add(name);
    DetectionPlan plan;
    if (remembered) {
        const auto* family = find_family(name);
        plan.last = Location{family, static_cast<std::uint8_t>(unit.address()), family->lines.front()};
    }
    Detector detector(std::move(plan));
    line.run(detector);
    const auto result = detector.take_result();
    const auto took = std::chrono::duration_cast<milliseconds>(line.now() - TimePoint{});
    const bool found = result.kind == Detected::Kind::battery && result.place.family->name == name;
    return {static_cast<long>(took.count()), detector.probes_sent(), found};
}

}  // namespace

int main() {
    std::printf("%-14s %10s %7s %14s\n", "family", "new, ms", "probes", "remembered, ms");
    for (const auto& simulator : sim::simulators()) {
        const auto fresh = detect(simulator.family, false);
        const auto again = detect(simulator.family, true);
        std::printf("%-14s %10ld %7u %14ld%s\n", std::string(simulator.family).c_str(), fresh.ms,
                    fresh.probes, again.ms, fresh.found && again.found ? "" : "  NOT FOUND");
    }
    test::VirtualLine empty;
    Detector detector({});
    empty.run(detector);
    const auto took = std::chrono::duration_cast<milliseconds>(empty.now() - TimePoint{});
    std::printf("%-14s %10ld %7u\n", "(nothing)", static_cast<long>(took.count()), detector.probes_sent());
}
