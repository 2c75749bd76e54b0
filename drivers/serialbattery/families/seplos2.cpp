// Seplos boards of the second generation, protocol version 20 (hexadecimal ASCII): docs/protocols/seplos2.md

#include "seplos2_layout.hpp"
#include "serialbattery/family.hpp"
#include "serialbattery/framing/yd1363.hpp"

#include <algorithm>
#include <string>

namespace bms {
namespace seplos2 {
namespace {

// ---------------------------------------------------------------------------------------------- frame

constexpr std::uint8_t kVersion = 0x20;
constexpr std::uint8_t kClass = 0x46;

enum Ask : std::uint8_t {
    kTelemetry = 0x42,
    kAlarms = 0x44,
    kSettings = 0x47,
    kManufacturer = 0x51,
};

constexpr auto kReturnCodes = std::to_array<std::uint8_t>({0x07, 0xe1, 0xe2, 0xe3, 0xe4});
constexpr yd1363::Dialect kDialect{
    .soi = '~',
    .rtns = kReturnCodes,
    .ours =
        [](const yd1363::Head& head) {
            return head.cid1 == kClass && (head.ver == kVersion || head.ver == kVersionBoqiang);
        },
};

Sight sight(Bytes bytes, Bytes asked) {
    return yd1363::sight(bytes, asked, kDialect);
}

// --------------------------------------------------------------------------------------------- decode

List seplos_codes(Bytes bytes) {
    return {bytes.begin(), bytes.end()};
}
std::string seplos_version(Bytes two) {
    return std::to_string(two[0]) + '.' + std::to_string(two[1]);
}

bool describe_telemetry(Bytes info, unsigned version, Record& out) {
    const auto lists = telemetry_in(info, version);
    if (!lists) {
        return false;
    }
    const auto cells = lists->cells.size() / 2;
    const auto sensors = lists->sensors.size() / 2;
    out.set("data_flag", int{info[0]});
    out.set("group", int{info[1]});
    out.set("cell_count", cells);
    out.set("cells_mV", to_list(words(lists->cells, {cells})));
    out.set("temp_count", sensors);
    List on_cells;
    for (std::size_t i = 0; i + 2 < sensors; ++i) {
        on_cells.emplace_back(seplos_celsius(lists->sensors, i));
    }
    out.set("temps_cell_C", std::move(on_cells));
    if (sensors >= 2) {
        out.set("temp_ambient_C", seplos_celsius(lists->sensors, sensors - 2));
        out.set("temp_mos_C", seplos_celsius(lists->sensors, sensors - 1));
    }
    load(kTelemetryFields, {lists->tail}, out);
    if (has_ten_items(*lists)) {
        load(kTenItemFields, {lists->tail}, out);
    } else {
        load(kTwoItemFields, {lists->tail}, out);
    }
    return true;
}

bool describe_alarms(Bytes info, Record& out) {
    const auto lists = alarms_in(info);
    if (!lists) {
        return false;
    }
    out.set("data_flag", int{info[0]});
    out.set("group", int{info[1]});
    out.set("cell_count", lists->cells.size());
    out.set("cell_alarm", seplos_codes(lists->cells));
    out.set("temp_count", lists->sensors.size());
    out.set("temp_alarm", seplos_codes(lists->sensors));
    load(kAlarmFields, {lists->tail}, out);
    out.set("venus", venus(alarms_of(lists->tail)));
    return true;
}

void describe_settings(Bytes info, Record& out) {
    load(kSettingFields, {info}, out);
    out.set("analog_raw", to_list(words(info.subspan(2), {kSettingWords})));
    out.set("bytes_raw", seplos_codes(info.subspan(123, kSettingBytes)));
    out.set("switches_hex", wire::to_hex(info.subspan(151, kSettingSwitches)));
    out.set("model", wire::ascii(info.subspan(159)));
}

void describe_manufacturer(Bytes info, Record& out) {
    out.set("device", wire::ascii(info.first(10)));
    out.set("sw_bytes", seplos_codes(info.subspan(10, 2)));
    out.set("sw_version", seplos_version(info.subspan(10, 2)));
    out.set("manufacturer", wire::ascii(info.subspan(12, 20)));
}

/// An answer does not name its command: without the request its shape decides.
void describe(Bytes frame, Role role, const Context& context, Record& out) {
    const auto info = yd1363::describe(frame, role, out);
    if (!info) {
        return;
    }
    const auto command = yd1363::command(context.asked);
    const auto may_be = [&command](Ask ask) { return !command || *command == ask; };
    if (may_be(kManufacturer) && info->size() == kManufacturerSize) {
        describe_manufacturer(*info, out);
    } else if (may_be(kSettings) && are_settings(*info)) {
        describe_settings(*info, out);
    } else if (!may_be(kTelemetry) || !describe_telemetry(*info, yd1363::head(frame).ver, out)) {
        if (may_be(kAlarms)) {
            describe_alarms(*info, out);
        }
    }
}

// -------------------------------------------------------------------------------------------- session

Packet request(std::uint8_t address, Ask ask) {
    return yd1363::request('~', kVersion, address, kClass, ask, {});
}
Packet request(std::uint8_t address, Ask ask, std::uint8_t group) {
    return yd1363::request('~', kVersion, address, kClass, ask, Bytes(&group, 1));
}
/// The two documents differ: the older one always asks for group 1, the newer one for the address.
constexpr std::uint8_t kGroup = 1;
std::uint8_t first_group(std::uint8_t address) {
    return address == 0 ? kGroup : address;
}
std::uint8_t other_group(std::uint8_t address) {
    return address == 0 ? address : kGroup;
}
/// The group that a request for telemetry names.
std::uint8_t group_of(Bytes request) {
    return yd1363::info(request).front();
}

class Seplos2Session : public Session {
  public:
    explicit Seplos2Session(std::uint8_t address) : address_(address), group_(first_group(address)) {}

