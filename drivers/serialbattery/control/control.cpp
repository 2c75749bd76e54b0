#include "serialbattery/control/control.hpp"

#include <algorithm>
#include <cmath>

namespace bms::control {
namespace {

double capacity_of(const Context& context) {
    return context.pack.capacity_ah.value_or(context.settings.battery_capacity_ah);
}

/// Everything of one good poll that several steps need.
struct Poll {
    Poll(State& state_, const Context& context_, const Measurement& reading_, Millis now_)
        : state(state_),
          settings(context_.settings),
          context(context_),
          reading(reading_),
          now(now_),
          t(whole_seconds(now_)),
          capacity_ah(capacity_of(context_)) {}

    State& state;
    const Settings& settings;
    const Context& context;
    const Measurement& reading;
    Millis now;
    Seconds t;
    double capacity_ah;

    StringReading string;
    CellSummary cells;
    Flowed flowed;
    std::optional<double> voltage_v;
    std::optional<double> current_a;
    std::optional<double> power_w;
    std::optional<double> soc_percent;  // not rounded
    bool own_soc = false;
    bool full = false;
};

void measure(Poll& p) {
    p.string = string_of(p.reading);
    p.cells = summarise(p.string, p.context.pack.cell_count, p.settings.max_cell_v);
    p.voltage_v = p.reading.voltage_v;
    if (!p.voltage_v && p.cells.any) {
        p.voltage_v = round_to(volts(p.cells.sum), 2);
    }
    p.flowed = p.state.flow.until(p.now);
    p.current_a = battery_current(p.settings, p.reading, p.context.around);
    if (p.voltage_v && p.current_a) {
        p.power_w = *p.voltage_v * *p.current_a;
    }
    p.state.flow = {.current_a = p.current_a, .power_w = p.power_w, .at = p.now};
}

void find_soc(Poll& p) {
    const Surroundings& around = p.context.around;
    const bool external = around.external_soc_percent && std::isfinite(*around.external_soc_percent)
                          && !p.settings.external_soc_path.empty();
    p.own_soc = external || p.settings.soc_calculation;
    if (p.settings.soc_calculation) {
        // Counts on while an external value is used, so that it can take over.
        const SocInput input = {.capacity_ah = p.capacity_ah,
                                .bms_percent = p.reading.soc_percent,
                                .current_a = p.current_a,
                                .cells = p.cells,
                                .cell_count = p.context.pack.cell_count};
        p.soc_percent = count_soc(p.state.soc, p.settings, input, p.now);
    } else {
        p.soc_percent = p.reading.soc_percent;
    }
    if (external) {
        p.soc_percent = round_to(std::clamp(*around.external_soc_percent, 0.0, 100.0), 3);
    }
}

void control_voltage(Poll& p) {
    if (p.context.pack.cell_count == 0) {
        return;
    }
    const ChargeVoltageInput input = {.strings = {&p.string, 1},
                                      .cell_count = p.context.pack.cell_count,
                                      .soc_percent = p.soc_percent,
                                      .capacity_ah = p.capacity_ah,
                                      .discharged_ah = p.flowed.discharged_ah,
                                      .balancing = p.reading.balancing,
                                      .heating = p.reading.heating,
                                      .bms_charge_voltage_v = p.reading.bms_charge_voltage_v,
                                      .ceiling = {}};
    const Millis elapsed = p.state.last_good ? p.now - *p.state.last_good : Millis{0};
    const auto events = step_charge_voltage(p.state.voltage, p.settings, input, p.now, elapsed);
    for (unsigned i = 0; i < events.internal_errors; ++i) {
        p.state.errors.count(p.t);
    }
    p.full = events.full;
    if (p.full) {
        note_full_charge(p.state.history, p.t);
        if (p.settings.soc_calculation) {
            p.state.soc.set(100, p.capacity_ah);
        }
    }
}

void control_currents(Poll& p) {
    LimitInput input = {.cells = p.cells,
                        .temperatures = p.state.out.temperatures,
                        .soc_percent = p.soc_percent,
                        .bms_limit_a = p.reading.bms_charge_current_a,
                        .fet = p.reading.charge_fet,
                        .forced_off = p.context.around.charging_forced_off,
                        .limits_blocked = p.context.around.limits_blocked};
    Output& out = p.state.out;
    out.charge_target = limit_target(p.settings, Direction::charge, input);
    input.bms_limit_a = p.reading.bms_discharge_current_a;
    input.fet = p.reading.discharge_fet;
    input.forced_off = p.context.around.discharging_forced_off;
    out.discharge_target = limit_target(p.settings, Direction::discharge, input);
    update_limit(p.state.charge, p.settings, Direction::charge, out.charge_target, p.t);
    update_limit(p.state.discharge, p.settings, Direction::discharge, out.discharge_target, p.t);
}

void publish_limits(State& state, const Settings& settings) {
    Output& out = state.out;
    out.charge_current_a = state.charge.amps;
    out.discharge_current_a = state.discharge.amps;
    out.charge_limitation = state.charge.limitation;
    out.discharge_limitation = state.discharge.limitation;
    if (state.voltage.cvl) {
        out.charge_voltage_v = published_cvl(*state.voltage.cvl, settings);
        out.charge_voltage_exact_v = volts(*state.voltage.cvl);
    }
    out.phase = state.voltage.phase;
    out.cell_ovp = state.voltage.ovp;
    out.reset_charge = state.voltage.reset_mark;
}

/// A switch whose state is unknown counts as on.
bool allowed(std::optional<bool> fet, const PublishedLimit& limit) {
    return fet.value_or(true) && limit.amps.value_or(0) != 0;
}

void find_state(Poll& p) {
    Output& out = p.state.out;
    out.allow_charge = allowed(p.reading.charge_fet, p.state.charge);
    out.allow_discharge = allowed(p.reading.discharge_fet, p.state.discharge);
    const bool any = *out.allow_charge || *out.allow_discharge;
    if (p.context.around.configuration_faulty) {
        out.state = kStateError;
    } else {
        out.state = any ? kStateRunning : kStateStandby;
    }
    out.mode = out.state == kStateStandby ? kModeOff : any ? kModeOn : kModeStandby;
    p.state.errors.review(p.t);
    if (p.context.around.configuration_faulty) {
        out.error_code = kErrorSettings;
    } else {
        out.error_code = p.state.errors.raised() ? std::optional(kErrorInternal) : std::nullopt;
    }
}

/// Asks to be charged when nearly empty, until the low warning is over.
bool charge_request(const Poll& p, bool asking) {
    const auto& soc = p.state.out.soc_percent;
    const bool cell_low =
        p.cells.any
        && tenth_millivolts(microvolts(p.cells.min_v)) < tenth_millivolts(microvolts(p.settings.min_cell_v));
    if (cell_low || (soc && *soc < p.settings.soc_low_alarm_percent)) {
        return true;
    }
    return asking && soc && *soc < p.settings.soc_low_warning_percent;
}

void publish_values(Poll& p) {
    Output& out = p.state.out;
    out.voltage_v = round_to(p.voltage_v, 2);
    out.current_a = round_to(p.current_a, 2);
    out.power_w = round_to(p.power_w, 2);
    out.soc_percent = round_to(p.soc_percent, 2);
    out.capacity_ah = p.capacity_ah;
    const auto& bms_remaining = p.reading.remaining_ah;
    if (bms_remaining && !p.own_soc) {
        out.remaining_ah = bms_remaining;
    } else {
        out.remaining_ah = p.soc_percent ? std::optional(p.capacity_ah * *p.soc_percent / 100) : std::nullopt;
    }
    out.consumed_ah =
        out.remaining_ah ? std::optional(consumed(p.capacity_ah, *out.remaining_ah)) : std::nullopt;
    out.soc_bms_percent = p.own_soc ? round_to(p.reading.soc_percent, 2) : std::nullopt;
    out.remaining_bms_ah = p.own_soc ? bms_remaining : std::nullopt;
    out.cells = p.cells;
    const std::size_t count = p.context.pack.cell_count;
    out.midpoint =
        p.settings.midpoint ? midpoint(p.reading.cells, count, p.settings.max_cell_v) : std::nullopt;
    const auto voltages = battery_voltages(p.settings, count, p.state.voltage.reset_requested);
    out.low_voltage_v = count > 0 ? std::optional(volts(voltages.min)) : std::nullopt;
    out.max_cell_voltage_v =
        count > 0 ? std::optional(round_to(volts(voltages.max) / static_cast<double>(count), 3))
                  : std::nullopt;
    out.charge_mode = charge_mode_text(p.state.voltage, p.settings);
    out.charge_request = charge_request(p, out.charge_request);
    out.set_bms_full = p.full && p.settings.auto_reset_soc;
}

void publish_rest(Poll& p) {
    Output& out = p.state.out;
    const AlarmInput input = {.bms = p.reading.alarms,
                              .soc_percent = out.soc_percent,
                              .own_soc = p.own_soc,
                              .reset_charge_near = reset_charge_near(p.state.voltage, p.settings, p.t)};
    out.alarms = publish_alarms(p.state.alarms, p.settings, input, p.t);
    out.bms_cable = p.state.connection.cable_alarm;
    out.online = true;
    out.connection = connection_text(p.state.connection, p.settings, p.t);
    out.history = p.settings.history ? p.state.history.values : HistoryValues{};
    out.since_full_charge_s = p.settings.history && p.state.history.last_full_charge
                                  ? std::optional((p.t - *p.state.history.last_full_charge).count())
                                  : std::nullopt;
}

void average_and_predict(Poll& p) {
    Output& out = p.state.out;
    out.current_average_a.reset();
    std::optional<TimeToGoInput> input;
    if (p.current_a) {
        out.current_average_a = p.state.average.add(p.now, *p.current_a);
        if (p.soc_percent) {
            input = {.soc_percent = *p.soc_percent,
                     .current_a = *p.current_a,
                     .average_a = *out.current_average_a,
                     .capacity_ah = p.capacity_ah};
        }
    }
    update_time_to_go(p.state.time_to_go, p.settings, p.context.around.ess, input, p.t);
    out.time_to_go = p.state.time_to_go;
}

HistoryInput history_input(const Poll& p) {
    return {.consumed_ah = p.state.out.consumed_ah,
            .soc_percent = p.soc_percent,
            .voltage_v = p.voltage_v,
            .average_a = p.state.out.current_average_a,
            .capacity_ah = p.capacity_ah,
            .cell_count = p.context.pack.cell_count,
            .cells = p.cells,
            .temperatures = p.state.out.temperatures,
            .alarms = p.reading.alarms,
            .bms = p.reading.history};
}

void good_poll(Poll p) {
    heard(p.state.connection, p.t);
    measure(p);
    find_soc(p);
    p.state.out.temperatures = temperatures(p.settings, p.reading);
    control_voltage(p);
    control_currents(p);
    find_state(p);
    publish_limits(p.state, p.settings);
    publish_values(p);
    publish_rest(p);
    average_and_predict(p);
    update_history(p.state.history, p.settings, history_input(p), p.flowed, p.t);
    p.state.last_good = p.now;
}

void failed_poll(State& state, const Context& context, Millis now) {
    Output& out = state.out;
    const Seconds t = whole_seconds(now);
    const Silence silence = missed(state.connection, context.settings, out.cells, t, context.interval);
    out.set_bms_full = false;
    if (silence.off_line) {
        out.online = false;
        out.voltage_v.reset();
        out.current_a.reset();
        out.power_w.reset();
        out.current_average_a.reset();
        state.flow.current_a.reset();
        state.flow.power_w.reset();
    }
    if (silence.block_current) {
        block_limit(state.charge, Limiter::connection_lost);
        block_limit(state.discharge, Limiter::connection_lost);
        publish_limits(state, context.settings);
        out.allow_charge = false;
        out.allow_discharge = false;
    }
    out.bms_cable = state.connection.cable_alarm;
    if (state.connection.silent_polls > 1) {  // a single lost reply shows nothing
        out.connection = connection_text(state.connection, context.settings, t);
    }
    out.gone = silence.leave_bus;
}

bool within(std::optional<double> value, double low, double high) {
    return !value || (*value >= low && *value <= high);  // false for NaN
}

}  // namespace

bool plausible(const Measurement& reading, const Pack& pack) {
    return within(pack.capacity_ah, 0, 5000) && within(reading.current_a, -1000, 1000)
           && within(reading.voltage_v, 0, 100) && within(reading.soc_percent, 0, 100)
           && within(reading.remaining_ah, 0, 5000);
}

bool poll(State& state, const Context& context, const Measurement* reading, Millis now) {
    if (state.out.gone) {
        return false;
    }
    if (reading == nullptr || !plausible(*reading, context.pack)) {
        failed_poll(state, context, now);
        return false;
    }
    good_poll(Poll(state, context, *reading, now));
    return true;
}

void set_soc(State& state, const Context& context, double percent) {
    state.soc.set(std::clamp(percent, 0.0, 100.0), capacity_of(context));
}

void clear_history(State& state, const Context& context, HistoryGroup group, Millis now) {
    const Output& out = state.out;
    const HistoryInput input = {.consumed_ah = out.consumed_ah,
                                .soc_percent = out.soc_percent,
                                .voltage_v = out.voltage_v,
                                .average_a = out.current_average_a,
                                .capacity_ah = capacity_of(context),
                                .cell_count = context.pack.cell_count,
                                .cells = out.cells,
                                .temperatures = out.temperatures,
                                .alarms = out.alarms,
                                .bms = {}};
    clear_history(state.history, group, context.settings, input, whole_seconds(now));
    state.out.history = context.settings.history ? state.history.values : HistoryValues{};
    if (group == HistoryGroup::all || group == HistoryGroup::time) {
        state.out.since_full_charge_s.reset();
    }
}

int device_state(const Output& out) {
    const auto level = [&out](Alarm alarm) { return out.alarms[alarm].value_or(Level::ok); };
    const auto heat = std::max(level(Alarm::high_temperature), level(Alarm::high_charge_temperature));
    if (level(Alarm::internal_failure) == Level::alarm) {
        return 0x103;
    }
    if (heat == Level::alarm) {
        return 0x101;
    }
    if (heat == Level::warning) {
        return 0x102;
    }
    if (level(Alarm::low_voltage) == Level::alarm) {
        return 0x105;
    }
    return out.allow_charge.value_or(true) || out.allow_discharge.value_or(true) ? 0x100 : 0x104;
}

}  // namespace bms::control
