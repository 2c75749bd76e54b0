// What the service of a battery shows: each path with its type and text, and the items that come and go.
#include "serialbattery/driver/measurement.hpp"
#include "serialbattery/publication/extras.hpp"
#include "serialbattery/publication/table.hpp"
#include "support/catch.hpp"

#include <map>

#include <nlohmann/json.hpp>
#include <velib/publication.hpp>

using namespace bms;

namespace {

constexpr std::size_t kCells = 4;

Battery some_battery() {
    Battery battery;
    battery.manufacturer = "Maker";
    battery.model = "M1";
    battery.device_name = "House";
    battery.voltage_v = 13.218;
    battery.current_a = -20.5;
    battery.soc_pct = 55.5;
    battery.soh_pct = 99;
    battery.capacity_ah = 100;
    battery.cells = {{3.300, false}, {3.310, true}, {3.305, false}, {3.302, std::nullopt}};
    battery.temperatures = {{Place::cell, 21.5}, {Place::cell, 23.0}, {Place::mosfet, 30.25}};
    battery.alarms.supports(Alarm::high_voltage);
    battery.alarms.raise(Alarm::low_temperature, Level::warning);
    battery.charge_fet = true;
    battery.discharge_fet = true;
    battery.heater_current_a = 2;
    return battery;
}

/// A battery after two polls, and the items of its service.
struct Shown {
    Battery battery = some_battery();
    control::Settings settings;
    control::Surroundings around;
    control::Pack pack = pack_of(battery);
    control::State state;
    velib::ItemTree tree;
    velib::Publication<publication::View> table{tree, publication::rows()};
    publication::LimitItems limits{tree};
    std::optional<publication::CellItems> cells;
    publication::TimeToSocItems times{tree};
    publication::ExplanationItems explanations{tree};
    publication::JsonItem json{tree};
    int polls = 0;

    [[nodiscard]] control::Context context() const { return {settings, pack, around}; }

    void poll() {
        const auto reading = measurement_of(battery, settings);
        const control::Millis now{1000 * polls++};
        control::poll(state, context(), &reading, now);
        if (!cells) {
            limits.show(true);
            cells.emplace(tree, settings, kCells);
        }
        const auto view = publication::view_of(battery, state.out, settings, kCells);
        velib::Update update(tree);
        table.publish(update, view);
        limits.publish(update, view);
        cells->publish(update, view);
        times.publish(update, view);
        const auto explanation = control::explain(state, context(), now);
        explanations.publish(update, settings.publish_debug ? &explanation : nullptr);
        json.publish(update, settings.publish_json);
    }

