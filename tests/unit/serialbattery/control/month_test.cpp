// A month of a house with panels in fast motion: cells that drift, a BMS that lies, falls silent and opens its
// switches, restarts of the driver. Whatever happens, limits stay within settings and BMS, and nothing sticks.
#include "battery_fixture.hpp"
#include "serialbattery/control/curve.hpp"
#include "serialbattery/control/persistence.hpp"
#include "support/catch.hpp"

#include <array>
#include <cmath>
#include <map>
#include <random>

using namespace bms::control;
using test::Bench;

namespace {

constexpr std::size_t kCells = 16;
constexpr double kCapacityAh = 280;
constexpr Millis kPeriod{5000};
constexpr int kPollsADay = 86400 / 5;

/// Rest voltage of a lithium iron phosphate cell by its charge.
double rest_voltage(double charge) {
    static const Curve kCurve{{-0.02, 0.0, 0.05, 0.10, 0.20, 0.50, 0.90, 0.97, 0.99, 1.00, 1.02},
                              {2.0, 2.6, 3.0, 3.18, 3.25, 3.30, 3.335, 3.36, 3.41, 3.48, 3.80}};
    return *look_up(kCurve, charge, Between::line);
}

/// Cells in series, a charger that obeys the limits, a load that does.
class House {
  public:
    explicit House(std::mt19937& random) : random_(random) {
        std::uniform_real_distribution<double> spread(-1, 1);
        for (std::size_t i = 0; i < kCells; ++i) {
            charge_[i] = 0.5 + 0.002 * spread(random_);
            capacity_ah_[i] = kCapacityAh * (1 + 0.005 * spread(random_));
            resistance_ohm_[i] = 0.0006 * (1 + 0.2 * spread(random_));
        }
    }

    /// `seconds` under what is published; nothing known: no current.
    void live(double time_of_day_s, double seconds, const Output& out, bool charge_fet, bool discharge_fet) {
        const double sun = std::max(0.0, std::sin((time_of_day_s / 86400 - 0.25) * 2 * 3.14159265358979));
        const double surplus = 150 * cloud_ * sun - 18 - 12 * std::sin(time_of_day_s / 5000);
        double rest = 0;
        double resistance = 0;
        for (std::size_t i = 0; i < kCells; ++i) {
            rest += rest_voltage(charge_[i]);
            resistance += resistance_ohm_[i];
        }
        // A charger regulates its voltage to some hundredths of a volt.
        const double regulated = out.charge_voltage_v.value_or(0) + ripple_(random_);
        const double up_to_cvl = (regulated - rest) / resistance;
        current_a_ = std::min(surplus, up_to_cvl);
        current_a_ = std::min(current_a_, charge_fet ? out.charge_current_a.value_or(0) : 0);
        current_a_ = std::max(current_a_, discharge_fet ? -out.discharge_current_a.value_or(0) : 0);
        const double lowest = voltage(lowest_cell());
        for (std::size_t i = 0; i < kCells; ++i) {
            const double cell_v = voltage(i);
            const double bleed_a = cell_v > 3.40 && cell_v > lowest + 0.002 ? 2 : 0;
            const double leak_a = 0.002 * static_cast<double>(i % 3);
            charge_[i] += (current_a_ - bleed_a - leak_a) * seconds / 3600 / capacity_ah_[i];
            highest_ever_ = std::max(highest_ever_, cell_v);
            lowest_ever_ = std::min(lowest_ever_, cell_v);
        }
    }

    void read(Measurement& reading) const {
        reading.cells.resize(kCells);
        double sum = 0;
        double charge = 1;
        for (std::size_t i = 0; i < kCells; ++i) {
            reading.cells[i] = std::round(voltage(i) * 1000) / 1000;
            sum += *reading.cells[i];
            charge = std::min(charge, charge_[i]);
        }
        reading.voltage_v = std::round(sum * 100) / 100;
        reading.current_a = std::round(current_a_ * 10) / 10;
        reading.soc_percent = std::round(std::min(1.0, std::max(0.0, charge)) * 1000) / 10;
    }

