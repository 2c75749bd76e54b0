#include "givenergy/control/commands.hpp"

#include "givenergy/control/plan_builder.hpp"

#include <algorithm>
#include <charconv>

namespace givenergy {

namespace {

constexpr std::uint16_t kRebootValue = 100;
constexpr int kDefaultReserve = 4;

PlanBuilder builder(const CommandCall& call) {
    return PlanBuilder{call.context};
}

Plan charge_schedule(const CommandCall& call, int on) {
    auto plan = builder(call);
    const auto& registers = control_registers(call.context.model);
    if (is_three_phase(call.context.model)) {
        plan.write(holding::kForceCharge, on);
    }
    return plan.write(registers.charge_enable, on).done();
}
Plan discharge_schedule(const CommandCall& call, int on) {
    return builder(call).write(control_registers(call.context.model).discharge_enable, on).done();
}
Plan pause_charge_schedule(const CommandCall& call) {
    return charge_schedule(call, 0);
}
Plan resume_charge_schedule(const CommandCall& call) {
    return charge_schedule(call, 1);
}
Plan pause_discharge_schedule(const CommandCall& call) {
    return discharge_schedule(call, 0);
}
Plan resume_discharge_schedule(const CommandCall& call) {
    return discharge_schedule(call, 1);
}
Plan enable_charge_schedule(const CommandCall& call) {
    const auto state = call_flag(call);
    return state ? charge_schedule(call, *state) : Plan{wire::Unexpected{state.error()}};
}
Plan enable_discharge_schedule(const CommandCall& call) {
    const auto state = call_flag(call);
    return state ? discharge_schedule(call, *state) : Plan{wire::Unexpected{state.error()}};
}

/// In 2021 the target alone was written; later the flag goes with it, off at 100 where charging would oscillate.
Plan charge_target(const CommandCall& call) {
    const auto& registers = control_registers(call.context.model);
    const auto percent = call_number(call, "chargeToPercent");
    if (!percent) {
        return wire::Unexpected{percent.error()};
    }
    auto plan = builder(call);
    if (call.arguments.contains("") && !is_three_phase(call.context.model)) {
        plan.write(holding::kEnableTarget, *percent < kFullPercent ? 1 : 0);
    }
    return plan.write(registers.charge_target, *percent).done();
}

/// "dischargeToPercent" is the wording of 2021 and meant what is called cut-off today.
Plan battery_reserve(const CommandCall& call) {
    const auto& registers = control_registers(call.context.model);
    if (call.arguments.contains("") || call.arguments.contains("reservePercent")) {
        return number_command(call, "reservePercent", registers.reserve);
    }
    return number_command(call, "dischargeToPercent", registers.cutoff);
}
Plan battery_cutoff(const CommandCall& call) {
    return number_command(call, "dischargeToPercent", control_registers(call.context.model).cutoff);
}

/// A slot 2 that is not proven: only with the owner's consent and after both registers read as times.
std::optional<CommandError> slot_two_forbidden(const CommandContext& context) {
    const auto start = context.holding(holding::kSlotTwoLegacy);
    const auto end = context.holding(static_cast<std::uint16_t>(holding::kSlotTwoLegacy + 1));
    if (!context.consent.charge_slot_2) {
        return CommandError{"charge slot 2 is not offered on " + std::string{to_string(context.model)},
                            false};
    }
    if (!start || !end || !minute_of_day(*start) || !minute_of_day(*end)) {
        return CommandError{"registers 31 and 32 do not hold two times on this unit", false};
    }
    return std::nullopt;
}

wire::Expected<std::uint16_t, CommandError> slot_register(const CommandCall& call, bool charge, int slot) {
    const auto& context = call.context;
    const std::uint16_t reg = charge ? charge_slot_register(context.model, context.arm_firmware, slot)
                                     : discharge_slot_register(context.model, context.arm_firmware, slot);
    if (reg == 0) {
        return wire::Unexpected{CommandError{"this model has no such slot", false}};
    }
    if (reg == holding::kSlotTwoLegacy) {
        if (auto forbidden = slot_two_forbidden(context)) {
            return wire::Unexpected{std::move(*forbidden)};
        }
    }
    return reg;
}

/// Slot 1 keeps to the global target as it did in 2021; so does slot 2 where it has none of its own.
bool has_own_target(const CommandCall& call) {
    return call.slot > 2
           || (call.slot == 2 && !is_three_phase(call.context.model)
               && capabilities(call.context.model, call.context.arm_firmware).ten_slots);
}

Plan charge_slot(const CommandCall& call) {
    const auto reg = slot_register(call, true, call.slot);
    if (!reg) {
        return wire::Unexpected{reg.error()};
    }
    const auto start = call_time(call, "start"), finish = call_time(call, "finish");
    const auto percent = call_number(call, "chargeToPercent");
    const auto enable = call_flag(call, "enable", true);
    for (const CommandError* error : {failed(start), failed(finish), failed(percent), failed(enable)}) {
        if (error != nullptr) {
            return wire::Unexpected{*error};
        }
    }
    const auto& registers = control_registers(call.context.model);
    auto plan = builder(call);
    plan.write(*reg, *start).write(*reg + 1, *finish);
    plan.write(has_own_target(call) ? charge_slot_target(call.slot) : registers.charge_target, *percent);
    return plan.write(registers.charge_enable, *enable).done();
}

Plan discharge_slot(const CommandCall& call) {
    const auto reg = slot_register(call, false, call.slot);
    if (!reg) {
        return wire::Unexpected{reg.error()};
    }
    const auto start = call_time(call, "start"), finish = call_time(call, "finish");
    const auto percent = call_number(call, "dischargeToPercent");
    for (const CommandError* error : {failed(start), failed(finish), failed(percent)}) {
        if (error != nullptr) {
            return wire::Unexpected{*error};
        }
    }
    auto plan = builder(call);
    plan.write(*reg, *start).write(*reg + 1, *finish);
    const std::uint16_t floor = has_own_target(call) ? discharge_slot_target(call.slot)
                                                     : control_registers(call.context.model).cutoff;
    return plan.write(floor, *percent).done();
}

Plan slot_time(const CommandCall& call, bool charge, int offset) {
    const auto reg = slot_register(call, charge, call.slot);
    if (!reg) {
        return wire::Unexpected{reg.error()};
    }
    return time_command(call, offset == 0 ? "start" : "finish", static_cast<std::uint16_t>(*reg + offset));
}
Plan charge_start(const CommandCall& call) {
    return slot_time(call, true, 0);
}
Plan charge_end(const CommandCall& call) {
    return slot_time(call, true, 1);
}
Plan discharge_start(const CommandCall& call) {
    return slot_time(call, false, 0);
}
Plan discharge_end(const CommandCall& call) {
    return slot_time(call, false, 1);
}
Plan slot_charge_target(const CommandCall& call) {
    return number_command(call, "chargeToPercent", charge_slot_target(call.slot));
}
Plan slot_discharge_target(const CommandCall& call) {
    return number_command(call, "dischargeToPercent", discharge_slot_target(call.slot));
}

/// Slots of an EMS: three of each kind, three registers a slot.
std::uint16_t ems_register(int kind, int slot, int offset) {
    return static_cast<std::uint16_t>(holding::kEmsSlots + 9 * kind + 3 * (slot - 1) + offset);
}
template <int kind, int offset>
Plan ems_slot(const CommandCall& call) {
    const std::uint16_t reg = ems_register(kind, call.slot, offset);
    if constexpr (offset == 2) {
        return number_command(call, call.command.keys, reg);
    } else {
        return time_command(call, call.command.keys, reg);
    }
}

struct ModeRow {
    std::string_view name;
    int number;   // of 2021; 0: none
    int reserve;  // 0: the saved one; -1: left alone
    int discharge;
    int power_mode;
};
constexpr auto kModes = std::to_array<ModeRow>({
    {"Eco", 0, 0, 0, 1},
    {"Eco (Paused)", 0, 100, 0, 1},
    {"Timed Demand", 0, -1, 1, 1},
    {"Timed Export", 0, -1, 1, 0},
});
constexpr auto kModesOf2021 = std::to_array<ModeRow>({
    {"", 1, 4, 0, 1},
    {"", 2, 100, 1, 1},
    {"", 3, 100, 1, 1},
    {"", 4, 4, 1, 0},
});

Plan battery_mode(const CommandCall& call) {
    const auto text = call_text(call, "mode");
    if (!text) {
        return wire::Unexpected{text.error()};
    }
    const auto named = std::ranges::find(kModes, std::string_view{*text}, &ModeRow::name);
    if (named != kModes.end()) {
        auto plan = builder(call);
        plan.write(holding::kPowerMode, named->power_mode).write(holding::kEnableDischarge, named->discharge);
        if (named->reserve >= 0) {
            const int saved =
                call.context.saved_reserve >= kFullPercent ? kDefaultReserve : call.context.saved_reserve;
            plan.write(holding::kReserve, named->reserve == 0 ? saved : named->reserve);
        }
        return plan.done();
    }
    const auto numbered = std::ranges::find_if(
        kModesOf2021, [&](const ModeRow& row) { return *text == std::to_string(row.number); });
    if (numbered == kModesOf2021.end()) {
        return wire::Unexpected{CommandError{"Invalid Mode:  " + *text}};
    }
    auto plan = builder(call);
    plan.write(holding::kReserve, numbered->reserve).write(holding::kEnableDischarge, numbered->discharge);
    plan.write(holding::kPowerMode, numbered->power_mode);
    if (numbered->number == 2) {
        plan.write(56, 1600).write(57, 700);  // the evening and night of 2021's "Dynamic"
    }
    return plan.done();
}

Plan enable_charge_target(const CommandCall& call) {
    const auto on = call_flag(call, "state", true);
    if (!on) {
        return wire::Unexpected{on.error()};
    }
    auto plan = builder(call);
    plan.write(holding::kEnableTarget, *on);
    return *on != 0 ? plan.done()
                    : plan.write(control_registers(call.context.model).charge_target, kFullPercent).done();
}
Plan disable_charge_target(const CommandCall& call) {
    return builder(call).write(holding::kEnableTarget, 0).write(116, kFullPercent).done();
}

template <std::uint16_t reg>
Plan flag(const CommandCall& call) {
    return flag_command(call, reg);
}
template <std::uint16_t reg>
Plan whole_number(const CommandCall& call) {
    return number_command(call, call.command.keys, reg);
}
template <std::uint16_t reg>
Plan time_of_day(const CommandCall& call) {
    return time_command(call, call.command.keys, reg);
}

Plan rate(const CommandCall& call, std::string_view key, std::uint16_t reg) {
    const auto watts = call_number(call, key);
    if (!watts) {
        return wire::Unexpected{watts.error()};
    }
    if (*watts < 0) {
        return wire::Unexpected{CommandError{"a power in W, 0 or more"}};
    }
    const auto value = rate_of_watts(call.context, *watts);
    if (!value) {
        return wire::Unexpected{CommandError{"the battery's capacity is not known yet", false}};
    }
    return builder(call).write(reg, *value).done();
}
Plan charge_rate(const CommandCall& call) {
    return rate(call, "chargeRate", control_registers(call.context.model).charge_rate);
}
Plan discharge_rate(const CommandCall& call) {
    return rate(call, "dischargeRate", control_registers(call.context.model).discharge_rate);
}

Plan named_value(const CommandCall& call, std::uint16_t reg,
                 std::span<const std::pair<std::string_view, int>> names) {
    const auto text = call_text(call, call.command.keys);
    if (!text) {
        return wire::Unexpected{text.error()};
    }
    const auto found =
        std::ranges::find(names, std::string_view{*text}, &std::pair<std::string_view, int>::first);
    if (found != names.end()) {
        return builder(call).write(reg, found->second).done();
    }
    std::string choices;
    for (const auto& [name, value] : names) {
        choices += (choices.empty() ? "one of " : ", ") + std::string{name};
    }
    return wire::Unexpected{CommandError{choices}};
}
Plan pause_mode(const CommandCall& call) {
    static constexpr auto kNames = std::to_array<std::pair<std::string_view, int>>(
        {{"Disabled", 0}, {"PauseCharge", 1}, {"PauseDischarge", 2}, {"PauseBoth", 3}});
    return named_value(call, holding::kPauseMode, kNames);
}
Plan calibration(const CommandCall& call) {
    static constexpr auto kNames =
        std::to_array<std::pair<std::string_view, int>>({{"Off", 0}, {"Start", 1}, {"Charge Only", 3}});
    return named_value(call, holding::kCalibration, kNames);
}

Plan set_clock(const CommandCall& call, const WallClock& clock) {
    if (!clock.valid()) {
        return wire::Unexpected{CommandError{"not a date and time: dd/mm/yyyy hh:mm:ss"}};
    }
    auto plan = builder(call);
    int reg = holding::kClock;
    for (const int part :
         {clock.year - 2000, clock.month, clock.day, clock.hour, clock.minute, clock.second}) {
        plan.write(reg++, part);
    }
    return plan.done();
}
Plan set_date_time(const CommandCall& call) {
    const auto text = call_text(call, "dateTime");
    if (!text) {
        return wire::Unexpected{text.error()};
    }
    return set_clock(call, parse_date_time(*text));
}
Plan sync_date_time(const CommandCall& call) {
    return set_clock(call, call.context.now);
}
Plan reboot(const CommandCall& call) {
    return builder(call).write(holding::kReboot, kRebootValue).done();
}
Plan no_car_boost(const CommandCall& call) {
    return number_command(call, "boost", holding::kCarBoost);
}

constexpr std::string_view kSlotJson = R"({"start":"0100","finish":"0400","chargeToPercent":"100"})";
constexpr std::string_view kFloorJson = R"({"start":"1600","finish":"0700","dischargeToPercent":"10"})";
constexpr std::string_view kChargeTo = R"({"chargeToPercent":"50"})",
                           kDischargeTo = R"({"dischargeToPercent":"10"})";
constexpr std::string_view kState = R"({"state":"enable"})", kStart = R"({"start":"01:00"})";
constexpr std::string_view kFinish = R"({"finish":"04:00"})";

// clang-format off
constexpr auto kCommands = std::to_array<Command>({
    // The functions of July 2021 with the words they print.
    {"pauseChargeSchedule", 0, "", "", "Pausing Charge Schedule was a:  Success", "Pausing Charge Schedule was a:  Failure", pause_charge_schedule},
    {"resumeChargeSchedule", 0, "", "", "Resuming Charge Schedule was a:  Success", "Resuming Charge Schedule was a:  Failure", resume_charge_schedule},
    {"pauseDischargeSchedule", 0, "", "", "Pausing Discharge Schedule was a:  Success", "Pausing Discharge Schedule was a:  Failure", pause_discharge_schedule},
    {"resumeDischargeSchedule", 0, "", "", "Resuming Discharge Schedule was a:  Success", "Resuming Discharge Schedule was a:  Failure", resume_discharge_schedule},
    {"setChargeTarget", 0, "chargeToPercent", kChargeTo, "Charge Target successfully set", "Error setting Charge Target", charge_target},
    {"setBatteryReserve", 0, "dischargeToPercent,reservePercent", kDischargeTo, "Battery Reserve successfully set", "Error setting Battery Reserve", battery_reserve},
    {"setChargeSlot", 10, "start,finish,chargeToPercent,enable", kSlotJson, "Charge Time successfully set", "Error setting Charge time", charge_slot},
    {"setDischargeSlot", 10, "start,finish,dischargeToPercent", kFloorJson, "Discharge Timeslot # successfully set", "Error setting Discharge Timeslot #", discharge_slot},
    {"setBatteryMode", 0, "mode", R"({"mode":1})", "Control Mode successfully set", "Error setting Control Mode", battery_mode},
    // Added within weeks.
    {"enableChargeTarget", 0, "state", "", "", "", enable_charge_target},
    {"disableChargeTarget", 0, "", "", "", "", disable_charge_target},
    {"setDateTime", 0, "dateTime", R"({"dateTime":"31/12/2026 23:59:00"})", "", "", set_date_time},
    // Later versions.
    {"enableChargeSchedule", 0, "state", kState, "", "", enable_charge_schedule},
    {"enableDischargeSchedule", 0, "state", kState, "", "", enable_discharge_schedule},
    {"enableDischarge", 0, "state", kState, "", "", enable_discharge_schedule},
    {"enableRTC", 0, "state", kState, "", "", flag<holding::kRealTime>},
    {"setEcoMode", 0, "state", kState, "", "", flag<holding::kPowerMode>},
    {"setEmsPlant", 0, "state", kState, "", "", flag<holding::kPlantEnable>},
    {"setForceCharge", 0, "state", kState, "", "", flag<holding::kForceCharge>},
    {"setForceDischarge", 0, "state", kState, "", "", flag<holding::kForceDischarge>},
    {"setACCharge", 0, "state", kState, "", "", flag<holding::kAcCharge>},
    {"setChargeTarget", 10, "chargeToPercent", kChargeTo, "", "", slot_charge_target},
    {"setDischargeTarget", 10, "dischargeToPercent", kDischargeTo, "", "", slot_discharge_target},
    {"setExportTarget", 3, "dischargeToPercent", kDischargeTo, "", "", ems_slot<2, 2>},
    {"setBatteryCutoff", 0, "dischargeToPercent", kDischargeTo, "", "", battery_cutoff},
    {"setChargeRate", 0, "chargeRate", R"({"chargeRate":"2500"})", "", "", charge_rate},
    {"setDischargeRate", 0, "dischargeRate", R"({"dischargeRate":"2500"})", "", "", discharge_rate},
    {"setChargeRateAC", 0, "chargeRate", R"({"chargeRate":"80"})", "", "", whole_number<holding::kChargeRateAc>},
    {"setDischargeRateAC", 0, "dischargeRate", R"({"dischargeRate":"80"})", "", "", whole_number<holding::kDischargeRateAc>},
    {"setActivePowerRate", 0, "activePowerRate", R"({"activePowerRate":"100"})", "", "", whole_number<holding::kActiveRate>},
    {"setChargeStart", 10, "start", kStart, "", "", charge_start},
    {"setChargeEnd", 10, "finish", kFinish, "", "", charge_end},
    {"setDischargeStart", 10, "start", kStart, "", "", discharge_start},
    {"setDischargeEnd", 10, "finish", kFinish, "", "", discharge_end},
    {"setPauseStart", 0, "start", kStart, "", "", time_of_day<holding::kPauseStart>},
    {"setPauseEnd", 0, "finish", kFinish, "", "", time_of_day<holding::kPauseEnd>},
    {"setExportStart", 3, "start", kStart, "", "", ems_slot<2, 0>},
    {"setExportEnd", 3, "finish", kFinish, "", "", ems_slot<2, 1>},
    {"setEMSChargeStart", 3, "start", kStart, "", "", ems_slot<1, 0>},
    {"setEMSChargeEnd", 3, "finish", kFinish, "", "", ems_slot<1, 1>},
    {"setEMSChargeTarget", 3, "chargeToPercent", kChargeTo, "", "", ems_slot<1, 2>},
    {"setEMSDischargeStart", 3, "start", kStart, "", "", ems_slot<0, 0>},
    {"setEMSDischargeEnd", 3, "finish", kFinish, "", "", ems_slot<0, 1>},
    {"setEMSDischargeTarget", 3, "dischargeToPercent", kDischargeTo, "", "", ems_slot<0, 2>},
    {"setBatteryPauseMode", 0, "state", R"({"state":"PauseDischarge"})", "", "", pause_mode},
    {"setBatteryCalibration", 0, "state", R"({"state":"Off"})", "", "", calibration},
    {"syncDateTime", 0, "", "", "", "", sync_date_time},
    {"rebootInverter", 0, "", "", "", "", reboot},
    {"setExportLimit", 0, "limit", R"({"limit":"5000"})", "", "", whole_number<holding::kExportLimit>},
    {"setCarChargeBoost", 0, "boost", R"({"boost":"5000"})", "", "", no_car_boost},
});
// clang-format on

constexpr bool distinct_commands() {
    for (std::size_t i = 0; i < kCommands.size(); ++i) {
        for (std::size_t k = i + 1; k < kCommands.size(); ++k) {
            if (kCommands[i].name == kCommands[k].name
                && (kCommands[i].slots > 0) == (kCommands[k].slots > 0)) {
                return false;
            }
        }
    }
    return true;
}
static_assert(distinct_commands());

}  // namespace

bool WallClock::valid() const {
    static constexpr std::array<int, 12> kDays{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (year < 2000 || year > 2099 || month < 1 || month > 12 || day < 1) {
        return false;
    }
    const int days = kDays[static_cast<std::size_t>(month - 1)] + (month == 2 && year % 4 == 0 ? 1 : 0);
    return day <= days && hour >= 0 && hour < 24 && minute >= 0 && minute < 60 && second >= 0 && second < 60;
}

std::span<const Command> commands() {
    return kCommands;
}

FoundCommand find_command(std::string_view name) {
    const auto digits = name.find_last_not_of("0123456789");
    const std::string_view stem = name.substr(0, digits == std::string_view::npos ? 0 : digits + 1);
    int slot = 0;
    const std::string_view tail = name.substr(stem.size());
    if (!tail.empty()) {
        const auto [end, error] = std::from_chars(tail.data(), tail.data() + tail.size(), slot);
        if (error != std::errc{} || tail.front() == '0' || slot < 1) {
            return {};
        }
    }
    for (const Command& command : kCommands) {
        if (command.name == stem && (slot == 0 ? command.slots == 0 : slot <= command.slots)) {
            return {&command, slot};
        }
    }
    return {};
}

Plan plan_command(std::string_view function, const Arguments& arguments, const CommandContext& context) {
    const FoundCommand found = find_command(function);
    if (found.command == nullptr) {
        return wire::Unexpected{CommandError{"unknown function " + std::string{function}}};
    }
    if (auto error = check_names(*found.command, found.slot, arguments)) {
        return wire::Unexpected{std::move(*error)};
    }
    return found.command->plan(CommandCall{*found.command, found.slot, arguments, context});
}

std::optional<CommandError> check_payload(std::string_view function, const Arguments& arguments) {
    constexpr std::uint16_t kNewArm = 999;  // firmware with everything the model can have
    Registers registers;
    registers.store({kInverterAddress, Function::read_holding, holding::kSlotTwoLegacy, 2},
                    std::array<std::uint16_t, 2>{});
    registers.store({kInverterAddress, Function::read_holding, holding::kCapacity, 1},
                    std::array<std::uint16_t, 1>{160});
    std::optional<CommandError> wrong;
    for (const ModelInfo& model : kModels) {
        CommandContext context{model.model,    static_cast<std::uint16_t>(model.dtc_high << 8 | 1),
                               kNewArm,        Consent{.charge_slot_2 = true},
                               &registers,     {2026, 1, 1, 0, 0, 0},
                               kDefaultReserve};
        const Plan plan = plan_command(function, arguments, context);
        if (plan) {
            return std::nullopt;
        }
        if (!wrong || (plan.error().usage && !wrong->usage)) {
            wrong = plan.error();
        }
    }
    return wrong;
}

std::string result_text(std::string_view function, bool success) {
    const FoundCommand found = find_command(function);
    const std::string_view words = found.command == nullptr ? std::string_view{}
                                   : success                ? found.command->success
                                                            : found.command->failure;
    if (words.empty()) {
        return "Setting " + std::string{function} + (success ? " was a success" : " failed");
    }
    std::string text{words};
    if (const auto mark = text.find('#'); mark != std::string::npos) {
        text.replace(mark, 1, std::to_string(found.slot));
    }
    // The first tool misspelt this one, and scripts look for its words.
    if (success && function == "setDischargeSlot2") {
        text.replace(0, 9, "Disharge");
    }
    return text;
}

}  // namespace givenergy
