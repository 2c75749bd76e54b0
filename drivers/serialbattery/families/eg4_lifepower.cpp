// EG4 LifePower and other TianPower boards, binary, and Revov, which differs in its start byte:
// docs/protocols/eg4_lifepower.md, docs/protocols/revov.md

#include "serialbattery/family.hpp"
#include "serialbattery/framing/check.hpp"

#include <algorithm>
#include <cstdlib>

namespace bms {
namespace eg4_lifepower {
namespace {

// ---------------------------------------------------------------------------------------------- frame

constexpr std::uint8_t kStart = 0x7e;
constexpr std::uint8_t kRevovStart = 0x7c;
constexpr std::uint8_t kEnd = 0x0d;
constexpr std::uint8_t kLastAddress = 0x0f;
constexpr std::size_t kHead = 4;  ///< start, address, command, length of the payload
constexpr std::size_t kOverhead = kHead + 2;
constexpr std::size_t kMaxCells = 32;

enum Command : std::uint8_t { kData = 0x01, kShort = 0x06, kFirmware = 0x33, kHardware = 0x42 };

/// The exclusive-or of all bytes, and with it their sum. Half of all single wrong bits pass it.
std::uint8_t check_byte(Bytes bytes) {
    unsigned mixed = 0;
    unsigned sum = 0;
    for (const auto byte : bytes) {
        mixed ^= byte;
        sum += byte;
    }
    return static_cast<std::uint8_t>(mixed ^ sum);
}

/// Hexadecimal ASCII frames begin alike: their second byte is a digit, no address.
template <std::uint8_t start>
Sight sight(Bytes bytes, Bytes) {
    if (bytes.empty()) {
        return Sight::needs(kOverhead);
    }
    if (bytes[0] != start || (bytes.size() > 1 && bytes[1] > kLastAddress)) {
        return Sight::no();
    }
    if (bytes.size() > 2 && bytes[2] != kData && bytes[2] != kShort && bytes[2] != kFirmware
        && bytes[2] != kHardware) {
        return Sight::no();
    }
    if (bytes.size() < kHead) {
        return Sight::needs(kOverhead);
    }
    const std::size_t total = kOverhead + bytes[3];
    if (bytes.size() < total) {
        return Sight::needs(total);
    }
    if (bytes[total - 1] != kEnd) {
        return Sight::no(Fault::length);  // the end also occurs inside
    }
    if (!check_holds(check_byte(bytes.first(total - 2)), bytes[total - 2])) {
        return Sight::no(Fault::checksum);
    }
    return Sight::frame(total, bytes[3] == 0 ? Role::request : Role::reply);
}

std::optional<Fault> mismatch(Bytes frame, Bytes asked) {
    const bool same = asked.size() >= kOverhead && frame[1] == asked[1] && frame[2] == asked[2];
    return same ? std::nullopt : std::optional(Fault::address);
}

Packet request(std::uint8_t start, std::uint8_t address, Command command) {
    const std::uint8_t head[] = {start, address, command, 0};
    Packet packet{Bytes(head)};
    packet.push(check_byte(head));
    packet.push(kEnd);
    return packet;
}

Bytes payload(Bytes frame) {
    return frame.subspan(kHead, frame.size() - kOverhead);
}

// --------------------------------------------------------------------------------------------- tables

/// Numbers of the groups of a data answer.
enum Group : std::uint8_t {
    kCells = 1,
    kCurrent = 2,
    kSoc = 3,
    kTemperatures = 5,
    kStatus = 6,
    kVoltage = 8,
    kGroups = 11
};

/// Groups of one word, by their number.
constexpr auto kWordFields = std::to_array<Field>({
    {kCurrent, Raw::u16be, -100, "current_A", &Battery::current_a, 30000},  // grows while discharging
    {kSoc, Raw::u16be, 100, "soc_pct", &Battery::soc_pct},
    {4, Raw::u16be, 100, "capacity_Ah", &Battery::full_ah},
    {7, Raw::u16be, 1, "cycles", &Battery::cycles},
    {kVoltage, Raw::u16be, 100, "voltage_V", &Battery::voltage_v},
    {9, Raw::u16be, 100, "soh_pct", &Battery::soh_pct},
    {10, Raw::u16be, 1, "group10"},
});
static_assert(well_formed(kWordFields, 2));

constexpr std::size_t kFlagsAt = 3;  ///< low byte of the second status word
constexpr auto kFlagFields = std::to_array<Field>({
    {kFlagsAt, Raw::flag, 0, "charging_flag", {}, 0, 0},
    {kFlagsAt, Raw::flag, 0, "discharging_flag", {}, 0, 1},
    {kFlagsAt, Raw::flag, 0, "alarm_short_circuit", {}, 0, 2},
    {kFlagsAt, Raw::flag, 0, "alarm_over_current", {}, 0, 3},
    {kFlagsAt, Raw::flag, 0, "alarm_over_voltage", {}, 0, 4},
    {kFlagsAt, Raw::flag, 0, "alarm_under_voltage", {}, 0, 5},
    {kFlagsAt, Raw::flag, 0, "alarm_charge_over_temp", {}, 0, 6},
    {kFlagsAt, Raw::flag, 0, "alarm_charge_under_temp", {}, 0, 7},
});
static_assert(well_formed(kFlagFields));
constexpr auto kFlags = std::to_array<Flag>({
    {2, Alarm::high_discharge_current},  // short circuit
    // 3 over-current: the current tells of which direction
    {4, Alarm::high_voltage},
    {5, Alarm::low_voltage},
    {6, Alarm::high_charge_temperature},
    {7, Alarm::low_charge_temperature},
});
static_assert(well_formed(kFlags));
constexpr unsigned kOverCurrent = 1u << 3;

constexpr unsigned kCellMask = 0x3fff;  ///< above are flags
constexpr int kCelsiusZero = 50;
constexpr std::size_t kAllSensors = 6;  ///< four on cells, power stage, ambient

/// How far a word may lie from that of the answer before; everything else must be the same.
struct Drift {
    Group group;
    unsigned mask;
    int most;
};
constexpr auto kDrifts = std::to_array<Drift>({
    {kCells, kCellMask, 50},
    {kCurrent, 0xffff, 200},
    {kSoc, 0xffff, 100},
    {kTemperatures, 0xff, 2},
    {kVoltage, 0xffff, 80},
});

// --------------------------------------------------------------------------------------------- layout

/// The words of every group, in the answer they were read from.
using GroupWords = std::array<Bytes, kGroups>;

std::optional<GroupWords> groups_in(Bytes payload) {
    GroupWords groups;
    wire::Cursor cursor(payload);
    while (cursor.remaining() > 0) {
        const unsigned id = cursor.u8();
        const Bytes words = cursor.take(2 * std::size_t{cursor.u8()});
        if (id < groups.size()) {
            groups[id] = words;
        }
    }
    const auto cells = groups[kCells].size() / 2;
    const bool possible = cursor.ok() && cells > 0 && cells <= kMaxCells && groups[kCurrent].size() == 2
                          && groups[kSoc].size() == 2 && groups[kVoltage].size() == 2;
    return possible ? std::optional(groups) : std::nullopt;
}

std::vector<std::uint16_t> cells_of(const GroupWords& groups) {
    auto cells = words(groups[kCells], {groups[kCells].size() / 2});
    for (auto& cell : cells) {
        cell &= kCellMask;
    }
    return cells;
}
double celsius_at(Bytes sensors, std::size_t i) {
    return sensors[2 * i + 1] - kCelsiusZero;
}

/// Nothing can be said without the second status word.
Alarms alarms_of(const GroupWords& groups) {
    Alarms alarms;
    const Bytes status = groups[kStatus];
    if (status.size() > kFlagsAt) {
        raise(kFlags, status[kFlagsAt], alarms);
        const bool discharging = scaled(kWordFields[0], {groups[kCurrent], kCurrent}).value_or(0) < 0;
        const auto level = (status[kFlagsAt] & kOverCurrent) != 0 ? Level::alarm : Level::ok;
        alarms.raise(Alarm::high_charge_current, discharging ? Level::ok : level);
        alarms.raise(Alarm::high_discharge_current, discharging ? level : Level::ok);
    }
    return alarms;
}

/// Whether one answer can follow the other within a second.
bool follows(const GroupWords& before, const GroupWords& after) {
    for (std::size_t id = 0; id < kGroups; ++id) {
        const auto drift =
            std::find_if(kDrifts.begin(), kDrifts.end(), [id](const Drift& d) { return d.group == id; });
        if (before[id].size() != after[id].size()) {
            return false;
        }
        for (std::size_t at = 0; at < after[id].size(); at += 2) {
            const auto mask = drift == kDrifts.end() ? 0xffffu : drift->mask;
            const int apart = static_cast<int>(wire::be16(before[id], at) & mask)
                              - static_cast<int>(wire::be16(after[id], at) & mask);
            if (std::abs(apart) > (drift == kDrifts.end() ? 0 : drift->most)) {
                return false;
            }
        }
    }
    return true;
}

// --------------------------------------------------------------------------------------------- decode

void describe_data(Bytes bytes, Record& out) {
    const auto groups = groups_in(bytes);
    if (!groups) {
        return;
    }
    const auto cells = cells_of(*groups);
    out.set("cell_count", cells.size());
    out.set("cells_mV", to_list(cells));
    for (const auto& field : kWordFields) {
        load(std::span(&field, 1), {(*groups)[field.at], field.at}, out);
    }
    List temperatures;
    const Bytes sensors = (*groups)[kTemperatures];
    for (std::size_t i = 0; i < sensors.size() / 2; ++i) {
        temperatures.emplace_back(celsius_at(sensors, i));
    }
    out.set("temps_C", std::move(temperatures));
    const Bytes status = (*groups)[kStatus];
    out.set("alarm_words", to_list(words(status, {status.size() / 2})));
    load(kFlagFields, {status}, out);
    if (status.size() > kFlagsAt) {
        out.set("venus", venus(alarms_of(*groups)));
    }
}

void describe(Bytes frame, Role role, const Context&, Record& out) {
    out.set("soi", int{frame[0]});
    out.set("address", int{frame[1]});
    out.set("cmd", int{frame[2]});
    out.set("payload_len", int{frame[3]});
    out.set("checksum", int{frame[frame.size() - 2]});
    if (role == Role::request) {
        return;
    }
    if (frame[2] == kData) {
        describe_data(payload(frame), out);
    } else if (frame[2] == kFirmware || frame[2] == kHardware) {
        out.set("text", wire::ascii(payload(frame)));
    } else {
        out.set("payload_hex", wire::to_hex(payload(frame)));
    }
}

// -------------------------------------------------------------------------------------------- session

constexpr auto kTexts = std::to_array<Command>({kFirmware, kHardware});
constexpr unsigned kTextPolls = 5;  ///< what has not been answered by then will not be
constexpr unsigned kMostRereads = 3;

/// The check byte is weak: what the last answer does not bear out is asked again before it is believed.
class LifePowerSession : public Session {
  public:
    LifePowerSession(std::uint8_t start, std::uint8_t address) : start_(start), address_(address) {}

