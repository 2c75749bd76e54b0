#include "serialbattery/control/persistence.hpp"

#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>

namespace bms::control {
namespace {

using Json = nlohmann::json;

constexpr Seconds kTimerForgotten{300};
constexpr double kLargest = 1e9;

struct HistoryField {
    std::string_view key;
    std::optional<double> HistoryValues::*value;
    bool signed_;  ///< temperatures; everything else is never negative
};
using H = HistoryValues;
constexpr auto kHistoryFields = std::to_array<HistoryField>({
    {"deepest_discharge", &H::deepest_discharge_ah, false},
    {"last_discharge", &H::last_discharge_ah, false},
    {"average_discharge", &H::average_discharge_ah, false},
    {"total_ah_drawn", &H::total_ah_drawn, false},
    {"charge_cycles", &H::charge_cycles, false},
    {"full_discharges", &H::full_discharges, false},
    {"minimum_voltage", &H::minimum_voltage, false},
    {"maximum_voltage", &H::maximum_voltage, false},
    {"minimum_cell_voltage", &H::minimum_cell_voltage, false},
    {"maximum_cell_voltage", &H::maximum_cell_voltage, false},
    {"minimum_temperature", &H::minimum_temperature_c, true},
    {"maximum_temperature", &H::maximum_temperature_c, true},
    {"automatic_syncs", &H::automatic_syncs, false},
    {"low_voltage_alarms", &H::low_voltage_alarms, false},
    {"high_voltage_alarms", &H::high_voltage_alarms, false},
    {"discharged_energy", &H::discharged_energy_kwh, false},
    {"charged_energy", &H::charged_energy_kwh, false},
});

std::optional<double> number_in(const Json& object, std::string_view key) {
    const auto at = object.find(key);
    if (at == object.end() || !at->is_number()) {
        return std::nullopt;
    }
    const double value = at->get<double>();
    return std::isfinite(value) && std::fabs(value) <= kLargest * 10 ? std::optional(value) : std::nullopt;
}

std::optional<Seconds> time_from(std::optional<double> unix_seconds) {
    return unix_seconds && *unix_seconds > 0 ? std::optional(Seconds{saturated(*unix_seconds)})
                                             : std::nullopt;
}

std::optional<double> number_of(const StoredValue& stored) {
    if (const auto* whole = std::get_if<std::int64_t>(&stored.value)) {
        return static_cast<double>(*whole);
    }
    const auto* real = std::get_if<double>(&stored.value);
    const bool good = real != nullptr && std::isfinite(*real) && std::fabs(*real) <= kLargest * 10;
    return good ? std::optional(*real) : std::nullopt;
}

/// From the wall clock to the monotonic one; nothing for a time in the future.
std::optional<Seconds> to_monotonic(std::optional<Seconds> unix_time, const Clocks& now) {
    if (!unix_time || *unix_time > now.unix_time) {
        return std::nullopt;
    }
    return whole_seconds(now.monotonic) - (now.unix_time - *unix_time);
}
std::optional<Seconds> to_unix(std::optional<Seconds> monotonic, const Clocks& now) {
    return monotonic ? std::optional(now.unix_time - (whole_seconds(now.monotonic) - *monotonic))
                     : std::nullopt;
}

Seconds step_down(Seconds time, Seconds step) {
    return time - time % step;
}

/// What is kept of a phase machine.
Persisted machine_of(const ChargeVoltage& machine, std::optional<Millis> last_poll, const Clocks& now) {
    constexpr Seconds kStep{60};
    Persisted p;
    p.allow_max = machine.allow_max;
    p.absorption_since = to_unix(machine.absorption_since, now);
    p.last_reset = to_unix(machine.last_reset, now);
    if (last_poll && p.absorption_since) {
        p.absorption_seen = step_down(*to_unix(whole_seconds(*last_poll), now), kStep);
    }
    return p;
}

void restore_machine(ChargeVoltage& machine, const Persisted& p, const Clocks& now) {
    machine.allow_max = p.allow_max;
    machine.last_reset = to_monotonic(p.last_reset, now);
    if (p.last_reset && !machine.last_reset) {
        machine.last_reset = whole_seconds(now.monotonic);
    }
    const bool seen_lately = p.absorption_seen && *p.absorption_seen <= now.unix_time
                             && now.unix_time - *p.absorption_seen <= kTimerForgotten;
    if (seen_lately) {
        machine.absorption_since = to_monotonic(p.absorption_since, now);
    }
}

std::int64_t stored_time(std::optional<Seconds> time) {
    return time ? time->count() : 0;
}

}  // namespace

std::string history_text(const Persisted& persisted) {
    Json object = Json::object();
    for (const auto& field : kHistoryFields) {
        if (const auto& value = persisted.history.*field.value) {
            object[std::string(field.key)] = round_to(*value, 6);
        }
    }
    if (persisted.last_full_charge) {
        object["timestamp_last_full_charge"] = persisted.last_full_charge->count();
    }
    object["discharges"] = persisted.discharges;
    object["full_discharge_counted"] = persisted.full_discharge_counted ? 1 : 0;
    return object.dump();
}

void read_history(Persisted& persisted, std::string_view text) {
    const Json object = Json::parse(text, nullptr, false);
    if (!object.is_object()) {
        return;
    }
    for (const auto& field : kHistoryFields) {
        const auto value = number_in(object, field.key);
        if (value && std::fabs(*value) <= kLargest) {
            // Discharges may stand there with the sign they have on the bus.
            persisted.history.*field.value = field.signed_ ? *value : std::fabs(*value);
        }
    }
    persisted.last_full_charge = time_from(number_in(object, "timestamp_last_full_charge"));
    persisted.discharges = std::clamp(number_in(object, "discharges").value_or(0), 0.0, kLargest);
    persisted.full_discharge_counted = number_in(object, "full_discharge_counted").value_or(0) > 0;
}

Persisted to_persist(const State& state, const Clocks& now) {
    constexpr Seconds kSocStep{900};
    Persisted p = machine_of(state.voltage, state.last_good, now);
    if (state.last_good && state.soc.remaining_ah) {
        p.soc_seen = step_down(*to_unix(whole_seconds(*state.last_good), now), kSocStep);
        p.soc_percent = state.soc.percent;
    }
    p.history = state.history.values;
    p.last_full_charge = to_unix(state.history.last_full_charge, now);
    p.discharges = state.history.discharges;
    p.full_discharge_counted = state.history.full_discharge_counted;
    return p;
}

Persisted to_persist(const BankState& state, const Clocks& now) {
    return machine_of(state.voltage, state.last_step, now);
}

std::vector<StoredValue> stored_values(const Persisted& p) {
    return {{"AllowMaxVoltage", std::int64_t{p.allow_max ? 1 : 0}},
            {"MaxVoltageStartTime", stored_time(p.absorption_since)},
            {"MaxVoltageSeenTime", stored_time(p.absorption_seen)},
            {"SocResetLastReached", stored_time(p.last_reset)},
            {"SocCalc", p.soc_percent.value_or(-1)},
            {"SocCalcTime", stored_time(p.soc_seen)},
            {"HistoryValues", history_text(p)}};
}

Persisted from_stored(std::span<const StoredValue> values) {
    Persisted p;
    for (const auto& stored : values) {
        const auto number = number_of(stored);
        if (stored.name == "AllowMaxVoltage") {
            p.allow_max = number.value_or(1) != 0;
        } else if (stored.name == "MaxVoltageStartTime") {
            p.absorption_since = time_from(number);
        } else if (stored.name == "MaxVoltageSeenTime") {
            p.absorption_seen = time_from(number);
        } else if (stored.name == "SocResetLastReached") {
            p.last_reset = time_from(number);
        } else if (stored.name == "SocCalc") {
            p.soc_percent = number && *number >= 0 && *number <= 100 ? number : std::nullopt;
        } else if (stored.name == "SocCalcTime") {
            p.soc_seen = time_from(number);
        } else if (stored.name == "HistoryValues") {
            if (const auto* text = std::get_if<std::string>(&stored.value)) {
                read_history(p, *text);
            }
        }
    }
    return p;
}

void restore(State& state, const Persisted& p, const Clocks& now, std::optional<double> bms_soc_percent) {
    restore_machine(state.voltage, p, now);
    if (p.soc_percent) {
        const bool known_age = p.soc_seen && *p.soc_seen <= now.unix_time;
        const Seconds age = known_age ? now.unix_time - *p.soc_seen : Seconds::max();
        if (stored_soc_believable(*p.soc_percent, age, bms_soc_percent)) {
            state.soc.stored_percent = p.soc_percent;
        }
    }
    state.history.values = p.history;
    state.history.last_full_charge = to_monotonic(p.last_full_charge, now);
    state.history.discharges = p.discharges;
    state.history.full_discharge_counted = p.full_discharge_counted;
}

void restore(BankState& state, const Persisted& p, const Clocks& now) {
    restore_machine(state.voltage, p, now);
}

std::string members_text(const BankState& state, const Clocks& now) {
    Json object = Json::object();
    for (const auto& member : state.members) {
        if (member.soc_percent) {
            object[member.id] = {{"soc", round_to(*member.soc_percent, 1)},
                                 {"capacity", member.capacity_ah},
                                 {"at", to_unix(whole_seconds(member.seen), now)->count()}};
        }
    }
    return object.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void read_members(BankState& state, std::string_view text, const Clocks& now) {
    constexpr std::size_t kMost = 64;
    const Json object = Json::parse(text, nullptr, false);
    if (!object.is_object()) {
        return;
    }
    for (const auto& [id, value] : object.items()) {
        const auto at = value.is_object() ? time_from(number_in(value, "at")) : std::nullopt;
        const auto seen = to_monotonic(at, now);
        const auto soc = seen ? number_in(value, "soc") : std::nullopt;
        const auto capacity = seen ? number_in(value, "capacity") : std::nullopt;
        if (state.members.size() >= kMost || !soc || !capacity || *soc < 0 || *soc > 100 || *capacity <= 0
            || *capacity > 5000) {
            continue;
        }
        MemberMemory& member = state.members.emplace_back();
        member.id = id;
        member.soc_percent = soc;
        member.capacity_ah = *capacity;
        member.seen = Millis{*seen};
    }
}

bool worth_writing(const Persisted& written, const Persisted& present, Seconds since_write) {
    constexpr double kSocStep = 0.5;
    constexpr Seconds kRarely{900};
    // Conversions between the clocks may be off by a second; that is no change.
    const auto moved = [](std::optional<Seconds> a, std::optional<Seconds> b) {
        return a.has_value() != b.has_value() || (a && std::chrono::abs(*a - *b) > Seconds{2});
    };
    const bool soc_moved =
        written.soc_percent.has_value() != present.soc_percent.has_value()
        || (present.soc_percent && std::fabs(*written.soc_percent - *present.soc_percent) >= kSocStep);
    if (written.allow_max != present.allow_max || soc_moved
        || moved(written.absorption_since, present.absorption_since)
        || moved(written.absorption_seen, present.absorption_seen)
        || moved(written.last_reset, present.last_reset)) {
        return true;
    }
    return since_write >= kRarely && !(written == present);
}

}  // namespace bms::control
