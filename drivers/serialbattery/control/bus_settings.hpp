#pragma once
// The settings as values of com.victronenergy.settings: what to register, how a written value becomes a setting.

#include "serialbattery/control/config_check.hpp"
#include "serialbattery/control/settings_table.hpp"
#include "wire/expected.hpp"

namespace bms::control {

/// A value as the settings service stores it.
using BusValue = std::variant<std::int64_t, double, std::string>;

/// Switches are 0 or 1, numbers with whole choices integers, other numbers reals, an optional number -1 when
/// empty; lists are text, a curve one text of "point:value" pairs.
struct BusSetting {
    const Row* row;
    BusValue fallback;  ///< the default to register
    double low;         ///< both 0 for texts
    double high;
};

/// What to register for a place (battery or installation), in the order of the table.
[[nodiscard]] std::vector<BusSetting> bus_settings(Place place);

/// The row's present value.
[[nodiscard]] BusValue bus_value(const Settings& settings, const Row& row);

/// A stored value as texts of the row (for a curve of both its rows); nothing when its type or form is wrong.
[[nodiscard]] std::optional<std::vector<SettingText>> texts_of(const Row& row, const BusValue& value);

/// `current` with the row written, or why the write is refused: wrong type, outside the range, or it would
/// bring up an error together with the other settings.
[[nodiscard]] wire::Expected<Settings, std::string> written(const Settings& current, const Row& row,
                                                            const BusValue& value);

}  // namespace bms::control
