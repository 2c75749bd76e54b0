// Seplos boards of the third generation over Modbus: docs/protocols/seplos3.md

#include "serialbattery/families/seplos3_layout.hpp"
#include "serialbattery/family.hpp"
#include "serialbattery/framing/modbus_frames.hpp"

#include <cmath>
#include <string>

namespace bms {
namespace seplos3 {
namespace {

// ----------------------------------------------------------------------------------------------
// frame

bool is_unit(std::uint8_t unit) {
    return unit < 0x80 || (unit >= 0xb0 && unit <= 0xc0) || unit == 0xe0;
}

Sight sight(Bytes bytes, Bytes asked) {
    if (!bytes.empty() && !is_unit(bytes[0])) {
        return Sight::no();
    }
    if (bytes.size() < 2) {
        return Sight::needs(5);
    }
    const std::uint8_t function = bytes[1] & 0x7f;
    if (function == modbus::kWriteMany) {
        return modbus::sight_write(bytes);
    }
    if (function != modbus::kReadCoils && function != modbus::kReadInput) {
        return Sight::no();
    }
    return modbus::sight_read(bytes, asked, function, is_unit);
}
std::optional<Fault> mismatch(Bytes frame, Bytes asked) {
    const bool write = asked.size() > 8 && asked[1] == modbus::kWriteMany;
    return write ? modbus::mismatch_write(frame, asked) : modbus::mismatch(frame, asked);
}

// ---------------------------------------------------------------------------------------------
// decode

/// The register an answer begins with, by what was asked; else by its length,
/// as far as that tells.
std::optional<std::uint16_t> register_of(Bytes frame, Bytes asked) {
    if (const auto request = modbus::parse_read(asked)) {
        return request->reg;
    }
    const Bytes data = modbus::data(frame);
    const bool coils = frame[1] == modbus::kReadCoils;
    switch (data.size()) {
        case kPackEventBytes:
            return coils ? std::optional<std::uint16_t>(kPic) : std::nullopt;
        case kStackEventBytes:
            return coils ? std::optional<std::uint16_t>(kEic) : std::nullopt;
        case 20:
        case 102:
            return kVia;
        case 34:
        case 36:
            return kPia;
        case 44:
            return kEib;
        case 52:  // no stack has more than 655 V
            return wire::be16(data, 2) == 0 ? kEia : kPib;
        case 72:
            return kPct;
        default:
            return std::nullopt;
    }
}

void describe_texts(std::span<const Text> texts, Bytes data, Record& out) {
    for (const auto& text : texts) {
        if (text.at + text.size <= data.size()) {
            out.set(text.key, seplos_text(data, text));
        }
    }
}

void describe_cells(const Payload& window, Record& out) {
    const auto cells = modbus::words_at(window, kCells, kCellSlots);
    const auto sensors = modbus::words_at(window, kSensors, kSensorSlots);
    const auto reserved = modbus::words_at(window, kReservedSensors, kSensorSlots);
    if (!cells || !sensors || !reserved) {
        return;
    }
    out.set("cells_mV", to_list(*cells));
    out.set("temps_cell_dK", to_list(*sensors));
    List celsius;
    for (const auto raw : *sensors) {
        celsius.emplace_back((raw - kKelvin) / 10);
    }
    out.set("temps_cell_C", std::move(celsius));
    out.set("temps_reserved_dK", to_list(*reserved));
}

void describe_events(Bytes data, Record& out) {
    if (data.size() != kPackEventBytes && data.size() != kStackEventBytes) {
        return;
    }
    if (data.size() == kPackEventBytes) {
        out.set("balance_mask", int{wire::le16(data, kBalanceAt)});
    }
    const Bytes events = data.last(kStackEventBytes);
    load(kEventFields, {events}, out);
    out.set("venus", venus(alarms_of(events)));
}

void describe(Bytes frame, Role role, const Context& context, Record& out) {
    if (!modbus::describe_frame(frame, role, context, out)) {
        return;
    }
    const Bytes data = modbus::data(frame);
    const auto reg = register_of(frame, context.asked);
    if (frame[1] == modbus::kReadCoils) {
        describe_events(data, out);
    } else if (reg == kVia) {
        describe_texts(kIdentityTexts, data, out);
    } else if (reg == kEia) {
        const auto ordered = in_order(data);
        load(kStackFields, registers(kEia, ordered), out);
    } else if (reg) {
        const auto window = registers(*reg, data);
        load(kFields, window, out);
        load(kExtremeFields, window, out);
        describe_cells(window, out);
        if (reg == kPct) {
            describe_texts(kInverterTexts, data, out);
        }
    }
    if (frame[1] == modbus::kReadInput && (data.size() == 106 || !reg)) {
        out.set("registers", to_list(words(data, {data.size() / 2})));
    }
}

// --------------------------------------------------------------------------------------------
// session

struct Block {
    std::uint16_t reg;
    std::uint16_t count;
    std::uint8_t every;  ///< polls, 0: until it was answered, in the first polls only
    bool required;
};
constexpr auto kBlocks = std::to_array<Block>({
    {kVia, 10, 0, true},
    {kPia, 17, 1, true},
    {kPib, 26, 1, true},
    {kPic, 144, 1, false},
    {kEia, 26, 5, false},  // of unit 0 only
    {kVia, 51, 0, false},
    {kSpa, 53, 0, false},
    {kSpaHalf, 53, 0, false},
});
constexpr std::uint16_t kEventBlock = 3;   ///< index of the events
constexpr std::uint16_t kWriteTag = 0x80;  ///< behind every index

class Seplos3Session : public Session {
  public:
    explicit Seplos3Session(std::uint8_t unit) : unit_(unit) {}

