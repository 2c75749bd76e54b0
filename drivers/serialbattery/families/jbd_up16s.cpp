// JBD UP16S, inverter packs with their own RS485 protocol: docs/protocols/jbd_up16s.md

#include "jbd_up16s_layout.hpp"
#include "serialbattery/family.hpp"
#include "serialbattery/framing/modbus.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace bms {
namespace up16s {
namespace {

// ---------------------------------------------------------------------------------------------- frame

constexpr std::uint8_t kRead = 0x78;
constexpr std::uint8_t kWrite = 0x79;
constexpr std::uint8_t kOwnStatus = 0x45;
constexpr std::size_t kHead = 8;
constexpr std::size_t kOverhead = 10;
constexpr std::size_t kLongest = 300;

enum Block : std::uint16_t {
    kIndividual = 0x0000,  ///< with function 45 only
    kPackStatus = 0x1000,
    kThresholds = 0x1800,
    kParameters = 0x1c00,
    kCapacity = 0x2000,
    kTotals = 0x2006,
    kClock = 0x2800,
    kControl = 0x2902,
};

std::uint16_t start_of(Bytes frame) {
    return wire::be16(frame, 2);
}
Bytes payload(Bytes frame) {
    return frame.subspan(kHead, frame.size() - kOverhead);
}

constexpr unsigned kMaxCells = 16;
constexpr unsigned kMaxSensors = 4;
constexpr std::size_t kCellsAt = 66;

/// Where the parts behind the cell and sensor lists stand in a pack status.
struct Shape {
    std::size_t cells = 0;
    std::size_t sensors = 0;
    [[nodiscard]] std::size_t sensors_at() const { return kCellsAt + 4 + 2 * cells; }
    [[nodiscard]] std::size_t behind() const { return sensors_at() + 2 * sensors; }
};
std::optional<Shape> shape_of(Bytes data) {
    if (data.size() < kCellsAt + 2) {
        return std::nullopt;
    }
    Shape shape{wire::be16(data, kCellsAt), 0};
    if (shape.cells == 0 || shape.cells > kMaxCells || data.size() < shape.sensors_at()) {
        return std::nullopt;
    }
    shape.sensors = wire::be16(data, shape.sensors_at() - 2);
    if (shape.sensors > kMaxSensors || data.size() < shape.behind() + 36) {
        return std::nullopt;
    }
    return shape;
}

Sight sight(Bytes bytes, Bytes) {
    if (bytes.empty() || bytes[0] == 0 || bytes[0] > 0x7f) {
        return Sight::no();
    }
    if (bytes.size() > 1 && bytes[1] != kRead && bytes[1] != kWrite && bytes[1] != kOwnStatus) {
        return Sight::no();
    }
    if (bytes.size() < kHead) {
        return Sight::needs(kOverhead);
    }
    const std::size_t total = kOverhead + wire::be16(bytes, 6);
    if (total > kLongest || wire::be16(bytes, 2) > wire::be16(bytes, 4)) {
        return Sight::no();
    }
    if (bytes.size() < total) {
        return Sight::needs(total);
    }
    if (!modbus::crc_good(bytes.first(total))) {
        return Sight::no(Fault::checksum);
    }
    const bool empty = total == kOverhead;
    if (bytes[1] == kWrite ? !empty : empty) {
        return Sight::frame(total, Role::request);
    }
    if (bytes[1] == kRead && start_of(bytes) == kPackStatus && !shape_of(payload(bytes.first(total)))) {
        return Sight::no(Fault::length);
    }
    return Sight::frame(total);
}

std::optional<Fault> mismatch(Bytes frame, Bytes asked) {
    if (asked.size() < kHead || !std::equal(frame.begin(), frame.begin() + 6, asked.begin())) {
        return Fault::address;  // unit, function, start and end are repeated
    }
    return std::nullopt;
}

Packet request(unsigned address, unsigned function, unsigned start, unsigned end, Bytes data = {}) {
    Packet packet;
    for (const unsigned byte : {address, function, start >> 8, start & 0xff, end >> 8, end & 0xff, 0u,
                                static_cast<unsigned>(data.size())}) {
        packet.push(byte);
    }
    for (const auto byte : data) {
        packet.push(byte);
    }
    modbus::push_crc(packet);
    return packet;
}
Packet write(unsigned address, unsigned start, std::uint16_t value) {
    const std::array<std::uint8_t, 6> data{
        0x11, 'J', 'B', 'D', static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)};
    return request(address, kWrite, start, start + 2, data);
}

// --------------------------------------------------------------------------------------------- decode

double celsius(std::uint16_t raw) {
    return (raw - kCelsiusZero) / 10;
}
std::string text_at(Bytes data, std::size_t at, std::size_t size) {
    return data.size() >= at + size ? wire::ascii(data.subspan(at, size)) : std::string();
}
std::string date_at(Bytes data, std::size_t at) {
    const Date date{wire::be16(data, at), static_cast<std::uint8_t>(wire::be16(data, at + 2)),
                    static_cast<std::uint8_t>(wire::be16(data, at + 4))};
    return to_text(date);
}

void describe_status(Bytes data, Record& out) {
    const auto shape = shape_of(data);
    if (!shape) {
        return;
    }
    load(kStatusFields, {data}, out);
    out.set("cells_mV", to_list(words(data.subspan(kCellsAt + 2), {shape->cells})));
    List sensors;
    for (const auto raw : words(data.subspan(shape->sensors_at()), {shape->sensors})) {
        sensors.emplace_back(celsius(raw));
    }
    out.set("temperatures_C", std::move(sensors));
    out.set("balance_flags", int{wire::be16(data, shape->behind() + 2)});
    out.set("fw_raw", int{wire::be16(data, shape->behind() + 4)});
    out.set("pack_serial", text_at(data, shape->behind() + 6, 30));
}

void describe_parameters(Bytes data, Record& out) {
    if (data.size() < 118) {
        return;
    }
    out.set("bms_model_and_sn", text_at(data, 16, 30));
    out.set("bms_date", date_at(data, 46));
    out.set("pack_serial", text_at(data, 52, 30));
    out.set("pack_date", date_at(data, 82));
    out.set("device_name", text_at(data, 88, 30));
}

void describe_clock(Bytes data, Record& out) {
    if (data.size() < 12) {
        return;
    }
    const auto word = [data](std::size_t i) { return unsigned{wire::be16(data, 2 * i)}; };
    char text[64];
    std::snprintf(text, sizeof text, "%04u-%02u-%02u %02u:%02u:%02u", word(0), word(1), word(2), word(3),
                  word(4), word(5));
    out.set("datetime", std::string(text));
}

void describe_request(Bytes frame, Record& out) {
    const Bytes data = payload(frame);
    out.set("address", int{frame[0]});
    if (frame[1] != kWrite || data.size() != 6) {
        return;
    }
    if (start_of(frame) == kTotals) {
        out.set("soc_pct", wire::be16(data, 4) / 100.0);
    } else if (start_of(frame) == kControl) {
        out.set("mosfet_word", int{wire::be16(data, 4)});
    }
}

void describe(Bytes frame, Role role, const Context&, Record& out) {
    if (role == Role::request) {
        describe_request(frame, out);
        return;
    }
    const Bytes data = payload(frame);
    const auto start = start_of(frame);
    out.set("address", int{frame[0]});
    out.set("function", int{frame[1]});
    out.set("start", int{start});
    out.set("data_len", data.size());
    if (frame[1] == kWrite) {
        out.set("ack", true);
    } else if (frame[1] == kOwnStatus) {
        load(kIndividualFields, {data}, out);
        const std::size_t cells =
            data.size() >= 2 ? std::min<std::size_t>(wire::be16(data, 0), kMaxCells) : 0;
        out.set("cells_mV", data.size() > 2 ? to_list(words(data.subspan(2), {cells})) : List{});
    } else if (start == kPackStatus) {
        describe_status(data, out);
    } else if (start == kParameters) {
        describe_parameters(data, out);
    } else if (start >= kCapacity && start < kCapacity + 0x50) {
        load(kCapacityFields, Payload{data, start, 1}, out);
    } else if (start == kClock) {
        describe_clock(data, out);
    } else if (start == kThresholds) {
        out.set("words", to_list(words(data, {data.size() / 2})));
    }
}

void identify(Bytes frame, Record& out) {
    out.set("address", int{frame[0]});
}

// -------------------------------------------------------------------------------------------- session

class Up16sSession : public Session {
  public:
    Up16sSession(std::uint8_t address, const Options& options)
        : address_(address), direct_only_(options.direct_only) {}

