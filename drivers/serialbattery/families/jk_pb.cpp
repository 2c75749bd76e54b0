// JK PB inverter BMS on RS485: docs/protocols/jk_pb.md

#include "jk_pb_layout.hpp"
#include "serialbattery/family.hpp"
#include "serialbattery/framing/check.hpp"
#include "serialbattery/framing/modbus.hpp"
#include "wire/checksum.hpp"

#include <algorithm>
#include <bit>
#include <cstdlib>

namespace bms {
namespace jk_pb {
namespace {

// ---------------------------------------------------------------------------------------------- frame

constexpr auto kHeader = std::to_array<std::uint8_t>({0x55, 0xaa, 0xeb, 0x90});
constexpr std::size_t kBlock = 300;
constexpr std::size_t kAck = 8;
constexpr std::uint8_t kHighestUnit = 15;

enum Trigger : std::uint16_t { kAbout = 0x161c, kSettings = 0x161e, kStatus = 0x1620 };
enum Type : std::uint8_t { kTypeSettings = 1, kTypeStatus = 2, kTypeAbout = 3 };
enum Setting : std::uint16_t { kChargeSwitch = 0x1070, kDischargeSwitch = 0x1074, kBalanceSwitch = 0x1078 };

bool is_block(Bytes frame) {
    return frame.size() == kBlock;
}
std::uint16_t register_of(Bytes frame) {
    return wire::be16(frame, 2);
}

/// The type of block a trigger brings.
std::optional<Type> type_for(std::uint16_t trigger) {
    switch (trigger) {
        case kSettings:
            return kTypeSettings;
        case kStatus:
            return kTypeStatus;
        case kAbout:
            return kTypeAbout;
        default:
            return std::nullopt;
    }
}

Sight sight_block(Bytes bytes) {
    const auto shown = std::min(bytes.size(), kHeader.size());
    if (!std::equal(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(shown), kHeader.begin())) {
        return Sight::no();
    }
    if (bytes.size() < kBlock) {
        return Sight::needs(kBlock);
    }
    if (!check_holds(wire::sum8(bytes.first(kBlock - 1)), bytes[kBlock - 1])) {
        return Sight::no(Fault::checksum);
    }
    return bytes[4] >= kTypeSettings && bytes[4] <= kTypeAbout ? Sight::frame(kBlock)
                                                               : Sight::no(Fault::length);
}

/// Writes of one or two words and their acknowledges, which begin alike.
Sight sight_write(Bytes bytes) {
    if (bytes[0] > kHighestUnit || (bytes.size() > 1 && bytes[1] != modbus::kWriteMany)) {
        return Sight::no();
    }
    if (bytes.size() < kAck) {
        return Sight::needs(kAck);
    }
    if (modbus::crc_good(bytes.first(kAck))) {
        return Sight::frame(kAck, Role::acknowledge);
    }
    const std::size_t data = bytes[6];
    if (data != 2 && data != 4) {
        return Sight::no(Fault::checksum);
    }
    const std::size_t total = 9 + data;
    if (bytes.size() < total) {
        return Sight::needs(total);
    }
    return modbus::crc_good(bytes.first(total)) ? Sight::frame(total, Role::request)
                                                : Sight::no(Fault::checksum);
}

Sight sight(Bytes bytes, Bytes) {
    if (bytes.empty()) {
        return Sight::needs(kAck);
    }
    return bytes[0] == kHeader[0] ? sight_block(bytes) : sight_write(bytes);
}

std::optional<Fault> mismatch(Bytes frame, Bytes asked) {
    if (asked.size() < 4) {
        return Fault::address;
    }
    const bool same = is_block(frame) ? type_for(register_of(asked)) == frame[4]
                                      : std::equal(frame.begin(), frame.begin() + 4, asked.begin());
    return same ? std::nullopt : std::optional(Fault::address);
}

Packet trigger(std::uint8_t unit, Trigger what) {
    return modbus::write_words(unit, what, std::array<std::uint16_t, 1>{0});
}
Packet write(std::uint8_t unit, Setting setting, bool on) {
    return modbus::write_words(unit, setting,
                               std::array<std::uint16_t, 2>{0, static_cast<std::uint16_t>(on ? 1 : 0)});
}

// --------------------------------------------------------------------------------------------- decode

/// Slots the mask marks, in their places up to the last of them.
std::vector<std::uint16_t> cells(Bytes block) {
    const auto mask = wire::le32(block, kCellMaskAt);
    auto slots = words(block.subspan(kCellsAt), {kCellSlots, false});
    slots.resize(static_cast<std::size_t>(std::bit_width(mask)));
    for (std::size_t i = 0; i < slots.size(); ++i) {
        if ((mask >> i & 1) == 0) {
            slots[i] = 0;
        }
    }
    return slots;
}

std::string text_at(Bytes block, const TextField& field) {
    return wire::ascii(block.subspan(field.at, field.size));
}
std::string about_text(Bytes block, std::string_view key) {
    for (const auto& field : kAboutTexts) {
        if (field.key == key) {
            return text_at(block, field);
        }
    }
    return {};
}

void describe_block(Bytes block, Record& out) {
    out.set("frame_type", int{block[4]});
    out.set("counter", int{block[5]});
    if (block[4] == kTypeStatus) {
        List present;
        const auto mask = wire::le32(block, kCellMaskAt);
        const auto slots = cells(block);
        for (std::size_t i = 0; i < slots.size(); ++i) {
            if ((mask >> i & 1) != 0) {
                present.emplace_back(int{slots[i]});
            }
        }
        out.set("cells_mV", std::move(present));
        load(kStatusFields, {block}, out);
    } else if (block[4] == kTypeSettings) {
        load(kSettingsFields, {block}, out);
    } else {
        load(kAboutFields, {block}, out);
        for (const auto& field : kAboutTexts) {
            out.set(field.key, text_at(block, field));
        }
    }
}

void describe(Bytes frame, Role role, const Context&, Record& out) {
    if (is_block(frame)) {
        describe_block(frame, out);
        return;
    }
    if (role == Role::acknowledge) {
        out.set("ack", true);
    }
    out.set("address", int{frame[0]});
    out.set("register", int{register_of(frame)});
    if (role == Role::request && register_of(frame) < kAbout) {
        std::int64_t value = 0;
        for (const auto byte : frame.subspan(7, frame[6])) {
            value = value << 8 | byte;
        }
        out.set("value", value);
    }
}

void identify(Bytes frame, Record& out) {
    if (is_block(frame)) {
        out.set("type", int{frame[4]});
    }
}

/// The acknowledge behind a block, past at most one zero byte.
std::optional<Record> acknowledge(Bytes behind, std::size_t offset, Bytes& ack) {
    const std::size_t pad = !behind.empty() && behind[0] == 0 && behind.size() > kAck ? 1 : 0;
    if (behind.size() < pad + kAck || behind[pad + 1] != modbus::kWriteMany) {
        return std::nullopt;
    }
    ack = behind.subspan(pad, kAck);
    Record record;
    record.set("address", int{ack[0]});
    record.set("register", int{register_of(ack)});
    record.set("offset", offset + pad);
    record.set("valid", modbus::crc_good(ack));
    return record;
}

std::optional<Fault> tail(Bytes frame, Bytes behind, const Context& context, Record& out) {
    Bytes ack;
    auto record = is_block(frame) ? acknowledge(behind, frame.size(), ack) : std::nullopt;
    if (!record) {
        return behind.size() == 1 && behind[0] == 0 ? std::nullopt : std::optional(Fault::extra);
    }
    if (!context.asked.empty() && mismatch(ack, context.asked)) {
        return Fault::address;
    }
    out.set("ack", *record);
    return std::nullopt;
}

void merge(Bytes stream, std::span<const Found> frames, const Context&, Record& out) {
    if (frames.empty()) {
        return;
    }
    const std::size_t end = frames.back().offset + frames.back().length;
    Bytes ack;
    if (auto record = acknowledge(stream.subspan(end), end, ack)) {
        out.set("ack", std::move(*record));
    }
}

// -------------------------------------------------------------------------------------------- session

class JkPbSession : public Session {
  public:
    JkPbSession(std::uint8_t unit, const Options& options) : unit_(unit), sole_unit_(options.sole_unit) {}