    void cycle(unsigned poll, Queries& out) override {
        rereads_ = 0;
        out.push_back({.bytes = request(start_, address_, kData), .tag = kData});
        for (std::size_t i = 0; i < kTexts.size() && poll < kTextPolls; ++i) {
            if (!texts_[i].settled) {
                out.push_back({.bytes = request(start_, address_, kTexts[i]),
                               .tag = kTexts[i],
                               .required = false,
                               .tries = 1});
            }
        }
    }

    Taken take(const Query& query, Bytes frame, Queries& follow) override {
        if (query.tag != kData) {
            take_text(query.tag == kFirmware ? 0 : 1, wire::ascii(payload(frame)));
            return Taken::done;
        }
        const wire::Buffer bytes(payload(frame).begin(), payload(frame).end());
        const auto groups = groups_in(bytes);
        if (!groups) {
            return Taken::foreign;
        }
        const auto before = groups_in(last_);
        const bool believed = before && follows(*before, *groups);
        if (believed) {
            take_data(*groups);
        }
        last_ = bytes;
        if (believed) {
            return Taken::done;
        }
        if (rereads_++ < kMostRereads) {
            follow.push_back(query);
            return Taken::done;
        }
        missed(query);
        return Taken::refused;
    }

    void missed(const Query& query) override {
        if (query.tag == kData) {
            forget(kWordFields, battery_);
            battery_.cells.clear();
            battery_.temperatures.clear();
            battery_.alarms.clear();
            battery_.alarm_word.reset();
        }
    }

