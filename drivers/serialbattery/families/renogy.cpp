// Renogy smart lithium batteries over Modbus: docs/protocols/renogy.md

#include "serialbattery/family.hpp"
#include "serialbattery/framing/modbus.hpp"

#include <algorithm>
#include <cmath>

namespace bms {
namespace renogy {
namespace {

constexpr unsigned kMaxCells = 16;
constexpr unsigned kMaxSensors = 16;

enum Register : std::uint16_t {
    kCells = 0x1388,
    kSensors = 0x1399,
    kBoard = 0x13ab,
    kLive = 0x13b2,
    kCurrent = 0x13b2,
    kRemaining = 0x13b4,
    kCapacity = 0x13b6,
    kLimits = 0x13b9,
    kAlarms = 0x13ec,
    kStatus1 = 0x13f2,
    kStatus2 = 0x13f3,
    kSerial = 0x13f6,
    kModel = 0x1402,
    kFirmware = 0x140a,
    kManufacturer = 0x140c,
};

constexpr auto kFields = std::to_array<Field>({
    {0x1388, Raw::u16be, 1, "cell_count", &Battery::cell_count},
    // 1389 cells, 1399 temperatures
    {0x13ab, Raw::s16be, 10, "bms_temp_C"},
    {0x13b2, Raw::s16be, 1, "current_raw"},  // scaled by generation
    {0x13b3, Raw::u16be, 10, "voltage_V", &Battery::voltage_v},
    {0x13b4, Raw::u32be, 1000, "remaining_Ah", &Battery::remaining_ah},
    {0x13b6, Raw::u32be, 1000, "capacity_Ah", &Battery::capacity_ah},
    {0x13b8, Raw::u16be, 1, "cycles", &Battery::cycles},
    {0x13b9, Raw::u16be, 10, "cvl_V", &Battery::charge_voltage_limit_v},
    {0x13ba, Raw::u16be, 10, "dvl_V", &Battery::discharge_voltage_limit_v},
    // 13BB, 13BC current limits, by generation
    {0x13f2, Raw::u16be, 1, "status1", &Battery::alarm_word},
    {0x13f2, Raw::flag16, 0, "discharge_fet", &Battery::discharge_fet, 0, 2},
    {0x13f2, Raw::flag16, 0, "charge_fet", &Battery::charge_fet, 0, 1},
    {0x13f3, Raw::u16be, 1, "status2", &Battery::warning_word},
    {0x13f3, Raw::flag16, 0, "heater", &Battery::heating, 0, 13},
    {0x13f5, Raw::u16be, 1, "charging_status"},
    {0x13f5, Raw::flag16, 0, "charge_enable", {}, 0, 7},
    {0x13f5, Raw::flag16, 0, "discharge_enable", {}, 0, 6},
});
static_assert(well_formed(kFields, 2));

constexpr auto kProtections = std::to_array<Flag>({
    {0, Alarm::high_discharge_current},  // short circuit
    {4, Alarm::high_charge_current},
    {5, Alarm::high_discharge_current},
    {6, Alarm::high_voltage},
    {7, Alarm::low_cell_voltage},
    {8, Alarm::high_cell_voltage},
    {9, Alarm::high_charge_current},
    {10, Alarm::high_discharge_current},
    {11, Alarm::low_temperature},
    {12, Alarm::high_temperature},
    {13, Alarm::low_charge_temperature},
    {14, Alarm::high_charge_temperature},
    {15, Alarm::low_voltage},
});
static_assert(well_formed(kProtections));

constexpr auto kWarnings = std::to_array<Flag>({
    {0, Alarm::low_cell_voltage, Level::warning},
    {1, Alarm::high_cell_voltage, Level::warning},
    {2, Alarm::low_voltage, Level::warning},
    {3, Alarm::high_voltage, Level::warning},
    {4, Alarm::low_charge_temperature, Level::warning},
    {5, Alarm::high_charge_temperature, Level::warning},
    {6, Alarm::low_temperature, Level::warning},
    {7, Alarm::high_temperature, Level::warning},
});
static_assert(well_formed(kWarnings));

Sight sight(Bytes bytes, Bytes asked) {
    return modbus::sight_read(bytes, asked, modbus::kReadHolding,
                              [](std::uint8_t unit) { return unit >= 1 && unit <= 247; });
}
std::optional<Fault> mismatch(Bytes frame, Bytes asked) {
    return modbus::mismatch(frame, asked);
}

// --------------------------------------------------------------------------------------------- decode

/// Amperes of a current word: hundredths, on the Pro generation tenths.
double amperes(std::uint16_t raw, bool tenfold) {
    return wire::s16(raw) / (tenfold ? 10.0 : 100.0);
}

/// Models of the Pro generation.
bool is_pro(std::string_view model) {
    return model.starts_with("RNGRBP") || model.starts_with("RNGC");
}

bool is_text(std::uint16_t reg) {
    return reg == kSerial || reg == kModel || reg == kFirmware || reg == kManufacturer;
}

/// Values of a list that follows its count, in tenths.
std::optional<std::vector<double>> tenths_behind(const Payload& window, std::uint16_t count_at,
                                                 unsigned most) {
    const auto count = modbus::word_at(window, count_at);
    if (!count || *count > most) {
        return std::nullopt;
    }
    const auto raw = modbus::words_at(window, static_cast<std::uint16_t>(count_at + 1), *count);
    if (!raw) {
        return std::nullopt;
    }
    std::vector<double> values;
    for (const auto word : *raw) {
        values.push_back(wire::s16(word) / 10.0);
    }
    return values;
}

List to_list(const std::vector<double>& values) {
    return {values.begin(), values.end()};
}

void describe(Bytes frame, Role role, const Context& context, Record& out) {
    const auto window = modbus::describe(frame, role, context, out);
    if (!window) {
        return;
    }
    if (is_text(static_cast<std::uint16_t>(window->origin))) {
        out.set("text", wire::ascii(window->bytes));
        return;
    }
    load(kFields, *window, out);
    if (const auto cells = tenths_behind(*window, kCells, kMaxCells)) {
        out.set("cells_V", to_list(*cells));
    }
    if (const auto sensors = tenths_behind(*window, kSensors, kMaxSensors)) {
        out.set("temp_count", sensors->size());
        out.set("temps_C", to_list(*sensors));
    }
    const bool tenfold = context.tenfold_current.value_or(false);
    if (const auto raw = modbus::word_at(*window, kCurrent)) {
        out.set("current_A", amperes(*raw, tenfold));
    }
    if (const auto limits = modbus::words_at(*window, kLimits + 2, 2)) {
        out.set("ccl_A", amperes((*limits)[0], tenfold));
        out.set("dcl_A", std::abs(amperes((*limits)[1], tenfold)));
    }
}

// -------------------------------------------------------------------------------------------- session

/// Reads must not cross registers that do not exist. `every` in polls, 0: once.
struct Block {
    std::uint16_t reg;
    std::uint16_t words;
    std::uint8_t every;
    bool required;
};
constexpr auto kBlocks = std::to_array<Block>({
    {kModel, 8, 0, true},
    {kLive, 7, 1, true},
    {kCells, 34, 2, true},
    {kAlarms, 8, 2, false},
    {kLimits, 4, 5, false},
    {kBoard, 1, 5, false},
    {kSerial, 8, 0, false},
    {kFirmware, 2, 0, false},
    {kManufacturer, 8, 0, false},
});

class RenogySession : public Session {
  public:
    RenogySession(std::uint8_t unit, const Options& options)
        : unit_(unit), told_generation_(options.tenfold_current) {}

