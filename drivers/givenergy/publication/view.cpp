#include "givenergy/publication/view.hpp"

#include <algorithm>

namespace givenergy {

namespace {

constexpr std::uint16_t kInverterOn = 53, kPowerRate = 50, kPauseMode = 318;

std::optional<int> as_int(std::optional<std::uint16_t> raw) {
    return raw ? std::optional<int>{*raw} : std::nullopt;
}

std::optional<std::string> time_text(std::optional<std::uint16_t> raw, bool pause_slot = false) {
    const auto minute = raw ? minute_of_day(*raw, pause_slot) : std::nullopt;
    if (!minute) {
        return std::nullopt;
    }
    std::string text = std::to_string(10000 + hhmm(*minute));
    return text.substr(1);
}

PvFigures metered_pv(const Plant& plant) {
    PvFigures pv;
    pv.watts = plant.metered_pv_w ? Value{std::max(*plant.metered_pv_w, 0.0)} : std::nullopt;
    pv.phase_w[0] = pv.watts;
    // On three-phase units the counter is that of the unit's own strings.
    pv.kwh = plant.phases == 1 ? plant.total.pv : std::nullopt;
    return pv;
}

PvFigures inverter_output(const Plant& plant) {
    PvFigures pv;
    pv.watts = plant.inverter_w ? Value{std::max(*plant.inverter_w, 0.0)} : std::nullopt;
    for (std::size_t i = 0; i < static_cast<std::size_t>(plant.phases); ++i) {
        const Phase& phase = plant.phase[i];
        if (plant.phases == 1) {
            pv.phase_w[i] = pv.watts;
        } else if (phase.input_w && phase.output_w) {
            pv.phase_w[i] = std::max(*phase.output_w - *phase.input_w, 0.0);
        }
    }
    pv.kwh = plant.total.inverter_out;
    return pv;
}

PvFigures pv_only(const Plant& plant) {
    PvFigures pv;
    pv.watts = plant.pv_w;
    pv.phase_w[0] = plant.pv_w;
    pv.kwh = plant.total.pv;
    return pv;
}

std::optional<int> mode_number(const CommandContext& context) {
    static constexpr std::array<std::string_view, 5> kNames{"Eco", "Eco (Paused)", "Timed Demand",
                                                            "Timed Export", "Export (Paused)"};
    const auto name = mode_name(context);
    if (!name) {
        return std::nullopt;
    }
    return static_cast<int>(std::ranges::find(kNames, *name) - kNames.begin());
}

void read_slots(View& view, const CommandContext& context) {
    for (int slot = 1; slot <= 10; ++slot) {
        const auto at = static_cast<std::size_t>(slot - 1);
        const auto charge = charge_slot_register(context.model, context.arm_firmware, slot);
        const auto discharge = discharge_slot_register(context.model, context.arm_firmware, slot);
        const bool disputed = slot == 2 && charge < 60 && !context.consent.charge_slot_2;
        for (std::uint16_t side = 0; side < 2; ++side) {
            if (charge != 0 && !disputed) {
                view.charge_slot[at][side] =
                    time_text(context.holding(static_cast<std::uint16_t>(charge + side)));
            }
            if (discharge != 0) {
                view.discharge_slot[at][side] =
                    time_text(context.holding(static_cast<std::uint16_t>(discharge + side)));
            }
        }
        if (capabilities(context.model, context.arm_firmware).ten_slots) {
            view.charge_slot_target[at] = as_int(context.holding(charge_slot_target(slot)));
            view.discharge_slot_target[at] = as_int(context.holding(discharge_slot_target(slot)));
        }
    }
}

void read_settings(View& view, const CommandContext& context) {
    const ControlRegisters& at = control_registers(context.model);
    view.mode = mode_number(context);
    view.charge_enable = as_int(context.holding(at.charge_enable));
    view.discharge_enable = as_int(context.holding(at.discharge_enable));
    view.charge_target = as_int(context.holding(at.charge_target));
    view.reserve = view.reserve_percent = as_int(context.holding(at.reserve));
    view.cutoff = as_int(context.holding(at.cutoff));
    const auto charge_rate = context.holding(at.charge_rate),
               discharge_rate = context.holding(at.discharge_rate);
    view.charge_rate_w = charge_rate ? watts_of_rate(context, *charge_rate) : std::nullopt;
    view.discharge_rate_w = discharge_rate ? watts_of_rate(context, *discharge_rate) : std::nullopt;
    view.pause_mode = as_int(context.holding(kPauseMode));
    view.pause_start = time_text(context.holding(kPauseMode + 1), true);
    view.pause_end = time_text(context.holding(kPauseMode + 2), true);
    view.active_power_rate = as_int(context.holding(kPowerRate));
    const auto on = context.holding(kInverterOn);
    view.inverter_on =
        on && live_bank(context.model) == LiveBank::single_phase ? std::optional{*on & 0xff} : std::nullopt;
    const int pause = view.pause_mode.value_or(0);
    if (charge_rate || view.pause_mode) {
        view.charge_allowed = (pause & 1) == 0 && charge_rate.value_or(1) != 0 ? 1 : 0;
        view.discharge_allowed = (pause & 2) == 0 && discharge_rate.value_or(1) != 0 ? 1 : 0;
    }
    read_slots(view, context);
}

}  // namespace

std::vector<ServiceKind> services_of(const Topology& topology, const LayoutChoice& choice,
                                     bool metered_pv_seen) {
    using enum ServiceKind;
    if (choice.layout == Layout::observer) {
        std::vector<ServiceKind> services;
        if (choice.observer_value != ObserverValue::nothing) {
            services.push_back(pvinverter);
        }
        if (choice.observer_battery) {
            services.push_back(battery);
        }
        return services;
    }
    std::vector<ServiceKind> services{grid, multi, acsystem, battery};
    const LiveBank bank = live_bank(topology.model);
    const bool metered = capabilities(topology.model, topology.arm_firmware).metered_pv
                         || bank == LiveBank::gateway || bank == LiveBank::ems
                         || topology.model == Model::ac_3ph
                         || (bank == LiveBank::three_phase && metered_pv_seen);
    if (metered) {
        services.push_back(pvinverter);
    }
    return services;
}

View view_of(const Topology& topology, const Registers& registers, const LayoutChoice& choice,
             const Consent& consent) {
    View view;
    view.plant = plant_of(topology, registers);
    if (choice.layout == Layout::standalone) {
        view.pv = metered_pv(view.plant);
    } else {
        view.pv = choice.observer_value == ObserverValue::pv_only ? pv_only(view.plant)
                                                                  : inverter_output(view.plant);
    }
    for (const std::string& fault : view.plant.faults) {
        view.faults += (view.faults.empty() ? "" : ", ") + fault;
    }
    read_settings(view, CommandContext{
                            topology.model, topology.dtc, topology.arm_firmware, consent, &registers, {}, 4});
    return view;
}

}  // namespace givenergy
