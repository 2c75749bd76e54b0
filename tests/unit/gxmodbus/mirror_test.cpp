#include "gxmodbus/mirror/mirror.hpp"

#include "support/catch.hpp"

#include <set>

using namespace gxmodbus;
using namespace std::chrono_literals;
using T = ServiceType;

namespace {

// A remote device as the registers of its blocks, read as often as a test wants.
class Device {
  public:
    explicit Device(T type, Mode mode = Mode::real, bool alarms = true)
        : mirror(type, mode, alarms), plan_(kGeneration) {}

    Device& set(std::string_view path, double value) {
        const Register& row = *find_register(mirror.type(), path);
        set_row(row, value);
        return *this;
    }
    Device& set_at(std::uint16_t address, double value) {
        set_row(*register_at(address), value);
        return *this;
    }
    void read(int times = 1) {
        for (int i = 0; i < times; ++i) {
            now += 1s;
            for (const Block& block : plan_.blocks(mirror.type())) {
                std::vector<std::uint16_t> words;
                for (unsigned a = block.first; a < unsigned{block.first} + block.count; ++a) {
                    words.push_back(words_[a]);
                }
                mirror.take(block, words, version_of(kGeneration), now);
            }
        }
    }
    [[nodiscard]] bool has(std::string_view path) const {
        const auto* item = mirror.find(path);
        return item != nullptr && item->visible;
    }
    [[nodiscard]] std::optional<double> number(std::string_view path) const {
        const auto* item = mirror.find(path);
        REQUIRE(item != nullptr);
        return item->value ? std::optional{std::get<double>(*item->value)} : std::nullopt;
    }

    Mirror mirror;
    Mirror::Clock::time_point now{};

  private:
    void set_row(const Register& row, double value) {
        auto raw = static_cast<std::int64_t>(std::llround(value * row.scale / row.step));
        for (int i = row.count - 1; i >= 0; --i, raw >>= 16) {
            words_[row.address + static_cast<unsigned>(i)] = static_cast<std::uint16_t>(raw);
        }
    }
    static constexpr Generation kGeneration = Generation::v101;
    ReadPlan plan_;
    std::map<unsigned, std::uint16_t> words_;
};

}  // namespace

TEST_CASE("layouts have unique paths and every path of the table") {
    for (std::size_t i = 0; i < kServiceTypes; ++i) {
        const auto type = static_cast<T>(i);
        std::set<std::string_view> paths;
        for (const ItemPlan& plan : layout_of(type, Mode::real, true)) {
            INFO(name_of(type) << plan.path);
            CHECK(paths.insert(plan.path).second);
            CHECK((plan.row != nullptr || plan.derive != nullptr));
        }
        for (const Register& row : all_registers()) {
            if (row.type == type && row.has_value()) {
                INFO(name_of(type) << row.path);
                CHECK(paths.count(row.path) == 1);
            }
        }
        CHECK_FALSE(title_of(type).empty());
    }
}

TEST_CASE("a device that reads nothing but zeros shows no measurement") {
    Device battery(T::battery);
    battery.read(3);
    CHECK_FALSE(battery.mirror.alive());
    CHECK(battery.has("/Soc"));
    CHECK_FALSE(battery.number("/Soc").has_value());
    CHECK_FALSE(battery.number("/Dc/0/Voltage").has_value());
    CHECK_FALSE(battery.has("/TimeToGo"));
    CHECK(battery.has("/Alarms/LowVoltage"));
    CHECK(battery.number("/Alarms/LowVoltage") == 0);

    Device meter(T::pulsemeter);
    meter.read();
    CHECK_FALSE(meter.number("/Count").has_value());
    Device tank(T::tank);
    tank.read();
    CHECK_FALSE(tank.number("/Level").has_value());
}

TEST_CASE("zero is a value once the device is known to deliver") {
    Device battery(T::battery);
    battery.set("/Dc/0/Voltage", 52.31).set("/Soc", 83).read();
    CHECK(battery.number("/Dc/0/Voltage") == 52.31);
    CHECK(battery.number("/Dc/0/Current") == 0);
    CHECK(battery.number("/Soc") == 83);
    // The driver on the remote loses its device: everything reads 0 again.
    battery.set("/Dc/0/Voltage", 0).set("/Soc", 0).read();
    CHECK_FALSE(battery.number("/Dc/0/Voltage").has_value());
    CHECK_FALSE(battery.number("/Soc").has_value());

    Device tank(T::tank);
    tank.set("/Capacity", 0.2).set("/FluidType", 1).read();
    CHECK(tank.number("/Level") == 0);  // empty
    tank.set("/Status", 1).read();
    CHECK_FALSE(tank.number("/Level").has_value());  // disconnected
}

