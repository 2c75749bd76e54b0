// Daly, the two Modbus dialects D2 and 81: docs/protocols/daly.md
//
// Their current is positive while charging, the opposite of the A5 dialect.

#include "daly_modbus_layout.hpp"
#include "serialbattery/family.hpp"
#include "serialbattery/framing/modbus.hpp"

#include <algorithm>
#include <cmath>

namespace bms {
namespace daly_modbus {
namespace {

/// Whether the direction of the current on the wire is what the state says. All captures say charging is positive, the
/// vendor's sheet says the opposite: where the state disagrees for long, it is right.
class CurrentSign {
  public:
    [[nodiscard]] double apply(double amperes) const { return turned_ ? -amperes : amperes; }
    /// `amperes` as on the wire.
    void compare(double amperes, std::uint32_t state) {
        constexpr std::uint32_t kCharging = 1;
        constexpr std::uint32_t kDischarging = 2;
        if (amperes == 0 || (state != kCharging && state != kDischarging)) {
            return;
        }
        const bool turned = (amperes > 0) != (state == kCharging);
        against_ = turned != turned_ ? against_ + 1 : 0;
        if (against_ >= kConvincing) {
            turned_ = turned;
            against_ = 0;
        }
    }

  private:
    static constexpr unsigned kConvincing = 10;  ///< samples in a row
    unsigned against_ = 0;
    bool turned_ = false;
};

// ---------------------------------------------------------------------------------------------- frame

Sight sight(const Dialect& dialect, Bytes bytes, Bytes asked) {
    if (bytes.empty() || (bytes[0] != dialect.unit && bytes[0] != dialect.unit_of_reply)) {
        return Sight::no();
    }
    if (bytes.size() > 1 && bytes[1] == modbus::kWriteOne) {
        if (bytes.size() < 8) {
            return Sight::needs(8);
        }
        // A write is answered by itself: an answer only while one is open, where an echo cannot be told from it.
        const bool open = asked.size() == 8 && asked[1] == modbus::kWriteOne;
        return modbus::crc_good(bytes.first(8)) ? Sight::frame(8, open ? Role::reply : Role::request)
                                                : Sight::no(Fault::checksum);
    }
    const Sight seen =
        modbus::sight_read(bytes, asked, modbus::kReadHolding, [](std::uint8_t) { return true; });
    const bool impossible =
        seen.kind == Sight::Kind::frame && seen.role == Role::reply && bytes[0] != dialect.unit_of_reply;
    return impossible ? Sight::no() : seen;
}

std::optional<Fault> mismatch(const Dialect& dialect, Bytes frame, Bytes asked) {
    if (frame[1] == modbus::kWriteOne) {
        const bool same =
            asked.size() == 8 && std::equal(frame.begin() + 1, frame.begin() + 6, asked.begin() + 1);
        return same ? std::nullopt : std::optional(Fault::address);
    }
    return modbus::mismatch(frame, asked, dialect.unit_of_reply);
}

// --------------------------------------------------------------------------------------------- decode

using modbus::word_at;
using modbus::words_at;

void describe_words(const Dialect& dialect, const Payload& window, const Context& context, Record& out) {
    const auto cells = word_at(window, dialect.cell_count);
    if (auto values = words_at(window, 0, dialect.cell_slots)) {
        values->resize(std::min<std::size_t>(
            values->size(), cells.value_or(context.cell_count.value_or(dialect.cell_slots))));
        out.set("cells_mV", to_list(*values));
    }
    if (const auto values = words_at(window, dialect.sensors, kMaxSensors)) {
        const auto fitted = word_at(window, static_cast<std::uint16_t>(dialect.cell_count + 1));
        List sensors;
        for (std::size_t i = 0; i < kMaxSensors && i < fitted.value_or(kMaxSensors); ++i) {
            sensors.emplace_back(int{(*values)[i]} - static_cast<int>(kCelsiusZero));
        }
        out.set("temps_C", std::move(sensors));
    }
    load(dialect.fields, window, out);
    if (window.origin == dialect.settings) {
        load(kSettingsFields, registers(kSettings, window.bytes), out);
    }
    if (const auto faults = words_at(window, dialect.fault_words, dialect.fault_word_count)) {
        out.set("alarm_words", to_list(*faults));
    }
}

void describe(const Dialect& dialect, Bytes frame, Role role, const Context& context, Record& out) {
    if (role == Role::request || frame[1] == modbus::kWriteOne) {
        out.set("register", int{wire::be16(frame, 2)});
        out.set(frame[1] == modbus::kWriteOne ? "value" : "count", int{wire::be16(frame, 4)});
        return;
    }
    if (modbus::is_exception(frame)) {
        out.set("exception", int{frame[2]});
        return;
    }
    if (const auto asked = modbus::parse_read(context.asked)) {
        describe_words(dialect, registers(asked->reg, modbus::data(frame)), context, out);
    }
}

// -------------------------------------------------------------------------------------------- session

class DalyModbusSession : public Session {
  public:
    explicit DalyModbusSession(const Dialect& dialect) : dialect_(dialect) {}

