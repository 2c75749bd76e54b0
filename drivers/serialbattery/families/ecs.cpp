// ECS GreenMeter with LiPro cell monitors over Modbus: docs/protocols/ecs.md

#include "serialbattery/family.hpp"
#include "serialbattery/framing/modbus.hpp"

#include <algorithm>
#include <cmath>

namespace bms {
namespace ecs {
namespace {

enum Register : std::uint16_t {
    kIdentity = 0,
    kProductionNumber = 2,
    kMaxCurrents = 30,
    kCapacity = 46,
    kLiproCell = 100,
    kTemperatures = 102,
    kVoltage = 108,
    kCurrent = 114,
    kSoc = 128,
    kStates = 130,
};

constexpr auto kFields = std::to_array<Field>({
    {kIdentity, Raw::u16be, 1, "id"},
    {kProductionNumber, Raw::u32be, 1, "production_number"},
    {kMaxCurrents, Raw::s16be, 1, "max_discharge_A"},  // in either sign
    {kMaxCurrents + 1, Raw::s16be, 1, "max_charge_A"},
    {kCapacity, Raw::u32be, 1000, "capacity_Ah", &Battery::capacity_ah},
    {kTemperatures, Raw::s16be, 100, "temp1_C"},
    {kTemperatures + 1, Raw::s16be, 100, "temp2_C"},
    {kVoltage, Raw::s32be, 1000, "voltage_V", &Battery::voltage_v},
    {kCurrent, Raw::s32be, 1000, "current_A", &Battery::current_a},
    {kSoc, Raw::u32be, 1000, "soc_pct", &Battery::soc_pct},
    {kStates, Raw::u16be, 1, "charge_state"},
    {kStates + 1, Raw::u16be, 1, "discharge_state"},
});
static_assert(well_formed(kFields, 2));

/// Registers whose words come in the wrong order, the low one first.
constexpr auto kLongs =
    std::to_array<std::uint16_t>({kProductionNumber, kCapacity, kVoltage, kCurrent, kSoc});

constexpr auto kLiproFields = std::to_array<Field>({
    {kLiproCell, Raw::u16be, 1, "cell_mV"},
    {kLiproCell + 1, Raw::s16be, 100, "temp_C"},
    {kLiproCell + 2, Raw::u16be, 1, "balancing_level"},
});
static_assert(well_formed(kLiproFields, 2));
constexpr std::uint16_t kLiproWords = 3;
constexpr unsigned kBalancingAbove = 50;

/// A state of the charging or the discharging side, and what it raises; 0 is "closed, all well".
struct StateAlarm {
    std::uint16_t state;
    Alarm alarm;
    Level level;
};
constexpr auto kChargeStates = std::to_array<StateAlarm>({
    {1, Alarm::high_voltage, Level::alarm},
    {2, Alarm::high_charge_current, Level::warning},
    {3, Alarm::high_charge_temperature, Level::warning},
    {4, Alarm::high_charge_temperature, Level::warning},
    {5, Alarm::low_charge_temperature, Level::warning},
    {6, Alarm::low_charge_temperature, Level::warning},
});
constexpr auto kDischargeStates = std::to_array<StateAlarm>({
    {1, Alarm::low_voltage, Level::alarm},
    {2, Alarm::high_discharge_current, Level::warning},
    {3, Alarm::high_temperature, Level::warning},
    {4, Alarm::high_temperature, Level::warning},
    {5, Alarm::low_temperature, Level::warning},
    {6, Alarm::low_temperature, Level::warning},
});

struct Meter {
    std::uint16_t id;
    std::string_view amperes;
};
constexpr auto kMeters = std::to_array<Meter>({{500, "500A"}, {501, "250A"}, {502, "125A"}});

std::string_view meter(std::uint16_t id) {
    const auto found =
        std::find_if(kMeters.begin(), kMeters.end(), [id](const Meter& m) { return m.id == id; });
    return found == kMeters.end() ? std::string_view() : found->amperes;
}
bool is_lipro(std::uint16_t id) {
    return id >= 100 && id <= 104;
}

Sight sight(Bytes bytes, Bytes asked) {
    return modbus::sight_read(bytes, asked, modbus::kReadHolding,
                              [](std::uint8_t unit) { return unit >= 1 && unit <= 247; });
}
std::optional<Fault> mismatch(Bytes frame, Bytes asked) {
    return modbus::mismatch(frame, asked);
}

// --------------------------------------------------------------------------------------------- decode

/// The registers of an answer with the words of its long ones put right. The high word of the state of charge is
/// FFFF where the low one says it all.
wire::Buffer in_order(std::uint16_t first, Bytes answer) {
    const Bytes data = modbus::data(answer);
    wire::Buffer out(data.begin(), data.end());
    const Payload window = registers(first, data);
    for (const auto reg : kLongs) {
        if (const auto at = window.locate(reg, 4)) {
            auto low = out.begin() + static_cast<std::ptrdiff_t>(*at);
            std::swap_ranges(low, low + 2, low + 2);
            if (reg == kSoc && wire::be16(out, *at) == 0xffff) {
                std::fill_n(low, 2, std::uint8_t{0});
            }
        }
    }
    return out;
}

void raise_states(std::uint16_t charge, std::uint16_t discharge, Alarms& alarms) {
    const auto raise_side = [&alarms](std::span<const StateAlarm> table, std::uint16_t state) {
        for (const auto& row : table) {
            alarms.raise(row.alarm, row.state == state ? row.level : Level::ok);
        }
    };
    raise_side(kChargeStates, charge);
    raise_side(kDischargeStates, discharge);
}

void describe(Bytes frame, Role role, const Context& context, Record& out) {
    out.set("address", int{frame[0]});
    out.set("fc", int{frame[1] & 0x7f});
    if (role == Role::request) {
        out.set("start", int{wire::be16(frame, 2)});
        out.set("count", int{wire::be16(frame, 4)});
        return;
    }
    if (modbus::is_exception(frame)) {
        out.set("exception", int{frame[2]});
        return;
    }
    out.set("byte_count", int{frame[2]});
    const auto asked = modbus::parse_read(context.asked);
    if (!asked) {
        return;
    }
    const auto words = in_order(asked->reg, frame);
    const Payload window = registers(asked->reg, words);
    if (asked->reg == kLiproCell) {
        load(kLiproFields, window, out);
        if (const auto level = modbus::word_at(window, kLiproCell + 2)) {
            out.set("balancing", *level > kBalancingAbove);
        }
        return;
    }
    load(kFields, window, out);
    if (const auto id = modbus::word_at(window, kIdentity)) {
        if (!meter(*id).empty()) {
            out.set("meter", meter(*id));
        }
        out.set("lipro", is_lipro(*id));
    }
    if (const auto states = modbus::words_at(window, kStates, 2)) {
        Alarms alarms;
        raise_states((*states)[0], (*states)[1], alarms);
        out.set("charge_fet", (*states)[0] == 0);
        out.set("discharge_fet", (*states)[1] == 0);
        out.set("venus", venus(alarms));
    }
}

// -------------------------------------------------------------------------------------------- session

struct Block {
    std::uint16_t reg;
    std::uint16_t words;
    bool once;
    bool required;
};
constexpr auto kBlocks = std::to_array<Block>({
    {kIdentity, 1, true, true},
    {kVoltage, 2, false, true},
    {kCurrent, 2, false, true},
    {kSoc, 2, false, true},
    {kStates, 2, false, true},
    {kTemperatures, 2, false, false},
    {kProductionNumber, 2, true, false},
    {kMaxCurrents, 2, true, false},
    {kCapacity, 2, true, false},
});

constexpr unsigned kMostLipros = 24;
constexpr unsigned kSearchPolls = 60;  ///< to the next look for a monitor behind the last known one
constexpr auto kSearchReply = 60ms;    ///< the devices answer within 50 ms
constexpr std::uint16_t kSearchTag = 0x100;
constexpr std::uint16_t kCellTag = 0x200;

class EcsSession : public Session {
  public:
    EcsSession(std::uint8_t unit, const Options& options)
        : unit_(unit), first_monitor_(options.first_monitor ? *options.first_monitor : unit + 1u) {}