TEST_CASE("a state of charge that falls to zero is doubted") {
    Device battery(T::battery);
    battery.set("/Dc/0/Voltage", 52).set("/Soc", 60).read();
    battery.set("/Soc", 0).read(30);
    CHECK_FALSE(battery.number("/Soc").has_value());
    battery.read(40);
    CHECK(battery.number("/Soc") == 0);
    battery.set("/Soc", 4).read();
    battery.set("/Soc", 0).read();
    CHECK(battery.number("/Soc") == 0);

    Device inverter(T::vebus);  // without a battery monitor
    inverter.set("/Dc/0/Voltage", 26).read(120);
    CHECK(inverter.has("/Soc"));
    CHECK_FALSE(inverter.number("/Soc").has_value());
}

TEST_CASE("a temperature that jumps to exactly zero is gone") {
    Device battery(T::battery);
    battery.set("/Dc/0/Voltage", 52).read();
    CHECK_FALSE(battery.has("/Dc/0/Temperature"));
    battery.set("/Dc/0/Temperature", 1.2).read();
    CHECK(battery.number("/Dc/0/Temperature") == 1.2);
    battery.set("/Dc/0/Temperature", 0).read();
    CHECK(battery.number("/Dc/0/Temperature") == 0);
    battery.set("/Dc/0/Temperature", -3.5).read();
    battery.set("/Dc/0/Temperature", 0).read(5);
    CHECK_FALSE(battery.number("/Dc/0/Temperature").has_value());
    battery.set("/Dc/0/Temperature", 0.1).read();
    CHECK(battery.number("/Dc/0/Temperature") == 0.1);
}

TEST_CASE("phases appear together after three reads, or when the device counts them") {
    Device grid(T::grid);
    grid.set("/Ac/L1/Voltage", 230).set("/Ac/L2/Voltage", 231).read(2);
    CHECK_FALSE(grid.has("/Ac/L2/Voltage"));
    CHECK(grid.number("/NrOfPhases") == 1);
    grid.read();
    CHECK(grid.has("/Ac/L2/Voltage"));
    CHECK(grid.has("/Ac/L2/Energy/Forward"));
    CHECK_FALSE(grid.has("/Ac/L3/Power"));
    CHECK(grid.number("/NrOfPhases") == 2);
    grid.set("/Ac/L1/Power", 100).set("/Ac/L2/Power", -30).read();
    CHECK(grid.number("/Ac/Power") == 70);

    Device multi(T::vebus);
    multi.set("/Dc/0/Voltage", 52).set("/Ac/NumberOfPhases", 3).read();
    CHECK(multi.has("/Ac/Out/L3/P"));
    CHECK_FALSE(multi.has("/Hub4/L2/AcPowerSetpoint"));
}

TEST_CASE("trackers appear together and replace the single tracker's voltage") {
    Device charger(T::solarcharger);
    charger.set("/Dc/0/Voltage", 52).set("/Pv/V", 98.72).read();
    CHECK(charger.number("/Pv/V") == 98.72);
    CHECK(charger.number("/NrOfTrackers") == 1);
    CHECK_FALSE(charger.has("/Pv/0/V"));

    Device rs(T::solarcharger);
    rs.set("/Dc/0/Voltage", 52).set("/Pv/0/V", 310.5).set("/Pv/1/P", 1400).read();
    CHECK(rs.has("/Pv/1/V"));
    CHECK(rs.has("/History/Daily/0/Pv/1/Yield"));
    CHECK(rs.number("/NrOfTrackers") == 2);
    CHECK_FALSE(rs.number("/Pv/V").has_value());
}

TEST_CASE("the wide register is preferred, a finer one that agrees refines it") {
    Device charger(T::solarcharger);
    charger.set("/Dc/0/Voltage", 52)
        .set_at(3728, 812)
        .set_at(790, 812.4)
        .set_at(792, 2900)
        .set_at(789, 2900.4)
        .read();
    CHECK(charger.number("/Yield/User") == 812.4);
    CHECK(charger.number("/Yield/System") == 812.4);
    CHECK(charger.number("/Yield/Power") == 2900.4);
    charger.set_at(3728, 7000).set_at(790, 446.4).read();  // the narrow one has wrapped
    CHECK(charger.number("/Yield/User") == 7000);
    CHECK(charger.mirror.find("/Yield/User")->plan.digits == 1);

    Device inverter(T::pvinverter);
    inverter.set("/Ac/L1/Voltage", 232).set_at(1046, 70000.5).set_at(1030, 532.34).read();
    CHECK(inverter.number("/Ac/L1/Energy/Forward") == 70000.5);
    CHECK(inverter.number("/Ac/Energy/Forward") == 70000.5);
    CHECK(inverter.number("/StatusCode") == 8);
}