    [[nodiscard]] Proof proof() const override { return proven_ ? Proof::proven : Proof::pending; }

  private:
    /// A text is believed when it came twice.
    struct Text {
        std::string last;
        bool settled = false;
    };

    void take_text(std::size_t which, std::string text) {
        auto& known = texts_[which];
        known.settled = !text.empty() && known.last == text;
        known.last = std::move(text);
        if (!known.settled) {
            return;
        }
        if (which == 1) {
            battery_.hardware_version = known.last;
            return;
        }
        // "QT-YS00-16SV100A-V3.40": board and version
        const auto dash = known.last.rfind("-V");
        battery_.model = known.last.substr(0, dash);
        battery_.firmware_version = dash == std::string::npos ? "" : known.last.substr(dash + 2);
    }

    void take_data(const GroupWords& groups) {
        set_cells(battery_, cells_of(groups));
        battery_.cell_count = static_cast<std::uint32_t>(battery_.cells.size());
        for (const auto& field : kWordFields) {
            load(std::span(&field, 1), {groups[field.at], field.at}, battery_);
        }
        const Bytes sensors = groups[kTemperatures];
        battery_.temperatures.clear();
        for (std::size_t i = 0; i < sensors.size() / 2; ++i) {
            const bool others = sensors.size() / 2 == kAllSensors && i + 2 >= kAllSensors;
            const auto place = !others ? Place::cell : i + 1 == kAllSensors ? Place::ambient : Place::mosfet;
            battery_.temperatures.push_back({place, celsius_at(sensors, i)});
        }
        battery_.alarms = alarms_of(groups);
        const Bytes status = groups[kStatus];
        battery_.alarm_word =
            status.size() > kFlagsAt ? std::optional<std::uint32_t>(wire::be16(status, 2)) : std::nullopt;
        proven_ = proven_ || !implausible(battery_);
    }

