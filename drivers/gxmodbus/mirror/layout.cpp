#include "gxmodbus/mirror/layout.hpp"

#include "gxmodbus/mirror/mirror.hpp"

#include <algorithm>
#include <array>

namespace gxmodbus {
namespace {

using T = ServiceType;

struct Core {
    T type;
    std::string_view path;  // a prefix when it ends in '*'
};

// Paths every device of a type has, whatever they read.
constexpr auto kCore = std::to_array<Core>({
    {T::vebus, "/Ac/ActiveIn/L1/*"},
    {T::vebus, "/Ac/Out/L1/V"},
    {T::vebus, "/Ac/Out/L1/I"},
    {T::vebus, "/Ac/Out/L1/P"},
    {T::vebus, "/Ac/Out/L1/F"},
    {T::vebus, "/Dc/0/Voltage"},
    {T::vebus, "/Dc/0/Current"},
    {T::vebus, "/State"},
    {T::vebus, "/Mode"},
    {T::vebus, "/VebusError"},
    {T::vebus, "/Soc"},
    {T::vebus, "/Ac/NumberOfPhases"},
    {T::vebus, "/Ac/ActiveIn/ActiveInput"},
    {T::vebus, "/Ac/ActiveIn/CurrentLimit"},
    {T::battery, "/Dc/0/Voltage"},
    {T::battery, "/Dc/0/Current"},
    {T::battery, "/Dc/0/Power"},
    {T::battery, "/Soc"},
    {T::solarcharger, "/Dc/0/Voltage"},
    {T::solarcharger, "/Dc/0/Current"},
    {T::solarcharger, "/Pv/V"},
    {T::solarcharger, "/Yield/Power"},
    {T::solarcharger, "/Yield/User"},
    {T::solarcharger, "/State"},
    {T::solarcharger, "/Mode"},
    {T::solarcharger, "/ErrorCode"},
    {T::solarcharger, "/MppOperationMode"},
    {T::solarcharger, "/History/Daily/0/Yield"},
    {T::solarcharger, "/History/Daily/0/MaxPower"},
    {T::solarcharger, "/History/Daily/1/Yield"},
    {T::solarcharger, "/History/Daily/1/MaxPower"},
    {T::pvinverter, "/Position"},
    {T::pvinverter, "/Ac/L1/*"},
    {T::grid, "/Ac/L1/Power"},
    {T::grid, "/Ac/L1/Voltage"},
    {T::grid, "/Ac/L1/Current"},
    {T::grid, "/Ac/L1/Energy/*"},
    {T::genset, "/Ac/L1/Power"},
    {T::genset, "/Ac/L1/Voltage"},
    {T::genset, "/Ac/L1/Current"},
    {T::genset, "/StatusCode"},
    {T::genset, "/ErrorCode"},
    {T::genset, "/RemoteStartModeEnabled"},
    {T::genset, "/Start"},
    {T::dcgenset, "/Dc/0/Voltage"},
    {T::dcgenset, "/Dc/0/Current"},
    {T::dcgenset, "/StatusCode"},
    {T::dcgenset, "/ErrorCode"},
    {T::dcgenset, "/RemoteStartModeEnabled"},
    {T::dcgenset, "/Start"},
    {T::acload, "/Ac/L1/Power"},
    {T::acload, "/Ac/L1/Voltage"},
    {T::acload, "/Ac/L1/Current"},
    {T::acload, "/Ac/L1/Energy/*"},
    {T::multi, "/Ac/Out/L1/*"},
    {T::multi, "/Dc/0/Voltage"},
    {T::multi, "/Dc/0/Current"},
    {T::multi, "/Soc"},
    {T::multi, "/State"},
    {T::multi, "/Mode"},
    {T::multi, "/Ac/NumberOfPhases"},
    {T::multi, "/Ac/ActiveIn/ActiveInput"},
    {T::multi, "/ErrorCode"},
    {T::inverter, "/Ac/Out/L1/*"},
    {T::inverter, "/Dc/0/Voltage"},
    {T::inverter, "/State"},
    {T::inverter, "/Mode"},
    {T::acsystem, "/Ac/In/1/L1/*"},
    {T::acsystem, "/Ac/Out/L1/*"},
    {T::acsystem, "/State"},
    {T::acsystem, "/Settings/Ess/Mode"},
    {T::charger, "/Dc/0/Voltage"},
    {T::charger, "/Dc/0/Current"},
    {T::charger, "/State"},
    {T::charger, "/Mode"},
    {T::charger, "/ErrorCode"},
    {T::alternator, "/Dc/0/Voltage"},
    {T::alternator, "/Dc/0/Current"},
    {T::dcsystem, "/Dc/0/Voltage"},
    {T::dcsystem, "/Dc/0/Current"},
    {T::dcsource, "/Dc/0/Voltage"},
    {T::dcsource, "/Dc/0/Current"},
    {T::dcload, "/Dc/0/Voltage"},
    {T::dcload, "/Dc/0/Current"},
    {T::fuelcell, "/Dc/0/Voltage"},
    {T::fuelcell, "/Dc/0/Current"},
    {T::dcdc, "/Dc/0/Voltage"},
    {T::dcdc, "/Dc/0/Current"},
    {T::dcdc, "/State"},
    {T::dcdc, "/Mode"},
    {T::dcdc, "/ErrorCode"},
    {T::motordrive, "/Dc/0/Voltage"},
    {T::motordrive, "/Dc/0/Current"},
    {T::motordrive, "/Motor/RPM"},
    {T::tank, "/Level"},
    {T::tank, "/Remaining"},
    {T::tank, "/Capacity"},
    {T::tank, "/FluidType"},
    {T::tank, "/Status"},
    {T::temperature, "/Temperature"},
    {T::temperature, "/TemperatureType"},
    {T::temperature, "/Status"},
    {T::evcharger, "/Status"},
    {T::evcharger, "/Mode"},
    {T::evcharger, "/StartStop"},
    {T::evcharger, "/SetCurrent"},
    {T::evcharger, "/Ac/Power"},
    {T::evcharger, "/Current"},
    {T::evcharger, "/MaxCurrent"},
    {T::meteo, "/Irradiance"},
    {T::gps, "/*"},
    {T::digitalinput, "/Count"},
    {T::digitalinput, "/State"},
    {T::digitalinput, "/Alarm"},
    {T::digitalinput, "/Type"},
    {T::pulsemeter, "/*"},
    {T::pump, "/State"},
    {T::heatpump, "/State"},
    {T::heatpump, "/Ac/Power"},
    {T::generator, "/State"},
    {T::generator, "/ManualStart"},
    {T::generator, "/AutoStartEnabled"},
    {T::generator, "/RunningByConditionCode"},
    {T::generator, "/Runtime"},
    {T::generator, "/Error"},
    {T::system, "/Dc/Battery/Voltage"},
    {T::system, "/Dc/Battery/Current"},
    {T::system, "/Dc/Battery/Power"},
    {T::system, "/Dc/Battery/Soc"},
    {T::system, "/Dc/Battery/State"},
    {T::system, "/FirmwareVersion"},
    {T::system, "/Serial"},
});

// Paths that identify a device; the bridge has them in any case.
constexpr auto kIdentity =
    std::to_array<std::string_view>({"/CustomName", "/ProductId", "/FirmwareVersion", "/Serial"});

std::optional<Value> number_value(std::optional<double> number) {
    return number ? std::optional{Value{*number}} : std::nullopt;
}

std::optional<Value> dc_power(const Mirror& m) {
    const auto volts = m.number("/Dc/0/Voltage");
    const auto amps = m.number("/Dc/0/Current");
    return volts && amps ? std::optional{Value{*volts * *amps}} : std::nullopt;
}
std::optional<Value> meter_power(const Mirror& m) {
    return number_value(m.sum_of_phases("/Ac/L", "/Power"));
}
std::optional<Value> meter_energy(const Mirror& m) {
    return number_value(m.sum_of_phases("/Ac/L", "/Energy/Forward"));
}
std::optional<Value> number_of_phases(const Mirror& m) {
    return Value{static_cast<double>(m.phases())};
}
template <ServiceType type>
std::optional<Value> role(const Mirror&) {
    return Value{std::string(name_of(type))};
}
template <int number>
std::optional<Value> constant(const Mirror&) {
    return Value{static_cast<double>(number)};
}

std::optional<Value> vebus_connected(const Mirror& m) {
    constexpr double kDisconnected = 240;
    const auto input = m.number("/Ac/ActiveIn/ActiveInput");
    return input ? std::optional{Value{*input == kDisconnected ? 0.0 : 1.0}} : std::nullopt;
}
// A second input shows by the energy it ever carried or by being ignored.
std::optional<Value> vebus_inputs(const Mirror& m) {
    const auto input = m.number("/Ac/ActiveIn/ActiveInput");
    if (!input) {
        return std::nullopt;
    }
    const bool second = *input == 1 || m.ever_non_zero({70, 78, 80, 84, 88});
    return Value{second ? 2.0 : 1.0};
}
std::optional<Value> running_or_standby(const Mirror& m) {
    constexpr double kRunning = 7, kStandby = 8;
    const auto power = m.number("/Ac/Power");
    return power ? std::optional{Value{*power > 0 ? kRunning : kStandby}} : std::nullopt;
}

struct DerivedItem {
    T type;
    std::string_view path;
    Kind kind;
    int digits;
    std::string_view unit;
    std::optional<Value> (*derive)(const Mirror&);
};
// What other programs need and no register tells. Paths that would make the local system control the mirror
// (assistants, limits, links) are missing on purpose.
constexpr auto kDerived = std::to_array<DerivedItem>({
    {T::vebus, "/Dc/0/Power", Kind::real, 0, "W", dc_power},
    {T::vebus, "/Ac/ActiveIn/P", Kind::real, 0, "W",
     [](const Mirror& m) { return number_value(m.sum_of_phases("/Ac/ActiveIn/L", "/P")); }},
    {T::vebus, "/Ac/Out/P", Kind::real, 0, "W",
     [](const Mirror& m) { return number_value(m.sum_of_phases("/Ac/Out/L", "/P")); }},
    {T::vebus, "/Ac/ActiveIn/Connected", Kind::integer, 0, "", vebus_connected},
    {T::vebus, "/Ac/NumberOfAcInputs", Kind::integer, 0, "", vebus_inputs},
    {T::solarcharger, "/NrOfTrackers", Kind::integer, 0, "",
     [](const Mirror& m) -> std::optional<Value> { return Value{static_cast<double>(m.trackers())}; }},
    {T::solarcharger, "/History/Overall/DaysAvailable", Kind::integer, 0, "", constant<2>},
    {T::solarcharger, "/Yield/System", Kind::real, 1, "kWh",
     [](const Mirror& m) { return number_value(m.number("/Yield/User")); }},
    {T::pvinverter, "/Ac/Power", Kind::real, 0, "W", meter_power},
    {T::pvinverter, "/Ac/Energy/Forward", Kind::real, 2, "kWh", meter_energy},
    {T::pvinverter, "/StatusCode", Kind::integer, 0, "", running_or_standby},
    {T::pvinverter, "/NrOfPhases", Kind::integer, 0, "", number_of_phases},
    {T::grid, "/Ac/Power", Kind::real, 0, "W", meter_power},
    {T::grid, "/DeviceType", Kind::integer, 0, "", constant<0>},
    {T::grid, "/NrOfPhases", Kind::integer, 0, "", number_of_phases},
    {T::grid, "/Role", Kind::text, 0, "", role<T::grid>},
    {T::genset, "/Ac/Power", Kind::real, 0, "W", meter_power},
    {T::genset, "/NrOfPhases", Kind::integer, 0, "", number_of_phases},
    {T::genset, "/Role", Kind::text, 0, "", role<T::genset>},
    {T::acload, "/Ac/Power", Kind::real, 0, "W", meter_power},
    {T::acload, "/Ac/Energy/Forward", Kind::real, 2, "kWh", meter_energy},
    {T::acload, "/DeviceType", Kind::integer, 0, "", constant<0>},
    {T::acload, "/NrOfPhases", Kind::integer, 0, "", number_of_phases},
    {T::acload, "/Role", Kind::text, 0, "", role<T::acload>},
    {T::dcgenset, "/Dc/0/Power", Kind::real, 0, "W", dc_power},
    {T::multi, "/Dc/0/Power", Kind::real, 0, "W", dc_power},
    {T::inverter, "/Dc/0/Power", Kind::real, 0, "W", dc_power},
    {T::alternator, "/Dc/0/Power", Kind::real, 0, "W", dc_power},
    {T::dcsystem, "/Dc/0/Power", Kind::real, 0, "W", dc_power},
    {T::dcsource, "/Dc/0/Power", Kind::real, 0, "W", dc_power},
    {T::dcload, "/Dc/0/Power", Kind::real, 0, "W", dc_power},
    {T::fuelcell, "/Dc/0/Power", Kind::real, 0, "W", dc_power},
    {T::charger, "/Dc/0/Power", Kind::real, 0, "W", dc_power},
    {T::evcharger, "/NrOfPhases", Kind::integer, 0, "", number_of_phases},
});

// In the order of ServiceType.
constexpr std::array<std::string_view, kServiceTypes> kTitles{
    "Inverter/charger", "Battery",    "Solar charger", "System",      "PV inverter",   "Motor drive",
    "AC charger",       "Grid meter", "Settings",      "ESS control", "GPS",           "Tank",
    "Inverter",         "Genset",     "Temperature",   "Pulse meter", "Digital input", "Generator start/stop",
    "Weather station",  "EV charger", "AC load",       "Fuel cell",   "Alternator",    "DC source",
    "DC load",          "DC system",  "Multi RS",      "Pump",        "DC-DC charger", "AC system",
    "DC genset",        "Heat pump",  "Platform"};

bool is_core(T type, std::string_view path) {
    return std::any_of(kCore.begin(), kCore.end(), [&](const Core& core) {
        if (core.type != type) {
            return false;
        }
        return core.path.ends_with('*') ? path.starts_with(core.path.substr(0, core.path.size() - 1))
                                        : path == core.path;
    });
}

bool is_alarm(std::string_view path) {
    return path.starts_with("/Alarms/");
}

bool is_identity(std::string_view path) {
    return std::find(kIdentity.begin(), kIdentity.end(), path) != kIdentity.end();
}

// The number after an element such as "/L" or "/Pv/" in a path.
std::optional<std::uint8_t> number_after(std::string_view path, std::string_view element, char lowest,
                                         char highest) {
    const auto at = path.find(element);
    const auto digit = at + element.size();
    if (at == std::string_view::npos || digit >= path.size() || path[digit] < lowest || path[digit] > highest
        || (digit + 1 < path.size() && path[digit + 1] != '/')) {
        return std::nullopt;
    }
    return static_cast<std::uint8_t>(path[digit] - '0');
}

Kind kind_of(const Register& row) {
    constexpr int kHundreds = 100;
    if (row.encoding == Encoding::text) {
        return Kind::text;
    }
    const bool fractions = row.scale != 1 && row.scale != -1;
    return fractions || row.step == kHundreds || row.dbus_type == 'd' ? Kind::real : Kind::integer;
}

void set_appearance(ItemPlan& plan, const Register& row) {
    if (is_core(row.type, row.path) || is_alarm(row.path) || is_identity(row.path)) {
        plan.appears = Appears::always;
    } else if (const auto phase = number_after(row.path, "/L", '2', '3');
               phase && row.path.starts_with("/Ac/") && !row.writable) {
        plan.appears = Appears::with_phase;
        plan.group = *phase;
    } else if (const auto tracker = number_after(row.path, "/Pv/", '0', '3')) {
        plan.appears = Appears::with_tracker;
        plan.group = *tracker;
    }
}

ItemPlan plan_of(const Register& row) {
    ItemPlan plan{row.path, kind_of(row), digits_of(row), display_unit(row)};
    plan.row = &row;
    set_appearance(plan, row);
    plan.measured = row.numeric() && !row.writable && row.choices.empty() && !is_alarm(row.path)
                    && !is_identity(row.path) && !row.path.ends_with("Error")
                    && !row.path.ends_with("ErrorCode");
    plan.counter = row.unit == "kWh" || row.unit == "Ah" || row.path.starts_with("/History/");
    plan.is_temperature = row.unit == "degC";
    plan.is_soc = row.path == "/Soc";
    return plan;
}

void add_derived(std::vector<ItemPlan>& plans, T type) {
    for (const DerivedItem& derived : kDerived) {
        if (derived.type != type) {
            continue;
        }
        const auto present = std::find_if(plans.begin(), plans.end(),
                                          [&](const ItemPlan& plan) { return plan.path == derived.path; });
        if (present != plans.end()) {
            present->derive = derived.derive;
            continue;
        }
        ItemPlan plan{derived.path, derived.kind, derived.digits, derived.unit};
        plan.derive = derived.derive;
        plans.push_back(plan);
    }
}

}  // namespace

std::vector<ItemPlan> layout_of(ServiceType type, Mode mode, bool alarms) {
    std::vector<ItemPlan> plans;
    for (const Register& row : all_registers()) {
        if (row.type != type || !row.has_value() || row.alternate_of != 0) {
            continue;
        }
        plans.push_back(plan_of(row));
        for (const Register& other : all_registers()) {
            if (other.alternate_of == row.address) {
                plans.back().alternates.push_back(&other);
                plans.back().digits = std::max(plans.back().digits, digits_of(other));
            }
        }
    }
    add_derived(plans, type);
    std::erase_if(plans, [&](const ItemPlan& plan) {
        return (mode == Mode::display && left_out_in_display(type, plan.path))
               || (!alarms && is_alarm(plan.path));
    });
    std::sort(plans.begin(), plans.end(),
              [](const ItemPlan& a, const ItemPlan& b) { return a.path < b.path; });
    return plans;
}

std::string_view title_of(ServiceType type) {
    return kTitles[static_cast<std::size_t>(type)];
}

}  // namespace gxmodbus
