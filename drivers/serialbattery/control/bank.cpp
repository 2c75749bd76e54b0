#include "serialbattery/control/bank.hpp"

#include "serialbattery/control/text.hpp"

#include <algorithm>
#include <cmath>

namespace bms::control {
namespace {

constexpr Millis kSocRemembered = std::chrono::minutes{30};
constexpr int kErrorCellsInSeries = 9;

Millis live_for(const BankMember& member) {
    return std::max<Millis>(Seconds{10}, 3 * member.interval);
}

bool is_live(const BankMember& member, Millis now) {
    return member.reading != nullptr && member.out != nullptr && member.settings != nullptr
           && member.last_good && now - *member.last_good < live_for(member);
}

/// With both switches open a battery floats at a voltage of its own.
bool is_connected(const BankMember& member) {
    return member.reading->charge_fet != false || member.reading->discharge_fet != false;
}

MemberMemory& memory_of(BankState& state, std::string_view id) {
    const auto at = std::ranges::find(state.members, id, &MemberMemory::id);
    if (at != state.members.end()) {
        return *at;
    }
    state.members.emplace_back().id = std::string(id);
    return state.members.back();
}

void remember(BankState& state, std::span<const BankMember> members, Millis now) {
    for (auto& memory : state.members) {
        memory.live = false;
    }
    for (const auto& member : members) {
        if (!is_live(member, now)) {
            continue;
        }
        const Output& out = *member.out;
        MemberMemory& memory = memory_of(state, member.id);
        memory.live = true;
        memory.known = true;
        memory.seen = *member.last_good;
        memory.capacity_ah = out.capacity_ah.value_or(0);
        memory.resistance_ohm = member.resistance_ohm.value_or(0);
        memory.soc_percent = out.soc_percent;
        memory.charge_fet_off = member.reading->charge_fet == false;
        memory.discharge_fet_off = member.reading->discharge_fet == false;
        memory.charge = out.charge_target;
        memory.discharge = out.discharge_target;
        memory.bus = std::string(member.bus);
        memory.limits_are_sums = member.limits_are_sums;
        memory.bms_charge_a = member.reading->bms_charge_current_a;
        memory.bms_discharge_a = member.reading->bms_discharge_current_a;
        const bool safe = cells_safe(*member.settings, out.cells);
        memory.safe_time = safe_time(*member.settings, safe);
        memory.patience = patience(*member.settings, safe);
        memory.blocks_when_lost = member.settings->block_on_disconnect;
    }
    split_sums(state.members);
}

/// Mean of what members have, weighted; nothing when none has it.
class Mean {
  public:
    void add(std::optional<double> value, double weight = 1) {
        if (value && weight > 0) {
            sum_ += *value * weight;
            weight_ += weight;
        }
    }
    [[nodiscard]] std::optional<double> value() const {
        return weight_ > 0 ? std::optional(sum_ / weight_) : std::nullopt;
    }

  private:
    double sum_ = 0;
    double weight_ = 0;
};

/// One poll at work: first what is measured, then what is allowed.
class BankPoll {
  public:
    BankPoll(BankState& state, const Settings& settings, const Surroundings& around, Millis now, bool series)
        : s_(state),
          settings_(settings),
          around_(around),
          now_(now),
          t_(whole_seconds(now)),
          series_(series) {}

    BankOutput run(std::span<const BankMember> members) {
        remember(s_, members, now_);
        for (const auto& member : members) {
            if (is_live(member, now_)) {
                live_.push_back(&member);
            }
        }
        std::ranges::copy_if(live_, std::back_inserter(connected_),
                             [](const BankMember* member) { return is_connected(*member); });
        count_members();
        if (out_.batteries == 0) {
            v().gone = true;
            return out_;
        }
        measure();
        extremes();
        charge_state();
        alarms();
        predict();
        control_voltage();
        control_currents();
        find_state();
        s_.last_step = now_;
        return out_;
    }

  private:
    void count_members() {
        for (const auto& memory : s_.members) {
            out_.batteries += memory.known ? 1 : 0;
            out_.online += memory.known && memory.live ? 1 : 0;
        }
        out_.offline = out_.batteries - out_.online;
        for (const auto* member : live_) {
            out_.blocking_charge += member->out->allow_charge.value_or(false) ? 0 : 1;
            out_.blocking_discharge += member->out->allow_discharge.value_or(false) ? 0 : 1;
            out_.balancing = out_.balancing || member->reading->balancing;
            out_.heating = out_.heating || member->reading->heating;
            v().charge_request = v().charge_request || member->out->charge_request;
        }
        const auto& basis = connected_.empty() ? live_ : connected_;
        if (!basis.empty()) {
            const std::size_t cells = basis.front()->cell_count;
            if (cells > 0
                && std::ranges::all_of(basis, [cells](const auto* m) { return m->cell_count == cells; })) {
                out_.cells_per_battery = cells;
            }
        }
    }

