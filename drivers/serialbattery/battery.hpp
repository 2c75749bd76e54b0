#pragma once
// The model every family decodes into: one battery as its management system reports it.
//
// SI units (the suffix names them), Victron signs: current positive while charging. An empty optional is
// "this battery does not say", never zero. Nothing here knows D-Bus, a serial port or a clock.

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bms {

// --------------------------------------------------------------------------------------------- alarms

/// The alarms of a Venus battery, in the order of kAlarmNames.
enum class Alarm : std::uint8_t {
    low_voltage,
    high_voltage,
    low_cell_voltage,
    high_cell_voltage,
    low_soc,
    state_of_health,
    high_charge_current,
    high_discharge_current,
    cell_imbalance,
    internal_failure,
    high_charge_temperature,
    low_charge_temperature,
    high_temperature,
    low_temperature,
    bms_cable,
    high_internal_temperature,
    fuse_blown,
};

/// Names as below /Alarms/.
inline constexpr auto kAlarmNames = std::to_array<std::string_view>({
    "LowVoltage",
    "HighVoltage",
    "LowCellVoltage",
    "HighCellVoltage",
    "LowSoc",
    "StateOfHealth",
    "HighChargeCurrent",
    "HighDischargeCurrent",
    "CellImbalance",
    "InternalFailure",
    "HighChargeTemperature",
    "LowChargeTemperature",
    "HighTemperature",
    "LowTemperature",
    "BmsCable",
    "HighInternalTemperature",
    "FuseBlown",
});
inline constexpr std::size_t kAlarmCount = kAlarmNames.size();
static_assert(kAlarmCount == static_cast<std::size_t>(Alarm::fuse_blown) + 1);

/// 1: a pre-alarm; 2: a protection has tripped or is about to.
enum class Level : std::uint8_t { ok = 0, warning = 1, alarm = 2 };

/// The state of every alarm; empty where the battery cannot report it.
class Alarms {
  public:
    [[nodiscard]] std::optional<Level> operator[](Alarm alarm) const {
        return levels_[static_cast<std::size_t>(alarm)];
    }
    /// The battery can report `alarm`: it is ok unless raised.
    void supports(Alarm alarm) { raise(alarm, Level::ok); }
    /// Several sources for one alarm: the highest level wins.
    void raise(Alarm alarm, Level level) {
        auto& present = levels_[static_cast<std::size_t>(alarm)];
        if (!present || *present < level) {
            present = level;
        }
    }
    void clear() { levels_ = {}; }
    bool operator==(const Alarms&) const = default;

  private:
    std::array<std::optional<Level>, kAlarmCount> levels_{};
};

// -------------------------------------------------------------------------------------------- sensors

/// Where a temperature sensor sits.
enum class Place : std::uint8_t { cell, mosfet, ambient, board, balancer, heater };

struct Temperature {
    Place place = Place::cell;
    std::optional<double> celsius;
    bool operator==(const Temperature&) const = default;
};

/// A cell; its position in Battery::cells is its number minus one.
struct Cell {
    std::optional<double> volts;
    std::optional<bool> balancing;
    bool operator==(const Cell&) const = default;
};

struct Date {
    std::uint16_t year = 0;
    std::uint8_t month = 0;
    std::uint8_t day = 0;
    [[nodiscard]] constexpr bool valid() const {
        return year >= 2000 && year < 2100 && month >= 1 && month <= 12 && day >= 1 && day <= 31;
    }
    bool operator==(const Date&) const = default;
};

// -------------------------------------------------------------------------------------------- battery

struct Battery {
    // Identity. An empty text is unknown.
    std::string manufacturer;
    std::string model;
    std::string hardware_version;
    std::string firmware_version;
    std::string serial;
    std::string device_name;  ///< what the owner called it, where the battery stores such a name
    std::string unique_id;  ///< what tells this battery from others of its family; empty: only its port does
    std::optional<Date> production;

    // Live values.
    std::optional<double> voltage_v;
    std::optional<double> current_a;  ///< + charging
    std::optional<double> soc_pct;
    std::optional<double> soh_pct;
    std::optional<double> remaining_ah;
    std::optional<double> capacity_ah;  ///< installed (rated) capacity
    std::optional<double> full_ah;      ///< full capacity as the battery has learned it
    std::optional<double> mid_voltage_v;

    // The BMS's own extremes, for families that report them without single cells.
    std::optional<double> max_cell_v;
    std::optional<double> min_cell_v;

    std::optional<std::uint32_t> cell_count;
    std::vector<Cell> cells;
    std::vector<Temperature> temperatures;

    Alarms alarms;

    // What the board does: true is closed, on.
    std::optional<bool> charge_fet;
    std::optional<bool> discharge_fet;
    std::optional<bool> balancing;  ///< any cell at this moment
    std::optional<bool> heating;

    // What the board was told, where that is readable apart from what it does.
    std::optional<bool> charge_switch;
    std::optional<bool> discharge_switch;
    std::optional<bool> balance_switch;
    std::optional<bool> heater_switch;

    // Limits the battery states for this moment.
    std::optional<double> charge_voltage_limit_v;
    std::optional<double> discharge_voltage_limit_v;
    std::optional<double> charge_current_limit_a;
    std::optional<double> discharge_current_limit_a;
    bool limits_are_sums = false;  ///< ... currents, over all packs on its bus
    // Trip points of its protections: an upper bound, not a rating.
    std::optional<double> charge_overcurrent_a;
    std::optional<double> discharge_overcurrent_a;
    std::optional<double> cell_overvoltage_v;
    std::optional<double> cell_undervoltage_v;

    // Heater data, where there is one.
    std::optional<double> heater_current_a;
    std::optional<double> heater_start_c;
    std::optional<double> heater_stop_c;

    // Counters.
    std::optional<std::uint32_t> cycles;
    std::optional<double> charged_ah;
    std::optional<double> discharged_ah;
    std::optional<double> charged_kwh;
    std::optional<double> discharged_kwh;
    std::optional<std::uint32_t> run_time_s;

    // Words whose meaning is not settled: shown to the user as they came, never acted on.
    std::optional<std::uint32_t> status_word;
    std::optional<std::uint32_t> alarm_word;
    std::optional<std::uint32_t> warning_word;

    bool operator==(const Battery&) const = default;
};

/// Sum of the cells in volts; nothing unless every cell is known.
[[nodiscard]] inline std::optional<double> cell_sum(const Battery& battery) {
    if (battery.cells.empty()) {
        return std::nullopt;
    }
    double sum = 0;
    for (const auto& cell : battery.cells) {
        if (!cell.volts) {
            return std::nullopt;
        }
        sum += *cell.volts;
    }
    return sum;
}

/// Whether cells that sum up to `sum` can be those of a pack of `volts`, all but a `part` of it that boards round away.
[[nodiscard]] inline bool adds_up(double sum, double volts, double part = 0.05) {
    return std::abs(sum - volts) <= part * volts;
}

// ------------------------------------------------------------------------------------------ plausible

/// What a sample may say before it is taken for a misread (docs/protocols/common.md).
namespace limits {
inline constexpr double kMaxCapacityAh = 5000;
inline constexpr double kMaxCurrentA = 1000;
inline constexpr double kMaxVoltageV = 100;
inline constexpr double kMaxCellV = 5;
inline constexpr double kMinTemperatureC = -45;
inline constexpr double kMaxTemperatureC = 150;
inline constexpr std::size_t kMaxCells = 48;
}  // namespace limits

/// Removes single values that cannot be: cells and temperatures out of range.
inline void drop_implausible(Battery& battery) {
    for (auto& cell : battery.cells) {
        if (cell.volts && (*cell.volts < 0 || *cell.volts > limits::kMaxCellV)) {
            cell.volts.reset();
        }
    }
    for (auto& sensor : battery.temperatures) {
        if (sensor.celsius
            && (*sensor.celsius < limits::kMinTemperatureC || *sensor.celsius > limits::kMaxTemperatureC)) {
            sensor.celsius.reset();
        }
    }
}

/// Why a whole sample must be rejected; nothing when it is plausible.
[[nodiscard]] inline std::optional<std::string_view> implausible(const Battery& battery) {
    const auto outside = [](const std::optional<double>& value, double low, double high) {
        return value && !(*value >= low && *value <= high);
    };
    const double most_volts = battery.cells.size() > 24
                                  ? limits::kMaxCellV * static_cast<double>(battery.cells.size())
                                  : limits::kMaxVoltageV;
    if (outside(battery.voltage_v, 0, most_volts)) {
        return "voltage";
    }
    if (outside(battery.current_a, -limits::kMaxCurrentA, limits::kMaxCurrentA)) {
        return "current";
    }
    if (outside(battery.soc_pct, 0, 100)) {
        return "state of charge";
    }
    if (outside(battery.capacity_ah, 0, limits::kMaxCapacityAh)
        || outside(battery.remaining_ah, 0, limits::kMaxCapacityAh)) {
        return "capacity";
    }
    if (const auto sum = cell_sum(battery);
        sum && battery.voltage_v && *sum > 1 && !adds_up(*sum, *battery.voltage_v)) {
        return "cell sum";
    }
    return std::nullopt;
}

}  // namespace bms
