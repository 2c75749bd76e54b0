#include "gxmodbus/protocol/generation.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace gxmodbus {
namespace {

using T = ServiceType;
using G = Generation;

struct RangeRow {
    T type;
    std::uint16_t first;
    std::uint16_t last;
    G from;  // the oldest and the newest generation that has exactly this range
    G until = G::v94;
};

// The ranges of older servers: some of their rows have since changed their meaning, so the register table does
// not tell where they had registers. Ascending by type as in ServiceType, then by address.
constexpr auto kRanges = std::to_array<RangeRow>({
    {T::vebus, 3, 109, G::v75, G::v82},
    {T::vebus, 3, 121, G::v94},
    {T::vebus, 200, 231, G::v94},
    {T::battery, 256, 331, G::v82},
    {T::battery, 258, 326, G::v75, G::v75},
    {T::battery, 1282, 1321, G::v75},
    // Before 1.0.95 the text at 1318 hides single registers at 1319..1324: they are read from their own start.
    {T::battery, 1319, 1335, G::v75},
    {T::solarcharger, 771, 791, G::v75, G::v75},
    {T::solarcharger, 771, 793, G::v82},
    {T::solarcharger, 3700, 3734, G::v75, G::v82},
    {T::solarcharger, 3700, 3738, G::v94},
    {T::system, 800, 846, G::v75},
    {T::system, 850, 851, G::v75},
    {T::system, 855, 855, G::v75},
    {T::system, 860, 860, G::v75},
    // A stray entry at 871 keeps blocks from passing into 872 before 1.0.96.
    {T::system, 865, 871, G::v75},
    {T::system, 872, 883, G::v75, G::v82},
    {T::system, 872, 919, G::v94},
    {T::system, 5400, 5407, G::v75},
    {T::pvinverter, 1026, 1064, G::v75},
    {T::motordrive, 2048, 2053, G::v75},
    {T::charger, 2307, 2322, G::v75},
    {T::grid, 2600, 2644, G::v75, G::v75},
    {T::grid, 2600, 2648, G::v82},
    {T::settings, 2700, 2708, G::v75},
    {T::settings, 2710, 2715, G::v75},
    {T::settings, 2717, 2717, G::v75, G::v82},
    {T::settings, 2718, 2718, G::v94},
    {T::settings, 2900, 2903, G::v75},
    {T::settings, 4701, 4704, G::v75},
    {T::settings, 5420, 5429, G::v75},
    {T::hub4, 2709, 2709, G::v75},
    {T::hub4, 2716, 2717, G::v75},
    {T::gps, 2800, 2809, G::v75},
    {T::tank, 3000, 3007, G::v75},
    {T::inverter, 3100, 3102, G::v75},
    {T::inverter, 3105, 3106, G::v75},
    {T::inverter, 3110, 3117, G::v75},
    {T::inverter, 3125, 3128, G::v75},
    {T::inverter, 3130, 3138, G::v75},
    {T::inverter, 3140, 3143, G::v75},
    {T::inverter, 3148, 3172, G::v75, G::v82},
    {T::inverter, 3148, 3176, G::v94},
    {T::genset, 3200, 3228, G::v75, G::v75},
    {T::genset, 3200, 3239, G::v82},
    {T::genset, 5000, 5127, G::v75},
    {T::temperature, 3300, 3308, G::v75, G::v82},
    {T::temperature, 3300, 3314, G::v94},
    {T::pulsemeter, 3400, 3403, G::v75},
    {T::digitalinput, 3420, 3424, G::v75},
    {T::generator, 3500, 3512, G::v75},
    {T::meteo, 3600, 3604, G::v75},
    {T::evcharger, 3800, 3800, G::v75},
    {T::evcharger, 3802, 3827, G::v75},
    {T::acload, 3900, 3922, G::v75, G::v75},
    {T::acload, 3900, 3933, G::v82},
    {T::fuelcell, 4000, 4011, G::v75},
    {T::alternator, 4100, 4121, G::v75},
    {T::dcsource, 4200, 4211, G::v75},
    {T::dcload, 4300, 4311, G::v75},
    {T::dcsystem, 4400, 4413, G::v75},
    {T::multi, 4500, 4620, G::v75, G::v82},
    {T::multi, 4500, 4633, G::v94},
    {T::pump, 4700, 4700, G::v75},
    {T::dcdc, 4800, 4811, G::v75},
    {T::acsystem, 4900, 4931, G::v75, G::v75},
    {T::acsystem, 4900, 4942, G::v82},
    {T::dcgenset, 5200, 5345, G::v75},
    {T::heatpump, 5500, 5507, G::v82},
    {T::platform, 5800, 5819, G::v94},
});

constexpr bool ranges_are_sound() {
    for (std::size_t i = 0; i < kRanges.size(); ++i) {
        const RangeRow& row = kRanges[i];
        if (row.first > row.last || row.last > kLastAddress || row.from > row.until) {
            return false;
        }
        if (i > 0
            && (row.type < kRanges[i - 1].type
                || (row.type == kRanges[i - 1].type && row.first < kRanges[i - 1].first))) {
            return false;
        }
    }
    return true;
}
static_assert(ranges_are_sound());

constexpr auto kMoved = std::to_array<MovedRegister>({
    {1322, 1319, kBatteryBlockStraightened},
    {1323, 1320, kBatteryBlockStraightened},
    {1324, 1321, kBatteryBlockStraightened},
    {1325, 1322, kBatteryBlockStraightened},
    {1326, 1323, kBatteryBlockStraightened},
    {1327, 1324, kBatteryBlockStraightened},
    {2718, 2717, kTypesServedPerRegister},
    {3836, 3816, {1, 0, 96}},
});

// In the order of ServiceType.
constexpr std::array<std::uint16_t, kServiceTypes> kProbes{
    3,    259,  771,  800,  1026, 2048, 2307, 2600, 2700, 2709, 2800, 3000, 3100, 3200, 3300, 3400, 3420,
    3500, 3600, 3800, 3900, 4000, 4100, 4200, 4300, 4400, 4500, 4700, 4800, 4900, 5200, 5500, 5800};

constexpr std::uint16_t kSuspectVersion = 0x0370;
constexpr std::uint16_t kSuspectBeta = 0x0047;

}  // namespace

