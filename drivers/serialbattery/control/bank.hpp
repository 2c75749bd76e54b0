#pragma once
// Several batteries as one: in parallel on one DC bus, or in series as one string. Members come and go; while one
// is missing the limits stay safe for it (docs/battery-control.md, "The bank").

#include "serialbattery/control/control.hpp"

#include <string>

namespace bms::control {

/// One battery of the bank, as of its last poll. Everything pointed to outlives the call only.
struct BankMember {
    std::string_view id;    ///< tells members apart; stable over restarts
    std::string_view name;  ///< short: it stands before cell numbers
    const Settings* settings = nullptr;
    std::size_t cell_count = 0;
    /// Its last good reading and what its own control made of it; nullptr before the first.
    const Measurement* reading = nullptr;
    const Output* out = nullptr;
    std::optional<Millis> last_good;
    Millis interval{1000};
    std::optional<double> soh_percent;
    std::optional<double> resistance_ohm;  ///< for sharing by resistance
    std::string_view bus = {};             ///< members with the same are packs of one stack
    bool limits_are_sums = false;          ///< what its BMS allows is meant for that whole stack
};

/// What is remembered of a member, also while it is missing.
struct MemberMemory {
    std::string id;
    double capacity_ah = 0;
    double resistance_ohm = 0;  ///< 0: not known
    std::optional<double> soc_percent;
    Millis seen{};
    bool live = false;
    bool charge_fet_off = false;
    bool discharge_fet_off = false;
    LimitTarget charge;
    LimitTarget discharge;
    std::string bus;
    bool limits_are_sums = false;
    std::optional<double> bms_charge_a;  ///< what its BMS allows
    std::optional<double> bms_discharge_a;
    Seconds safe_time{};  ///< how long its limits count once it is lost
    Seconds patience{};   ///< how long it stays on the bus by itself then
    bool blocks_when_lost = false;
    bool known = false;  ///< was live in this run; else only its state of charge counts
};

struct BankState {
    ChargeVoltage voltage;
    PublishedLimit charge;
    PublishedLimit discharge;
    FlowMeter flow;
    CurrentAverage average;
    TimeToGo time_to_go;
    InternalErrors errors;
    std::vector<MemberMemory> members;
    std::optional<double> string_low_voltage_v;  ///< of members in series
    std::optional<Millis> last_step;
};

/// What the bank publishes beside the values a single battery has too.
struct BankOutput {
    Output values;
    std::optional<double> soh_percent;
    std::string min_cell_id;  ///< "<member>:C7"
    std::string max_cell_id;
    std::string min_temperature_id;  ///< "<member>: <sensor>"
    std::string max_temperature_id;
    std::optional<std::size_t> cells_per_battery;  ///< nothing when the members differ
    std::size_t batteries = 0;
    std::size_t online = 0;
    std::size_t offline = 0;
    std::size_t blocking_charge = 0;
    std::size_t blocking_discharge = 0;
    bool balancing = false;
    bool heating = false;
};

/// Settings of the bank's own machine: the most careful of all members', the bank's own from the first one.
[[nodiscard]] Settings bank_settings(std::span<const Settings* const> members);

/// One poll of a parallel bank. `settings` is what bank_settings made of the members'. A member that is not among
/// `members` any more counts as lost, until it is forgotten. Without a member that was ever heard nothing is
/// known and no limit is given. `values.gone`: nobody vouches for the limits any more, the bank has to leave the bus.
[[nodiscard]] BankOutput poll_bank(BankState& state, const Settings& settings,
                                   std::span<const BankMember> members, const Surroundings& around,
                                   Millis now);

/// Members in series: voltages add, the weakest decides everything else, one missing member means no current.
[[nodiscard]] BankOutput poll_series(BankState& state, const Settings& settings,
                                     std::span<const BankMember> members, const Surroundings& around,
                                     Millis now);

/// The member is not part of the bank any more.
void forget_member(BankState& state, std::string_view id);

/// Leaves to a pack that states the sum over its stack what the others of that stack do not need of it: so they never get
/// more than the sum together.
void split_sums(std::span<MemberMemory> members);

/// Current a parallel bank may carry in a direction, and what limits it. Public for its rules to be tested.
[[nodiscard]] LimitTarget bank_target(std::span<const MemberMemory> members, Direction direction,
                                      const Settings& settings, Millis now);

}  // namespace bms::control
