#include "givenergy/control/model_registers.hpp"

#include "givenergy/control/commands.hpp"

#include <algorithm>
#include <cmath>

namespace givenergy {

namespace {

constexpr ControlRegisters kSinglePhase{96, 59, 116, 110, 114, 111, 112};
constexpr ControlRegisters kThreePhaseRegisters{1112, 1122, 1111, 1109, 1078, 1110, 1108};

}  // namespace

const ControlRegisters& control_registers(Model model) {
    return is_three_phase(model) ? kThreePhaseRegisters : kSinglePhase;
}

std::uint16_t charge_slot_register(Model model, std::uint16_t arm_firmware, int slot) {
    const bool three = is_three_phase(model);
    const bool ten = capabilities(model, arm_firmware).ten_slots;
    if (slot == 1) {
        return three ? 1113 : 94;
    }
    if (slot == 2) {
        return three ? 1115 : ten ? 243 : holding::kSlotTwoLegacy;
    }
    return ten && slot >= 3 && slot <= 10 ? static_cast<std::uint16_t>(246 + 3 * (slot - 3))
                                          : std::uint16_t{0};
}

std::uint16_t discharge_slot_register(Model model, std::uint16_t arm_firmware, int slot) {
    const bool three = is_three_phase(model);
    const bool ten = capabilities(model, arm_firmware).ten_slots;
    if (slot == 1) {
        return three ? 1118 : 56;
    }
    if (slot == 2) {
        return three ? 1120 : 44;
    }
    return ten && slot >= 3 && slot <= 10 ? static_cast<std::uint16_t>(276 + 3 * (slot - 3))
                                          : std::uint16_t{0};
}

std::uint16_t charge_slot_target(int slot) {
    return static_cast<std::uint16_t>(242 + 3 * (slot - 1));
}

std::uint16_t discharge_slot_target(int slot) {
    return static_cast<std::uint16_t>(272 + 3 * (slot - 1));
}

namespace {

constexpr std::uint16_t kWholeRate = 50;

std::optional<double> capacity_wh(const CommandContext& context) {
    const auto amp_hours = context.holding(holding::kCapacity);
    const auto volts = nominal_battery_v(context.model);
    return amp_hours && *amp_hours > 0 && volts ? std::optional{*amp_hours * *volts} : std::nullopt;
}

}  // namespace

std::optional<std::uint16_t> rate_of_watts(const CommandContext& context, int watts) {
    const auto limit = battery_limit_w(context.dtc, context.arm_firmware);
    if (is_three_phase(context.model)) {
        if (!limit || *limit == 0) {
            return std::nullopt;
        }
        return static_cast<std::uint16_t>(std::clamp(std::lround(100.0 * watts / *limit), 1L, 100L));
    }
    if (limit && watts >= *limit) {
        return kWholeRate;
    }
    const auto capacity = capacity_wh(context);
    if (!capacity) {
        return std::nullopt;
    }
    return static_cast<std::uint16_t>(
        std::min<double>(std::floor(watts / (*capacity / 2) * kWholeRate), kWholeRate));
}

std::optional<int> watts_of_rate(const CommandContext& context, std::uint16_t rate) {
    const auto limit = battery_limit_w(context.dtc, context.arm_firmware);
    if (is_three_phase(context.model)) {
        return limit ? std::optional{static_cast<int>(std::lround(rate / 100.0 * *limit))} : std::nullopt;
    }
    const auto capacity = capacity_wh(context);
    if (!capacity) {
        return std::nullopt;
    }
    const double watts = rate / 100.0 * *capacity;
    return static_cast<int>(std::lround(limit ? std::min(watts, static_cast<double>(*limit)) : watts));
}

std::optional<std::string_view> mode_name(const CommandContext& context) {
    const auto power_mode = context.holding(holding::kPowerMode),
               discharge = context.holding(holding::kEnableDischarge);
    if (!power_mode || !discharge || live_bank(context.model) == LiveBank::ems) {
        return std::nullopt;
    }
    if (*power_mode == 0) {
        return *discharge == 0 ? "Export (Paused)" : "Timed Export";
    }
    if (*discharge != 0) {
        return "Timed Demand";
    }
    return context.holding(holding::kReserve) == kFullPercent ? "Eco (Paused)" : "Eco";
}

}  // namespace givenergy
