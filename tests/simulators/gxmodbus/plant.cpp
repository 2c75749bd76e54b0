#include "simulators/gxmodbus/plant.hpp"

#include <algorithm>
#include <cmath>

namespace gxsim {
namespace {

using T = ServiceType;
using Paths = std::map<std::string, BusValue, std::less<>>;

constexpr double kBatteryKwh = 14.4;
constexpr double kPi = 3.14159265358979;

std::int64_t whole(double number) {
    return static_cast<std::int64_t>(std::lround(number));
}

void put(GxServer& server, T type, int instance, const Paths& paths) {
    Service& service = server.add(type, instance);
    for (const auto& [path, value] : paths) {
        service.paths[path] = value;
    }
}

void furnish_system(GxServer& server) {
    put(server, T::system, 0,
        {{"/Serial", "c0619ab2f3d1"},
         {"/Relay/0/State", std::int64_t{1}},
         {"/Dc/Battery/Voltage", 52.4},
         {"/Dc/Battery/Current", -17.3},
         {"/Dc/Battery/Power", -903.0},
         {"/Dc/Battery/Soc", 84.0},
         {"/Dc/Battery/State", std::int64_t{2}},
         {"/Dc/Battery/ConsumedAmphours", -42.3},
         {"/Dc/Battery/TimeToGo", 38400.0},
         {"/Ac/ActiveIn/Source", std::int64_t{1}},
         {"/Dc/Pv/Power", 1105.0},
         {"/Dc/Pv/Current", 21.1},
         {"/Ac/Grid/L1/Power", -1235.0},
         {"/Ac/Consumption/L1/Power", 835.0},
         {"/Ac/PvOnGrid/L1/Power", 1503.0},
         {"/Dc/Vebus/Current", -58.4},
         {"/Dc/Vebus/Power", -584.0}});
    put(server, T::settings, 0,
        {{"/Settings/CGwacs/AcPowerSetPoint", -250.0},
         {"/Settings/CGwacs/MaxChargePercentage", 100.0},
         {"/Settings/CGwacs/MaxDischargePercentage", 100.0},
         {"/Settings/SystemSetup/MaxChargeCurrent", 70.0},
         {"/Settings/SystemSetup/AcInput1", std::int64_t{1}},
         {"/Settings/CGwacs/BatteryLife/MinimumSocLimit", 10.0},
         {"/Settings/SystemSetup/SystemName", "Barn"}});
    put(server, T::hub4, 0, {{"/Overrides/Setpoint", 0.0}, {"/PvPowerLimiterActive", std::int64_t{0}}});
    put(server, T::platform, 0, {{"/Vebus/Devices/0/Restore/FileIndex", std::int64_t{0}}});
    put(server, T::generator, 0,
        {{"/ManualStart", std::int64_t{0}},
         {"/State", std::int64_t{0}},
         {"/AutoStartEnabled", std::int64_t{1}},
         {"/Runtime", std::int64_t{0}}});
}

void furnish_power(GxServer& server) {
    put(server, T::vebus, 276,
        {{"/Ac/ActiveIn/L1/V", 231.5},
         {"/Ac/ActiveIn/L1/I", -5.4},
         {"/Ac/ActiveIn/L1/F", 49.98},
         {"/Ac/ActiveIn/L1/P", -1235.0},
         {"/Ac/Out/L1/V", 231.4},
         {"/Ac/Out/L1/I", 3.3},
         {"/Ac/Out/L1/F", 49.98},
         {"/Ac/Out/L1/P", 740.0},
         {"/Ac/ActiveIn/CurrentLimit", 16.0},
         {"/Dc/0/Voltage", 52.36},
         {"/Dc/0/Current", -58.4},
         {"/Ac/NumberOfPhases", std::int64_t{1}},
         {"/Ac/ActiveIn/ActiveInput", std::int64_t{0}},
         {"/Soc", 83.5},
         {"/State", std::int64_t{9}},
         {"/VebusError", std::int64_t{0}},
         {"/Mode", std::int64_t{3}},
         {"/Hub4/L1/AcPowerSetpoint", -250.0},
         {"/Alarms/GridLost", std::int64_t{0}},
         {"/CustomName", "Main inverter"}});
    put(server, T::battery, 512,
        {{"/Dc/0/Voltage", 52.31},
         {"/Dc/0/Current", -17.3},
         {"/Dc/0/Power", -905.0},
         {"/Dc/0/Temperature", -3.5},
         {"/Soc", std::int64_t{83}},
         {"/Soh", std::int64_t{99}},
         {"/ConsumedAmphours", -42.3},
         {"/Capacity", 280.0},
         {"/Info/MaxChargeVoltage", 56.4},
         {"/Info/BatteryLowVoltage", 48.0},
         {"/Info/MaxChargeCurrent", 100.0},
         {"/Info/MaxDischargeCurrent", 150.0},
         {"/State", std::int64_t{9}},
         {"/System/MinCellVoltage", 3.26},
         {"/System/MaxCellVoltage", 3.28},
         {"/System/MinVoltageCellId", "M1C4"},
         {"/System/NrOfModulesOnline", std::int64_t{3}},
         {"/CustomName", ""},
         {"/Mode", std::int64_t{3}},
         {"/ConnectionInformation", "CAN 500k"}});
    put(server, T::solarcharger, 278,
        {{"/Dc/0/Voltage", 52.41},
         {"/Dc/0/Current", 21.1},
         {"/Pv/V", 98.72},
         {"/Yield/Power", 1105.0},
         {"/Yield/User", 812.4},
         {"/State", std::int64_t{3}},
         {"/Mode", std::int64_t{1}},
         {"/MppOperationMode", std::int64_t{2}},
         {"/ErrorCode", std::int64_t{0}},
         {"/History/Daily/0/Yield", 3.1},
         {"/History/Daily/0/MaxPower", 1420.0},
         {"/History/Daily/1/Yield", 9.8},
         {"/History/Daily/1/MaxPower", 1510.0},
         {"/CustomName", "South roof"}});
    put(server, T::solarcharger, 0,
        {{"/Dc/0/Voltage", 52.4},
         {"/Dc/0/Current", 55.3},
         {"/Pv/0/V", 310.5},
         {"/Pv/0/P", 1500.0},
         {"/Pv/1/V", 298.25},
         {"/Pv/1/P", 1400.0},
         {"/Yield/Power", 2900.0},
         {"/Yield/User", 4410.0},
         {"/State", std::int64_t{3}},
         {"/Mode", std::int64_t{1}},
         {"/History/Daily/0/Yield", 2.4},
         {"/CustomName", "RS 450/200 garage and barn"}});
    put(server, T::grid, 30,
        {{"/Ac/L1/Power", -1235.0},
         {"/Ac/L1/Voltage", 231.4},
         {"/Ac/L1/Current", -5.33},
         {"/Ac/L1/Energy/Forward", 1234.56},
         {"/Ac/L1/Energy/Reverse", 987.65},
         {"/Ac/Energy/Forward", 1234.56},
         {"/Ac/Energy/Reverse", 987.65},
         {"/Serial", "BP98305081235"},
         {"/Ac/Frequency", 49.98},
         {"/CustomName", ""}});
    put(server, T::pvinverter, 20,
        {{"/Position", std::int64_t{0}},
         {"/Ac/L1/Voltage", 232.0},
         {"/Ac/L1/Current", 6.5},
         {"/Ac/L1/Power", 1503.0},
         {"/Ac/L1/Energy/Forward", 70000.5},
         {"/Serial", "1234567"},
         {"/Ac/PowerLimit", 5000.0},
         {"/CustomName", "Fronius"}});
}

void furnish_small(GxServer& server) {
    put(server, T::tank, 25,
        {{"/ProductId", std::int64_t{0xA162}},
         {"/Capacity", 0.2},
         {"/FluidType", std::int64_t{1}},
         {"/Level", 57.3},
         {"/Remaining", 0.1146},
         {"/Status", std::int64_t{0}},
         {"/CustomName", "Fresh"}});
    put(server, T::tank, 26,
        {{"/ProductId", std::int64_t{0xA162}},
         {"/Capacity", 0.4},
         {"/FluidType", std::int64_t{0}},
         {"/Level", 81.0},
         {"/Remaining", 0.324},
         {"/Status", std::int64_t{0}},
         {"/CustomName", "Diesel"}});
    put(server, T::temperature, 24,
        {{"/ProductId", std::int64_t{0xA163}},
         {"/TemperatureType", std::int64_t{1}},
         {"/Temperature", -18.75},
         {"/Status", std::int64_t{0}},
         {"/CustomName", "Freezer"}});
    put(server, T::temperature, 27,
        {{"/ProductId", std::int64_t{0xA163}},
         {"/TemperatureType", std::int64_t{2}},
         {"/Temperature", 21.4},
         {"/Humidity", 48.5},
         {"/Status", std::int64_t{0}},
         {"/CustomName", "Living room"}});
    put(server, T::evcharger, 40,
        {{"/ProductId", std::int64_t{0xC024}},
         {"/FirmwareVersion", std::int64_t{0x012400}},
         {"/Serial", "HQ2231ABCDE"},
         {"/Ac/Power", 7360.0},
         {"/Ac/L1/Power", 7360.0},
         {"/Status", std::int64_t{2}},
         {"/Mode", std::int64_t{0}},
         {"/StartStop", std::int64_t{1}},
         {"/SetCurrent", 32.0},
         {"/Current", 32.0},
         {"/MaxCurrent", 32.0},
         {"/Position", std::int64_t{1}}});
    put(server, T::gps, 1,
        {{"/Position/Latitude", 59.913868},
         {"/Position/Longitude", -10.752245},
         {"/Course", 276.75},
         {"/Speed", 1.25},
         {"/Fix", std::int64_t{1}},
         {"/NrOfSatellites", std::int64_t{9}},
         {"/Altitude", -3.2}});
    put(server, T::digitalinput, 1,
        {{"/Count", std::int64_t{70000}},
         {"/State", std::int64_t{3}},
         {"/Alarm", std::int64_t{0}},
         {"/Type", std::int64_t{2}}});
}

}  // namespace

void furnish_house(GxServer& server) {
    furnish_system(server);
    furnish_power(server);
    furnish_small(server);
}

void HouseDay::advance(double seconds) {
    const double hours = seconds / 3600;
    hour_ = std::fmod(hour_ + hours, 24.0);
    const double height = std::sin((hour_ - 6) / 12 * kPi);
    const double solar = hour_ > 6 && hour_ < 18 ? 3900 * std::pow(std::max(0.0, height), 1.3) : 0;
    const double load =
        380 + 900 * std::exp(-std::pow(hour_ - 7.5, 2)) + 1900 * std::exp(-std::pow(hour_ - 19, 2) / 2);
    const double surplus = solar - load;
    const bool can_take = surplus > 0 ? soc_percent_ < 99.5 : soc_percent_ > 12;
    const double battery = can_take ? std::clamp(surplus, -4500.0, 4500.0) : 0;
    soc_percent_ = std::clamp(soc_percent_ + battery * hours / kBatteryKwh / 10, 0.0, 100.0);
    const double grid = battery - surplus;
    solar_kwh_[0] += solar * 0.35 * hours / 1000;
    solar_kwh_[1] += solar * 0.65 * hours / 1000;
    (grid > 0 ? forward_kwh_ : reverse_kwh_) += std::abs(grid) * hours / 1000;
    pv_inverter_kwh_ += solar * 0.4 * hours / 1000;
    fresh_water_percent_ = std::max(2.0, fresh_water_percent_ - 0.9 * hours);
    publish(solar, load, battery, grid);
}

void HouseDay::publish(double solar, double load, double battery, double grid) {
    const double volts = 48.5 + 0.055 * soc_percent_ + battery / 4000;
    const auto solar_state = std::int64_t{solar <= 0 ? 0 : soc_percent_ > 98 ? 5 : soc_percent_ > 90 ? 4 : 3};
    put(server_, T::battery, 512,
        {{"/Dc/0/Voltage", volts},
         {"/Dc/0/Current", battery / volts},
         {"/Dc/0/Power", battery},
         {"/Soc", whole(soc_percent_)},
         {"/ConsumedAmphours", -(100 - soc_percent_) * 2.8},
         {"/Dc/0/Temperature", 14 + 6 * std::sin((hour_ - 9) / 12 * kPi)}});
    put(server_, T::vebus, 276,
        {{"/Dc/0/Voltage", volts},
         {"/Dc/0/Current", (battery - solar) / volts},
         {"/Soc", soc_percent_},
         {"/Ac/Out/L1/P", load},
         {"/Ac/Out/L1/I", load / 231.4},
         {"/Ac/ActiveIn/L1/P", grid},
         {"/Ac/ActiveIn/L1/I", grid / 231.5}});
    put(server_, T::solarcharger, 278,
        {{"/Dc/0/Voltage", volts},
         {"/Dc/0/Current", solar * 0.35 / volts},
         {"/Yield/Power", solar * 0.35},
         {"/Pv/V", solar > 0 ? 92 + solar / 400 : 1.2},
         {"/State", solar_state},
         {"/History/Daily/0/Yield", solar_kwh_[0]},
         {"/Yield/User", 812.4 + solar_kwh_[0]}});
    put(server_, T::solarcharger, 0,
        {{"/Dc/0/Voltage", volts},
         {"/Dc/0/Current", solar * 0.65 / volts},
         {"/Yield/Power", solar * 0.65},
         {"/Pv/0/V", solar > 0 ? 310.5 : 3.0},
         {"/Pv/0/P", solar * 0.34},
         {"/Pv/1/V", solar > 0 ? 298.25 : 3.0},
         {"/Pv/1/P", solar * 0.31},
         {"/State", solar_state},
         {"/History/Daily/0/Yield", solar_kwh_[1]}});
    put(server_, T::grid, 30,
        {{"/Ac/L1/Power", grid},
         {"/Ac/L1/Current", grid / 231.4},
         {"/Ac/L1/Energy/Forward", forward_kwh_},
         {"/Ac/L1/Energy/Reverse", reverse_kwh_},
         {"/Ac/Energy/Forward", forward_kwh_},
         {"/Ac/Energy/Reverse", reverse_kwh_}});
    put(server_, T::pvinverter, 20,
        {{"/Ac/L1/Power", solar * 0.4},
         {"/Ac/L1/Current", solar * 0.4 / 232},
         {"/Ac/L1/Energy/Forward", pv_inverter_kwh_}});
    put(server_, T::tank, 25,
        {{"/Level", fresh_water_percent_}, {"/Remaining", 0.2 * fresh_water_percent_ / 100}});
    put(server_, T::temperature, 24, {{"/Temperature", -18.75 + 1.5 * std::sin(hour_ * kPi)}});
    put(server_, T::temperature, 27, {{"/Temperature", 20.5 + 1.5 * std::sin((hour_ - 10) / 12 * kPi)}});
    put(server_, T::system, 0,
        {{"/Dc/Battery/Voltage", volts},
         {"/Dc/Battery/Current", battery / volts},
         {"/Dc/Battery/Power", battery},
         {"/Dc/Battery/Soc", soc_percent_},
         {"/Dc/Pv/Power", solar},
         {"/Dc/Pv/Current", solar / volts},
         {"/Ac/Grid/L1/Power", grid},
         {"/Ac/Consumption/L1/Power", load},
         {"/Dc/Battery/State", std::int64_t{battery > 30    ? 1
                                            : battery < -30 ? 2
                                                            : 0}}});
}

}  // namespace gxsim
