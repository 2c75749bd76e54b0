#include "serialbattery/publication/table.hpp"

#include <array>
#include <cmath>

namespace bms::publication {
namespace {

using velib::Format;
using velib::row;
namespace format = velib::format;

constexpr Format kVolts = format::dc_volts;
constexpr Format kCellVolts = format::cell_volts;
constexpr Format kAmps = Format::fixed(2, "A");
constexpr Format kLimitAmps = Format::fixed(2, "A").storing(3);
constexpr Format kWatts = Format::fixed(0, "W").storing(2);
constexpr Format kPercent = Format::fixed(2, "%");
constexpr Format kCelsius = format::celsius;
constexpr Format kAmpereHours = Format::fixed(2, "Ah");
constexpr Format kWholeAmpereHours = Format::fixed(0, "Ah").storing(2);
constexpr Format kKilowattHours = Format::fixed(3, "kWh");

constexpr auto kStates = std::to_array<std::string_view>(
    {"Initialising", "Initialising", "Initialising", "Initialising", "Initialising", "Initialising",
     "Initialising", "Initialising", "Initialising", "Running", "Error", "Unknown", "Shutdown", "Updating",
     "Standby", "Going to run", "Pre-charging", "Contactor check", "Pending"});
constexpr auto kLevels = std::to_array<std::string_view>({"Ok", "Warning", "Alarm"});
constexpr auto kNoYes = std::to_array<std::string_view>({"No", "Yes"});
constexpr Format kLevel = Format::enumeration(kLevels);
constexpr Format kNoOrYes = Format::enumeration(kNoYes);

using Text = std::optional<std::string>;

Text text(const std::string& known) {
    return known.empty() ? std::nullopt : Text(known);
}

/// Balanced, balancing, imbalanced: what the user interface shows of a balancer.
std::optional<int> balancer_status(const View& v) {
    if (v.balancing.value_or(false)) {
        return 2;
    }
    if (!v.balancing || !v.out.cells.any) {
        return std::nullopt;
    }
    constexpr double kImbalance = 0.1;
    return v.out.cells.max_v - v.out.cells.min_v > kImbalance ? 3 : 1;
}

template <auto member>
constexpr auto cell(const char* path) {
    return row<[](const View& v) {
        return v.out.cells.any ? std::optional<double>(v.out.cells.*member) : std::nullopt;
    }>(path, kCellVolts);
}

template <Alarm which>
constexpr auto level_of(const char* path) {
    return row<[](const View& v) { return v.out.alarms[which]; }>(path, kLevel);
}

using H = control::HistoryValues;
/// Discharges are negative on the bus.
template <auto member>
constexpr auto drawn(const char* path) {
    return row<[](const View& v) {
        const auto& value = v.out.history.*member;
        return value ? std::optional<double>(*value == 0 ? 0 : -*value) : std::nullopt;
    }>(path, kAmpereHours);
}
template <auto member>
constexpr auto history(const char* path, Format form) {
    return row<[](const View& v) { return v.out.history.*member; }>(path, form);
}
template <auto member>
constexpr auto counter(const char* path) {
    return row<[](const View& v) {
        const auto& value = v.out.history.*member;
        return value ? std::optional(std::llround(*value)) : std::nullopt;
    }>(path);
}

template <std::size_t index>
constexpr auto sensor(const char* path) {
    return row<[](const View& v) { return v.out.temperatures.sensors_c[index]; }>(path, kCelsius);
}
template <std::size_t index>
constexpr auto sensor_label(const char* path) {
    return row<[](const View& v) {
        return v.out.temperatures.sensors_c[index] ? text(control::sensor_name(v.settings, index + 1))
                                                   : std::nullopt;
    }>(path);
}

constexpr auto kRows = std::to_array<velib::Row<View>>({
    row<[](const View& v) { return text(v.battery.device_name); }>("/DeviceName"),
    row<[](const View& v) { return text(v.battery.manufacturer); }>("/Manufacturer"),
    row<[](const View& v) { return text(v.battery.model); }>("/Family"),

    row<[](const View& v) { return v.out.voltage_v; }>("/Dc/0/Voltage", kVolts),
    row<[](const View& v) { return v.out.current_a; }>("/Dc/0/Current", kAmps),
    row<[](const View& v) { return v.out.power_w; }>("/Dc/0/Power", kWatts),
    row<[](const View& v) { return v.out.temperatures.battery_c; }>("/Dc/0/Temperature", kCelsius),
    row<[](const View& v) { return v.out.midpoint ? std::optional(v.out.midpoint->volts) : std::nullopt; }>(
        "/Dc/0/MidVoltage", kVolts),
    row<[](const View& v) {
        return v.out.midpoint ? std::optional(v.out.midpoint->deviation_percent) : std::nullopt;
    }>("/Dc/0/MidVoltageDeviation", format::percent),
    row<[](const View& v) { return v.out.soc_percent; }>("/Soc", kPercent),
    row<[](const View& v) { return v.out.soc_bms_percent; }>("/SocBms", kPercent),
    row<[](const View& v) { return v.soh_percent; }>("/Soh", format::percent),
    row<[](const View& v) { return v.out.remaining_ah; }>("/Capacity", kAmpereHours),
    row<[](const View& v) { return v.out.capacity_ah; }>("/InstalledCapacity", kWholeAmpereHours),
    row<[](const View& v) { return v.out.consumed_ah; }>("/ConsumedAmphours", kWholeAmpereHours),
    row<[](const View& v) { return v.out.remaining_bms_ah; }>("/CapacityBms", kAmpereHours),
    row<[](const View& v) {
        return v.out.remaining_bms_ah && v.out.capacity_ah
                   ? std::optional(-std::abs(*v.out.capacity_ah - *v.out.remaining_bms_ah))
                   : std::nullopt;
    }>("/ConsumedAmphoursBms", kAmpereHours),
    row<[](const View& v) { return v.out.time_to_go.seconds; }>("/TimeToGo", format::seconds),
    row<[](const View& v) { return v.out.current_average_a; }>("/CurrentAvg", kAmps),
    row<[](const View& v) { return v.balancing; }>("/Balancing", kNoOrYes),
    row<balancer_status>("/Balancer/Status"),
    row<[](const View& v) { return v.heating; }>("/Heating", kNoOrYes),
    row<[](const View& v) { return v.out.state; }>("/State", Format::enumeration(kStates)),
    row<[](const View& v) { return control::device_state(v.out); }>("/DeviceState", format::hex),
    row<[](const View& v) { return v.out.error_code.value_or(0); }>("/ErrorCode"),
    row<[](const View& v) { return text(v.out.connection); }>("/ConnectionInformation"),
    row<[](const View& v) { return v.mode_shown ? v.out.mode : std::nullopt; }>("/Mode"),

    row<[](const View& v) { return v.out.low_voltage_v; }>("/Info/BatteryLowVoltage", kVolts),
    row<[](const View& v) { return v.out.charge_request; }>("/Info/ChargeRequest"),
    row<[](const View& v) { return text(v.out.charge_mode); }>("/Info/ChargeMode"),
    row<[](const View& v) {
        return control::limitation_text(v.out.charge_limitation, control::Direction::charge);
    }>("/Info/ChargeLimitation"),
    row<[](const View& v) {
        return control::limitation_text(v.out.discharge_limitation, control::Direction::discharge);
    }>("/Info/DischargeLimitation"),
    row<[](const View& v) { return v.out.max_cell_voltage_v; }>("/Info/MaxChargeCellVoltage", kCellVolts),
    row<[](const View& v) { return v.battery.heater_current_a; }>("/Info/HeatingCurrent", kAmps),
    row<[](const View& v) {
        return v.battery.heater_current_a && v.out.voltage_v
                   ? std::optional(*v.battery.heater_current_a * *v.out.voltage_v)
                   : std::nullopt;
    }>("/Info/HeatingPower", format::watts),
    row<[](const View& v) { return v.battery.heater_start_c; }>("/Info/HeatingTemperatureStart", kCelsius),
    row<[](const View& v) { return v.battery.heater_stop_c; }>("/Info/HeatingTemperatureStop", kCelsius),
    row<[](const View& v) { return text(v.config_error); }>("/Info/ConfigError"),

    row<[](const View& v) { return v.out.allow_charge; }>("/Io/AllowToCharge", kNoOrYes),
    row<[](const View& v) { return v.out.allow_discharge; }>("/Io/AllowToDischarge", kNoOrYes),
    row<[](const View& v) { return v.battery.balance_switch; }>("/Io/AllowToBalance", kNoOrYes),
    row<[](const View& v) { return v.battery.heater_switch; }>("/Io/AllowToHeat", kNoOrYes),

    row<[](const View& v) { return v.cells; }>("/System/NrOfCellsPerBattery"),
    row<[](const View& v) { return v.modules.batteries; }>("/System/NrOfBatteries"),
    row<[](const View& v) { return v.modules.parallel; }>("/System/BatteriesParallel"),
    row<[](const View& v) { return v.modules.series; }>("/System/BatteriesSeries"),
    row<[](const View& v) { return v.modules.online; }>("/System/NrOfModulesOnline"),
    row<[](const View& v) { return v.modules.offline; }>("/System/NrOfModulesOffline"),
    row<[](const View& v) { return v.modules.blocking_charge; }>("/System/NrOfModulesBlockingCharge"),
    row<[](const View& v) { return v.modules.blocking_discharge; }>("/System/NrOfModulesBlockingDischarge"),
    cell<&control::CellSummary::min_v>("/System/MinCellVoltage"),
    cell<&control::CellSummary::max_v>("/System/MaxCellVoltage"),
    row<[](const View& v) { return text(v.min_cell_id); }>("/System/MinVoltageCellId"),
    row<[](const View& v) { return text(v.max_cell_id); }>("/System/MaxVoltageCellId"),
    row<[](const View& v) { return v.out.temperatures.min_c; }>("/System/MinCellTemperature", kCelsius),
    row<[](const View& v) { return v.out.temperatures.max_c; }>("/System/MaxCellTemperature", kCelsius),
    row<[](const View& v) { return text(v.min_temperature_id); }>("/System/MinTemperatureCellId"),
    row<[](const View& v) { return text(v.max_temperature_id); }>("/System/MaxTemperatureCellId"),
    row<[](const View& v) { return v.out.temperatures.mosfet_c; }>("/System/MOSTemperature", kCelsius),
    sensor<0>("/System/Temperature1"),
    sensor<1>("/System/Temperature2"),
    sensor<2>("/System/Temperature3"),
    sensor<3>("/System/Temperature4"),
    sensor_label<0>("/System/Temperature1Name"),
    sensor_label<1>("/System/Temperature2Name"),
    sensor_label<2>("/System/Temperature3Name"),
    sensor_label<3>("/System/Temperature4Name"),

    level_of<Alarm::low_voltage>("/Alarms/LowVoltage"),
    level_of<Alarm::high_voltage>("/Alarms/HighVoltage"),
    level_of<Alarm::low_cell_voltage>("/Alarms/LowCellVoltage"),
    level_of<Alarm::high_cell_voltage>("/Alarms/HighCellVoltage"),
    level_of<Alarm::low_soc>("/Alarms/LowSoc"),
    level_of<Alarm::state_of_health>("/Alarms/StateOfHealth"),
    level_of<Alarm::high_charge_current>("/Alarms/HighChargeCurrent"),
    level_of<Alarm::high_discharge_current>("/Alarms/HighDischargeCurrent"),
    level_of<Alarm::cell_imbalance>("/Alarms/CellImbalance"),
    level_of<Alarm::internal_failure>("/Alarms/InternalFailure"),
    level_of<Alarm::high_charge_temperature>("/Alarms/HighChargeTemperature"),
    level_of<Alarm::low_charge_temperature>("/Alarms/LowChargeTemperature"),
    level_of<Alarm::high_temperature>("/Alarms/HighTemperature"),
    level_of<Alarm::low_temperature>("/Alarms/LowTemperature"),
    level_of<Alarm::high_internal_temperature>("/Alarms/HighInternalTemperature"),
    level_of<Alarm::fuse_blown>("/Alarms/FuseBlown"),
    row<[](const View& v) { return v.out.bms_cable; }>("/Alarms/BmsCable", kLevel),

    drawn<&H::deepest_discharge_ah>("/History/DeepestDischarge"),
    drawn<&H::last_discharge_ah>("/History/LastDischarge"),
    drawn<&H::average_discharge_ah>("/History/AverageDischarge"),
    drawn<&H::total_ah_drawn>("/History/TotalAhDrawn"),
    history<&H::charge_cycles>("/History/ChargeCycles", Format::fixed(2, "")),
    counter<&H::full_discharges>("/History/FullDischarges"),
    history<&H::minimum_voltage>("/History/MinimumVoltage", kVolts),
    history<&H::maximum_voltage>("/History/MaximumVoltage", kVolts),
    history<&H::minimum_cell_voltage>("/History/MinimumCellVoltage", kCellVolts),
    history<&H::maximum_cell_voltage>("/History/MaximumCellVoltage", kCellVolts),
    history<&H::minimum_temperature_c>("/History/MinimumTemperature", kCelsius),
    history<&H::maximum_temperature_c>("/History/MaximumTemperature", kCelsius),
    row<[](const View& v) { return v.out.since_full_charge_s; }>("/History/TimeSinceLastFullCharge",
                                                                 format::seconds),
    counter<&H::automatic_syncs>("/History/AutomaticSyncs"),
    counter<&H::low_voltage_alarms>("/History/LowVoltageAlarms"),
    counter<&H::high_voltage_alarms>("/History/HighVoltageAlarms"),
    history<&H::discharged_energy_kwh>("/History/DischargedEnergy", kKilowattHours),
    history<&H::charged_energy_kwh>("/History/ChargedEnergy", kKilowattHours),
    row<[](const View& v) { return v.settings.history; }>("/History/CanBeCleared"),

    row<[](const View&) { return 1; }>("/Settings/HasTemperature"),
});
static_assert(velib::paths_unique(kRows));

constexpr auto kLimitRows = std::to_array<velib::Row<View>>({
    row<[](const View& v) { return v.out.charge_voltage_v; }>("/Info/MaxChargeVoltage", kVolts),
    row<[](const View& v) { return v.out.charge_current_a; }>("/Info/MaxChargeCurrent", kLimitAmps),
    row<[](const View& v) { return v.out.discharge_current_a; }>("/Info/MaxDischargeCurrent", kLimitAmps),
});
static_assert(velib::paths_unique(kLimitRows));

std::string numbered(std::string_view before, std::size_t number, std::string_view behind = {}) {
    return std::string(before).append(std::to_string(number)).append(behind);
}

}  // namespace

std::span<const velib::Row<View>> rows() {
    return kRows;
}

std::span<const velib::Row<View>> limit_rows() {
    return kLimitRows;
}

void LimitItems::show(bool shown) {
    if (shown && !items_) {
        items_.emplace(tree_, limit_rows());
    } else if (!shown && items_) {
        items_.reset();
        for (const auto& row : kLimitRows) {
            tree_.remove(row.path);
        }
    }
}

void LimitItems::publish(velib::Update& update, const View& view) {
    if (items_) {
        items_->publish(update, view);
    }
}

CellItems::CellItems(velib::ItemTree& tree, const control::Settings& settings, std::size_t cell_count) {
    for (const auto* root : {"/Voltages", "/Balances", "/Cell"}) {
        tree.remove(root);
    }
    const int form = static_cast<int>(settings.cell_data_format);
    if (form == 0) {
        return;
    }
    const bool first_naming = form == 1;
    const velib::ItemSpec volts{velib::Type::real, kCellVolts};
    for (std::size_t i = 1; i <= cell_count; ++i) {
        items_.volts.push_back(
            &tree.add(first_naming ? numbered("/Voltages/Cell", i) : numbered("/Cell/", i, "/Volts"), volts));
        if (form != 2) {
            items_.balancing.push_back(&tree.add(numbered("/Balances/Cell", i), {velib::Type::integer, {}}));
        }
    }
    const std::string root = first_naming ? "/Voltages" : "/Cell";
    items_.sum = &tree.add(root + "/Sum", {velib::Type::real, kVolts});
    items_.diff = &tree.add(root + "/Diff", volts);
}

void CellItems::publish(velib::Update& update, const View& view) {
    const auto& cells = view.battery.cells;
    for (std::size_t i = 0; i < items_.volts.size(); ++i) {
        const auto volts = i < cells.size() ? cells[i].volts : std::nullopt;
        const bool good = control::cell_plausible(volts, view.settings.max_cell_v);
        update.set(*items_.volts[i], good ? volts : std::nullopt);
        if (i < items_.balancing.size()) {
            update.set(*items_.balancing[i], i < cells.size() ? cells[i].balancing : std::nullopt);
        }
    }
    if (items_.sum != nullptr) {
        const auto& summary = view.out.cells;
        update.set(*items_.sum, summary.any ? std::optional(control::volts(summary.sum)) : std::nullopt);
        update.set(*items_.diff, summary.any ? std::optional(control::volts(summary.diff())) : std::nullopt);
    }
}

void TimeToSocItems::publish(velib::Update& update, const View& view) {
    const auto& settings = view.settings;
    if (settings.time_to_soc_points != points_ || settings.time_to_soc_form != form_) {
        tree_.remove("/TimeToSoC");
        items_.clear();
        points_ = settings.time_to_soc_points;
        form_ = settings.time_to_soc_form;
        for (const auto point : points_) {
            const auto path = numbered("/TimeToSoC/", static_cast<std::size_t>(std::lround(point)));
            items_.push_back(tree_.find(path) != nullptr ? nullptr
                                                         : &tree_.add(path, {velib::Type::text, {}}));
        }
    }
    const auto& times = view.out.time_to_go.to_points;
    for (std::size_t i = 0; i < items_.size(); ++i) {
        if (items_[i] == nullptr) {
            continue;
        }
        const auto seconds = i < times.size() ? times[i] : std::nullopt;
        update.set(*items_[i], seconds ? Text(control::time_to_soc_text(settings, *seconds)) : std::nullopt);
    }
}

}  // namespace bms::publication
