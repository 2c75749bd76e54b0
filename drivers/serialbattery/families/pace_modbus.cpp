// PACE boards set to Modbus, and Gobel Power batteries, which stay close to
// them: docs/protocols/pace_modbus.md

#include "serialbattery/family.hpp"
#include "serialbattery/framing/modbus_frames.hpp"

#include <algorithm>
#include <cmath>
#include <string>

namespace bms {
namespace pace_modbus {
namespace {

// ---------------------------------------------------------------------------------------------
// tables

/// What both have in common.
enum Register : std::uint16_t {
    kLive = 0,
    kWarning = 9,
    kProtection = 10,
    kStatus = 11,
    kBalancing = 12,
    kLimits = 60,
    kPaceIdentity = 150,
    kPaceSerial = 170,
    kGobelIdentity = 170,
};

constexpr auto kPaceFields = std::to_array<Field>({
    {0, Raw::s16be, 100, "current_A", &Battery::current_a},  // + charging
    {1, Raw::u16be, 100, "voltage_V", &Battery::voltage_v},
    {2, Raw::low8, 1, "soc_pct", &Battery::soc_pct},
    {3, Raw::low8, 1, "soh_pct", &Battery::soh_pct},
    {4, Raw::u16be, 100, "remaining_Ah", &Battery::remaining_ah},
    {5, Raw::u16be, 100, "full_Ah", &Battery::full_ah},
    {6, Raw::u16be, 100, "design_Ah", &Battery::capacity_ah, 0, 0, 0},
    {7, Raw::u16be, 1, "cycles", &Battery::cycles},
    {9, Raw::u16be, 1, "warning", &Battery::warning_word},
    {10, Raw::u16be, 1, "protection", &Battery::alarm_word},
    {11, Raw::u16be, 1, "status", &Battery::status_word},
    {11, Raw::flag16, 0, "charge_fet", &Battery::charge_fet, 0, 10},
    {11, Raw::flag16, 0, "discharge_fet", &Battery::discharge_fet, 0, 11},
    {11, Raw::flag16, 0, "heater", &Battery::heating, 0, 15},
    {12, Raw::u16be, 1, "balance_bits"},
    // 15 cells, 31 sensors on cells, 35 power stage, 36 ambient
    {61, Raw::u16be, 1000, "pack_ov_protect_V"},
    {65, Raw::u16be, 1000, "cell_ov_protect_V", &Battery::cell_overvoltage_v, 0, 0, 0},
    {69, Raw::u16be, 1000, "pack_uv_protect_V"},
    {73, Raw::u16be, 1000, "cell_uv_protect_V", &Battery::cell_undervoltage_v, 0, 0, 0},
    {77, Raw::s16be, 1, "charge_oc_protect_A", &Battery::charge_overcurrent_a, 0, 0, 0},
    {80, Raw::s16be, 1, "discharge_oc_protect_A", &Battery::discharge_overcurrent_a, 0, 0, 0},
});
static_assert(well_formed(kPaceFields, 2));
constexpr std::uint16_t kPaceCells = 15;
constexpr std::size_t kPaceCellSlots = 16;
constexpr std::uint16_t kPaceSensors = 31;
constexpr std::size_t kPaceCellSensors = 4;
constexpr std::size_t kPaceSensorSlots = 6;

constexpr auto kGobelFields = std::to_array<Field>({
    {0, Raw::s16be, 100, "current_A", &Battery::current_a},  // + charging
    {1, Raw::u16be, 100, "voltage_V", &Battery::voltage_v},
    {2, Raw::low8, 1, "soc_pct", &Battery::soc_pct},
    {3, Raw::low8, 1, "soh_pct", &Battery::soh_pct},
    {4, Raw::u16be, 100, "remaining_Ah", &Battery::remaining_ah},
    {5, Raw::u16be, 100, "full_Ah", &Battery::full_ah},
    {6, Raw::u16be, 100, "design_Ah", &Battery::capacity_ah, 0, 0, 0},
    {7, Raw::u16be, 1, "cycles", &Battery::cycles},
    // 8 to 10: what is wrong, bits unknown
    {14, Raw::u16be, 1, "reg14"},
    {14, Raw::flag16, 0, "charge_fet", &Battery::charge_fet, 0, 14},
    {14, Raw::flag16, 0, "discharge_fet", &Battery::discharge_fet, 0, 15},
    {15, Raw::low8, 1, "cell_count", &Battery::cell_count},
    // 16 cells
    {46, Raw::u16be, 1, "temp_count"},
    {47, Raw::s16be, 10, "temp1_C"},
    {57, Raw::s16be, 10, "temp_mos_C"},
});
static_assert(well_formed(kGobelFields, 2));
constexpr std::uint16_t kGobelProblems = 8;
constexpr std::size_t kGobelProblemWords = 3;
constexpr std::uint16_t kGobelCellCount = 15;
constexpr std::uint16_t kGobelCells = 16;
constexpr std::size_t kGobelCellSlots = 30;
constexpr std::uint16_t kGobelSensorCount = 46;
constexpr std::uint16_t kGobelSensors = 47;
constexpr std::size_t kGobelSensorSlots = 10;
constexpr std::uint16_t kGobelMosfet = 57;

constexpr auto kWarnings = std::to_array<Flag>({
    {0, Alarm::high_cell_voltage, Level::warning},
    {1, Alarm::low_cell_voltage, Level::warning},
    {2, Alarm::high_voltage, Level::warning},
    {3, Alarm::low_voltage, Level::warning},
    {4, Alarm::high_charge_current, Level::warning},
    {5, Alarm::high_discharge_current, Level::warning},
    {8, Alarm::high_charge_temperature, Level::warning},
    {9, Alarm::high_temperature, Level::warning},
    {10, Alarm::low_charge_temperature, Level::warning},
    {11, Alarm::low_temperature, Level::warning},
    {12, Alarm::high_temperature, Level::warning},  // ambient
    {13, Alarm::low_temperature, Level::warning},
    {14, Alarm::high_internal_temperature, Level::warning},
    {15, Alarm::low_soc, Level::warning},
});
constexpr auto kProtections = std::to_array<Flag>({
    {0, Alarm::high_cell_voltage},
    {1, Alarm::low_cell_voltage},
    {2, Alarm::high_voltage},
    {3, Alarm::low_voltage},
    {4, Alarm::high_charge_current},
    {5, Alarm::high_discharge_current},
    {6, Alarm::high_discharge_current},  // short circuit
    {7, Alarm::high_voltage},            // of the charger
    {8, Alarm::high_charge_temperature},
    {9, Alarm::high_temperature},
    {10, Alarm::low_charge_temperature},
    {11, Alarm::low_temperature},
    {12, Alarm::high_internal_temperature},
    {13, Alarm::high_temperature},  // ambient
    {14, Alarm::low_temperature},
});
constexpr auto kFaults = std::to_array<Flag>({
    {0, Alarm::internal_failure},  // FETs, sensor, cell, front end
    {1, Alarm::internal_failure},
    {2, Alarm::internal_failure},
    {4, Alarm::internal_failure},
    {5, Alarm::internal_failure},
});
static_assert(well_formed(kWarnings) && well_formed(kProtections) && well_formed(kFaults));

// ----------------------------------------------------------------------------------------------
// frame

Sight sight(Bytes bytes, Bytes asked) {
    return modbus::sight_read(bytes, asked, modbus::kReadHolding,
                              [](std::uint8_t unit) { return unit >= 1 && unit <= 15; });
}
std::optional<Fault> mismatch(Bytes frame, Bytes asked) {
    return modbus::mismatch(frame, asked);
}

// ---------------------------------------------------------------------------------------------
// layout

/// One of the texts of 20 bytes in an identity; nothing unless all of it is
/// text.
std::optional<std::string> pace_text(Bytes identity, std::size_t number) {
    const Bytes field = identity.subspan(20 * number, 20);
    const auto end =
        std::find_if(field.begin(), field.end(), [](std::uint8_t byte) { return byte == 0 || byte == 0xff; });
    const bool readable =
        std::all_of(field.begin(), end, [](std::uint8_t byte) { return byte >= 0x20 && byte < 0x7f; });
    if (!readable) {
        return std::nullopt;
    }
    return wire::ascii(field.first(static_cast<std::size_t>(end - field.begin())));
}

/// The cells of an answer with live values; empty when it has none of the
/// layout.
std::vector<std::uint16_t> pace_cells(const Payload& live) {
    auto cells = modbus::words_at(live, kPaceCells, kPaceCellSlots).value_or(std::vector<std::uint16_t>{});
    while (!cells.empty() && cells.back() == 0) {
        cells.pop_back();
    }
    // Gobel has its count of cells where the first cell is here.
    return !cells.empty() && cells.front() > kPaceCellSlots * 2 ? cells : std::vector<std::uint16_t>{};
}
std::vector<std::uint16_t> gobel_cells(const Payload& live) {
    const auto count = modbus::word_at(live, kGobelCellCount).value_or(0) & 0xffu;
    if (count < 1 || count > kGobelCellSlots) {
        return {};
    }
    return modbus::words_at(live, kGobelCells, count).value_or(std::vector<std::uint16_t>{});
}

/// A sensor in tenths of a degree; far off any temperature it is none.
Temperature pace_sensor(Place place, std::uint16_t raw) {
    const double celsius = wire::s16(raw) / 10.0;
    const bool possible = celsius > limits::kMinTemperatureC && celsius < limits::kMaxTemperatureC;
    return {place, possible ? std::optional(celsius) : std::nullopt};
}
std::vector<Temperature> pace_sensors(const Payload& live) {
    std::vector<Temperature> sensors;
    const auto raw = *modbus::words_at(live, kPaceSensors, kPaceSensorSlots);
    for (std::size_t i = 0; i < raw.size(); ++i) {
        const Place place = i < kPaceCellSensors    ? Place::cell
                            : i == kPaceCellSensors ? Place::mosfet
                                                    : Place::ambient;
        sensors.push_back(pace_sensor(place, raw[i]));
    }
    return sensors;
}
std::vector<Temperature> gobel_sensors(const Payload& live) {
    std::vector<Temperature> sensors;
    const auto count = std::min<std::size_t>(*modbus::word_at(live, kGobelSensorCount), kGobelSensorSlots);
    const auto words = *modbus::words_at(live, kGobelSensors, count);
    sensors.reserve(words.size() + 1);
    for (const auto raw : words) {
        sensors.push_back(pace_sensor(Place::cell, raw));
    }
    sensors.push_back(pace_sensor(Place::mosfet, *modbus::word_at(live, kGobelMosfet)));
    return sensors;
}

Alarms pace_alarms(const Payload& live) {
    Alarms alarms;
    raise(kWarnings, *modbus::word_at(live, kWarning), alarms);
    raise(kProtections, *modbus::word_at(live, kProtection), alarms);
    raise(kFaults, *modbus::word_at(live, kStatus), alarms);
    return alarms;
}
/// The bits of the problem code are not known, only that something is wrong
/// when one is set.
Alarms gobel_alarms(const Payload& live) {
    const auto problems = *modbus::words_at(live, kGobelProblems, kGobelProblemWords);
    const bool any = std::any_of(problems.begin(), problems.end(), [](unsigned word) { return word != 0; });
    Alarms alarms;
    alarms.raise(Alarm::internal_failure, any ? Level::warning : Level::ok);
    return alarms;
}

/// What differs between the two.
struct Make {
    std::string_view manufacturer;
    std::uint16_t identity;
    std::uint16_t identity_words;
    std::size_t model;                  ///< number of its text in the identity, behind the version
    std::optional<std::size_t> serial;  ///< likewise; empty: stands in registers of its own
    std::uint16_t live_words;
    std::uint16_t limit_words;  ///< 0: not read
    std::span<const Field> fields;
    std::vector<std::uint16_t> (*cells)(const Payload& live);
    std::vector<Temperature> (*sensors)(const Payload& live);
    Alarms (*alarms)(const Payload& live);
};
constexpr Make kPaceMake{"PACE",      kPaceIdentity, 20,           1,          std::nullopt, 37, 21,
                         kPaceFields, pace_cells,    pace_sensors, pace_alarms};
constexpr Make kGobelMake{"Gobel Power", kGobelIdentity, 35,          2, 1, 59, 0, kGobelFields,
                          gobel_cells,   gobel_sensors,  gobel_alarms};

// ---------------------------------------------------------------------------------------------
// decode

void describe_identity(const Make& make, Bytes data, Record& out) {
    out.set("version", pace_text(data, 0).value_or(""));
    out.set("model", pace_text(data, make.model).value_or(""));
    if (make.serial) {
        out.set("serial", pace_text(data, *make.serial).value_or(""));
    }
}

void describe_live(const Make& make, const Payload& live, Record& out) {
    load(make.fields, live, out);
    const auto cells = make.cells(live);
    out.set("cells_mV", to_list(cells));
    if (make.identity == kGobelIdentity) {
        out.set("reg8_10", to_list(*modbus::words_at(live, kGobelProblems, kGobelProblemWords)));
    } else {
        out.set("cell_count", cells.size());
        List celsius;
        for (const auto& sensor : make.sensors(live)) {
            if (sensor.celsius) {
                celsius.emplace_back(*sensor.celsius);
            } else {
                celsius.emplace_back(nullptr);
            }
        }
        out.set("temps_C", std::move(celsius));
    }
    out.set("venus", venus(make.alarms(live)));
}

template <const Make& make>
void describe(Bytes frame, Role role, const Context& context, Record& out) {
    const auto window = modbus::describe_frame(frame, role, context, out);
    if (!window) {
        return;
    }
    if (window->bytes.size() == std::size_t{2} * make.identity_words) {
        describe_identity(make, window->bytes, out);
    } else if (window->bytes.size() == std::size_t{2} * make.live_words) {
        describe_live(make, registers(kLive, window->bytes), out);
    } else if (modbus::parse_read(context.asked)) {
        load(make.fields, *window, out);
    }
}

// --------------------------------------------------------------------------------------------
// session

enum Tag : std::uint8_t { kIdentityTag, kLiveTag, kLimitTag, kSerialTag };

class PaceModbusSession : public Session {
  public:
    PaceModbusSession(const Make& make, std::uint8_t unit) : make_(make), unit_(unit) {}

