#include "gxmodbus/protocol/registers.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace gxmodbus {
namespace {

constexpr auto kRegisters = std::to_array<Register>({
#include "gxmodbus/registers.inc"
});

constexpr std::array<std::string_view, kServiceTypes> kNames{
    "vebus",       "battery",    "solarcharger", "system",    "pvinverter", "motordrive", "charger",
    "grid",        "settings",   "hub4",         "gps",       "tank",       "inverter",   "genset",
    "temperature", "pulsemeter", "digitalinput", "generator", "meteo",      "evcharger",  "acload",
    "fuelcell",    "alternator", "dcsource",     "dcload",    "dcsystem",   "multi",      "pump",
    "dcdc",        "acsystem",   "dcgenset",     "heatpump",  "platform"};

constexpr bool in_order_without_overlap() {
    for (std::size_t i = 1; i < kRegisters.size(); ++i) {
        if (kRegisters[i].address < kRegisters[i - 1].end()) {
            return false;
        }
    }
    return kRegisters.front().address == kFirstAddress && kRegisters.back().end() == kLastAddress + 1;
}

constexpr const Register* covering(unsigned address) {
    const auto after = std::upper_bound(kRegisters.begin(), kRegisters.end(), address,
                                        [](unsigned a, const Register& row) { return a < row.address; });
    if (after == kRegisters.begin() || std::prev(after)->end() <= address) {
        return nullptr;
    }
    return std::to_address(std::prev(after));
}

// An alternate names a row of the same type and path that is no alternate itself.
constexpr bool alternates_are_sound() {
    return std::all_of(kRegisters.begin(), kRegisters.end(), [](const Register& row) {
        if (row.alternate_of == 0) {
            return true;
        }
        const Register* primary = covering(row.alternate_of);
        return primary != nullptr && primary->address == row.alternate_of && primary->type == row.type
               && primary->path == row.path && primary->alternate_of == 0;
    });
}

constexpr bool rows_are_plausible() {
    return std::all_of(kRegisters.begin(), kRegisters.end(), [](const Register& row) {
        const bool path_ok =
            row.has_value() ? row.path.starts_with('/') && !row.path.ends_with('/') : row.path.empty();
        return path_ok && row.count > 0 && row.count <= 16 && row.scale != 0 && row.step > 0
               && row.since <= kNewestServer;
    });
}

// That every path has one preferred row is checked where the table is generated.
static_assert(in_order_without_overlap());
static_assert(alternates_are_sound());
static_assert(rows_are_plausible());

// Whether the key of a choice, "4" or "51-52", means a number.
bool covers(std::string_view key, long long number) {
    long long first = 0;
    const char* const end = key.data() + key.size();
    const auto low = std::from_chars(key.data(), end, first);
    if (low.ec != std::errc{}) {
        return false;
    }
    long long last = first;
    if (low.ptr != end && *low.ptr == '-' && std::from_chars(low.ptr + 1, end, last).ptr != end) {
        return false;
    }
    return first <= number && number <= last && (low.ptr == end || *low.ptr == '-');
}

}  // namespace

std::string_view name_of(ServiceType type) {
    return kNames[static_cast<std::size_t>(type)];
}

std::optional<ServiceType> service_type(std::string_view name) {
    constexpr std::string_view kPrefix = "com.victronenergy.";
    if (name.starts_with(kPrefix)) {
        name.remove_prefix(kPrefix.size());
    }
    const auto found = std::find(kNames.begin(), kNames.end(), name);
    if (found == kNames.end()) {
        return std::nullopt;
    }
    return static_cast<ServiceType>(found - kNames.begin());
}

std::span<const Register> all_registers() {
    return kRegisters;
}

std::span<const Register> registers_within(unsigned first, unsigned count) {
    const auto begin = std::lower_bound(kRegisters.begin(), kRegisters.end(), first,
                                        [](const Register& row, unsigned a) { return row.address < a; });
    const auto end = std::partition_point(begin, kRegisters.end(),
                                          [&](const Register& row) { return row.end() <= first + count; });
    return {begin, end};
}

const Register* register_at(unsigned address) {
    return covering(address);
}

const Register* find_register(ServiceType type, std::string_view path) {
    const auto found = std::find_if(kRegisters.begin(), kRegisters.end(), [&](const Register& row) {
        return row.type == type && row.alternate_of == 0 && row.has_value() && row.path == path;
    });
    return found == kRegisters.end() ? nullptr : std::to_address(found);
}

std::string_view choice_text(const Register& row, long long number) {
    for (std::string_view rest = row.choices; !rest.empty();) {
        const auto semicolon = rest.find(';');
        std::string_view choice = rest.substr(0, semicolon);
        rest.remove_prefix(semicolon == std::string_view::npos ? rest.size() : semicolon + 1);
        while (choice.starts_with(' ')) {
            choice.remove_prefix(1);
        }
        const auto equals = choice.find('=');
        if (equals != std::string_view::npos && covers(choice.substr(0, equals), number)) {
            return choice.substr(equals + 1);
        }
    }
    return {};
}

std::optional<ServerVersion> parse_server_version(std::string_view text) {
    if (const auto blank = text.rfind(' '); blank != std::string_view::npos) {
        text.remove_prefix(blank + 1);
    }
    ServerVersion version;
    const char* at = text.data();
    const char* const end = at + text.size();
    for (std::uint8_t* part : {&version.major, &version.minor, &version.patch}) {
        if (part != &version.major) {
            if (at == end || *at != '.') {
                return std::nullopt;
            }
            ++at;
        }
        const auto parsed = std::from_chars(at, end, *part);
        if (parsed.ec != std::errc{}) {
            return std::nullopt;
        }
        at = parsed.ptr;
    }
    return at == end ? std::optional{version} : std::nullopt;
}

}  // namespace gxmodbus
