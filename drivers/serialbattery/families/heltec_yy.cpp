// "Heltec Smart BMS" (YanYang/YYBMS) over Modbus: docs/protocols/heltec_yy.md
//
// The registers are a little-endian memory dump: two bytes per register in the order of their addresses.

#include "serialbattery/family.hpp"
#include "serialbattery/framing/modbus.hpp"

#include <algorithm>
#include <cmath>

namespace bms {
namespace heltec_yy {
namespace {

constexpr unsigned kMaxCells = 31;  ///< registers 81..111
constexpr double kCelsiusZero = 40;

enum Register : std::uint16_t {
    kSerial = 2,
    kTypeName = 7,
    kHardware = 38,
    kProduction = 39,
    kDeviceName = 41,
    kCellCount = 75,
    kVoltage = 76,
    kCurrent = 78,
    kCells = 81,
    kTemperatures = 112,
    kRated = 118,
    kCharge = 120,
    kLearned = 126,
    kBalancing = 139,
    kRunState = 152,
    kWarnings = 156,
    kCellMaximum = 169,
    kCellMinimum = 172,
    kMaxChargeCurrent = 191,
    kMaxDischargeCurrent = 194,
};
constexpr std::uint16_t kTypeWords = 13;

/// `at` is the register; u8 is its first byte, low8 its second.
constexpr auto kFields = std::to_array<Field>({
    {75, Raw::u8, 1, "cell_count", &Battery::cell_count},
    {75, Raw::low8, 1, "cell_type"},  // 0 NMC, 1 LFP, 2 LTO
    {76, Raw::u32le, 1000, "voltage_V", &Battery::voltage_v},
    {78, Raw::s32le, -100, "current_A", &Battery::current_a},  // + on the wire is discharge
    {112, Raw::u8, 1, "balancer_temp_C", {}, kCelsiusZero},
    {112, Raw::low8, 1, "mos_temp_C", {}, kCelsiusZero},
    {113, Raw::u8, 1, "temp2_C", {}, kCelsiusZero},
    {113, Raw::low8, 1, "temp1_C", {}, kCelsiusZero},
    {118, Raw::u16le, 10, "rated_Ah", &Battery::capacity_ah},
    {119, Raw::u16le, 10, "actual_Ah", &Battery::remaining_ah},
    {120, Raw::u8, 1, "soc_pct", &Battery::soc_pct},
    {120, Raw::low8, 1, "soh_pct", &Battery::soh_pct},
    {126, Raw::u16le, 10, "learned_Ah", &Battery::full_ah},
    {169, Raw::u16le, 1000, "", &Battery::cell_overvoltage_v},
    {172, Raw::u16le, 1000, "", &Battery::cell_undervoltage_v},
    {191, Raw::u16le, 100, "", &Battery::charge_current_limit_a},
    {194, Raw::u16le, 100, "", &Battery::discharge_current_limit_a},
});
static_assert(well_formed(kFields, 2));

constexpr std::uint8_t kChargeBlocked = 28;
constexpr std::uint8_t kDischargeBlocked = 29;

constexpr auto kWarningFlags = std::to_array<Flag>({
    {0, Alarm::high_cell_voltage},
    {1, Alarm::low_cell_voltage},
    {3, Alarm::high_voltage},
    {4, Alarm::low_voltage},
    {5, Alarm::high_charge_current},
    {6, Alarm::high_discharge_current, Level::warning},
    {7, Alarm::high_discharge_current},
    {8, Alarm::high_discharge_current},  // short circuit
    {9, Alarm::high_charge_temperature},
    {10, Alarm::low_charge_temperature},
    {11, Alarm::high_temperature},
    {12, Alarm::low_temperature},
    {13, Alarm::high_internal_temperature},
    {14, Alarm::low_soc},
    {15, Alarm::high_voltage, Level::warning},  // full
});
static_assert(well_formed(kWarningFlags));
constexpr std::uint32_t kOtherFaults = 0xffff0000;

Sight sight(Bytes bytes, Bytes asked) {
    return modbus::sight_read(bytes, asked, modbus::kReadHolding,
                              [](std::uint8_t unit) { return unit >= 1 && unit <= 247; });
}
std::optional<Fault> mismatch(Bytes frame, Bytes asked) {
    return modbus::mismatch(frame, asked);
}

// --------------------------------------------------------------------------------------------- decode

std::optional<std::uint32_t> long_at(const Payload& window, std::uint16_t reg) {
    const auto at = window.locate(reg, 4);
    return at ? std::optional(wire::le32(window.bytes, *at)) : std::nullopt;
}
/// Cells of a window that begins with the first of them.
std::vector<std::uint16_t> cells(const Payload& window) {
    if (window.origin != kCells) {
        return {};
    }
    return words(window.bytes, {std::min<std::size_t>(window.bytes.size() / 2, kMaxCells), false});
}
Date production(std::uint32_t word) {
    return {static_cast<std::uint16_t>(word), static_cast<std::uint8_t>(word >> 24),
            static_cast<std::uint8_t>(word >> 16)};
}
void raise_warnings(std::uint32_t word, Alarms& alarms) {
    alarms.clear();
    raise(kWarningFlags, word, alarms);
    alarms.raise(Alarm::internal_failure, (word & kOtherFaults) != 0 ? Level::alarm : Level::ok);
}

void describe(Bytes frame, Role role, const Context& context, Record& out) {
    const auto window = modbus::describe(frame, role, context, out);
    if (!window) {
        return;
    }
    load(kFields, *window, out);
    if (const auto values = cells(*window); !values.empty()) {
        out.set("cells_mV", to_list(values));
    }
    if (const auto word = long_at(*window, kProduction)) {
        out.set("production", to_text(production(*word)));
    }
    if (const auto word = long_at(*window, kBalancing)) {
        out.set("balancing_cells", set_bits(*word));
    }
    if (const auto word = long_at(*window, kRunState)) {
        out.set("charge_fet", (*word >> kChargeBlocked & 1) == 0);
        out.set("discharge_fet", (*word >> kDischargeBlocked & 1) == 0);
    }
    if (const auto word = long_at(*window, kWarnings)) {
        Alarms alarms;
        raise_warnings(*word, alarms);
        out.set("warnings", static_cast<std::int64_t>(*word));
        out.set("alarms", venus(alarms));
    }
    if (window->origin == kTypeName) {
        out.set("text", wire::ascii(window->bytes));
    }
}

// -------------------------------------------------------------------------------------------- session

/// Registers read one by one: whether larger blocks are allowed is unknown. `every` in polls, 0: once.
struct Item {
    std::uint16_t reg;
    std::uint16_t words;
    std::uint8_t every;
    bool required;
};
constexpr auto kItems = std::to_array<Item>({
    {kTypeName, kTypeWords, 0, true}, {kVoltage, 2, 1, true},
    {kCellCount, 1, 0, true},         {kCells, 0, 1, true},  // as many as there are cells
    {kCurrent, 2, 1, true},           {kCharge, 1, 1, true},
    {kWarnings, 2, 1, false},         {kRunState, 2, 2, false},
    {kTemperatures, 2, 3, false},     {kBalancing, 2, 3, false},
    {kRated, 2, 10, false},           {kLearned, 1, 60, false},
    {kSerial, 4, 0, false},           {kHardware, 1, 0, false},
    {kProduction, 2, 0, false},       {kDeviceName, 6, 0, false},
    {kCellMaximum, 1, 0, false},      {kCellMinimum, 1, 0, false},
    {kMaxChargeCurrent, 1, 0, false}, {kMaxDischargeCurrent, 1, 0, false},
});

constexpr std::size_t kCellsItem = 3;
static_assert(kItems[kCellsItem].reg == kCells);

class HeltecSession : public Session {
  public:
    explicit HeltecSession(std::uint8_t unit) : unit_(unit) {}

