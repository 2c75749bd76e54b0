// ANT BMS from 2021 on, 7E A1 frames: docs/protocols/ant.md

#include "ant_codes.hpp"
#include "serialbattery/family.hpp"
#include "serialbattery/framing/check.hpp"
#include "serialbattery/framing/modbus.hpp"

#include <algorithm>
#include <string_view>

namespace bms {
namespace ant_new {
namespace {

// ---------------------------------------------------------------------------------------------- frame

constexpr auto kHeader = std::to_array<std::uint8_t>({0x7e, 0xa1});
constexpr auto kTrailer = std::to_array<std::uint8_t>({0xaa, 0x55});
constexpr std::size_t kHead = 6;
constexpr std::size_t kOverhead = 10;
constexpr std::size_t kMostSurplus = 8;  ///< bytes some answers carry between their checksum and the trailer
constexpr unsigned kMaxCells = 32;
constexpr unsigned kMaxSensors = 16;

enum Function : std::uint8_t {
    kReadStatus = 0x01,
    kReadSettings = 0x02,
    kStatus = 0x11,
    kSettings = 0x12,
    kPassword = 0x23,
    kPasswordAck = 0x43,
    kCommand = 0x51,
    kCommandAck = 0x61,
};
constexpr std::uint16_t kDeviceInfo = 0x026c;
constexpr std::uint16_t kPasswordAt = 0x016a;
constexpr std::string_view kDefaultPassword = "123456789abc";

enum Order : std::uint16_t {
    kDischargeOff = 0x01,
    kDischargeOn = 0x03,
    kChargeOff = 0x04,
    kChargeOn = 0x06,
};

bool is_request(std::uint8_t function) {
    return function == kReadStatus || function == kReadSettings || function == kPassword
           || function == kCommand;
}
bool is_reply(std::uint8_t function) {
    return function == kStatus || function == kSettings || function == kPasswordAck
           || function == kCommandAck;
}
std::uint8_t reply_to(std::uint8_t function) {
    return static_cast<std::uint8_t>(function + (function == kPassword ? 0x20 : 0x10));
}
std::uint16_t address_of(Bytes frame) {
    return wire::le16(frame, 3);
}

/// Data bytes that follow: a read request names the number it wants, none follows.
std::size_t data_length(Bytes head) {
    return head[2] == kReadStatus || head[2] == kReadSettings ? 0 : head[5];
}

/// Total length by the trailer, which may stand behind surplus bytes of an answer; 0 while it has not been seen.
std::size_t length_to_trailer(Bytes bytes, std::size_t declared, bool surplus_allowed) {
    const std::size_t most = surplus_allowed ? kMostSurplus : 0;
    for (std::size_t surplus = 0; surplus <= most && declared + surplus <= bytes.size(); ++surplus) {
        const Bytes end = bytes.subspan(declared + surplus - 2, 2);
        if (std::equal(end.begin(), end.end(), kTrailer.begin())) {
            return declared + surplus;
        }
    }
    return 0;
}

Sight sight(Bytes bytes, Bytes) {
    const auto shown = static_cast<std::ptrdiff_t>(std::min(bytes.size(), kHeader.size()));
    if (bytes.empty() || !std::equal(bytes.begin(), bytes.begin() + shown, kHeader.begin())) {
        return Sight::no();
    }
    if (bytes.size() < kHead) {
        return Sight::needs(kOverhead);
    }
    if (!is_request(bytes[2]) && !is_reply(bytes[2])) {
        return Sight::no();
    }
    const std::size_t total = kOverhead + data_length(bytes);
    if (bytes.size() < total) {
        return Sight::needs(total);
    }
    if (!check_holds(wire::Crc16Modbus::of(bytes.subspan(1, total - 5)), wire::le16(bytes, total - 4))) {
        return Sight::no(Fault::checksum);
    }
    const bool surplus = bytes[2] == kSettings;
    const auto length = length_to_trailer(bytes, total, surplus);
    if (length == 0) {
        return surplus && bytes.size() < total + kMostSurplus ? Sight::needs(total + 2)
                                                              : Sight::no(Fault::trailer);
    }
    return Sight::frame(length, is_request(bytes[2]) ? Role::request : Role::reply);
}

std::optional<Fault> mismatch(Bytes frame, Bytes asked) {
    if (asked.size() < kHead || frame[2] != reply_to(asked[2]) || address_of(frame) != address_of(asked)) {
        return Fault::address;
    }
    return std::nullopt;
}

Packet request(std::uint8_t function, std::uint16_t address, std::uint8_t length,
               std::string_view data = {}) {
    Packet packet;
    for (const unsigned byte :
         {0x7eu, 0xa1u, unsigned{function}, address & 0xffu, unsigned{address} >> 8, unsigned{length}}) {
        packet.push(byte);
    }
    for (const char c : data) {
        packet.push(static_cast<std::uint8_t>(c));
    }
    const auto crc = wire::Crc16Modbus::of(packet.bytes().subspan(1));
    for (const unsigned byte : {crc & 0xffu, unsigned{crc} >> 8, 0xaau, 0x55u}) {
        packet.push(byte);
    }
    return packet;
}
Packet read_status() {
    return request(kReadStatus, 0, 0xbe);
}
Packet read_info() {
    return request(kReadSettings, kDeviceInfo, 32);
}

// --------------------------------------------------------------------------------------------- tables

constexpr std::size_t kSensorCount = 8;
constexpr std::size_t kCellCount = 9;
constexpr std::size_t kCellsAt = 34;

/// Frame offsets in front of the lists, little endian.
constexpr auto kHeadFields = std::to_array<Field>({
    {7, Raw::u8, 1, "battery_status", &Battery::status_word},
    {8, Raw::u8, 1, "temp_count"},
    {9, Raw::u8, 1, "cell_count", &Battery::cell_count},
});
static_assert(well_formed(kHeadFields));

/// Offsets behind the cells and sensors.
constexpr auto kFields = std::to_array<Field>({
    {0, Raw::s16le, 1, "mos_temp_C"},
    {2, Raw::s16le, 1, "balancer_temp_C"},
    {4, Raw::u16le, 100, "voltage_V", &Battery::voltage_v},
    {6, Raw::s16le, 1, "current_raw"},
    {6, Raw::s16le, -10, "current_A", &Battery::current_a},  // + on the wire is discharge
    {8, Raw::u16le, 1, "soc_pct", &Battery::soc_pct},
    {10, Raw::u16le, 1, "soh_pct", &Battery::soh_pct},
    {12, Raw::u8, 1, "charge_state"},
    {13, Raw::u8, 1, "discharge_state"},
    {14, Raw::u8, 1, "balance_state"},
    {16, Raw::u32le, 1e6, "capacity_Ah", &Battery::capacity_ah},
    {20, Raw::u32le, 1e6, "remaining_Ah", &Battery::remaining_ah},
    {24, Raw::u32le, 1e3, "cycle_Ah"},
    {28, Raw::s32le, 1, "power_raw_W"},
    {32, Raw::u32le, 1, "runtime_s", &Battery::run_time_s},
    {36, Raw::u32le, 1, "balanced_mask"},
    {40, Raw::u16le, 1, "max_mV"},
    {42, Raw::u16le, 1, "max_cell"},
    {44, Raw::u16le, 1, "min_mV"},
    {46, Raw::u16le, 1, "min_cell"},
    {48, Raw::u16le, 1, "delta_mV"},
    {50, Raw::u16le, 1, "avg_mV"},
    {62, Raw::u32le, 1e3, "total_discharge_Ah", &Battery::discharged_ah},
    {66, Raw::u32le, 1e3, "total_charge_Ah", &Battery::charged_ah},
    {70, Raw::u32le, 1, "discharge_time_s"},
    {74, Raw::u32le, 1, "charge_time_s"},
});
static_assert(well_formed(kFields));
constexpr std::size_t kShortestTail = 40;
constexpr std::size_t kBalanceMask = 36;

// --------------------------------------------------------------------------------------------- decode

/// The lists of a status answer and what stands behind them; nothing when the counts do not fit.
struct Status {
    Bytes cells;
    Bytes sensors;
    Bytes tail;
};
std::optional<Status> status_of(Bytes frame) {
    if (frame.size() < kCellsAt + 4) {
        return std::nullopt;
    }
    const std::size_t cells = frame[kCellCount];
    const std::size_t sensors = frame[kSensorCount];
    const Bytes rest = frame.subspan(kCellsAt, frame.size() - kCellsAt - 4);
    if (cells == 0 || cells > kMaxCells || sensors > kMaxSensors
        || rest.size() < 2 * (cells + sensors) + kShortestTail) {
        return std::nullopt;
    }
    return Status{rest.first(2 * cells), rest.subspan(2 * cells, 2 * sensors),
                  rest.subspan(2 * (cells + sensors))};
}

void describe_status(Bytes frame, Record& out) {
    load(kHeadFields, {frame}, out);
    const auto status = status_of(frame);
    if (!status) {
        return;
    }
    out.set("protection_mask", static_cast<std::int64_t>(wire::le64(frame, 10)));
    out.set("warning_mask", static_cast<std::int64_t>(wire::le64(frame, 18)));
    out.set("cells_mV", to_list(words(status->cells, {status->cells.size() / 2, false})));
    List sensors;
    for (const auto raw : words(status->sensors, {status->sensors.size() / 2, false})) {
        sensors.emplace_back(int{wire::s16(raw)});
    }
    out.set("temps_C", std::move(sensors));
    load(kFields, {status->tail}, out);
}

void describe(Bytes frame, Role role, const Context&, Record& out) {
    if (role == Role::request) {
        return;
    }
    out.set("function", int{frame[2]});
    out.set("address", int{address_of(frame)});
    out.set("declared_len", int{frame[5]});
    out.set("total_len", frame.size());
    if (frame[2] == kStatus) {
        describe_status(frame, out);
    } else if (frame[2] == kSettings && address_of(frame) == kDeviceInfo && frame[5] >= 32) {
        out.set("model", wire::ascii(frame.subspan(kHead, 16)));
        out.set("software", wire::ascii(frame.subspan(kHead + 16, 16)));
    } else if (frame[5] > 0) {
        out.set("result", int{frame[kHead]});
    }
}

void identify(Bytes frame, Record& out) {
    out.set("function", int{frame[2]});
}

// -------------------------------------------------------------------------------------------- session

class AntNewSession : public Session {
  public:
    void cycle(unsigned, Queries& out) override {
        out.push_back({.bytes = read_status(), .tag = kStatus});
        if (info_tries_left_ > 0) {
            --info_tries_left_;
            out.push_back({.bytes = read_info(), .tag = kSettings, .required = false, .tries = 1});
        }
    }

