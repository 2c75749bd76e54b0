// EG4-LL and other LiFePOWER rack batteries over Modbus:
// docs/protocols/eg4_ll.md

#include "serialbattery/family.hpp"
#include "serialbattery/framing/modbus_frames.hpp"

#include <algorithm>
#include <cmath>

namespace bms {
namespace eg4_ll {
namespace {

// ---------------------------------------------------------------------------------------------
// tables

enum Register : std::uint16_t {
    kStatus = 0,
    kIdentity = 105,
};
constexpr std::uint16_t kStatusWords = 39;
constexpr std::uint16_t kIdentityWords = 23;

/// Registers of the status, as the vendor numbers them.
constexpr auto kFields = std::to_array<Field>({
    {0, Raw::u16be, 100, "voltage_V", &Battery::voltage_v},
    {1, Raw::s16be, 1, "current_raw"},
    {1, Raw::s16be, 100, "current_A", &Battery::current_a},  // + charging
    // 2 cells
    {18, Raw::s16be, 1, "temp_pcb_C"},
    {19, Raw::s16be, 1, "reg19"},  // highest and mean temperature, in an order that is disputed
    {20, Raw::s16be, 1, "reg20"},
    {21, Raw::u16be, 1, "cap_remaining_raw"},  // of no certain unit
    {22, Raw::u16be, 1, "max_charge_raw"},
    {23, Raw::u16be, 1, "soh_pct", &Battery::soh_pct},
    {24, Raw::u16be, 1, "soc_pct", &Battery::soc_pct},
    {25, Raw::u16be, 1, "status", &Battery::status_word},
    {26, Raw::u16be, 1, "warning", &Battery::warning_word},
    {27, Raw::u16be, 1, "protection", &Battery::alarm_word},
    {28, Raw::u16be, 1, "error"},
    {29, Raw::u32be, 1, "cycles", &Battery::cycles},
    {31, Raw::u32be, 1, "full_capacity_mAs"},
    {31, Raw::u32be, 3'600'000, "full_capacity_Ah", &Battery::full_ah, 0, 0, 0},
    // 33 temperatures
    {36, Raw::u16be, 1, "cell_count", &Battery::cell_count},
    {37, Raw::u16be, 1, "design_raw"},
    {37, Raw::u16be, 10, "design_Ah", &Battery::capacity_ah, 0, 0, 0},
    {38, Raw::u16be, 1, "balance_bits"},
});
static_assert(well_formed(kFields, 2));

constexpr std::uint16_t kCells = 2;
constexpr std::size_t kCellSlots = 16;
constexpr std::uint16_t kBoard = 18;
constexpr std::uint16_t kChargeLimit = 22;
constexpr std::uint16_t kError = 28;
constexpr std::uint16_t kSensors = 33;  ///< a byte each
constexpr std::size_t kSensorSlots = 6;
constexpr std::uint16_t kCellCount = 36;
constexpr std::uint16_t kBalancing = 38;
constexpr int kNoSensor = -56;
/// Small batteries send their charge limit in another unit: amperes are certain
/// on rack modules only.
constexpr unsigned kRackCells = 8;

constexpr auto kWarnings = std::to_array<Flag>({
    {0, Alarm::high_voltage, Level::warning},
    {1, Alarm::high_cell_voltage, Level::warning},
    {2, Alarm::low_voltage, Level::warning},
    {3, Alarm::low_cell_voltage, Level::warning},
    {4, Alarm::high_charge_current, Level::warning},
    {5, Alarm::high_discharge_current, Level::warning},
    {6, Alarm::high_temperature, Level::warning},  // ambient
    {7, Alarm::high_internal_temperature, Level::warning},
    {8, Alarm::high_charge_temperature, Level::warning},
    {9, Alarm::high_temperature, Level::warning},
    {10, Alarm::low_charge_temperature, Level::warning},
    {11, Alarm::low_temperature, Level::warning},
    {12, Alarm::low_soc, Level::warning},
});
constexpr auto kProtections = std::to_array<Flag>({
    {0, Alarm::high_voltage},
    {1, Alarm::high_cell_voltage},
    {2, Alarm::low_voltage},
    {3, Alarm::low_cell_voltage},
    {4, Alarm::high_charge_current},
    {5, Alarm::high_discharge_current},
    {6, Alarm::high_temperature},
    {7, Alarm::high_internal_temperature},
    {8, Alarm::high_charge_temperature},
    {9, Alarm::high_temperature},
    {10, Alarm::low_charge_temperature},
    {11, Alarm::low_temperature},
    {12, Alarm::low_soc},
    {13, Alarm::high_discharge_current},  // short circuit
});
constexpr auto kErrors = std::to_array<Flag>({
    {0, Alarm::internal_failure},  // measuring of voltage, temperature, current
    {1, Alarm::internal_failure},
    {2, Alarm::internal_failure},
    {4, Alarm::cell_imbalance},
});
static_assert(well_formed(kWarnings) && well_formed(kProtections) && well_formed(kErrors));

// ----------------------------------------------------------------------------------------------
// frame

Sight sight(Bytes bytes, Bytes asked) {
    return modbus::sight_read(bytes, asked, modbus::kReadHolding,
                              [](std::uint8_t unit) { return unit >= 1 && unit <= 16; });
}
std::optional<Fault> mismatch(Bytes frame, Bytes asked) {
    return modbus::mismatch(frame, asked);
}

Alarms alarms_of(const Payload& status) {
    Alarms alarms;
    raise(kWarnings, *modbus::word_at(status, kError - 2), alarms);
    raise(kProtections, *modbus::word_at(status, kError - 1), alarms);
    raise(kErrors, *modbus::word_at(status, kError), alarms);
    return alarms;
}

/// Signed bytes.
std::vector<int> eg4_sensors(const Payload& status) {
    std::vector<int> sensors;
    for (const auto byte : status.bytes.subspan(std::size_t{2} * kSensors, kSensorSlots)) {
        sensors.push_back(static_cast<std::int8_t>(byte));
    }
    return sensors;
}

std::string eg4_text(Bytes data, std::size_t at, std::size_t size) {
    return wire::ascii(data.subspan(at, size));
}

// ---------------------------------------------------------------------------------------------
// decode

void describe_status(const Payload& status, Record& out) {
    load(kFields, status, out);
    // Nothing where the register has nothing to say.
    const auto count = std::min<std::size_t>(*modbus::word_at(status, kCellCount), kCellSlots);
    out.set("cells_mV", to_list(*modbus::words_at(status, kCells, count)));
    const auto sensors = eg4_sensors(status);
    out.set("temps_C", List(sensors.begin(), sensors.end()));
    out.set("venus", venus(alarms_of(status)));
}

void describe(Bytes frame, Role role, const Context& context, Record& out) {
    if (!modbus::describe_frame(frame, role, context, out)) {
        return;
    }
    const Bytes data = modbus::data(frame);
    if (data.size() == std::size_t{2} * kStatusWords) {
        describe_status(registers(kStatus, data), out);
    } else if (data.size() == std::size_t{2} * kIdentityWords) {
        out.set("model", eg4_text(data, 0, 24));
        out.set("firmware", eg4_text(data, 24, 6));
        out.set("serial", eg4_text(data, 30, 16));
        out.set("firmware_hex", wire::to_hex(data.subspan(24, 6)));
        out.set("serial_hex", wire::to_hex(data.subspan(30, 16)));
    } else {
        out.set("registers", to_list(words(data, {data.size() / 2})));
    }
}

// --------------------------------------------------------------------------------------------
// session

enum Tag : std::uint8_t { kStatusTag, kIdentityTag };

class Eg4Session : public Session {
  public:
    explicit Eg4Session(std::uint8_t unit) : unit_(unit) {}