    void new_day() { cloud_ = std::uniform_real_distribution<double>(0.3, 1.0)(random_); }
    double voltage(std::size_t i) const { return rest_voltage(charge_[i]) + current_a_ * resistance_ohm_[i]; }
    double highest_ever() const { return highest_ever_; }
    double lowest_ever() const { return lowest_ever_; }

  private:
    std::size_t lowest_cell() const {
        return static_cast<std::size_t>(std::min_element(charge_.begin(), charge_.end()) - charge_.begin());
    }

    std::mt19937& random_;
    std::uniform_real_distribution<double> ripple_{-0.03, 0.03};
    std::array<double, kCells> charge_{};
    std::array<double, kCells> capacity_ah_{};
    std::array<double, kCells> resistance_ohm_{};
    double current_a_ = 0;
    double cloud_ = 1;
    double highest_ever_ = 0;
    double lowest_ever_ = 9;
};

/// What goes wrong, and until when.
enum class Fault {
    none,
    silence,
    gap,
    wild_cell,
    no_soc,
    no_temperature,
    hot,
    cold,
    fets_off,
    bms_limit,
    impossible
};
constexpr std::array kFaults = {Fault::silence,        Fault::gap,       Fault::wild_cell, Fault::no_soc,
                                Fault::no_temperature, Fault::hot,       Fault::cold,      Fault::fets_off,
                                Fault::bms_limit,      Fault::impossible};

struct Seen {
    std::map<Phase, long> phases;
    long polls = 0;
    long blocked = 0;
    long restarts = 0;
    long full = 0;
};

/// One month of one house.
class Month {
  public:
    Month(unsigned seed, Settings settings) : random_(seed), house_(random_) {
        bench_.settings = std::move(settings);
        bench_.pack = {.cell_count = kCells, .capacity_ah = kCapacityAh};
        bench_.interval = kPeriod;
    }

    Seen run(int days) {
        for (Millis now{0}; now < std::chrono::days{days}; now += kPeriod) {
            const double time_of_day = as_seconds(now % std::chrono::days{1});
            if (time_of_day == 0) {
                house_.new_day();
            }
            step(now, time_of_day);
        }
        return seen_;
    }

    House& house() { return house_; }
    const State& state() const { return bench_.state; }

  private:
    void step(Millis now, double time_of_day) {
        next_fault(now);
        house_.read(bench_.reading);
        const bool replied = distort(now);
        const bool fets = fault_ != Fault::fets_off;
        bench_.now = now;
        poll(bench_.state, bench_.context(), replied ? &bench_.reading : nullptr, now);
        ++seen_.polls;
        ++seen_.phases[bench_.out().phase];
        seen_.full += bench_.out().set_bms_full ? 1 : 0;
        check(now);
        house_.live(time_of_day, as_seconds(kPeriod), bench_.out(), fets, fets);
        if (bench_.out().gone) {
            restart(now);
        }
    }

    void next_fault(Millis now) {
        if (now < fault_until_) {
            return;
        }
        if (fault_ != Fault::none) {
            healthy_since_ = now;
            fault_ = Fault::none;
        }
        // About ten faults a day, from a single poll to an hour.
        if (std::uniform_int_distribution<int>(0, kPollsADay / 10)(random_) == 0) {
            fault_ = kFaults[std::uniform_int_distribution<std::size_t>(0, kFaults.size() - 1)(random_)];
            const double length = std::pow(10, std::uniform_real_distribution<double>(0.3, 3.5)(random_));
            fault_until_ = now + Millis{static_cast<std::int64_t>(length * 1000)};
            victim_ = std::uniform_int_distribution<std::size_t>(0, kCells - 1)(random_);
        } else if (std::uniform_int_distribution<int>(0, kPollsADay)(random_) == 0) {
            restart(now);  // about once a day
        }
    }