    std::uint8_t start_;
    std::uint8_t address_;
    wire::Buffer last_;
    unsigned rereads_ = 0;
    std::array<Text, kTexts.size()> texts_{};
    bool proven_ = false;
};

template <std::uint8_t start>
std::unique_ptr<Session> open(std::uint8_t address, const Options&) {
    return std::make_unique<LifePowerSession>(start, address);
}
template <std::uint8_t start>
Query probe(std::uint8_t address) {
    return {.bytes = request(start, address, kFirmware), .tag = kFirmware};
}

constexpr auto kLines = std::to_array<Line>({{9600}});
constexpr auto kAddresses = std::to_array<std::uint8_t>({1});

}  // namespace
}  // namespace eg4_lifepower

extern const Family kEg4LifePower;
constexpr Family kEg4LifePower{
    .name = "eg4_lifepower",
    .title = "EG4 LifePower",
    .lines = eg4_lifepower::kLines,
    .first_address = 0,
    .last_address = eg4_lifepower::kLastAddress,
    .timing = {.reply = 600ms, .gap = 50ms, .pause = 100ms, .tries = 3, .poll = 2000ms},
    .detection = {.rank = 68, .window = 400ms, .reading = 800ms, .addresses = eg4_lifepower::kAddresses},
    .report = Report::counted,
    .sight = eg4_lifepower::sight<eg4_lifepower::kStart>,
    .mismatch = eg4_lifepower::mismatch,
    .describe = eg4_lifepower::describe,
    .probe = eg4_lifepower::probe<eg4_lifepower::kStart>,
    .open = eg4_lifepower::open<eg4_lifepower::kStart>,
};

extern const Family kRevov;
constexpr Family kRevov{
    .name = "revov",
    .title = "Revov",
    .lines = eg4_lifepower::kLines,
    .first_address = 0,
    .last_address = eg4_lifepower::kLastAddress,
    .timing = kEg4LifePower.timing,
    .detection = {.rank = 76, .window = 400ms, .reading = 800ms, .addresses = eg4_lifepower::kAddresses},
    .report = Report::counted,
    .sight = eg4_lifepower::sight<eg4_lifepower::kRevovStart>,
    .mismatch = eg4_lifepower::mismatch,
    .describe = eg4_lifepower::describe,
    .probe = eg4_lifepower::probe<eg4_lifepower::kRevovStart>,
    .open = eg4_lifepower::open<eg4_lifepower::kRevovStart>,
};

}  // namespace bms
