#pragma once
// Functions that run for some minutes and then put everything back: forced charge and export, pauses. What is to be
// put back is remembered before the first write, and survives a restart.

#include "givenergy/control/commands.hpp"

namespace givenergy {

enum class OverrideKind : std::uint8_t { force_charge, force_export, pause_charge, pause_discharge };

struct SavedSetting {
    std::uint16_t reg = 0;
    std::uint16_t value = 0;
    friend bool operator==(const SavedSetting&, const SavedSetting&) = default;
};

struct Override {
    OverrideKind kind{};
    std::int64_t ends_at = 0;         ///< Unix time
    std::vector<SavedSetting> saved;  ///< in the order they were taken
    friend bool operator==(const Override&, const Override&) = default;
};

/// forceCharge, forceExport, tempPauseCharge, tempPauseDischarge.
[[nodiscard]] std::optional<OverrideKind> override_named(std::string_view function);
[[nodiscard]] std::string_view to_string(OverrideKind kind);

/// Minutes asked for (1..1439), 0 to end it ("Cancel", "Normal", "0"), or what is wrong.
[[nodiscard]] wire::Expected<int, CommandError> override_minutes(const Arguments& arguments);

struct OverridePlan {
    Override record;
    std::vector<ApprovedWrite> writes;
};

/// Begins an override, or prolongs or replaces the active one; what was saved first stays saved. Needs every setting
/// it touches to be known. `now` is Unix time, context.now the inverter's clock.
[[nodiscard]] wire::Expected<OverridePlan, CommandError> begin_override(OverrideKind kind, int minutes,
                                                                        const CommandContext& context,
                                                                        const std::optional<Override>& active,
                                                                        std::int64_t now);

/// The writes that put everything back, last one first. A value that could not be written (a slot that was "not set")
/// becomes the nearest that can, or is left out.
[[nodiscard]] std::vector<ApprovedWrite> end_override(const Override& active, const CommandContext& context);

}  // namespace givenergy
