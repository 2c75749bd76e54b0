// Felicity Solar low-voltage batteries over Modbus: docs/protocols/felicity.md

#include "serialbattery/family.hpp"
#include "serialbattery/framing/modbus.hpp"

#include <algorithm>
#include <cmath>

namespace bms {
namespace felicity {
namespace {

constexpr std::size_t kCellSlots = 16;
constexpr std::size_t kSensorSlots = 4;
constexpr std::uint16_t kNotFitted = 0x7fff;

enum Register : std::uint16_t {
    kStatus = 0x1302,
    kFaultWord = 0x1304,
    kPack = 0x1306,
    kBoard = 0x130a,
    kLimits = 0x131c,
    kCells = 0x132a,
    kSensors = 0x133a,
    kSerial = 0xf804,
    kFirmware = 0xf80b,
};

constexpr auto kFields = std::to_array<Field>({
    {0x1302, Raw::flag16, 0, "charge_enable", &Battery::charge_fet, 0, 0},
    {0x1302, Raw::flag16, 0, "discharge_enable", &Battery::discharge_fet, 0, 2},
    {0x1304, Raw::u16be, 1, "fault", &Battery::alarm_word},
    {0x1306, Raw::u16be, 100, "voltage_V", &Battery::voltage_v},
    {0x1307, Raw::s16be, 1, "current_raw"},
    {0x1307, Raw::s16be, -10, "current_A", &Battery::current_a},  // + on the wire is discharge
    {0x130a, Raw::s16be, 1, "bms_temp_C"},
    {0x130b, Raw::u16be, 1, "soc_pct", &Battery::soc_pct},
    {0x131c, Raw::u16be, 100, "cvl_V", &Battery::charge_voltage_limit_v},
    {0x131d, Raw::u16be, 100, "dvl_V", &Battery::discharge_voltage_limit_v},
    {0x131e, Raw::u16be, 10, "ccl_A", &Battery::charge_current_limit_a},
    {0x131f, Raw::u16be, 10, "dcl_A", &Battery::discharge_current_limit_a},
    {0xf80b, Raw::u16be, 1, "firmware"},
});
static_assert(well_formed(kFields, 2));

constexpr auto kFaults = std::to_array<Flag>({
    {2, Alarm::high_cell_voltage},
    {3, Alarm::low_cell_voltage},
    {4, Alarm::high_charge_current},
    {5, Alarm::high_discharge_current},
    {6, Alarm::high_internal_temperature},
    // 8 and 9, cells too warm or too cold: by the direction of the current
});
static_assert(well_formed(kFaults));
constexpr std::uint32_t kHotBit = 1 << 8;
constexpr std::uint32_t kColdBit = 1 << 9;

Sight sight(Bytes bytes, Bytes asked) {
    return modbus::sight_read(bytes, asked, modbus::kReadHolding,
                              [](std::uint8_t unit) { return unit >= 1 && unit <= 247; });
}
std::optional<Fault> mismatch(Bytes frame, Bytes asked) {
    return modbus::mismatch(frame, asked);
}

// --------------------------------------------------------------------------------------------- decode

/// Cells of the slots that are fitted.
std::vector<std::uint16_t> fitted(std::vector<std::uint16_t> slots) {
    std::erase_if(slots, [](std::uint16_t mv) { return mv == kNotFitted || mv == 0; });
    return slots;
}

/// Five words printed in decimal, one after the other, without padding.
std::string serial(std::span<const std::uint16_t> parts) {
    std::string text;
    for (const auto part : parts) {
        text += std::to_string(part);
    }
    return text;
}

void describe(Bytes frame, Role role, const Context& context, Record& out) {
    const auto window = modbus::describe(frame, role, context, out);
    if (!window) {
        return;
    }
    load(kFields, *window, out);
    if (const auto words = modbus::words_at(*window, kSerial, 5)) {
        out.set("serial", serial(*words));
    }
    if (const auto slots = modbus::words_at(*window, kCells, kCellSlots)) {
        const auto cells = fitted(*slots);
        out.set("cell_count", cells.size());
        out.set("cells_mV", to_list(cells));
    }
    if (const auto slots = modbus::words_at(*window, kSensors, kSensorSlots)) {
        List sensors;
        for (const auto raw : *slots) {
            if (raw == kNotFitted) {
                sensors.emplace_back(nullptr);
            } else {
                sensors.emplace_back(int{wire::s16(raw)});
            }
        }
        out.set("temps_C", std::move(sensors));
    }
}

// -------------------------------------------------------------------------------------------- session

struct Block {
    std::uint16_t reg;
    std::uint16_t words;
    std::uint8_t every;  ///< polls, 0: once
};
constexpr auto kBlocks = std::to_array<Block>({
    {kFirmware, 1, 0},
    {kCells, kCellSlots + kSensorSlots, 1},
    {kPack, 2, 1},
    {kBoard, 2, 1},
    {kStatus, 3, 1},
    {kLimits, 4, 5},
    {kSerial, 5, 0},
});

class FelicitySession : public Session {
  public:
    explicit FelicitySession(std::uint8_t unit) : unit_(unit) {}

    void cycle(unsigned poll, Queries& out) override {
        for (std::size_t i = 0; i < kBlocks.size(); ++i) {
            const auto& block = kBlocks[i];
            const bool required = block.reg != kSerial && block.reg != kLimits;
            const bool due = block.every == 0 ? !answered_[i] && (required || poll < kIdentityPolls)
                                              : poll % block.every == 0;
            if (due) {
                out.push_back({.bytes = modbus::request(unit_, modbus::kReadHolding, block.reg, block.words),
                               .tag = static_cast<std::uint16_t>(i),
                               .required = required,
                               .tries = static_cast<std::uint8_t>(required ? 0 : 1)});
            }
        }
    }

