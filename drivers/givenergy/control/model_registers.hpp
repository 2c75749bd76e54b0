#pragma once
// Where the models keep their settings, and what stands there: docs/givenergy.md, "Control".

#include "givenergy/protocol/models.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace givenergy {

struct CommandContext;

/// Holding registers that are the same on every model that has them.
namespace holding {
inline constexpr std::uint16_t kEnableTarget = 20, kPowerMode = 27, kCalibration = 29, kClock = 35,
                               kActiveRate = 50;
inline constexpr std::uint16_t kSlotTwoLegacy = 31, kCapacity = 55, kEnableDischarge = 59, kReserve = 110;
inline constexpr std::uint16_t kReboot = 163, kRealTime = 166, kChargeRateAc = 313, kDischargeRateAc = 314;
inline constexpr std::uint16_t kPauseMode = 318, kPauseStart = 319, kPauseEnd = 320, kForceDischarge = 1122;
inline constexpr std::uint16_t kForceCharge = 1123, kAcCharge = 1112, kPlantEnable = 2040, kEmsSlots = 2044;
inline constexpr std::uint16_t kExportLimit = 2071, kCarBoost = 2073;
}  // namespace holding

inline constexpr int kFullPercent = 100;

[[nodiscard]] inline bool is_three_phase(Model model) {
    return live_bank(model) == LiveBank::three_phase;
}

/// Registers of the settings that every family has somewhere; 0 where it has none.
struct ControlRegisters {
    std::uint16_t charge_enable, discharge_enable, charge_target, reserve, cutoff, charge_rate,
        discharge_rate;
};
[[nodiscard]] const ControlRegisters& control_registers(Model model);

/// First register of a slot (start; the end follows), 0 if the model has no such slot.
[[nodiscard]] std::uint16_t charge_slot_register(Model model, std::uint16_t arm_firmware, int slot);
[[nodiscard]] std::uint16_t discharge_slot_register(Model model, std::uint16_t arm_firmware, int slot);
/// Registers of a slot's own target or floor.
[[nodiscard]] std::uint16_t charge_slot_target(int slot);
[[nodiscard]] std::uint16_t discharge_slot_target(int slot);

/// Charge or discharge rate register value for a power in W, and back. Single-phase registers hold C/100 of half
/// the capacity (50 = all), three-phase ones percent. Nothing where capacity or limit is not known.
[[nodiscard]] std::optional<std::uint16_t> rate_of_watts(const CommandContext& context, int watts);
[[nodiscard]] std::optional<int> watts_of_rate(const CommandContext& context, std::uint16_t rate);

/// Mode by HR27, HR59 and HR110: "Eco", "Eco (Paused)", "Timed Demand", "Timed Export", "Export (Paused)".
[[nodiscard]] std::optional<std::string_view> mode_name(const CommandContext& context);

}  // namespace givenergy
