// PACE boards, protocol version 25 (hexadecimal ASCII): docs/protocols/pace.md

#include "serialbattery/families/pace_layout.hpp"
#include "serialbattery/family.hpp"
#include "serialbattery/framing/yd1363.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace bms {
namespace pace {
namespace {

// ---------------------------------------------------------------------------------------------- frame

constexpr std::uint8_t kVersion = 0x25;
constexpr std::uint8_t kClass = 0x46;
constexpr std::uint8_t kClassLithiumIon = 0x4f;  ///< reported of 14-cell packs
constexpr std::uint8_t kAllPacks = 0xff;

enum Ask : std::uint8_t {
    kAnalog = 0x42,
    kStatus = 0x44,
    kChargeFet = 0x9a,
    kDischargeFet = 0x9b,
    kHistory = 0xa1,
    kCapacities = 0xa6,
    kClock = 0xb1,
    kVersionText = 0xc1,
    kProduct = 0xc2,
    kCellOvervoltage = 0xd1,
    kCellUndervoltage = 0xd3,
    kPackOvervoltage = 0xd5,
    kPackUndervoltage = 0xd7,
    kChargeOvercurrent = 0xd9,
    kDischargeOvercurrent = 0xdb,
};

constexpr auto kReturnCodes = std::to_array<std::uint8_t>({0x09});
constexpr yd1363::Dialect kDialect{
    .soi = '~',
    .rtns = kReturnCodes,
    .ours =
        [](const yd1363::Head& head) {
            return head.ver == kVersion && (head.cid1 == kClass || head.cid1 == kClassLithiumIon);
        },
};

Sight sight(Bytes bytes, Bytes asked) {
    return yd1363::sight(bytes, asked, kDialect);
}

// --------------------------------------------------------------------------------------------- decode

void describe_pack(const Analog& pack, Record& out) {
    const auto cells = pack.lists.cells.size() / 2;
    out.set("cell_count", cells);
    out.set("cells_mV", to_list(words(pack.lists.cells, {cells})));
    out.set("temp_count", pack.lists.sensors.size() / 2);
    out.set("temps_C", celsius(pack.lists.sensors));
    load(kAnalogFields, {pack.tail}, out);
}

bool describe_analog(Bytes info, Record& out) {
    const auto packs = packs_in(info);
    if (packs.empty()) {
        return false;
    }
    out.set("info_flag", int{info[0]});
    out.set("second_byte", int{info[1]});
    describe_pack(packs.front(), out);
    out.set("tail_bytes", info.size() - packs.back().end);
    if (packs.size() > 1) {
        List all;
        for (const auto& pack : packs) {
            Record one;
            describe_pack(pack, one);
            all.emplace_back(std::move(one));
        }
        out.set("packs", std::move(all));
    }
    return true;
}

bool describe_status(Bytes info, Record& out) {
    const auto status = status_in(info);
    if (!status) {
        return false;
    }
    out.set("info_flag", int{info[0]});
    out.set("second_byte", int{info[1]});
    out.set("cell_count", status->lists.cells.size());
    out.set("cell_warn", numbers(status->lists.cells));
    out.set("temp_count", status->lists.sensors.size());
    out.set("temp_warn", numbers(status->lists.sensors));
    load(kStatusFields, {status->flags}, out);
    out.set("tail_bytes", status->surplus);
    out.set("venus", venus(alarms_of(status->flags)));
    return true;
}

std::string time_text(Bytes six) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%04d-%02d-%02d %02d:%02d:%02d", 2000 + six[0], six[1], six[2],
                  six[3], six[4], six[5]);
    return text.data();
}

/// One record: time, lists, current, voltage, two capacities, twelve bytes of unknown meaning.
void describe_history(Bytes info, Record& out) {
    const auto lists = info.size() > 6 ? lists_at(info, 6, 2) : std::nullopt;
    if (!lists || lists->end + 8 > info.size()) {
        return;
    }
    out.set("time", time_text(info));
    out.set("cell_count", lists->cells.size() / 2);
    out.set("cells_mV", to_list(words(lists->cells, {lists->cells.size() / 2})));
    out.set("temp_count", lists->sensors.size() / 2);
    out.set("temps_C", celsius(lists->sensors));
    load(std::span(kAnalogFields).first(3), {info.subspan(lists->end)}, out);
    out.set("full_Ah", wire::be16(info, lists->end + 6) / 100.0);
    out.set("rest_hex", wire::to_hex(info.subspan(lists->end + 8)));
}

bool is_voltage_limit(unsigned command) {
    return command == kCellOvervoltage || command == kCellUndervoltage || command == kPackOvervoltage
           || command == kPackUndervoltage;
}
bool is_current_limit(unsigned command) {
    return command == kChargeOvercurrent || command == kDischargeOvercurrent;
}