    /// Voltage, current and power: of a parallel bank a mean and sums, of a string a sum, a mean and a sum.
    void measure() {
        Mean voltage;
        Mean current;
        double voltage_sum = 0;
        double current_sum = 0;
        double power_sum = 0;
        const auto& basis = connected_.empty() ? live_ : connected_;
        for (const auto* member : basis) {
            voltage.add(member->out->voltage_v);
            voltage_sum += member->out->voltage_v.value_or(0);
        }
        for (const auto* member : live_) {
            current.add(member->out->current_a);
            current_sum += member->out->current_a.value_or(0);
            power_sum += member->out->power_w.value_or(0);
            low_voltage_sum_ += member->out->low_voltage_v.value_or(0);
            v().low_voltage_v =
                std::max(v().low_voltage_v.value_or(0), member->out->low_voltage_v.value_or(0));
        }
        const bool whole_string = out_.offline == 0;
        if (!series_) {
            v().voltage_v = round_to(voltage.value(), 2);
            v().current_a = current.value() ? std::optional(round_to(current_sum, 2)) : std::nullopt;
        } else if (whole_string && voltage.value()) {
            v().voltage_v = round_to(voltage_sum, 2);
            v().current_a = round_to(current.value(), 2);
        }
        if (series_) {
            // Of a broken string it is still that of the whole one.
            s_.string_low_voltage_v =
                whole_string && !live_.empty() ? low_voltage_sum_ : s_.string_low_voltage_v;
            v().low_voltage_v = s_.string_low_voltage_v;
        }
        if (v().current_a && (whole_string || !series_)) {
            v().power_w = round_to(power_sum, 2);
        }
        v().online = !live_.empty();
        flowed_ = s_.flow.until(now_);
        s_.flow = {.current_a = v().current_a, .power_w = v().power_w, .at = now_};
    }

    void extremes() {
        Mean temperature;
        for (const auto* member : live_) {
            const Temperatures& at = member->out->temperatures;
            temperature.add(at.battery_c);
            auto& all = v().temperatures;
            if (at.min_c && (!all.min_c || *at.min_c < *all.min_c)) {
                all.min_c = at.min_c;
                out_.min_temperature_id = sensor_id(*member, at.min_sensor);
            }
            if (at.max_c && (!all.max_c || *at.max_c > *all.max_c)) {
                all.max_c = at.max_c;
                out_.max_temperature_id = sensor_id(*member, at.max_sensor);
            }
            cell_extremes(*member);
        }
        v().temperatures.battery_c = round_to(temperature.value(), 1);
    }

    void cell_extremes(const BankMember& member) {
        const CellSummary& cells = member.out->cells;
        CellSummary& all = v().cells;
        if (!cells.any) {
            return;
        }
        if (!all.any || cells.min_v < all.min_v) {
            all.min_v = cells.min_v;
            out_.min_cell_id = cell_id(member, cells.min_cell);
        }
        if (!all.any || cells.max_v > all.max_v) {
            all.max_v = cells.max_v;
            out_.max_cell_id = cell_id(member, cells.max_cell);
        }
        all.any = true;
    }

    static std::string cell_id(const BankMember& member, std::size_t cell) {
        return cell == 0 ? std::string(member.name) : concat({member.name, ":C", std::to_string(cell)});
    }
    static std::string sensor_id(const BankMember& member, std::size_t sensor) {
        return concat({member.name, ": ", sensor_name(*member.settings, sensor)});
    }

    /// State of charge by capacity; a lost member's last one counts for half an hour.
    void charge_state() {
        Mean soc;
        double remaining_ah = 0;
        double capacity_ah = 0;
        double lowest = 100;
        for (const auto& memory : s_.members) {
            const bool fresh = memory.live || now_ - memory.seen <= kSocRemembered;
            if (!fresh || !memory.soc_percent || memory.capacity_ah <= 0) {
                continue;
            }
            soc.add(memory.soc_percent, memory.capacity_ah);
            remaining_ah += memory.capacity_ah * *memory.soc_percent / 100;
            capacity_ah += memory.capacity_ah;
            lowest = std::min(lowest, *memory.soc_percent);
            smallest_ah_ =
                smallest_ah_ == 0 ? memory.capacity_ah : std::min(smallest_ah_, memory.capacity_ah);
        }
        if (soc.value()) {
            soc_ = series_ ? lowest : *soc.value();
            v().soc_percent = round_to(soc_, 2);
            v().capacity_ah = series_ ? smallest_ah_ : capacity_ah;
            v().remaining_ah = series_ ? smallest_ah_ * lowest / 100 : remaining_ah;
            v().consumed_ah = consumed(*v().capacity_ah, *v().remaining_ah);
        }
        Mean soh;
        for (const auto* member : live_) {
            soh.add(member->soh_percent, member->out->capacity_ah.value_or(0));
        }
        out_.soh_percent = round_to(soh.value(), 1);
    }

