#include "tsmppt/publication.hpp"

#include <cmath>

#include <fmt/format.h>

namespace tristar {

namespace {

using velib::row;
using velib::WriteReply;
namespace format = velib::format;

constexpr auto kWattHours = velib::Format::fixed(0, "Wh");
constexpr auto kHours = velib::Format::fixed(0, "h");
constexpr auto kDegrees = velib::Format::fixed(0, "C");
constexpr auto kRail = velib::Format::fixed(2, "V");
constexpr auto kVoltsPerDegree = velib::Format::fixed(4, "V/C");

constexpr std::array<std::string_view, 10> kStateLabels{"start",    "night check", "disconnect", "night",
                                                        "fault",    "MPPT",        "absorption", "float",
                                                        "equalize", "slave"};

/// The names of the bits that are set, separated by commas.
std::string names_of(std::optional<std::uint32_t> word, std::string_view (*name_of)(unsigned)) {
    std::string names;
    for (unsigned bit = 0; word && bit < 32; ++bit) {
        if ((*word >> bit & 1) != 0) {
            names.append(names.empty() ? "" : ", ").append(name_of(bit));
        }
    }
    return names;
}

/// Whole minutes, as solar chargers count.
std::optional<double> minutes(std::optional<double> seconds) {
    return seconds ? std::optional{std::floor(*seconds / 60)} : std::nullopt;
}

// What consumers of a solar charger read.
using V = VenusValues;
constexpr auto kValueRows = std::to_array<velib::Row<VenusValues>>({
    row<&V::dc_volts>("/Dc/0/Voltage", format::dc_volts),
    row<&V::dc_amps>("/Dc/0/Current", format::amps_fine),
    row<&V::dc_celsius>("/Dc/0/Temperature", kDegrees),
    row<&V::pv_volts>("/Pv/V", format::dc_volts),
    row<&V::pv_amps>("/Pv/I", format::amps_fine),
    row<&V::pv_watts>("/Yield/Power", format::watts),
    row<&V::state>("/State"),
    row<&V::mpp_mode>("/MppOperationMode"),
    row<&V::error_code>("/ErrorCode"),
    row<&V::high_temperature_alarm>("/Alarms/HighTemperature"),
    row<&V::short_circuit_alarm>("/Alarms/ShortCircuit"),
});

// What only this controller has.
using C = Charger;
constexpr auto kChargerRows = std::to_array<velib::Row<Charger>>({
    row<&C::charge_state>("/Custom/TriStarChargeState", velib::Format::enumeration(kStateLabels)),
    row<&C::target_volts>("/Custom/Battery/TargetVoltage", format::dc_volts),
    row<&C::battery_terminal_volts>("/Custom/Battery/TerminalVoltage", format::dc_volts),
    row<&C::battery_sense_volts>("/Custom/Battery/SenseVoltage", format::dc_volts),
    row<&C::battery_volts_1min>("/Custom/Battery/VoltageSlow", format::dc_volts),
    row<&C::battery_amps_1min>("/Custom/Battery/CurrentSlow", format::amps_fine),
    row<&C::battery_min_volts>("/Custom/Battery/MinVoltage", format::dc_volts),
    row<&C::battery_max_volts>("/Custom/Battery/MaxVoltage", format::dc_volts),
    row<&C::heatsink_celsius>("/Custom/Temperature/HeatSink", kDegrees),
    row<&C::battery_celsius>("/Custom/Temperature/Regulation", kDegrees),
    row<&C::array_amps>("/Custom/Array/Current", format::amps_fine),
    row<&C::input_watts>("/Custom/Array/Power", format::watts),
    row<&C::sweep_max_watts>("/Custom/Sweep/Pmax", format::watts),
    row<&C::sweep_mpp_volts>("/Custom/Sweep/Vmp", format::dc_volts),
    row<&C::sweep_open_volts>("/Custom/Sweep/Voc", format::dc_volts),
    row<&C::faults>("/Custom/Faults"),
    row<[](const Charger& c) { return names_of(c.faults, name_of_fault); }>("/Custom/FaultNames"),
    row<&C::alarms>("/Custom/Alarms"),
    row<[](const Charger& c) { return names_of(c.alarms, name_of_alarm); }>("/Custom/AlarmNames"),
    row<&C::dip_switches>("/Custom/DipSwitches"),
    row<[](const Charger& c) {
        return c.dip_switches ? std::optional{has(*c.dip_switches, DipBit::remote_writes)} : std::nullopt;
    }>("/Custom/WritesAllowed"),
    row<&C::led_state>("/Custom/Led"),
    row<&C::operating_hours>("/Custom/Counters/Hours", kHours),
    row<&C::resettable_ah>("/Custom/Counters/AhResettable", format::ampere_hours),
    row<&C::total_ah>("/Custom/Counters/AhTotal", format::ampere_hours),
    row<&C::resettable_kwh>("/Custom/Counters/KwhResettable"),
    row<&C::total_kwh>("/Custom/Counters/KwhTotal"),
    row<&C::wh_today>("/Custom/Daily/ChargeWh", kWattHours),
    row<&C::ah_today>("/Custom/Daily/ChargeAh", format::ampere_hours),
    row<&C::equalize_seconds_today>("/Custom/Daily/TimeInEqualize", format::seconds),
    row<&C::supply_12v_volts>("/Custom/InternalSupply/Rail12V", kRail),
    row<&C::supply_3v_volts>("/Custom/InternalSupply/Rail3V", kRail),
    row<&C::meterbus_volts>("/Custom/InternalSupply/MeterBusV", kRail),
    row<&C::supply_1v8_volts>("/Custom/InternalSupply/Rail1V8", kRail),
    row<&C::reference_volts>("/Custom/InternalSupply/Vref", kRail),
});

constexpr std::int32_t kModeOn = 1;
constexpr std::int32_t kModeOff = 4;
constexpr auto kCoilRows = std::to_array<velib::Row<Coils>>({
    row<[](const Coils& c) { return c.disconnect ? kModeOff : kModeOn; }>("/Mode"),
    row<&Coils::equalize>("/Equalization/Pending"),
    row<&Coils::equalize>("/Control/EqualizeTriggered"),
    row<&Coils::disconnect>("/Control/ChargerDisconnect"),
});

constexpr auto kLifetimeRows = std::to_array<velib::Row<Lifetime>>({
    row<&Lifetime::user_kwh>("/Yield/User", format::kilowatt_hours),
    row<&Lifetime::total_kwh>("/Yield/System", format::kilowatt_hours),
    row<&Lifetime::max_pv_volts>("/History/Overall/MaxPvVoltage", format::dc_volts),
    row<&Lifetime::max_battery_volts>("/History/Overall/MaxBatteryVoltage", format::dc_volts),
    row<&Lifetime::min_battery_volts>("/History/Overall/MinBatteryVoltage", format::dc_volts),
    row<[](const Lifetime& l) { return l.errors[0]; }>("/History/Overall/LastError1"),
    row<[](const Lifetime& l) { return l.errors[1]; }>("/History/Overall/LastError2"),
    row<[](const Lifetime& l) { return l.errors[2]; }>("/History/Overall/LastError3"),
    row<[](const Lifetime& l) { return l.errors[3]; }>("/History/Overall/LastError4"),
});

// Below /History/Daily/n.
constexpr auto kDayRows = std::to_array<velib::Row<Day>>({
    row<[](const Day& d) { return d.yield_wh / 1000; }>("/Yield", format::watt_hours_as_kwh),
    row<&Day::max_watts>("/MaxPower", format::watts),
    row<&Day::max_pv_volts>("/MaxPvVoltage", format::dc_volts),
    row<&Day::max_battery_volts>("/MaxBatteryVoltage", format::dc_volts),
    row<&Day::min_battery_volts>("/MinBatteryVoltage", format::dc_volts),
    row<&Day::max_battery_amps>("/MaxBatteryCurrent", format::amps_fine),
    row<[](const Day& d) { return minutes(d.bulk_seconds); }>("/TimeInBulk", format::minutes),
    row<[](const Day& d) { return minutes(d.absorption_seconds); }>("/TimeInAbsorption", format::minutes),
    row<[](const Day& d) { return minutes(d.float_seconds); }>("/TimeInFloat", format::minutes),
    row<[](const Day& d) { return d.errors[0]; }>("/LastError1"),
    row<[](const Day& d) { return d.errors[1]; }>("/LastError2"),
    row<[](const Day& d) { return d.errors[2]; }>("/LastError3"),
    row<[](const Day& d) { return d.errors[3]; }>("/LastError4"),
});

using P = SystemSetPoints;
constexpr auto kPointRows = std::to_array<velib::Row<SystemSetPoints>>({
    row<&P::system_volts>("/Custom/SystemVoltage", velib::Format::fixed(0, "V")),
    row<[](const P& p) { return p.points.absorption_volts; }>("/Custom/EEPROM/AbsorptionVoltage",
                                                              format::dc_volts),
    row<[](const P& p) { return p.points.float_volts; }>("/Custom/EEPROM/FloatVoltage", format::dc_volts),
    row<[](const P& p) { return p.points.absorption_seconds; }>("/Custom/EEPROM/AbsorptionTime",
                                                                format::seconds),
    row<[](const P& p) { return p.points.float_cancel_volts; }>("/Custom/EEPROM/FloatCancelVoltage",
                                                                format::dc_volts),
    row<[](const P& p) { return p.points.equalize_volts; }>("/Custom/EEPROM/EqualizeVoltage",
                                                            format::dc_volts),
    row<[](const P& p) { return p.points.temperature_compensation; }>("/Custom/EEPROM/TempCompensation",
                                                                      kVoltsPerDegree),
    row<[](const P& p) { return p.points.disconnect_volts; }>("/Custom/EEPROM/HighVoltageDisconnect",
                                                              format::dc_volts),
    row<[](const P& p) { return p.points.limit_volts; }>("/Custom/EEPROM/MaxRegulationLimit",
                                                         format::dc_volts),
});

constexpr std::string_view kVoltageOverride = "/Control/VoltageOverride";
constexpr std::string_view kCurrentOverride = "/Control/CurrentOverride";

using O = OverrideStatus;
constexpr auto kOverrideRows = std::to_array<velib::Row<OverrideStatus>>({
    row<[](const O& o) { return (o.volts > 0); }>("/Custom/VoltageOverride/Active"),
    row<&O::volts>("/Custom/VoltageOverride/CurrentVoltage", format::dc_volts),
    row<&O::register_volts>("/Custom/VoltageOverride/RegisterReadback", format::dc_volts),
    row<&O::at_target_seconds>("/Custom/VoltageOverride/TimeAtTargetVoltage", format::seconds),
    row<&O::tail_seconds>("/Custom/VoltageOverride/TailCurrentTimer", format::seconds),
    row<&O::stop_reason>("/Custom/VoltageOverride/StopReason"),
    row<&O::excess_watts>("/Custom/VoltageOverride/ExcessPower", format::watts),
    row<[](const O& o) { return (o.amps > 0); }>("/Custom/CurrentOverride/Active"),
    row<&O::amps>("/Custom/CurrentOverride/CurrentValue", format::amps),
    row<&O::register_amps>("/Custom/CurrentOverride/RegisterReadback", format::amps),
});

constexpr auto kProfileRows = std::to_array<velib::Row<ProfileStatus>>({
    row<&ProfileStatus::phase>("/Custom/ChargeProfile/ApplyStatus"),
    row<&ProfileStatus::progress_percent>("/Custom/ChargeProfile/ProgressPercent",
                                          velib::Format::fixed(0, "%")),
    row<&ProfileStatus::last_applied>("/Custom/ChargeProfile/LastApplied"),
    row<&ProfileStatus::last_error>("/Custom/ChargeProfile/LastError"),
});

using R = ReadStatistics;
constexpr auto kStatisticsRows = std::to_array<velib::Row<ReadStatistics>>({
    row<&R::successful>("/Custom/Stats/SuccessfulReads"),
    row<&R::failed>("/Custom/Stats/FailedReads"),
    row<&R::consecutive_failures>("/Custom/Stats/ConsecutiveFailures"),
    row<&R::last_success>("/Custom/Stats/LastSuccessTime"),
    row<&R::backoff_factor>("/Custom/Stats/BackoffFactor"),
    row<&R::last_error>("/Custom/Stats/LastError"),
});

static_assert(velib::paths_unique(kValueRows) && velib::paths_unique(kChargerRows)
              && velib::paths_unique(kCoilRows) && velib::paths_unique(kLifetimeRows)
              && velib::paths_unique(kDayRows) && velib::paths_unique(kPointRows)
              && velib::paths_unique(kOverrideRows) && velib::paths_unique(kProfileRows)
              && velib::paths_unique(kStatisticsRows));

/// Items that trigger a coil when 1 is written, and go back to 0 by themselves.
struct TriggerRow {
    std::string_view path;
    Coil coil;
};
constexpr auto kTriggers = std::to_array<TriggerRow>({
    {"/Control/ResetController", Coil::reset_control},
    {"/Control/ResetCommServer", Coil::reset_network},
    {"/Control/ClearFaults", Coil::clear_faults},
    {"/Control/ClearAlarms", Coil::clear_alarms},
    {"/Control/ClearAhResettable", Coil::clear_resettable_ah},
    {"/Control/ClearKwhResettable", Coil::clear_resettable_kwh},
});

/// On and off, as an integer item.
struct SwitchRow {
    std::string_view path;
    Coil coil;
    std::int32_t on, off;
};
constexpr auto kSwitches = std::to_array<SwitchRow>({
    {"/Mode", Coil::disconnect, kModeOff, kModeOn},
    {"/Control/EqualizeTriggered", Coil::equalize, 1, 0},
    {"/Control/ChargerDisconnect", Coil::disconnect, 1, 0},
});

WriteReply reply(bool accepted) {
    return accepted ? WriteReply::pending : WriteReply::refuse;
}

}  // namespace

Panel::Panel(velib::ItemTree& tree, Operator& commands, std::optional<double> rated_amps)
    : tree_(tree),
      operator_(commands),
      values_(tree, kValueRows),
      charger_(tree, kChargerRows),
      coils_(tree, kCoilRows),
      lifetime_(tree, kLifetimeRows),
      points_(tree, kPointRows),
      override_(tree, kOverrideRows),
      profile_(tree, kProfileRows),
      statistics_(tree, kStatisticsRows) {
    tree.add("/NrOfTrackers", {velib::Type::integer}, 1);
    days_available_ = &tree.add("/History/Overall/DaysAvailable", {velib::Type::integer});
    add_controls();
    if (rated_amps) {
        add_link(*rated_amps);
    }
}

void Panel::add_controls() {
    for (const auto& row : kSwitches) {
        auto& item = *tree_.find(row.path);
        item.set_write_handler([this, row](const velib::Value& value) {
            const auto wanted = value.integer();
            const bool known = wanted == row.on || wanted == row.off;
            return reply(known && operator_.set_coil(row.coil, wanted == row.on));
        });
    }
    for (const auto& row : kTriggers) {
        velib::ItemSpec spec{velib::Type::integer};
        spec.min = 0;
        spec.max = 1;
        spec.on_write = [this, row](const velib::Value&) { return reply(operator_.trigger(row.coil)); };
        tree_.add(std::string{row.path}, std::move(spec), 0);
    }
    add_override(kVoltageOverride, format::dc_volts, &Operator::override_volts);
    add_override(kCurrentOverride, format::amps, &Operator::override_amps);
    velib::ItemSpec profile{velib::Type::text};
    profile.on_write = [this](const velib::Value& value) {
        return reply(value.text() != nullptr && operator_.apply_profile(*value.text()));
    };
    tree_.add("/Control/ApplyChargeProfile", std::move(profile), "");
}

/// An override is shown once the controller has it; until then it can be taken back by writing what is still shown.
void Panel::add_override(std::string_view path, velib::Format format, bool (Operator::*request)(double)) {
    velib::ItemSpec spec{velib::Type::real, format};
    spec.hears_repeats = true;
    spec.on_write = [this, request](const velib::Value& value) {
        return reply((operator_.*request)(value.real().value_or(0)));
    };
    tree_.add(std::string{path}, std::move(spec));
}

void Panel::add_link(double rated_amps) {
    const auto add = [this](const char* path, velib::Type type, velib::Format format,
                            auto obey) -> velib::Item* {
        velib::ItemSpec spec{type, format};
        spec.hears_repeats = true;
        spec.on_write = [obey](const velib::Value& value) {
            obey(value);
            return WriteReply::store;
        };
        return &tree_.add(path, std::move(spec));
    };
    add("/Link/NetworkMode", velib::Type::integer, {}, [this](const velib::Value& value) {
        operator_.link_network_mode(static_cast<std::int32_t>(value.integer().value_or(0)));
    });
    link_volts_ = add("/Link/ChargeVoltage", velib::Type::real, format::dc_volts,
                      [this](const velib::Value& value) { operator_.link_volts(value.real().value_or(0)); });
    link_amps_ = add("/Link/ChargeCurrent", velib::Type::real, format::amps,
                     [this](const velib::Value& value) { operator_.link_amps(value.real().value_or(0)); });
    tree_.add("/Settings/ChargeCurrentLimit", {velib::Type::real, format::amps}, rated_amps);
}

void Panel::show(velib::Update& update, const Charger& charger, const VenusValues& values) {
    values_.publish(update, values);
    charger_.publish(update, charger);
    if (values.firmware_version) {
        update.set("/FirmwareVersion", *values.firmware_version);
    }
}

void Panel::show(velib::Update& update, const Coils& coils) {
    coils_.publish(update, coils);
}

void Panel::show(velib::Update& update, const History& history) {
    const auto available = static_cast<std::size_t>(days_available(history));
    while (days_.size() < available) {
        days_.emplace_back(tree_, kDayRows, fmt::format("/History/Daily/{}", days_.size()));
    }
    for (std::size_t n = 0; n < available; ++n) {
        days_[n].publish(update, *day_at(history, n));
    }
    lifetime_.publish(update, history.life);
    update.set(*days_available_, static_cast<std::int64_t>(available));
}

void Panel::show(velib::Update& update, const SystemSetPoints& points) {
    points_.publish(update, points);
}

void Panel::show(velib::Update& update, const OverrideStatus& status) {
    override_.publish(update, status);
    update.set(kVoltageOverride, status.volts);
    update.set(kCurrentOverride, status.amps);
}

void Panel::show(velib::Update& update, const ProfileStatus& status) {
    profile_.publish(update, status);
}

void Panel::show(velib::Update& update, const ReadStatistics& statistics) {
    statistics_.publish(update, statistics);
}

void Panel::forget_link(velib::Update& update) {
    if (link_volts_ != nullptr) {
        update.invalidate(*link_volts_);
        update.invalidate(*link_amps_);
    }
}

void Panel::lose(velib::Update& update) {
    values_.invalidate(update);
    charger_.invalidate(update);
    coils_.invalidate(update);
    points_.invalidate(update);
    override_.invalidate(update);
    update.set(kVoltageOverride, {});
    update.set(kCurrentOverride, {});
}

}  // namespace tristar
