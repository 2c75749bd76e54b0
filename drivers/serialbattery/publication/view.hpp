#pragma once
// What the service of a battery or of a bank shows at a moment.

#include "serialbattery/battery.hpp"
#include "serialbattery/control/control.hpp"
#include "serialbattery/control/settings.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace bms::publication {

/// How many batteries there are and what they do together; of a single one: 1, and itself.
struct Modules {
    std::size_t batteries = 1;
    std::size_t parallel = 1;
    std::size_t series = 1;
    std::size_t online = 0;
    std::size_t offline = 0;
    std::size_t blocking_charge = 0;
    std::size_t blocking_discharge = 0;
};

struct View {
    const Battery& battery;  ///< as its management system reports it; empty for a bank
    const control::Output& out;
    const control::Settings& settings;
    Modules modules = {};
    std::optional<std::size_t> cells;  ///< in series
    std::optional<double> soh_percent;
    std::optional<bool> balancing;
    std::optional<bool> heating;
    std::string min_cell_id = {};  ///< empty: not known
    std::string max_cell_id = {};
    std::string min_temperature_id = {};
    std::string max_temperature_id = {};
    std::string config_error = {};
    bool mode_shown = false;  ///< a client may switch the battery
};

/// The view of a single battery.
[[nodiscard]] View view_of(const Battery& battery, const control::Output& out,
                           const control::Settings& settings, std::size_t cell_count);

}  // namespace bms::publication