void describe_known(unsigned command, Bytes info, Record& out) {
    if (command == kHistory) {
        describe_history(info, out);
    } else if (command == kCapacities && info.size() == 6) {
        load(kCapacityFields, {info}, out);
    } else if (command == kClock && info.size() == 6) {
        out.set("time", time_text(info));
    } else if (is_voltage_limit(command) && info.size() == 8) {
        load(kVoltageLimitFields, {info}, out);
        out.set("delay_ms", info[7] * kDelayStep);
    } else if (is_current_limit(command) && info.size() == 6) {
        load(kCurrentLimitFields, {info}, out);
        out.set("delay_ms", info[5] * kDelayStep);
    } else if (command == kVersionText || command == kProduct) {
        out.set("text", wire::ascii(info));
    }
}

/// An answer does not name its command: without the request its shape decides.
void describe(Bytes frame, Role role, const Context& context, Record& out) {
    const auto info = yd1363::describe(frame, role, out);
    if (!info) {
        return;
    }
    const auto command = yd1363::command(context.asked);
    if ((!command || *command == kStatus) && describe_status(*info, out)) {
        return;
    }
    if ((!command || *command == kAnalog) && describe_analog(*info, out)) {
        return;
    }
    if (command) {
        describe_known(*command, *info, out);
    } else if (info->size() == 20 || info->size() == 40) {
        out.set("text", wire::ascii(*info));
    }
}

// -------------------------------------------------------------------------------------------- session

Packet request(std::uint8_t address, std::uint8_t command, Bytes info = {}) {
    return yd1363::request('~', kVersion, address, kClass, command, info);
}
Packet request(std::uint8_t address, std::uint8_t command, std::uint8_t byte) {
    return request(address, command, Bytes(&byte, 1));
}
/// A pack by itself has address 0 and answers for all; in a stack the number of the pack is asked for.
Packet live_request(std::uint8_t address, std::uint8_t command) {
    return request(address, command, address == 0 ? kAllPacks : address);
}

/// What never changes or seldom: asked until answered, in the first cycles only.
constexpr auto kOnce = std::to_array<std::uint8_t>(
    {kVersionText, kProduct, kCellOvervoltage, kCellUndervoltage, kChargeOvercurrent, kDischargeOvercurrent});
constexpr unsigned kOncePolls = 5;
constexpr double kNoSensor = -50;  ///< an open input reads less

class PaceSession : public Session {
  public:
    explicit PaceSession(std::uint8_t address) : address_(address) {}

    void cycle(unsigned poll, Queries& out) override {
        out.push_back({.bytes = live_request(address_, kAnalog), .tag = kAnalog});
        out.push_back({.bytes = live_request(address_, kStatus), .tag = kStatus, .required = false});
        for (std::size_t i = 0; i < kOnce.size() && poll < kOncePolls; ++i) {
            if (!answered_[i]) {
                out.push_back(
                    {.bytes = request(address_, kOnce[i]), .tag = kOnce[i], .required = false, .tries = 1});
            }
        }
    }

    Taken take(const Query& query, Bytes frame, Queries&) override {
        const auto rtn = yd1363::head(frame).cid2;
        if (yd1363::is_damaged_request(rtn)) {
            return Taken::foreign;
        }
        if (rtn != 0) {
            settle(query.tag);
            return Taken::refused;
        }
        const wire::Buffer info = yd1363::info(frame);
        switch (query.tag) {
            case kAnalog:
                return take_analog(info);
            case kStatus:
                return take_status(info);
            case kChargeFet:
            case kDischargeFet:
                return info.size() == 1 ? Taken::done : Taken::foreign;
            default:
                return take_once(query.tag, info);
        }
    }

    void missed(const Query& query) override {
        if (query.tag == kAnalog) {
            forget(kAnalogFields, battery_);
            battery_.soc_pct.reset();
            battery_.cells.clear();
            battery_.temperatures.clear();
        } else if (query.tag == kStatus) {
            forget(kStatusFields, battery_);
            battery_.alarms.clear();
            forget_balancing();
        }
    }

    bool control(const Command& command, Queries& out) override {
        const bool charge = command.control == Control::charge;
        const std::uint8_t block = command.on() ? 0 : 1;
        const std::uint8_t which = charge ? kChargeFet : kDischargeFet;
        out.push_back({.bytes = request(address_, which, block), .tag = which});
        out.push_back({.bytes = live_request(address_, kStatus), .tag = kStatus, .pause = 200ms});
        return true;
    }

    [[nodiscard]] Proof proof() const override {
        return battery_.cells.empty() ? Proof::pending : Proof::proven;
    }