    void cycle(unsigned poll, Queries& out) override {
        ask(out, kPackStatus, kRead, 0x1000, 0x10a0, true);
        const bool to_be_proven = direct_only_ && !individual_.ever;
        if (to_be_proven || (poll % kOwnLimitsEvery == 0 && !individual_.given_up())) {
            ask(out, kIndividual, kOwnStatus, 0x0000, 0x0054, false);
        }
        if (battery_.serial.empty() && !parameters_.given_up()) {
            ask(out, kParameters, kRead, 0x1c00, 0x1ca0, false);
        }
        if (poll % kTotalsEvery == 0 && !totals_.given_up()) {
            ask(out, kTotals, kRead, 0x2006, 0x2018, false);
        }
    }

    Taken take(const Query& query, Bytes frame, Queries&) override {
        const Bytes data = payload(frame);
        switch (query.tag) {
            case kPackStatus:
                return take_status(data);
            case kIndividual:
                individual_.answered();
                own_limits_missed_ = 0;
                own_charge_limit_ = scaled(kOwnChargeLimit, {data});
                own_discharge_limit_ = scaled(kOwnDischargeLimit, {data});
                return Taken::done;
            case kParameters:
                return take_parameters(data);
            case kTotals:
                if (!data.empty()) {
                    totals_.answered();
                    load(kCapacityFields, Payload{data, kTotals, 1}, battery_);
                    fine_soc_pct_ = scaled(kCapacityFields[3], Payload{data, kTotals, 1});
                }
                return Taken::done;
            default:
                return data.empty() ? Taken::done : Taken::foreign;
        }
    }