    void cycle(unsigned poll, Queries& out) override {
        for (std::size_t i = 0; i < kBlocks.size(); ++i) {
            const auto& block = kBlocks[i];
            const bool due = block.every == 0 ? !answered_[i] && (block.required || poll < kOncePolls)
                                              : poll % block.every == 0;
            if (due && (block.reg != kEia || unit_ == 0)) {
                out.push_back(query(static_cast<std::uint16_t>(i)));
            }
        }
    }

    Taken take(const Query& query, Bytes frame, Queries&) override {
        if (query.tag == kWriteTag) {
            return modbus::is_exception(frame) ? Taken::refused : Taken::done;
        }
        answered_[query.tag] = true;
        if (modbus::is_exception(frame)) {
            missed(query);
            return Taken::refused;
        }
        return take_block(kBlocks[query.tag].reg, modbus::data(frame)) ? Taken::done : Taken::refused;
    }

    void missed(const Query& query) override {
        if (query.tag == kWriteTag) {
            return;
        }
        const auto& block = kBlocks[query.tag];
        if (block.every != 0) {
            forget(kFields, block.reg, block.count, battery_);
        }
        if (block.reg == kPib) {
            battery_.cells.clear();
            battery_.temperatures.clear();
        } else if (block.reg == kPic) {
            forget(kEventFields, battery_);
            battery_.alarms.clear();
            battery_.balancing.reset();
            balance_mask_.reset();
            for (auto& cell : battery_.cells) {
                cell.balancing.reset();
            }
        }
    }

    /// The first pack of a stack asks the others: what it reads of this one.
    bool overheard(Bytes frame, Bytes request) override {
        const auto asked = modbus::parse_read(request);
        if (!asked || asked->address != unit_ || modbus::is_exception(frame) || mismatch(frame, request)) {
            return false;
        }
        const bool live = asked->reg == kPia || asked->reg == kPib;
        const bool taken = take_block(asked->reg, modbus::data(frame)) && live;
        listened_ = listened_ || taken;
        return taken;
    }

    bool control(const Command& command, Queries& out) override {
        std::uint16_t reg = kDischargeFet;
        if (command.control == Control::charge) {
            reg = command.on() ? kChargeFetOn : kChargeFetOff;
        } else if (command.control != Control::discharge) {
            return false;
        }
        const std::uint16_t value = command.on() ? kOn : kOff;
        out.push_back(
            {.bytes = modbus::write_words(unit_, reg, std::span(&value, 1)), .tag = kWriteTag, .tries = 1});
        auto events = query(kEventBlock);
        events.required = true;
        events.pause = 300ms;
        out.push_back(events);
        return true;
    }

    /// The maker's name, and cells; of a pack that is only listened to, its
    /// summary must agree with its cells.
    [[nodiscard]] Proof proof() const override {
        if (refuted_) {
            return Proof::refuted;
        }
        const bool read = battery_.voltage_v && !battery_.cells.empty();
        const bool agree = listened_ && cell_sum(battery_) && !implausible(battery_);
        return read && (named_ || agree) ? Proof::proven : Proof::pending;
    }

  private:
    static constexpr unsigned kOncePolls = 5;
    static constexpr double kEnoughAmperes = 3;  ///< to tell the scales of the current apart

    [[nodiscard]] Query query(std::uint16_t index) const {
        const auto& block = kBlocks[index];
        const bool coils = block.reg == kPic;
        return {.bytes = modbus::request(unit_, coils ? modbus::kReadCoils : modbus::kReadInput, block.reg,
                                         block.count),
                .tag = index,
                .required = block.required,
                .tries = static_cast<std::uint8_t>(block.every == 0 && !block.required ? 1 : 0)};
    }

    bool take_block(std::uint16_t reg, Bytes data) {
        const Payload window = registers(reg, data);
        switch (reg) {
            case kVia:
                return take_identity(data);
            case kPic:
                return take_events(data);
            case kEia:
                compare_current(data);
                return true;
            case kPib:
                return take_cells(window);
            case kPia:
                load_inside(kFields, window, battery_);
                measured_a_ = battery_.current_a;
                if (measured_a_ && tenfold_) {
                    battery_.current_a = 10 * *measured_a_;
                }
                return true;
            default:
                load_inside(kFields, window, battery_);
                return true;
        }
    }