    void alarms() {
        const bool others_carry = !connected_.empty() && !series_;
        for (const auto* member : live_) {
            const bool off_line = !is_connected(*member);
            for (std::size_t i = 0; i < kAlarmCount; ++i) {
                auto level = member->out->alarms[static_cast<Alarm>(i)];
                if (settings_.bank_soften_alarms && off_line && others_carry && level == Level::alarm) {
                    level = Level::warning;
                }
                if (level) {
                    v().alarms.raise(static_cast<Alarm>(i), *level);
                }
            }
        }
        if (out_.offline > 0 && settings_.bms_cable_alarm) {
            v().bms_cable = live_.empty() ? Level::alarm : Level::warning;
        }
        v().gone = live_.empty() && std::ranges::all_of(s_.members, [this](const MemberMemory& memory) {
                       return !memory.known || now_ - memory.seen >= memory.patience;
                   });
    }

    void predict() {
        std::optional<TimeToGoInput> input;
        if (v().current_a) {
            v().current_average_a = s_.average.add(now_, *v().current_a);
            if (soc_ && v().capacity_ah) {
                input = {.soc_percent = *soc_,
                         .current_a = *v().current_a,
                         .average_a = *v().current_average_a,
                         .capacity_ah = *v().capacity_ah};
            }
        }
        update_time_to_go(s_.time_to_go, settings_, around_.ess, input, t_);
        v().time_to_go = s_.time_to_go;
    }

    void control_voltage() {
        series_ ? add_voltages() : step_machine();
        if (s_.voltage.cvl) {
            v().charge_voltage_v = published_cvl(*s_.voltage.cvl, settings_);
            v().charge_voltage_exact_v = volts(*s_.voltage.cvl);
        }
        v().phase = s_.voltage.phase;
        v().cell_ovp = s_.voltage.ovp;
        v().reset_charge = s_.voltage.reset_mark;
        v().charge_mode = charge_mode_text(s_.voltage, settings_);
    }

    /// One machine for all: every member sees the same bus voltage.
    void step_machine() {
        if (!out_.cells_per_battery || connected_.empty()) {
            return;  // the voltage stays as it is
        }
        std::vector<StringReading> strings;
        std::optional<double> lowest_soc;
        std::optional<double> bms_voltage;
        const auto lower = [](std::optional<double>& value, std::optional<double> other) {
            value = value && other ? std::min(*value, *other) : value ? value : other;
        };
        for (const auto* member : connected_) {
            strings.push_back(string_of(*member->reading));
            if (!strings.back().pack_v) {
                strings.back().pack_v = member->out->voltage_v;
            }
            lower(lowest_soc, member->out->soc_percent);
            lower(bms_voltage, member->reading->bms_charge_voltage_v);
        }
        const ChargeVoltageInput input = {.strings = strings,
                                          .cell_count = *out_.cells_per_battery,
                                          .soc_percent = lowest_soc,
                                          .capacity_ah = v().capacity_ah.value_or(0),
                                          .discharged_ah = flowed_.discharged_ah,
                                          .balancing = out_.balancing,
                                          .heating = out_.heating,
                                          .bms_charge_voltage_v = bms_voltage,
                                          .ceiling = {}};
        const Millis elapsed = s_.last_step ? now_ - *s_.last_step : Millis{0};
        const auto events = step_charge_voltage(s_.voltage, settings_, input, now_, elapsed);
        for (unsigned i = 0; i < events.internal_errors; ++i) {
            s_.errors.count(t_);
        }
        v().set_bms_full = events.full && settings_.auto_reset_soc;
    }