    void cycle(unsigned poll, Queries& out) override {
        ask_live(out);
        ask_switches(out, false);
        if (poll % kBalancerEvery == 0) {
            ask(out, setting(kBalancerSwitch), 1, false);
        }
        if (settings_tries_left_ > 0) {
            --settings_tries_left_;
            ask(out, dialect_.settings, dialect_.settings_words, false);
        }
        if (version_tries_left_ > 0) {
            --version_tries_left_;
            ask(out, dialect_.version, dialect_.version_words, false);
        }
    }

    Taken take(const Query& query, Bytes frame, Queries&) override {
        if (modbus::is_exception(frame)) {
            short_block_ = short_block_ || query.tag == 0;
            return Taken::refused;
        }
        if (frame[1] == modbus::kWriteOne) {
            return Taken::done;
        }
        const Payload window = registers(query.tag, modbus::data(frame));
        if (query.tag == dialect_.version) {
            battery_.firmware_version = wire::ascii(window.bytes);
            version_tries_left_ = 0;
            return Taken::done;
        }
        if (query.tag == dialect_.settings) {
            take_settings(window.bytes);
            return Taken::done;
        }
        if (query.tag == setting(kBalancerSwitch)) {
            const auto balancer = word_at(window, query.tag);
            battery_.balance_switch = balancer ? std::optional(*balancer != 0) : std::nullopt;
            return Taken::done;
        }
        if (query.tag == setting(kChargeSwitch)) {
            const auto charge = word_at(window, query.tag);
            const auto discharge = word_at(window, static_cast<std::uint16_t>(query.tag + 1));
            if (!charge || !discharge) {
                return Taken::foreign;
            }
            battery_.charge_switch = *charge != 0;
            battery_.discharge_switch = *discharge != 0;
            return Taken::done;
        }
        return take_live(window);
    }

    void missed(const Query& query) override {
        if (query.tag == 0) {
            short_block_ = !short_block_;
            forget(dialect_.fields, battery_);
            wire_current_a_.reset();
            battery_.cells.clear();
            battery_.temperatures.clear();
        } else if (query.tag == setting(kChargeSwitch)) {
            battery_.charge_switch.reset();
            battery_.discharge_switch.reset();
        } else if (query.tag == setting(kBalancerSwitch)) {
            battery_.balance_switch.reset();
        }
    }

    bool control(const Command& command, Queries& out) override {
        const auto write = [&](std::uint16_t reg, unsigned value) {
            out.push_back({.bytes = modbus::request(dialect_.unit, modbus::kWriteOne, setting(reg), value),
                           .tag = setting(reg)});
        };
        switch (command.control) {
            case Control::charge:
                write(kChargeSwitch, command.on() ? 1 : 0);
                ask_switches(out, true);
                return true;
            case Control::discharge:
                write(kChargeSwitch + 1, command.on() ? 1 : 0);
                ask_switches(out, true);
                return true;
            case Control::balancing:
                write(kBalancerSwitch, command.on() ? 1 : 0);
                ask(out, setting(kBalancerSwitch), 1, true);
                return true;
            case Control::soc:
                write(kStateOfCharge, static_cast<unsigned>(command.value * 10));
                ask_live(out);
                out[1].pause = 300ms;
                return true;
            default:
                return false;
        }
    }