    void cycle(unsigned poll, Queries& out) override {
        out.push_back({.bytes = request(address_, kTelemetry, group_), .tag = kTelemetry});
        out.push_back({.bytes = request(address_, kAlarms, group_), .tag = kAlarms, .required = false});
        for (const auto ask : {kManufacturer, kSettings}) {
            if (!answered(ask) && poll < kOncePolls) {
                out.push_back({.bytes = request(address_, ask), .tag = ask, .required = false, .tries = 1});
            }
        }
    }

    Taken take(const Query& query, Bytes frame, Queries&) override {
        const auto head = yd1363::head(frame);
        if (yd1363::is_damaged_request(head.cid2)) {
            return Taken::foreign;
        }
        if (head.cid2 != 0) {
            note_answer(query.tag);
            missed(query);
            return Taken::refused;
        }
        const auto info = yd1363::info(frame);
        switch (query.tag) {
            case kTelemetry:
                return take_telemetry(info, head.ver, group_of(query.bytes));
            case kAlarms:
                return take_alarms(info);
            case kSettings:
                if (!are_settings(info)) {
                    return Taken::foreign;
                }
                load(kSettingFields, {info}, battery_);
                break;
            default:
                if (info.size() != kManufacturerSize) {
                    return Taken::foreign;
                }
                // The third text is the inverter protocol that is set, not the maker.
                battery_.model = wire::ascii(Bytes(info).first(10));
                battery_.firmware_version = seplos_version(Bytes(info).subspan(10, 2));
        }
        note_answer(query.tag);
        return Taken::done;
    }

    void missed(const Query& query) override {
        if (query.tag == kTelemetry) {
            forget(kTelemetryFields, battery_);
            forget(kTenItemFields, battery_);
            battery_.cells.clear();
            battery_.temperatures.clear();
            if (!group_proven_) {  // some firmware ignores a group it does not know
                group_ = group_ == first_group(address_) ? other_group(address_) : first_group(address_);
            }
        } else if (query.tag == kAlarms) {
            forget(kAlarmFields, battery_);
            battery_.alarms.clear();
            balance_mask_.reset();
            battery_.balancing.reset();
            for (auto& cell : battery_.cells) {
                cell.balancing.reset();
            }
        }
    }

    [[nodiscard]] Proof proof() const override {
        return battery_.cells.empty() ? Proof::pending : Proof::proven;
    }