    void cycle(unsigned poll, Queries& out) override {
        for (std::size_t i = 0; i < kItems.size(); ++i) {
            const auto& item = kItems[i];
            const bool due = item.every == 0 ? !answered_[i] && (item.required || poll < kIdentityPolls)
                                             : poll % item.every == 0;
            if (due) {
                ask(i, out);
            }
        }
    }

    Taken take(const Query& query, Bytes frame, Queries& follow) override {
        if (modbus::is_exception(frame)) {
            answered_[query.tag] = true;
            return Taken::refused;
        }
        const auto& item = kItems[query.tag];
        const Payload window = registers(item.reg, modbus::data(frame));
        load_inside(kFields, window, battery_);
        if (!take_item(item.reg, window)) {
            refuted_ = true;
            return Taken::refused;
        }
        if (item.reg == kCellCount && battery_.cells.empty()) {
            ask(kCellsItem, follow);
        }
        answered_[query.tag] = true;
        return Taken::done;
    }

    void missed(const Query& query) override {
        const auto& item = kItems[query.tag];
        if (item.every != 0) {
            forget(kFields, item.reg, item.words, battery_);
        }
        if (item.reg == kCells) {
            battery_.cells.clear();
        } else if (item.reg == kWarnings) {
            battery_.alarms.clear();
            battery_.alarm_word.reset();
        } else if (item.reg == kTemperatures) {
            battery_.temperatures.clear();
        } else if (item.reg == kRunState) {
            battery_.charge_fet.reset();
            battery_.discharge_fet.reset();
        }
    }