    void cycle(unsigned poll, Queries& out) override {
        if (!identified_) {
            out.push_back(query(kIdentityTag));
        }
        out.push_back(query(kLiveTag));
        if (make_.limit_words != 0 && !limits_answered_ && poll < kOncePolls) {
            out.push_back(query(kLimitTag));
        }
        if (!make_.serial && !serial_answered_ && poll < kOncePolls) {
            out.push_back(query(kSerialTag));
        }
    }

    [[nodiscard]] Query query(Tag tag) const {
        const auto ask = [this](unsigned reg, unsigned words) {
            return modbus::request(unit_, modbus::kReadHolding, reg, words);
        };
        switch (tag) {
            case kIdentityTag:
                return {.bytes = ask(make_.identity, make_.identity_words), .tag = tag};
            case kLiveTag:
                return {.bytes = ask(kLive, make_.live_words), .tag = tag};
            case kLimitTag:
                return {.bytes = ask(kLimits, make_.limit_words), .tag = tag, .required = false, .tries = 1};
            default:
                return {.bytes = ask(kPaceSerial, kSerialWords), .tag = tag, .required = false, .tries = 1};
        }
    }

    Taken take(const Query& query, Bytes frame, Queries&) override {
        limits_answered_ = limits_answered_ || query.tag == kLimitTag;
        serial_answered_ = serial_answered_ || query.tag == kSerialTag;
        if (modbus::is_exception(frame)) {
            missed(query);
            return Taken::refused;
        }
        const Bytes data = modbus::data(frame);
        switch (query.tag) {
            case kIdentityTag:
                return take_identity(data);
            case kLiveTag:
                return take_live(registers(kLive, data));
            case kSerialTag:
                battery_.serial = pace_text(data, 0).value_or("");
                battery_.unique_id = battery_.serial;
                return Taken::done;
            default:
                load_inside(make_.fields, registers(kLimits, data), battery_);
                if (battery_.discharge_overcurrent_a) {  // some send it negative
                    battery_.discharge_overcurrent_a = std::abs(*battery_.discharge_overcurrent_a);
                }
                return Taken::done;
        }
    }

