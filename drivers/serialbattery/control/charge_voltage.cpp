#include "serialbattery/control/charge_voltage.hpp"

#include <algorithm>
#include <limits>

namespace bms::control {
namespace {

constexpr Microvolts kLeaveAbsorption = 500'000;  // this far below the target absorption is over
constexpr Microvolts kFloatSlopePerSecond = 1'000;
constexpr Seconds kWarningsQuiet{1800};
constexpr double kSecondsPerDay = 86400;

/// All strings together.
struct Cells {
    bool any = false;
    bool complete = true;
    Microvolts lowest_sum = std::numeric_limits<Microvolts>::max();
    Microvolts min = std::numeric_limits<Microvolts>::max();
    Microvolts max = std::numeric_limits<Microvolts>::min();
};

Cells survey(const ChargeVoltageInput& input, double max_cell_v) {
    Cells all;
    for (const auto& string : input.strings) {
        const CellSummary one = summarise(string, input.cell_count, max_cell_v);
        all.complete = all.complete && one.complete;
        if (one.any) {
            all.any = true;
            all.lowest_sum = std::min(all.lowest_sum, one.sum);
            all.min = std::min(all.min, microvolts(one.min_v));
            all.max = std::max(all.max, microvolts(one.max_v));
        }
    }
    return all;
}

bool is_charging_phase(Phase phase) {
    return phase == Phase::bulk || phase == Phase::absorption;
}
bool is_float_phase(Phase phase) {
    return phase == Phase::float_ || phase == Phase::float_transition;
}

/// One poll at work.
class Machine {
  public:
    Machine(ChargeVoltage& state, const Settings& settings, const ChargeVoltageInput& input, Seconds t,
            Millis elapsed)
        : s_(state), settings_(settings), in_(input), t_(t), elapsed_(elapsed) {}

    ChargeVoltageEvents run() {
        arm_soc();
        request_reset();
        find_voltages();
        if (!settings_.charge_phases) {
            s_.cvl = v_.max;
            enter(Phase::keep_max);
            return events_;
        }
        cells_ = survey(in_, settings_.max_cell_v);
        if (!cells_.any) {
            fail();
        } else if (!cells_.complete) {
            wait_for_cells();
        } else if (apply_rules()) {
            s_.allow_max ? charge() : float_charge();
        }
        keep_below_bounds();
        return events_;
    }

  private:
    /// A state of charge below the threshold ends float only while armed: else a battery whose counter was
    /// wrong when it got full would go back to bulk at once, again and again.
    void arm_soc() {
        constexpr double kNoise = 1e-6;  // of a sum of many small numbers, in Ah
        const double threshold = settings_.bulk_soc_percent;
        s_.drawn_since_ah += in_.discharged_ah;
        if ((in_.soc_percent && *in_.soc_percent >= threshold)
            || s_.drawn_since_ah + kNoise >= (100 - threshold) / 100 * in_.capacity_ah) {
            s_.soc_armed = true;
        }
    }

    void request_reset() {
        if (!settings_.soc_reset_days) {
            s_.reset_requested = false;
        } else if (!s_.last_reset
                   || static_cast<double>((t_ - *s_.last_reset).count())
                          > *settings_.soc_reset_days * kSecondsPerDay) {
            s_.reset_requested = true;
        }
    }

    void find_voltages() {
        v_ = battery_voltages(settings_, in_.cell_count, s_.reset_requested);
        const bool may_reset = settings_.soc_reset_days.has_value();
        highest_ = std::max(battery_voltages(settings_, in_.cell_count, false).max,
                            battery_voltages(settings_, in_.cell_count, may_reset).max);
        apply_bms_limit();
        if (in_.ceiling) {
            v_.max = std::min(v_.max, *in_.ceiling);
            highest_ = std::min(highest_, *in_.ceiling);
        }
        v_.float_ = std::min(v_.float_, v_.max);
        v_.min = std::min(v_.min, v_.max);
    }

    void apply_bms_limit() {
        const auto source = settings_.use_bms_limits
                                ? LimitSource::bms
                                : static_cast<LimitSource>(saturated(settings_.charge_voltage_source));
        if (source == LimitSource::own || !in_.bms_charge_voltage_v) {
            return;
        }
        // A value that no pack of these cells can mean is noise.
        const double cells = static_cast<double>(in_.cell_count);
        const Microvolts limit = microvolts(round_to(*in_.bms_charge_voltage_v, 2));
        const double highest = std::max(settings_.max_cell_v, settings_.soc_reset_cell_v);
        if (limit < microvolts(settings_.min_cell_v * cells) || limit > microvolts(highest * cells)) {
            return;
        }
        const bool lower = source == LimitSource::lower;
        v_.max = lower ? std::min(v_.max, limit) : limit;
        highest_ = lower ? std::min(highest_, limit) : limit;
    }