    void missed(const Query& query) override {
        if (query.tag == kPackStatus) {
            forget(kStatusFields, battery_);
        } else if (query.tag == kIndividual) {
            individual_.missed();
            // What a pack may do alone changes little, while the sum over all packs may be many times that: its last
            // word counts until it is clear that it says no more.
            if (++own_limits_missed_ >= kOwnLimitsMisses) {
                own_charge_limit_.reset();
                own_discharge_limit_.reset();
            }
        } else if (query.tag == kParameters) {
            parameters_.missed();
        } else if (query.tag == kTotals) {
            totals_.missed();
        }
    }

    bool control(const Command& command, Queries& out) override {
        if (command.control == Control::soc) {
            if (!totals_.ever) {
                return false;  // only where the block is readable is it known to be writable
            }
            const auto value = static_cast<std::uint16_t>(command.value * 100);
            out.push_back({.bytes = write(address_, kTotals, value), .tag = kTotals});
            ask(out, kTotals, kRead, 0x2006, 0x2018, true);
        } else {
            if (!battery_.charge_fet || !battery_.discharge_fet) {
                return false;
            }
            const bool charge = command.control == Control::charge ? command.on() : *battery_.charge_fet;
            const bool discharge =
                command.control == Control::discharge ? command.on() : *battery_.discharge_fet;
            const auto word = static_cast<std::uint16_t>((discharge ? 1 : 0) | (charge ? 2 : 0));
            out.push_back({.bytes = write(address_, kControl, word), .tag = kControl});
        }
        ask(out, kPackStatus, kRead, 0x1000, 0x10a0, true);
        return true;
    }

    /// Its own status a pack tells only at its own port.
    [[nodiscard]] Proof proof() const override {
        return seen_ && (!direct_only_ || individual_.ever) ? Proof::proven : Proof::pending;
    }

  private:
    static constexpr unsigned kOwnLimitsEvery = 5;
    static constexpr unsigned kOwnLimitsMisses = 12;  ///< a minute's worth
    static constexpr unsigned kTotalsEvery = 30;
    static constexpr unsigned kMasterAddress = 1;

    /// What a port answers depends on which port of which pack it is: what never answered is asked no more.
    struct Habit {
        unsigned failures = 0;
        bool ever = false;
        void answered() { ever = true; }
        void missed() { ++failures; }
        [[nodiscard]] bool given_up() const { return !ever && failures >= 5; }
    };

    void ask(Queries& out, std::uint16_t tag, unsigned function, unsigned start, unsigned end,
             bool required) const {
        out.push_back({.bytes = request(address_, function, start, end),
                       .tag = tag,
                       .required = required,
                       .tries = static_cast<std::uint8_t>(required ? 0 : 1)});
    }

    Taken take_status(Bytes data) {
        const auto shape = shape_of(data);
        if (!shape) {
            return Taken::foreign;
        }
        load(kStatusFields, {data}, battery_);
        battery_.alarms.clear();
        raise(kFaults, wire::be32(data, 24), battery_.alarms);
        raise(kWarnings, wire::be32(data, 28), battery_.alarms);
        set_cells(battery_, words(data.subspan(kCellsAt + 2), {shape->cells}));
        set_balancing(battery_, wire::be16(data, shape->behind() + 2));
        load_sensors(data, *shape);
        load_limits();
        keep_fine_soc();
        battery_.manufacturer = "JBD";
        if (const auto firmware = wire::be16(data, shape->behind() + 4); firmware >= 0x100) {
            battery_.firmware_version = std::to_string(firmware >> 8) + '.' + std::to_string(firmware & 0xff);
        }
        const auto serial = text_at(data, shape->behind() + 6, 30);
        if (battery_.unique_id.empty() && !serial.empty()) {
            battery_.unique_id = serial + '_' + std::to_string(wire::be16(data, 14) / 100);
        }
        seen_ = true;
        return Taken::done;
    }

