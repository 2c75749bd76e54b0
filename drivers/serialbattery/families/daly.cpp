// Daly, the A5 dialect: docs/protocols/daly.md

#include "serialbattery/families/daly_layout.hpp"
#include "serialbattery/family.hpp"
#include "serialbattery/framing/check.hpp"
#include "wire/checksum.hpp"

#include <algorithm>

namespace bms {
namespace daly {
namespace {

// ---------------------------------------------------------------------------------------------- frame

constexpr std::uint8_t kStart = 0xa5;
constexpr std::uint8_t kDataLength = 8;
constexpr std::size_t kFrame = 13;
constexpr std::uint8_t kHost = 0x40;       ///< of board 1; board n is asked as 0x40 + n - 1
constexpr std::uint8_t kBluetooth = 0x80;  ///< another name of board 1's host
constexpr std::uint8_t kLastBoard = 16;
constexpr std::uint8_t kFill = 0xaa;  ///< zeros work too but lose more requests

enum Id : std::uint8_t {
    kSetSoc = 0x21,
    kRated = 0x50,
    kProduction = 0x53,
    kCode = 0x57,
    kVersion = 0x63,
    kPack = 0x90,
    kExtremes = 0x91,
    kHeat = 0x92,
    kState = 0x93,
    kStatus = 0x94,
    kCellFrames = 0x95,
    kTemperatureFrames = 0x96,
    kBalance = 0x97,
    kAlarms = 0x98,
    kDischargeFet = 0xd9,
    kChargeFet = 0xda,
};

bool from_board(Bytes frame) {
    return frame[1] >= 1 && frame[1] <= kLastBoard;
}
Bytes payload(Bytes frame) {
    return frame.subspan(4, 8);
}

Sight sight(Bytes bytes, Bytes) {
    if (bytes.empty() || bytes[0] != kStart || (bytes.size() > 3 && bytes[3] != kDataLength)) {
        return Sight::no();
    }
    if (bytes.size() < kFrame) {
        return Sight::needs(kFrame);
    }
    if (!check_holds(wire::sum8(bytes.first(kFrame - 1)), bytes[kFrame - 1])) {
        return Sight::no(Fault::checksum);
    }
    return Sight::frame(kFrame, from_board(bytes) ? Role::reply : Role::request);
}

/// The board a host address speaks to.
unsigned board_of(std::uint8_t host) {
    return host >= kHost && host < kHost + kLastBoard ? host - kHost + 1u : 1u;
}

std::optional<Fault> mismatch(Bytes frame, Bytes asked) {
    if (asked.size() != kFrame || frame[2] != asked[2] || frame[1] != board_of(asked[1])) {
        return Fault::address;
    }
    return std::nullopt;
}

Packet request(std::uint8_t host, std::uint8_t id, Bytes data = {}, std::uint8_t fill = kFill) {
    Packet packet;
    for (const unsigned byte : {unsigned{kStart}, unsigned{host}, unsigned{id}, unsigned{kDataLength}}) {
        packet.push(byte);
    }
    for (std::size_t i = 0; i < kDataLength; ++i) {
        packet.push(i < data.size() ? data[i] : fill);
    }
    packet.push(wire::sum8(packet.bytes()));
    return packet;
}

// --------------------------------------------------------------------------------------------- decode

std::uint64_t word(Bytes data) {
    return wire::le64(data, 0);
}  // byte 0 bit 0 first
constexpr std::uint64_t kBalanceBits = (std::uint64_t{1} << kMaxCells) - 1;

bool is_text(std::uint8_t id) {
    return id == kCode || id == kVersion;
}

void describe_request(Bytes frame, Record& out) {
    const Bytes data = payload(frame);
    out.set("cmd", int{frame[2]});
    if (frame[2] == kSetSoc) {
        out.set("soc_pct", wire::be16(data, 6) / 10.0);
    } else if (frame[2] == kChargeFet || frame[2] == kDischargeFet) {
        out.set("on", data[0] != 0);
    }
}

void describe_temperatures(Bytes data, const Context& context, Record& out) {
    out.set("frame", int{data[0]});
    const std::size_t before = data[0] > 0 ? (std::size_t{data[0]} - 1) * kSensorsPerFrame : 0;
    const std::size_t fitted = context.ntc_count ? *context.ntc_count : before + kSensorsPerFrame;
    List sensors;
    for (std::size_t i = 0; i < kSensorsPerFrame && before + i < fitted; ++i) {
        sensors.emplace_back(int{data[1 + i]} - static_cast<int>(kCelsiusZero));
    }
    out.set("temps_C", std::move(sensors));
}

void describe_alarms(Bytes data, Record& out) {
    List bytes;
    for (const auto byte : data) {
        bytes.emplace_back(int{byte});
    }
    out.set("alarm_bytes", std::move(bytes));
    out.set("alarms", names(kAlarmFlags, word(data)));
}

void describe_data(std::uint8_t id, Bytes data, const Context& context, Record& out) {
    switch (id) {
        case kPack:
            return load(kPackFields, {data}, out);
        case kExtremes:
            return load(kExtremeFields, {data}, out);
        case kHeat:
            return load(kHeatFields, {data}, out);
        case kState:
            return load(kStateFields, {data}, out);
        case kStatus:
            return load(kStatusFields, {data}, out);
        case kRated:
            return load(kRatedFields, {data}, out);
        case kTemperatureFrames:
            return describe_temperatures(data, context, out);
        case kAlarms:
            return describe_alarms(data, out);
        case kBalance:
            return out.set("balancing_cells", set_bits(word(data) & kBalanceBits));
        case kCellFrames:
            out.set("frame", int{data[0]});
            return out.set("cells_mV", to_list(words(data.subspan(1), {kCellsPerFrame})));
        case kChargeFet:
        case kDischargeFet:
            return out.set("ack_state", int{data[0]});
        default:
            if (is_text(id)) {
                out.set("frame", int{data[0]});
                out.set("text", wire::ascii(data.subspan(1)));
            }
    }
}

void describe(Bytes frame, Role role, const Context& context, Record& out) {
    if (role == Role::request) {
        describe_request(frame, out);
        return;
    }
    out.set("id", int{frame[1]});
    out.set("cmd", int{frame[2]});
    describe_data(frame[2], payload(frame), context, out);
}

void identify(Bytes frame, Record& out) {
    out.set("cmd", int{frame[2]});
}

void merge(Bytes stream, std::span<const Found> frames, const Context& context, Record& out) {
    CellTable cells;
    std::optional<TextTable> text;
    for (const auto& found : frames) {
        const Bytes frame = stream.subspan(found.offset, found.length);
        const Bytes data = payload(frame);
        if (frame[2] == kCellFrames) {
            cells.add(data);
        } else if (is_text(frame[2])) {
            text = text ? text : TextTable();
            text->add(data);
        } else {
            describe_data(frame[2], data, context, out);
        }
    }
    if (cells.frames() > 0) {
        const std::size_t count = context.cell_count ? *context.cell_count : cells.slots();
        out.set("cell_count", count);
        out.set("cells_mV", to_list(cells.first(std::min(count, cells.slots()))));
    }
    if (text) {
        out.set("text", text->text());
    }
}

// -------------------------------------------------------------------------------------------- session

class DalySession : public Session {
  public:
    explicit DalySession(std::uint8_t host) : host_(host) {}

