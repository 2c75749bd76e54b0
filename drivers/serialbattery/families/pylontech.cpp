// Pylontech low-voltage batteries (US2000, US3000, UP2500 ...) over RS485, protocol 3.3: docs/protocols/pylontech.md

#include "pylontech_layout.hpp"
#include "serialbattery/family.hpp"
#include "serialbattery/framing/yd1363.hpp"

#include <algorithm>
#include <cmath>

namespace bms {
namespace pylontech {
namespace {

// ---------------------------------------------------------------------------------------------- frame

constexpr std::uint8_t kVersion = 0x20;  ///< of requests; an answer carries the battery's own
constexpr std::uint8_t kClass = 0x46;
constexpr auto kReturnCodes = std::to_array<std::uint8_t>({0x90, 0x91});

enum Command : std::uint8_t {
    kAnalog = 0x42,
    kAlarms = 0x44,
    kParameters = 0x47,
    kProtocol = 0x4f,
    kManufacturer = 0x51,
    kManagement = 0x92,
    kSerial = 0x93,
};

/// PACE (25) and a Seplos clone (26) share the device class.
bool ours(const yd1363::Head& head) {
    return head.cid1 == kClass && head.ver >> 4 == 2 && head.ver != 0x25 && head.ver != 0x26;
}
constexpr yd1363::Dialect kDialect{'~', kReturnCodes, ours};

Sight sight(Bytes bytes, Bytes asked) {
    return yd1363::sight(bytes, asked, kDialect);
}

Packet request(std::uint8_t address, std::uint8_t command) {
    const bool bare = command == kParameters || command == kProtocol || command == kManufacturer;
    return yd1363::request('~', kVersion, address, kClass, command, Bytes(&address, bare ? 0 : 1));
}

// --------------------------------------------------------------------------------------------- decode

constexpr unsigned kMaxCells = 24;
constexpr unsigned kMaxSensors = 16;

/// One module of an analog answer.
struct Module {
    std::vector<std::uint16_t> cells;
    std::vector<double> celsius;  ///< the board, then groups of cells
    Bytes tail;
    [[nodiscard]] std::span<const Field> capacities() const {
        return tail.size() == kLargeTail ? std::span<const Field>(kLargeFields) : kSmallFields;
    }
};

/// The module at the front of `cursor`; nothing when its counts do not agree with what is there.
std::optional<Module> take_module(wire::Cursor& cursor) {
    Module module;
    const unsigned cells = cursor.u8();
    module.cells = words(cursor.take(2 * std::size_t{cells}), {cells});
    const unsigned sensors = cursor.u8();
    for (const auto raw : words(cursor.take(2 * std::size_t{sensors}), {sensors})) {
        module.celsius.push_back((raw - kKelvin) / 10);
    }
    wire::Cursor ahead = cursor;
    ahead.skip(6);
    const unsigned added = ahead.u8();
    module.tail = cursor.take(added == 4 ? kLargeTail : kSmallTail);
    const bool possible = cells > 0 && cells <= kMaxCells && sensors > 0 && sensors <= kMaxSensors
                          && (added == 2 || added == 4);
    return cursor.ok() && possible ? std::optional(std::move(module)) : std::nullopt;
}

/// The modules of an analog answer, and how many bytes stand behind them.
struct Analog {
    std::vector<Module> modules;
    std::size_t behind = 0;
};
Analog read_analog(Bytes info) {
    Analog analog;
    wire::Cursor cursor(info.subspan(std::min<std::size_t>(2, info.size())));
    analog.behind = cursor.remaining();
    while (cursor.remaining() > 0) {
        auto module = take_module(cursor);
        if (!module) {
            break;
        }
        analog.modules.push_back(std::move(*module));
        analog.behind = cursor.remaining();
    }
    return analog;
}

/// Codes of the cells and sensors, and the status behind them.
struct AlarmInfo {
    Bytes cells;
    Bytes sensors;
    Bytes status;
};
std::optional<AlarmInfo> read_alarms(Bytes info) {
    wire::Cursor cursor(info);
    AlarmInfo alarms;
    cursor.skip(2);
    alarms.cells = cursor.take(cursor.u8());
    alarms.sensors = cursor.take(cursor.u8());
    alarms.status = cursor.take(kStatusBytes - 1);
    return cursor.ok() && cursor.remaining() == 0 && !alarms.cells.empty() && alarms.cells.size() <= kMaxCells
               ? std::optional(alarms)
               : std::nullopt;
}

bool has(Bytes codes, std::uint8_t code) {
    return std::find(codes.begin(), codes.end(), code) != codes.end();
}

Alarms alarms_of(const AlarmInfo& info) {
    Alarms alarms;
    raise(kProtections, info.status[3], alarms);
    const bool charging = (info.status[5] & 0x80) != 0;
    const bool cold = has(info.sensors, kBelow);
    const auto add = [&alarms](Alarm alarm, bool raised) {
        alarms.raise(alarm, raised ? Level::alarm : Level::ok);
    };
    add(Alarm::high_cell_voltage, has(info.cells, kAbove));
    add(Alarm::low_cell_voltage, has(info.cells, kBelow));
    add(Alarm::low_charge_temperature, cold && charging);
    add(Alarm::low_temperature, cold && !charging);
    add(Alarm::internal_failure, info.status[6] != 0 || info.status[7] != 0);
    return alarms;
}

/// An answer does not name its command: what was asked tells, else the shape.
unsigned command_of(Bytes info, Bytes asked) {
    if (const auto command = yd1363::command(asked)) {
        return *command;
    }
    if (info.size() == kManagementBytes) {
        return kManagement;
    }
    if (info.size() == kSerialBytes) {
        return kSerial;
    }
    if (info.size() == kParameterBytes) {
        return kParameters;
    }
    if (read_alarms(info)) {
        return kAlarms;
    }
    return info.size() == kManufacturerBytes ? kManufacturer : kAnalog;
}

List to_signed(std::span<const std::uint16_t> values) {
    List list;
    for (const auto value : values) {
        list.emplace_back(int{wire::s16(value)});
    }
    return list;
}
List codes(Bytes bytes) {
    List list;
    for (const auto byte : bytes) {
        list.emplace_back(int{byte});
    }
    return list;
}
std::string version(Bytes bytes) {
    return std::to_string(bytes[0]) + '.' + std::to_string(bytes[1]);
}

void describe_analog(Bytes info, Record& out) {
    const auto analog = read_analog(info);
    if (analog.modules.empty()) {
        return;
    }
    out.set("info_flag", int{info[0]});
    out.set("second_byte", int{info[1]});
    List modules;
    for (const auto& module : analog.modules) {
        Record entry;
        entry.set("cell_count", module.cells.size());
        entry.set("cells_mV", to_signed(module.cells));
        entry.set("temp_count", module.celsius.size());
        entry.set("temp_bms_C", module.celsius.front());
        entry.set("temps_cell_C", List(module.celsius.begin() + 1, module.celsius.end()));
        load(kModuleFields, {module.tail}, entry);
        load(module.capacities(), {module.tail}, entry);
        modules.emplace_back(std::move(entry));
    }
    out.set("modules", std::move(modules));
    out.set("tail_bytes", analog.behind);
}

void describe_alarms(Bytes info, Record& out) {
    const auto alarms = read_alarms(info);
    if (!alarms) {
        return;
    }
    out.set("info_flag", int{info[0]});
    out.set("address", int{info[1]});
    out.set("cell_count", alarms->cells.size());
    out.set("cell_alarm", codes(alarms->cells));
    out.set("temp_count", alarms->sensors.size());
    out.set("temp_alarm", codes(alarms->sensors));
    load(kStatusFields, {alarms->status}, out);
    out.set("venus", venus(alarms_of(*alarms)));
}

void describe(Bytes frame, Role role, const Context& context, Record& out) {
    const auto info = yd1363::describe(frame, role, out);
    if (!info) {
        return;
    }
    const Bytes bytes(*info);
    switch (command_of(bytes, context.asked)) {
        case kAnalog:
            describe_analog(bytes, out);
            break;
        case kAlarms:
            describe_alarms(bytes, out);
            break;
        case kParameters:
            if (bytes.size() >= kParameterBytes) {
                load(kParameterFields, {bytes}, out);
            }
            break;
        case kManagement:
            if (bytes.size() >= kManagementBytes) {
                load(kManagementFields, {bytes}, out);
            }
            break;
        case kSerial:
            if (bytes.size() >= kSerialBytes) {
                out.set("address", int{bytes[0]});
                out.set("serial", wire::ascii(bytes.subspan(1, 16)));
            }
            break;
        case kManufacturer:
            if (bytes.size() >= kManufacturerBytes) {
                out.set("device", wire::ascii(bytes.first(10)));
                out.set("sw_version", version(bytes.subspan(10)));
                out.set("manufacturer", wire::ascii(bytes.subspan(12, 20)));
            }
            break;
        default:
            break;
    }
}

// -------------------------------------------------------------------------------------------- session

/// What is asked, live values first. `every` in polls, 0: until it was answered, in the first polls only.
struct Question {
    Command command;
    std::uint8_t every;
    bool required;
};
constexpr auto kQuestions = std::to_array<Question>({
    {kAnalog, 1, true},
    {kAlarms, 1, false},
    {kManagement, 1, false},
    {kManufacturer, 0, false},
    {kSerial, 0, false},
    {kParameters, 0, false},
});

class PylontechSession : public Session {
  public:
    explicit PylontechSession(std::uint8_t address) : address_(address) {}