    void missed(const Query& query) override {
        if (query.tag == kLiveTag) {
            forget(make_.fields, kLive, make_.live_words, battery_);
            battery_.cells.clear();
            battery_.temperatures.clear();
            battery_.alarms.clear();
            battery_.balancing.reset();
        }
    }

    /// Readable texts, and cells in their places that sum up to the voltage.
    [[nodiscard]] Proof proof() const override {
        if (refuted_) {
            return Proof::refuted;
        }
        return identified_ && !battery_.cells.empty() ? Proof::proven : Proof::pending;
    }

  private:
    static constexpr unsigned kOncePolls = 5;
    static constexpr std::uint16_t kSerialWords = 10;
    static constexpr std::size_t kFewestCharacters = 4;

    Taken take_identity(Bytes data) {
        const auto version = pace_text(data, 0);
        const auto model = pace_text(data, make_.model);
        if (!version || !model || version->size() + model->size() < kFewestCharacters) {
            refuted_ = true;
            return Taken::refused;
        }
        identified_ = true;
        battery_.manufacturer = make_.manufacturer;
        battery_.firmware_version = *version;
        battery_.model = *model;
        if (make_.serial) {
            battery_.serial = pace_text(data, *make_.serial).value_or("");
            battery_.unique_id = battery_.serial;
        }
        return Taken::done;
    }