    void cycle(unsigned poll, Queries& out) override {
        out.push_back({.bytes = modbus::request(unit_, modbus::kReadHolding, kStatus, kStatusWords),
                       .tag = kStatusTag});
        if (!identified_ && poll < kIdentityPolls) {
            out.push_back({.bytes = modbus::request(unit_, modbus::kReadHolding, kIdentity, kIdentityWords),
                           .tag = kIdentityTag,
                           .required = false,
                           .tries = 1});
        }
    }

    Taken take(const Query& query, Bytes frame, Queries&) override {
        if (modbus::is_exception(frame)) {
            identified_ = identified_ || query.tag == kIdentityTag;
            missed(query);
            return Taken::refused;
        }
        const Bytes data = modbus::data(frame);
        if (query.tag == kIdentityTag) {
            identified_ = true;
            battery_.model = eg4_text(data, 0, 24);
            battery_.firmware_version = eg4_text(data, 24, 6);
            // 30: a date of production, the same for a whole lot
            return Taken::done;
        }
        return take_status(registers(kStatus, data));
    }

    void missed(const Query& query) override {
        if (query.tag == kStatusTag) {
            forget(kFields, battery_);
            battery_.charge_current_limit_a.reset();
            battery_.cells.clear();
            battery_.temperatures.clear();
            battery_.alarms.clear();
            battery_.balancing.reset();
        }
    }