    void cycle(unsigned poll, Queries& out) override {
        for (std::size_t i = 0; i < kBlocks.size(); ++i) {
            const auto& block = kBlocks[i];
            if (!block.once || !answered_[i]) {
                out.push_back({.bytes = modbus::request(unit_, modbus::kReadHolding, block.reg, block.words),
                               .tag = static_cast<std::uint16_t>(i),
                               .required = block.required,
                               .tries = static_cast<std::uint8_t>(block.required ? 0 : 1)});
            }
        }
        for (std::size_t i = 0; i < lipros_.size(); ++i) {
            ask_lipro(kCellTag, i, out);
        }
        if (poll % kSearchPolls == 0) {
            ask_lipro(kSearchTag, lipros_.size(), out);
        }
    }

    Taken take(const Query& query, Bytes frame, Queries& follow) override {
        if (modbus::is_exception(frame)) {
            missed(query);
            return Taken::refused;
        }
        if (query.tag >= kCellTag) {
            take_cell(query.tag - kCellTag, registers(kLiproCell, modbus::data(frame)));
            return Taken::done;
        }
        if (query.tag >= kSearchTag) {
            // Monitors stand one behind the other: where one is there may be a next.
            if (is_lipro(wire::be16(modbus::data(frame), 0)) && lipros_.size() < kMostLipros) {
                lipros_.emplace_back();
                ask_lipro(kCellTag, lipros_.size() - 1, follow);
                ask_lipro(kSearchTag, lipros_.size(), follow);
            } else {
                searched_ = true;
            }
            return Taken::done;
        }
        answered_[query.tag] = true;
        const auto reg = kBlocks[query.tag].reg;
        const auto words = in_order(reg, frame);
        const Payload window = registers(reg, words);
        load_inside(kFields, window, battery_);
        take_block(reg, window);
        return Taken::done;
    }