    void enter(Phase phase, CellOvp ovp = CellOvp::none) {
        s_.phase = phase;
        s_.ovp = ovp;
        const bool charging = is_charging_phase(phase);
        s_.reset_mark = charging && s_.reset_requested;
        s_.balancing_mark = charging && in_.balancing;
        s_.heating_mark = charging && in_.heating;
    }

    void fail() {
        s_.cvl = v_.float_;
        enter(Phase::error);
        ++events_.internal_errors;
    }

    /// A cell without a plausible reading: everything stays as it is.
    void wait_for_cells() {
        if (s_.phase == Phase::none || s_.phase == Phase::keep_max) {
            s_.cvl = s_.allow_max ? v_.max : v_.float_;
            enter(s_.allow_max ? Phase::bulk : Phase::float_);
        }
    }

    /// The numbered rules of the phase machine; false when it ends in the error phase.
    bool apply_rules() { return s_.absorption_since ? absorption_rules() : idle_rules(); }

    bool idle_rules() {
        const bool at_target = tenth_millivolts(cells_.lowest_sum) >= tenth_millivolts(v_.max);
        if (s_.allow_max && at_target && diff() <= limit(settings_.balanced_diff_v)) {
            s_.absorption_since = t_;
            return true;
        }
        if (!in_.soc_percent) {
            fail();
            return false;
        }
        const bool soc_low = s_.soc_armed && *in_.soc_percent < settings_.bulk_soc_percent;
        if (soc_low || diff() >= limit(settings_.bulk_diff_v) || s_.reset_requested) {
            s_.allow_max = true;
        }
        return true;
    }

    bool absorption_rules() {
        if (diff() > limit(settings_.balanced_diff_v + settings_.balanced_deviation_v)) {
            s_.absorption_since = t_;
        }
        if (static_cast<double>((t_ - *s_.absorption_since).count()) > settings_.absorption_s) {
            s_.allow_max = false;
            s_.absorption_since.reset();
            s_.soc_armed = in_.soc_percent && *in_.soc_percent >= settings_.bulk_soc_percent;
            s_.drawn_since_ah = 0;
            if (!in_.soc_percent) {
                fail();
                return false;
            }
            if (*in_.soc_percent <= settings_.bulk_soc_percent) {
                ++events_.internal_errors;
            }
        }
        if (tenth_millivolts(cells_.lowest_sum) < tenth_millivolts(v_.max - kLeaveAbsorption)) {
            s_.absorption_since.reset();
        }
        return true;
    }

    void charge() {
        const CellOvp ovp = approach(std::min(target(), v_.max));
        enter(s_.absorption_since ? Phase::absorption : Phase::bulk, ovp);
    }

    [[nodiscard]] Microvolts target() const {
        Microvolts lowest = v_.max;
        for (const auto& string : in_.strings) {
            lowest = std::min(lowest, target_of(string));
        }
        return lowest;
    }

    /// Where a controller wants the voltage of one string.
    [[nodiscard]] Microvolts target_of(const StringReading& string) const {
        constexpr Microvolts kClippedSumExtra = 10'000;
        const CellSummary sum = summarise(string, in_.cell_count, settings_.max_cell_v);
        const Microvolts highest = microvolts(sum.max_v);
        const bool too_high = tenth_millivolts(highest) > tenth_millivolts(v_.cell_reference);
        const auto mode = saturated(settings_.controller_mode);
        if (mode == 2 && s_.cvl) {
            // An integral over time it has not watched would be a guess.
            const double seconds = std::min(as_seconds(elapsed_), 10.0);
            const double too_much =
                volts(highest - v_.cell_reference - microvolts(settings_.balanced_diff_v));
            return within(*s_.cvl - microvolts(too_much * settings_.integral_factor * seconds));
        }
        if (!too_high || (mode != 1 && mode != 3)) {
            return v_.max;
        }
        const Microvolts excess = excess_above(string, in_.cell_count, v_.cell_reference);
        return mode == 1 ? within(sum.sum - excess) : sum.sum - excess + kClippedSumExtra;
    }

    [[nodiscard]] Microvolts within(Microvolts voltage) const {
        return std::min(std::max(voltage, v_.min), v_.max);
    }

    /// Moves the CVL to a target: down at once, up after a hold and along a ramp.
    CellOvp approach(Microvolts wanted) {
        if (wanted >= v_.max && !s_.limited_at) {
            s_.cvl = v_.max;
            s_.ramp_base.reset();
            return CellOvp::none;
        }
        CellOvp mark = CellOvp::hold;
        if (!s_.cvl || wanted <= *s_.cvl) {
            s_.cvl = wanted;
            s_.limited_at = t_;
            s_.ramp_base.reset();
        } else {
            mark = recover(wanted);
        }
        if (*s_.cvl == v_.max) {
            s_.limited_at.reset();
            s_.ramp_base.reset();
        }
        return mark;
    }