  private:
    void settle(std::uint16_t command) {
        const auto found = std::find(kOnce.begin(), kOnce.end(), command);
        if (found != kOnce.end()) {
            answered_[static_cast<std::size_t>(found - kOnce.begin())] = true;
        }
    }
    void forget_balancing() {
        balancing_.reset();
        battery_.balancing.reset();
        for (auto& cell : battery_.cells) {
            cell.balancing.reset();
        }
    }

    Taken take_analog(Bytes info) {
        const auto packs = packs_in(info);
        if (packs.empty()) {
            return Taken::foreign;
        }
        const auto& pack = packs.front();
        set_cells(battery_, words(pack.lists.cells, {pack.lists.cells.size() / 2}));
        if (balancing_) {
            set_balancing(battery_, *balancing_);
        }
        battery_.cell_count = static_cast<std::uint32_t>(battery_.cells.size());
        load(kAnalogFields, {pack.tail}, battery_);
        battery_.soc_pct.reset();  // not on the wire
        if (battery_.full_ah.value_or(0) > 0) {
            battery_.soc_pct = std::min(100.0, 100 * *battery_.remaining_ah / *battery_.full_ah);
        }
        place_sensors(pack.lists.sensors);
        battery_.manufacturer = "PACE";
        return Taken::done;
    }

    /// Cells first; of more than four sensors the last two are the power stage and the ambient.
    void place_sensors(Bytes sensors) {
        const auto count = sensors.size() / 2;
        battery_.temperatures.clear();
        for (std::size_t i = 0; i < count; ++i) {
            const auto value = celsius(sensors, i);
            Place place = Place::cell;
            if (count > 4 && i + 2 >= count) {
                place = i + 2 == count ? Place::mosfet : Place::ambient;
            }
            battery_.temperatures.push_back({place, value > kNoSensor ? std::optional(value) : std::nullopt});
        }
    }

    Taken take_status(Bytes info) {
        const auto status = status_in(info);
        if (!status) {
            return Taken::foreign;
        }
        load(kStatusFields, {status->flags}, battery_);
        battery_.alarms = alarms_of(status->flags);
        balancing_ = balance_mask(status->flags);
        set_balancing(battery_, *balancing_);
        return Taken::done;
    }

    Taken take_once(std::uint16_t command, Bytes info) {
        const bool text = command == kVersionText || command == kProduct;
        const std::size_t size = is_voltage_limit(command) ? 8 : 6;
        if (text ? info.size() < 20 || info.size() > 40 : info.size() != size) {
            return Taken::foreign;
        }
        settle(command);
        switch (command) {
            case kVersionText:
                take_version(wire::ascii(info));
                break;
            case kProduct:
                battery_.serial = wire::ascii(info);
                battery_.unique_id = battery_.serial;
                break;
            case kCellOvervoltage:
                battery_.cell_overvoltage_v = wire::be16(info, 3) / 1000.0;
                break;
            case kCellUndervoltage:
                battery_.cell_undervoltage_v = wire::be16(info, 3) / 1000.0;
                break;
            case kChargeOvercurrent:
                battery_.charge_overcurrent_a = std::abs(wire::s16(wire::be16(info, 3)));
                break;
            default:
                battery_.discharge_overcurrent_a = std::abs(wire::s16(wire::be16(info, 3)));
        }
        return Taken::done;
    }

    /// "P16S100A-1812-1.00": board, customer, version.
    void take_version(const std::string& text) {
        const auto dash = text.rfind('-');
        battery_.model = text.substr(0, dash);
        battery_.firmware_version = dash == std::string::npos ? text : text.substr(dash + 1);
    }

    std::uint8_t address_;
    std::array<bool, kOnce.size()> answered_{};
    std::optional<std::uint32_t> balancing_;
};

std::unique_ptr<Session> open(std::uint8_t address, const Options&) {
    return std::make_unique<PaceSession>(address);
}
Query probe(std::uint8_t address) {
    return {.bytes = live_request(address, kAnalog), .tag = kAnalog};
}

constexpr auto kLines = std::to_array<Line>({{9600}});
constexpr auto kAddresses = std::to_array<std::uint8_t>({0, 1});
constexpr auto kControls = std::to_array<ControlInfo>({{Control::charge}, {Control::discharge}});

}  // namespace
}  // namespace pace

extern const Family kPace;
constexpr Family kPace{
    .name = "pace",
    .title = "PACE",
    .lines = pace::kLines,
    .first_address = 0,
    .last_address = 15,
    .timing = {.reply = 500ms, .gap = 50ms, .pause = 50ms, .tries = 3},
    .detection = {.rank = 62, .window = 300ms, .addresses = pace::kAddresses},
    .controls = pace::kControls,
    .report = Report::counted,
    .sight = pace::sight,
    .mismatch = yd1363::mismatch_of_any_class,
    .describe = pace::describe,
    .probe = pace::probe,
    .open = pace::open,
};

}  // namespace bms