    void cycle(unsigned poll, Queries& out) override {
        if (poll % kStatusEvery == 0 || !battery_.cell_count) {
            ask(out, kStatus, true);
        }
        ask(out, kPack, true);
        ask(out, kState, true);
        ask(out, kAlarms, false);
        if (battery_.cell_count) {
            ask(out, kCellFrames, true, 2);
            temperatures_next_ = !temperatures_next_ && sensors_ > 0;
            ask(out, !temperatures_next_ ? kBalance : only_extremes_ ? kHeat : kTemperatureFrames, false);
        }
        for (std::size_t i = 0; i < kIdentity.size() && poll < kIdentityPolls; ++i) {
            if (!told_[i]) {
                // Which battery it is must not depend on a lost frame.
                ask(out, kIdentity[i], false, kIdentity[i] == kCode ? 2 : 1);
            }
        }
    }

    Taken take(const Query& query, Bytes frame, Queries& follow) override {
        const Bytes data = payload(frame);
        switch (query.tag) {
            case kPack:
                load(kPackFields, {data}, battery_);
                have_pack_ = true;
                return Taken::done;
            case kState:
                load(kStateFields, {data}, battery_);
                return Taken::done;
            case kStatus:
                return take_status(data, follow);
            case kCellFrames:
                return take_cells(data);
            case kTemperatureFrames:
                temperature_misses_ = 0;
                return take_temperatures(data);
            case kHeat:
                battery_.temperatures = {{Place::cell, data[0] - kCelsiusZero},
                                         {Place::cell, data[2] - kCelsiusZero}};
                return Taken::done;
            case kBalance:
                balancing_ = word(data) & kBalanceBits;
                set_balancing(battery_, *balancing_);
                return Taken::done;
            case kAlarms:
                battery_.alarms.clear();
                raise(kAlarmFlags, word(data), battery_.alarms);
                return Taken::done;
            case kRated:
                load(kRatedFields, {data}, battery_);
                if (battery_.capacity_ah == 0.0) {
                    battery_.capacity_ah.reset();  // not set in this board
                }
                told(kRated);
                return Taken::done;
            case kProduction:
                battery_.production = Date{static_cast<std::uint16_t>(2000 + data[2]), data[3], data[4]};
                if (!battery_.production->valid()) {
                    battery_.production.reset();
                }
                told(kProduction);
                return Taken::done;
            case kCode:
            case kVersion:
                return take_text(static_cast<Id>(query.tag), data);
            case kSetSoc:
                return data[0] == 1 ? Taken::done : Taken::refused;
            default:
                return Taken::done;  // FET commands: the state is read back
        }
    }

