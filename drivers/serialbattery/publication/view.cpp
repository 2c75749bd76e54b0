#include "serialbattery/publication/view.hpp"

namespace bms::publication {
namespace {

/// Any cell, of boards that say it of each only.
std::optional<bool> balances(const Battery& battery) {
    std::optional<bool> any = battery.balancing;
    for (const auto& cell : battery.cells) {
        if (cell.balancing) {
            any = any.value_or(false) || *cell.balancing;
        }
    }
    return any;
}

std::string cell_id(std::size_t number) {
    return number == 0 ? std::string() : std::string("C").append(std::to_string(number));
}

}  // namespace

View view_of(const Battery& battery, const control::Output& out, const control::Settings& settings,
             std::size_t cell_count) {
    const bool online = out.online.value_or(false);
    View view{.battery = battery,
              .out = out,
              .settings = settings,
              .modules = {.online = online ? 1U : 0U,
                          .offline = online ? 0U : 1U,
                          .blocking_charge = out.allow_charge.value_or(false) ? 0U : 1U,
                          .blocking_discharge = out.allow_discharge.value_or(false) ? 0U : 1U},
              .cells = cell_count > 0 ? std::optional(cell_count) : std::nullopt,
              .soh_percent = battery.soh_pct,
              .balancing = balances(battery),
              .heating = battery.heating};
    if (out.cells.any) {
        view.min_cell_id = cell_id(out.cells.min_cell);
        view.max_cell_id = cell_id(out.cells.max_cell);
    }
    view.min_temperature_id = control::sensor_name(settings, out.temperatures.min_sensor);
    view.max_temperature_id = control::sensor_name(settings, out.temperatures.max_sensor);
    return view;
}

}  // namespace bms::publication
