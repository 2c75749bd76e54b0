#pragma once
// What an installation is doing, in SI units and with Victron's signs: grid + = import, battery + = charging,
// power of the inverter's input + = into the inverter. Nothing where the installation does not say.

#include "givenergy/protocol/banks.hpp"
#include "givenergy/protocol/topology.hpp"

namespace givenergy {

using Value = std::optional<double>;

struct Phase {
    Value grid_w;
    Value grid_v;
    Value input_w;   ///< of the inverter, so that consumption = grid + metered PV - input + output closes
    Value output_w;  ///< backup output
    Value output_v;
};

struct Tracker {
    Value volts;
    Value amps;
    Value watts;
    Value today_kwh;
};

/// Energy counters in kWh.
struct Energy {
    Value import, export_, pv, load, ac_charge, inverter_out, battery_charge, battery_discharge, throughput;
};

/// A low-voltage pack or a high-voltage module.
struct Pack {
    std::string serial;
    std::string firmware;
    Value soc_percent, volts, amps, full_ah, design_ah, remaining_ah, cycles, mosfet_c, warmest_c, coldest_c;
    std::vector<Value> cell_v;
    std::vector<Value> sensor_c;
};

/// The battery as a whole.
struct Battery {
    Value volts, amps, watts, celsius, soc_percent, soh_percent;
    Value full_ah, remaining_ah, installed_ah, cycles;
    Value charged_kwh, discharged_kwh;
    Value charge_request_a, discharge_request_a;  ///< what the battery asks for, where it tells
    std::vector<Pack> packs;
    int packs_online = 0;
    int packs_expected = 0;
};

enum class Charging : std::uint8_t { idle, charging, finishing, discharging };

struct Plant {
    Model model = Model::unknown;
    std::string serial;
    std::string firmware;
    std::optional<int> rated_w;
    int phases = 1;

    std::array<Phase, 3> phase{};
    Value grid_w, grid_v, grid_hz, output_hz;
    Value load_w;
    Value inverter_w;    ///< AC terminals, + = out of the inverter
    Value pv_w;          ///< all of it
    Value string_pv_w;   ///< of the unit's own strings
    Value metered_pv_w;  ///< AC-coupled
    Value output_w;      ///< backup output, all phases
    Value combined_generation_w;
    std::array<Tracker, 2> tracker{};
    Energy today, total;
    Battery battery;
    Value inverter_c;
    Charging charging = Charging::idle;
    std::optional<bool> on_grid;
    std::optional<int> status;  ///< 0 waiting, 1 normal, 2 warning, 3 fault, 4 firmware update
    std::optional<std::uint16_t> charger_warnings;
    std::vector<std::string> faults;  ///< in words, where their bits are known
};

/// Reads everything out of the registers held.
[[nodiscard]] Plant plant_of(const Topology& topology, const Registers& registers);

/// Where power goes, all parts 0 or more; nothing while an ingredient is missing.
struct Flows {
    double solar_to_house, solar_to_battery, solar_to_grid, battery_to_house, battery_to_grid, grid_to_house,
        grid_to_battery;
};
[[nodiscard]] std::optional<Flows> flows_of(const Plant& plant);

/// Energy taken by the house as later GivTCP versions reckon it: inverter output - AC charge - export + import,
/// and the metered PV where there is one.
[[nodiscard]] Value house_energy(const Plant& plant, const Energy& energy);

}  // namespace givenergy
