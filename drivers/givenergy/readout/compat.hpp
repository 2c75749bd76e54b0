#pragma once
// The read functions of GivTCP as of July 2021, with its names, groups and habits: docs/givenergy.md, "Reading".

#include "givenergy/model/plant.hpp"
#include "givenergy/readout/readout.hpp"

namespace givenergy {

struct ReadFunction {
    std::string_view name;
    /// Banks it needs beyond those that tell the model.
    std::vector<Request> (*requests)(const Topology&);
    Readout (*read)(const Topology&, const Registers&);
};

/// getTimeslots, getCombinedStats, getModes, runAll.
[[nodiscard]] std::span<const ReadFunction> read_functions();
[[nodiscard]] const ReadFunction* find_read_function(std::string_view name);

/// All their names, for messages.
[[nodiscard]] std::string read_function_names();

/// Slot times, four digits each. Slots read as 0000 to 0000 are off.
[[nodiscard]] Readout read_timeslots(const Topology& topology, const Registers& registers);
/// Energy and power. Empty unless a whole live bank is there and fewer than half of its registers are zero.
/// "Load Energy" is what the name always showed: energy charged from AC.
[[nodiscard]] Readout read_combined_stats(const Topology& topology, const Registers& registers);
/// Mode (1, 3, 4 or "unknown"), cut-off under its old name, target, capacity, schedules.
[[nodiscard]] Readout read_modes(const Topology& topology, const Registers& registers);

/// Topic of a value in the compatible set: root/adapter serial/group/name.
[[nodiscard]] std::string compat_topic(std::string_view root, std::string_view adapter_serial,
                                       const ReadoutEntry& entry);

}  // namespace givenergy
