#pragma once
// What a remote device is to a Modbus client: a service type on a unit id.

#include "gxmodbus/protocol/registers.hpp"

#include <compare>
#include <string>
#include <vector>

namespace gxmodbus {

struct Pair {
    std::uint8_t unit = 0;
    ServiceType type{};
    // NOLINTNEXTLINE(modernize-use-nullptr): the checker stumbles over a defaulted comparison
    friend constexpr auto operator<=>(const Pair&, const Pair&) = default;
};

/// "227:vebus"
[[nodiscard]] std::string to_text(const Pair& pair);
[[nodiscard]] std::optional<Pair> parse_pair(std::string_view text);

/// What the owner wants looked at: the setting Units.
struct UnitList {
    bool automatic = true;            ///< empty text: find out
    std::vector<std::uint8_t> units;  ///< probe these with every type
    std::vector<Pair> pairs;          ///< take these without probing
    friend bool operator==(const UnitList&, const UnitList&) = default;
};
/// "" = automatic, "none" = nothing but unit 100, else a list such as "225,227:vebus". Nothing when malformed.
[[nodiscard]] std::optional<UnitList> parse_units(std::string_view text);

}  // namespace gxmodbus
