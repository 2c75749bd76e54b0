#pragma once
// The models, what they can do and where their registers are: docs/protocols/givenergy.md, "Models".

#include "givenergy/protocol/field.hpp"

namespace givenergy {

enum class Model : std::uint8_t {
    unknown,
    hybrid_gen1,
    hybrid_gen2,
    hybrid_gen3,
    polar,
    hybrid_gen3_plus,
    pv_only,
    alps,
    ac,
    hybrid_3ph,
    aio_commercial,
    ems,
    ems_commercial,
    ac_3ph,
    gateway,
    all_in_one,
    hybrid_hv_gen3,
    all_in_one_hybrid,
    hybrid_gen4,
};

/// The register bank that holds live data.
enum class LiveBank : std::uint8_t { single_phase, three_phase, gateway, ems };

struct ModelInfo {
    Model model;
    std::uint8_t dtc_high;  ///< high byte of the device type code HR0
    std::string_view name;
    int phases;
    std::optional<bool> hv_battery;
    LiveBank bank;
};

/// One row a device type code; the first row of 0x20 stands for its three generations.
inline constexpr auto kModels = std::to_array<ModelInfo>({
    {Model::hybrid_gen1, 0x20, "HYBRID_GEN1", 1, false, LiveBank::single_phase},
    {Model::hybrid_gen2, 0x20, "HYBRID_GEN2", 1, false, LiveBank::single_phase},
    {Model::hybrid_gen3, 0x20, "HYBRID_GEN3", 1, false, LiveBank::single_phase},
    {Model::polar, 0x21, "POLAR", 1, false, LiveBank::single_phase},
    {Model::hybrid_gen3_plus, 0x22, "HYBRID_GEN3_PLUS", 1, false, LiveBank::single_phase},
    {Model::pv_only, 0x23, "PV_ONLY", 1, false, LiveBank::single_phase},
    {Model::alps, 0x24, "ALPS", 1, false, LiveBank::single_phase},
    {Model::alps, 0x25, "ALPS", 1, false, LiveBank::single_phase},
    {Model::ac, 0x30, "AC", 1, false, LiveBank::single_phase},
    {Model::hybrid_3ph, 0x40, "HYBRID_3PH", 3, true, LiveBank::three_phase},
    {Model::aio_commercial, 0x41, "AIO_COMMERCIAL", 3, std::nullopt, LiveBank::three_phase},
    {Model::ems, 0x50, "EMS", 1, false, LiveBank::ems},
    {Model::ems_commercial, 0x51, "EMS_COMMERCIAL", 1, false, LiveBank::ems},
    {Model::ac_3ph, 0x60, "AC_3PH", 3, true, LiveBank::three_phase},
    {Model::gateway, 0x70, "GATEWAY", 1, false, LiveBank::gateway},
    {Model::all_in_one, 0x80, "ALL_IN_ONE", 1, true, LiveBank::single_phase},
    {Model::hybrid_hv_gen3, 0x81, "HYBRID_HV_GEN3", 1, true, LiveBank::single_phase},
    {Model::all_in_one_hybrid, 0x82, "ALL_IN_ONE_HYBRID", 3, true, LiveBank::three_phase},
    {Model::hybrid_gen4, 0x83, "HYBRID_GEN4", 1, false, LiveBank::single_phase},
});

/// The model of a device type code (HR0) and its ARM firmware (HR21).
[[nodiscard]] Model model_of(std::uint16_t dtc, std::uint16_t arm_firmware);
/// The model of a name as in kModels.
[[nodiscard]] Model model_named(std::string_view name);
/// The row of a model; nullptr for Model::unknown.
[[nodiscard]] const ModelInfo* info(Model model);
[[nodiscard]] std::string_view to_string(Model model);  ///< "UNKNOWN" for Model::unknown
[[nodiscard]] LiveBank live_bank(Model model);          ///< single_phase for Model::unknown

/// Rated AC power in W by the last digits of the device type code.
[[nodiscard]] std::optional<int> rated_w(std::uint16_t dtc);
/// Rated AC power in W as HR2 tells it (low byte, 100 W); absent where it reads 0.
[[nodiscard]] std::optional<int> rated_w_of_hr2(std::uint16_t hr2);
/// Largest battery power in W; the rated power where nothing else is known.
[[nodiscard]] std::optional<int> battery_limit_w(std::uint16_t dtc, std::uint16_t arm_firmware);
/// Volts that turn the amp hours of HR55 into energy; absent where the amp hours mean nothing.
[[nodiscard]] std::optional<double> nominal_battery_v(Model model);

/// What a model answers beyond the common banks.
struct Capabilities {
    bool low_voltage_packs = false;  ///< batteries at 0x32-0x37
    bool high_voltage_stack = false;
    bool ten_slots = false;        ///< HR240-299
    bool ac_block = false;         ///< HR300-359
    bool pause_registers = false;  ///< HR318-320, part of the AC block or alone
    bool pv_strings = false;       ///< v_pv, i_pv and p_pv are those of the unit's own strings
    bool metered_pv = false;       ///< p_pv1 is AC-coupled PV seen by a meter
    bool settings_60 = false;      ///< HR60-119 and HR120-179
};
[[nodiscard]] Capabilities capabilities(Model model, std::uint16_t arm_firmware);

/// True if a bank of input registers at the inverter's address holds nothing for this model although it may be
/// answered: IR0-59 of three-phase units and Gateways, IR1000-1599 of all others.
[[nodiscard]] bool ignores_bank(Model model, std::uint16_t base);

/// Meter scales differ between families; nullptr when the model is unknown (only common rows apply then).
[[nodiscard]] Table meter_table(Model model);

}  // namespace givenergy