ServerVersion version_of(Generation generation) {
    switch (generation) {
        case G::v75:
            return {1, 0, 75};
        case G::v82:
            return {1, 0, 82};
        case G::v94:
            return {1, 0, 94};
        case G::v95:
            return kBatteryBlockStraightened;
        case G::v96:
            return {1, 0, 96};
        case G::v97:
            return {1, 0, 97};
        case G::v101:
            break;
    }
    return kNewestServer;
}

std::string_view name_of(Generation generation) {
    constexpr std::array<std::string_view, 7> kNames{"v75", "v82", "v94", "v95", "v96", "v97", "v101"};
    return kNames[static_cast<std::size_t>(generation)];
}

std::optional<Generation> generation(std::string_view name) {
    for (auto candidate : {G::v75, G::v82, G::v94, G::v95, G::v96, G::v97, G::v101}) {
        if (name_of(candidate) == name) {
            return candidate;
        }
    }
    return std::nullopt;
}

std::optional<Generation> older(Generation generation) {
    if (generation == G::v75) {
        return std::nullopt;
    }
    return static_cast<Generation>(static_cast<int>(generation) - 1);
}

std::vector<Range> ranges_of(ServiceType type, Generation generation) {
    std::vector<Range> ranges;
    if (generation <= G::v94) {
        for (const RangeRow& row : kRanges) {
            if (row.type == type && row.from <= generation && generation <= row.until) {
                ranges.push_back({row.type, row.first, row.last});
            }
        }
        return ranges;
    }
    const ServerVersion server = version_of(generation);
    for (const Register& row : all_registers()) {
        if (row.type != type || row.since > server) {
            continue;
        }
        const auto last = static_cast<std::uint16_t>(row.end() - 1);
        if (!ranges.empty() && ranges.back().last + 1 == row.address) {
            ranges.back().last = last;
        } else {
            ranges.push_back({type, row.address, last});
        }
    }
    return ranges;
}

std::span<const MovedRegister> moved_registers() {
    return kMoved;
}

std::optional<Register> served_row(const Register& row, ServerVersion version) {
    for (const MovedRegister& moved : kMoved) {
        if (moved.address == row.address && version < moved.until) {
            Register old = row;
            old.address = moved.old_address;
            return old;
        }
    }
    return row.since <= version ? std::optional{row} : std::nullopt;
}

std::uint16_t probe_address(ServiceType type) {
    return kProbes[static_cast<std::size_t>(type)];
}

std::string firmware_text(std::uint16_t version, std::uint16_t beta) {
    std::array<char, 24> text{};
    if (beta == 0) {
        std::snprintf(text.data(), text.size(), "v%x.%02x", version >> 8, version & 0xff);
    } else {
        std::snprintf(text.data(), text.size(), "v%x.%02x~%x", version >> 8, version & 0xff, beta);
    }
    return text.data();
}

bool may_crash_on_probe(std::uint16_t version, std::uint16_t beta) {
    return version == kSuspectVersion && beta >= kSuspectBeta;
}

}  // namespace gxmodbus