    void cycle(unsigned poll, Queries& out) override {
        for (std::size_t i = 0; i < kBlocks.size(); ++i) {
            const auto& block = kBlocks[i];
            const bool due = block.every == 0 ? !answered_[i] && (block.required || poll < kIdentityPolls)
                                              : poll % block.every == 0;
            if (due) {
                out.push_back({.bytes = modbus::request(unit_, modbus::kReadHolding, block.reg, block.words),
                               .tag = static_cast<std::uint16_t>(i),
                               .required = block.required,
                               .tries = static_cast<std::uint8_t>(block.required ? 3 : 1)});
            }
        }
    }

    Taken take(const Query& query, Bytes frame, Queries&) override {
        const auto& block = kBlocks[query.tag];
        if (modbus::is_exception(frame)) {
            answered_[query.tag] = true;
            return Taken::refused;
        }
        const Payload window = registers(block.reg, modbus::data(frame));
        if (is_text(block.reg)) {
            answered_[query.tag] = true;
            return take_text(block.reg, wire::ascii(window.bytes));
        }
        load_inside(kFields, window, battery_);
        return take_block(block.reg, window);
    }

    void missed(const Query& query) override {
        const auto& block = kBlocks[query.tag];
        if (block.every != 0) {
            forget(kFields, block.reg, block.words, battery_);
        }
        if (block.reg == kLive) {
            battery_.current_a.reset();
            battery_.soc_pct.reset();
        } else if (block.reg == kCells) {
            battery_.cells.clear();
            cell_sensors_.clear();
        } else if (block.reg == kAlarms) {
            battery_.alarms.clear();
        } else if (block.reg == kLimits) {
            battery_.charge_current_limit_a.reset();
            battery_.discharge_current_limit_a.reset();
        }
    }

    [[nodiscard]] Proof proof() const override {
        if (refuted_) {
            return Proof::refuted;
        }
        return !battery_.model.empty() && !battery_.cells.empty() ? Proof::proven : Proof::pending;
    }