    bool take_identity(Bytes data) {
        if (!seplos_text(data, kIdentityTexts[0]).starts_with("XZH")) {
            refuted_ = true;
            return false;
        }
        named_ = true;
        battery_.manufacturer = "Seplos";
        battery_.model = seplos_text(data, kIdentityTexts[1]);
        battery_.firmware_version = seplos_text(data, kIdentityTexts[2]);
        const auto board = seplos_text(data, kIdentityTexts[3]);
        const auto pack = seplos_text(data, kIdentityTexts[4]);
        battery_.serial = pack.empty() ? board : pack;
        battery_.unique_id = battery_.serial;
        return true;
    }

    bool take_cells(const Payload& window) {
        auto cells = modbus::words_at(window, kCells, kCellSlots);
        const auto sensors = modbus::words_at(window, kSensors, kSensorSlots);
        if (!cells || !sensors) {
            return false;
        }
        while (!cells->empty() && cells->back() == 0) {
            cells->pop_back();  // not fitted
        }
        set_cells(battery_, *cells);
        if (balance_mask_) {
            set_balancing(battery_, *balance_mask_);
        }
        battery_.cell_count = static_cast<std::uint32_t>(cells->size());
        battery_.temperatures.clear();
        for (const auto raw : *sensors) {
            place_sensor(Place::cell, raw);
        }
        if (const auto ambient = modbus::word_at(window, kAmbient)) {
            place_sensor(Place::ambient, *ambient);
        }
        if (const auto power = modbus::word_at(window, kPower)) {
            place_sensor(Place::mosfet, *power);
        }
        return true;
    }
    void place_sensor(Place place, std::uint16_t raw) {
        const double celsius = (raw - kKelvin) / 10;
        battery_.temperatures.push_back({place, celsius > kNoSensor ? std::optional(celsius) : std::nullopt});
    }

    bool take_events(Bytes data) {
        if (data.size() != kPackEventBytes) {
            return false;
        }
        const Bytes events = data.subspan(kCellEventBytes);
        load(kEventFields, {events}, battery_);
        battery_.alarms = alarms_of(events);
        balance_mask_ = wire::le16(data, kBalanceAt);
        set_balancing(battery_, *balance_mask_);
        return true;
    }

    /// Boards of 300 A and more send the pack's current in tenths of an ampere,
    /// as the stack's always is. A lone pack's two currents tell; a change of the
    /// load in between does not happen twice.
    void compare_current(Bytes data) {
        const auto ordered = in_order(data);
        const Payload window = registers(kEia, ordered);
        const auto packs = modbus::word_at(window, kStackPacks);
        const auto at = window.locate(kStackCurrent, 4);
        if (!packs || *packs > 1 || !at || !measured_a_) {
            return;
        }
        const double amperes = wire::s32(wire::be32(window.bytes, *at)) / 10.0;
        if (std::abs(amperes) < kEnoughAmperes) {
            return;
        }
        const bool tenfold = std::abs(10 * *measured_a_ - amperes) < std::abs(*measured_a_ - amperes);
        if (tenfold == tenfold_seen_) {
            tenfold_ = tenfold;
        }
        tenfold_seen_ = tenfold;
    }

    std::uint8_t unit_;
    std::array<bool, kBlocks.size()> answered_{};
    bool named_ = false;
    bool listened_ = false;
    bool refuted_ = false;
    std::optional<std::uint32_t> balance_mask_;
    std::optional<double> measured_a_;  ///< as if in hundredths
    bool tenfold_ = false;
    bool tenfold_seen_ = false;  ///< by the last comparison
};

std::unique_ptr<Session> open(std::uint8_t unit, const Options&) {
    return std::make_unique<Seplos3Session>(unit);
}
/// The maker's name.
Query probe(std::uint8_t unit) {
    return {.bytes = modbus::request(unit, modbus::kReadInput, kVia, 10), .tag = 0};
}

constexpr auto kLines = std::to_array<Line>({{19200}});
constexpr auto kUnits = std::to_array<std::uint8_t>({0, 1});
constexpr auto kControls = std::to_array<ControlInfo>({
    {.control = Control::charge, .verified = false},
    {.control = Control::discharge, .verified = false},
});

}  // namespace
}  // namespace seplos3

extern const Family kSeplos3;
constexpr Family kSeplos3{
    .name = "seplos3",
    .title = "Seplos V3",
    .lines = seplos3::kLines,
    .first_address = 0,
    .last_address = 127,
    .timing = {.reply = 500ms, .gap = 50ms, .pause = 50ms, .tries = 3},
    .detection = {.rank = 62, .window = 250ms, .addresses = seplos3::kUnits},
    .controls = seplos3::kControls,
    .report = Report::counted,
    .sight = seplos3::sight,
    .mismatch = seplos3::mismatch,
    .describe = seplos3::describe,
    .probe = seplos3::probe,
    .open = seplos3::open,
};

}  // namespace bms
