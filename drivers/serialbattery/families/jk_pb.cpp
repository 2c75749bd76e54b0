// JK PB inverter BMS on RS485: docs/protocols/jk_pb.md

#include "serialbattery/family.hpp"
#include "serialbattery/framing/check.hpp"
#include "serialbattery/framing/modbus.hpp"
#include "wire/checksum.hpp"

#include <algorithm>
#include <bit>

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

// --------------------------------------------------------------------------------------------- tables

/// Offsets in the frame: the vendor's register bytes plus the six of the header.
constexpr auto kStatusFields = std::to_array<Field>({
    // 6 cells, 32 words
    {70, Raw::u32le, 1, "cell_mask"},
    {74, Raw::u16le, 1, "avg_mV"},
    {76, Raw::u16le, 1, "delta_mV"},
    {78, Raw::u8, 1, "max_idx"},  // counted from 0
    {79, Raw::u8, 1, "min_idx"},
    {144, Raw::s16le, 10, "mos_temp_C"},
    {150, Raw::u32le, 1000, "voltage_V", &Battery::voltage_v},
    {154, Raw::u32le, 1000, "power_W"},                         // without sign
    {158, Raw::s32le, 1000, "current_A", &Battery::current_a},  // + charging
    {162, Raw::s16le, 10, "temp1_C"},
    {164, Raw::s16le, 10, "temp2_C"},
    {166, Raw::u32le, 1, "alarms", &Battery::alarm_word},
    {170, Raw::s16le, 1, "balance_current_mA"},
    {172, Raw::u8, 1, "balance_state", &Battery::status_word},
    {172, Raw::truth8, 0, "", &Battery::balancing},
    {173, Raw::u8, 1, "soc_pct", &Battery::soc_pct},
    {174, Raw::s32le, 1000, "remaining_Ah", &Battery::remaining_ah},
    {178, Raw::u32le, 1000, "full_Ah", &Battery::full_ah},
    {182, Raw::u32le, 1, "cycles", &Battery::cycles},
    {186, Raw::u32le, 1000, "cycle_cap_Ah", &Battery::discharged_ah},
    {190, Raw::u8, 1, "soh_pct", &Battery::soh_pct},
    {191, Raw::u8, 1, "precharge"},
    {194, Raw::u32le, 1, "runtime_s", &Battery::run_time_s},
    {198, Raw::truth8, 0, "charge_fet", &Battery::charge_fet},
    {199, Raw::truth8, 0, "discharge_fet", &Battery::discharge_fet},
    {214, Raw::u8, 1, "temp_sensor_mask"},
    {215, Raw::u8, 1, "heating"},
    {215, Raw::truth8, 0, "", &Battery::heating},
    {236, Raw::s16le, 1, "heater_mA"},
    {254, Raw::s16le, 10, "temp_254_C"},
    {256, Raw::s16le, 10, "temp_256_C"},
    {258, Raw::s16le, 10, "temp_258_C"},
});
static_assert(well_formed(kStatusFields));
constexpr std::size_t kCellsAt = 6;
constexpr std::size_t kCellSlots = 32;
constexpr std::size_t kCellMaskAt = 70;
constexpr std::size_t kSensorMaskAt = 214;
constexpr Field kHeaterCurrent{236, Raw::s16le, 1000, ""};

/// Which bit of the sensor mask stands for which temperature. Bit 3's place repeats the power stage.
struct Sensor {
    std::uint8_t bit;
    std::uint16_t at;
    Place place;
};
constexpr auto kSensors = std::to_array<Sensor>({
    {0, 144, Place::mosfet},
    {1, 162, Place::cell},
    {2, 164, Place::cell},
    {4, 256, Place::cell},
    {5, 258, Place::cell},
});

