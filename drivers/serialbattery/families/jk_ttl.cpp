// JK BMS on its "GPS" UART (4E 57 frames): docs/protocols/jk_ttl.md

#include "serialbattery/family.hpp"
#include "serialbattery/framing/check.hpp"
#include "wire/checksum.hpp"

#include <algorithm>

namespace bms {
namespace jk_ttl {
namespace {

// ---------------------------------------------------------------------------------------------- frame

constexpr std::uint8_t kStart1 = 0x4e;
constexpr std::uint8_t kStart2 = 0x57;
constexpr std::uint8_t kEnd = 0x68;
constexpr std::size_t kInfoAt = 11;
constexpr std::size_t kTail = 9;             ///< record number, end mark, checksum
constexpr std::size_t kShortestLength = 18;  ///< of the length field: no information
constexpr std::size_t kLongestLength = 400;

enum Order : std::uint8_t { kActivate = 1, kWrite = 2, kReadOne = 3, kPassword = 5, kReadAll = 6 };
enum Source : std::uint8_t { kGps = 2, kPc = 3 };
constexpr std::uint8_t kRequest = 0;  ///< transfer type

Bytes information(Bytes frame) {
    return frame.subspan(kInfoAt, frame.size() - kInfoAt - kTail);
}

Sight sight(Bytes bytes, Bytes) {
    if (bytes.empty() || bytes[0] != kStart1 || (bytes.size() > 1 && bytes[1] != kStart2)) {
        return Sight::no();
    }
    if (bytes.size() < kInfoAt) {
        return Sight::needs(kShortestLength + 2);
    }
    const std::size_t length = wire::be16(bytes, 2);
    if (length < kShortestLength || length > kLongestLength) {
        return Sight::no(Fault::length);
    }
    const std::size_t total = length + 2;
    if (bytes.size() < total) {
        return Sight::needs(total);
    }
    if (!check_holds(wire::sum16(bytes.first(total - 4)), wire::be16(bytes, total - 2))) {
        return Sight::no(Fault::checksum);
    }
    if (bytes[total - 5] != kEnd) {
        return Sight::no(Fault::trailer);
    }
    return Sight::frame(total, bytes[10] == kRequest ? Role::request : Role::reply);
}

std::optional<Fault> mismatch(Bytes frame, Bytes asked) {
    if (asked.size() < kInfoAt) {
        return Fault::address;
    }
    // Reading everything is also answered as reading tag 0.
    const auto kind = [](Bytes some) {
        return some[8] == kReadOne && some[kInfoAt] == 0 ? std::uint8_t{kReadAll} : some[8];
    };
    return kind(frame) == kind(asked) ? std::nullopt : std::optional(Fault::address);
}

Packet request(Order order, Source source, Bytes info) {
    Packet packet;
    const auto length = static_cast<unsigned>(kShortestLength + info.size());
    for (const unsigned byte : {unsigned{kStart1}, unsigned{kStart2}, length >> 8, length & 0xff, 0u, 0u, 0u,
                                0u, unsigned{order}, unsigned{source}, unsigned{kRequest}}) {
        packet.push(byte);
    }
    for (const auto byte : info) {
        packet.push(byte);
    }
    for (const unsigned byte : {0u, 0u, 0u, 0u, unsigned{kEnd}}) {
        packet.push(byte);
    }
    const auto sum = wire::sum16(packet.bytes());
    for (const unsigned byte : {0u, 0u, unsigned{sum} >> 8, sum & 0xffu}) {
        packet.push(byte);
    }
    return packet;
}
Packet read_all() {
    return request(kReadAll, kPc, std::array<std::uint8_t, 1>{0});
}
Packet activate() {
    return request(kActivate, kPc, std::array<std::uint8_t, 1>{0});
}
Packet password() {
    return request(kPassword, kGps, std::array<std::uint8_t, 2>{0, 0});
}
Packet write(std::uint8_t tag, bool on) {
    return request(kWrite, kGps, std::array<std::uint8_t, 2>{tag, static_cast<std::uint8_t>(on ? 1 : 0)});
}

// --------------------------------------------------------------------------------------------- tables

enum Tag : std::uint8_t {
    kCells = 0x79,
    kMosTemperature = 0x80,
    kBoxTemperature = 0x81,
    kBatteryTemperature = 0x82,
    kCurrent = 0x84,
    kAlarmWord = 0x8b,
    kStatusWord = 0x8c,
    kBalanceSwitch = 0x9d,
    kChargeSwitch = 0xab,
    kDischargeSwitch = 0xac,
    kDeviceId = 0xb4,
    kDate = 0xb5,
    kSoftware = 0xb7,
    kVendorId = 0xba,
    kProtocolVersion = 0xc0,
};

/// Bytes of every tag but 79, which carries its own length; 0 for tags nobody knows.
constexpr auto kTagLength = [] {
    std::array<std::uint8_t, 256> length{};
    for (const int two : {0x80, 0x81, 0x82, 0x83, 0x84, 0x87, 0x8a, 0x8b, 0x8c, 0xad, 0xb0, 0xbe, 0xbf}) {
        length[static_cast<std::size_t>(two)] = 2;
    }
    for (std::size_t tag = 0x8e; tag <= 0xa8; ++tag) {
        length[tag] = 2;
    }
    for (const int one :
         {0x85, 0x86, 0x9d, 0xa9, 0xab, 0xac, 0xae, 0xaf, 0xb1, 0xb3, 0xb8, 0xbb, 0xbc, 0xbd, 0xc0}) {
        length[static_cast<std::size_t>(one)] = 1;
    }
    for (const int four : {0x89, 0xaa, 0xb5, 0xb6, 0xb9}) {
        length[static_cast<std::size_t>(four)] = 4;
    }
    length[0xb2] = 10;
    length[0xb4] = 8;
    length[0xb7] = 15;
    length[0xba] = 24;
    return length;
}();

/// `at` is the tag.
constexpr auto kTagFields = std::to_array<Field>({
    {0x83, Raw::u16be, 100, "voltage_V", &Battery::voltage_v},
    {0x84, Raw::u16be, 1, "current_raw"},  // scaled by the protocol version, which comes last
    {0x85, Raw::u8, 1, "soc_pct", &Battery::soc_pct},
    {0x86, Raw::u8, 1, "ntc_count"},
    {0x87, Raw::u16be, 1, "cycles", &Battery::cycles},
    {0x89, Raw::u32be, 1, "cycle_capacity_Ah", &Battery::discharged_ah},
    {0x8a, Raw::u16be, 1, "cell_count", &Battery::cell_count},
    {0x8b, Raw::u16be, 1, "alarms", &Battery::alarm_word},
    {0x8c, Raw::u16be, 1, "status", &Battery::status_word},
    {0x8c, Raw::flag16, 0, "charge_fet", &Battery::charge_fet, 0, 0},
    {0x8c, Raw::flag16, 0, "discharge_fet", &Battery::discharge_fet, 0, 1},
    {0x8c, Raw::flag16, 0, "balancing", &Battery::balancing, 0, 2},
    {0x90, Raw::u16be, 1000, "", &Battery::cell_overvoltage_v},
    {0x93, Raw::u16be, 1000, "", &Battery::cell_undervoltage_v},
    {0x97, Raw::u16be, 1, "discharge_limit_A", &Battery::discharge_overcurrent_a},
    {0x99, Raw::u16be, 1, "charge_limit_A", &Battery::charge_overcurrent_a},
    {0x9d, Raw::u8, 1, "balance_switch"},
    {0x9d, Raw::truth8, 0, "", &Battery::balance_switch},
    {0xaa, Raw::u32be, 1, "capacity_Ah", &Battery::capacity_ah},
    {0xab, Raw::truth8, 0, "", &Battery::charge_switch},
    {0xac, Raw::truth8, 0, "", &Battery::discharge_switch},
    {0xb6, Raw::u32be, 1.0 / 60, "running_time_s", &Battery::run_time_s},     // minutes
    {0xb9, Raw::u32be, 1, "actual_capacity_Ah", &Battery::full_ah, 0, 0, 0},  // 0 before firmware 10.10
});
static_assert(well_formed(kTagFields, 4));  // whatever its width, a field has one tag

constexpr auto kAlarmFlags = std::to_array<Flag>({
    {0, Alarm::low_soc, Level::warning},
    {1, Alarm::high_internal_temperature},
    {2, Alarm::high_voltage},
    {3, Alarm::low_voltage},
    // 4 over-temperature: by the direction of the current
    {5, Alarm::high_charge_current},
    {6, Alarm::high_discharge_current},
    {7, Alarm::cell_imbalance},
    // 8 over-temperature of the box, 9 low temperature: by the direction of the current
    {10, Alarm::high_cell_voltage},
    {11, Alarm::low_cell_voltage},
    {12, Alarm::internal_failure},
    {13, Alarm::internal_failure},
});
static_assert(well_formed(kAlarmFlags));
constexpr std::uint32_t kHotBits = 1 << 4 | 1 << 8;
constexpr std::uint32_t kColdBit = 1 << 9;

// --------------------------------------------------------------------------------------------- decode

/// The tags of a reply: value bytes by tag, empty where a tag did not come.
struct Tags {
    std::array<Bytes, 256> value{};
    std::optional<std::uint8_t> unknown;  ///< the tag that ended the list
    [[nodiscard]] Bytes operator[](std::uint8_t tag) const { return value[tag]; }
};

Tags parse(Bytes info) {
    Tags tags;
    while (!info.empty()) {
        const auto tag = info[0];
        std::size_t head = 1;
        std::size_t length = kTagLength[tag];
        if (tag == kCells && info.size() > 1) {
            head = 2;
            length = info[1];
        }
        if (length == 0) {
            tags.unknown = tag;
            break;
        }
        if (info.size() < head + length) {
            break;
        }
        tags.value[tag] = info.subspan(head, length);
        info = info.subspan(head + length);
    }
    return tags;
}

/// 0..100 as it is, above that 100 minus the number: 101 is -1.
std::optional<double> celsius(Bytes value) {
    if (value.size() != 2) {
        return std::nullopt;
    }
    const int raw = wire::be16(value, 0);
    return raw <= 100 ? raw : 100 - raw;
}

std::optional<double> current(const Tags& tags) {
    if (tags[kCurrent].empty()) {
        return std::nullopt;
    }
    const int raw = wire::be16(tags[kCurrent], 0);
    const bool signed_magnitude = !tags[kProtocolVersion].empty() && tags[kProtocolVersion][0] >= 1;
    if (!signed_magnitude) {
        return (10000 - raw) / 100.0;
    }
    return ((raw & 0x8000) != 0 ? 1 : -1) * (raw & 0x7fff) / 100.0 + 0.0;
}

/// Cells by their numbers, which count from 1; nothing when a number is out of order.
std::vector<std::uint16_t> cells(Bytes list) {
    std::vector<std::uint16_t> millivolts;
    for (std::size_t i = 0; i + 3 <= list.size(); i += 3) {
        if (list[i] != millivolts.size() + 1) {
            return {};
        }
        millivolts.push_back(wire::be16(list, i + 1));
    }
    return millivolts;
}

std::string text(Bytes value) {
    return wire::ascii(value);
}

/// "2110": a year and a month.
std::optional<Date> produced(std::string_view text) {
    const bool digits = text.size() == 4
                        && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (!digits) {
        return std::nullopt;
    }
    const auto pair = [text](std::size_t at) { return 10 * (text[at] - '0') + text[at + 1] - '0'; };
    const Date date{static_cast<std::uint16_t>(2000 + pair(0)), static_cast<std::uint8_t>(pair(2)), 1};
    return date.valid() ? std::optional(date) : std::nullopt;
}

void describe_all(Bytes info, Record& out) {
    const Tags tags = parse(info);
    if (!tags[kCells].empty()) {
        out.set("cells_mV", to_list(cells(tags[kCells])));
    }
    const auto temperature = [&](std::string_view key, Tag tag) {
        if (const auto value = celsius(tags[tag])) {
            out.set(key, static_cast<int>(*value));
        }
    };
    temperature("mos_temp_C", kMosTemperature);
    temperature("temp1_C", kBoxTemperature);
    temperature("temp2_C", kBatteryTemperature);
    for (const auto& field : kTagFields) {
        load(std::span(&field, 1), Payload{tags[static_cast<std::uint8_t>(field.at)], field.at, 1}, out);
    }
    if (const auto amperes = current(tags)) {
        out.set("current_A", *amperes);
    }
    for (const auto& [key, tag] :
         std::initializer_list<std::pair<std::string_view, Tag>>{{"device_id", kDeviceId},
                                                                 {"mfg_date", kDate},
                                                                 {"sw_version", kSoftware},
                                                                 {"vendor_id", kVendorId}}) {
        if (!tags[tag].empty()) {
            out.set(key, text(tags[tag]));
        }
    }
    out.set("protocol_version", tags[kProtocolVersion].empty() ? 0 : int{tags[kProtocolVersion][0]});
    if (tags.unknown) {
        out.set("unknown_tag", int{*tags.unknown});
    }
}

void describe(Bytes frame, Role role, const Context&, Record& out) {
    const Bytes info = information(frame);
    if (frame[8] == kWrite && !info.empty()) {
        out.set("tag", int{info[0]});
        if (role == Role::request && info.size() > 1) {
            std::int64_t value = 0;
            for (const auto byte : info.subspan(1, std::min<std::size_t>(info.size() - 1, 4))) {
                value = value << 8 | byte;
            }
            out.set("value", value);
        }
    } else if (role != Role::request) {
        describe_all(info, out);
    }
}

// -------------------------------------------------------------------------------------------- session

class JkTtlSession : public Session {
  public:
    void cycle(unsigned, Queries& out) override {
        if (silent_) {
            out.push_back(
                {.bytes = activate(), .tag = kActivate, .required = false, .tries = 1, .reply = 200ms});
        }
        out.push_back({.bytes = read_all(), .tag = kReadAll});
    }

