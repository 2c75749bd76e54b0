#pragma once
// What the services show: the plant, and what the driver knows beyond it.

#include "givenergy/control/commands.hpp"
#include "givenergy/model/plant.hpp"

namespace givenergy {

/// Which services stand for an installation.
enum class Layout : std::uint8_t {
    standalone,  ///< GivEnergy is the system: grid, multi, acsystem, battery, and pvinverter where PV is metered
    observer,  ///< a Victron inverter runs the site: only a pvinverter, and the battery if wanted
};
/// What an observer's pvinverter shows.
enum class ObserverValue : std::uint8_t { inverter_output, pv_only, nothing };

struct LayoutChoice {
    Layout layout = Layout::standalone;
    ObserverValue observer_value = ObserverValue::inverter_output;
    bool observer_battery = false;
    bool battery_per_pack = false;

    friend bool operator==(const LayoutChoice&, const LayoutChoice&) = default;
};

/// The services of an installation, in the order they are published.
enum class ServiceKind : std::uint8_t { grid, multi, acsystem, battery, pvinverter };
[[nodiscard]] std::vector<ServiceKind> services_of(const Topology& topology, const LayoutChoice& choice,
                                                   bool metered_pv_seen);

/// Figures of a pvinverter service.
struct PvFigures {
    Value watts;
    std::array<Value, 3> phase_w{};
    Value kwh;
};

struct View {
    Plant plant;
    PvFigures pv;
    std::uint16_t warnings = 0;  ///< charger warnings that lasted three reads
    bool forced = false;         ///< a forced charge or export runs
    std::optional<int> reserve_percent;
    std::optional<int> charge_allowed;  ///< 0 while charging is paused
    std::optional<int> discharge_allowed;
    std::optional<int> inverter_on;  ///< low byte of HR53
    // Settings as read back, in the words of the control items.
    std::optional<int> mode, charge_enable, discharge_enable, charge_target, reserve, cutoff, charge_rate_w,
        discharge_rate_w, pause_mode, active_power_rate;
    std::optional<std::string> pause_start, pause_end;
    std::array<std::array<std::optional<std::string>, 2>, 10> charge_slot{}, discharge_slot{};
    std::array<std::optional<int>, 10> charge_slot_target{}, discharge_slot_target{};
    int force_charge_minutes = 0, force_export_minutes = 0, pause_charge_minutes = 0,
        pause_discharge_minutes = 0;
    int write_count = 0;
    std::string last_write_result;
    std::string faults;
    int pack = -1;  ///< of a battery service for one pack
};

/// Everything that follows from registers and layout; what the driver adds is left as it is.
[[nodiscard]] View view_of(const Topology& topology, const Registers& registers, const LayoutChoice& choice,
                           const Consent& consent);

}  // namespace givenergy
