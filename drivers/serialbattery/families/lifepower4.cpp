// EG4 LifePower4 (Qualtech), hexadecimal ASCII: docs/protocols/lifepower4.md

#include "serialbattery/family.hpp"
#include "serialbattery/framing/yd1363.hpp"

#include <cstdio>

namespace bms {
namespace lifepower4 {
namespace {

// ---------------------------------------------------------------------------------------------- frame

constexpr std::uint8_t kVersion = 0x20;
constexpr std::uint8_t kClass = 0x4a;
constexpr unsigned kMaxCells = 32;
constexpr unsigned kMaxSensors = 14;
constexpr std::size_t kMoreSensors = 2;  ///< ambient and power stage, not in the count

enum Ask : std::uint8_t { kAnalog = 0x42, kStatus = 0x44 };
constexpr std::size_t kTimeBytes = 7;  ///< of an answer to 4D

constexpr yd1363::Dialect kDialect{
    .soi = '~',
    .rtns = {},
    .ours = [](const yd1363::Head& head) { return head.ver == kVersion && head.cid1 == kClass; },
};

Sight sight(Bytes bytes, Bytes asked) {
    return yd1363::sight(bytes, asked, kDialect);
}

Packet request(std::uint8_t address, std::uint8_t command) {
    return yd1363::request('~', kVersion, address, kClass, command, {});
}

// --------------------------------------------------------------------------------------------- tables

constexpr double kKelvin = 2731;

/// Behind the temperatures of an analog answer.
constexpr auto kAnalogFields = std::to_array<Field>({
    {0, Raw::s16be, 100, "current_A", &Battery::current_a},  // + charging
    {2, Raw::u16be, 100, "voltage_V", &Battery::voltage_v},
    {4, Raw::u16be, 100, "remaining_Ah", &Battery::remaining_ah},
    {6, Raw::u16be, 100, "full_Ah", &Battery::full_ah},
    {8, Raw::u16be, 1, "cycles", &Battery::cycles},
    {10, Raw::u8, 1, "user_count"},
    {11, Raw::u16be, 1, "soc_pct", &Battery::soc_pct},
    {13, Raw::u16be, 1, "soh_pct", &Battery::soh_pct},
    {15, Raw::u16be, 1, "max_cell_mV"},
    {17, Raw::u16be, 1, "min_cell_mV"},
    {19, Raw::u16be, 1, "diff_mV"},
    {21, Raw::u16be, 10, "max_temp_C", {}, kKelvin},
    {23, Raw::u16be, 10, "min_temp_C", {}, kKelvin},
    {25, Raw::u32be, 100, "total_charge_Ah", &Battery::charged_ah},
    {29, Raw::u32be, 100, "total_discharge_Ah", &Battery::discharged_ah},
    {33, Raw::u32be, 1000, "total_charge_kWh", &Battery::charged_kwh},
    {37, Raw::u32be, 1000, "total_discharge_kWh", &Battery::discharged_kwh},
    {41, Raw::u32be, 1, "charge_hours"},
    {45, Raw::u32be, 1, "discharge_hours"},
    {49, Raw::u16be, 1, "charge_count"},
    {51, Raw::u16be, 1, "discharge_count"},
});
static_assert(well_formed(kAnalogFields));
constexpr std::size_t kAnalogTail = 53;
constexpr std::size_t kAnalogItems = 10;
constexpr unsigned kItemsOfAnalog = 15;

/// Behind the temperature codes of a status answer.
constexpr auto kStatusFields = std::to_array<Field>({
    {0, Raw::u8, 1, "current_alarm"},
    {1, Raw::u8, 1, "voltage_alarm"},
    {2, Raw::u8, 1, "user_count"},
    {3, Raw::u8, 1, "balance_event"},
    {4, Raw::u8, 1, "voltage_event"},
    {5, Raw::u16be, 1, "temperature_event"},
    {7, Raw::u8, 1, "current_event"},
    {8, Raw::u8, 1, "capacity_event"},
    {9, Raw::flag, 0, "discharge_fet", &Battery::discharge_fet, 0, 0},
    {9, Raw::flag, 0, "charge_fet", &Battery::charge_fet, 0, 1},
    {9, Raw::flag, 0, "limiter", {}, 0, 2},
    {9, Raw::flag, 0, "heater", &Battery::heating, 0, 3},
    {10, Raw::u8, 1, "system", &Battery::status_word},
    {11, Raw::u32be, 1, "balance_mask"},
    // 15 reserved
});
static_assert(well_formed(kStatusFields));
constexpr std::size_t kStatusTail = 16;
constexpr unsigned kItemsOfStatus = 9;
enum StatusByte : std::uint8_t {
    kStatusItems = 2,
    kBalanceEvent = 3,
    kVoltageEvent = 4,
    kTemperatureEvent = 5,
    kCurrentEvent = 7,
    kCapacityEvent = 8,
    kBalanceMask = 11,
};

constexpr auto kBalanceFlags = std::to_array<Flag>({
    // 0 balancing
    {4, Alarm::cell_imbalance, Level::warning},
    {5, Alarm::internal_failure},  // charge MOS
    {6, Alarm::internal_failure},  // discharge MOS
});
constexpr auto kVoltageFlags = std::to_array<Flag>({
    {0, Alarm::high_cell_voltage, Level::warning},
    {1, Alarm::high_cell_voltage},
    {2, Alarm::low_cell_voltage, Level::warning},
    {3, Alarm::low_cell_voltage},
    {4, Alarm::high_voltage, Level::warning},
    {5, Alarm::high_voltage},
    {6, Alarm::low_voltage, Level::warning},
    {7, Alarm::low_voltage},
});
constexpr auto kTemperatureFlags = std::to_array<Flag>({
    {0, Alarm::high_charge_temperature, Level::warning},
    {1, Alarm::high_charge_temperature},
    {2, Alarm::low_charge_temperature, Level::warning},
    {3, Alarm::low_charge_temperature},
    {4, Alarm::high_temperature, Level::warning},
    {5, Alarm::high_temperature},
    {6, Alarm::low_temperature, Level::warning},
    {7, Alarm::low_temperature},
    {8, Alarm::high_temperature, Level::warning},  // ambient
    {9, Alarm::high_temperature},
    {10, Alarm::low_temperature, Level::warning},
    {11, Alarm::low_temperature},
    {12, Alarm::high_internal_temperature},
    {13, Alarm::high_temperature},  // fire
});
constexpr auto kCurrentFlags = std::to_array<Flag>({
    {0, Alarm::high_charge_current, Level::warning},
    {1, Alarm::high_charge_current},
    {2, Alarm::high_discharge_current, Level::warning},
    {3, Alarm::high_discharge_current},
    {4, Alarm::high_discharge_current},  // second limit
    {5, Alarm::high_discharge_current},  // short circuit
    {6, Alarm::high_discharge_current},  // both again, locked
    {7, Alarm::high_discharge_current},
});
constexpr auto kCapacityFlags = std::to_array<Flag>({{0, Alarm::low_soc, Level::warning}});
static_assert(well_formed(kBalanceFlags) && well_formed(kVoltageFlags) && well_formed(kTemperatureFlags));
static_assert(well_formed(kCurrentFlags) && well_formed(kCapacityFlags));

// --------------------------------------------------------------------------------------------- layout

/// Flags and group, cells, sensors and what stands behind: of an analog answer in words, of a status answer in bytes.
struct Answer {
    Bytes cells;
    Bytes sensors;
    unsigned sensor_count = 0;  ///< as reported
    Bytes tail;
    std::size_t surplus = 0;
};
std::optional<Answer> answer_in(Bytes info, std::size_t width, std::size_t tail, std::size_t at_items,
                                unsigned items) {
    wire::Cursor cursor(info);
    Answer answer;
    cursor.skip(2);
    const std::size_t cells = cursor.u8();
    answer.cells = cursor.take(width * cells);
    answer.sensor_count = cursor.u8();
    answer.sensors = cursor.take(width * (answer.sensor_count + kMoreSensors));
    answer.tail = cursor.take(tail);
    answer.surplus = cursor.remaining();
    const bool possible = cells > 0 && cells <= kMaxCells && answer.sensor_count <= kMaxSensors
                          && answer.surplus == 0 && cursor.ok() && answer.tail[at_items] == items;
    return possible ? std::optional(answer) : std::nullopt;
}
std::optional<Answer> analog_in(Bytes info) {
    return answer_in(info, 2, kAnalogTail, kAnalogItems, kItemsOfAnalog);
}
std::optional<Answer> status_in(Bytes info) {
    return answer_in(info, 1, kStatusTail, kStatusItems, kItemsOfStatus);
}

Alarms alarms_of(Bytes tail) {
    Alarms alarms;
    raise(kBalanceFlags, tail[kBalanceEvent], alarms);
    raise(kVoltageFlags, tail[kVoltageEvent], alarms);
    raise(kTemperatureFlags, wire::be16(tail, kTemperatureEvent), alarms);
    raise(kCurrentFlags, tail[kCurrentEvent], alarms);
    raise(kCapacityFlags, tail[kCapacityEvent], alarms);
    return alarms;
}

double sensor_celsius(Bytes sensors, std::size_t i) {
    return (wire::be16(sensors, 2 * i) - kKelvin) / 10;
}

// --------------------------------------------------------------------------------------------- decode

List code_list(Bytes codes) {
    List list;
    for (const auto code : codes) {
        list.emplace_back(int{code});
    }
    return list;
}

void describe_head(Bytes info, const Answer& answer, std::size_t cells, Record& out) {
    out.set("data_flag", int{info[0]});
    out.set("group", int{info[1]});
    out.set("cell_count", cells);
    out.set("temp_count_reported", answer.sensor_count);
}

void describe_analog(Bytes info, const Answer& answer, Record& out) {
    const auto cells = answer.cells.size() / 2;
    describe_head(info, answer, cells, out);
    out.set("cells_mV", to_list(words(answer.cells, {cells})));
    List sensors;
    for (std::size_t i = 0; i < answer.sensor_count; ++i) {
        sensors.emplace_back(sensor_celsius(answer.sensors, i));
    }
    out.set("temps_cell_C", std::move(sensors));
    out.set("temp_ambient_C", sensor_celsius(answer.sensors, answer.sensor_count));
    out.set("temp_mos_C", sensor_celsius(answer.sensors, answer.sensor_count + 1));
    load(kAnalogFields, {answer.tail}, out);
    out.set("tail_bytes", answer.surplus);
}

void describe_status(Bytes info, const Answer& answer, Record& out) {
    describe_head(info, answer, answer.cells.size(), out);
    out.set("cell_alarm", code_list(answer.cells));
    out.set("temp_alarm", code_list(answer.sensors));
    load(kStatusFields, {answer.tail}, out);
    out.set("tail_bytes", answer.surplus);
    out.set("venus", venus(alarms_of(answer.tail)));
}

/// The count of items tells the two apart, the size a time.
void describe(Bytes frame, Role role, const Context&, Record& out) {
    const auto bytes = yd1363::describe(frame, role, out);
    if (!bytes) {
        return;
    }
    const Bytes info(*bytes);
    if (const auto analog = analog_in(info)) {
        describe_analog(info, *analog, out);
    } else if (const auto status = status_in(info)) {
        describe_status(info, *status, out);
    } else if (info.size() == kTimeBytes) {
        std::array<char, 32> text{};
        std::snprintf(text.data(), text.size(), "%04u-%02d-%02d %02d:%02d:%02d",
                      unsigned{wire::be16(info, 0)}, info[2], info[3], info[4], info[5], info[6]);
        out.set("time", text.data());
    }
}

// -------------------------------------------------------------------------------------------- session

class LifePower4Session : public Session {
  public:
    explicit LifePower4Session(std::uint8_t address) : address_(address) {}

