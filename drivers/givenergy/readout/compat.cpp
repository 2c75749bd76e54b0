#include "givenergy/readout/compat.hpp"

#include "givenergy/control/commands.hpp"
#include "givenergy/protocol/holding_registers.hpp"
#include "givenergy/protocol/input_registers.hpp"
#include "givenergy/protocol/poll_plan.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace givenergy {

namespace {

using nlohmann::ordered_json;

constexpr int kMostZeros = 30;
constexpr double kMostTotalKwh = 100000, kMostPvW = 15000, kMostLoadW = 15500;
constexpr double kNominalV = 51.2;  // of the packs there were in 2021

Request settings(std::uint16_t base, std::uint16_t count) {
    return {kInverterAddress, Function::read_holding, base, count};
}

struct SlotName {
    std::uint16_t reg;
    std::string_view name;
};
constexpr auto kSlotNames = std::to_array<SlotName>({
    {44, "Discharge start time slot2(44)"},
    {45, "Discharge end time slot2(45)"},
    {56, "Discharge start time slot1(56)"},
    {57, "Discharge end time slot1(57)"},
    {94, "Charge start time slot1(94)"},
    {95, "Charge end time slot1(95)"},
});

std::string four_digits(unsigned value) {
    std::array<char, 8> text{};
    std::snprintf(text.data(), text.size(), "%04u", value);
    return text.data();
}

Value one_decimal(Value value) {
    return value ? Value{std::round(*value * 10) / 10} : value;
}

void add_kwh(Readout& out, std::string_view group, std::string_view name, Value kwh) {
    if (kwh && *kwh < kMostTotalKwh) {
        out.add(group, name, ordered_json(*one_decimal(kwh)));
    }
}

void add_w(Readout& out, std::string_view name, Value watts) {
    if (watts) {
        out.add("Power", name, whole_if_possible(*watts));
    }
}

bool too_empty(const Registers& registers) {
    const BankView bank = registers.bank({kInverterAddress, Function::read_input, 0, kMaxRegisters});
    return bank.values.size() != kMaxRegisters
           || std::ranges::count(bank.values, std::uint16_t{0}) >= kMostZeros;
}

struct Stats {
    Energy total, today;
    Value pv_w, grid_export_w, eps_w, inverter_w, load_w, battery_out_w, soc;
};

/// The single-phase registers by the meaning their names had.
Stats single_phase_stats(const Registers& registers) {
    const auto live = [&](In<kLive> field) { return registers.number(field); };
    const auto added = [](Value a, Value b) { return a && b ? Value{*a + *b} : std::nullopt; };
    Stats stats;
    stats.total = {live("e_import_total"),
                   live("e_export_total"),
                   live("e_pv_total"),
                   live("e_ac_charge_total"),
                   {},
                   {},
                   live("e_batt_charge_total"),
                   live("e_batt_discharge_total"),
                   live("e_batt_throughput_total")};
    stats.today = {live("e_import_today"),
                   live("e_export_today"),
                   added(live("e_pv1_today"), live("e_pv2_today")),
                   live("e_ac_charge_today"),
                   {},
                   {},
                   live("e_batt_charge_today_alt2"),
                   live("e_batt_discharge_today_alt2"),
                   added(live("e_batt_charge_today"), live("e_batt_discharge_today"))};
    stats.pv_w = added(live("p_pv1"), live("p_pv2"));
    stats.grid_export_w = live("p_grid");
    stats.eps_w = live("p_eps");
    stats.inverter_w = live("p_inverter_ac");
    stats.load_w = live("p_load");
    stats.battery_out_w = live("p_batt");
    stats.soc = live("soc");
    return stats;
}

Stats plant_stats(const Topology& topology, const Registers& registers) {
    const Plant plant = plant_of(topology, registers);
    const auto turned = [](Value value) { return value ? Value{-*value} : value; };
    Stats stats;
    stats.total = plant.total;
    stats.today = plant.today;
    stats.total.load = plant.total.ac_charge;
    stats.today.load = plant.today.ac_charge;
    stats.pv_w = plant.pv_w;
    stats.grid_export_w = turned(plant.grid_w);
    stats.eps_w = plant.output_w;
    stats.inverter_w = plant.inverter_w;
    stats.load_w = plant.load_w;
    stats.battery_out_w = turned(plant.battery.watts);
    stats.soc = plant.battery.soc_percent;
    return stats;
}

Readout stats_readout(const Stats& stats) {
    Readout out;
    constexpr std::string_view kTotal = "Energy/Total", kToday = "Energy/Today";
    add_kwh(out, kTotal, "Export Energy Total kWh", stats.total.export_);
    add_kwh(out, kTotal, "Battery Throughput Total kWh", stats.total.throughput);
    add_kwh(out, kTotal, "Load Energy Total kWh", stats.total.load);
    add_kwh(out, kTotal, "Import Energy Total kWh", stats.total.import);
    add_kwh(out, kTotal, "PV Energy Total kWh", stats.total.pv);
    add_kwh(out, kTotal, "Battery Charge Energy Total kWh", stats.total.battery_charge);
    add_kwh(out, kTotal, "Battery Discharge Energy Total kWh", stats.total.battery_discharge);
    add_kwh(out, kToday, "Battery Throughput Today kWh", stats.today.throughput);
    add_kwh(out, kToday, "PV Energy Today kWh", stats.today.pv);
    add_kwh(out, kToday, "Import Energy Today kWh", stats.today.import);
    add_kwh(out, kToday, "Export Energy Today kWh", stats.today.export_);
    add_kwh(out, kToday, "Load Energy Today kWh", stats.today.load);
    add_kwh(out, kToday, "Battery Charge Energy Today kWh", stats.today.battery_charge);
    add_kwh(out, kToday, "Battery Discharge Energy Today kWh", stats.today.battery_discharge);

    const auto positive = [](Value value) { return value ? Value{std::max(*value, 0.0)} : value; };
    const auto negative = [](Value value) { return value ? Value{std::max(-*value, 0.0)} : value; };
    const auto below = [](Value value, double limit) {
        return value && *value < limit ? value : std::nullopt;
    };
    add_w(out, "PV Power", below(stats.pv_w, kMostPvW));
    add_w(out, "Grid Power", stats.grid_export_w);
    add_w(out, "Import Power", negative(stats.grid_export_w));
    add_w(out, "Export Power", positive(stats.grid_export_w));
    add_w(out, "EPS Power", stats.eps_w);
    add_w(out, "Invertor Power", stats.inverter_w);
    add_w(out, "Load Power", below(stats.load_w, kMostLoadW));
    add_w(out, "Battery Power", stats.battery_out_w);
    add_w(out, "Charge Power", negative(stats.battery_out_w));
    add_w(out, "Discharge Power", positive(stats.battery_out_w));
    add_w(out, "SOC", stats.soc);
    return out;
}

std::vector<Request> stats_requests(const Topology& topology) {
    if (live_bank(topology.model) != LiveBank::single_phase) {
        return quick_requests(topology, 0);  // cycle 0 holds everything
    }
    return {{kInverterAddress, Function::read_input, 0, kMaxRegisters},
            {kInverterAddress, Function::read_input, 180, 4}};
}
std::vector<Request> modes_requests(const Topology& topology) {
    if (live_bank(topology.model) == LiveBank::ems) {
        return {settings(0, kMaxRegisters)};
    }
    return {settings(0, kMaxRegisters), settings(60, kMaxRegisters)};
}
std::vector<Request> slots_requests(const Topology& topology) {
    if (live_bank(topology.model) == LiveBank::ems) {
        return {};
    }
    return {settings(44, 2), settings(56, 2), settings(94, 2)};
}
std::vector<Request> all_requests(const Topology& topology) {
    // The settings pages hold the slots as well.
    std::vector<Request> requests = stats_requests(topology);
    std::ranges::copy(modes_requests(topology), std::back_inserter(requests));
    return requests;
}
Readout read_all(const Topology& topology, const Registers& registers) {
    Readout all = read_combined_stats(topology, registers);
    all.append(read_modes(topology, registers));
    all.append(read_timeslots(topology, registers));
    return all;
}

constexpr auto kReadFunctions = std::to_array<ReadFunction>({
    {"getTimeslots", slots_requests, read_timeslots},
    {"getCombinedStats", stats_requests, read_combined_stats},
    {"getModes", modes_requests, read_modes},
    {"runAll", all_requests, read_all},
});

}  // namespace