    void cycle(unsigned poll, Queries& out) override {
        if (!have_settings_ || poll % kSettingsEvery == 0) {
            ask(out, kSettings, !have_settings_);
        }
        ask(out, kStatus, true);
        if (battery_.model.empty() && (poll < kAboutAtFirst || poll % kAboutEvery == 0)) {
            ask(out, kAbout, false);
        }
    }

    Taken take(const Query& query, Bytes frame, Queries&) override {
        if (!is_block(frame)) {
            if (query.tag < kAbout) {
                return Taken::done;  // a setting was written
            }
            return block_.empty() ? Taken::foreign : finish();
        }
        block_.assign(frame.begin(), frame.end());
        return Taken::more;
    }

    /// The block carries no address: without its acknowledge it is only believed where nobody else can have sent it.
    bool settled(const Query&) override {
        const bool own = sole_unit_ && !block_.empty();
        if (own) {
            finish();
        }
        block_.clear();
        return own;
    }

    void missed(const Query& query) override {
        block_.clear();
        if (query.tag == kStatus) {
            forget(kStatusFields, battery_);
            battery_.cells.clear();
            battery_.temperatures.clear();
            battery_.alarms.clear();
        }
    }

    bool control(const Command& command, Queries& out) override {
        const auto setting = command.control == Control::charge      ? kChargeSwitch
                             : command.control == Control::discharge ? kDischargeSwitch
                                                                     : kBalanceSwitch;
        out.push_back({.bytes = write(unit_, setting, command.on()), .tag = setting});
        ask(out, kSettings, true);
        ask(out, kStatus, true);
        return true;
    }