    Taken take(const Query& query, Bytes frame, Queries&) override {
        if (query.tag != kReadAll) {
            return Taken::done;
        }
        return take_all(information(frame));
    }

    void missed(const Query& query) override {
        if (query.tag == kReadAll) {
            silent_ = true;
            forget(kTagFields, battery_);
            battery_.current_a.reset();
            battery_.cells.clear();
            battery_.temperatures.clear();
            battery_.alarms.clear();
        }
    }

    bool control(const Command& command, Queries& out) override {
        const auto tag = command.control == Control::charge      ? kChargeSwitch
                         : command.control == Control::discharge ? kDischargeSwitch
                                                                 : kBalanceSwitch;
        out.push_back({.bytes = password(), .tag = kPassword, .required = false, .tries = 1});
        out.push_back({.bytes = write(tag, command.on()), .tag = kWrite, .pause = 150ms});
        out.push_back({.bytes = read_all(), .tag = kReadAll, .pause = 300ms});
        return true;
    }

    [[nodiscard]] Proof proof() const override { return proven_ ? Proof::proven : Proof::pending; }

  private:
    Taken take_all(Bytes info) {
        if (info.empty() || info[0] != kCells) {
            return Taken::foreign;
        }
        const Tags tags = parse(info);
        const auto millivolts = cells(tags[kCells]);
        if (millivolts.empty() || tags[kCells].size() % 3 != 0) {
            return Taken::foreign;
        }
        for (const auto& field : kTagFields) {
            load(std::span(&field, 1), Payload{tags[static_cast<std::uint8_t>(field.at)], field.at, 1},
                 battery_);
        }
        battery_.current_a = current(tags);
        proven_ = proven_ || battery_.cell_count == millivolts.size();
        // The list may be longer than the pack.
        set_cells(battery_, std::span(millivolts)
                                .first(std::min<std::size_t>(
                                    millivolts.size(), battery_.cell_count.value_or(
                                                           static_cast<std::uint32_t>(millivolts.size())))));
        take_temperatures(tags);
        take_alarms();
        take_identity(tags);
        mark_balancing();
        silent_ = false;
        return Taken::done;
    }