TEST_CASE("what programs need and registers lack is worked out") {
    Device multi(T::vebus);
    multi.set("/Dc/0/Voltage", 50).set("/Dc/0/Current", -10).set("/Ac/ActiveIn/L1/P", -500).read();
    CHECK(multi.number("/Dc/0/Power") == -500);
    CHECK(multi.number("/Ac/ActiveIn/P") == -500);
    CHECK(multi.number("/Ac/ActiveIn/Connected") == 1);
    CHECK(multi.number("/Ac/NumberOfAcInputs") == 1);
    multi.set("/Ac/ActiveIn/ActiveInput", 240).set("/Energy/AcIn2ToAcOut", 5).read();
    CHECK(multi.number("/Ac/ActiveIn/Connected") == 0);
    CHECK(multi.number("/Ac/NumberOfAcInputs") == 2);
    multi.mirror.lost();
    CHECK_FALSE(multi.number("/Dc/0/Power").has_value());
    CHECK_FALSE(multi.number("/Ac/ActiveIn/Connected").has_value());
    CHECK_FALSE(multi.number("/State").has_value());
}

TEST_CASE("only what changed is told") {
    Device battery(T::battery);
    const auto changes = [&] {
        std::set<std::string_view> paths;
        battery.mirror.changes([&](const Mirror::Item& item) { paths.insert(item.plan.path); });
        return paths;
    };
    changes();
    battery.set("/Dc/0/Voltage", 52.31).read();
    changes();
    battery.read();
    CHECK(changes().empty());
    battery.set("/Dc/0/Voltage", 52.32).read();
    CHECK(changes() == std::set<std::string_view>{"/Dc/0/Voltage"});
    battery.set("/TimeToGo", 38400).read();
    CHECK(changes() == std::set<std::string_view>{"/TimeToGo"});
    battery.mirror.forget({256, 76, Speed::fast}, version_of(Generation::v101));
    CHECK_FALSE(battery.number("/Dc/0/Voltage").has_value());
    CHECK(changes().count("/Dc/0/Voltage") == 1);
}

TEST_CASE("a block that can not be read takes only its own values along") {
    Device battery(T::battery);
    battery.set("/Dc/0/Voltage", 52).set("/System/MinCellVoltage", 3.2).read();
    CHECK(battery.number("/System/MinCellVoltage") == 3.2);
    battery.mirror.forget({256, 76, Speed::fast}, version_of(Generation::v101));
    CHECK_FALSE(battery.number("/Dc/0/Voltage").has_value());
    CHECK_FALSE(battery.number("/Soc").has_value());
    CHECK(battery.number("/System/MinCellVoltage") == 3.2);
}

TEST_CASE("a register is forgotten where an older server has it") {
    Device settings(T::settings);
    const std::vector<std::uint16_t> on{1};
    const Block block{2717, 1, Speed::slow};
    settings.mirror.take(block, on, version_of(Generation::v82), {});
    CHECK(settings.number("/Settings/CGwacs/RunWithoutGridMeter") == 1);
    settings.mirror.forget(block, version_of(Generation::v82));
    CHECK_FALSE(settings.number("/Settings/CGwacs/RunWithoutGridMeter").has_value());
}

TEST_CASE("of several registers with one value the finest that agrees counts") {
    // 792 in steps of 1 W is preferred, 789 has steps of 0.1 W, 3730 is as coarse as 792.
    Device charger(T::solarcharger);
    charger.set("/Dc/0/Voltage", 52.4);
    charger.set_at(792, 1105).set_at(789, 1105.3).set_at(3730, 1105).read();
    CHECK(charger.number("/Yield/Power") == 1105.3);
    charger.set_at(789, 900).read();
    CHECK(charger.number("/Yield/Power") == 1105);
    charger.set_at(792, 8000).set_at(789, 6553.4).set_at(3730, 8000).read();
    CHECK(charger.number("/Yield/Power") == 8000);
    charger.set_at(789, 7999.6 - 6553.6).set_at(3730, 7999).read();  // a server that wraps
    CHECK(charger.number("/Yield/Power") == 8000);
    // Only the coarsest is left when the block of the others fails.
    charger.mirror.forget({771, 23, Speed::fast}, version_of(Generation::v101));
    CHECK(charger.number("/Yield/Power") == 7999);
}