    /// Through the Bluetooth address 16 frames come whatever the pack has; cells may also end early.
    bool settled(const Query& query) override {
        if (query.tag == kCellFrames) {
            return table_.has(battery_.cell_count.value_or(kMaxCells)) && finish_cells() == Taken::done;
        }
        if (query.tag == kVersion && text_.unbroken()) {
            finish_text(kVersion);
            return true;
        }
        return query.tag == kTemperatureFrames;
    }

    void missed(const Query& query) override {
        switch (query.tag) {
            case kPack:
                forget(kPackFields, battery_);
                break;
            case kState:
                forget(kStateFields, battery_);
                break;
            case kAlarms:
                battery_.alarms.clear();
                break;
            case kBalance:
                balancing_.reset();
                battery_.balancing.reset();
                for (auto& cell : battery_.cells) {
                    cell.balancing.reset();
                }
                break;
            case kTemperatureFrames:
                battery_.temperatures.clear();
                // Small boards know the extremes only.
                only_extremes_ = ++temperature_misses_ >= kTemperatureMisses;
                break;
            case kHeat:
                battery_.temperatures.clear();
                only_extremes_ = false;
                temperature_misses_ = 0;
                break;
            case kCellFrames:
                battery_.cells.clear();
                break;
            default:
                break;
        }
        table_.clear();
        text_.clear();
    }

    bool control(const Command& command, Queries& out) override {
        if (command.control == Control::soc) {
            return set_soc(command, out);
        }
        const std::array<std::uint8_t, 1> state{static_cast<std::uint8_t>(command.on() ? 1 : 0)};
        const auto id = command.control == Control::charge ? kChargeFet : kDischargeFet;
        out.push_back({.bytes = request(host_, id, state), .tag = id});
        out.push_back({.bytes = request(host_, kState), .tag = kState, .pause = 200ms});
        return true;
    }

    [[nodiscard]] Proof proof() const override {
        if (refuted_) {
            return Proof::refuted;
        }
        const bool plausible = battery_.voltage_v && *battery_.voltage_v >= 8 && *battery_.voltage_v <= 200;
        return battery_.cell_count && have_pack_ && plausible ? Proof::proven : Proof::pending;
    }
    [[nodiscard]] bool complete() const override {
        return proof() == Proof::proven && !battery_.cells.empty();
    }

  private:
    static constexpr unsigned kStatusEvery = 30;
    static constexpr unsigned kIdentityPolls = 3;
    static constexpr unsigned kTemperatureMisses = 3;
    static constexpr auto kIdentity = std::to_array<Id>({kRated, kProduction, kCode, kVersion});

    void ask(Queries& out, Id id, bool required, std::uint8_t tries = 1) const {
        out.push_back({.bytes = request(host_, id),
                       .tag = id,
                       .required = required,
                       .tries = static_cast<std::uint8_t>(required && tries == 1 ? 3 : tries)});
    }

    Taken take_status(Bytes data, Queries& follow) {
        if (data[0] == 0 || data[0] > kMaxCells) {
            refuted_ = !battery_.cell_count;
            return Taken::foreign;
        }
        if (!battery_.cell_count) {
            ask(follow, kCellFrames, true, 2);
        }
        load(kStatusFields, {data}, battery_);
        sensors_ = std::min<unsigned>(data[1], kMaxSensors);
        battery_.manufacturer = "Daly";
        return Taken::done;
    }