    Taken take(const Query& query, Bytes frame, Queries&) override {
        const auto& block = kBlocks[query.tag];
        if (modbus::is_exception(frame)) {
            return Taken::refused;
        }
        answered_[query.tag] = true;
        const Payload window = registers(block.reg, modbus::data(frame));
        load_inside(kFields, window, battery_);
        switch (block.reg) {
            case kFirmware:
                battery_.firmware_version = std::to_string(*modbus::word_at(window, kFirmware));
                battery_.manufacturer = "Felicity";
                break;
            case kSerial:
                battery_.serial = serial(*modbus::words_at(window, kSerial, 5));
                battery_.unique_id = battery_.serial;
                break;
            case kCells:
                return take_cells(window);
            case kBoard:
                board_celsius_ = wire::s16(*modbus::word_at(window, kBoard));
                place_sensors();
                break;
            case kStatus:
                take_faults();
                break;
            default:
                break;
        }
        return Taken::done;
    }

    void missed(const Query& query) override {
        const auto& block = kBlocks[query.tag];
        if (block.every != 0) {
            forget(kFields, block.reg, block.words, battery_);
        }
        if (block.reg == kCells) {
            battery_.cells.clear();
            cell_sensors_.clear();
        } else if (block.reg == kStatus) {
            battery_.alarms.clear();
        }
    }

    /// Any Modbus slave may answer at address 1: enough plausible cells that sum up to the voltage.
    [[nodiscard]] Proof proof() const override {
        const auto sum = cell_sum(battery_);
        if (refuted_) {
            return Proof::refuted;
        }
        if (!sum || !battery_.voltage_v || battery_.firmware_version.empty()) {
            return Proof::pending;
        }
        const bool plausible =
            std::all_of(battery_.cells.begin(), battery_.cells.end(),
                        [](const Cell& cell) { return *cell.volts >= 2 && *cell.volts <= 4.5; });
        const bool agrees = adds_up(*sum, *battery_.voltage_v);
        return battery_.cells.size() >= 4 && plausible && agrees ? Proof::proven : Proof::refuted;
    }

  private:
    static constexpr unsigned kIdentityPolls = 5;

    Taken take_cells(const Payload& window) {
        const auto cells = fitted(*modbus::words_at(window, kCells, kCellSlots));
        if (cells.empty()) {
            refuted_ = true;
            return Taken::refused;
        }
        battery_.cell_count = static_cast<std::uint32_t>(cells.size());
        set_cells(battery_, cells);
        cell_sensors_ = *modbus::words_at(window, kSensors, kSensorSlots);
        place_sensors();
        return Taken::done;
    }

    void place_sensors() {
        battery_.temperatures.clear();
        for (const auto raw : cell_sensors_) {
            if (raw != kNotFitted) {
                battery_.temperatures.push_back({Place::cell, wire::s16(raw)});
            }
        }
        if (board_celsius_) {
            battery_.temperatures.push_back({Place::board, board_celsius_});
        }
    }

    void take_faults() {
        const auto word = battery_.alarm_word.value_or(0);
        const bool charging = battery_.current_a.value_or(0) > 0;
        battery_.alarms.clear();
        raise(kFaults, word, battery_.alarms);
        for (const auto alarm : {Alarm::high_charge_temperature, Alarm::high_temperature,
                                 Alarm::low_charge_temperature, Alarm::low_temperature}) {
            battery_.alarms.supports(alarm);
        }
        if ((word & kHotBit) != 0) {
            battery_.alarms.raise(charging ? Alarm::high_charge_temperature : Alarm::high_temperature,
                                  Level::alarm);
        }
        if ((word & kColdBit) != 0) {
            battery_.alarms.raise(charging ? Alarm::low_charge_temperature : Alarm::low_temperature,
                                  Level::alarm);
        }
    }

    std::uint8_t unit_;
    std::array<bool, kBlocks.size()> answered_{};
    std::vector<std::uint16_t> cell_sensors_;
    std::optional<double> board_celsius_;
    bool refuted_ = false;
};

std::unique_ptr<Session> open(std::uint8_t unit, const Options&) {
    return std::make_unique<FelicitySession>(unit);
}
Query probe(std::uint8_t unit) {
    return {.bytes = modbus::request(unit, modbus::kReadHolding, kFirmware, 1), .tag = 0};
}

constexpr auto kLines = std::to_array<Line>({{9600}});
constexpr auto kUnits = std::to_array<std::uint8_t>({1});

}  // namespace
}  // namespace felicity

extern const Family kFelicity;
constexpr Family kFelicity{
    .name = "felicity",
    .title = "Felicity",
    .lines = felicity::kLines,
    .first_address = 1,
    .last_address = 247,
    .timing = {.reply = 500ms, .gap = 50ms, .pause = 100ms, .tries = 3},
    .detection = {.rank = 55, .window = 220ms, .reading = 500ms, .addresses = felicity::kUnits},
    .check = "crc",
    .sight = felicity::sight,
    .mismatch = felicity::mismatch,
    .describe = felicity::describe,
    .probe = felicity::probe,
    .open = felicity::open,
};

}  // namespace bms