    void cycle(unsigned, Queries& out) override {
        out.push_back({.bytes = request(address_, kAnalog), .tag = kAnalog});
        out.push_back({.bytes = request(address_, kStatus), .tag = kStatus, .required = false});
    }

    Taken take(const Query& query, Bytes frame, Queries&) override {
        const auto code = yd1363::head(frame).cid2;
        if (yd1363::is_damaged_request(code)) {
            return Taken::foreign;
        }
        if (code != 0) {
            missed(query);
            return Taken::refused;
        }
        const wire::Buffer info = yd1363::info(frame);
        const bool taken = query.tag == kAnalog ? take_analog(info) : take_status(info);
        return taken ? Taken::done : Taken::foreign;
    }

    void missed(const Query& query) override {
        if (query.tag == kAnalog) {
            forget(kAnalogFields, battery_);
            battery_.cells.clear();
            battery_.temperatures.clear();
        } else {
            forget(kStatusFields, battery_);
            battery_.alarms.clear();
            battery_.balancing.reset();
            balancing_.reset();
            for (auto& cell : battery_.cells) {
                cell.balancing.reset();
            }
        }
    }

    [[nodiscard]] Proof proof() const override { return proven_ ? Proof::proven : Proof::pending; }

  private:
    bool take_analog(Bytes info) {
        const auto analog = analog_in(info);
        if (!analog) {
            return false;
        }
        const auto cells = analog->cells.size() / 2;
        load(kAnalogFields, {analog->tail}, battery_);
        set_cells(battery_, words(analog->cells, {cells}));
        battery_.cell_count = static_cast<std::uint32_t>(cells);
        if (balancing_) {
            set_balancing(battery_, *balancing_);
        }
        battery_.temperatures.clear();
        for (std::size_t i = 0; i < analog->sensors.size() / 2; ++i) {
            const auto place = i < analog->sensor_count    ? Place::cell
                               : i == analog->sensor_count ? Place::ambient
                                                           : Place::mosfet;
            battery_.temperatures.push_back({place, sensor_celsius(analog->sensors, i)});
        }
        proven_ = proven_ || !implausible(battery_);
        return true;
    }

