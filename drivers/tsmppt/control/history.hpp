#pragma once
// Days, yields and totals out of registers that do not know when a day begins. Pure: `now` is an argument.
// docs/protocols/tristar.md, "Days".
//
// The controller's daily registers restart some time after dawn and keep yesterday's values until then, a reset
// clears them at any time, and polls may be missing for hours or days. So what a register gained since the last
// poll is booked, on the day to which it belongs, and everything needed for that is part of the History, which
// is kept across restarts.

#include "tsmppt/charger.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace tristar {

/// A point in time, both as the world counts it and as the user's wall clock shows it.
struct Moment {
    std::int64_t unix_seconds = 0;
    std::int32_t local_day = 0;  ///< days since 1970-01-01 in the user's time zone
    int local_hour = 0;          ///< 0..23
};

/// The newest first; 0: none.
using LastErrors = std::array<std::int32_t, 4>;

struct Day {
    double yield_wh = 0;
    std::optional<double> max_watts;
    std::optional<double> max_pv_volts;
    std::optional<double> max_battery_volts;
    std::optional<double> min_battery_volts;
    std::optional<double> max_battery_amps;
    std::optional<double> bulk_seconds;
    std::optional<double> absorption_seconds;
    std::optional<double> float_seconds;
    LastErrors errors{};

    friend bool operator==(const Day&, const Day&) = default;
};

/// A seconds counter of the controller that a reset may have cleared within the day.
struct DayCounter {
    std::uint32_t last = 0;    ///< the register at the last poll
    std::uint32_t offset = 0;  ///< what it had gained today before it was cleared

    friend bool operator==(const DayCounter&, const DayCounter&) = default;
};

/// What the controller has gathered over its life, as far as it was seen.
struct Lifetime {
    double total_kwh = 0;
    double user_kwh = 0;  ///< since the user last reset the controller's counter
    std::optional<double> max_pv_volts;
    std::optional<double> max_battery_volts;
    std::optional<double> min_battery_volts;
    LastErrors errors{};

    friend bool operator==(const Lifetime&, const Lifetime&) = default;
};

inline constexpr std::size_t kPastDays = 30;

struct History {
    std::int32_t day = 0;  ///< the local day that `today` is
    std::int32_t restart_day =
        0;  ///< the last local day on which the daily registers were known to be that day's
    Day today;
    std::vector<Day> past;  ///< yesterday first, at most kPastDays, without holes
    Lifetime life;

    // The last poll.
    std::int64_t last_seconds = 0;
    std::int32_t last_day = 0;
    std::uint32_t last_wh = 0;
    std::uint32_t last_resettable_kwh = 0;
    std::uint32_t last_state = 0;
    std::int32_t last_error = 0;
    bool night_seen = false;  ///< since the register last gained
    DayCounter absorption;
    DayCounter float_;

    friend bool operator==(const History&, const History&) = default;
};

/// True when the clock has plausibly been set; before that nothing is booked.
[[nodiscard]] bool is_clock_set(const Moment& now);

/// True when a reading holds all that the history needs.
[[nodiscard]] bool is_complete(const Charger& charger);

/// The first reading of a controller that has no history yet. Needs is_complete() and is_clock_set().
[[nodiscard]] History begin_history(const Charger& charger, const Moment& now);

/// Moves to a later local day; also for a timer at midnight while no poll succeeds. A clock that went back by
/// more than a day only renames today. True when the day changed.
bool roll(History& history, const Moment& now);

/// Books a reading. Needs is_complete() and is_clock_set(). True when something happened that should be kept
/// at once: a new day, a restarted register, an error.
bool book(History& history, const Charger& charger, const Moment& now);

/// The largest array voltage of the last 24 hours as the controller stored it (EEPROM).
void book_array_maximum(History& history, std::optional<double> volts);

/// Days of which something is known, today included: 1..31.
[[nodiscard]] int days_available(const History& history);
/// Day 0 is today; empty for a day that is not available.
[[nodiscard]] const Day* day_at(const History& history, std::size_t days_ago);

}  // namespace tristar