    /// The members' own voltages add up; where one of them is limited, the others count as they are.
    void add_voltages() {
        if (out_.offline > 0 || live_.empty()) {
            return;
        }
        const auto limited = [](const BankMember* member) { return member->out->cell_ovp != CellOvp::none; };
        const bool any_limited = std::ranges::any_of(live_, limited);
        Microvolts sum = 0;
        for (const auto* member : live_) {
            const Microvolts own = microvolts(member->out->charge_voltage_exact_v.value_or(0));
            const bool as_it_is = any_limited && !limited(member) && member->out->cells.any;
            sum += as_it_is ? std::min(own, member->out->cells.sum) : own;
        }
        s_.voltage.cvl = sum;
        s_.voltage.phase = live_.front()->out->phase;
        for (const auto* member : live_) {
            s_.voltage.phase = std::min(s_.voltage.phase, member->out->phase);
        }
    }

    void control_currents() {
        v().charge_target = target(Direction::charge);
        v().discharge_target = target(Direction::discharge);
        update_limit(s_.charge, settings_, Direction::charge, v().charge_target, t_);
        update_limit(s_.discharge, settings_, Direction::discharge, v().discharge_target, t_);
        v().charge_current_a = s_.charge.amps;
        v().discharge_current_a = s_.discharge.amps;
        v().charge_limitation = s_.charge.limitation;
        v().discharge_limitation = s_.discharge.limitation;
    }

    LimitTarget target(Direction direction) {
        LimitTarget result =
            series_ ? series_target(direction) : bank_target(s_.members, direction, settings_, now_);
        const bool charging = direction == Direction::charge;
        if (charging ? around_.charging_forced_off : around_.discharging_forced_off) {
            result.amps = 0;
            result.limiters = limiter_bit(Limiter::user);
        }
        if (around_.limits_blocked || (!series_ && !out_.cells_per_battery && !live_.empty())) {
            result.amps = 0;
            result.limiters = limiter_bit(Limiter::configuration);
        }
        return result;
    }

    /// The weakest member decides; a missing one breaks the string.
    LimitTarget series_target(Direction direction) {
        LimitTarget lowest;
        for (const auto* member : live_) {
            const Output& out = *member->out;
            const LimitTarget& one =
                direction == Direction::charge ? out.charge_target : out.discharge_target;
            if (member == live_.front() || one.amps < lowest.amps) {
                lowest = one;
            }
        }
        if (out_.offline > 0 || live_.empty()) {
            lowest.amps = 0;
            lowest.limiters = limiter_bit(Limiter::connection_lost);
        }
        return lowest;
    }

    void find_state() {
        const auto allows = [this](std::optional<bool> Output::*flag) {
            const auto one = [flag](const BankMember* m) { return (m->out->*flag).value_or(false); };
            return series_ ? std::ranges::all_of(live_, one) : std::ranges::any_of(connected_, one);
        };
        v().allow_charge = s_.charge.amps.value_or(0) != 0 && allows(&Output::allow_charge);
        v().allow_discharge = s_.discharge.amps.value_or(0) != 0 && allows(&Output::allow_discharge);
        const bool any = *v().allow_charge || *v().allow_discharge;
        const bool mixed = !series_ && !out_.cells_per_battery && !live_.empty();
        v().state = around_.configuration_faulty || mixed ? kStateError : any ? kStateRunning : kStateStandby;
        v().mode = v().state == kStateStandby ? kModeOff : any ? kModeOn : kModeStandby;
        s_.errors.review(t_);
        if (around_.configuration_faulty) {
            v().error_code = kErrorSettings;
        } else if (mixed) {
            v().error_code = kErrorCellsInSeries;
        } else if (s_.errors.raised()) {
            v().error_code = kErrorInternal;
        }
    }

    Output& v() { return out_.values; }

    BankState& s_;
    const Settings& settings_;
    const Surroundings& around_;
    Millis now_;
    Seconds t_;
    bool series_;
    std::vector<const BankMember*> live_;
    std::vector<const BankMember*> connected_;
    BankOutput out_;
    Flowed flowed_;
    std::optional<double> soc_;
    double smallest_ah_ = 0;
    double low_voltage_sum_ = 0;
};

}  // namespace

BankOutput poll_bank(BankState& state, const Settings& settings, std::span<const BankMember> members,
                     const Surroundings& around, Millis now) {
    return BankPoll(state, settings, around, now, false).run(members);
}

BankOutput poll_series(BankState& state, const Settings& settings, std::span<const BankMember> members,
                       const Surroundings& around, Millis now) {
    return BankPoll(state, settings, around, now, true).run(members);
}

void forget_member(BankState& state, std::string_view id) {
    std::erase_if(state.members, [id](const MemberMemory& member) { return member.id == id; });
}

}  // namespace bms::control