    /// Many a Modbus slave answers this: a cell count, and as many cells that sum
    /// up to the voltage.
    [[nodiscard]] Proof proof() const override {
        if (refuted_) {
            return Proof::refuted;
        }
        return battery_.cells.empty() ? Proof::pending : Proof::proven;
    }

  private:
    static constexpr unsigned kIdentityPolls = 5;
    static constexpr double kSumAgrees = 0.02;

    Taken take_status(const Payload& status) {
        const std::size_t count = *modbus::word_at(status, kCellCount);
        const double volts = *modbus::word_at(status, 0) / 100.0;
        if (count < 1 || count > kCellSlots) {
            return refute();
        }
        const auto cells = *modbus::words_at(status, kCells, count);
        double sum = 0;
        for (const auto millivolts : cells) {
            sum += millivolts / 1000.0;
        }
        if (sum <= 0 || !adds_up(sum, volts, kSumAgrees)) {
            return refute();
        }
        load(kFields, status, battery_);
        set_cells(battery_, cells);
        set_balancing(battery_, *modbus::word_at(status, kBalancing));
        battery_.charge_current_limit_a.reset();
        if (const auto limit = *modbus::word_at(status, kChargeLimit); count >= kRackCells && limit > 0) {
            battery_.charge_current_limit_a = limit;
        }
        battery_.alarms = alarms_of(status);
        place_sensors(status);
        battery_.manufacturer = "EG4";
        return Taken::done;
    }
    /// Of a battery that is known already such an answer is a misreading.
    Taken refute() {
        refuted_ = battery_.cells.empty();
        return refuted_ ? Taken::refused : Taken::foreign;
    }

    /// The sensors on cells that are fitted, and the board.
    void place_sensors(const Payload& status) {
        auto sensors = eg4_sensors(status);
        while (!sensors.empty() && sensors.back() == 0) {
            sensors.pop_back();  // an unused place; not told from freezing point in
                                 // front of a fitted one
        }
        battery_.temperatures.clear();
        for (const int celsius : sensors) {
            battery_.temperatures.push_back(
                {Place::cell, celsius > kNoSensor ? std::optional<double>(celsius) : std::nullopt});
        }
        battery_.temperatures.push_back({Place::board, wire::s16(*modbus::word_at(status, kBoard))});
    }

    std::uint8_t unit_;
    bool identified_ = false;
    bool refuted_ = false;
};

std::unique_ptr<Session> open(std::uint8_t unit, const Options&) {
    return std::make_unique<Eg4Session>(unit);
}
Query probe(std::uint8_t unit) {
    return {.bytes = modbus::request(unit, modbus::kReadHolding, kStatus, kStatusWords), .tag = kStatusTag};
}

constexpr auto kLines = std::to_array<Line>({{9600}});
constexpr auto kUnits = std::to_array<std::uint8_t>({16, 1});

}  // namespace
}  // namespace eg4_ll

extern const Family kEg4Ll;
constexpr Family kEg4Ll{
    .name = "eg4_ll",
    .title = "EG4-LL",
    .lines = eg4_ll::kLines,
    .first_address = 1,
    .last_address = 16,
    .timing = {.reply = 500ms, .gap = 50ms, .pause = 100ms, .tries = 3, .poll = 2000ms},
    .detection = {.rank = 102, .window = 300ms, .addresses = eg4_ll::kUnits},
    .report = Report::counted,
    .sight = eg4_ll::sight,
    .mismatch = eg4_ll::mismatch,
    .describe = eg4_ll::describe,
    .probe = eg4_ll::probe,
    .open = eg4_ll::open,
};

}  // namespace bms