    void take_temperatures(const Tags& tags) {
        const Bytes count = tags[0x86];
        battery_.temperatures = {{Place::mosfet, celsius(tags[kMosTemperature])}};
        if (count.empty() || count[0] >= 1) {
            battery_.temperatures.push_back({Place::cell, celsius(tags[kBoxTemperature])});
        }
        if (count.empty() || count[0] >= 2) {
            battery_.temperatures.push_back({Place::cell, celsius(tags[kBatteryTemperature])});
        }
    }

    void take_alarms() {
        battery_.alarms.clear();
        if (!battery_.alarm_word) {
            return;
        }
        raise(kAlarmFlags, *battery_.alarm_word, battery_.alarms);
        const bool charging = battery_.current_a.value_or(0) > 0;
        for (const auto alarm : {Alarm::high_charge_temperature, Alarm::high_temperature,
                                 Alarm::low_charge_temperature, Alarm::low_temperature}) {
            battery_.alarms.supports(alarm);
        }
        if ((*battery_.alarm_word & kHotBits) != 0) {
            battery_.alarms.raise(charging ? Alarm::high_charge_temperature : Alarm::high_temperature,
                                  Level::alarm);
        }
        if ((*battery_.alarm_word & kColdBit) != 0) {
            battery_.alarms.raise(charging ? Alarm::low_charge_temperature : Alarm::low_temperature,
                                  Level::alarm);
        }
    }

