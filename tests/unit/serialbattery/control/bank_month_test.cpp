// A month of a bank of three unequal batteries in fast motion: they fall silent alone and together, are switched off and
// on, get cold, are held back by their BMS; the driver restarts. Nobody is given more than his own limit, a lost member
// never makes room for more, and nothing sticks.
#include "battery_fixture.hpp"
#include "cell_model.hpp"
#include "serialbattery/control/persistence.hpp"
#include "support/catch.hpp"

#include <malloc.h>

#include <array>
#include <deque>
#include <random>

using namespace bms::control;
using test::Bench;

namespace {

constexpr Millis kPeriod{30'000};
constexpr int kPollsADay = 86400 / 30;
constexpr double kCells = test::CellModel::kCells;
constexpr std::array kCapacitiesAh{280.0, 140.0, 200.0};
constexpr std::array<std::string_view, 3> kNames{"a", "b", "c"};
constexpr double kSlack = 1e-3;  // A; limits are published in thousandths

enum class Fault { none, silence, dead, switches_off, cold, bms_limit };
constexpr std::array kFaults{Fault::silence,      Fault::silence, Fault::dead,
                             Fault::switches_off, Fault::cold,    Fault::bms_limit};

struct Member {
    Member(std::mt19937& random, double capacity_ah) : cells(random, capacity_ah) {
        bench.pack = {.cell_count = test::CellModel::kCells, .capacity_ah = capacity_ah};
        bench.interval = kPeriod;
    }
    [[nodiscard]] bool answers() const { return fault != Fault::silence && fault != Fault::dead; }
    [[nodiscard]] bool connected() const { return fault != Fault::switches_off && fault != Fault::dead; }
    [[nodiscard]] double capacity_ah() const { return *bench.pack.capacity_ah; }

    test::CellModel cells;
    Bench bench;
    Fault fault = Fault::none;
    Millis until{0};
    bool heard = false;    ///< since the driver runs
    bool gone = false;     ///< its own service has left the bus
    bool counted = false;  ///< its charge switch was not open when it was heard last
    Millis last_good{0};
    double limit_a = 0;   ///< what it allowed then
    Seconds safe_for{0};  ///< how long that counts
};

struct Seen {
    long polls = 0;
    long incomplete = 0;
    long expired = 0;
    long blocked = 0;
    long gone = 0;
    long restarts = 0;
    long full_current = 0;
    long floating = 0;
};

class BankMonth {
  public:
    BankMonth(unsigned seed, const Settings& settings) : random_(seed) {
        for (const double capacity_ah : kCapacitiesAh) {
            members_.emplace_back(random_, capacity_ah).bench.settings = settings;
        }
    }

    void run(int days) {
        for (Millis now{0}; now < std::chrono::days{days}; now += kPeriod) {
            now_ = now;
            time_of_day_s_ = as_seconds(now % std::chrono::days{1});
            if (time_of_day_s_ == 0) {
                cloud_ = std::uniform_real_distribution<double>(0.3, 1.0)(random_);
            }
            next_faults();
            for (auto& member : members_) {
                poll_member(member);
            }
            poll_whole();
            check();
            live();
            if (now == std::chrono::days{3}) {
                used_ = in_use();
            }
        }
    }

    Seen seen;
    [[nodiscard]] const std::deque<Member>& members() const { return members_; }
    /// Bytes that are in use now beyond those after three days.
    [[nodiscard]] std::ptrdiff_t growth() const { return in_use() - used_; }

  private:
    static std::ptrdiff_t in_use() { return static_cast<std::ptrdiff_t>(::mallinfo2().uordblks); }
    bool chance(double a_day) {
        return std::uniform_real_distribution<double>(0, 1)(random_) < a_day / kPollsADay;
    }
    [[nodiscard]] Clocks clocks() const {
        return {.monotonic = now_, .unix_time = whole_seconds(now_) + Seconds{1'800'000'000}};
    }

    void begin(Member& member, Fault fault) {
        member.fault = fault;
        const double length_s = std::pow(10, std::uniform_real_distribution<double>(1.2, 3.9)(random_));
        member.until = now_ + Millis{static_cast<std::int64_t>(length_s * 1000)};
    }

    /// For each about five a day from some seconds to two hours, once a day all are silent together, once a day a restart.
    void next_faults() {
        for (auto& member : members_) {
            if (member.fault != Fault::none && now_ >= member.until) {
                member.fault = Fault::none;
                healthy_since_ = now_;
            }
            if (member.fault == Fault::none && chance(5)) {
                begin(member,
                      kFaults[std::uniform_int_distribution<std::size_t>(0, kFaults.size() - 1)(random_)]);
            }
        }
        if (chance(1)) {
            for (auto& member : members_) {
                begin(member, Fault::silence);
                member.until = members_.front().until;
            }
        }
        if (chance(1)) {
            restart();
        }
    }

    void restart() {
        ++seen.restarts;
        healthy_since_ = now_;
        const auto kept = stored_values(to_persist(bank_, clocks()));
        const auto members = members_text(bank_, clocks());
        bank_ = {};
        restore(bank_, from_stored(kept), clocks());
        read_members(bank_, members, clocks());
        for (auto& member : members_) {
            come_back(member);
            member.heard = member.counted = false;
        }
    }

    void come_back(Member& member) {
        auto& state = member.bench.state;
        const auto kept = stored_values(to_persist(state, clocks()));
        state = {};
        restore(state, from_stored(kept), clocks(), member.bench.reading.soc_percent);
        member.gone = false;
    }

    void poll_member(Member& member) {
        auto& bench = member.bench;
        auto& reading = bench.reading;
        if (member.gone && member.answers()) {
            come_back(member);
        }
        if (member.gone) {
            return;
        }
        member.cells.read(reading);
        reading.temperatures_c = {member.fault == Fault::cold ? -15.0 : 24.0};
        reading.mosfet_c = 40;
        reading.charge_fet = reading.discharge_fet = member.fault != Fault::switches_off;
        reading.bms_charge_current_a = reading.bms_discharge_current_a =
            member.fault == Fault::bms_limit ? 7 : 200;
        bench.now = now_;
        poll(bench.state, bench.context(), member.answers() ? &reading : nullptr, now_);
        member.gone = bench.out().gone;
        if (member.answers()) {
            member.heard = true;
            member.counted = reading.charge_fet != false;
            member.last_good = now_;
            member.limit_a = bench.out().charge_target.amps;
            member.safe_for = safe_time(bench.settings, cells_safe(bench.settings, bench.out().cells));
        }
    }

    void poll_whole() {
        std::vector<const Settings*> all;
        std::vector<BankMember> present;
        for (std::size_t i = 0; i < members_.size(); ++i) {
            const auto& bench = members_[i].bench;
            all.push_back(&bench.settings);
            if (!members_[i].gone) {
                present.push_back({.id = kNames[i],
                                   .name = kNames[i],
                                   .settings = &bench.settings,
                                   .cell_count = bench.pack.cell_count,
                                   .reading = members_[i].heard ? &bench.reading : nullptr,
                                   .out = &bench.state.out,
                                   .last_good = bench.state.last_good,
                                   .interval = kPeriod,
                                   .soh_percent = 100,
                                   .resistance_ohm = {}});
            }
        }
        settings_ = bank_settings(all);
        out_ = poll_bank(bank_, settings_, present, {}, now_);
        ++seen.polls;
        seen.incomplete += out_.offline > 0 ? 1 : 0;
        seen.gone += out_.values.gone ? 1 : 0;
        seen.floating += out_.values.phase == Phase::float_ ? 1 : 0;
    }

    void check() {
        const Output& out = out_.values;
        if (out.gone || !out.charge_current_a) {
            CHECK(std::ranges::none_of(members_,
                                       [](const auto& member) { return member.heard && member.answers(); }));
            return;
        }
        const double charge_a = *out.charge_current_a;
        const bool numbers = std::isfinite(charge_a) && charge_a >= 0
                             && std::isfinite(*out.discharge_current_a) && *out.discharge_current_a >= 0;
        const bool voltage = !out.charge_voltage_v
                             || (*out.charge_voltage_v <= settings_.max_cell_v * kCells + 0.005
                                 && *out.charge_voltage_v >= settings_.min_cell_v * kCells - 0.005);
        const bool soc = !out.soc_percent || (*out.soc_percent >= 0 && *out.soc_percent <= 100);
        const bool shares = nobody_gets_too_much(charge_a);
        const bool moves = recovered(out);
        const bool bounded = bank_.members.size() <= members_.size();
        if (!(numbers && voltage && soc && shares && moves && bounded)) {
            INFO("t = " << as_seconds(now_) << " CVL " << out.charge_voltage_v.value_or(-1) << " CCL "
                        << charge_a << " DCL " << *out.discharge_current_a << " " << out.charge_mode
                        << " off line " << out_.offline << " faults " << static_cast<int>(members_[0].fault)
                        << static_cast<int>(members_[1].fault) << static_cast<int>(members_[2].fault));
            CHECK(numbers);
            CHECK(voltage);
            CHECK(soc);
            CHECK(shares);
            CHECK(moves);
            CHECK(bounded);
        }
    }

    /// What a lost member takes is not seen: for its safe time it counts with its last limit, then nothing is left for it
    /// and the others get no more than their own; if it has to block there is no current at all.
    bool nobody_gets_too_much(double charge_a) {
        double carrying_ah = 0;
        bool blocked = false;
        bool any_expired = false;
        const auto expired = [this](const Member& member) {
            return now_ - member.last_good > member.safe_for;
        };
        const auto lost = [this](const Member& member) { return now_ - member.last_good >= 3 * kPeriod; };
        for (const auto& member : members_) {
            if (!member.heard || !member.counted) {
                continue;
            }
            const bool without = lost(member) && expired(member);
            carrying_ah += without ? 0 : member.capacity_ah();
            any_expired = any_expired || without;
            blocked = blocked || (without && member.bench.settings.block_on_disconnect);
        }
        seen.expired += any_expired ? 1 : 0;
        seen.blocked += blocked ? 1 : 0;
        bool good = !blocked || charge_a == 0;
        for (const auto& member : members_) {
            if (!member.heard || !member.counted || carrying_ah == 0) {
                continue;
            }
            good = good && charge_a * member.capacity_ah() / carrying_ah <= member.limit_a + kSlack;
        }
        return good && (carrying_ah > 0 || charge_a == 0);
    }

    /// A quarter of an hour without a fault: complete, and for cells in the middle all that the weakest share allows.
    bool recovered(const Output& out) {
        const bool quiet =
            std::ranges::all_of(members_, [](const auto& member) { return member.fault == Fault::none; });
        if (!quiet || now_ - healthy_since_ < std::chrono::minutes{15}) {
            calm_since_ = now_;
            return true;
        }
        bool good = out_.online == members_.size() && out_.offline == 0 && out.online == true
                    && out.bms_cable == bms::Level::ok && out.phase != Phase::error
                    && out.phase != Phase::none;
        if (!(out.cells.min_v > 3.22 && out.cells.max_v < 3.35)) {
            calm_since_ = now_;
        }
        if (now_ - calm_since_ > std::chrono::minutes{5}) {
            double lowest = 1e9;
            double whole_ah = 0;
            for (const auto& member : members_) {
                lowest = std::min(lowest, member.bench.settings.max_charge_current_a / member.capacity_ah());
                whole_ah += member.capacity_ah();
            }
            good = good && std::abs(*out.charge_current_a - lowest * whole_ah) < kSlack
                   && out.state == kStateRunning;
            ++seen.full_current;
        }
        return good;
    }

    /// Sun and house under the bank's limits; the current divides as the batteries' resistances make it.
    void live() {
        const Output& out = out_.values;
        double siemens = 0;
        double amperes = 0;  // of the rest voltages into a short circuit
        for (const auto& member : members_) {
            if (member.connected()) {
                siemens += 1 / member.cells.resistance_ohm();
                amperes += member.cells.rest_v() / member.cells.resistance_ohm();
            }
        }
        double total_a = 0;
        if (siemens > 0 && !out.gone) {
            const double regulated = out.charge_voltage_v.value_or(0)
                                     + std::uniform_real_distribution<double>(-0.03, 0.03)(random_);
            total_a = std::min({2 * test::surplus_a(time_of_day_s_, cloud_), regulated * siemens - amperes,
                                out.charge_current_a.value_or(0)});
            total_a = std::max(total_a, -out.discharge_current_a.value_or(0));
        }
        const double bus_v = siemens > 0 ? (amperes + total_a) / siemens : 0;
        for (auto& member : members_) {
            member.cells.flow(
                member.connected() ? (bus_v - member.cells.rest_v()) / member.cells.resistance_ohm() : 0,
                as_seconds(kPeriod));
        }
    }

    std::mt19937 random_;
    std::deque<Member> members_;
    BankState bank_;
    BankOutput out_;
    Settings settings_;
    Millis now_{0};
    Millis healthy_since_{0};
    Millis calm_since_{0};
    double time_of_day_s_ = 0;
    double cloud_ = 1;
    std::ptrdiff_t used_ = 0;
};

}  // namespace

TEST_CASE("a month of a bank whose members are lost and come back", "[long]") {
    for (const unsigned seed : {2U, 3U}) {
        DYNAMIC_SECTION("seed " << seed) {
            Settings settings;
            settings.max_charge_current_a = 80;
            settings.max_discharge_current_a = 100;
            settings.limit_refresh_s = 0;  // what falls is shown at once
            settings.block_on_disconnect = seed == 3;
            settings.controller_mode = seed;
            BankMonth month(seed, settings);
            month.run(30);
            const Seen& seen = month.seen;
            CHECK(seen.polls == 30 * kPollsADay);
            CHECK(seen.incomplete > 1000);
            CHECK(seen.expired > 100);
            CHECK((seed == 3) == (seen.blocked > 100));
            CHECK(seen.gone > 10);
            CHECK(seen.restarts > 10);
            CHECK(seen.full_current > 1000);
            CHECK(seen.floating > 400);
            for (const auto& member : month.members()) {
                CHECK(member.cells.highest_ever() < 3.55);
                CHECK(member.cells.lowest_ever() > 2.75);
            }
            CHECK(month.growth() < 64 * 1024);
        }
    }
}
