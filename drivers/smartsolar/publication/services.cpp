#include "smartsolar/publication/services.hpp"

#include "smartsolar/protocol/products.hpp"
#include "smartsolar/protocol/records.hpp"

#include <array>

namespace smartsolar {

namespace {

using velib::row;
using View = ProductView;
using R = Reading;
namespace format = velib::format;

constexpr auto kDbm = velib::Format::fixed(0, "dBm");
constexpr double kZeroCelsius = 273.15;

template <auto member>
constexpr auto live(std::string_view path, velib::Format text = {}) {
    return row<[](const View& view) { return view.live.*member; }>(path, text);
}

template <auto member>
constexpr auto polled(std::string_view path, velib::Format text = {}) {
    return row<[](const View& view) { return view.polled.*member; }>(path, text);
}

// Alarms: 0 none, 1 warning, 2 alarm.
Code alarm_of(const Code& mask, int bit) {
    return mask ? Code((*mask >> bit & 1) != 0 ? 2 : 0) : std::nullopt;
}

template <int bit>
constexpr auto alarm(std::string_view path) {
    return row<[](const View& view) { return alarm_of(view.live.alarm_reason, bit); }>(path);
}

// Two bits a state: 0 unsupported, 1 OK, 2 warning, 3 alarm.
Code two_bits(const Code& word, int first) {
    const auto state = word ? *word >> first & 3 : 0;
    return state == 0 ? std::nullopt : Code(state - 1);
}

template <int first>
constexpr auto bms_alarm(std::string_view path) {
    return row<[](const View& view) { return two_bits(view.live.warnings_alarms, first); }>(path);
}

// Two bits a switch: 0 unknown, 1 yes, 2 no.
template <int first>
constexpr auto bms_switch(std::string_view path) {
    return row<[](const View& view) -> Code {
        const auto state = two_bits(view.live.io_status, first);
        return state && *state < 2 ? Code(1 - *state) : std::nullopt;
    }>(path);
}

Code lithium_alarm(const Code& flags, int alarm_bit, int warning_bit) {
    if (!flags) {
        return std::nullopt;
    }
    if ((*flags >> alarm_bit & 1) != 0) {
        return 2;
    }
    return warning_bit >= 0 && (*flags >> warning_bit & 1) != 0 ? 1 : 0;
}

template <int alarm_bit, int warning_bit = -1>
constexpr auto lithium(std::string_view path) {
    return row<[](const View& view) { return lithium_alarm(view.live.bms_flags, alarm_bit, warning_bit); }>(
        path);
}

template <int bit>
constexpr auto lithium_flag(std::string_view path) {
    return row<[](const View& view) -> Code {
        return view.live.bms_flags ? Code(*view.live.bms_flags >> bit & 1) : std::nullopt;
    }>(path);
}

template <std::size_t index>
constexpr auto cell(std::string_view path) {
    return row<[](const View& view) { return view.live.cells_v[index]; }>(path, format::dc_volts);
}

Quantity celsius(const Reading& reading) {
    if (reading.temperature_c) {
        return reading.temperature_c;
    }
    return reading.temperature_k ? Quantity(*reading.temperature_k - kZeroCelsius) : std::nullopt;
}

Quantity product_of(const Quantity& volts, const Quantity& amps) {
    return volts && amps ? Quantity(*volts * *amps) : std::nullopt;
}

Quantity in_seconds(const Quantity& minutes) {
    return minutes ? Quantity(*minutes * 60) : std::nullopt;
}

Code has_aux(const Reading& reading, AuxKind kind) {
    return reading.aux_mode ? Code(*reading.aux_mode == static_cast<std::int64_t>(kind) ? 1 : 0)
                            : std::nullopt;
}

// 240 is Venus' number for "no input".
Code active_input(const Reading& reading) {
    constexpr std::int64_t kNone = 2;
    constexpr std::int64_t kNoInput = 240;
    return reading.active_ac_in == kNone ? Code(kNoInput) : reading.active_ac_in;
}

template <int input>
constexpr auto input_power(std::string_view path) {
    return row<[](const View& view) -> Quantity {
        return view.live.active_ac_in == input ? view.live.ac_in_power_w : std::nullopt;
    }>(path, format::watts);
}

constexpr auto temperature =
    row<[](const View& view) { return celsius(view.live); }>("/Dc/0/Temperature", format::celsius);
constexpr auto battery_power = row<[](const View& view) {
    return product_of(view.live.battery_voltage_v, view.live.battery_current_a);
}>("/Dc/0/Power", format::watts);
constexpr auto time_to_go =
    row<[](const View& view) { return in_seconds(view.live.time_to_go_min); }>("/TimeToGo", format::seconds);

// Rows by record, in the order of the record -------------------------------------------------------------------

constexpr auto kSolarCharger = std::to_array({
    live<&R::device_state>("/State"),
    live<&R::charger_error>("/ErrorCode"),
    live<&R::battery_voltage_v>("/Dc/0/Voltage", format::dc_volts),
    live<&R::battery_current_a>("/Dc/0/Current", format::amps),
    live<&R::yield_today_kwh>("/History/Daily/0/Yield", format::kilowatt_hours),
    live<&R::pv_power_w>("/Yield/Power", format::watts),
    live<&R::load_current_a>("/Load/I", format::amps),
    row<[](const View& view) -> Code {
        return view.live.load_current_a ? Code(*view.live.load_current_a > 0 ? 1 : 0) : std::nullopt;
    }>("/Load/State"),
    row<[](const View&) { return 1; }>("/NrOfTrackers"),
});

constexpr auto kSolarChargerPolled = std::to_array({
    polled<&R::device_mode>("/Mode"),
    polled<&R::off_reason>("/DeviceOffReason", format::hex),
    row<[](const View& view) { return celsius(view.polled); }>("/Dc/0/Temperature", format::celsius),
    polled<&R::mpp_mode>("/MppOperationMode"),
    polled<&R::pv_voltage_v>("/Pv/V", format::dc_volts),
    polled<&R::pv_current_a>("/Pv/I", format::amps),
    polled<&R::yield_user_kwh>("/Yield/User", format::kilowatt_hours),
    polled<&R::yield_system_kwh>("/Yield/System", format::kilowatt_hours),
    row<[](const View& view) { return view.days_available; }>("/History/Overall/DaysAvailable"),
});

constexpr auto kBatteryMonitor = std::to_array({
    time_to_go,
    live<&R::battery_voltage_v>("/Dc/0/Voltage", format::dc_volts),
    alarm<0>("/Alarms/LowVoltage"),
    alarm<1>("/Alarms/HighVoltage"),
    alarm<2>("/Alarms/LowSoc"),
    alarm<3>("/Alarms/LowStarterVoltage"),
    alarm<4>("/Alarms/HighStarterVoltage"),
    alarm<5>("/Alarms/LowTemperature"),
    alarm<6>("/Alarms/HighTemperature"),
    alarm<7>("/Alarms/MidVoltage"),
    live<&R::aux_voltage_v>("/Dc/1/Voltage", format::dc_volts),
    live<&R::mid_voltage_v>("/Dc/0/MidVoltage", format::dc_volts),
    temperature,
    row<[](const View& view) { return has_aux(view.live, AuxKind::starter_voltage); }>(
        "/Settings/HasStarterVoltage"),
    row<[](const View& view) { return has_aux(view.live, AuxKind::mid_voltage); }>("/Settings/HasMidVoltage"),
    row<[](const View& view) { return has_aux(view.live, AuxKind::temperature); }>(
        "/Settings/HasTemperature"),
    live<&R::battery_current_a>("/Dc/0/Current", velib::Format::fixed(2, "A")),
    battery_power,
    live<&R::consumed_ah>("/ConsumedAmphours", format::ampere_hours),
    live<&R::soc_pct>("/Soc", format::percent),
});

constexpr auto kBatteryMonitorPolled = std::to_array({
    polled<&R::mid_deviation_pct>("/Dc/0/MidVoltageDeviation", format::percent),
    polled<&R::relay_state>("/Relay/0/State"),
    polled<&R::deepest_discharge_ah>("/History/DeepestDischarge", format::ampere_hours),
    polled<&R::last_discharge_ah>("/History/LastDischarge", format::ampere_hours),
    polled<&R::average_discharge_ah>("/History/AverageDischarge", format::ampere_hours),
    polled<&R::charge_cycles>("/History/ChargeCycles"),
    polled<&R::full_discharges>("/History/FullDischarges"),
    polled<&R::total_ah_drawn>("/History/TotalAhDrawn", format::ampere_hours),
    polled<&R::minimum_voltage_v>("/History/MinimumVoltage", format::dc_volts),
    polled<&R::maximum_voltage_v>("/History/MaximumVoltage", format::dc_volts),
    polled<&R::since_full_charge_s>("/History/TimeSinceLastFullCharge", format::seconds),
    polled<&R::automatic_syncs>("/History/AutomaticSyncs"),
    polled<&R::low_voltage_alarms>("/History/LowVoltageAlarms"),
    polled<&R::high_voltage_alarms>("/History/HighVoltageAlarms"),
    polled<&R::low_aux_voltage_alarms>("/History/LowStarterVoltageAlarms"),
    polled<&R::high_aux_voltage_alarms>("/History/HighStarterVoltageAlarms"),
    polled<&R::minimum_aux_voltage_v>("/History/MinimumStarterVoltage", format::dc_volts),
    polled<&R::maximum_aux_voltage_v>("/History/MaximumStarterVoltage", format::dc_volts),
    polled<&R::discharged_energy_kwh>("/History/DischargedEnergy", format::kilowatt_hours),
    polled<&R::charged_energy_kwh>("/History/ChargedEnergy", format::kilowatt_hours),
});

// Without current and charge it must not be taken for a battery monitor.
constexpr auto kBatterySense = std::to_array({
    row<[](const View& view) { return celsius(view.live); }>("/Temperature", format::celsius),
    row<[](const View&) { return 0; }>("/TemperatureType"),
    live<&R::battery_voltage_v>("/BatteryVoltage", format::dc_volts),
});

constexpr auto kInverter = std::to_array({
    live<&R::device_state>("/State"),
    alarm<0>("/Alarms/LowVoltage"),
    alarm<1>("/Alarms/HighVoltage"),
    alarm<5>("/Alarms/LowTemperature"),
    alarm<6>("/Alarms/HighTemperature"),
    alarm<8>("/Alarms/Overload"),
    alarm<9>("/Alarms/Ripple"),
    alarm<10>("/Alarms/LowVoltageAcOut"),
    alarm<11>("/Alarms/HighVoltageAcOut"),
    alarm<12>("/Alarms/ShortCircuit"),
    live<&R::battery_voltage_v>("/Dc/0/Voltage", format::dc_volts),
    live<&R::ac_apparent_power_va>("/Ac/Out/L1/S", format::volt_amperes),
    live<&R::ac_voltage_v>("/Ac/Out/L1/V", format::ac_volts),
    live<&R::ac_current_a>("/Ac/Out/L1/I", format::amps),
});

constexpr auto kInverterPolled = std::to_array({
    polled<&R::device_mode>("/Mode"),
    polled<&R::ac_out_power_w>("/Ac/Out/L1/P", format::watts),
});

constexpr auto kDcDc = std::to_array({
    live<&R::device_state>("/State"),
    live<&R::charger_error>("/ErrorCode"),
    live<&R::input_voltage_v>("/Dc/In/V", format::dc_volts),
    live<&R::output_voltage_v>("/Dc/0/Voltage", format::dc_volts),
    live<&R::off_reason>("/DeviceOffReason", format::hex),
});

constexpr auto kModePolled = std::to_array({
    polled<&R::device_mode>("/Mode"),
});

constexpr auto kSmartLithium = std::to_array({
    lithium<9, 10>("/Alarms/HighVoltage"),
    lithium<11, 12>("/Alarms/LowVoltage"),
    lithium<15, 16>("/Alarms/HighTemperature"),
    lithium<18, 17>("/Alarms/LowChargeTemperature"),
    lithium<22>("/Alarms/LowTemperature"),
    lithium<23>("/Alarms/ShortCircuit"),
    lithium<24>("/Alarms/InternalFailure"),
    lithium<28>("/Alarms/Contactor"),
    lithium<29>("/Alarms/HighCurrent"),
    lithium<30>("/Alarms/CellImbalance"),
    lithium_flag<25>("/Io/AllowToCharge"),
    lithium_flag<26>("/Io/AllowToDischarge"),
    cell<0>("/Cell/0/Voltage"),
    cell<1>("/Cell/1/Voltage"),
    cell<2>("/Cell/2/Voltage"),
    cell<3>("/Cell/3/Voltage"),
    cell<4>("/Cell/4/Voltage"),
    cell<5>("/Cell/5/Voltage"),
    cell<6>("/Cell/6/Voltage"),
    cell<7>("/Cell/7/Voltage"),
    live<&R::battery_voltage_v>("/Dc/0/Voltage", format::dc_volts),
    live<&R::balancer_status>("/BalancerStatus"),
    temperature,
});

constexpr auto kInverterRs = std::to_array({
    live<&R::device_state>("/State"),
    live<&R::charger_error>("/ErrorCode"),
    live<&R::battery_voltage_v>("/Dc/0/Voltage", format::dc_volts),
    live<&R::battery_current_a>("/Dc/0/Current", format::amps),
    live<&R::pv_power_w>("/Yield/Power", format::watts),
    live<&R::yield_today_kwh>("/History/Daily/0/Yield", format::kilowatt_hours),
    live<&R::ac_out_power_w>("/Ac/Out/L1/P", format::watts),
    row<[](const View&) { return 1; }>("/IsInverterCharger"),
});

constexpr auto kAcCharger = std::to_array({
    live<&R::device_state>("/State"),
    live<&R::charger_error>("/ErrorCode"),
    live<&R::battery_voltage_1_v>("/Dc/0/Voltage", format::dc_volts),
    live<&R::battery_current_1_a>("/Dc/0/Current", format::amps),
    live<&R::battery_voltage_2_v>("/Dc/1/Voltage", format::dc_volts),
    live<&R::battery_current_2_a>("/Dc/1/Current", format::amps),
    live<&R::battery_voltage_3_v>("/Dc/2/Voltage", format::dc_volts),
    live<&R::battery_current_3_a>("/Dc/2/Current", format::amps),
    temperature,
    live<&R::ac_current_a>("/Ac/In/L1/I", format::amps),
    row<[](const View& view) -> Code {
        const auto& now = view.live;
        if (!now.battery_voltage_1_v) {
            return std::nullopt;
        }
        return now.battery_voltage_3_v ? 3 : now.battery_voltage_2_v ? 2 : 1;
    }>("/NrOfOutputs"),
});

constexpr auto kLynxBms = std::to_array({
    live<&R::error>("/ErrorCode"),
    time_to_go,
    live<&R::battery_voltage_v>("/Dc/0/Voltage", format::dc_volts),
    live<&R::battery_current_a>("/Dc/0/Current", format::amps),
    battery_power,
    bms_switch<2>("/Io/AllowToCharge"),
    bms_switch<4>("/Io/AllowToDischarge"),
    bms_switch<6>("/Io/ExternalRelay"),
    bms_alarm<0>("/Alarms/LowCellVoltage"),
    bms_alarm<2>("/Alarms/HighCurrent"),
    bms_alarm<4>("/Alarms/HighInternalTemperature"),
    bms_alarm<6>("/Alarms/Contactor"),
    bms_alarm<8>("/Alarms/BmsCable"),
    bms_alarm<10>("/Alarms/LoadDisconnect"),
    bms_alarm<12>("/Alarms/LowSoc"),
    bms_alarm<16>("/Alarms/HighTemperature"),
    live<&R::soc_pct>("/Soc", format::percent),
    live<&R::consumed_ah>("/ConsumedAmphours", format::ampere_hours),
    temperature,
});

constexpr auto kMultiRs = std::to_array({
    live<&R::device_state>("/State"),
    live<&R::charger_error>("/ErrorCode"),
    live<&R::battery_current_a>("/Dc/0/Current", format::amps),
    live<&R::battery_voltage_v>("/Dc/0/Voltage", format::dc_volts),
    row<[](const View& view) { return active_input(view.live); }>("/Ac/ActiveIn/ActiveInput"),
    input_power<0>("/Ac/In/1/L1/P"),
    input_power<1>("/Ac/In/2/L1/P"),
    live<&R::ac_out_power_w>("/Ac/Out/L1/P", format::watts),
    live<&R::pv_power_w>("/Yield/Power", format::watts),
    live<&R::yield_today_kwh>("/History/Daily/0/Yield", format::kilowatt_hours),
});

constexpr auto kVeBus = std::to_array({
    live<&R::device_state>("/State"),
    live<&R::vebus_error>("/VebusError"),
    live<&R::battery_current_a>("/Dc/0/Current", format::amps),
    live<&R::battery_voltage_v>("/Dc/0/Voltage", format::dc_volts),
    row<[](const View& view) { return active_input(view.live); }>("/Ac/ActiveIn/ActiveInput"),
    live<&R::ac_in_power_w>("/Ac/ActiveIn/P", format::watts),
    live<&R::ac_out_power_w>("/Ac/Out/P", format::watts),
    temperature,
    live<&R::soc_pct>("/Soc", velib::Format::fixed(0, "%")),
});

constexpr auto kDcMeter = std::to_array({
    live<&R::monitor_mode>("/Settings/MonitorMode"),
    live<&R::battery_voltage_v>("/Dc/0/Voltage", format::dc_volts),
    alarm<0>("/Alarms/LowVoltage"),
    alarm<1>("/Alarms/HighVoltage"),
    alarm<3>("/Alarms/LowStarterVoltage"),
    alarm<4>("/Alarms/HighStarterVoltage"),
    alarm<5>("/Alarms/LowTemperature"),
    alarm<6>("/Alarms/HighTemperature"),
    live<&R::aux_voltage_v>("/Dc/1/Voltage", format::dc_volts),
    temperature,
    live<&R::battery_current_a>("/Dc/0/Current", velib::Format::fixed(2, "A")),
    battery_power,
});

constexpr auto kOrionXs = std::to_array({
    live<&R::device_state>("/State"),
    live<&R::charger_error>("/ErrorCode"),
    live<&R::output_voltage_v>("/Dc/0/Voltage", format::dc_volts),
    live<&R::output_current_a>("/Dc/0/Current", format::amps),
    row<[](const View& view) { return product_of(view.live.output_voltage_v, view.live.output_current_a); }>(
        "/Dc/0/Power", format::watts),
    live<&R::input_voltage_v>("/Dc/In/V", format::dc_volts),
    live<&R::input_current_a>("/Dc/In/I", format::amps),
    row<[](const View& view) { return product_of(view.live.input_voltage_v, view.live.input_current_a); }>(
        "/Dc/In/P", format::watts),
    live<&R::off_reason>("/DeviceOffReason", format::hex),
});

// Of every service ---------------------------------------------------------------------------------------------

constexpr auto kLink = std::to_array({
    row<[](const View&) { return 1; }>("/Mgmt/InsecureConnection"),
    row<&View::device_name>("/DeviceName"),
    row<&View::connection_information>("/ConnectionInformation"),
    row<&View::rssi_dbm>("/Rssi", kDbm),
});

constexpr auto kHistoryDay = std::to_array({
    row<&HistoryDay::yield_kwh>("/Yield", format::kilowatt_hours),
    row<&HistoryDay::consumed_kwh>("/Consumption", format::kilowatt_hours),
    row<&HistoryDay::battery_voltage_max_v>("/MaxBatteryVoltage", format::dc_volts),
    row<&HistoryDay::battery_voltage_min_v>("/MinBatteryVoltage", format::dc_volts),
    row<[](const HistoryDay& day) { return day.errors[0]; }>("/LastError1"),
    row<[](const HistoryDay& day) { return day.errors[1]; }>("/LastError2"),
    row<[](const HistoryDay& day) { return day.errors[2]; }>("/LastError3"),
    row<[](const HistoryDay& day) { return day.errors[3]; }>("/LastError4"),
    row<&HistoryDay::bulk_min>("/TimeInBulk", format::minutes),
    row<&HistoryDay::absorption_min>("/TimeInAbsorption", format::minutes),
    row<&HistoryDay::float_min>("/TimeInFloat", format::minutes),
    row<&HistoryDay::power_max_w>("/MaxPower", format::watts),
    row<&HistoryDay::battery_current_max_a>("/MaxBatteryCurrent", format::amps),
    row<&HistoryDay::pv_voltage_max_v>("/MaxPvVoltage", format::dc_volts),
    row<&HistoryDay::day_number>("/Nr"),
});
static_assert(velib::paths_unique(kHistoryDay) && kHistoryDay[0].path == "/Yield");

// Kinds --------------------------------------------------------------------------------------------------------

constexpr auto kChargerModes = std::to_array<std::int64_t>({1, 4});
constexpr auto kInverterModes = std::to_array<std::int64_t>({2, 4, 5});

struct KindRow {
    std::uint16_t record_type;
    ServiceKind kind;
};

const auto kKinds = std::to_array<KindRow>({
    {record::kSolarCharger, {"solarcharger", kSolarCharger, kSolarChargerPolled, true, kChargerModes}},
    {record::kBatteryMonitor, {"battery", kBatteryMonitor, kBatteryMonitorPolled}},
    {record::kInverter, {"inverter", kInverter, kInverterPolled, false, kInverterModes}},
    {record::kDcDcConverter, {"dcdc", kDcDc, kModePolled, false, kChargerModes}},
    {record::kSmartLithium, {"battery", kSmartLithium, {}}},
    {record::kInverterRs, {"inverter", kInverterRs, {}}},
    {record::kAcCharger, {"charger", kAcCharger, kModePolled, false, kChargerModes}},
    {record::kLynxBms, {"battery", kLynxBms, {}}},
    {record::kMultiRs, {"multi", kMultiRs, {}}},
    {record::kVeBus, {"vebus", kVeBus, {}}},
    {record::kOrionXs, {"dcdc", kOrionXs, kModePolled, false, kChargerModes}},
});
const ServiceKind kSense{"temperature", kBatterySense, {}};

// A DC energy meter is what its monitor mode says.
const std::array kMeters{ServiceKind{"alternator", kDcMeter, {}}, ServiceKind{"fuelcell", kDcMeter, {}},
                         ServiceKind{"dcsource", kDcMeter, {}}, ServiceKind{"dcsystem", kDcMeter, {}},
                         ServiceKind{"dcload", kDcMeter, {}}};

const ServiceKind* meter_for(const Code& mode) {
    constexpr std::int64_t kAlternator = -6;
    constexpr std::int64_t kFuelCell = -5;
    constexpr std::int64_t kDcSystem = 6;
    if (!mode || *mode == 0) {
        return nullptr;
    }
    if (*mode == kAlternator) {
        return &kMeters[0];
    }
    if (*mode == kFuelCell) {
        return &kMeters[1];
    }
    if (*mode < 0) {
        return &kMeters[2];
    }
    return *mode == kDcSystem ? &kMeters[3] : &kMeters[4];
}

// No path twice in one service.
template <std::size_t... sizes>
constexpr bool all_unique(const std::array<velib::Row<View>, sizes>&... tables) {
    std::array<velib::Row<View>, (sizes + ...)> all{};
    std::size_t at = 0;
    const auto append = [&](const auto& table) {
        for (const auto& entry : table) {
            all[at++] = entry;
        }
    };
    (append(tables), ...);
    return velib::paths_unique(all);
}
static_assert(all_unique(kSolarCharger, kSolarChargerPolled, kLink));
static_assert(all_unique(kBatteryMonitor, kBatteryMonitorPolled, kLink));
static_assert(all_unique(kInverter, kInverterPolled, kLink));
static_assert(all_unique(kDcDc, kModePolled, kLink) && all_unique(kOrionXs, kModePolled, kLink));
static_assert(all_unique(kAcCharger, kModePolled, kLink));
static_assert(all_unique(kBatterySense, kLink) && all_unique(kSmartLithium, kLink)
              && all_unique(kInverterRs, kLink));
static_assert(all_unique(kLynxBms, kLink) && all_unique(kMultiRs, kLink) && all_unique(kVeBus, kLink));
static_assert(all_unique(kDcMeter, kLink));

}  // namespace

std::span<const velib::Row<ProductView>> link_rows() {
    return kLink;
}

std::span<const velib::Row<HistoryDay>> history_rows(bool today) {
    return std::span(kHistoryDay).subspan(today ? 1 : 0);
}

const ServiceKind* service_for(std::uint16_t record_type, std::uint16_t product_id, const Reading& reading,
                               bool publish_vebus) {
    if (record_type == record::kBatteryMonitor && is_battery_sense(product_id)) {
        return &kSense;
    }
    if (record_type == record::kDcEnergyMeter) {
        return meter_for(reading.monitor_mode);
    }
    if (record_type == record::kVeBus && !publish_vebus) {
        return nullptr;
    }
    for (const auto& entry : kKinds) {
        if (entry.record_type == record_type) {
            return &entry.kind;
        }
    }
    return nullptr;
}

const ServiceKind* service_for_product(std::uint16_t product_id) {
    if (is_solar_charger(product_id)) {
        return service_for(record::kSolarCharger, product_id, {}, false);
    }
    if (is_battery_monitor(product_id)) {
        return service_for(record::kBatteryMonitor, product_id, {}, false);
    }
    return nullptr;
}

}  // namespace smartsolar