    [[nodiscard]] Proof proof() const override {
        if (refuted_) {
            return Proof::refuted;
        }
        return battery_.cells.empty() ? Proof::pending : Proof::proven;
    }

  private:
    static constexpr unsigned kBalancerEvery = 30;

    void ask_live(Queries& out) const {
        for (const auto& [reg, count] : dialect_.live) {
            if (count > 0) {
                const auto words = reg == 0 && short_block_ ? dialect_.short_block : count;
                out.push_back(
                    {.bytes = modbus::request(dialect_.unit, modbus::kReadHolding, reg, words), .tag = reg});
            }
        }
    }
    /// The register of a setting, named by its address in D2.
    [[nodiscard]] std::uint16_t setting(std::uint16_t reg) const {
        return static_cast<std::uint16_t>(reg - kSettings + dialect_.settings);
    }
    void ask(Queries& out, std::uint16_t reg, unsigned count, bool required) const {
        out.push_back({.bytes = modbus::request(dialect_.unit, modbus::kReadHolding, reg, count),
                       .tag = reg,
                       .required = required,
                       .tries = 1});
    }
    void ask_switches(Queries& out, bool required) const { ask(out, setting(kChargeSwitch), 2, required); }

    void take_settings(Bytes words) {
        load(kSettingsFields, registers(kSettings, words), battery_);
        if (battery_.capacity_ah == 0.0) {
            battery_.capacity_ah.reset();  // not set in this board
        }
        for (auto* trip : {&battery_.charge_overcurrent_a, &battery_.discharge_overcurrent_a}) {
            *trip = *trip ? std::optional(std::abs(**trip)) : std::nullopt;
        }
        settings_tries_left_ = 0;
    }

    Taken take_live(const Payload& window) {
        load_inside(dialect_.fields, window, battery_);
        if (window.origin == 0) {
            wire_current_a_ = battery_.current_a;  // stands in the first block
        }
        if (word_at(window, dialect_.state) && wire_current_a_) {
            sign_.compare(*wire_current_a_, *battery_.status_word);
        }
        if (wire_current_a_) {
            battery_.current_a = sign_.apply(*wire_current_a_);
        }
        if (const auto faults = words_at(window, dialect_.fault_words, dialect_.fault_word_count)) {
            take_faults(*faults);
        }
        const auto cells = word_at(window, dialect_.cell_count);
        if (!cells) {
            take_board_sensors(window);
            return Taken::done;
        }
        const auto values = words_at(window, 0, dialect_.cell_slots);
        if (*cells == 0 || *cells > dialect_.cell_slots || !values) {
            refuted_ = true;
            return Taken::foreign;
        }
        set_cells(battery_, std::span(*values).first(*cells));
        take_sensors(window);
        take_board_sensors(window);
        battery_.manufacturer = "Daly";
        return Taken::done;
    }

    void take_sensors(const Payload& window) {
        const auto values = words_at(window, dialect_.sensors, kMaxSensors);
        const auto fitted = word_at(window, static_cast<std::uint16_t>(dialect_.cell_count + 1)).value_or(0);
        battery_.temperatures.clear();
        for (std::size_t i = 0; values && i < kMaxSensors && i < fitted; ++i) {
            battery_.temperatures.push_back({Place::cell, (*values)[i] - kCelsiusZero});
        }
    }
    /// Those of the board itself; a raw 0 is no sensor.
    void take_board_sensors(const Payload& window) {
        constexpr auto kPlaces = std::to_array<Place>({Place::mosfet, Place::board});
        const auto values = words_at(window, dialect_.power_stage, kPlaces.size());
        for (std::size_t i = 0; values && i < kPlaces.size(); ++i) {
            if ((*values)[i] != 0) {
                battery_.temperatures.push_back({kPlaces[i], (*values)[i] - kCelsiusZero});
            }
        }
    }