    void cycle(unsigned poll, Queries& out) override {
        for (std::size_t i = 0; i < kQuestions.size(); ++i) {
            const auto& question = kQuestions[i];
            const bool due = question.every == 0 ? !settled_[i] && poll < kIdentityPolls : !settled_[i];
            if (due) {
                out.push_back({.bytes = request(address_, question.command),
                               .tag = static_cast<std::uint16_t>(i),
                               .required = question.required,
                               .tries = static_cast<std::uint8_t>(question.every == 0 ? 1 : 0)});
            }
        }
    }

    Taken take(const Query& query, Bytes frame, Queries&) override {
        const auto& question = kQuestions[query.tag];
        const auto code = yd1363::head(frame).cid2;
        if (yd1363::is_damaged_request(code)) {
            return Taken::foreign;
        }
        if (code != 0) {
            settled_[query.tag] = !question.required && code == kUnknownCommand;
            missed(query);
            return Taken::refused;
        }
        const auto info = yd1363::info(frame);
        const bool taken = take_info(question.command, info);
        settled_[query.tag] = taken && question.every == 0;
        return taken ? Taken::done : Taken::foreign;
    }

    void missed(const Query& query) override {
        switch (kQuestions[query.tag].command) {
            case kAnalog:
                forget(kModuleFields, battery_);
                forget(kSmallFields, battery_);
                battery_.soc_pct.reset();
                battery_.cells.clear();
                battery_.temperatures.clear();
                break;
            case kAlarms:
                forget(kStatusFields, battery_);
                battery_.alarms.clear();
                break;
            case kManagement:
                forget(kManagementFields, battery_);
                break;
            default:
                break;
        }
    }