    CellOvp recover(Microvolts wanted) {
        if (!s_.limited_at) {
            s_.limited_at = t_;
        }
        const double since = static_cast<double>((t_ - *s_.limited_at).count());
        if (since < settings_.cvl_hold_s) {
            s_.ramp_base = s_.cvl;
            return CellOvp::hold;
        }
        if (settings_.cvl_rate_v_per_s > 0) {
            if (!s_.ramp_base) {
                s_.ramp_base = s_.cvl;
            }
            const double rise = settings_.cvl_rate_v_per_s * (since - settings_.cvl_hold_s);
            s_.cvl = std::min(*s_.ramp_base + microvolts(rise), v_.max);
        } else {
            s_.cvl = wanted;
        }
        return CellOvp::ramp;
    }

    void float_charge() {
        if (s_.reset_requested) {
            s_.reset_requested = false;
            s_.last_reset = t_;
        }
        if (is_charging_phase(s_.phase) && s_.cvl) {
            s_.transition_from = *s_.cvl;
            s_.transition_since = t_;
            events_.full = true;
            enter(Phase::float_transition);
        } else if (s_.phase == Phase::float_transition) {
            const Microvolts down = std::min(kFloatSlopePerSecond * (t_ - s_.transition_since).count(),
                                             s_.transition_from - v_.float_);
            s_.cvl = s_.transition_from - down;
            enter(*s_.cvl <= v_.float_ ? Phase::float_ : Phase::float_transition);
        } else {
            s_.cvl = v_.float_;
            enter(Phase::float_);
        }
    }

    /// Settings that were lowered meanwhile count at once, also in phases that keep their voltage.
    void keep_below_bounds() {
        if (s_.cvl) {
            const bool was_raised = is_float_phase(s_.phase) || !cells_.complete;
            s_.cvl = std::min(*s_.cvl, was_raised ? highest_ : v_.max);
        }
    }

    [[nodiscard]] std::int64_t diff() const { return tenth_millivolts(cells_.max - cells_.min); }
    [[nodiscard]] static std::int64_t limit(double value) { return tenth_millivolts(microvolts(value)); }

    ChargeVoltage& s_;
    const Settings& settings_;
    const ChargeVoltageInput& in_;
    Seconds t_;
    Millis elapsed_;
    BatteryVoltages v_;
    Microvolts highest_ = 0;
    Cells cells_;
    ChargeVoltageEvents events_;
};

}  // namespace

BatteryVoltages battery_voltages(const Settings& settings, std::size_t cell_count, bool reset_requested) {
    const auto pack = [cells = static_cast<double>(cell_count)](double cell_v) {
        return microvolts(round_to(cell_v * cells, 2));
    };
    const double reference = reset_requested ? settings.soc_reset_cell_v : settings.max_cell_v;
    return {.min = pack(settings.min_cell_v),
            .max = pack(reference),
            .float_ = pack(settings.float_cell_v),
            .cell_reference = microvolts(reference)};
}

ChargeVoltageEvents step_charge_voltage(ChargeVoltage& state, const Settings& settings,
                                        const ChargeVoltageInput& input, Millis now, Millis elapsed) {
    return Machine(state, settings, input, whole_seconds(now), elapsed).run();
}

bool reset_charge_near(const ChargeVoltage& state, const Settings& settings, Seconds t) {
    return settings.soc_reset_days
           && (state.reset_requested || (state.last_reset && t - *state.last_reset <= kWarningsQuiet));
}

double published_cvl(Microvolts cvl, const Settings& settings) {
    return round_to(volts(cvl) + settings.voltage_drop_v, 2);
}

std::string_view phase_name(Phase phase) {
    switch (phase) {
        case Phase::none:
            return "";
        case Phase::bulk:
            return "bulk";
        case Phase::absorption:
            return "absorption";
        case Phase::float_transition:
            return "float_transition";
        case Phase::float_:
            return "float";
        case Phase::keep_max:
            return "keep_max";
        case Phase::error:
            return "error";
    }
    return "";
}

std::string_view ovp_name(CellOvp ovp) {
    return ovp == CellOvp::none ? "none" : ovp == CellOvp::hold ? "hold" : "ramp";
}

std::string charge_mode_text(const ChargeVoltage& state, const Settings& settings) {
    std::string text;
    switch (state.phase) {
        case Phase::none:
            return text;
        case Phase::keep_max:
            return "Keep always max voltage";
        case Phase::bulk:
            text = "Bulk";
            break;
        case Phase::absorption:
            text = "Absorption";
            break;
        case Phase::float_transition:
            text = "Float Transition";
            break;
        case Phase::float_:
            text = "Float";
            break;
        case Phase::error:
            text = "Error, cell voltages or state of charge unknown";
            break;
    }
    text += state.ovp == CellOvp::hold ? " (Cell OVP)" : state.ovp == CellOvp::ramp ? " (Cell OVP*)" : "";
    text += state.reset_mark ? " & SoC Reset" : "";
    text += state.balancing_mark ? " + Balancing" : "";
    text += state.heating_mark ? " + Heating" : "";
    text += saturated(settings.charge_mode) == 2 ? " │ Step Mode" : " │ Linear Mode";
    return text;
}

}  // namespace bms::control