std::span<const ReadFunction> read_functions() {
    return kReadFunctions;
}

const ReadFunction* find_read_function(std::string_view name) {
    const auto found = std::ranges::find(kReadFunctions, name, &ReadFunction::name);
    return found == kReadFunctions.end() ? nullptr : &*found;
}

std::string read_function_names() {
    std::string names;
    for (const ReadFunction& function : kReadFunctions) {
        names += (names.empty() ? "" : ", ") + std::string{function.name};
    }
    return names;
}

Readout read_timeslots(const Topology&, const Registers& registers) {
    Readout out;
    for (const SlotName& slot : kSlotNames) {
        if (const auto raw = registers.holding(slot.reg)) {
            out.add("Timeslots", slot.name, ordered_json(four_digits(*raw)));
        }
    }
    return out;
}

Readout read_combined_stats(const Topology& topology, const Registers& registers) {
    if (live_bank(topology.model) != LiveBank::single_phase) {
        return stats_readout(plant_stats(topology, registers));
    }
    if (too_empty(registers)) {
        return {};
    }
    Stats stats = single_phase_stats(registers);
    if (topology.model != Model::unknown && topology.model != Model::hybrid_gen1) {
        // The registers of old read 0 on every later model.
        const Plant plant = plant_of(topology, registers);
        stats.total.battery_charge = plant.total.battery_charge;
        stats.total.battery_discharge = plant.total.battery_discharge;
        stats.today.battery_charge = plant.today.battery_charge;
        stats.today.battery_discharge = plant.today.battery_discharge;
    }
    return stats_readout(stats);
}