    void take_identity(const Tags& tags) {
        battery_.manufacturer = "JK";
        battery_.production = produced(text(tags[kDate]));
        battery_.firmware_version = text(tags[kSoftware]);
        while (!battery_.firmware_version.empty() && battery_.firmware_version.back() == '_') {
            battery_.firmware_version.pop_back();
        }
        battery_.model = battery_.firmware_version.substr(0, battery_.firmware_version.find('_'));
        if (const auto name = text(tags[kDeviceId]); name.rfind("Input Us", 0) != 0) {
            battery_.device_name = name;
        }
        if (const auto id = text(tags[kVendorId]); id.rfind("Input Us", 0) != 0) {
            battery_.unique_id = id;
            battery_.serial = id;
        }
    }

    /// The active balancer moves charge between the highest and the lowest cell.
    void mark_balancing() {
        if (!battery_.balancing || battery_.cells.empty()) {
            return;
        }
        const auto by_volts = [](const Cell& a, const Cell& b) {
            return a.volts.value_or(0) < b.volts.value_or(0);
        };
        const auto [low, high] = std::minmax_element(battery_.cells.begin(), battery_.cells.end(), by_volts);
        for (auto& cell : battery_.cells) {
            cell.balancing = false;
        }
        low->balancing = high->balancing = *battery_.balancing;
    }

    bool silent_ = false;
    bool proven_ = false;
};

std::unique_ptr<Session> open(std::uint8_t, const Options&) {
    return std::make_unique<JkTtlSession>();
}
Query probe(std::uint8_t) {
    return {.bytes = read_all(), .tag = kReadAll};
}

constexpr auto kLines = std::to_array<Line>({{115200}});
constexpr auto kControls =
    std::to_array<ControlInfo>({{Control::charge}, {Control::discharge}, {Control::balancing}});

}  // namespace
}  // namespace jk_ttl

extern const Family kJkTtl;
constexpr Family kJkTtl{
    .name = "jk_ttl",
    .title = "JK BMS (TTL)",
    .lines = jk_ttl::kLines,
    .timing = {.reply = 500ms, .gap = 50ms, .pause = 100ms, .tries = 2},
    .detection = {.rank = 10, .window = 180ms},
    .controls = jk_ttl::kControls,
    .sight = jk_ttl::sight,
    .mismatch = jk_ttl::mismatch,
    .describe = jk_ttl::describe,
    .probe = jk_ttl::probe,
    .open = jk_ttl::open,
};

}  // namespace bms