    Taken take_live(const Payload& live) {
        const auto cells = make_.cells(live);
        double sum = 0;
        for (const auto millivolts : cells) {
            sum += millivolts / 1000.0;
        }
        const double volts = *modbus::word_at(live, 1) / 100.0;
        if (sum <= 0 || !adds_up(sum, volts)) {
            refuted_ = battery_.cells.empty();
            return refuted_ ? Taken::refused : Taken::foreign;
        }
        load_inside(make_.fields, live, battery_);
        set_cells(battery_, cells);
        if (make_.identity == kPaceIdentity) {
            set_balancing(battery_, *modbus::word_at(live, kBalancing));
        }
        battery_.cell_count = static_cast<std::uint32_t>(cells.size());
        battery_.temperatures = make_.sensors(live);
        battery_.alarms = make_.alarms(live);
        return Taken::done;
    }

    const Make& make_;
    std::uint8_t unit_;
    bool identified_ = false;
    bool limits_answered_ = false;
    bool serial_answered_ = false;
    bool refuted_ = false;
};

template <const Make& make>
std::unique_ptr<Session> open(std::uint8_t unit, const Options&) {
    return std::make_unique<PaceModbusSession>(make, unit);
}
template <const Make& make>
Query probe(std::uint8_t unit) {
    return PaceModbusSession(make, unit).query(kIdentityTag);
}

constexpr auto kLines = std::to_array<Line>({{9600}});
constexpr auto kUnits = std::to_array<std::uint8_t>({1});

constexpr Timing kTiming{.reply = 300ms, .gap = 50ms, .pause = 100ms, .tries = 3};

}  // namespace
}  // namespace pace_modbus

extern const Family kPaceModbus;
constexpr Family kPaceModbus{
    .name = "pace_modbus",
    .title = "PACE Modbus",
    .lines = pace_modbus::kLines,
    .first_address = 1,
    .last_address = 15,
    .timing = pace_modbus::kTiming,
    .detection = {.rank = 104, .window = 220ms, .addresses = pace_modbus::kUnits},
    .report = Report::counted,
    .sight = pace_modbus::sight,
    .mismatch = pace_modbus::mismatch,
    .describe = pace_modbus::describe<pace_modbus::kPaceMake>,
    .probe = pace_modbus::probe<pace_modbus::kPaceMake>,
    .open = pace_modbus::open<pace_modbus::kPaceMake>,
};

extern const Family kGobelModbus;
constexpr Family kGobelModbus{
    .name = "gobel_modbus",
    .title = "Gobel Power",
    .lines = pace_modbus::kLines,
    .first_address = 1,
    .last_address = 15,
    .timing = pace_modbus::kTiming,
    .detection = {.rank = 106, .window = 220ms, .addresses = pace_modbus::kUnits},
    .report = Report::counted,
    .sight = pace_modbus::sight,
    .mismatch = pace_modbus::mismatch,
    .describe = pace_modbus::describe<pace_modbus::kGobelMake>,
    .probe = pace_modbus::probe<pace_modbus::kGobelMake>,
    .open = pace_modbus::open<pace_modbus::kGobelMake>,
};

}  // namespace bms