    void missed(const Query& query) override {
        if (query.tag >= kCellTag) {
            lipros_[query.tag - kCellTag] = {};
            place_cells();
        } else if (query.tag >= kSearchTag) {
            searched_ = true;
        } else if (!kBlocks[query.tag].once) {
            const auto& block = kBlocks[query.tag];
            forget(kFields, block.reg, block.words, battery_);
            if (block.reg == kTemperatures) {
                battery_.temperatures.clear();
            } else if (block.reg == kStates) {
                battery_.alarms.clear();
                battery_.charge_fet.reset();
                battery_.discharge_fet.reset();
            }
        }
    }

    /// Nothing else is known to speak Modbus with even parity and to have one of three numbers in register 0.
    [[nodiscard]] Proof proof() const override {
        if (refuted_) {
            return Proof::refuted;
        }
        return !battery_.model.empty() && battery_.voltage_v ? Proof::proven : Proof::pending;
    }
    [[nodiscard]] bool complete() const override {
        return proof() == Proof::proven && battery_.soc_pct && battery_.current_a && battery_.charge_fet
               && searched_;
    }

  private:
    struct Lipro {
        std::optional<double> volts;
        bool balancing = false;
    };

    /// The monitors have addresses one behind the other.
    void ask_lipro(std::uint16_t tag, std::size_t i, Queries& out) const {
        const bool search = tag == kSearchTag;
        out.push_back(
            {.bytes = modbus::request(first_monitor_ + static_cast<unsigned>(i), modbus::kReadHolding,
                                      search ? kIdentity : kLiproCell, search ? 1 : kLiproWords),
             .tag = static_cast<std::uint16_t>(tag + i),
             .required = false,
             .tries = 2,
             .reply = search ? kSearchReply : 0ms});
    }

    void take_block(std::uint16_t reg, const Payload& window) {
        const auto word = [&window](std::size_t i) { return wire::be16(window.bytes, 2 * i); };
        switch (reg) {
            case kIdentity:
                refuted_ = meter(word(0)).empty();
                battery_.manufacturer = "ECS";
                battery_.model = refuted_ ? std::string() : "GreenMeter " + std::string(meter(word(0)));
                break;
            case kProductionNumber:
                battery_.serial = std::to_string(wire::be32(window.bytes, 0));
                battery_.unique_id = battery_.serial;
                break;
            case kMaxCurrents:
                battery_.discharge_current_limit_a = std::abs(wire::s16(word(0)));
                battery_.charge_current_limit_a = std::abs(wire::s16(word(1)));
                break;
            case kTemperatures:
                battery_.temperatures = {{Place::cell, wire::s16(word(0)) / 100.0},
                                         {Place::cell, wire::s16(word(1)) / 100.0}};
                break;
            case kStates:
                battery_.charge_fet = word(0) == 0;
                battery_.discharge_fet = word(1) == 0;
                battery_.alarms.clear();
                raise_states(word(0), word(1), battery_.alarms);
                break;
            default:
                break;
        }
    }

    void take_cell(std::size_t i, const Payload& window) {
        lipros_[i] = {*modbus::word_at(window, kLiproCell) / 1000.0,
                      *modbus::word_at(window, kLiproCell + 2) > kBalancingAbove};
        place_cells();
    }

    /// Cells are shown when they are all there: when they add up to the voltage.
    void place_cells() {
        double sum = 0;
        std::vector<Cell> cells;
        for (const auto& lipro : lipros_) {
            cells.push_back({lipro.volts, lipro.balancing});
            sum += lipro.volts.value_or(0);
        }
        const double volts = battery_.voltage_v.value_or(0);
        if (!adds_up(sum, volts)) {
            cells.clear();
        }
        battery_.cell_count =
            cells.empty() ? std::nullopt : std::optional(static_cast<std::uint32_t>(cells.size()));
        battery_.cells = std::move(cells);
    }

    std::uint8_t unit_;
    unsigned first_monitor_;
    std::array<bool, kBlocks.size()> answered_{};
    std::vector<Lipro> lipros_;
    bool searched_ = false;  ///< all monitors there are have been found
    bool refuted_ = false;
};

std::unique_ptr<Session> open(std::uint8_t unit, const Options& options) {
    return std::make_unique<EcsSession>(unit, options);
}
Query probe(std::uint8_t unit) {
    return {.bytes = modbus::request(unit, modbus::kReadHolding, kIdentity, 1), .tag = 0};
}

constexpr auto kLines = std::to_array<Line>({{19200, Parity::even}});
constexpr auto kUnits = std::to_array<std::uint8_t>({1});

}  // namespace
}  // namespace ecs

extern const Family kEcs;
constexpr Family kEcs{
    .name = "ecs",
    .title = "ECS GreenMeter",
    .lines = ecs::kLines,
    .first_address = 1,
    .last_address = 200,
    .timing = {.reply = 200ms, .gap = 30ms, .pause = 10ms, .tries = 3},
    .detection = {.rank = 92, .window = 100ms, .addresses = ecs::kUnits},
    .report = Report::counted,
    .sight = ecs::sight,
    .mismatch = ecs::mismatch,
    .describe = ecs::describe,
    .probe = ecs::probe,
    .open = ecs::open,
};

}  // namespace bms