    /// Behind a master's request for this unit its block comes on a bus we only listen to.
    bool overheard(Bytes frame, Bytes request) override {
        if (!is_block(frame) || request.size() < 4 || request[0] != unit_ || mismatch(frame, request)) {
            return false;
        }
        take_block(frame);
        return true;
    }

    [[nodiscard]] Proof proof() const override {
        if (refuted_) {
            return Proof::refuted;
        }
        return have_settings_ && have_status_ ? Proof::proven : Proof::pending;
    }

  private:
    static constexpr unsigned kSettingsEvery = 300;
    static constexpr unsigned kAboutEvery = 10;
    static constexpr unsigned kAboutAtFirst =
        3;  ///< polls: which battery it is must not depend on a lost answer

    void ask(Queries& out, Trigger what, bool required) const {
        out.push_back({.bytes = trigger(unit_, what),
                       .tag = what,
                       .required = required,
                       .tries = static_cast<std::uint8_t>(required ? 2 : 1),
                       .reply = what == kStatus ? 500ms : 1000ms});
    }

    Taken finish() {
        take_block(block_);
        block_.clear();
        return Taken::done;
    }

    void take_block(Bytes block) {
        switch (block[4]) {
            case kTypeSettings:
                take_settings(block);
                break;
            case kTypeStatus:
                take_status(block);
                break;
            default:
                take_about(block);
        }
    }

    void take_settings(Bytes block) {
        load(kSettingsFields, {block}, battery_);
        const auto cells = battery_.cell_count.value_or(0);
        if (cells == 0 || cells > kCellSlots || battery_.capacity_ah.value_or(0) <= 0) {
            refuted_ = !have_settings_;
            return;
        }
        battery_.charge_switch = wire::le32(block, 118) != 0;
        battery_.discharge_switch = wire::le32(block, 122) != 0;
        battery_.balance_switch = wire::le32(block, 126) != 0;
        if (const auto volts = scaled(kRequestedCellVoltage, {block}); volts && *volts > 0) {
            battery_.charge_voltage_limit_v = *volts * cells;
        }
        battery_.manufacturer = "JK";
        heater_ = {battery_.heater_start_c, battery_.heater_stop_c};
        cold_ = {scaled(kChargeCold, {block}), scaled(kChargeWarm, {block})};
        place_heater();
        have_settings_ = true;
    }