    [[nodiscard]] Proof proof() const override {
        if (refuted_) {
            return Proof::refuted;
        }
        return proven_ ? Proof::proven : Proof::pending;
    }

  private:
    static constexpr unsigned kIdentityPolls = 5;
    static constexpr std::uint8_t kUnknownCommand = 0x04;

    bool take_info(Command command, Bytes info) {
        switch (command) {
            case kAnalog:
                return take_analog(info);
            case kAlarms:
                return take_alarms(info);
            case kManagement:
                return take_management(info);
            case kParameters:
                if (info.size() < kParameterBytes) {
                    return false;
                }
                load(kParameterFields, {info}, battery_);
                battery_.discharge_overcurrent_a = std::abs(*battery_.discharge_overcurrent_a);
                return true;
            case kManufacturer:
                return take_manufacturer(info);
            case kSerial:
                if (info.size() < kSerialBytes) {
                    return false;
                }
                battery_.serial = wire::ascii(info.subspan(1, 16));
                battery_.unique_id = battery_.serial;
                return true;
            default:
                return false;
        }
    }

    /// One module was asked for: an answer with none of this layout comes from another make.
    bool take_analog(Bytes info) {
        const auto analog = read_analog(info);
        if (analog.modules.size() != 1 || analog.behind > 8) {
            refuted_ = !proven_;
            return false;
        }
        const auto& module = analog.modules.front();
        load(kModuleFields, {module.tail}, battery_);
        load(module.capacities(), {module.tail}, battery_);
        battery_.soc_pct.reset();  // not sent
        if (*battery_.capacity_ah > 0) {
            battery_.soc_pct = std::min(100.0, 100 * *battery_.remaining_ah / *battery_.capacity_ah);
        }
        set_cells(battery_, module.cells);
        battery_.cell_count = static_cast<std::uint32_t>(module.cells.size());
        battery_.temperatures.clear();
        for (std::size_t i = 0; i < module.celsius.size(); ++i) {
            battery_.temperatures.push_back({i == 0 ? Place::board : Place::cell, module.celsius[i]});
        }
        proven_ = proven_ || !implausible(battery_);
        return true;
    }