    [[nodiscard]] std::string text(const std::string& path) const {
        const auto* item = tree.find(path);
        return item != nullptr ? item->text() : "no such item";
    }
};

struct Expected {
    velib::Type type;
    std::string text;
};

const std::map<std::string, Expected> kExpected = [] {
    constexpr auto real = velib::Type::real;
    constexpr auto integer = velib::Type::integer;
    constexpr auto text = velib::Type::text;
    return std::map<std::string, Expected>{
        {"/DeviceName", {text, "House"}},
        {"/Manufacturer", {text, "Maker"}},
        {"/Family", {text, "M1"}},
        {"/Dc/0/Voltage", {real, "13.22V"}},
        {"/Dc/0/Current", {real, "-20.50A"}},
        {"/Dc/0/Power", {real, "-271W"}},
        {"/Dc/0/Temperature", {real, "22.2C"}},
        {"/Dc/0/MidVoltage", {real, "---"}},
        {"/Dc/0/MidVoltageDeviation", {real, "---"}},
        {"/Soc", {real, "55.50%"}},
        {"/SocBms", {real, "---"}},
        {"/Soh", {real, "99.0%"}},
        {"/Capacity", {real, "55.50Ah"}},
        {"/InstalledCapacity", {real, "100Ah"}},
        {"/ConsumedAmphours", {real, "-45Ah"}},
        {"/Info/MaxChargeCurrent", {real, "50.00A"}},
        {"/Info/MaxDischargeCurrent", {real, "60.00A"}},
        {"/CapacityBms", {real, "---"}},
        {"/ConsumedAmphoursBms", {real, "---"}},
        {"/TimeToGo", {integer, "6234s"}},  // 35.5 % of 100 Ah at 20.5 A
        {"/CurrentAvg", {real, "-20.50A"}},
        {"/Balancing", {integer, "Yes"}},
        {"/Balancer/Status", {integer, "2"}},
        {"/Heating", {integer, "---"}},
        {"/State", {integer, "Running"}},
        {"/DeviceState", {integer, "0x100"}},
        {"/ErrorCode", {integer, "0"}},
        {"/ConnectionInformation", {text, "Connected"}},
        {"/Mode", {integer, "---"}},
        {"/Info/MaxChargeVoltage", {real, "13.80V"}},
        {"/Info/BatteryLowVoltage", {real, "11.60V"}},
        {"/Info/ChargeRequest", {integer, "0"}},
        {"/Info/ChargeMode", {text, "Bulk + Balancing │ Linear Mode"}},
        {"/Info/ChargeLimitation", {text, "Max Battery Charge Current"}},
        {"/Info/DischargeLimitation", {text, "Max Battery Discharge Current"}},
        {"/Info/MaxChargeCellVoltage", {real, "3.450V"}},
        {"/Info/HeatingCurrent", {real, "2.00A"}},
        {"/Info/HeatingPower", {real, "26W"}},
        {"/Info/HeatingTemperatureStart", {real, "---"}},
        {"/Info/HeatingTemperatureStop", {real, "---"}},
        {"/Info/ConfigError", {text, "---"}},
        {"/Io/AllowToCharge", {integer, "Yes"}},
        {"/Io/AllowToDischarge", {integer, "Yes"}},
        {"/Io/AllowToBalance", {integer, "---"}},
        {"/Io/AllowToHeat", {integer, "---"}},
        {"/System/NrOfCellsPerBattery", {integer, "4"}},
        {"/System/NrOfBatteries", {integer, "1"}},
        {"/System/BatteriesParallel", {integer, "1"}},
        {"/System/BatteriesSeries", {integer, "1"}},
        {"/System/NrOfModulesOnline", {integer, "1"}},
        {"/System/NrOfModulesOffline", {integer, "0"}},
        {"/System/NrOfModulesBlockingCharge", {integer, "0"}},
        {"/System/NrOfModulesBlockingDischarge", {integer, "0"}},
        {"/System/MinCellVoltage", {real, "3.300V"}},
        {"/System/MaxCellVoltage", {real, "3.310V"}},
        {"/System/MinVoltageCellId", {text, "C1"}},
        {"/System/MaxVoltageCellId", {text, "C2"}},
        {"/System/MinCellTemperature", {real, "21.5C"}},
        {"/System/MaxCellTemperature", {real, "23.0C"}},
        {"/System/MinTemperatureCellId", {text, "Temp 1"}},
        {"/System/MaxTemperatureCellId", {text, "Temp 2"}},
        {"/System/MOSTemperature", {real, "30.2C"}},
        {"/System/Temperature1", {real, "21.5C"}},
        {"/System/Temperature2", {real, "23.0C"}},
        {"/System/Temperature3", {real, "---"}},
        {"/System/Temperature4", {real, "---"}},
        {"/System/Temperature1Name", {text, "Temp 1"}},
        {"/System/Temperature2Name", {text, "Temp 2"}},
        {"/System/Temperature3Name", {text, "---"}},
        {"/System/Temperature4Name", {text, "---"}},
        {"/Voltages/Cell1", {real, "3.300V"}},
        {"/Voltages/Cell4", {real, "3.302V"}},
        {"/Voltages/Sum", {real, "13.22V"}},
        {"/Voltages/Diff", {real, "0.010V"}},
        {"/Balances/Cell1", {integer, "0"}},
        {"/Balances/Cell2", {integer, "1"}},
        {"/Balances/Cell4", {integer, "---"}},
        {"/Alarms/LowVoltage", {integer, "---"}},
        {"/Alarms/HighVoltage", {integer, "Ok"}},
        {"/Alarms/LowCellVoltage", {integer, "---"}},
        {"/Alarms/HighCellVoltage", {integer, "---"}},
        {"/Alarms/LowSoc", {integer, "Ok"}},
        {"/Alarms/StateOfHealth", {integer, "---"}},
        {"/Alarms/HighChargeCurrent", {integer, "---"}},
        {"/Alarms/HighDischargeCurrent", {integer, "---"}},
        {"/Alarms/CellImbalance", {integer, "---"}},
        {"/Alarms/InternalFailure", {integer, "---"}},
        {"/Alarms/HighChargeTemperature", {integer, "---"}},
        {"/Alarms/LowChargeTemperature", {integer, "---"}},
        {"/Alarms/HighTemperature", {integer, "---"}},
        {"/Alarms/LowTemperature", {integer, "Warning"}},
        {"/Alarms/HighInternalTemperature", {integer, "---"}},
        {"/Alarms/FuseBlown", {integer, "---"}},
        {"/Alarms/BmsCable", {integer, "Ok"}},
        {"/History/DeepestDischarge", {real, "-44.50Ah"}},
        {"/History/LastDischarge", {real, "0.00Ah"}},
        {"/History/AverageDischarge", {real, "---"}},
        {"/History/TotalAhDrawn", {real, "0.00Ah"}},
        {"/History/ChargeCycles", {real, "---"}},
        {"/History/FullDischarges", {integer, "0"}},
        {"/History/MinimumVoltage", {real, "13.22V"}},
        {"/History/MaximumVoltage", {real, "13.22V"}},
        {"/History/MinimumCellVoltage", {real, "3.300V"}},
        {"/History/MaximumCellVoltage", {real, "3.310V"}},
        {"/History/MinimumTemperature", {real, "21.5C"}},
        {"/History/MaximumTemperature", {real, "23.0C"}},
        {"/History/TimeSinceLastFullCharge", {integer, "---"}},
        {"/History/AutomaticSyncs", {integer, "---"}},
        {"/History/LowVoltageAlarms", {integer, "0"}},
        {"/History/HighVoltageAlarms", {integer, "0"}},
        {"/History/DischargedEnergy", {real, "0.000kWh"}},
        {"/History/ChargedEnergy", {real, "0.000kWh"}},
        {"/History/CanBeCleared", {integer, "1"}},
        {"/Settings/HasTemperature", {integer, "1"}},
    };
}();

}  // namespace

