#include "serialbattery/detect/plan.hpp"

#include <algorithm>
#include <tuple>

namespace bms {
namespace {

constexpr unsigned kPopular = 50;  ///< families below this rank are tried first at a baud rate
constexpr auto kSlow =
    1000ms;  ///< ... but for those that may take so long: they answer when all have been asked

/// Baud rates in the order they are tried: popular boards answer within milliseconds at the highest.
int order_of(const Line& line) {
    if (line.parity != Parity::none) {
        return 2;
    }
    return line.baud == 115200 ? 0 : line.baud == 9600 ? 1 : line.baud == 19200 ? 3 : 4;
}

bool has_other_form(const Family& family, std::uint8_t address) {
    return family.probe_otherwise != nullptr
           && !std::ranges::equal(family.probe_otherwise(address).bytes.bytes(),
                                  family.probe(address).bytes.bytes());
}

void add_probes(const Family& family, const Line& line, const std::vector<std::uint8_t>& addresses,
                std::vector<Probe>& out) {
    // At the baud rate of a probe that could change a foreign device every other one comes before it: once.
    const auto all = families();
    const bool once = std::any_of(all.begin(), all.end(), [&](const Family* other) {
        return risky(*other) && other->lines.front() == line;
    });
    const bool likely = line == family.lines.front() && family.detection.battery;
    const auto add = [&](std::uint8_t address) {
        if (once ? !risky(family) : likely) {
            // The first of several tries wakes the device: others are asked until it is up.
            if (family.probe(address).tries > 1) {
                out.push_back({.family = &family, .address = address, .line = line, .wakes = true});
            }
            out.push_back({&family, address, line, Patience::brief});
        }
        if (!once || risky(family)) {
            out.push_back({&family, address, line, Patience::patient});
            if (has_other_form(family, address)) {
                out.push_back({&family, address, line, Patience::patient, true});
            }
        }
    };
    const auto& named = family.detection.addresses;
    if (named.empty()) {
        add(family.first_address);
        return;
    }
    for (const auto address : addresses.empty() ? std::span(named) : std::span(addresses)) {
        if (addresses.empty() || (address >= family.first_address && address <= family.last_address)) {
            add(address);
        }
    }
}

/// All families at every baud rate, popular ones first, then all once more. The slow come before the quick: their
/// answers arrive while the others are asked. What could change a foreign device is last at its rate.
auto key(const Probe& probe) {
    const auto& family = *probe.family;
    const int order = order_of(probe.line);
    const bool second = order != 0 && probe.patience == Patience::patient;
    const auto& detection = family.detection;
    return std::tuple(second, order, risky(family), detection.window < kSlow, detection.rank >= kPopular,
                      !probe.wakes, -(detection.window + detection.reading), detection.rank);
}

}  // namespace

std::vector<Probe> plan_probes(const DetectionPlan& plan) {
    const auto all = families();
    std::vector<const Family*> chosen = plan.families;
    if (chosen.empty()) {
        chosen.assign(all.begin(), all.end());
    }
    std::vector<Probe> queue;
    for (const auto* family : chosen) {
        if (family->probe == nullptr) {
            continue;
        }
        for (const auto& line : family->lines) {
            add_probes(*family, line, plan.addresses, queue);
        }
    }
    std::stable_sort(queue.begin(), queue.end(),
                     [](const Probe& a, const Probe& b) { return key(a) < key(b); });
    if (plan.last && plan.last->family != nullptr) {
        const auto& last = *plan.last;
        queue.insert(queue.begin(), {last.family, last.address, last.line, Patience::remembered});
    }
    return queue;
}

}  // namespace bms
