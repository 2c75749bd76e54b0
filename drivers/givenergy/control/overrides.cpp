#include "givenergy/control/overrides.hpp"

#include "givenergy/control/plan_builder.hpp"

#include <algorithm>
#include <charconv>

namespace givenergy {

namespace {

constexpr int kMinutesPerDay = 24 * 60;
constexpr int kLowestReserve = 4;
constexpr std::uint16_t kPauseModeRegister = 318;

constexpr auto kNames =
    std::to_array<std::string_view>({"forceCharge", "forceExport", "tempPauseCharge", "tempPauseDischarge"});

using Step = std::pair<int, int>;  // register and value

struct Window {
    int start, end;  // HHMM
};

Window window(const WallClock& now, int minutes) {
    const int start = now.minute_of_day();
    return {hhmm(start), hhmm((start + minutes) % kMinutesPerDay)};
}

std::vector<Step> charge_steps(bool three_phase, Window slot) {
    if (three_phase) {
        return {{1111, 100}, {1113, slot.start}, {1114, slot.end}, {1110, 100}, {1123, 1}, {1112, 1}};
    }
    return {{116, 100}, {94, slot.start}, {95, slot.end}, {96, 1}, {111, 50}};
}

std::vector<Step> export_steps(bool three_phase, Window slot) {
    if (three_phase) {
        return {{1109, kLowestReserve}, {1122, 1},       {1123, 0}, {1108, 100}, {27, 0},
                {1118, slot.start},     {1119, slot.end}};
    }
    return {{110, kLowestReserve}, {112, 50}, {27, 0}, {59, 1}, {56, slot.start}, {57, slot.end}};
}

std::vector<Step> steps_of(OverrideKind kind, int minutes, const CommandContext& context) {
    const bool three_phase = live_bank(context.model) == LiveBank::three_phase;
    const bool pause_register = context.holding(kPauseModeRegister).has_value();
    std::vector<Step> steps;
    switch (kind) {
        case OverrideKind::force_charge:
            steps = charge_steps(three_phase, window(context.now, minutes));
            break;
        case OverrideKind::force_export:
            steps = export_steps(three_phase, window(context.now, minutes));
            break;
        case OverrideKind::pause_charge:
            return pause_register ? std::vector<Step>{{kPauseModeRegister, 1}}
                                  : std::vector<Step>{{control_registers(context.model).charge_rate, 0}};
        case OverrideKind::pause_discharge:
            return pause_register ? std::vector<Step>{{kPauseModeRegister, 2}}
                                  : std::vector<Step>{{control_registers(context.model).discharge_rate, 0}};
    }
    if (pause_register) {
        steps.emplace_back(kPauseModeRegister, 0);
    }
    return steps;
}

std::optional<std::uint16_t> saved_value(const std::optional<Override>& active, std::uint16_t reg) {
    if (!active) {
        return std::nullopt;
    }
    const auto found = std::ranges::find(active->saved, reg, &SavedSetting::reg);
    return found == active->saved.end() ? std::nullopt : std::optional{found->value};
}

}  // namespace

std::optional<OverrideKind> override_named(std::string_view function) {
    const auto found = std::ranges::find(kNames, function);
    return found == kNames.end() ? std::nullopt
                                 : std::optional{static_cast<OverrideKind>(found - kNames.begin())};
}

std::string_view to_string(OverrideKind kind) {
    return kNames[static_cast<std::size_t>(kind)];
}

wire::Expected<int, CommandError> override_minutes(const Arguments& arguments) {
    auto found = arguments.find("");
    if (found == arguments.end()) {
        found = arguments.find("duration");
    }
    if (found == arguments.end() || arguments.size() != 1) {
        return wire::Unexpected{CommandError{"duration is missing"}};
    }
    const std::string& text = found->second;
    if (text == "Cancel" || text == "Normal") {
        return 0;
    }
    int minutes = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), minutes);
    if (error != std::errc{} || end != text.data() + text.size() || minutes < 0
        || minutes >= kMinutesPerDay) {
        return wire::Unexpected{CommandError{"minutes 1-1439, or Cancel"}};
    }
    return minutes;
}

wire::Expected<OverridePlan, CommandError> begin_override(OverrideKind kind, int minutes,
                                                          const CommandContext& context,
                                                          const std::optional<Override>& active,
                                                          std::int64_t now) {
    const std::vector<Step> steps = steps_of(kind, minutes, context);
    OverridePlan plan;
    plan.record = {kind, now + std::int64_t{60} * minutes, {}};
    // What the one before changed and this one does not goes back first.
    if (active) {
        plan.record.saved = {};
        Override rest = *active;
        std::erase_if(rest.saved, [&](const SavedSetting& saved) {
            return std::ranges::any_of(steps, [&](const Step& step) { return step.first == saved.reg; });
        });
        plan.writes = end_override(rest, context);
    }
    PlanBuilder builder{context};
    for (const auto& [reg, value] : steps) {
        const auto number = static_cast<std::uint16_t>(reg);
        const auto before =
            saved_value(active, number) ? saved_value(active, number) : context.holding(number);
        if (!before) {
            return wire::Unexpected{
                CommandError{"register " + std::to_string(reg) + " has not been read yet", false}};
        }
        plan.record.saved.push_back({number, *before});
        builder.write(reg, value);
    }
    const Plan writes = builder.done();
    if (!writes) {
        return wire::Unexpected{writes.error()};
    }
    plan.writes.insert(plan.writes.end(), writes->begin(), writes->end());
    return plan;
}

std::vector<ApprovedWrite> end_override(const Override& active, const CommandContext& context) {
    std::vector<ApprovedWrite> writes;
    for (auto saved = active.saved.rbegin(); saved != active.saved.rend(); ++saved) {
        // 0 is "off" for times; percentages below their range mean "not configured" and cannot be written.
        for (const std::uint16_t value : {saved->value, std::uint16_t{0}}) {
            const auto write =
                approve(context.model, context.arm_firmware, context.consent, saved->reg, value);
            if (write) {
                writes.push_back(*write);
                break;
            }
        }
    }
    return writes;
}

}  // namespace givenergy