TEST_CASE("every value of a battery has its path, type and text") {
    Shown shown;
    shown.poll();
    shown.poll();
    for (const auto& [path, expected] : kExpected) {
        CAPTURE(path);
        const auto* item = shown.tree.find(path);
        REQUIRE(item != nullptr);
        CHECK(item->type() == expected.type);
        CHECK(item->text() == expected.text);
        CHECK_FALSE(item->writable());
    }
    const auto number = [&shown](const char* path) {
        return shown.tree.find(path)->value().real().value_or(-1);
    };
    CHECK(number("/Dc/0/Power") == -270.97);
    CHECK(number("/InstalledCapacity") == 100);
    CHECK(number("/ConsumedAmphours") == -44.5);
    CHECK(number("/Info/MaxChargeCurrent") == 50);
    CHECK(number("/Info/MaxDischargeCurrent") == 60);
}

TEST_CASE("the number of cells stays what it was first") {
    Battery battery = some_battery();
    const auto pack = pack_of(battery);
    CHECK(pack.cell_count == kCells);
    battery.cells.clear();
    battery.capacity_ah = 90;
    CHECK(pack_of(battery, pack).cell_count == kCells);
    CHECK(pack_of(battery, pack).capacity_ah == 90.0);
    battery.cells.resize(kCells + 1);
    battery.capacity_ah.reset();
    CHECK(pack_of(battery, pack).cell_count == kCells);
    CHECK(pack_of(battery, pack).capacity_ah == 100.0);
    CHECK(pack_of(battery, {}).cell_count == kCells + 1);
}

