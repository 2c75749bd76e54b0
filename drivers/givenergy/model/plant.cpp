#include "givenergy/model/plant.hpp"

#include "givenergy/protocol/faults.hpp"
#include "givenergy/protocol/holding_registers.hpp"
#include "givenergy/protocol/input_registers.hpp"
#include "givenergy/protocol/plant_registers.hpp"

#include <algorithm>
#include <cmath>

namespace givenergy {

namespace {

constexpr double kIdleW = 30;  // less than that at the battery is rest

Value negated(Value value) {
    return value ? Value{-*value} : value;
}
Value sum(std::initializer_list<Value> parts) {
    double total = 0;
    for (const Value& part : parts) {
        if (!part) {
            return std::nullopt;
        }
        total += *part;
    }
    return total;
}
Value tenths(Value value) {
    return value ? Value{std::round(*value * 10) / 10} : value;
}

std::optional<int> whole(Value value) {
    return value ? std::optional{static_cast<int>(*value)} : std::nullopt;
}

Charging direction(Value watts, std::optional<int> charge_status) {
    if (!watts || std::abs(*watts) < kIdleW) {
        return Charging::idle;
    }
    if (*watts < 0) {
        return Charging::discharging;
    }
    return charge_status == 3 ? Charging::finishing : Charging::charging;
}

// One function a live bank. Rows are looked up by the compiler: live("p_grid") of an unknown name does not build.

struct Reader {
    const Topology& topology;
    const Registers& registers;