    /// Any Modbus slave may answer: a readable type, a sane cell count and cells that sum up to the voltage.
    [[nodiscard]] Proof proof() const override {
        if (refuted_) {
            return Proof::refuted;
        }
        const auto sum = cell_sum(battery_);
        if (!sum || !battery_.voltage_v || battery_.model.empty()) {
            return Proof::pending;
        }
        return adds_up(*sum, *battery_.voltage_v) ? Proof::proven : Proof::refuted;
    }

  private:
    static constexpr unsigned kIdentityPolls = 5;

    void ask(std::size_t i, Queries& out) const {
        const auto& item = kItems[i];
        const auto count = item.reg == kCells ? battery_.cell_count.value_or(0) : item.words;
        if (count > 0) {
            out.push_back({.bytes = modbus::request(unit_, modbus::kReadHolding, item.reg, count),
                           .tag = static_cast<std::uint16_t>(i),
                           .required = item.required,
                           .tries = static_cast<std::uint8_t>(item.required ? 4 : 2)});
        }
    }

    /// False when the answer is nothing such a board would say.
    bool take_item(std::uint16_t reg, const Payload& window) {
        switch (reg) {
            case kTypeName:
                battery_.model = wire::ascii(window.bytes);
                battery_.manufacturer = "Heltec";
                return !battery_.model.empty();
            case kCellCount:
                return *battery_.cell_count >= 1 && *battery_.cell_count <= kMaxCells && window.bytes[1] <= 2;
            case kCells:
                set_cells(battery_, cells(window));
                return true;
            case kTemperatures:
                take_temperatures(window.bytes);
                return true;
            case kBalancing:
                set_balancing(battery_, *long_at(window, reg));
                return true;
            case kRunState:
                battery_.status_word = long_at(window, reg);
                battery_.charge_fet = (*battery_.status_word >> kChargeBlocked & 1) == 0;
                battery_.discharge_fet = (*battery_.status_word >> kDischargeBlocked & 1) == 0;
                return true;
            case kWarnings:
                battery_.alarm_word = long_at(window, reg);
                raise_warnings(*battery_.alarm_word, battery_.alarms);
                return true;
            default:
                take_identity(reg, window);
                return true;
        }
    }

    void take_temperatures(Bytes bytes) {
        const auto celsius = [bytes](std::size_t i) { return bytes[i] - kCelsiusZero; };
        battery_.temperatures = {{Place::cell, celsius(3)},
                                 {Place::cell, celsius(2)},
                                 {Place::mosfet, celsius(1)},
                                 {Place::balancer, celsius(0)}};
    }

    void take_identity(std::uint16_t reg, const Payload& window) {
        if (reg == kSerial) {
            battery_.serial = wire::to_hex(window.bytes.first(2));
            for (std::size_t i = 2; i < 8; i += 2) {
                battery_.serial += '-';
                battery_.serial += wire::to_hex(window.bytes.subspan(i, 2));
            }
            battery_.unique_id = battery_.serial;
        } else if (reg == kHardware) {
            battery_.hardware_version = std::to_string(window.bytes[0]);
        } else if (reg == kDeviceName) {
            battery_.device_name = wire::ascii(window.bytes);
        } else if (reg == kProduction) {
            const auto date = production(*long_at(window, reg));
            battery_.production = date.valid() ? std::optional(date) : std::nullopt;
        }
    }

    std::uint8_t unit_;
    std::array<bool, kItems.size()> answered_{};
    bool refuted_ = false;
};

std::unique_ptr<Session> open(std::uint8_t unit, const Options&) {
    return std::make_unique<HeltecSession>(unit);
}
Query probe(std::uint8_t unit) {
    return {.bytes = modbus::request(unit, modbus::kReadHolding, kTypeName, kTypeWords), .tag = 0};
}

constexpr auto kLines = std::to_array<Line>({{9600}});
constexpr auto kUnits = std::to_array<std::uint8_t>({1});

}  // namespace
}  // namespace heltec_yy

extern const Family kHeltecYy;
constexpr Family kHeltecYy{
    .name = "heltec_yy",
    .title = "Heltec / YanYang",
    .lines = heltec_yy::kLines,
    .first_address = 1,
    .last_address = 247,
    .timing = {.reply = 400ms, .gap = 50ms, .pause = 30ms, .tries = 4},
    .detection = {.rank = 70, .window = 400ms, .reading = 500ms, .addresses = heltec_yy::kUnits},
    .check = "crc",
    .sight = heltec_yy::sight,
    .mismatch = heltec_yy::mismatch,
    .describe = heltec_yy::describe,
    .probe = heltec_yy::probe,
    .open = heltec_yy::open,
};

}  // namespace bms