TEST_CASE("the items of a managed battery are there only while it is one") {
    Shown shown;
    shown.poll();
    CHECK(shown.limits.shown());
    shown.limits.show(false);
    shown.poll();
    for (const auto* path :
         {"/Info/MaxChargeVoltage", "/Info/MaxChargeCurrent", "/Info/MaxDischargeCurrent"}) {
        CHECK(shown.tree.find(path) == nullptr);
    }
    CHECK(shown.text("/Info/BatteryLowVoltage") == "11.60V");
    shown.limits.show(true);
    shown.poll();
    CHECK(shown.text("/Info/MaxChargeVoltage") == "13.80V");
}

TEST_CASE("cells have the names that are wanted") {
    Shown other;
    other.settings.cell_data_format = 3;
    other.poll();
    CHECK(other.text("/Cell/1/Volts") == "3.300V");
    CHECK(other.text("/Cell/Sum") == "13.22V");
    CHECK(other.text("/Cell/Diff") == "0.010V");
    CHECK(other.text("/Balances/Cell2") == "1");
    CHECK(other.tree.find("/Voltages/Cell1") == nullptr);
    Shown none;
    none.settings.cell_data_format = 0;
    none.poll();
    CHECK(none.tree.below("/Voltages").empty());
    CHECK(none.tree.below("/Cell").empty());
    // What cannot be a cell's voltage is no value; more cells than at the start have no place.
    Shown odd;
    odd.poll();
    odd.battery.cells[0].volts = 7.5;
    odd.battery.cells.push_back({3.3, false});
    odd.poll();
    CHECK(odd.text("/Voltages/Cell1") == "---");
    CHECK(odd.tree.find("/Voltages/Cell5") == nullptr);
}

TEST_CASE("times to states of charge follow their points and form") {
    Shown shown;
    shown.settings.time_to_soc_points = {50, 20};
    shown.poll();
    CHECK(shown.text("/TimeToSoC/50") == "965");
    CHECK(shown.text("/TimeToSoC/20") == "6234");
    shown.settings.time_to_soc_points = {10};
    shown.settings.time_to_soc_form = 2;
    shown.polls = 100;
    shown.poll();
    CHECK(shown.tree.find("/TimeToSoC/50") == nullptr);
    CHECK(shown.text("/TimeToSoC/10") == "2h 13m");
}

TEST_CASE("everything as one JSON text, and why the charge voltage is what it is, for who wants it") {
    Shown shown;
    shown.poll();
    CHECK(shown.tree.find("/JsonData") == nullptr);
    CHECK(shown.tree.find("/Info/ChargeModeDebug") == nullptr);
    shown.settings.publish_json = true;
    shown.settings.publish_debug = true;
    shown.battery.soc_pct = 50;
    shown.poll();
    const auto json = nlohmann::json::parse(shown.text("/JsonData"));
    CHECK(json["Soc"] == 50);
    CHECK(json["Dc"]["0"]["Voltage"] == 13.22);
    CHECK(json["Voltages"]["Cell2"] == 3.31);
    CHECK(json["SocBms"].is_null());
    CHECK(json["Info"]["ChargeMode"] == "Bulk + Balancing │ Linear Mode");
    CHECK_FALSE(json.contains("JsonData"));
    CHECK(shown.text("/Info/ChargeModeDebug")
          == "phase: bulk\ncharge voltage: 13.8 V, from 11.6 V to 13.8 V, float 13.5 V\n"
             "sum of the cells: 13.217 V\ncells: 3.3 V to 3.31 V");
    CHECK(shown.text("/Info/ChargeModeDebugFloat")
          == "sum of the cells: 13.217 V, awaited: 13.8 V\ndifference: 0.01 V, awaited: 0.01 V\n"
             "absorption: not begun, awaited: 900 s");
    CHECK(shown.text("/Info/ChargeModeDebugBulk")
          == "state of charge: 50 %, awaited: below 80 %\ndifference: 0.01 V, awaited: 0.08 V\n"
             "reset charge: not requested");
    shown.settings.publish_json = shown.settings.publish_debug = false;
    shown.poll();
    CHECK(shown.tree.find("/JsonData") == nullptr);
    CHECK(shown.tree.find("/Info/ChargeModeDebugBulk") == nullptr);
}