  private:
    static constexpr unsigned kIdentityPolls = 5;

    [[nodiscard]] bool tenfold() const { return told_generation_.value_or(is_pro(battery_.model)); }

    Taken take_text(std::uint16_t reg, std::string text) {
        switch (reg) {
            case kModel:
                refuted_ = text.size() < 3;
                battery_.model = std::move(text);
                return refuted_ ? Taken::refused : Taken::done;
            case kSerial:
                battery_.serial = std::move(text);
                battery_.unique_id = battery_.serial;
                break;
            case kFirmware:
                battery_.firmware_version =
                    text.size() == 4 ? text.substr(0, 2) + '.' + text.substr(2) : text;
                break;
            default:
                battery_.manufacturer = text.empty() ? "Renogy" : std::move(text);
        }
        return Taken::done;
    }

    Taken take_block(std::uint16_t reg, const Payload& window) {
        if (reg == kCells) {
            return take_cells(window);
        }
        if (reg == kLive) {
            battery_.current_a = amperes(*modbus::word_at(window, kCurrent), tenfold());
            battery_.soc_pct.reset();  // not a register
            if (battery_.capacity_ah.value_or(0) > 0) {
                battery_.soc_pct = std::min(100.0, 100 * *battery_.remaining_ah / *battery_.capacity_ah);
            }
        } else if (reg == kLimits) {
            battery_.charge_current_limit_a = amperes(*modbus::word_at(window, kLimits + 2), tenfold());
            battery_.discharge_current_limit_a =
                std::abs(amperes(*modbus::word_at(window, kLimits + 3), tenfold()));
        } else if (reg == kBoard) {
            board_celsius_ = wire::s16(*modbus::word_at(window, kBoard)) / 10.0;
            place_sensors();
        } else if (reg == kAlarms) {
            take_status();
        }
        return Taken::done;
    }

    Taken take_cells(const Payload& window) {
        const auto cells = tenths_behind(window, kCells, kMaxCells);
        if (!cells || cells->empty()) {
            refuted_ = battery_.cells.empty();
            return Taken::refused;
        }
        battery_.cells.resize(cells->size());
        for (std::size_t i = 0; i < cells->size(); ++i) {
            battery_.cells[i].volts = (*cells)[i];
        }
        cell_sensors_ = tenths_behind(window, kSensors, kMaxSensors).value_or(std::vector<double>{});
        place_sensors();
        return Taken::done;
    }

    void place_sensors() {
        battery_.temperatures.clear();
        for (const auto celsius : cell_sensors_) {
            battery_.temperatures.push_back({Place::cell, celsius});
        }
        if (board_celsius_) {
            battery_.temperatures.push_back({Place::board, board_celsius_});
        }
    }

    /// Some of the standard generation always send a zero word though they work. Until a bit of it was seen set, that
    /// the FETs are off is not believed: it would end all charging and so never be disproved.
    void take_status() {
        battery_.alarms.clear();
        raise(kProtections, *battery_.alarm_word, battery_.alarms);
        raise(kWarnings, *battery_.warning_word, battery_.alarms);
        status_reported_ = status_reported_ || *battery_.alarm_word != 0;
        if (!status_reported_) {
            battery_.charge_fet.reset();
            battery_.discharge_fet.reset();
        }
    }

    std::uint8_t unit_;
    std::optional<bool> told_generation_;
    std::array<bool, kBlocks.size()> answered_{};
    std::vector<double> cell_sensors_;
    std::optional<double> board_celsius_;
    bool status_reported_ = false;
    bool refuted_ = false;
};

std::unique_ptr<Session> open(std::uint8_t unit, const Options& options) {
    return std::make_unique<RenogySession>(unit, options);
}
Query probe(std::uint8_t unit) {
    return {.bytes = modbus::request(unit, modbus::kReadHolding, kModel, 8), .tag = 0};
}

constexpr auto kLines = std::to_array<Line>({{9600}});
constexpr auto kUnits = std::to_array<std::uint8_t>({0x30, 0xf7});

}  // namespace
}  // namespace renogy

extern const Family kRenogy;
constexpr Family kRenogy{
    .name = "renogy",
    .title = "Renogy",
    .lines = renogy::kLines,
    .first_address = 1,
    .last_address = 247,
    .first_scanned = 0x30,
    .last_scanned = 0x3f,
    .timing = {.reply = 500ms, .gap = 50ms, .pause = 50ms, .tries = 3},
    .detection = {.rank = 60, .window = 220ms, .addresses = renogy::kUnits},
    .check = "crc",
    .sight = renogy::sight,
    .mismatch = renogy::mismatch,
    .describe = renogy::describe,
    .probe = renogy::probe,
    .open = renogy::open,
};

}  // namespace bms