    bool take_alarms(Bytes info) {
        const auto alarms = read_alarms(info);
        if (!alarms) {
            return false;
        }
        load(kStatusFields, {alarms->status}, battery_);
        battery_.alarms = alarms_of(*alarms);
        return true;
    }

    /// A direction the battery does not allow has a limit of nothing.
    bool take_management(Bytes info) {
        if (info.size() < kManagementBytes) {
            return false;
        }
        load(kManagementFields, {info}, battery_);
        battery_.discharge_current_limit_a = std::abs(*battery_.discharge_current_limit_a);
        if ((info[9] & kChargeEnabled) == 0) {
            battery_.charge_current_limit_a = 0;
        }
        if ((info[9] & kDischargeEnabled) == 0) {
            battery_.discharge_current_limit_a = 0;
        }
        return true;
    }

    bool take_manufacturer(Bytes info) {
        if (info.size() < kManufacturerBytes) {
            return false;
        }
        battery_.model = wire::ascii(info.first(10));
        battery_.firmware_version = version(info.subspan(10));
        battery_.manufacturer = wire::ascii(info.subspan(12, 20));
        return true;
    }

    std::uint8_t address_;
    std::array<bool, kQuestions.size()> settled_{};
    bool proven_ = false;
    bool refuted_ = false;
};

std::unique_ptr<Session> open(std::uint8_t address, const Options&) {
    return std::make_unique<PylontechSession>(address);
}
Query probe(std::uint8_t address) {
    return {.bytes = request(address, kAnalog), .tag = 0};
}

constexpr auto kLines = std::to_array<Line>({{115200}, {9600}});
constexpr auto kAddresses = std::to_array<std::uint8_t>({2});

}  // namespace
}  // namespace pylontech

extern const Family kPylontech;
constexpr Family kPylontech{
    .name = "pylontech",
    .title = "Pylontech",
    .lines = pylontech::kLines,
    .first_address = 0x02,
    .last_address = 0x7d,
    .first_scanned = 0x02,
    .last_scanned = 0x0d,
    .timing = {.reply = 500ms, .gap = 100ms, .pause = 50ms, .tries = 3},
    .detection = {.rank = 30, .window = 150ms, .addresses = pylontech::kAddresses},
    .report = Report::counted,
    .sight = pylontech::sight,
    .mismatch = yd1363::mismatch,
    .describe = pylontech::describe,
    .probe = pylontech::probe,
    .open = pylontech::open,
};

}  // namespace bms