TEST_CASE("a phase is there when one of several blocks has power on it") {
    Mirror system(T::system, Mode::neutral, true);
    const auto version = version_of(Generation::v82);
    std::vector<std::uint16_t> powers(47);
    powers[812 - 800] = 431;                    // /Ac/PvOnGrid/L2/Power
    const std::vector<std::uint16_t> idle(12);  // from 872 on, with other powers of the phase
    Mirror::Clock::time_point now{};
    for (int cycle = 0; cycle < 3; ++cycle) {
        CHECK_FALSE(system.find("/Ac/PvOnGrid/L2/Power")->visible);
        system.take({800, 47, Speed::fast}, powers, version, now += 1s);
        system.take({872, 12, Speed::fast}, idle, version, now += 1s);
    }
    CHECK(system.find("/Ac/PvOnGrid/L2/Power")->visible);
}

TEST_CASE("what was seen is remembered") {
    Device battery(T::battery);
    battery.set("/Dc/0/Voltage", 52).set("/TimeToGo", 100).read();
    CHECK(battery.mirror.take_seen_changed());
    CHECK_FALSE(battery.mirror.take_seen_changed());
    Device again(T::battery);
    again.mirror.learn(battery.mirror.seen());
    CHECK(again.mirror.seen() == battery.mirror.seen());
    CHECK(again.has("/TimeToGo"));
    CHECK_FALSE(again.number("/TimeToGo").has_value());
    again.set("/Dc/0/Voltage", 52).read();
    CHECK(again.number("/TimeToGo") == 0);
    again.mirror.learn("p2 nonsense 99999 4 259x");
    again.mirror.absent("/TimeToGo");
    CHECK_FALSE(again.has("/TimeToGo"));
    CHECK(again.mirror.take_seen_changed());
}

TEST_CASE("modes leave the local system's sums alone") {
    Device shown(T::solarcharger, Mode::display);
    CHECK(shown.mirror.find("/Dc/0/Current") == nullptr);
    CHECK(shown.mirror.find("/Dc/0/Voltage") != nullptr);
    Device alternator(T::alternator, Mode::display);
    CHECK(alternator.mirror.find("/Dc/0/Power") == nullptr);
    CHECK(Device(T::battery, Mode::real, false).mirror.find("/Alarms/LowVoltage") == nullptr);

    CHECK(default_mode(T::tank) == Mode::real);
    CHECK(default_mode(T::solarcharger) == Mode::display);
    CHECK(default_mode(T::solarcharger, true) == Mode::real);
    CHECK(default_mode(T::vebus) == Mode::neutral);
    CHECK(default_mode(T::system, true) == Mode::neutral);
    CHECK(default_mode(T::settings, true) == Mode::off);
    CHECK_FALSE(mode_allowed(T::battery, Mode::display));
    CHECK_FALSE(mode_allowed(T::system, Mode::real));
    CHECK(mode_allowed(T::battery, Mode::real));
    for (std::size_t i = 0; i < kServiceTypes; ++i) {
        CHECK(mode_allowed(static_cast<T>(i), default_mode(static_cast<T>(i))));
    }
    CHECK(parse_mode("neutral") == Mode::neutral);
    CHECK_FALSE(parse_mode("Neutral").has_value());
}

TEST_CASE("writing is allowed by level") {
    const auto allowed = [](T type, std::string_view path, WriteLevel level) {
        return write_allowed(*find_register(type, path), level);
    };
    CHECK_FALSE(allowed(T::vebus, "/Mode", WriteLevel::none));
    CHECK(allowed(T::vebus, "/Mode", WriteLevel::everyday));
    CHECK(allowed(T::system, "/Relay/0/State", WriteLevel::everyday));
    CHECK(allowed(T::vebus, "/Ac/ActiveIn/CurrentLimit", WriteLevel::everyday));
    CHECK_FALSE(allowed(T::vebus, "/Hub4/L1/AcPowerSetpoint", WriteLevel::everyday));
    CHECK_FALSE(allowed(T::vebus, "/SystemReset", WriteLevel::everyday));
    CHECK(allowed(T::vebus, "/Hub4/L1/AcPowerSetpoint", WriteLevel::everything));
    CHECK_FALSE(allowed(T::vebus, "/State", WriteLevel::everything));
    CHECK_FALSE(allowed(T::platform, "/Vebus/Devices/0/Restore/Action", WriteLevel::everything));
}
