// A month of a house with panels in fast motion: cells that drift, a BMS that lies, falls silent and opens its
// switches, restarts of the driver. Whatever happens, limits stay within settings and BMS, and nothing sticks.
#include "battery_fixture.hpp"
#include "cell_model.hpp"
#include "serialbattery/control/persistence.hpp"
#include "support/catch.hpp"

#include <array>
#include <cmath>
#include <map>
#include <random>

using namespace bms::control;
using test::Bench;

namespace {

constexpr std::size_t kCells = test::CellModel::kCells;
constexpr double kCapacityAh = 280;
constexpr Millis kPeriod{5000};
constexpr int kPollsADay = 86400 / 5;

/// Cells in series, a charger that obeys the limits, a load that does.
class House {
  public:
    explicit House(std::mt19937& random) : random_(random), cells_(random, kCapacityAh) {}

    /// `seconds` under what is published; nothing known: no current.
    void live(double time_of_day_s, double seconds, const Output& out, bool charge_fet, bool discharge_fet) {
        // A charger regulates its voltage to some hundredths of a volt.
        const double regulated = out.charge_voltage_v.value_or(0) + ripple_(random_);
        const double up_to_cvl = (regulated - cells_.rest_v()) / cells_.resistance_ohm();
        double current_a = std::min(test::surplus_a(time_of_day_s, cloud_), up_to_cvl);
        current_a = std::min(current_a, charge_fet ? out.charge_current_a.value_or(0) : 0);
        current_a = std::max(current_a, discharge_fet ? -out.discharge_current_a.value_or(0) : 0);
        cells_.flow(current_a, seconds);
    }

    void new_day() { cloud_ = std::uniform_real_distribution<double>(0.3, 1.0)(random_); }
    const test::CellModel& cells() const { return cells_; }

  private:
    std::mt19937& random_;
    std::uniform_real_distribution<double> ripple_{-0.03, 0.03};
    test::CellModel cells_;
    double cloud_ = 1;
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
        house_.cells().read(bench_.reading);
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
            CHECK(month.house().cells().highest_ever() < (seed == 2 ? 3.60 : 3.52));
            CHECK(month.house().cells().lowest_ever() > 2.75);
            const auto& history = month.state().history.values;
            CHECK(*history.total_ah_drawn > 1000);
            CHECK(*history.discharged_energy_kwh > 50);
            CHECK(*history.charged_energy_kwh > *history.discharged_energy_kwh * 0.8);
        }
    }
}
