#include "givenergy/readout/v3.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace givenergy {

namespace {

using nlohmann::ordered_json;

constexpr double kIdleW = 30;

struct PowerRow {
    std::string_view name;
    Value (*of)(const Plant&);
};

Value turned(Value value) {
    return value ? Value{-*value} : value;
}
Value positive(Value value) {
    return value ? Value{std::max(*value, 0.0)} : value;
}
Value rounded(Value value, double factor) {
    return value ? Value{std::round(*value * factor) / factor} : value;
}

constexpr auto kPower = std::to_array<PowerRow>({
    {"PV_Power", [](const Plant& p) { return p.pv_w; }},
    {"PV_Power_String_1", [](const Plant& p) { return p.tracker[0].watts; }},
    {"PV_Power_String_2", [](const Plant& p) { return p.tracker[1].watts; }},
    {"PV_Voltage_String_1", [](const Plant& p) { return p.tracker[0].volts; }},
    {"PV_Voltage_String_2", [](const Plant& p) { return p.tracker[1].volts; }},
    {"PV_Current_String_1", [](const Plant& p) { return p.tracker[0].amps; }},
    {"PV_Current_String_2", [](const Plant& p) { return p.tracker[1].amps; }},
    {"Grid_Power", [](const Plant& p) { return turned(p.grid_w); }},
    {"Import_Power", [](const Plant& p) { return positive(p.grid_w); }},
    {"Export_Power", [](const Plant& p) { return positive(turned(p.grid_w)); }},
    {"Grid_Voltage", [](const Plant& p) { return p.grid_v; }},
    {"Grid_Frequency", [](const Plant& p) { return p.grid_hz; }},
    {"EPS_Power", [](const Plant& p) { return p.output_w; }},
    {"Invertor_Power", [](const Plant& p) { return p.inverter_w; }},
    {"AC_Charge_Power", [](const Plant& p) { return positive(turned(p.inverter_w)); }},
    {"Load_Power", [](const Plant& p) { return p.load_w; }},
    {"SOC", [](const Plant& p) { return p.battery.soc_percent; }},
    {"Battery_Power", [](const Plant& p) { return turned(p.battery.watts); }},
    {"Battery_Voltage", [](const Plant& p) { return p.battery.volts; }},
    {"Battery_Current", [](const Plant& p) { return turned(p.battery.amps); }},
    {"Charge_Power", [](const Plant& p) { return positive(p.battery.watts); }},
    {"Discharge_Power", [](const Plant& p) { return positive(turned(p.battery.watts)); }},
    {"Combined_Generation_Power", [](const Plant& p) { return p.combined_generation_w; }},
    {"Inverter_Output_Frequency", [](const Plant& p) { return p.output_hz; }},
});

void add_number(Readout& out, std::string_view group, std::string_view name, Value value) {
    if (value) {
        out.add(group, name, whole_if_possible(*value));
    }
}

Value capacity_kwh(const Plant& plant) {
    const Battery& battery = plant.battery;
    return battery.full_ah && battery.volts ? rounded(*battery.full_ah * *battery.volts / 1000, 100)
                                            : std::nullopt;
}

void add_power(Readout& out, const View& view) {
    constexpr std::string_view kGroup = "Power/Power";
    const Plant& plant = view.plant;
    for (const PowerRow& row : kPower) {
        add_number(out, kGroup, row.name, rounded(row.of(plant), 100));
    }
    if (plant.grid_w && plant.grid_v && *plant.grid_v > 0 && plant.phases == 1) {
        add_number(out, kGroup, "Grid_Current", rounded(std::abs(*plant.grid_w) / *plant.grid_v, 100));
    }
    if (plant.load_w && plant.grid_w) {
        add_number(out, kGroup, "Self_Consumption_Power",
                   std::max(*plant.load_w - std::max(*plant.grid_w, 0.0), 0.0));
    }
    const Value capacity = capacity_kwh(plant), soc = plant.battery.soc_percent, watts = plant.battery.watts;
    if (!capacity || !soc) {
        return;
    }
    add_number(out, kGroup, "SOC_kWh", rounded(*capacity * *soc / 100, 100));
    if (!watts) {
        return;
    }
    const double room = (view.charge_target.value_or(100) - *soc) / 100 * *capacity;
    const double stock = (*soc - view.reserve_percent.value_or(0)) / 100 * *capacity;
    const double charging = *watts > kIdleW ? std::max(room, 0.0) * 60000 / *watts : 0;
    const double discharging = *watts < -kIdleW ? std::max(stock, 0.0) * 60000 / -*watts : 0;
    add_number(out, kGroup, "Charge_Time_Remaining", std::round(charging));
    add_number(out, kGroup, "Discharge_Time_Remaining", std::round(discharging));
}

void add_flows(Readout& out, const Plant& plant) {
    constexpr std::string_view kGroup = "Power/Flows";
    const auto flows = flows_of(plant);
    if (!flows) {
        return;
    }
    add_number(out, kGroup, "Solar_to_House", flows->solar_to_house);
    add_number(out, kGroup, "Solar_to_Battery", flows->solar_to_battery);
    add_number(out, kGroup, "Solar_to_Grid", flows->solar_to_grid);
    add_number(out, kGroup, "Battery_to_House", flows->battery_to_house);
    add_number(out, kGroup, "Battery_to_Grid", flows->battery_to_grid);
    add_number(out, kGroup, "Grid_to_House", flows->grid_to_house);
    add_number(out, kGroup, "Grid_to_Battery", flows->grid_to_battery);
}

void add_energy(Readout& out, const Plant& plant, const Energy& energy, std::string_view when) {
    const std::string group = fmt::format("Energy/{}", when);
    const Value house = house_energy(plant, energy);
    const auto add = [&](std::string_view name, Value kwh) {
        if (kwh) {
            out.add(group, fmt::format("{}_{}_kWh", name, when), ordered_json(*rounded(kwh, 10)));
        }
    };
    add("PV_Energy", energy.pv);
    add("Import_Energy", energy.import);
    add("Export_Energy", energy.export_);
    add("Load_Energy", house);
    add("AC_Charge_Energy", energy.ac_charge);
    add("Invertor_Energy", energy.inverter_out);
    if (house && energy.import) {
        add("Self_Consumption_Energy", std::max(*house - *energy.import, 0.0));
    }
    add("Battery_Charge_Energy", energy.battery_charge);
    add("Battery_Discharge_Energy", energy.battery_discharge);
    add("Battery_Throughput", energy.throughput);
}

void add_time(Readout& out, std::string_view name, const std::optional<std::string>& hhmm) {
    if (hhmm) {
        out.add("Timeslots", name, ordered_json(hhmm->substr(0, 2) + ":" + hhmm->substr(2, 2) + ":00"));
    }
}

void add_slots(Readout& out, const View& view) {
    for (std::size_t i = 0; i < view.charge_slot.size(); ++i) {
        add_time(out, fmt::format("Charge_start_time_slot_{}", i + 1), view.charge_slot[i][0]);
        add_time(out, fmt::format("Charge_end_time_slot_{}", i + 1), view.charge_slot[i][1]);
        add_time(out, fmt::format("Discharge_start_time_slot_{}", i + 1), view.discharge_slot[i][0]);
        add_time(out, fmt::format("Discharge_end_time_slot_{}", i + 1), view.discharge_slot[i][1]);
        out.add("Control", fmt::format("Charge_Target_SOC_{}", i + 1), view.charge_slot_target[i]);
        out.add("Control", fmt::format("Discharge_Target_SOC_{}", i + 1), view.discharge_slot_target[i]);
    }
    add_time(out, "Battery_pause_start_time_slot", view.pause_start);
    add_time(out, "Battery_pause_end_time_slot", view.pause_end);
}

void add_state(Readout& out, std::string_view name, std::optional<int> on) {
    if (on) {
        out.add("Control", name, ordered_json(*on != 0 ? "enable" : "disable"));
    }
}

void add_timer(Readout& out, std::string_view name, int minutes) {
    out.add("Control", name, ordered_json(minutes > 0 ? "Running" : "Normal"));
    out.add("Control", fmt::format("{}_Num", name), ordered_json(minutes));
}

void add_control(Readout& out, const View& view) {
    constexpr std::string_view kGroup = "Control";
    static constexpr std::array<std::string_view, 5> kModes{"Eco", "Eco (Paused)", "Timed Demand",
                                                            "Timed Export", "Export (Paused)"};
    static constexpr std::array<std::string_view, 4> kPauses{"Disabled", "PauseCharge", "PauseDischarge",
                                                             "PauseBoth"};
    if (view.mode && *view.mode < 5) {
        out.add(kGroup, "Mode", ordered_json(kModes[static_cast<std::size_t>(*view.mode)]));
        add_state(out, "Eco_Mode", *view.mode <= 2 ? 1 : 0);
    }
    add_state(out, "Enable_Charge_Schedule", view.charge_enable);
    add_state(out, "Enable_Discharge_Schedule", view.discharge_enable);
    out.add(kGroup, "Target_SOC", view.charge_target);
    out.add(kGroup, "Battery_Power_Reserve", view.reserve);
    out.add(kGroup, "Battery_Power_Cutoff", view.cutoff);
    out.add(kGroup, "Battery_Charge_Rate", view.charge_rate_w);
    out.add(kGroup, "Battery_Discharge_Rate", view.discharge_rate_w);
    out.add(kGroup, "Active_Power_Rate", view.active_power_rate);
    if (view.pause_mode && *view.pause_mode < 4) {
        out.add(kGroup, "Battery_pause_mode",
                ordered_json(kPauses[static_cast<std::size_t>(*view.pause_mode)]));
    }
    add_timer(out, "Force_Charge", view.force_charge_minutes);
    add_timer(out, "Force_Export", view.force_export_minutes);
    add_timer(out, "Temp_Pause_Charge", view.pause_charge_minutes);
    add_timer(out, "Temp_Pause_Discharge", view.pause_discharge_minutes);
}

void add_identity(Readout& out, const Topology& topology, const View& view) {
    out.add("", "Invertor_Serial_Number", ordered_json(topology.serial));
    out.add("", "Invertor_Type", ordered_json(to_string(topology.model)));
    out.add("", "Invertor_Firmware", ordered_json(topology.firmware));
    out.add("", "Invertor_Max_Inv_Rate", topology.rated_w);
    out.add("", "Invertor_Max_Bat_Rate", battery_limit_w(topology.dtc, topology.arm_firmware));
    add_number(out, "", "Invertor_Temperature", view.plant.inverter_c);
    add_number(out, "", "Battery_Capacity_kWh", capacity_kwh(view.plant));
    out.add("", "Faults", ordered_json(view.faults));
}

void add_packs(Readout& out, const Plant& plant) {
    for (std::size_t i = 0; i < plant.battery.packs.size(); ++i) {
        const Pack& pack = plant.battery.packs[i];
        const std::string group = fmt::format("Battery_Details/Battery_Stack_1/{}", pack.serial);
        add_number(out, group, "Battery_SOC", pack.soc_percent);
        add_number(out, group, "Battery_Capacity", pack.full_ah);
        add_number(out, group, "Battery_Design_Capacity", pack.design_ah);
        add_number(out, group, "Battery_Remaining_Capacity", pack.remaining_ah);
        add_number(out, group, "Battery_Cycles", pack.cycles);
        add_number(out, group, "Battery_Voltage", pack.volts);
        add_number(out, group, "Battery_Temperature", pack.warmest_c);
        out.add(group, "Battery_Cells", ordered_json(pack.cell_v.size()));
        if (!pack.firmware.empty()) {
            out.add(group, "Battery_Firmware_Version", ordered_json(pack.firmware));
        }
        for (std::size_t c = 0; c < pack.cell_v.size(); ++c) {
            add_number(out, group, fmt::format("Battery_Cell_{}_Voltage", c + 1), pack.cell_v[c]);
        }
        for (std::size_t t = 0; t < pack.sensor_c.size(); ++t) {
            add_number(out, group, fmt::format("Battery_Cell_{}_Temperature", t + 1), pack.sensor_c[t]);
        }
    }
}

}  // namespace

Readout read_v3(const Topology& topology, const View& view) {
    Readout out;
    add_power(out, view);
    add_flows(out, view.plant);
    add_energy(out, view.plant, view.plant.today, "Today");
    add_energy(out, view.plant, view.plant.total, "Total");
    add_slots(out, view);
    add_control(out, view);
    add_identity(out, topology, view);
    add_packs(out, view.plant);
    out.add("Stats", "Write_Count", ordered_json(view.write_count));
    out.add("Stats", "Last_Write_Result", ordered_json(view.last_write_result));
    return out;
}

std::string v3_topic(std::string_view root, std::string_view serial, const ReadoutEntry& entry) {
    return entry.group.empty() ? fmt::format("{}/{}/{}", root, serial, entry.name)
                               : fmt::format("{}/{}/{}/{}", root, serial, entry.group, entry.name);
}

}  // namespace givenergy