    /// Which half of a fault word comes first was never seen: any bit is a warning of no certain kind.
    void take_faults(std::span<const std::uint16_t> faults) {
        battery_.alarms.clear();
        battery_.alarms.supports(Alarm::internal_failure);
        std::uint32_t all = 0;
        for (const auto fault : faults) {
            all = all << 8 | fault;
            if (fault != 0) {
                battery_.alarms.raise(Alarm::internal_failure, Level::warning);
            }
        }
        battery_.alarm_word = all;
    }

    const Dialect& dialect_;
    CurrentSign sign_;
    std::optional<double> wire_current_a_;
    bool short_block_ = false;
    bool refuted_ = false;
    unsigned settings_tries_left_ = 3;
    unsigned version_tries_left_ = 3;
};

template <const Dialect& dialect>
struct Of {
    static Sight sight(Bytes bytes, Bytes asked) { return daly_modbus::sight(dialect, bytes, asked); }
    static std::optional<Fault> mismatch(Bytes frame, Bytes asked) {
        return daly_modbus::mismatch(dialect, frame, asked);
    }
    static void describe(Bytes frame, Role role, const Context& context, Record& out) {
        daly_modbus::describe(dialect, frame, role, context, out);
    }
    static Query probe(std::uint8_t) {
        return {.bytes = modbus::request(dialect.unit, modbus::kReadHolding, 0, dialect.short_block),
                .tag = 0};
    }
    static std::unique_ptr<Session> open(std::uint8_t, const Options&) {
        return std::make_unique<DalyModbusSession>(dialect);
    }
};

constexpr auto kLines = std::to_array<Line>({{9600}});
constexpr auto kD2Controls = std::to_array<ControlInfo>(
    {{Control::charge}, {Control::discharge}, {Control::balancing}, {Control::soc, 0, 100}});
constexpr auto kP81Controls = std::to_array<ControlInfo>({{Control::charge, 0, 1, false},
                                                          {Control::discharge, 0, 1, false},
                                                          {Control::balancing, 0, 1, false},
                                                          {Control::soc, 0, 100, false}});

}  // namespace
}  // namespace daly_modbus

extern const Family kDalyD2;
constexpr Family kDalyD2{
    .name = "daly_d2",
    .title = "Daly (Modbus D2)",
    .lines = daly_modbus::kLines,
    .timing = {.reply = 500ms, .gap = 50ms, .pause = 30ms, .tries = 2},
    .detection = {.rank = 22, .window = 150ms},
    .controls = daly_modbus::kD2Controls,
    .check = "crc",
    .sight = daly_modbus::Of<daly_modbus::kD2>::sight,
    .mismatch = daly_modbus::Of<daly_modbus::kD2>::mismatch,
    .describe = daly_modbus::Of<daly_modbus::kD2>::describe,
    .probe = daly_modbus::Of<daly_modbus::kD2>::probe,
    .open = daly_modbus::Of<daly_modbus::kD2>::open,
};

extern const Family kDalyP81;
constexpr Family kDalyP81{
    .name = "daly_p81",
    .title = "Daly (Modbus 81)",
    .lines = daly_modbus::kLines,
    .timing = {.reply = 500ms, .gap = 50ms, .pause = 30ms, .tries = 2},
    .detection = {.rank = 24, .window = 150ms},
    .controls = daly_modbus::kP81Controls,
    .check = "crc",
    .sight = daly_modbus::Of<daly_modbus::kP81>::sight,
    .mismatch = daly_modbus::Of<daly_modbus::kP81>::mismatch,
    .describe = daly_modbus::Of<daly_modbus::kP81>::describe,
    .probe = daly_modbus::Of<daly_modbus::kP81>::probe,
    .open = daly_modbus::Of<daly_modbus::kP81>::open,
};

}  // namespace bms
