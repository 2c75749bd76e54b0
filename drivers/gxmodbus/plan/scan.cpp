#include "gxmodbus/plan/scan.hpp"

#include "gxmodbus/protocol/generation.hpp"

#include <algorithm>
#include <array>

namespace gxmodbus {
namespace {

using T = ServiceType;

// Unit ids that tend to belong together.
enum class UnitSet : std::uint8_t {
    vebus_ports,
    can_bms,
    serial_ports,
    other_ports,
    can,
    network,
    virtual_devices,
    small
};

struct UnitRun {
    UnitSet set;
    std::uint8_t first;
    std::uint8_t last;
};
constexpr auto kUnits = std::to_array<UnitRun>({
    {UnitSet::vebus_ports, 227, 228},
    {UnitSet::vebus_ports, 242, 242},
    {UnitSet::vebus_ports, 246, 246},
    {UnitSet::can_bms, 225, 225},
    {UnitSet::serial_ports, 223, 239},
    {UnitSet::serial_ports, 242, 247},
    {UnitSet::other_ports, 204, 222},
    {UnitSet::can, 0, 15},
    {UnitSet::network, 20, 47},
    {UnitSet::virtual_devices, 100, 109},
    {UnitSet::small, 0, 10},
});

struct Likely {
    T type;
    std::array<UnitSet, 5> sets;
    std::uint8_t count;
};
constexpr auto kLikely = std::to_array<Likely>({
    {T::vebus, {UnitSet::vebus_ports, UnitSet::serial_ports, UnitSet::other_ports}, 3},
    {T::battery,
     {UnitSet::can_bms, UnitSet::serial_ports, UnitSet::can, UnitSet::virtual_devices, UnitSet::other_ports},
     5},
    {T::solarcharger,
     {UnitSet::serial_ports, UnitSet::can, UnitSet::virtual_devices, UnitSet::other_ports},
     4},
    {T::grid, {UnitSet::network, UnitSet::virtual_devices}, 2},
    {T::pvinverter, {UnitSet::network, UnitSet::virtual_devices}, 2},
    {T::tank, {UnitSet::network, UnitSet::can, UnitSet::virtual_devices}, 3},
    {T::temperature, {UnitSet::network, UnitSet::can, UnitSet::virtual_devices}, 3},
    {T::genset, {UnitSet::network, UnitSet::virtual_devices}, 2},
    {T::evcharger, {UnitSet::network, UnitSet::virtual_devices}, 2},
    {T::acload, {UnitSet::network, UnitSet::virtual_devices}, 2},
    {T::heatpump, {UnitSet::network, UnitSet::virtual_devices}, 2},
    {T::meteo, {UnitSet::network, UnitSet::can, UnitSet::virtual_devices}, 3},
    {T::inverter, {UnitSet::serial_ports, UnitSet::can}, 2},
    {T::charger, {UnitSet::serial_ports, UnitSet::can}, 2},
    {T::alternator, {UnitSet::serial_ports, UnitSet::can}, 2},
    {T::dcsource, {UnitSet::serial_ports, UnitSet::can}, 2},
    {T::dcload, {UnitSet::serial_ports, UnitSet::can}, 2},
    {T::dcsystem, {UnitSet::serial_ports, UnitSet::can}, 2},
    {T::fuelcell, {UnitSet::serial_ports, UnitSet::can}, 2},
    {T::dcdc, {UnitSet::serial_ports, UnitSet::can}, 2},
    {T::multi, {UnitSet::serial_ports, UnitSet::can}, 2},
    {T::acsystem, {UnitSet::can}, 1},
    {T::dcgenset, {UnitSet::can}, 1},
    {T::motordrive, {UnitSet::can}, 1},
    {T::digitalinput, {UnitSet::small}, 1},
    {T::pulsemeter, {UnitSet::small}, 1},
    {T::gps, {UnitSet::small}, 1},
    {T::generator, {UnitSet::small}, 1},
    {T::pump, {UnitSet::small}, 1},
});
static_assert(kLikely.size() == kServiceTypes - 4);

constexpr std::size_t kHeadStart = 40;  // places in the queue that a hint is worth

// The units of a type, each once, in the order of its sets.
std::vector<std::uint8_t> units_of(const Likely& likely) {
    std::vector<std::uint8_t> units;
    for (std::size_t i = 0; i < likely.count; ++i) {
        for (const UnitRun& run : kUnits) {
            if (run.set != likely.sets[i]) {
                continue;
            }
            for (unsigned unit = run.first; unit <= run.last; ++unit) {
                if (std::find(units.begin(), units.end(), unit) == units.end()) {
                    units.push_back(static_cast<std::uint8_t>(unit));
                }
            }
        }
    }
    return units;
}

// All types advance through their units side by side, those with a hint ahead of the others.
std::vector<Pair> likely_pairs(Hints hints) {
    struct Candidate {
        std::size_t rank;
        Pair pair;
    };
    std::vector<Candidate> candidates;
    for (const Likely& likely : kLikely) {
        const bool hinted = hints.test(static_cast<std::size_t>(likely.type));
        std::size_t rank = hinted ? 0 : kHeadStart;
        for (const auto unit : units_of(likely)) {
            candidates.push_back({rank++, {unit, likely.type}});
        }
    }
    std::stable_sort(candidates.begin(), candidates.end(),
                     [](const Candidate& a, const Candidate& b) { return a.rank < b.rank; });
    std::vector<Pair> pairs;
    pairs.reserve(candidates.size());
    for (const Candidate& candidate : candidates) {
        pairs.push_back(candidate.pair);
    }
    return pairs;
}

}  // namespace

bool is_scannable(ServiceType type) {
    return type != T::system && type != T::settings && type != T::hub4 && type != T::platform;
}

Scan::Scan(const std::vector<Pair>& pairs, const std::set<Pair>& known) {
    std::set<Pair> queued = known;
    for (const Pair& pair : pairs) {
        if (queued.insert(pair).second) {
            waiting_.push_back(pair);
        }
    }
    total_ = waiting_.size();
}

Scan Scan::likely(Hints hints, const std::set<Pair>& known) {
    return Scan(likely_pairs(hints), known);
}

Scan Scan::likely_of(Hints types, const std::set<Pair>& known) {
    auto pairs = likely_pairs({});
    std::erase_if(pairs, [&](const Pair& pair) { return !types.test(static_cast<std::size_t>(pair.type)); });
    return Scan(pairs, known);
}

Scan Scan::full(Hints hints, const std::set<Pair>& known) {
    auto pairs = likely_pairs(hints);
    for (unsigned unit = 0; unit <= 255; ++unit) {
        for (const Likely& likely : kLikely) {
            pairs.push_back({static_cast<std::uint8_t>(unit), likely.type});
        }
    }
    return Scan(pairs, known);
}

Scan Scan::of_units(std::span<const std::uint8_t> units, const std::set<Pair>& known) {
    std::vector<Pair> pairs;
    for (const auto unit : units) {
        for (const Likely& likely : kLikely) {
            pairs.push_back({unit, likely.type});
        }
    }
    return Scan(pairs, known);
}

std::optional<Pair> Scan::next() const {
    return waiting_.empty() ? std::nullopt : std::optional{waiting_.front()};
}

void Scan::answer(Outcome outcome) {
    if (waiting_.empty()) {
        return;
    }
    const Pair pair = waiting_.front();
    waiting_.pop_front();
    if (outcome == Outcome::unknown_type) {
        std::erase_if(waiting_, [&](const Pair& other) { return other.type == pair.type; });
    } else if (outcome == Outcome::no_answer && asked_again_.insert(pair).second) {
        waiting_.push_back(pair);
    }
}

int Scan::progress_percent() const {
    return total_ == 0 ? 100 : static_cast<int>(100 * (total_ - std::min(total_, waiting_.size())) / total_);
}

std::optional<Pair> possible_alias(const Pair& pair) {
    if (pair.unit == kSystemUnit) {
        return Pair{0, pair.type};
    }
    return pair.unit == 0 ? std::optional{Pair{kSystemUnit, pair.type}} : std::nullopt;
}

Pair preferred_alias(const Pair& one, const Pair& other) {
    const bool fixed = !is_scannable(one.type) || one.type == T::generator;
    return (one.unit == kSystemUnit) == fixed ? one : other;
}

bool told_apart(const Block& block, ServerVersion version, Words before, Words between, Words after) {
    std::map<std::uint16_t, std::pair<Value, Value>> limits;
    const auto widen = [&](const Register& row, Words raw) {
        if (auto value = decode(row, raw)) {
            auto& [lowest, highest] = limits.try_emplace(row.address, *value, *value).first->second;
            lowest = std::min(lowest, *value);
            highest = std::max(highest, *value);
        }
    };
    for_each_row(block, before, version, widen);
    for_each_row(block, after, version, widen);
    bool apart = false;
    for_each_row(block, between, version, [&](const Register& row, Words raw) {
        const auto value = decode(row, raw);
        const auto found = limits.find(row.address);
        apart = apart
                || (value && found != limits.end()
                    && (*value < found->second.first || found->second.second < *value));
    });
    return apart;
}

void Comparison::take(Words one, Words two) {
    ++rounds_;
    equal_ = equal_ || std::equal(one.begin(), one.end(), two.begin(), two.end());
    const auto collect = [&](Values& values, Words words) {
        for_each_row(block_, words, version_, [&](const Register& row, Words raw) {
            if (auto value = decode(row, raw)) {
                values[row.address].insert(std::move(*value));
            }
        });
    };
    collect(one_, one);
    collect(two_, two);
}

bool Comparison::same() const {
    if (equal_) {
        return true;
    }
    return std::all_of(one_.begin(), one_.end(), [&](const auto& entry) {
        const auto found = two_.find(entry.first);
        if (found == two_.end()) {
            return false;
        }
        const auto& [a, b] = std::pair(entry.second, found->second);
        return *a.begin() <= *b.rbegin() && *b.begin() <= *a.rbegin();
    });
}

}  // namespace gxmodbus