    void load_sensors(Bytes data, const Shape& shape) {
        battery_.temperatures.clear();
        for (const auto raw : words(data.subspan(shape.sensors_at()), {shape.sensors})) {
            battery_.temperatures.push_back({Place::cell, celsius(raw)});
        }
        battery_.temperatures.push_back({Place::mosfet, celsius(wire::be16(data, 16))});
        battery_.temperatures.push_back({Place::ambient, celsius(wire::be16(data, 18))});
    }

    /// The master states the sum over all packs, its own limits only in its individual status. Some firmware
    /// shows a discharge limit of 0 for one sample after other reads.
    void load_limits() {
        auto& charge = battery_.charge_current_limit_a;
        auto& discharge = battery_.discharge_current_limit_a;
        if (own_charge_limit_ && charge) {
            charge = std::min(*charge, *own_charge_limit_);
        }
        if (own_discharge_limit_ && discharge) {
            discharge = std::min(*discharge, *own_discharge_limit_);
        }
        battery_.limits_are_sums = address_ == kMasterAddress && !(own_charge_limit_ && own_discharge_limit_);
        const bool zero = discharge == 0.0;
        if (zero && !zero_before_ && last_discharge_limit_) {
            discharge = last_discharge_limit_;
        } else {
            last_discharge_limit_ = discharge;
        }
        zero_before_ = zero;
    }

    /// Relayed packs send whole percents; the fine value holds while the two agree.
    void keep_fine_soc() {
        const bool whole = battery_.soc_pct && *battery_.soc_pct == static_cast<int>(*battery_.soc_pct);
        if (address_ != kMasterAddress && whole && fine_soc_pct_
            && std::abs(*fine_soc_pct_ - *battery_.soc_pct) <= 1) {
            battery_.soc_pct = fine_soc_pct_;
        }
    }

    Taken take_parameters(Bytes data) {
        if (data.size() < 46) {
            return Taken::foreign;
        }
        parameters_.answered();
        const auto serial = text_at(data, 16, 30);
        if (!serial.empty()) {
            battery_.serial = serial;
            battery_.unique_id = serial;
            battery_.model = serial.substr(0, serial.find_first_of("0123456789", 5));
        }
        battery_.device_name = text_at(data, 88, 30);
        return Taken::done;
    }

    std::uint8_t address_;
    bool direct_only_;
    bool seen_ = false;
    bool zero_before_ = false;
    unsigned own_limits_missed_ = 0;
    std::optional<double> own_charge_limit_;
    std::optional<double> own_discharge_limit_;
    std::optional<double> last_discharge_limit_;
    std::optional<double> fine_soc_pct_;
    Habit individual_;
    Habit parameters_;
    Habit totals_;
};

std::unique_ptr<Session> open(std::uint8_t address, const Options& options) {
    return std::make_unique<Up16sSession>(address, options);
}
Query probe(std::uint8_t address) {
    return {.bytes = request(address, kRead, 0x1000, 0x10a0), .tag = kPackStatus};
}

constexpr auto kLines = std::to_array<Line>({{9600}});
constexpr auto kAddresses = std::to_array<std::uint8_t>({1});
constexpr auto kControls = std::to_array<ControlInfo>({
    {Control::charge, 0, 1, false},
    {Control::discharge, 0, 1, false},
    {Control::soc, 0, 100},
});

}  // namespace
}  // namespace up16s

extern const Family kJbdUp16s;
constexpr Family kJbdUp16s{
    .name = "jbd_up16s",
    .title = "JBD UP16S",
    .lines = up16s::kLines,
    .first_address = 1,
    .last_address = 16,
    .timing = {.reply = 1500ms, .gap = 150ms, .pause = 20ms, .tries = 2},
    .detection = {.rank = 30, .window = 600ms, .addresses = up16s::kAddresses},
    .controls = up16s::kControls,
    .check = "crc",
    .sight = up16s::sight,
    .mismatch = up16s::mismatch,
    .describe = up16s::describe,
    .identify = up16s::identify,
    .probe = up16s::probe,
    .open = up16s::open,
};

}  // namespace bms
