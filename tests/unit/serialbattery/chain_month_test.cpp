// A month of one battery in fast motion, from the bytes on the line to what is published: a simulated board on a line
// with true byte times, its session, the measurement, the control and the items. Lines are disturbed, boards fall
// silent, open their switches, get cold; the driver restarts. No wrong value, no wrong limit, nothing stuck, no leak.

#include "serialbattery/control/persistence.hpp"
#include "serialbattery/driver/measurement.hpp"
#include "serialbattery/publication/table.hpp"
#include "support/catch.hpp"
#include "support/virtual_line.hpp"

#include <malloc.h>

#include <algorithm>
#include <cmath>
#include <random>

#include <velib/publication.hpp>

using namespace bms;

namespace {

constexpr milliseconds kInterval{30'000};
constexpr double kStepSeconds = 30;
constexpr double kDaySeconds = 86400;
constexpr double kSettledSeconds = 600;

enum class Fault { none, silence, noise, echo, chatter, switched_off, cold, protection };
constexpr std::array kFaults{Fault::silence,      Fault::noise, Fault::echo,      Fault::chatter,
                             Fault::switched_off, Fault::cold,  Fault::protection};

/// The driver's side of one battery, as it is between the port and the bus.
struct Chain {
    explicit Chain(const Family& of, std::uint8_t address)
        : session(of.open(address, {})), talk(of, *session, of.lines.front()) {}

    std::unique_ptr<Session> session;
    Conversation talk;
    control::State state;
    Battery battery;
    control::Pack pack;
    velib::ItemTree tree;
    velib::Publication<publication::View> rows{tree, publication::rows()};
    velib::Publication<publication::View> limits{tree, publication::limit_rows()};

    [[nodiscard]] std::optional<double> shown(const char* path) { return tree.find(path)->value().real(); }
};

class Month {
  public:
    explicit Month(std::string_view name)
        : family_(*find_family(name)), unit_(line_.add(name)), random_(static_cast<unsigned>(name.size())) {
        line_.open_at(family_.lines.front());
        settings_.max_charge_current_a = 40;
        settings_.max_discharge_current_a = 50;
        // The simulated cells agree to a hundredth of a volt and no better; a small day has to fill them.
        settings_.balanced_diff_v = 0.03;
        settings_.charge_cell_voltage = {{3.60, 3.55, 3.50, 3.45, 3.40}, {0, 0.02, 0.05, 0.25, 1}};
        start();
    }

    void run(int days) {
        for (double t = 0; t < days * kDaySeconds; t += kStepSeconds) {
            seconds_ = t;
            next_fault();
            poll();
            live();
            if (t == 3 * kDaySeconds) {
                used_ = in_use();
            }
        }
    }

    /// Bytes that are in use now beyond those after three days.
    [[nodiscard]] std::ptrdiff_t growth() const { return in_use() - used_; }

    unsigned polls = 0;
    unsigned good = 0;
    unsigned off_line = 0;
    unsigned restarts = 0;
    unsigned full = 0;
    double highest_cell_v = 0;
    double lowest_cell_v = 9;

  private:
    static std::ptrdiff_t in_use() { return static_cast<std::ptrdiff_t>(::mallinfo2().uordblks); }

    [[nodiscard]] control::Clocks clocks() const {
        const control::Millis now{static_cast<std::int64_t>(seconds_ * 1000)};
        return {.monotonic = now, .unix_time = control::Seconds{1'800'000'000 + now.count() / 1000}};
    }

    void start() {
        chain_ = std::make_unique<Chain>(family_, static_cast<std::uint8_t>(unit_.address()));
        settled_since_ = seconds_;
        ++restarts;
    }

    void next_fault() {
        if (seconds_ < fault_until_) {
            return;
        }
        if (fault_ != Fault::none) {
            fault_ = Fault::none;
            settled_since_ = seconds_;
        }
        const auto chance = [this](double a_day) {
            return std::uniform_real_distribution<double>(0, 1)(random_) < a_day * kStepSeconds / kDaySeconds;
        };
        if (chance(12)) {
            fault_ = kFaults[std::uniform_int_distribution<std::size_t>(0, kFaults.size() - 1)(random_)];
            fault_until_ = seconds_ + std::pow(10, std::uniform_real_distribution<double>(1.5, 3.6)(random_));
        } else if (chance(1)) {
            const auto stored = control::stored_values(control::to_persist(chain_->state, clocks()));
            const auto soc = chain_->battery.soc_pct;
            start();
            control::restore(chain_->state, control::from_stored(stored), clocks(), soc);
        }
        auto& pack = unit_.pack;
        line_.silent = fault_ == Fault::silence;
        line_.garble_every = fault_ == Fault::noise ? 401 : 0;
        line_.echo = fault_ == Fault::echo;
        line_.chatter(family_.lines.front().baud,
                      fault_ == Fault::chatter ? wire::Buffer{0x00, 0xdd, 0x7e, 0xff} : wire::Buffer{},
                      milliseconds(700));
        pack.charge_allowed = pack.discharge_allowed = fault_ != Fault::switched_off;
        pack.celsius.fill(fault_ == Fault::cold ? -15 : 22);
        pack.alarms[static_cast<std::size_t>(Alarm::high_cell_voltage)] =
            fault_ == Fault::protection ? Level::alarm : Level::ok;
    }

    void poll() {
        Chain& c = *chain_;
        c.talk.start_cycle();
        line_.run(c.talk);
        line_.forget_sent();
        bool read = c.talk.succeeded() && c.session->complete();
        if (read) {
            c.battery = c.session->battery();
            drop_implausible(c.battery);
            c.pack = pack_of(c.battery);
            read = !implausible(c.battery);
        }
        const control::Context context{
            .settings = settings_, .pack = c.pack, .around = {}, .interval = kInterval};
        const auto reading = measurement_of(c.battery, settings_);
        control::poll(c.state, context, read ? &reading : nullptr, clocks().monotonic);
        const auto view = publication::view_of(c.battery, c.state.out, settings_, c.pack.cell_count);
        {
            velib::Update update(c.tree);
            c.rows.publish(update, view);
            c.limits.publish(update, view);
        }
        ++polls;
        good += read ? 1 : 0;
        full += c.state.out.set_bms_full ? 1 : 0;
        heard_ = heard_ || read;
        off_line += c.state.out.online == false ? 1 : 0;
        check(read);
        if (c.state.out.gone) {
            start();
            heard_ = false;
        }
    }

    void check(bool read) {
        Chain& c = *chain_;
        const auto cells = static_cast<double>(unit_.pack.size());
        const auto volts = c.shown("/Info/MaxChargeVoltage");
        const auto charge = c.shown("/Info/MaxChargeCurrent");
        const auto discharge = c.shown("/Info/MaxDischargeCurrent");
        bool right = true;
        if (read) {
            const auto& pack = unit_.pack;
            right = near(c.shown("/Dc/0/Voltage"), pack.voltage(), 0.06)
                    && near(c.shown("/Dc/0/Current"), pack.amperes(), 0.11)
                    && near(c.shown("/Soc"), pack.soc_pct(), 1.1)
                    && near(c.shown("/System/MaxCellVoltage"), highest(), 0.0011);
        }
        bool within = true;
        if (heard_ && !c.state.out.gone) {
            within = volts && charge && discharge && *volts <= settings_.max_cell_v * cells + 0.005
                     && *volts >= settings_.min_cell_v * cells - 0.005 && *charge >= 0
                     && *charge <= settings_.max_charge_current_a && *discharge >= 0
                     && *discharge <= settings_.max_discharge_current_a;
        }
        bool obeys = true;
        if (read && fault_ == Fault::switched_off) {
            obeys = charge == 0 && discharge == 0;
        } else if (read && fault_ == Fault::cold) {
            obeys = charge == 0;
        }
        // Ten minutes after the last fault: on line, no alarm, a phase, current for cells in the middle.
        bool recovered = true;
        if (fault_ == Fault::none && seconds_ - settled_since_ > kSettledSeconds) {
            const auto& out = c.state.out;
            recovered = read && out.online == true && out.bms_cable == Level::ok
                        && out.phase != control::Phase::error && out.phase != control::Phase::none
                        && out.alarms[Alarm::high_cell_voltage].value_or(Level::ok) == Level::ok;
            if (out.cells.min_v > 3.20 && out.cells.max_v < 3.34) {
                calm_ += kStepSeconds;
                recovered = recovered && (calm_ < kSettledSeconds || (charge == 40.0 && discharge == 50.0));
            } else {
                calm_ = 0;
            }
        } else {
            calm_ = 0;
        }
        if (!(right && within && obeys && recovered)) {
            INFO(family_.name << " t = " << seconds_ << " fault " << static_cast<int>(fault_) << " read "
                              << read << " V " << unit_.pack.voltage() << " A " << unit_.pack.amperes()
                              << " soc " << unit_.pack.soc_pct() << " CVL " << volts.value_or(-1) << " CCL "
                              << charge.value_or(-1) << " DCL " << discharge.value_or(-1) << " "
                              << c.state.out.charge_mode);
            CHECK(right);
            CHECK(within);
            CHECK(obeys);
            CHECK(recovered);
        }
    }

    static bool near(std::optional<double> value, double expected, double within) {
        return value && std::abs(*value - expected) <= within;
    }
    [[nodiscard]] double highest() const {
        double volts = 0;
        for (std::size_t i = 0; i < unit_.pack.size(); ++i) {
            volts = std::max(volts, unit_.pack.millivolts(i) / 1000.0);
        }
        return volts;
    }

    /// Sun and house; both obey what is published, nothing published: no current.
    void live() {
        auto& pack = unit_.pack;
        const double hour = std::fmod(seconds_, kDaySeconds) / 3600;
        const double wanted = 45 * std::max(0.0, std::sin((hour - 6) / 24 * 2 * 3.14159265358979)) - 9;
        pack.wanted_a = 0;
        const double rest = pack.voltage();
        const double ohms = 0.0008 * static_cast<double>(pack.size());
        // A charger regulates its voltage to some hundredths of a volt.
        const double ripple = std::uniform_real_distribution<double>(-0.04, 0.04)(random_);
        const double limit = (chain_->shown("/Info/MaxChargeVoltage").value_or(0) + ripple - rest) / ohms;
        double amperes = std::min({wanted, limit, chain_->shown("/Info/MaxChargeCurrent").value_or(0)});
        amperes = std::max(amperes, -chain_->shown("/Info/MaxDischargeCurrent").value_or(0));
        pack.wanted_a = std::round(amperes * 10) / 10;
        pack.step(kStepSeconds);
        for (std::size_t i = 0; i < pack.size(); ++i) {
            highest_cell_v = std::max(highest_cell_v, pack.volts(i));
            lowest_cell_v = std::min(lowest_cell_v, pack.volts(i));
        }
    }

    const Family& family_;
    test::VirtualLine line_;
    sim::Unit& unit_;
    std::mt19937 random_;
    control::Settings settings_;
    std::unique_ptr<Chain> chain_;
    Fault fault_ = Fault::none;
    double seconds_ = 0;
    double fault_until_ = 0;
    double settled_since_ = 0;
    double calm_ = 0;
    bool heard_ = false;
    std::ptrdiff_t used_ = 0;
};

}  // namespace

TEST_CASE("a month from the line to the limits, with faults on the way") {
    const std::string name = GENERATE("jbd", "jk_ttl");
    INFO(name);
    Month month(name);
    month.run(30);
    CHECK(month.polls == 30 * 2880);
    CHECK(month.good > month.polls * 8 / 10);
    CHECK(month.good < month.polls);
    CHECK(month.off_line > 100);
    CHECK(month.restarts > 10);
    CHECK(month.full >= 3);
    CHECK(month.highest_cell_v < 3.55);
    CHECK(month.lowest_cell_v > 2.80);
    CHECK(month.growth() < 64 * 1024);
}