    Taken take_cells(Bytes data) {
        table_.add(data);
        const bool all_slots = host_ == kBluetooth;
        const auto expected = all_slots ? kMaxCells : battery_.cell_count.value_or(0);
        return table_.has(expected) ? finish_cells() : Taken::more;
    }
    Taken finish_cells() {
        set_cells(battery_, table_.first(battery_.cell_count.value_or(0)));
        if (balancing_) {
            set_balancing(battery_, *balancing_);
        }
        table_.clear();
        return Taken::done;
    }

    /// Bytes beyond the sensor count are filler.
    Taken take_temperatures(Bytes data) {
        const unsigned number = data[0] > 0 ? data[0] - 1u : 0;
        battery_.temperatures.resize(sensors_, {Place::cell, std::nullopt});
        for (std::size_t i = 0; i < kSensorsPerFrame; ++i) {
            const std::size_t sensor = number * kSensorsPerFrame + i;
            if (sensor < sensors_) {
                battery_.temperatures[sensor].celsius = data[1 + i] - kCelsiusZero;
            }
        }
        return (number + 1) * kSensorsPerFrame >= sensors_ ? Taken::done : Taken::more;
    }

    /// The number of frames of a version is not known: it ends with silence.
    Taken take_text(Id id, Bytes data) {
        text_.add(data);
        if (id != kCode || !text_.has(kCodeFrames)) {
            return Taken::more;
        }
        finish_text(id);
        return Taken::done;
    }
    void finish_text(Id id) {
        (id == kCode ? battery_.device_name : battery_.firmware_version) = text_.text();
        text_.clear();
        told(id);
    }

    void told(Id id) {
        const auto found = std::find(kIdentity.begin(), kIdentity.end(), id);
        told_[static_cast<std::size_t>(found - kIdentity.begin())] = true;
        if (!battery_.device_name.empty()) {
            battery_.unique_id = battery_.device_name;
        } else if (battery_.production && battery_.capacity_ah) {
            battery_.unique_id =
                to_text(*battery_.production) + '_' + std::to_string(static_cast<int>(*battery_.capacity_ah));
        }
    }

    /// The command sets the clock as well, so it is given the real time.
    bool set_soc(const Command& command, Queries& out) const {
        const auto& now = command.now;
        if (now.year < 2000) {
            return false;
        }
        const auto tenths = static_cast<unsigned>(command.value * 10);
        const std::array<std::uint8_t, 8> data{static_cast<std::uint8_t>(now.year - 2000),
                                               now.month,
                                               now.day,
                                               now.hour,
                                               now.minute,
                                               now.second,
                                               static_cast<std::uint8_t>(tenths >> 8),
                                               static_cast<std::uint8_t>(tenths)};
        out.push_back({.bytes = request(host_, kSetSoc, data), .tag = kSetSoc});
        out.push_back({.bytes = request(host_, kPack), .tag = kPack, .pause = 200ms});
        return true;
    }

    std::uint8_t host_;
    std::array<bool, kIdentity.size()> told_{};
    unsigned sensors_ = 0;
    bool temperatures_next_ = false;
    unsigned temperature_misses_ = 0;
    bool only_extremes_ = false;
    bool have_pack_ = false;
    bool refuted_ = false;
    std::optional<std::uint64_t> balancing_;
    CellTable table_;
    TextTable text_;
};

std::unique_ptr<Session> open(std::uint8_t host, const Options&) {
    return std::make_unique<DalySession>(host);
}
Query probe(std::uint8_t host) {
    return {.bytes = request(host, kStatus), .tag = kStatus};
}

constexpr auto kLines = std::to_array<Line>({{9600}});
constexpr auto kHosts = std::to_array<std::uint8_t>({kHost, kBluetooth});
constexpr auto kControls =
    std::to_array<ControlInfo>({{Control::charge}, {Control::discharge}, {Control::soc, 0, 100}});

}  // namespace
}  // namespace daly

extern const Family kDaly;
constexpr Family kDaly{
    .name = "daly",
    .title = "Daly",
    .lines = daly::kLines,
    .first_address = 0x40,
    .last_address = 0x80,
    .first_scanned = 0x40,
    .last_scanned = 0x4f,
    .timing = {.reply = 500ms, .gap = 100ms, .pause = 20ms, .tries = 3},
    .detection = {.rank = 20, .window = 150ms, .addresses = daly::kHosts},
    .controls = daly::kControls,
    .sight = daly::sight,
    .mismatch = daly::mismatch,
    .describe = daly::describe,
    .identify = daly::identify,
    .merge = daly::merge,
    .probe = daly::probe,
    .open = daly::open,
};

}  // namespace bms
