#pragma once
// What outlives a restart: as values of the settings service, with times on the wall clock.

#include "serialbattery/control/bank.hpp"

#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace bms::control {

/// Times are unix seconds.
struct Persisted {
    bool allow_max = true;
    std::optional<Seconds> absorption_since;
    std::optional<Seconds> absorption_seen;  ///< last poll (within a minute) while the timer ran
    std::optional<Seconds> last_reset;
    std::optional<double> soc_percent;  ///< counted
    std::optional<Seconds> soc_seen;    ///< when it was counted, to 15 minutes
    HistoryValues history;
    std::optional<Seconds> last_full_charge;
    double discharges = 0;
    bool full_discharge_counted = false;
    friend bool operator==(const Persisted&, const Persisted&) = default;
};

/// A value as the settings service keeps it. Switches are 0 or 1, an unset time is 0, the history is JSON text.
struct StoredValue {
    std::string_view name;
    std::variant<std::int64_t, double, std::string> value;
};

/// What is to be kept of a battery's state.
[[nodiscard]] Persisted to_persist(const State& state, const Clocks& now);

/// Its values, always under the same names in the same order.
[[nodiscard]] std::vector<StoredValue> stored_values(const Persisted& persisted);

/// Reads stored values back. Unknown names and values that make no sense are left out, one by one.
[[nodiscard]] Persisted from_stored(std::span<const StoredValue> values);

/// Gives a fresh state what was kept. Times in the future are dropped (a reset charge then counts as done now:
/// a clock that was set back must not start one); an absorption timer is dropped when the last poll was more
/// than 5 minutes ago, a counted state of charge when it is old and far from the BMS's.
void restore(State& state, const Persisted& persisted, const Clocks& now,
             std::optional<double> bms_soc_percent);

/// The same for a bank: its machine, and the state of charge of every member as JSON text.
[[nodiscard]] Persisted to_persist(const BankState& state, const Clocks& now);
void restore(BankState& state, const Persisted& persisted, const Clocks& now);
[[nodiscard]] std::string members_text(const BankState& state, const Clocks& now);
void read_members(BankState& state, std::string_view text, const Clocks& now);

/// Whether the difference is worth a write to flash: changes of the machine at once, a counted state of charge
/// by half a percent, everything else every 15 minutes. Asked every 15 s; before an exit write what differs.
[[nodiscard]] bool worth_writing(const Persisted& written, const Persisted& present, Seconds since_write);

/// The history as JSON text, and back. Corrupt text gives what of it makes sense.
[[nodiscard]] std::string history_text(const Persisted& persisted);
void read_history(Persisted& persisted, std::string_view text);

}  // namespace bms::control