    Taken take(const Query& query, Bytes frame, Queries&) override {
        if (query.tag == kStatus) {
            return take_status(frame);
        }
        if (query.tag == kSettings && frame[5] >= 32) {
            battery_.model = wire::ascii(frame.subspan(kHead, 16));
            battery_.firmware_version = wire::ascii(frame.subspan(kHead + 16, 16));
            info_tries_left_ = 0;
        }
        const bool refused = query.tag == kCommand && (frame[5] == 0 || frame[kHead] != 1);
        return refused ? Taken::refused : Taken::done;
    }

    void missed(const Query& query) override {
        if (query.tag == kStatus) {
            forget(kHeadFields, battery_);
            forget(kFields, battery_);
            battery_.cells.clear();
            battery_.temperatures.clear();
            battery_.alarms.clear();
            battery_.charge_fet.reset();
            battery_.discharge_fet.reset();
            battery_.balancing.reset();
        }
    }

    bool control(const Command& command, Queries& out) override {
        const bool charge = command.control == Control::charge;
        const auto order =
            charge ? (command.on() ? kChargeOn : kChargeOff) : (command.on() ? kDischargeOn : kDischargeOff);
        const auto length = static_cast<std::uint8_t>(kDefaultPassword.size());
        out.push_back({.bytes = request(kPassword, kPasswordAt, length, kDefaultPassword),
                       .tag = kPassword,
                       .required = false,
                       .tries = 1});
        out.push_back({.bytes = request(kCommand, order, 0), .tag = kCommand});
        out.push_back({.bytes = read_status(), .tag = kStatus, .pause = 300ms});
        return true;
    }

