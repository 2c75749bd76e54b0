#include "tsmppt/control/history.hpp"

#include "tsmppt/venus.hpp"

#include <algorithm>

namespace tristar {

namespace {

constexpr std::int32_t kFirstPlausibleDay = 18262;  // 2020-01-01
constexpr std::int64_t kGapSeconds = 21600;         // 6 h
/// Between polls further apart than this nobody knows which state the controller was in.
constexpr std::int64_t kLongestBulkStep = 600;
/// Below this a long-term minimum is a glitch of the measurement, not a battery.
constexpr double kLowestBatteryVolts = 5.0;
constexpr int kNoon = 12;
/// More than the largest controller can put into a battery within a day.
constexpr double kMostKwhPerDay = 60.0;
/// The sun is up, and registers that have not restarted by then are today's if the controller charges.
constexpr int kSunlitHour = 9;

void raise(std::optional<double>& highest, std::optional<double> value) {
    if (value && (!highest || *value > *highest)) {
        highest = value;
    }
}

void lower(std::optional<double>& lowest, std::optional<double> value) {
    if (value && *value >= kLowestBatteryVolts && (!lowest || *value < *lowest)) {
        lowest = value;
    }
}

void push(LastErrors& errors, std::int32_t code) {
    std::rotate(errors.begin(), errors.end() - 1, errors.end());
    errors.front() = code;
}

bool is_bulk(std::uint32_t state) {
    return state == static_cast<std::uint32_t>(ChargeState::mppt)
           || state == static_cast<std::uint32_t>(ChargeState::slave);
}

/// What a poll tells about the day to which the controller's registers belong.
struct Situation {
    bool charging;
    bool night;
    bool gap;    ///< so long since the last poll that a dawn may have been missed
    bool stale;  ///< the first poll of a day, before the sun can have restarted the registers
};

Situation situation_of(const History& history, const Charger& charger, const Moment& now) {
    Situation s{};
    s.charging = is_charging(*charger.charge_state);
    s.night = is_night(*charger.charge_state);
    s.gap = now.unix_seconds - history.last_seconds > kGapSeconds;
    s.stale = history.last_day < now.local_day && now.local_hour < kNoon
              && (s.night || now.local_hour < kSunlitHour);
    return s;
}

/// A 16-bit counter that ran over, as opposed to one that was restarted.
bool ran_over(const History& history, const Situation& s, std::uint32_t wh) {
    return history.last_wh > 60000 && wh < 5000 && !history.night_seen && !s.gap;
}

/// Watt hours gained since the last poll; sets restart_day when the registers are today's.
double gained_wh(History& history, const Situation& s, std::uint32_t wh, const Moment& now) {
    double gained = static_cast<double>(wh) - history.last_wh;
    if (gained < 0) {
        gained = ran_over(history, s, wh) ? gained + 65536 : wh;
        if (!(s.stale && s.night)) {
            history.restart_day = history.day;
        }
    } else if (s.gap && history.restart_day != history.day && gained > 0
               && (now.local_hour >= kNoon || (now.local_hour >= kSunlitHour && s.charging))) {
        // Slept over a dawn: the register restarted unseen and has already passed its old value.
        gained = wh;
        history.restart_day = history.day;
    }
    if (gained > 0 && s.charging && !s.gap) {
        history.restart_day = history.day;  // a counter that moves is today's
    }
    return gained;
}

/// The controller's own counter moves once a day and so is never ahead, unless polls were missed.
void catch_up(double& own_kwh, std::uint32_t counter_kwh, std::int32_t days) {
    if (counter_kwh > own_kwh && counter_kwh <= own_kwh + kMostKwhPerDay * days) {
        own_kwh = counter_kwh;
    }
}

void book_yield(History& history, const Charger& charger, const Situation& s, const Moment& now) {
    const auto wh = *charger.wh_today;
    double gained = gained_wh(history, s, wh, now);
    Day* target = &history.today;
    if (s.stale && history.restart_day != history.day && !history.past.empty()) {
        target = &history.past.front();  // the late part of yesterday
        if (history.last_day < now.local_day - 1) {
            gained = wh;
        }
    }
    target->yield_wh += gained;
    history.life.total_kwh += gained / 1000;
    history.life.user_kwh += gained / 1000;
    if (*charger.resettable_kwh < history.last_resettable_kwh) {
        history.life.user_kwh = *charger.resettable_kwh;
    }
    const auto days = std::max(1, now.local_day - history.last_day + 1);
    catch_up(history.life.total_kwh, *charger.total_kwh, days);
    catch_up(history.life.user_kwh, *charger.resettable_kwh, days);

    if (s.night) {
        history.night_seen = true;
    } else if (gained > 0) {
        history.night_seen = false;
    }
}

void book_counter(DayCounter& counter, std::optional<double>& seconds, std::uint32_t value, bool continues) {
    if (continues && value < counter.last) {
        counter.offset += counter.last;
    }
    counter.last = value;
    seconds = static_cast<double>(counter.offset) + value;
}

/// The controller's own extremes, on the day to which they belong.
void book_extremes(Day& day, const Charger& charger) {
    raise(day.max_watts, charger.max_watts_today);
    raise(day.max_pv_volts, charger.array_max_volts_today);
    raise(day.max_battery_volts, charger.battery_max_volts_today);
    lower(day.min_battery_volts, charger.battery_min_volts_today);
}

/// The controller's own extremes and counters of today. `continues`: they were today's at the last poll, too.
void book_registers(History& history, const Charger& charger, bool continues) {
    Day& today = history.today;
    book_extremes(today, charger);
    book_counter(history.absorption, today.absorption_seconds, *charger.absorption_seconds_today, continues);
    book_counter(history.float_, today.float_seconds, *charger.float_seconds_today, continues);
}

void book_samples(History& history, const Charger& charger, const Moment& now) {
    Day& today = history.today;
    raise(today.max_watts, charger.output_watts);
    raise(today.max_pv_volts, charger.array_volts);
    raise(today.max_battery_volts, charger.battery_volts);
    lower(today.min_battery_volts, charger.battery_volts);
    raise(today.max_battery_amps, std::max(0.0, *charger.battery_amps));

    const auto elapsed = now.unix_seconds - history.last_seconds;
    if (is_bulk(history.last_state) && is_bulk(*charger.charge_state) && elapsed > 0
        && elapsed <= kLongestBulkStep) {
        today.bulk_seconds = today.bulk_seconds.value_or(0) + static_cast<double>(elapsed);
    }
}

void book_lifetime(History& history, const Charger& charger) {
    Lifetime& life = history.life;
    raise(life.max_pv_volts, history.today.max_pv_volts);
    raise(life.max_battery_volts, history.today.max_battery_volts);
    raise(life.max_battery_volts, charger.battery_max_volts);
    lower(life.min_battery_volts, history.today.min_battery_volts);
    lower(life.min_battery_volts, charger.battery_min_volts);
}

bool book_error(History& history, const Charger& charger) {
    const auto code = to_venus(charger).error_code.value_or(0);
    const bool is_new = code != 0 && code != history.last_error;
    if (is_new) {
        push(history.today.errors, code);
        push(history.life.errors, code);
    }
    history.last_error = code;
    return is_new;
}

void remember_poll(History& history, const Charger& charger, const Moment& now) {
    history.last_seconds = now.unix_seconds;
    history.last_day = now.local_day;
    history.last_wh = *charger.wh_today;
    history.last_resettable_kwh = *charger.resettable_kwh;
    history.last_state = *charger.charge_state;
}

Day fresh_day() {
    Day day;
    day.bulk_seconds = 0;
    day.absorption_seconds = 0;
    day.float_seconds = 0;
    return day;
}

}  // namespace

bool is_clock_set(const Moment& now) {
    return now.local_day >= kFirstPlausibleDay;
}

bool is_complete(const Charger& charger) {
    return charger.wh_today && charger.resettable_kwh && charger.total_kwh && charger.charge_state
           && charger.battery_amps && charger.absorption_seconds_today && charger.float_seconds_today;
}

History begin_history(const Charger& charger, const Moment& now) {
    History history;
    history.day = now.local_day;
    history.today = fresh_day();
    history.life.total_kwh = *charger.total_kwh;
    history.life.user_kwh = *charger.resettable_kwh;
    const bool sunlit = is_charging(*charger.charge_state) && now.local_hour >= kSunlitHour;
    if (now.local_hour >= kNoon || sunlit) {
        history.today.yield_wh = *charger.wh_today;
        history.restart_day = now.local_day;
        book_registers(history, charger, false);
    } else {
        history.past.emplace_back().yield_wh = *charger.wh_today;
        book_extremes(history.past.back(), charger);
        history.restart_day = now.local_day - 1;
        history.absorption.last = *charger.absorption_seconds_today;
        history.float_.last = *charger.float_seconds_today;
    }
    remember_poll(history, charger, now);
    book_samples(history, charger, now);
    book_lifetime(history, charger);
    book_error(history, charger);
    return history;
}

bool roll(History& history, const Moment& now) {
    if (!is_clock_set(now) || now.local_day == history.day) {
        return false;
    }
    if (now.local_day < history.day) {
        if (history.day - now.local_day > 1) {
            const bool known = history.restart_day == history.day;
            history.day = now.local_day;
            history.restart_day = known ? now.local_day : now.local_day - 1;
            history.last_day = std::min(history.last_day, now.local_day);
        }
        return false;
    }
    const auto elapsed = std::min<std::int64_t>(std::int64_t{now.local_day} - history.day, kPastDays);
    history.past.insert(history.past.begin(), history.today);
    history.past.insert(history.past.begin(), static_cast<std::size_t>(elapsed - 1), Day{});
    if (history.past.size() > kPastDays) {
        history.past.resize(kPastDays);
    }
    history.today = fresh_day();
    history.absorption.offset = 0;
    history.float_.offset = 0;
    history.day = now.local_day;
    return true;
}

bool book(History& history, const Charger& charger, const Moment& now) {
    bool notable = roll(history, now);
    const bool continues = history.restart_day == history.day;
    const auto before = history.restart_day;
    const auto situation = situation_of(history, charger, now);
    book_yield(history, charger, situation, now);
    if (history.restart_day == history.day) {
        book_registers(history, charger, continues);
    } else if (situation.stale && !history.past.empty()) {
        book_extremes(history.past.front(), charger);
    }
    book_samples(history, charger, now);
    book_lifetime(history, charger);
    notable = book_error(history, charger) || notable || history.restart_day != before;
    remember_poll(history, charger, now);
    return notable;
}

void book_array_maximum(History& history, std::optional<double> volts) {
    raise(history.life.max_pv_volts, volts);
}

int days_available(const History& history) {
    return 1 + static_cast<int>(history.past.size());
}

const Day* day_at(const History& history, std::size_t days_ago) {
    if (days_ago == 0) {
        return &history.today;
    }
    return days_ago <= history.past.size() ? &history.past[days_ago - 1] : nullptr;
}

}  // namespace tristar