    /// Older boards have no temperatures for the heater: it follows the lower limit of charging. Which it is, the about
    /// block tells.
    void place_heater() {
        const auto& hardware = battery_.hardware_version;
        const auto firmware = std::strtod(battery_.firmware_version.c_str(), nullptr);
        const bool known = !hardware.empty() && firmware > 0;
        const bool own = hardware > "15A" || (hardware == "15A" && firmware >= 15.41);
        const auto& limits = !known ? std::array<std::optional<double>, 2>{} : own ? heater_ : cold_;
        battery_.heater_start_c = limits[0];
        battery_.heater_stop_c = limits[1];
    }

    void take_status(Bytes block) {
        load(kStatusFields, {block}, battery_);
        set_cells(battery_, cells(block));
        battery_.temperatures.clear();
        for (const auto& sensor : kSensors) {
            if ((block[kSensorMaskAt] >> sensor.bit & 1) != 0) {
                battery_.temperatures.push_back(
                    {sensor.place, scaled({sensor.at, Raw::s16le, 10, ""}, {block})});
            }
        }
        battery_.heater_current_a = scaled(kHeaterCurrent, {block});
        battery_.alarms.clear();
        raise(kAlarmFlags, *battery_.alarm_word, battery_.alarms);
        have_status_ = true;
    }

    void take_about(Bytes block) {
        battery_.model = about_text(block, "device_id");
        battery_.hardware_version = about_text(block, "hw_version");
        battery_.firmware_version = about_text(block, "sw_version");
        battery_.device_name = about_text(block, "serial");
        battery_.serial = about_text(block, "serial2");
        battery_.unique_id = battery_.serial.empty() ? "" : battery_.serial + '_' + std::to_string(unit_);
        place_heater();
    }

    std::uint8_t unit_;
    bool sole_unit_;
    bool have_settings_ = false;
    bool have_status_ = false;
    bool refuted_ = false;
    std::array<std::optional<double>, 2> heater_{};  ///< on and off, as the settings say
    std::array<std::optional<double>, 2> cold_{};    ///< the same of charging
    wire::Buffer block_;
};

std::unique_ptr<Session> open(std::uint8_t unit, const Options& options) {
    return std::make_unique<JkPbSession>(unit, options);
}
Query probe(std::uint8_t unit) {
    return {.bytes = trigger(unit, kSettings), .tag = kSettings};
}

constexpr auto kLines = std::to_array<Line>({{115200}});
constexpr auto kUnits = std::to_array<std::uint8_t>({1});
constexpr auto kControls =
    std::to_array<ControlInfo>({{Control::charge}, {Control::discharge}, {Control::balancing}});

}  // namespace
}  // namespace jk_pb

extern const Family kJkPb;
constexpr Family kJkPb{
    .name = "jk_pb",
    .title = "JK PB",
    .lines = jk_pb::kLines,
    .first_address = 0,
    .last_address = jk_pb::kHighestUnit,
    .timing = {.reply = 500ms, .gap = 50ms, .pause = 20ms, .spacing = 110ms, .tries = 2},
    .detection = {.rank = 90, .window = 220ms, .addresses = jk_pb::kUnits, .risk = Risk::write},
    .controls = jk_pb::kControls,
    .sight = jk_pb::sight,
    .mismatch = jk_pb::mismatch,
    .describe = jk_pb::describe,
    .identify = jk_pb::identify,
    .merge = jk_pb::merge,
    .tail = jk_pb::tail,
    .probe = jk_pb::probe,
    .open = jk_pb::open,
};

}  // namespace bms