    Value live(In<kLive> field) const { return registers.number(field); }
    Value three(In<kThreePhase> field) const { return registers.number(field); }
    Value gateway(In<kGateway> field) const { return registers.number(field); }
    Value ems(In<kEms> field) const { return registers.number(field); }
    Value pack(In<kBattery> field, int index) const {
        return registers.number(field, static_cast<std::uint8_t>(kFirstBattery + index));
    }
    std::string pack_text(In<kBattery> field, int index) const {
        return registers.text(field, static_cast<std::uint8_t>(kFirstBattery + index));
    }
    Value limits(In<kLvBcu> field) const { return registers.number(field, kLvBcuAddress); }
    Value stack(In<kBcu> field, int index) const {
        return registers.number(field, static_cast<std::uint8_t>(kFirstStack + index));
    }
};

void read_strings(Plant& plant, const Reader& from) {
    plant.tracker[0] = {from.live("v_pv1"), from.live("i_pv1"), from.live("p_pv1"), from.live("e_pv1_today")};
    plant.tracker[1] = {from.live("v_pv2"), from.live("i_pv2"), from.live("p_pv2"), from.live("e_pv2_today")};
    // The second input shows a power now and then although nothing is connected.
    if (plant.tracker[1].volts == 0.0 && plant.tracker[1].amps == 0.0) {
        plant.tracker[1].watts = 0;
    }
    plant.string_pv_w = sum({plant.tracker[0].watts, plant.tracker[1].watts});
}

void read_battery_energy(Plant& plant, const Reader& from) {
    Energy& today = plant.today;
    today.battery_charge = from.live("e_batt_charge_today");
    today.battery_discharge = from.live("e_batt_discharge_today");
    if (plant.model == Model::hybrid_gen1) {
        const Value charge = from.live("e_batt_charge_today_alt2"),
                    out = from.live("e_batt_discharge_today_alt2");
        if (charge.value_or(0) != 0 || out.value_or(0) != 0) {
            today.battery_charge = charge;
            today.battery_discharge = out;
        }
        plant.total.battery_charge = from.live("e_batt_charge_total");
        plant.total.battery_discharge = from.live("e_batt_discharge_total");
    } else if (from.topology.batteries > 0) {
        // Counters of the stack, repeated by every pack; 0 means that the firmware has none.
        const Value charge = from.pack("e_charge_total", 0), out = from.pack("e_discharge_total", 0);
        plant.total.battery_charge = charge.value_or(0) != 0 ? charge : std::nullopt;
        plant.total.battery_discharge = out.value_or(0) != 0 ? out : std::nullopt;
    }
}

void read_single_phase(Plant& plant, const Reader& from) {
    const Capabilities can = capabilities(plant.model, from.topology.arm_firmware);
    Phase& phase = plant.phase[0];
    plant.grid_w = phase.grid_w = negated(from.live("p_grid"));
    plant.grid_v = phase.grid_v = from.live("v_ac1");
    plant.grid_hz = from.live("f_ac1");
    plant.output_hz = from.live("f_eps");
    plant.inverter_w = from.live("p_inverter_ac");
    plant.output_w = phase.output_w = from.live("p_eps");
    phase.output_v = from.live("v_eps");
    phase.input_w = sum({phase.output_w, negated(plant.inverter_w)});
    plant.load_w = from.live("p_load");
    plant.total.pv = from.live("e_pv_total");
    plant.today.pv = tenths(sum({from.live("e_pv1_today"), from.live("e_pv2_today")}));
    if (can.pv_strings) {
        read_strings(plant, from);
    } else if (can.metered_pv) {
        plant.metered_pv_w = from.live("p_pv1");
    }
    plant.pv_w = can.metered_pv ? plant.metered_pv_w : plant.string_pv_w;

    plant.total.import = from.live("e_import_total");
    plant.total.export_ = from.live("e_export_total");
    plant.total.ac_charge = from.live("e_ac_charge_total");
    plant.total.inverter_out = from.live("e_gen_total");
    plant.total.throughput = from.live("e_batt_throughput_total");
    plant.today.import = from.live("e_import_today");
    plant.today.export_ = from.live("e_export_today");
    plant.today.ac_charge = from.live("e_ac_charge_today");
    plant.today.inverter_out = from.live("e_gen_today");
    read_battery_energy(plant, from);
    plant.today.throughput =
        tenths(sum({from.live("e_batt_charge_today"), from.live("e_batt_discharge_today")}));

    Battery& battery = plant.battery;
    battery.volts = from.live("v_batt");
    battery.amps = negated(from.live("i_batt"));
    battery.watts = negated(from.live("p_batt"));
    battery.celsius = from.live("t_batt");
    battery.soc_percent = from.live("soc");
    plant.inverter_c = from.live("t_heatsink");
    plant.status = whole(from.live("status"));
    plant.charging = direction(battery.watts, whole(from.live("charge_status")));
    const auto mode = from.live("system_mode");
    plant.on_grid = mode ? std::optional{*mode != 0} : std::nullopt;
    const auto warnings = from.live("charger_warnings");
    plant.charger_warnings = warnings ? std::optional{static_cast<std::uint16_t>(*warnings)} : std::nullopt;
    plant.combined_generation_w = from.live("p_combined_generation");
}

void read_three_phase_energy(Plant& plant, const Reader& from) {
    plant.today = {from.three("e_import_today"),
                   from.three("e_export_today"),
                   from.three("e_pv_today"),
                   from.three("e_load_today"),
                   from.three("e_ac_charge_today"),
                   from.three("e_inv_out_today"),
                   from.three("e_batt_charge_today"),
                   from.three("e_batt_discharge_today"),
                   {}};
    plant.total = {from.three("e_import_total"),
                   from.three("e_export_total"),
                   from.three("e_pv_total"),
                   from.three("e_load_total"),
                   from.three("e_ac_charge_total"),
                   from.three("e_inv_out_total"),
                   from.three("e_batt_charge_total"),
                   from.three("e_batt_discharge_total"),
                   {}};
}

void read_three_phase(Plant& plant, const Reader& from) {
    const std::array<Value, 3> meter{from.three("p_meter_l1"), from.three("p_meter_l2"),
                                     from.three("p_meter_l3")};
    const std::array<Value, 3> volts{from.three("v_out1"), from.three("v_out2"), from.three("v_out3")};
    const std::array<Value, 3> out{from.three("p_inv_l1"), from.three("p_inv_l2"), from.three("p_inv_l3")};
    const std::array<Value, 3> eps{from.three("p_eps1"), from.three("p_eps2"), from.three("p_eps3")};
    const std::array<Value, 3> eps_v{from.three("v_eps1"), from.three("v_eps2"), from.three("v_eps3")};
    for (std::size_t i = 0; i < 3; ++i) {
        plant.phase[i] = {negated(meter[i]), volts[i], sum({eps[i], negated(out[i])}), eps[i], eps_v[i]};
    }
    plant.grid_w = sum({from.three("p_import"), negated(from.three("p_export"))});
    plant.grid_v = volts[0];
    plant.grid_hz = from.three("f_ac");
    plant.output_hz = from.three("f_eps");
    plant.inverter_w = from.three("p_inverter_out");
    plant.output_w = sum({eps[0], eps[1], eps[2]});
    plant.load_w = from.three("p_load");
    if (plant.model != Model::ac_3ph) {
        plant.tracker[0] = {from.three("v_pv1"), from.three("i_pv1"), from.three("p_pv1"),
                            from.three("e_pv1_today")};
        plant.tracker[1] = {from.three("v_pv2"), from.three("i_pv2"), from.three("p_pv2"),
                            from.three("e_pv2_today")};
        plant.string_pv_w = sum({plant.tracker[0].watts, plant.tracker[1].watts});
    }
    plant.metered_pv_w = from.three("p_meter2");
    plant.pv_w = plant.string_pv_w && plant.metered_pv_w ? sum({plant.string_pv_w, plant.metered_pv_w})
                 : plant.string_pv_w                     ? plant.string_pv_w
                                                         : plant.metered_pv_w;
    read_three_phase_energy(plant, from);

    Battery& battery = plant.battery;
    battery.volts = from.three("v_batt_bms");
    battery.amps = negated(from.three("i_batt"));
    battery.watts = sum({from.three("p_batt_charge"), negated(from.three("p_batt_discharge"))});
    battery.soc_percent = from.three("soc");
    plant.inverter_c = from.three("t_inverter");
    plant.status = whole(from.three("status"));
    plant.charging = direction(battery.watts, std::nullopt);
    const auto mode = from.three("system_mode");
    plant.on_grid = mode ? std::optional{*mode != 0} : std::nullopt;
    static constexpr In<kThreePhase> kFirstWord{"fault_word0"};
    for (std::uint16_t word = 0; word < 8; ++word) {
        const auto bits = from.registers.raw(kInverterAddress, Function::read_input,
                                             static_cast<std::uint16_t>(kFirstWord.row->reg + word));
        append_faults(plant.faults, kThreePhaseFaults, static_cast<std::uint8_t>(word), bits.value_or(0));
    }
}

void read_gateway(Plant& plant, const Reader& from) {
    Phase& phase = plant.phase[0];
    plant.grid_w = phase.grid_w = negated(from.gateway("p_ac1"));
    plant.grid_v = phase.grid_v = from.gateway("v_grid");
    phase.input_w = from.gateway("p_liberty_raw");
    plant.inverter_w = negated(phase.input_w);
    plant.load_w = from.gateway("p_load");
    plant.metered_pv_w = plant.pv_w = from.gateway("p_pv");
    plant.today = {from.gateway("e_import_today"),
                   from.gateway("e_export_today"),
                   from.gateway("e_pv_today"),
                   from.gateway("e_load_today"),
                   {},
                   {},
                   from.gateway("e_aio_charge_today"),
                   from.gateway("e_aio_discharge_today"),
                   {}};
    plant.total = {from.gateway("e_import_total"),
                   from.gateway("e_export_total"),
                   from.gateway("e_pv_total"),
                   from.gateway("e_load_total"),
                   {},
                   {},
                   from.gateway("e_aio_charge_total"),
                   from.gateway("e_aio_discharge_total"),
                   {}};
    Battery& battery = plant.battery;
    battery.watts = from.gateway("p_liberty_raw");
    plant.charging = direction(battery.watts, std::nullopt);
    const std::array<Value, 3> socs{from.gateway("aio1_soc"), from.gateway("aio2_soc"),
                                    from.gateway("aio3_soc")};
    const int online = whole(from.gateway("aio_online")).value_or(0);
    battery.packs_expected = whole(from.gateway("aio_count")).value_or(0);
    battery.packs_online = online;
    double total = 0;
    int counted = 0;
    for (int i = 0; i < std::min(battery.packs_expected, 3); ++i) {
        const Value& soc = socs[static_cast<std::size_t>(i)];
        // A unit that is offline reads 0.
        if (soc && (*soc > 0 || online == battery.packs_expected)) {
            total += *soc;
            ++counted;
        }
    }
    battery.soc_percent = counted > 0 ? Value{total / counted} : std::nullopt;
    const auto mode = whole(from.gateway("work_mode"));
    plant.on_grid = mode ? std::optional{*mode == 2} : std::nullopt;
    plant.status = mode ? std::optional{*mode == 3 ? 3 : *mode == 0 ? 0 : *mode == 4 ? 4 : 1} : std::nullopt;
    const auto faults = from.gateway("gateway_faults");
    append_faults(plant.faults, kGatewayFaults, 0, static_cast<std::uint32_t>(faults.value_or(0)));
}

void read_ems(Plant& plant, const Reader& from) {
    Phase& phase = plant.phase[0];
    plant.grid_w = phase.grid_w = from.ems("p_grid_meter");
    plant.grid_v = phase.grid_v = from.live("v_ac1");
    plant.grid_hz = from.live("f_ac1");
    plant.inverter_w = sum({from.ems("p_inverter_1"), from.ems("p_inverter_2"), from.ems("p_inverter_3"),
                            from.ems("p_inverter_4")});
    phase.input_w = negated(plant.inverter_w);
    plant.load_w = from.ems("p_load_calc");
    plant.metered_pv_w = plant.pv_w = from.ems("p_generation_load");
    plant.total.import = from.live("e_import_total");
    plant.total.export_ = from.live("e_export_total");
    plant.battery.watts = negated(from.ems("p_battery_total"));
    plant.charging = direction(plant.battery.watts, std::nullopt);
    const int inverters = std::clamp(whole(from.ems("inverter_count")).value_or(0), 0, 4);
    const std::array<Value, 4> socs{from.ems("soc_1"), from.ems("soc_2"), from.ems("soc_3"),
                                    from.ems("soc_4")};
    double total = 0;
    for (int i = 0; i < inverters; ++i) {
        total += socs[static_cast<std::size_t>(i)].value_or(0);
    }
    plant.battery.soc_percent = inverters > 0 ? Value{total / inverters} : std::nullopt;
    plant.battery.packs_expected = plant.battery.packs_online = inverters;
    const auto status = whole(from.ems("ems_status"));
    plant.status = status;
    plant.on_grid = status ? std::optional{true} : std::nullopt;
}

Pack low_voltage_pack(const Reader& from, int index) {
    const auto address = static_cast<std::uint8_t>(kFirstBattery + index);
    Pack pack;
    pack.serial = from.pack_text("serial", index);
    if (const auto firmware = from.pack("bms_fw", index)) {
        pack.firmware = std::to_string(static_cast<int>(*firmware));
    }
    pack.soc_percent = from.pack("soc", index);
    pack.volts = from.pack("v_out", index);
    // Old battery firmware reports 0 whatever flows; the sign is that of the inverter.
    const Value amps = from.pack("i_batt", index);
    pack.amps = amps && *amps != 0 ? Value{-*amps} : std::nullopt;
    pack.full_ah = from.pack("cap_full", index);
    pack.design_ah = from.pack("cap_design", index);
    pack.remaining_ah = from.pack("cap_remaining", index);
    pack.cycles = from.pack("cycles", index);
    pack.mosfet_c = from.pack("t_mosfet", index);
    pack.warmest_c = from.pack("t_max", index);
    pack.coldest_c = from.pack("t_min", index);
    static constexpr In<kBattery> kCell{"v_cell_01"}, kSensor{"t_cells_1"};
    const int cells = std::clamp(whole(from.pack("cells", index)).value_or(16), 0, 16);
    for (int i = 0; i < cells; ++i) {
        const Row& row = kCell.row[i];
        pack.cell_v.push_back(number(row, from.registers.bank_with(address, Function::read_input, row)));
    }
    for (int i = 0; i < 4; ++i) {
        const Row& row = kSensor.row[i];
        pack.sensor_c.push_back(number(row, from.registers.bank_with(address, Function::read_input, row)));
    }
    return pack;
}

Pack high_voltage_module(const Reader& from, int index) {
    const Request request{static_cast<std::uint8_t>(kFirstModule + index), Function::read_input, 60,
                          kMaxRegisters};
    const NamedValues values =
        name_values(request.address, request.function, from.registers.bank(request), from.topology.model);
    Pack pack;
    pack.serial = values.text("serial");
    const int sensors = whole(values.number("sensors_fitted")).value_or(0);
    static constexpr In<kBmu> kCell{"v_cell_01"}, kSensor{"t_01"};
    const BankView bank = from.registers.bank(request);
    for (int i = 0; i < 24 && !bank.values.empty(); ++i) {
        pack.cell_v.push_back(number(kCell.row[i], bank));
        if (i < sensors) {
            // By name, because a split serial occupies one of the positions.
            pack.sensor_c.push_back(values.number(kSensor.row[i].name));
        }
    }
    return pack;
}

void extremes(Pack& pack) {
    for (const Value& celsius : pack.sensor_c) {
        if (celsius) {
            pack.warmest_c = std::max(pack.warmest_c.value_or(*celsius), *celsius);
            pack.coldest_c = std::min(pack.coldest_c.value_or(*celsius), *celsius);
        }
    }
}

void read_low_voltage_packs(Plant& plant, const Reader& from) {
    Battery& battery = plant.battery;
    battery.packs_expected = from.topology.batteries;
    double full = 0, remaining = 0, installed = 0;
    bool complete = from.topology.batteries > 0;
    for (int i = 0; i < from.topology.batteries; ++i) {
        Pack pack = low_voltage_pack(from, i);
        if (pack.serial.empty()) {
            complete = false;
            continue;
        }
        ++battery.packs_online;
        full += pack.full_ah.value_or(0);
        remaining += pack.remaining_ah.value_or(0);
        installed += pack.design_ah.value_or(0);
        battery.cycles = std::max(battery.cycles.value_or(0), pack.cycles.value_or(0));
        battery.packs.push_back(std::move(pack));
    }
    if (complete) {
        battery.full_ah = full;
        battery.remaining_ah = remaining;
        battery.installed_ah = installed;
    }
    battery.charge_request_a = from.limits("request_charge_a");
    battery.discharge_request_a = from.limits("request_discharge_a");
    battery.charged_kwh = plant.total.battery_charge;
    battery.discharged_kwh = plant.total.battery_discharge;
}

void read_stacks(Plant& plant, const Reader& from) {
    Battery& battery = plant.battery;
    double full = 0, remaining = 0, charged = 0, discharged = 0;
    bool complete = true;
    for (int i = 0; i < static_cast<int>(from.topology.stack_modules.size()); ++i) {
        const Value nominal = from.stack("cap_nominal", i), left = from.stack("cap_remaining", i);
        const Value in = from.stack("e_charge_total", i), out = from.stack("e_discharge_total", i);
        complete = complete && nominal && left && in && out;
        full += nominal.value_or(0);
        remaining += left.value_or(0);
        charged += in.value_or(0);
        discharged += out.value_or(0);
        const Value soh = from.stack("soh", i);
        battery.soh_percent = soh && battery.soh_percent ? std::min(*soh, *battery.soh_percent) : soh;
        battery.cycles = std::max(battery.cycles.value_or(0), from.stack("cycles", i).value_or(0));
    }
    if (complete) {
        battery.full_ah = battery.installed_ah = full;
        battery.remaining_ah = remaining;
        battery.charged_kwh = charged;
        battery.discharged_kwh = discharged;
        if (live_bank(plant.model) == LiveBank::single_phase) {
            plant.total.battery_charge = charged;
            plant.total.battery_discharge = discharged;
        }
    }
    battery.packs_expected = from.topology.modules();
    for (int i = 0; i < from.topology.modules(); ++i) {
        Pack pack = high_voltage_module(from, i);
        if (pack.cell_v.empty()) {
            continue;
        }
        extremes(pack);
        ++battery.packs_online;
        battery.packs.push_back(std::move(pack));
    }
}

}  // namespace

Plant plant_of(const Topology& topology, const Registers& registers) {
    const Reader from{topology, registers};
    Plant plant;
    plant.model = topology.model;
    plant.serial = topology.serial;
    plant.firmware = topology.firmware;
    plant.rated_w = topology.rated_w;
    plant.phases = info(topology.model) == nullptr ? 1 : info(topology.model)->phases;
    switch (live_bank(topology.model)) {
        case LiveBank::single_phase:
            read_single_phase(plant, from);
            break;
        case LiveBank::three_phase:
            read_three_phase(plant, from);
            break;
        case LiveBank::gateway:
            read_gateway(plant, from);
            break;
        case LiveBank::ems:
            read_ems(plant, from);
            break;
    }
    if (!topology.stack_modules.empty()) {
        read_stacks(plant, from);
    } else if (topology.batteries > 0) {
        read_low_voltage_packs(plant, from);
    } else {
        plant.battery.charged_kwh = plant.total.battery_charge;
        plant.battery.discharged_kwh = plant.total.battery_discharge;
    }
    if (plant.charger_warnings) {
        append_faults(plant.faults, kChargerWarnings, 0, *plant.charger_warnings);
    }
    return plant;
}

std::optional<Flows> flows_of(const Plant& plant) {
    if (!plant.pv_w || !plant.load_w || !plant.battery.watts || !plant.grid_w) {
        return std::nullopt;
    }
    const auto positive = [](double watts) { return std::max(watts, 0.0); };
    const double pv = positive(*plant.pv_w), load = positive(*plant.load_w);
    const double charge = positive(*plant.battery.watts), discharge = positive(-*plant.battery.watts);
    const double import = positive(*plant.grid_w);
    Flows flows{};
    flows.solar_to_house = std::min(pv, load);
    flows.solar_to_battery = std::min(pv - flows.solar_to_house, charge);
    flows.solar_to_grid = pv - flows.solar_to_house - flows.solar_to_battery;
    flows.battery_to_house = std::min(discharge, positive(load - flows.solar_to_house - import));
    flows.battery_to_grid = discharge - flows.battery_to_house;
    flows.grid_to_battery = import > 0 ? positive(charge - positive(pv - load)) : 0;
    flows.grid_to_house = positive(import - charge);
    return flows;
}

Value house_energy(const Plant& plant, const Energy& energy) {
    if (energy.load) {
        return energy.load;
    }
    Value house =
        sum({energy.inverter_out, energy.import, negated(energy.ac_charge), negated(energy.export_)});
    if (house && capabilities(plant.model, 0).metered_pv) {
        house = sum({house, energy.pv});
    }
    return house && *house >= 0 ? tenths(house) : std::nullopt;
}

}  // namespace givenergy