    /// What the driver gets to see; false: nothing.
    bool distort(Millis now) {
        Measurement& r = bench_.reading;
        r.temperatures_c = {24.0, 25.0};
        r.mosfet_c = 40;
        r.charge_fet = r.discharge_fet = true;
        r.bms_charge_current_a = r.bms_discharge_current_a = 200;
        switch (fault_) {
            case Fault::none:
                break;
            case Fault::silence:
                return false;
            case Fault::gap:
                return now / kPeriod % 3 != 0;
            case Fault::wild_cell:
                r.cells[victim_] = victim_ % 2 == 0 ? std::optional(65.535) : std::nullopt;
                break;
            case Fault::no_soc:
                r.soc_percent.reset();
                break;
            case Fault::no_temperature:
                r.temperatures_c.clear();
                r.mosfet_c.reset();
                break;
            case Fault::hot:
                r.temperatures_c[0] = 60;
                break;
            case Fault::cold:
                r.temperatures_c[1] = -15;
                break;
            case Fault::fets_off:
                r.charge_fet = r.discharge_fet = false;
                break;
            case Fault::bms_limit:
                r.bms_charge_current_a = 7;
                r.bms_discharge_current_a = 9;
                break;
            case Fault::impossible:
                r.current_a = 32767;
                break;
        }
        return true;
    }