constexpr auto kSettingsFields = std::to_array<Field>({
    {6, Raw::s32le, 1000, "smart_sleep_V"},
    {10, Raw::s32le, 1000, "cell_uv_V", &Battery::cell_undervoltage_v},
    {14, Raw::s32le, 1000, "cell_uvr_V"},
    {18, Raw::s32le, 1000, "cell_ov_V", &Battery::cell_overvoltage_v},
    {22, Raw::s32le, 1000, "cell_ovr_V"},
    {26, Raw::s32le, 1000, "balance_trigger_V"},
    {30, Raw::s32le, 1000, "soc100_V"},
    {34, Raw::s32le, 1000, "soc0_V"},
    {38, Raw::s32le, 1000, "rcv_V"},  // requested charge voltage of a cell
    {42, Raw::s32le, 1000, "rfv_V"},
    {46, Raw::s32le, 1000, "power_off_V"},
    {50, Raw::s32le, 1000, "max_charge_A", &Battery::charge_current_limit_a},
    {54, Raw::s32le, 1, "coc_delay_s"},
    {58, Raw::s32le, 1, "coc_recover_s"},
    {62, Raw::s32le, 1000, "max_discharge_A", &Battery::discharge_current_limit_a},
    {66, Raw::s32le, 1, "doc_delay_s"},
    {70, Raw::s32le, 1, "doc_recover_s"},
    {74, Raw::s32le, 1, "scp_recover_s"},
    {78, Raw::s32le, 1000, "max_balance_A"},
    {82, Raw::s32le, 10, "chg_ot_C"},
    {86, Raw::s32le, 10, "chg_otr_C"},
    {90, Raw::s32le, 10, "dsg_ot_C"},
    {94, Raw::s32le, 10, "dsg_otr_C"},
    {98, Raw::s32le, 10, "chg_ut_C"},
    {102, Raw::s32le, 10, "chg_utr_C"},
    {106, Raw::s32le, 10, "mos_ot_C"},
    {110, Raw::s32le, 10, "mos_otr_C"},
    {114, Raw::s32le, 1, "cell_count", &Battery::cell_count},
    {118, Raw::s32le, 1, "charge_switch"},
    {122, Raw::s32le, 1, "discharge_switch"},
    {126, Raw::s32le, 1, "balance_switch"},
    {130, Raw::s32le, 1000, "capacity_Ah", &Battery::capacity_ah},
    {134, Raw::s32le, 1, "scp_delay_us"},
    {138, Raw::s32le, 1000, "balance_start_V"},
    {270, Raw::s32le, 1, "dev_addr"},
    {274, Raw::u32le, 1, "predischarge_s"},
    {282, Raw::u16le, 1, "control_bits"},
    {284, Raw::s8, 1, "heat_start_C", &Battery::heater_start_c},
    {285, Raw::s8, 1, "heat_stop_C", &Battery::heater_stop_c},
    {286, Raw::u8, 1, "smart_sleep_h"},
});
static_assert(well_formed(kSettingsFields));
constexpr Field kRequestedCellVoltage{38, Raw::s32le, 1000, ""};

/// Texts of the about block; the pass codes at 62 and 118 are never read.
struct TextField {
    std::uint16_t at;
    std::uint8_t size;
    std::string_view key;
};
constexpr auto kAboutTexts = std::to_array<TextField>({
    {6, 16, "device_id"},
    {22, 8, "hw_version"},
    {30, 8, "sw_version"},
    {46, 16, "serial"},
    {78, 8, "date"},
    {86, 11, "serial2"},
    {102, 16, "user_data"},
    {134, 16, "user_data2"},
});
constexpr auto kAboutFields = std::to_array<Field>({
    {38, Raw::u32le, 1, "runtime_s"},
    {42, Raw::u32le, 1, "power_on_count"},
});
static_assert(well_formed(kAboutFields));

constexpr auto kAlarmFlags = std::to_array<Flag>({
    {0, Alarm::cell_imbalance, Level::warning},  // resistance of a balance wire
    {1, Alarm::high_internal_temperature},
    {2, Alarm::internal_failure},
    {3, Alarm::internal_failure},
    {4, Alarm::high_cell_voltage},
    {5, Alarm::high_voltage},
    {6, Alarm::high_charge_current},
    {7, Alarm::high_charge_current},
    {8, Alarm::high_charge_temperature},
    {9, Alarm::low_charge_temperature},
    {10, Alarm::internal_failure},
    {11, Alarm::low_cell_voltage},
    {12, Alarm::low_voltage},
    {13, Alarm::high_discharge_current},
    {14, Alarm::high_discharge_current},
    {15, Alarm::high_temperature},
    {16, Alarm::internal_failure},
    {17, Alarm::internal_failure},
    {20, Alarm::internal_failure, Level::warning},
    {21, Alarm::high_temperature},
    {22, Alarm::internal_failure, Level::warning},
    {23, Alarm::internal_failure, Level::warning},
    {24, Alarm::internal_failure},
    {25, Alarm::high_discharge_current},
    {26, Alarm::high_discharge_current},
    {27, Alarm::low_temperature},
});
static_assert(well_formed(kAlarmFlags));

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
        if (battery_.model.empty() && poll % kAboutEvery == 0) {
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
        have_settings_ = true;
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
    }

    std::uint8_t unit_;
    bool sole_unit_;
    bool have_settings_ = false;
    bool have_status_ = false;
    bool refuted_ = false;
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
