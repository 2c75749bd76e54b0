#include "givenergy/publication/tables.hpp"

#include "givenergy/protocol/faults.hpp"

#include <algorithm>
#include <cmath>

namespace givenergy {

namespace {

using velib::Format;
using velib::paths_unique;
using velib::row;
namespace format = velib::format;

// Three-phase units measure in tenths of a watt.
constexpr Format kWatts = Format::fixed(1, "W");
constexpr std::size_t kPhases = 3;
constexpr int kNoInput = 240;
constexpr int kGridInput = 1;

using Number = std::optional<int>;

Value current(Value watts, Value volts) {
    return watts && volts && *volts > 0 ? Value{*watts / *volts} : std::nullopt;
}
template <auto member>
Value plant(const View& view) {
    return view.plant.*member;
}
template <auto member>
Value battery(const View& view) {
    return view.plant.battery.*member;
}
template <auto member>
Value total(const View& view) {
    return view.plant.total.*member;
}
template <std::size_t i, auto member>
Value phase(const View& view) {
    return view.plant.phase[i].*member;
}
template <std::size_t i, auto member>
Value tracker(const View& view) {
    return view.plant.tracker[i].*member;
}
template <int number>
int constant(const View&) {
    return number;
}
int phases(const View& view) {
    return view.plant.phases;
}

/// An alarm (2) while one of the charger's warning bits stands; nothing where the unit has none.
template <std::uint16_t bits>
Number alarm(const View& view) {
    if (!view.plant.charger_warnings) {
        return std::nullopt;
    }
    return (view.warnings & bits) != 0 ? 2 : 0;
}
int error_code(const View& view) {
    constexpr int kInternal = 40;
    return view.plant.status == 3 ? kInternal : 0;
}

// Grid.

template <std::size_t i>
Value grid_current(const View& view) {
    return current(view.plant.phase[i].grid_w, view.plant.phase[i].grid_v);
}
constexpr auto kGrid = std::to_array<ViewRow>({
    row<plant<&Plant::grid_w>>("/Ac/Power", kWatts),
    row<plant<&Plant::grid_hz>>("/Ac/Frequency", format::hertz),
    row<total<&Energy::import>>("/Ac/Energy/Forward", format::kilowatt_hours),
    row<total<&Energy::export_>>("/Ac/Energy/Reverse", format::kilowatt_hours),
    row<[](const View&) { return std::string_view{"grid"}; }>("/Role"),
    row<constant<0>>("/DeviceType"),
    row<phases>("/NrOfPhases"),
    row<error_code>("/ErrorCode"),
});
static_assert(paths_unique(kGrid));

struct MeterPaths {
    std::string_view power, voltage, current;
};
constexpr std::array<MeterPaths, kPhases> kMeterPaths{{
    {"/Ac/L1/Power", "/Ac/L1/Voltage", "/Ac/L1/Current"},
    {"/Ac/L2/Power", "/Ac/L2/Voltage", "/Ac/L2/Current"},
    {"/Ac/L3/Power", "/Ac/L3/Voltage", "/Ac/L3/Current"},
}};
template <std::size_t i>
constexpr auto kGridPhase = std::to_array<ViewRow>({
    row<phase<i, &Phase::grid_w>>(kMeterPaths[i].power, kWatts),
    row<phase<i, &Phase::grid_v>>(kMeterPaths[i].voltage, format::ac_volts),
    row<grid_current<i>>(kMeterPaths[i].current, format::amps_fine),
});
// The counters of a single-phase unit are those of its phase.
constexpr std::string_view kPhaseForward = "/Ac/L1/Energy/Forward";
constexpr auto kGridPhaseEnergy = std::to_array<ViewRow>({
    row<total<&Energy::import>>(kPhaseForward, format::kilowatt_hours),
    row<total<&Energy::export_>>("/Ac/L1/Energy/Reverse", format::kilowatt_hours),
});

// Multi and acsystem share the AC and DC side.

Number active_input(const View& view) {
    return view.plant.on_grid ? Number{*view.plant.on_grid ? 0 : kNoInput} : std::nullopt;
}
template <std::size_t i>
Value input_current(const View& view) {
    return current(view.plant.phase[i].input_w, view.plant.phase[i].grid_v);
}
template <std::size_t i>
Value output_current(const View& view) {
    return current(view.plant.phase[i].output_w, view.plant.phase[i].output_v);
}
template <std::size_t>
Value input_hz(const View& view) {
    return view.plant.grid_hz;
}
template <std::size_t>
Value output_hz(const View& view) {
    return view.plant.output_hz;
}

constexpr auto kInverter = std::to_array<ViewRow>({
    row<active_input>("/Ac/ActiveIn/ActiveInput"),
    row<constant<kGridInput>>("/Ac/In/1/Type"),
    row<constant<1>>("/Ac/NumberOfAcInputs"),
    row<phases>("/Ac/NumberOfPhases"),
    row<battery<&Battery::volts>>("/Dc/0/Voltage", format::dc_volts),
    row<battery<&Battery::amps>>("/Dc/0/Current", format::amps_fine),
    row<battery<&Battery::watts>>("/Dc/0/Power", kWatts),
    row<battery<&Battery::celsius>>("/Dc/0/Temperature", format::celsius),
    row<battery<&Battery::soc_percent>>("/Soc", format::percent),
    row<inverter_state>("/State"),
    row<error_code>("/ErrorCode"),
    row<alarm<charger_warning::kTooHotToCharge | charger_warning::kTooHotToDischarge
              | charger_warning::kBatteryTemperature | charger_warning::kModuleTemperature>>(
        "/Alarms/HighTemperature"),
    row<alarm<charger_warning::kUnderVoltage | charger_warning::kVoltageLow>>("/Alarms/LowVoltage"),
    row<alarm<charger_warning::kOverVoltage | charger_warning::kVoltageHigh>>("/Alarms/HighVoltage"),
    row<alarm<charger_warning::kShortCircuit>>("/Alarms/ShortCircuit"),
});
static_assert(paths_unique(kInverter));

struct InverterPaths {
    std::string_view in_power, in_voltage, in_current, in_frequency, out_power, out_voltage, out_current,
        out_frequency;
};
constexpr std::array<InverterPaths, kPhases> kInverterPaths{{
    {"/Ac/In/1/L1/P", "/Ac/In/1/L1/V", "/Ac/In/1/L1/I", "/Ac/In/1/L1/F", "/Ac/Out/L1/P", "/Ac/Out/L1/V",
     "/Ac/Out/L1/I", "/Ac/Out/L1/F"},
    {"/Ac/In/1/L2/P", "/Ac/In/1/L2/V", "/Ac/In/1/L2/I", "/Ac/In/1/L2/F", "/Ac/Out/L2/P", "/Ac/Out/L2/V",
     "/Ac/Out/L2/I", "/Ac/Out/L2/F"},
    {"/Ac/In/1/L3/P", "/Ac/In/1/L3/V", "/Ac/In/1/L3/I", "/Ac/In/1/L3/F", "/Ac/Out/L3/P", "/Ac/Out/L3/V",
     "/Ac/Out/L3/I", "/Ac/Out/L3/F"},
}};
template <std::size_t i>
constexpr auto kInputPhase = std::to_array<ViewRow>({
    row<phase<i, &Phase::input_w>>(kInverterPaths[i].in_power, kWatts),
    row<phase<i, &Phase::grid_v>>(kInverterPaths[i].in_voltage, format::ac_volts),
    row<input_current<i>>(kInverterPaths[i].in_current, format::amps_fine),
    row<input_hz<i>>(kInverterPaths[i].in_frequency, format::hertz),
});
template <std::size_t i>
constexpr auto kOutputPhase = std::to_array<ViewRow>({
    row<phase<i, &Phase::output_w>>(kInverterPaths[i].out_power, kWatts),
    row<phase<i, &Phase::output_v>>(kInverterPaths[i].out_voltage, format::ac_volts),
    row<output_current<i>>(kInverterPaths[i].out_current, format::amps_fine),
    row<output_hz<i>>(kInverterPaths[i].out_frequency, format::hertz),
});

// Multi only.

constexpr auto kMulti = std::to_array<ViewRow>({
    row<constant<3>>("/Mode"),
    row<constant<0>>("/ModeIsAdjustable"),
    row<plant<&Plant::inverter_c>>("/Temperature", format::celsius),
    row<plant<&Plant::load_w>>("/GivEnergy/LoadPower", kWatts),
    row<&View::faults>("/GivEnergy/Faults"),
    row<&View::write_count>("/GivEnergy/WriteCount"),
    row<&View::last_write_result>("/GivEnergy/LastWriteResult"),
});
static_assert(paths_unique(kMulti));
constexpr auto kStrings = std::to_array<ViewRow>({
    row<tracker<0, &Tracker::volts>>("/Pv/0/V", format::ac_volts),
    row<tracker<0, &Tracker::watts>>("/Pv/0/P", kWatts),
    row<tracker<1, &Tracker::volts>>("/Pv/1/V", format::ac_volts),
    row<tracker<1, &Tracker::watts>>("/Pv/1/P", kWatts),
    row<constant<2>>("/NrOfTrackers"),
    row<plant<&Plant::string_pv_w>>("/Yield/Power", kWatts),
    row<total<&Energy::pv>>("/Yield/User", format::kilowatt_hours),
    row<[](const View& view) { return view.plant.today.pv; }>("/History/Daily/0/Yield",
                                                              format::kilowatt_hours),
});
static_assert(paths_unique(kStrings));

// Battery: the stack, or one pack of it.

const Pack* pack_of(const View& view) {
    const auto index = static_cast<std::size_t>(view.pack);
    return view.pack >= 0 && index < view.plant.battery.packs.size() ? &view.plant.battery.packs[index]
                                                                     : nullptr;
}

/// A figure of the pack, if the service stands for one, else of the whole.
template <auto of_pack, auto of_battery>
Value either(const View& view) {
    if (view.pack < 0) {
        return view.plant.battery.*of_battery;
    }
    const Pack* pack = pack_of(view);
    return pack == nullptr ? std::nullopt : pack->*of_pack;
}
template <auto of_battery>
Value whole_only(const View& view) {
    return view.pack < 0 ? view.plant.battery.*of_battery : std::nullopt;
}

Value battery_power(const View& view) {
    if (view.pack < 0) {
        return view.plant.battery.watts;
    }
    const Pack* pack = pack_of(view);
    return pack != nullptr && pack->volts && pack->amps ? Value{*pack->volts * *pack->amps} : std::nullopt;
}
Value battery_celsius(const View& view) {
    const Pack* pack = pack_of(view);
    if (pack == nullptr) {
        return view.pack < 0 ? view.plant.battery.celsius : std::nullopt;
    }
    return pack->warmest_c;
}
Value consumed(const View& view) {
    const Value full = either<&Pack::full_ah, &Battery::full_ah>(view);
    const Value left = either<&Pack::remaining_ah, &Battery::remaining_ah>(view);
    return full && left ? Value{std::min(*left - *full, 0.0)} : std::nullopt;
}
/// Seconds until the reserve is reached at the present power.
Value time_to_go(const View& view) {
    const Battery& all = view.plant.battery;
    constexpr double kIdleW = 30, kSecondsPerHour = 3600, kPercent = 100;
    if (view.pack >= 0 || !all.watts || *all.watts > -kIdleW || !all.full_ah || !all.volts
        || !all.soc_percent) {
        return std::nullopt;
    }
    const double usable = std::max(*all.soc_percent - view.reserve_percent.value_or(0), 0.0) / kPercent;
    return usable * *all.full_ah * *all.volts / -*all.watts * kSecondsPerHour;
}

struct Extreme {
    Value value;
    std::string id;
};
/// Lowest or highest cell over the packs the service stands for, called P<pack>C<cell>.
Extreme extreme_cell(const View& view, bool highest) {
    Extreme found;
    const auto& packs = view.plant.battery.packs;
    for (std::size_t p = 0; p < packs.size(); ++p) {
        if (view.pack >= 0 && p != static_cast<std::size_t>(view.pack)) {
            continue;
        }
        for (std::size_t c = 0; c < packs[p].cell_v.size(); ++c) {
            const Value& volts = packs[p].cell_v[c];
            if (volts && (!found.value || (highest ? *volts > *found.value : *volts < *found.value))) {
                found = {volts, fmt::format("P{}C{}", p + 1, c + 1)};
            }
        }
    }
    return found;
}
template <bool highest>
Value cell_voltage(const View& view) {
    return extreme_cell(view, highest).value;
}
template <bool highest>
std::optional<std::string> cell_id(const View& view) {
    const Extreme found = extreme_cell(view, highest);
    return found.value ? std::optional{found.id} : std::nullopt;
}
template <auto of_pack, bool highest>
Value cell_celsius(const View& view) {
    Value found;
    const auto& packs = view.plant.battery.packs;
    for (std::size_t p = 0; p < packs.size(); ++p) {
        const Value& celsius = packs[p].*of_pack;
        if (celsius && (view.pack < 0 || p == static_cast<std::size_t>(view.pack))) {
            found = !found ? celsius : highest ? std::max(*found, *celsius) : std::min(*found, *celsius);
        }
    }
    return found;
}
Number cells_per_battery(const View& view) {
    const auto& packs = view.plant.battery.packs;
    return packs.empty() ? std::nullopt : Number{static_cast<int>(packs.front().cell_v.size())};
}
Number modules_online(const View& view) {
    const Battery& all = view.plant.battery;
    return view.pack < 0 && all.packs_expected > 0 ? Number{all.packs_online} : std::nullopt;
}
Number modules_offline(const View& view) {
    const Battery& all = view.plant.battery;
    return view.pack < 0 && all.packs_expected > 0 ? Number{all.packs_expected - all.packs_online}
                                                   : std::nullopt;
}
/// Alarm (2) or warning (1) by the cells themselves, lithium iron phosphate.
Number cell_low(const View& view) {
    const Value volts = cell_voltage<false>(view);
    return volts ? Number{*volts < 2.6 ? 2 : *volts < 2.8 ? 1 : 0} : std::nullopt;
}
Number cell_high(const View& view) {
    const Value volts = cell_voltage<true>(view);
    return volts ? Number{*volts > 3.75 ? 2 : *volts > 3.7 ? 1 : 0} : std::nullopt;
}

constexpr auto kBatteryRows = std::to_array<ViewRow>({
    row<either<&Pack::volts, &Battery::volts>>("/Dc/0/Voltage", format::dc_volts),
    row<either<&Pack::amps, &Battery::amps>>("/Dc/0/Current", format::amps_fine),
    row<battery_power>("/Dc/0/Power", kWatts),
    row<battery_celsius>("/Dc/0/Temperature", format::celsius),
    row<either<&Pack::soc_percent, &Battery::soc_percent>>("/Soc", format::percent),
    row<whole_only<&Battery::soh_percent>>("/Soh", format::percent),
    row<either<&Pack::remaining_ah, &Battery::remaining_ah>>("/Capacity", format::ampere_hours),
    row<either<&Pack::full_ah, &Battery::full_ah>>("/InstalledCapacity", format::ampere_hours),
    row<consumed>("/ConsumedAmphours", format::ampere_hours),
    row<time_to_go>("/TimeToGo", format::seconds),
    row<either<&Pack::cycles, &Battery::cycles>>("/History/ChargeCycles", Format::fixed(1, "")),
    row<whole_only<&Battery::charged_kwh>>("/History/ChargedEnergy", format::kilowatt_hours),
    row<whole_only<&Battery::discharged_kwh>>("/History/DischargedEnergy", format::kilowatt_hours),
    row<cell_voltage<false>>("/System/MinCellVoltage", format::cell_volts),
    row<cell_id<false>>("/System/MinVoltageCellId"),
    row<cell_voltage<true>>("/System/MaxCellVoltage", format::cell_volts),
    row<cell_id<true>>("/System/MaxVoltageCellId"),
    row<cell_celsius<&Pack::coldest_c, false>>("/System/MinCellTemperature", format::celsius),
    row<cell_celsius<&Pack::warmest_c, true>>("/System/MaxCellTemperature", format::celsius),
    row<cells_per_battery>("/System/NrOfCellsPerBattery"),
    row<modules_online>("/System/NrOfModulesOnline"),
    row<modules_offline>("/System/NrOfModulesOffline"),
    row<&View::charge_allowed>("/Io/AllowToCharge"),
    row<&View::discharge_allowed>("/Io/AllowToDischarge"),
    row<whole_only<&Battery::charge_request_a>>("/Info/ChargeRequestA", format::amps),
    row<whole_only<&Battery::discharge_request_a>>("/Info/DischargeRequestA", format::amps),
    row<alarm<charger_warning::kTooColdToCharge>>("/Alarms/LowChargeTemperature"),
    row<alarm<charger_warning::kTooColdToDischarge>>("/Alarms/LowTemperature"),
    row<alarm<charger_warning::kTooHotToCharge>>("/Alarms/HighChargeTemperature"),
    row<alarm<charger_warning::kTooHotToDischarge | charger_warning::kBatteryTemperature
              | charger_warning::kModuleTemperature>>("/Alarms/HighTemperature"),
    row<alarm<charger_warning::kUnderVoltage>>("/Alarms/LowVoltage"),
    row<alarm<charger_warning::kOverVoltage>>("/Alarms/HighVoltage"),
    row<alarm<charger_warning::kShortCircuit>>("/Alarms/InternalFailure"),
    row<alarm<charger_warning::kDischargeCurrent>>("/Alarms/HighDischargeCurrent"),
    row<alarm<charger_warning::kBmsCommunication>>("/Alarms/BmsCable"),
    row<cell_low>("/Alarms/LowCellVoltage"),
    row<cell_high>("/Alarms/HighCellVoltage"),
    row<constant<0>>("/ErrorCode"),
});
static_assert(paths_unique(kBatteryRows));

// PV inverter.

Value pv_watts(const View& view) {
    return view.pv.watts;
}
Value pv_kwh(const View& view) {
    return view.pv.kwh;
}
Value pv_max_power(const View& view) {
    return view.plant.rated_w ? Value{static_cast<double>(*view.plant.rated_w)} : std::nullopt;
}
/// 0 starting, 7 running, 8 standby, 10 error.
Number pv_status(const View& view) {
    constexpr double kNight = 5;
    if (!view.pv.watts) {
        return std::nullopt;
    }
    return view.plant.status == 3 ? 10 : view.plant.status == 0 ? 0 : *view.pv.watts > kNight ? 7 : 8;
}
template <std::size_t i>
Value pv_phase(const View& view) {
    return view.pv.phase_w[i];
}
template <std::size_t i>
Value pv_current(const View& view) {
    return current(view.pv.phase_w[i], view.plant.phase[i].grid_v);
}
constexpr auto kPvInverter = std::to_array<ViewRow>({
    row<pv_watts>("/Ac/Power", kWatts),
    row<pv_kwh>("/Ac/Energy/Forward", format::kilowatt_hours),
    row<pv_max_power>("/Ac/MaxPower", format::watts),
    row<constant<0>>("/Position"),
    row<pv_status>("/StatusCode"),
    row<error_code>("/ErrorCode"),
});
static_assert(paths_unique(kPvInverter));
template <std::size_t i>
constexpr auto kPvPhase = std::to_array<ViewRow>({
    row<pv_phase<i>>(kMeterPaths[i].power, kWatts),
    row<phase<i, &Phase::grid_v>>(kMeterPaths[i].voltage, format::ac_volts),
    row<pv_current<i>>(kMeterPaths[i].current, format::amps_fine),
});
constexpr auto kPvPhaseEnergy = std::to_array<ViewRow>({row<pv_kwh>(kPhaseForward, format::kilowatt_hours)});

void add_inverter_tables(std::vector<ViewTable>& tables, const Topology& topology, bool three) {
    tables.emplace_back(kInverter);
    tables.emplace_back(kInputPhase<0>);
    if (three) {
        tables.emplace_back(kInputPhase<1>);
        tables.emplace_back(kInputPhase<2>);
    }
    const LiveBank bank = live_bank(topology.model);
    if (bank == LiveBank::gateway || bank == LiveBank::ems) {
        return;  // no backup output of their own
    }
    tables.emplace_back(kOutputPhase<0>);
    if (three) {
        tables.emplace_back(kOutputPhase<1>);
        tables.emplace_back(kOutputPhase<2>);
    }
}

}  // namespace

std::vector<ViewTable> tables_of(ServiceKind service, const Topology& topology) {
    const bool three = live_bank(topology.model) == LiveBank::three_phase;
    std::vector<ViewTable> tables;
    switch (service) {
        case ServiceKind::grid:
            tables = {kGrid, kGridPhase<0>};
            if (three) {
                tables.emplace_back(kGridPhase<1>);
                tables.emplace_back(kGridPhase<2>);
            } else {
                tables.emplace_back(kGridPhaseEnergy);
            }
            break;
        case ServiceKind::multi:
            add_inverter_tables(tables, topology, three);
            tables.emplace_back(kMulti);
            if (capabilities(topology.model, topology.arm_firmware).pv_strings) {
                tables.emplace_back(kStrings);
            }
            break;
        case ServiceKind::acsystem:
            add_inverter_tables(tables, topology, three);
            break;
        case ServiceKind::battery:
            tables = {kBatteryRows};
            break;
        case ServiceKind::pvinverter:
            tables = {kPvInverter, kPvPhase<0>};
            if (three) {
                tables.emplace_back(kPvPhase<1>);
                tables.emplace_back(kPvPhase<2>);
            } else {
                tables.emplace_back(kPvPhaseEnergy);
            }
            break;
    }
    return tables;
}

std::string cell_path(std::size_t number) {
    return fmt::format("/Voltages/Cell{}", number);
}

std::string_view to_string(ServiceKind kind) {
    static constexpr std::array<std::string_view, 5> kNames{"grid", "multi", "acsystem", "battery",
                                                            "pvinverter"};
    return kNames[static_cast<std::size_t>(kind)];
}

std::optional<int> inverter_state(const View& view) {
    constexpr int kOff = 0, kLowPower = 1, kFault = 2, kBulk = 3, kAbsorption = 4, kPassThrough = 8,
                  kInverting = 9, kAssisting = 10, kExternal = 252;
    constexpr double kImportingW = 30;
    const Plant& plant = view.plant;
    if (!plant.status) {
        return std::nullopt;
    }
    if (view.inverter_on == 0) {
        return kOff;
    }
    if (plant.status == 3) {
        return kFault;
    }
    if (view.forced) {
        return kExternal;
    }
    switch (plant.charging) {
        case Charging::charging:
            return kBulk;
        case Charging::finishing:
            return kAbsorption;
        case Charging::discharging:
            return plant.on_grid.value_or(true) && plant.grid_w.value_or(0) > kImportingW ? kAssisting
                                                                                          : kInverting;
        case Charging::idle:
            break;
    }
    if (!plant.on_grid.value_or(true)) {
        return kInverting;
    }
    return plant.status == 0 ? kLowPower : kPassThrough;
}

ServiceItems::ServiceItems(velib::ItemTree& tree, ServiceKind kind, const Topology& topology)
    : tree_(tree), kind_(kind) {
    for (const ViewTable& table : tables_of(kind, topology)) {
        publications_.emplace_back(tree, table);
    }
}

void ServiceItems::publish(velib::Update& update, const View& view) {
    for (auto& publication : publications_) {
        publication.publish(update, view);
    }
    if (kind_ != ServiceKind::battery) {
        return;
    }
    std::size_t number = 0;
    const auto& packs = view.plant.battery.packs;
    for (std::size_t p = 0; p < packs.size(); ++p) {
        if (view.pack >= 0 && p != static_cast<std::size_t>(view.pack)) {
            continue;
        }
        for (const Value& volts : packs[p].cell_v) {
            if (++number > cells_.size()) {
                cells_.push_back(&tree_.add(cell_path(number), {velib::Type::real, format::cell_volts}));
            }
            update.set(*cells_[number - 1], volts);
        }
    }
    for (; number < cells_.size(); ++number) {
        update.invalidate(*cells_[number]);
    }
}

void ServiceItems::invalidate(velib::Update& update) {
    for (auto& publication : publications_) {
        publication.invalidate(update);
    }
    for (velib::Item* cell : cells_) {
        update.invalidate(*cell);
    }
}

}  // namespace givenergy