    bool take_status(Bytes info) {
        const auto status = status_in(info);
        if (!status) {
            return false;
        }
        load(kStatusFields, {status->tail}, battery_);
        battery_.alarms = alarms_of(status->tail);
        balancing_ = wire::be32(status->tail, kBalanceMask);
        set_balancing(battery_, *balancing_);
        return true;
    }

    std::uint8_t address_;
    std::optional<std::uint32_t> balancing_;
    bool proven_ = false;
};

std::unique_ptr<Session> open(std::uint8_t address, const Options&) {
    return std::make_unique<LifePower4Session>(address);
}
Query probe(std::uint8_t address) {
    return {.bytes = request(address, kAnalog), .tag = kAnalog};
}

constexpr auto kLines = std::to_array<Line>({{9600}});
constexpr auto kAddresses = std::to_array<std::uint8_t>({1});

}  // namespace
}  // namespace lifepower4

extern const Family kLifePower4;
constexpr Family kLifePower4{
    .name = "lifepower4",
    .title = "EG4 LifePower4",
    .lines = lifepower4::kLines,
    .first_address = 0,
    .last_address = 15,
    .timing = {.reply = 2000ms, .gap = 100ms, .pause = 50ms, .spacing = 200ms, .tries = 2, .poll = 2000ms},
    .detection = {.rank = 66, .window = 450ms, .addresses = lifepower4::kAddresses},
    .report = Report::counted,
    .sight = lifepower4::sight,
    .mismatch = yd1363::mismatch,
    .describe = lifepower4::describe,
    .probe = lifepower4::probe,
    .open = lifepower4::open,
};

}  // namespace bms
