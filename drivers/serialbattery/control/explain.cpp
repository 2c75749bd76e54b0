#include "serialbattery/control/explain.hpp"

#include "serialbattery/control/settings_text.hpp"
#include "serialbattery/control/text.hpp"

namespace bms::control {
namespace {

std::string decimal(double value, int decimals = 3) {
    return number_text(round_to(value, decimals));
}

std::string percent(std::optional<double> value) {
    return value ? decimal(*value, 2) + " %" : "unknown";
}

std::string seconds(Seconds span) {
    return std::to_string(span.count()) + " s";
}

}  // namespace

Explanation explain(const State& state, const Context& context, Millis now) {
    const Settings& settings = context.settings;
    const ChargeVoltage& machine = state.voltage;
    const Output& out = state.out;
    const Seconds t = whole_seconds(now);
    const auto pack = battery_voltages(settings, context.pack.cell_count, machine.reset_requested);
    const std::string sum = out.cells.any ? decimal(volts(out.cells.sum)) + " V" : "unknown";
    const std::string difference = out.cells.any ? decimal(volts(out.cells.diff())) + " V" : "unknown";

    Explanation text;
    text.now = concat({"phase: ", phase_name(machine.phase),
                       "\ncharge voltage: ", machine.cvl ? decimal(volts(*machine.cvl)) + " V" : "unknown",
                       ", from ", decimal(volts(pack.min)), " V to ", decimal(volts(pack.max)), " V, float ",
                       decimal(volts(pack.float_)), " V\nsum of the cells: ", sum});
    if (out.cells.any) {
        text.now += concat({"\ncells: ", decimal(out.cells.min_v), " V to ", decimal(out.cells.max_v), " V"});
    }
    if (machine.limited_at) {
        text.now += concat({"\nlimited by a cell: ", seconds(t - *machine.limited_at), " ago"});
    }
    text.to_float = concat(
        {"sum of the cells: ", sum, ", awaited: ", decimal(volts(pack.max)), " V\ndifference: ", difference,
         ", awaited: ", decimal(settings.balanced_diff_v),
         " V\nabsorption: ", machine.absorption_since ? seconds(t - *machine.absorption_since) : "not begun",
         ", awaited: ", decimal(settings.absorption_s), " s"});
    text.to_bulk = concat({"state of charge: ", percent(out.soc_percent),
                           ", awaited: ", machine.soc_armed ? "" : "(once it has been there) ", "below ",
                           decimal(settings.bulk_soc_percent), " %\ndifference: ", difference,
                           ", awaited: ", decimal(settings.bulk_diff_v),
                           " V\nreset charge: ", machine.reset_requested ? "requested" : "not requested"});
    return text;
}

}  // namespace bms::control
