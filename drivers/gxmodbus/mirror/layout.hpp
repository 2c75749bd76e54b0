#pragma once
// The items a mirrored device can have: one for every path of its type in the register table, and those that the
// registers lack but other programs need. Where a path shows at all depends on what is read (see mirror.hpp).

#include "gxmodbus/mirror/mode.hpp"
#include "gxmodbus/protocol/codec.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace gxmodbus {

class Mirror;

/// The type an item has on the bus.
enum class Kind : std::uint8_t { real, integer, text };

/// When a path appears. An absent path reads 0 on the server, so most have to show something else first.
enum class Appears : std::uint8_t {
    always,       ///< every device of the type has it
    with_value,   ///< with its first value other than 0
    with_phase,   ///< with all paths of its AC phase
    with_tracker  ///< with all paths of its PV tracker
};

struct ItemPlan {
    std::string_view path;
    Kind kind = Kind::real;
    int digits = 0;
    std::string_view unit = {};
    Appears appears = Appears::with_value;
    std::uint8_t group = 0;         ///< number of the phase or tracker
    const Register* row = nullptr;  ///< the preferred register, none for a value that is only worked out
    std::vector<const Register*> alternates = {};
    /// Works the value out when no register gives one.
    std::optional<Value> (*derive)(const Mirror&) = nullptr;
    bool measured = false;  ///< means nothing while the device delivers no data
    bool counter = false;   ///< a total that survives that unless it is 0
    bool is_temperature = false;
    bool is_soc = false;
};

/// The items of a type in a mode, ascending by path. `alarms`: whether the alarms are wanted.
[[nodiscard]] std::vector<ItemPlan> layout_of(ServiceType type, Mode mode, bool alarms);

/// A name for people: "Solar charger".
[[nodiscard]] std::string_view title_of(ServiceType type);

}  // namespace gxmodbus