    [[nodiscard]] Proof proof() const override {
        return proven_ ? Proof::proven : refuted_ ? Proof::refuted : Proof::pending;
    }

  private:
    Taken take_status(Bytes frame) {
        const auto status = status_of(frame);
        if (!status) {
            refuted_ = true;
            return Taken::foreign;
        }
        load(kHeadFields, {frame}, battery_);
        load(kFields, {status->tail}, battery_);
        const Bytes tail = status->tail;
        ant::load_codes(tail[12], tail[13], tail[14], battery_);
        // The two 64-bit words are not understood and set on healthy packs: shown, never an alarm.
        battery_.alarm_word = wire::le32(frame, 10);
        battery_.warning_word = wire::le32(frame, 18);
        set_cells(battery_, words(status->cells, {status->cells.size() / 2, false}));
        const auto state = battery_.balancing;
        set_balancing(battery_, wire::le32(tail, kBalanceMask));
        battery_.balancing = state;
        battery_.temperatures.clear();
        for (const auto raw : words(status->sensors, {status->sensors.size() / 2, false})) {
            add_sensor(Place::cell, raw);
        }
        add_sensor(Place::mosfet, wire::le16(tail, 0));
        add_sensor(Place::balancer, wire::le16(tail, 2));
        battery_.manufacturer = "ANT";
        proven_ = true;
        return Taken::done;
    }
    void add_sensor(Place place, std::uint16_t raw) {
        if (const auto celsius = ant::celsius(wire::s16(raw))) {
            battery_.temperatures.push_back({place, celsius});
        }
    }

    unsigned info_tries_left_ = 3;
    bool proven_ = false;
    bool refuted_ = false;
};

std::unique_ptr<Session> open(std::uint8_t, const Options&) {
    return std::make_unique<AntNewSession>();
}
Query probe(std::uint8_t) {
    return {.bytes = read_status(), .tag = kStatus};
}

constexpr auto kLines = std::to_array<Line>({{19200}});
constexpr auto kControls = std::to_array<ControlInfo>({{Control::charge}, {Control::discharge}});

}  // namespace
}  // namespace ant_new

extern const Family kAntNew;
constexpr Family kAntNew{
    .name = "ant_new",
    .title = "ANT (from 2021)",
    .lines = ant_new::kLines,
    .timing = {.reply = 500ms, .gap = 50ms, .pause = 20ms, .tries = 3},
    .detection = {.rank = 72, .window = 200ms},
    .controls = ant_new::kControls,
    .check = "crc",
    .sight = ant_new::sight,
    .mismatch = ant_new::mismatch,
    .describe = ant_new::describe,
    .identify = ant_new::identify,
    .probe = ant_new::probe,
    .open = ant_new::open,
};

}  // namespace bms