    /// The driver starts anew, a little later or much.
    void restart(Millis now) {
        const Clocks clocks = {.monotonic = now, .unix_time = whole_seconds(now) + Seconds{1'800'000'000}};
        const auto stored = stored_values(to_persist(bench_.state, clocks));
        const auto before = bench_.state.soc.percent;
        const bool counted = bench_.state.soc.remaining_ah.has_value();
        bench_.state = {};
        restore(bench_.state, from_stored(stored), clocks, bench_.reading.soc_percent);
        if (counted && bench_.settings.soc_calculation) {
            REQUIRE(bench_.state.soc.stored_percent.value_or(-1) == before);
        }
        healthy_since_ = now;
        last_good_ = std::nullopt;
        ++seen_.restarts;
    }

    void check(Millis now) {
        const Output& out = bench_.out();
        if (bench_.state.last_good == now) {
            last_good_ = now;
        }
        if (!last_good_) {
            return;
        }
        const Settings& s = bench_.settings;
        const double highest = s.soc_reset_days ? std::max(s.soc_reset_cell_v, s.max_cell_v) : s.max_cell_v;
        const bool numbers = std::isfinite(*out.charge_current_a) && std::isfinite(*out.discharge_current_a)
                             && std::isfinite(*out.charge_voltage_v);
        const bool within_settings =
            *out.charge_current_a >= 0 && *out.charge_current_a <= s.max_charge_current_a
            && *out.discharge_current_a >= 0 && *out.discharge_current_a <= s.max_discharge_current_a
            && *out.charge_voltage_v <= highest * kCells + s.voltage_drop_v + 0.005
            && *out.charge_voltage_v >= s.min_cell_v * kCells - 0.005;
        bool within_bms = true;
        if (*last_good_ == now) {
            within_bms = *out.charge_current_a <= *bench_.reading.bms_charge_current_a
                         && *out.discharge_current_a <= *bench_.reading.bms_discharge_current_a;
            if (bench_.reading.charge_fet == false) {
                within_bms =
                    *out.charge_current_a == 0 && *out.discharge_current_a == 0 && out.state == kStateStandby;
            }
        }
        const bool flags = (*out.allow_charge ? *out.charge_current_a > 0 : true)
                           && (*out.allow_discharge ? *out.discharge_current_a > 0 : true);
        const bool soc = !out.soc_percent || (*out.soc_percent >= 0 && *out.soc_percent <= 100);
        const bool stopped = silence_stops(now, out);
        const bool moves = recovered(now, out);
        if (!(numbers && within_settings && within_bms && flags && soc && stopped && moves)) {
            INFO("t = " << as_seconds(now) << " fault " << static_cast<int>(fault_) << " CVL "
                        << *out.charge_voltage_v << " CCL " << *out.charge_current_a << " DCL "
                        << *out.discharge_current_a << " " << out.charge_mode << " "
                        << limitation_text(out.charge_limitation, Direction::charge));
            CHECK(numbers);
            CHECK(within_settings);
            CHECK(within_bms);
            CHECK(flags);
            CHECK(soc);
            CHECK(stopped);
            CHECK(moves);
        }
    }

    /// After ten seconds (three polls) of silence no current, unless the cells were safe and blocking is not wished.
    bool silence_stops(Millis now, const Output& out) {
        const Millis silent = now - *last_good_ - kPeriod;
        const bool safe = cells_safe(bench_.settings, out.cells) && !bench_.settings.block_on_disconnect;
        if (silent >= std::max<Millis>(Seconds{10}, 3 * kPeriod) && !safe) {
            ++seen_.blocked;
            return *out.charge_current_a == 0 && *out.discharge_current_a == 0;
        }
        const Seconds patience = safe_time(bench_.settings, safe);
        return silent < std::max(patience, Seconds{60}) || out.gone;
    }

    /// Ten minutes without a fault: full limits for cells in the middle, and a phase that means something.
    bool recovered(Millis now, const Output& out) const {
        const bool quiet = fault_ == Fault::none && now - healthy_since_ > std::chrono::minutes{10};
        if (!quiet) {
            return true;
        }
        bool good = out.phase != Phase::error && out.phase != Phase::none && out.online == true
                    && out.bms_cable == bms::Level::ok && !out.gone;
        if (out.cells.min_v > 3.22 && out.cells.max_v < 3.35 && calm_since(now)) {
            good = good && *out.charge_current_a == bench_.settings.max_charge_current_a
                   && *out.discharge_current_a == bench_.settings.max_discharge_current_a
                   && out.state == kStateRunning;
        }
        return good;
    }

    /// Cells have been in the middle for two minutes: recoveries are over.
    bool calm_since(Millis now) const {
        const bool calm = bench_.out().cells.min_v > 3.22 && bench_.out().cells.max_v < 3.35;
        if (!calm || calm_until_ + 2 * kPeriod < now) {
            calm_from_ = now;
        }
        calm_until_ = now;
        return now - calm_from_ > std::chrono::minutes{3};
    }

    std::mt19937 random_;
    House house_;
    Bench bench_;
    Seen seen_;
    Fault fault_ = Fault::none;
    Millis fault_until_{0};
    Millis healthy_since_{0};
    mutable Millis calm_from_{0};
    mutable Millis calm_until_{0};
    std::optional<Millis> last_good_;
    std::size_t victim_ = 0;
};

}  // namespace

TEST_CASE("a month with faults leaves no wrong limit and no stuck state") {
    for (const unsigned seed : {1U, 2U, 3U}) {
        DYNAMIC_SECTION("seed " << seed) {
            Settings settings;
            settings.max_charge_current_a = 100;
            settings.max_discharge_current_a = 120;
            settings.soc_calculation = seed == 2;
            settings.block_on_disconnect = seed == 3;
            settings.controller_mode = seed;
            if (seed == 2) {
                settings.soc_reset_days = 7;
                settings.soc_reset_cell_v = 3.5;
                settings.charge_cell_voltage = {{3.60, 3.55, 3.50, 3.45, 3.40}, {0, 0.02, 0.05, 0.25, 1}};
            }
            Month month(seed, settings);
            const Seen seen = month.run(30);
            CHECK(seen.polls == 30 * 17280);
            for (const auto phase :
                 {Phase::bulk, Phase::absorption, Phase::float_transition, Phase::float_}) {
                INFO(phase_name(phase));
                CHECK(seen.phases.at(phase) > 400);
            }
            CHECK(seen.full >= 5);
            CHECK(seen.blocked > 20);
            CHECK(seen.restarts > 10);
            CHECK(month.house().highest_ever() < (seed == 2 ? 3.60 : 3.52));
            CHECK(month.house().lowest_ever() > 2.75);
            const auto& history = month.state().history.values;
            CHECK(*history.total_ah_drawn > 1000);
            CHECK(*history.discharged_energy_kwh > 50);
            CHECK(*history.charged_energy_kwh > *history.discharged_energy_kwh * 0.8);
        }
    }
}