Readout read_modes(const Topology&, const Registers& registers) {
    Readout out;
    constexpr std::string_view kGroup = "Control";
    const auto hr = [&](std::uint16_t reg) { return registers.holding(reg); };
    const auto power_mode = hr(27), capacity = hr(55), discharge = hr(59), charge = hr(96), reserve = hr(110);
    if (power_mode && discharge && reserve) {
        const bool eco = *power_mode == 1, timed = *discharge == 1;
        const int mode = *reserve == 4 && eco && !timed               ? 1
                         : *reserve == 100 && eco && timed            ? 3
                         : *reserve == 4 && *power_mode == 0 && timed ? 4
                                                                      : 0;
        out.add(kGroup, "Mode", mode == 0 ? ordered_json("unknown") : ordered_json(mode));
    }
    out.add(kGroup, "Battery Power Reserve", hr(114));
    out.add(kGroup, "Target SOC", hr(116));
    if (capacity) {
        out.add(kGroup, "Battery Capacity", ordered_json(std::round(*capacity * kNominalV / 10) / 100));
    }
    const auto schedule = [](std::uint16_t on) { return ordered_json(on != 0 ? "Active" : "Paused"); };
    if (charge) {
        out.add(kGroup, "Charge Schedule State", schedule(*charge));
    }
    if (discharge) {
        out.add(kGroup, "Discharge Schedule State", schedule(*discharge));
    }
    return out;
}

std::string compat_topic(std::string_view root, std::string_view adapter_serial, const ReadoutEntry& entry) {
    return std::string{root} + "/" + std::string{adapter_serial} + "/" + entry.group + "/" + entry.name;
}

}  // namespace givenergy