  private:
    static constexpr unsigned kOncePolls = 5;

    [[nodiscard]] bool answered(Ask ask) const {
        return ask == kManufacturer ? manufacturer_answered_ : settings_answered_;
    }
    void note_answer(std::uint16_t ask) {
        manufacturer_answered_ = manufacturer_answered_ || ask == kManufacturer;
        settings_answered_ = settings_answered_ || ask == kSettings;
    }

    Taken take_telemetry(Bytes info, unsigned version, std::uint8_t group) {
        const auto lists = telemetry_in(info, version);
        if (!lists) {
            return Taken::foreign;
        }
        group_ = group;
        group_proven_ = true;
        set_cells(battery_, words(lists->cells, {lists->cells.size() / 2}));
        if (balance_mask_) {
            set_balancing(battery_, *balance_mask_);
        }
        battery_.cell_count = static_cast<std::uint32_t>(battery_.cells.size());
        load(kTelemetryFields, {lists->tail}, battery_);
        if (has_ten_items(*lists)) {
            load(kTenItemFields, {lists->tail}, battery_);
        } else {
            load(kTwoItemFields, {lists->tail}, battery_);
            battery_.soc_pct.reset();  // not sent
            if (*battery_.full_ah > 0) {
                battery_.soc_pct = std::min(100.0, 100 * *battery_.remaining_ah / *battery_.full_ah);
            }
        }
        place_sensors(lists->sensors);
        battery_.manufacturer = has_ten_items(*lists) ? "Seplos" : "Boqiang";
        return Taken::done;
    }

    /// Cells first; of more than two sensors the last two are the ambient and the power stage.
    void place_sensors(Bytes sensors) {
        const auto count = sensors.size() / 2;
        battery_.temperatures.clear();
        for (std::size_t i = 0; i < count; ++i) {
            Place place = Place::cell;
            if (count > 2 && i + 2 >= count) {
                place = i + 2 == count ? Place::ambient : Place::mosfet;
            }
            const double value = seplos_celsius(sensors, i);
            battery_.temperatures.push_back({place, value > kNoSensor ? std::optional(value) : std::nullopt});
        }
    }

    Taken take_alarms(Bytes info) {
        const auto lists = alarms_in(info);
        if (!lists) {
            return Taken::foreign;
        }
        load(kAlarmFields, {lists->tail}, battery_);
        battery_.alarms = alarms_of(lists->tail);
        balance_mask_ = wire::le16(lists->tail, kBalanceAt);
        set_balancing(battery_, *balance_mask_);
        return Taken::done;
    }

    std::uint8_t address_;
    std::uint8_t group_;
    bool group_proven_ = false;
    bool manufacturer_answered_ = false;
    bool settings_answered_ = false;
    std::optional<std::uint32_t> balance_mask_;
};

std::unique_ptr<Session> open(std::uint8_t address, const Options&) {
    return std::make_unique<Seplos2Session>(address);
}
Query probe(std::uint8_t address) {
    return {.bytes = request(address, kTelemetry, first_group(address)), .tag = kTelemetry};
}
Query probe_otherwise(std::uint8_t address) {
    return {.bytes = request(address, kTelemetry, other_group(address)), .tag = kTelemetry};
}

/// A pack by itself; packs in a stack.
constexpr auto kLines = std::to_array<Line>({{19200}, {9600}});
constexpr auto kAddresses = std::to_array<std::uint8_t>({0, 1});

}  // namespace
}  // namespace seplos2

extern const Family kSeplos2;
constexpr Family kSeplos2{
    .name = "seplos2",
    .title = "Seplos V2",
    .lines = seplos2::kLines,
    .first_address = 0,
    .last_address = 15,
    .timing = {.reply = 700ms, .gap = 50ms, .pause = 100ms, .tries = 3},
    .detection = {.rank = 61, .window = 500ms, .addresses = seplos2::kAddresses},
    .report = Report::counted,
    .sight = seplos2::sight,
    .mismatch = yd1363::mismatch,
    .describe = seplos2::describe,
    .probe = seplos2::probe,
    .probe_otherwise = seplos2::probe_otherwise,
    .open = seplos2::open,
};

}  // namespace bms
