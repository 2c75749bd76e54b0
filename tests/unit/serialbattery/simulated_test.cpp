// Every family against its simulator: what the session reads is what the pack is.

#include "serialbattery/conversation.hpp"
#include "serialbattery/family.hpp"
#include "support/catch.hpp"
#include "support/virtual_line.hpp"

#include <cmath>

using namespace bms;

namespace {

/// One unit on a line and a session that talks to it.
struct Bench {
    explicit Bench(std::string_view name)
        : family(*find_family(name)),
          unit(line.add(name)),
          session(family.open(static_cast<std::uint8_t>(unit.address()), {})),
          talk(family, *session, family.lines.front()) {
        line.open_at(family.lines.front());
    }
    bool poll() {
        talk.start_cycle();
        line.run(talk);
        return talk.succeeded();
    }
    bool control(Control control, double value) {
        if (!talk.start_control({control, value, {2024, 5, 6, 7, 8, 9}})) {
            return false;
        }
        line.run(talk);
        return talk.succeeded();
    }

    test::VirtualLine line;
    const Family& family;
    sim::Unit& unit;
    std::unique_ptr<Session> session;
    Conversation talk;
};

bool near(std::optional<double> value, double expected, double within) {
    return value && std::abs(*value - expected) <= within;
}

void check_reading(const Battery& battery, const sim::Pack& pack) {
    CHECK(near(battery.voltage_v, pack.voltage(), 0.06));
    CHECK(near(battery.current_a, pack.amperes(), 0.06));
    CHECK(near(battery.soc_pct, pack.soc_pct(), 0.51));
    REQUIRE(battery.cells.size() == pack.size());
    for (std::size_t i = 0; i < pack.size(); ++i) {
        CHECK(near(battery.cells[i].volts, pack.volts(i), 0.051));
    }
    CHECK_FALSE(implausible(battery));
}

std::vector<std::string> simulated() {
    std::vector<std::string> names;
    for (const auto& simulator : sim::simulators()) {
        names.emplace_back(simulator.family);
    }
    return names;
}

}  // namespace

TEST_CASE("every battery family has a simulator") {
    for (const auto* family : families()) {
        INFO(family->name);
        CHECK((sim::find_simulator(family->name) != nullptr) == family->detection.battery);
    }
}

TEST_CASE("a simulated battery is read as it is, with and without an echo, charging and discharging") {
    const auto name = GENERATE(from_range(simulated()));
    const bool echo = GENERATE(false, true);
    const double amperes = GENERATE(5.0, -12.5);
    Bench bench(name);
    INFO(name << " echo " << echo << " at " << amperes << " A");
    bench.line.echo = echo;
    bench.unit.pack.wanted_a = amperes;
    CHECK(bench.poll());
    CHECK(bench.poll());
    CHECK(bench.session->proof() == Proof::proven);
    CHECK(bench.session->complete());
    check_reading(bench.session->battery(), bench.unit.pack);
    CHECK_FALSE(bench.session->battery().temperatures.empty());
}

TEST_CASE("a protection of the board becomes an alarm and goes away again") {
    const auto name = GENERATE(from_range(simulated()));
    INFO(name);
    Bench bench(name);
    CHECK(bench.poll());
    CHECK(bench.poll());
    // Some know the pack's voltage only, some only that there is a fault.
    const auto& reported = bench.session->battery().alarms;
    const auto alarm = reported[Alarm::high_cell_voltage] ? Alarm::high_cell_voltage
                       : reported[Alarm::high_voltage]    ? Alarm::high_voltage
                                                          : Alarm::internal_failure;
    bench.unit.pack.alarms[static_cast<std::size_t>(alarm)] = Level::alarm;
    for (int i = 0; i < 3; ++i) {
        CHECK(bench.poll());
    }
    const auto raised = bench.session->battery().alarms[alarm];
    CHECK(raised.value_or(Level::ok) >= Level::warning);
    bench.unit.pack.alarms = {};
    for (int i = 0; i < 3; ++i) {
        CHECK(bench.poll());
    }
    CHECK(bench.session->battery().alarms[alarm] == Level::ok);
}

TEST_CASE("every control takes effect and is read back") {
    const auto name = GENERATE(from_range(simulated()));
    Bench bench(name);
    CHECK(bench.poll());
    CHECK(bench.poll());
    for (const auto& info : bench.family.controls) {
        for (const double value : {info.lowest, info.highest}) {
            INFO(name << " control " << static_cast<int>(info.control) << " to " << value);
            CHECK(bench.control(info.control, value));
            CHECK(near(read_back(bench.session->battery(), info.control), value, 0.5));
        }
    }
    CHECK(bench.unit.pack.charge_allowed);
    CHECK(bench.unit.pack.discharge_allowed);
}

TEST_CASE("noise on the line costs tries, never a wrong value") {
    const auto name = GENERATE(from_range(simulated()));
    Bench bench(name);
    INFO(name);
    // Lines of text without any check: a digit for another is a value.
    const bool unchecked = name == "hlpdata";
    bench.line.garble_every = 401;  // two flips in one frame can cancel out in a plain sum
    unsigned good = 0;
    for (int i = 0; i < 40; ++i) {
        const bool read = bench.poll();
        good += read ? 1 : 0;
        if (read && !unchecked && bench.session->complete()) {
            check_reading(bench.session->battery(), bench.unit.pack);
        }
    }
    CHECK(good > 10);
}

TEST_CASE("sixteen JK PB units on one bus are refreshed within two seconds") {
    test::VirtualLine line;
    const auto& family = *find_family("jk_pb");
    line.open_at(family.lines.front());
    std::vector<std::unique_ptr<Session>> sessions;
    std::vector<std::unique_ptr<Conversation>> talks;
    for (unsigned unit = 0; unit < 16; ++unit) {
        line.add("jk_pb", unit).pack.wanted_a = 1.0 + unit;
        sessions.push_back(family.open(static_cast<std::uint8_t>(unit), {.sole_unit = false}));
        talks.push_back(std::make_unique<Conversation>(family, *sessions.back(), family.lines.front()));
    }
    TimePoint before{};
    for (int round = 0; round < 3; ++round) {
        before = line.now();
        for (auto& talk : talks) {
            talk->start_cycle();
            line.run(*talk);
            CHECK(talk->succeeded());
        }
    }
    CHECK(line.now() - before < 2s);
    for (unsigned unit = 0; unit < 16; ++unit) {
        CHECK(sessions[unit]->battery().current_a == 1.0 + unit);
    }
}
