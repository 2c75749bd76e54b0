#include "smartsolar/protocol/records.hpp"
#include "smartsolar/publication/services.hpp"
#include "support/catch.hpp"

#include <string>

#include <velib/tree.hpp>

using namespace smartsolar;

namespace {

// What a kind of service makes of a view, path by path.
class Shown {
  public:
    Shown(const ServiceKind& kind, const ProductView& view) : publication_(tree_, kind.rows) {
        velib::Update update(tree_);
        publication_.publish(update, view);
    }

    [[nodiscard]] std::string text(const char* path) const {
        const auto* item = tree_.find(path);
        return item != nullptr ? item->text() : "(no item)";
    }

  private:
    velib::ItemTree tree_;
    velib::Publication<ProductView> publication_;
};

Shown shown(std::uint16_t type, std::uint16_t product, const char* plain) {
    ProductView view;
    view.live = decode_record(type, wire::from_hex(plain).value()).value();
    const auto* kind = service_for(type, product, view.live, true);
    REQUIRE(kind != nullptr);
    return Shown(*kind, view);
}

std::string_view device_class(std::uint16_t type, std::uint16_t product, const Reading& reading,
                              bool vebus = false) {
    const auto* kind = service_for(type, product, reading, vebus);
    return kind != nullptr ? kind->device_class : "";
}

}  // namespace

TEST_CASE("every record becomes the service its kind calls for, or none") {
    const Reading none;
    CHECK(device_class(record::kSolarCharger, 0xA053, none) == "solarcharger");
    CHECK(device_class(record::kBatteryMonitor, 0xA389, none) == "battery");
    CHECK(device_class(record::kBatteryMonitor, 0xA3A5, none) == "temperature");
    CHECK(device_class(record::kInverter, 0xA261, none) == "inverter");
    CHECK(device_class(record::kDcDcConverter, 0xA3C8, none) == "dcdc");
    CHECK(device_class(record::kOrionXs, 0xA3F0, none) == "dcdc");
    CHECK(device_class(record::kLynxBms, 0xA3E5, none) == "battery");
    CHECK(device_class(record::kMultiRs, 0xA443, none) == "multi");
    CHECK(device_class(record::kVeBus, 0x2780, none).empty());
    CHECK(device_class(record::kVeBus, 0x2780, none, true) == "vebus");
    for (const auto type : {record::kTest, record::kGxDevice, record::kBatteryProtect, record::kSolarSense}) {
        CHECK(device_class(type, 0xA000, none).empty());
    }
}

TEST_CASE("a DC energy meter is what its monitor mode says") {
    const auto named = [](std::int64_t mode) {
        Reading reading;
        reading.monitor_mode = mode;
        return device_class(record::kDcEnergyMeter, 0xA389, reading);
    };
    CHECK(named(-6) == "alternator");
    CHECK(named(-5) == "fuelcell");
    CHECK(named(-1) == "dcsource");
    CHECK(named(-9) == "dcsource");
    CHECK(named(6) == "dcsystem");
    CHECK(named(1) == "dcload");
    CHECK(named(0).empty());
    CHECK(device_class(record::kDcEnergyMeter, 0xA389, {}).empty());
}

TEST_CASE("a charger as a user of the GX reads it") {
    const auto charger = shown(record::kSolarCharger, 0xA042, "04006c050e000300130000fe");
    CHECK(charger.text("/State") == "4");
    CHECK(charger.text("/Dc/0/Voltage") == "13.88V");
    CHECK(charger.text("/Dc/0/Current") == "1.4A");
    CHECK(charger.text("/History/Daily/0/Yield") == "0.03kWh");
    CHECK(charger.text("/Yield/Power") == "19W");
    CHECK(charger.text("/Load/I") == "0.0A");
    CHECK(charger.text("/Load/State") == "0");
    // What would make DVCC think that it can control the charger.
    CHECK(charger.text("/Link/NetworkMode") == "(no item)");
    CHECK(charger.text("/Settings/ChargeCurrentLimit") == "(no item)");
    CHECK(charger.text("/Yield/User") == "(no item)");
    const auto silent = shown(record::kSolarCharger, 0xA056, "ffffff7fff7fffffffffffff");
    for (const char* path :
         {"/State", "/ErrorCode", "/Dc/0/Voltage", "/Dc/0/Current", "/Yield/Power", "/Load/State"}) {
        CHECK(silent.text(path) == "---");
    }
}

TEST_CASE("a battery monitor shows its auxiliary input as what it is") {
    const auto starter = shown(record::kBatteryMonitor, 0xA389, "3c00e6041400d204000000000080fe");
    CHECK(starter.text("/TimeToGo") == "3600s");
    CHECK(starter.text("/Dc/1/Voltage") == "12.34V");
    CHECK(starter.text("/Dc/0/Temperature") == "---");
    CHECK(starter.text("/Settings/HasStarterVoltage") == "1");
    CHECK(starter.text("/Settings/HasTemperature") == "0");
    CHECK(starter.text("/Alarms/LowSoc") == "2");
    CHECK(starter.text("/Alarms/HighStarterVoltage") == "2");
    CHECK(starter.text("/Alarms/LowVoltage") == "0");
    CHECK(starter.text("/Soc") == "100.0%");
    CHECK(starter.text("/Dc/0/Power") == "0W");
    CHECK(starter.text("/Info/MaxChargeVoltage") == "(no item)");
}

TEST_CASE("two bits of a Lynx BMS are a state, one of them unknown") {
    const auto bms = shown(record::kLynxBms, 0xA3E5, "0040388b0afaff951555148ccf0200ff");
    CHECK(bms.text("/Io/AllowToCharge") == "1");
    CHECK(bms.text("/Alarms/LowCellVoltage") == "0");
    CHECK(bms.text("/ConsumedAmphours") == "-4.4Ah");
    CHECK(bms.text("/Dc/0/Temperature") == "---");
    ProductView view;
    view.live.io_status = 0b10'00'01'00;        // charge yes, discharge unknown, relay no
    view.live.warnings_alarms = 0b11'10'01'00;  // unsupported, OK, warning, alarm
    const Shown states(*service_for(record::kLynxBms, 0xA3E5, {}, false), view);
    CHECK(states.text("/Io/AllowToCharge") == "1");
    CHECK(states.text("/Io/AllowToDischarge") == "---");
    CHECK(states.text("/Io/ExternalRelay") == "0");
    CHECK(states.text("/Alarms/LowCellVoltage") == "---");
    CHECK(states.text("/Alarms/HighCurrent") == "0");
    CHECK(states.text("/Alarms/HighInternalTemperature") == "1");
    CHECK(states.text("/Alarms/Contactor") == "2");
}

TEST_CASE("a SmartLithium: an alarm outranks its warning, absent cells are invalid") {
    ProductView view;
    view.live =
        decode_record(record::kSmartLithium, wire::from_hex("000000060000c7e3f1f8ffffff2c35b5").value())
            .value();
    const auto* kind = service_for(record::kSmartLithium, 0xA0E0, view.live, false);
    const Shown healthy(*kind, view);
    CHECK(healthy.text("/Cell/3/Voltage") == "3.31V");
    CHECK(healthy.text("/Cell/4/Voltage") == "---");
    CHECK(healthy.text("/Alarms/HighVoltage") == "0");
    CHECK(healthy.text("/Io/AllowToDischarge") == "1");
    CHECK(healthy.text("/Dc/0/Current") == "(no item)");
    view.live.bms_flags = 1 << 9 | 1 << 10 | 1 << 12;
    const Shown troubled(*kind, view);
    CHECK(troubled.text("/Alarms/HighVoltage") == "2");
    CHECK(troubled.text("/Alarms/LowVoltage") == "1");
    CHECK(troubled.text("/Io/AllowToCharge") == "0");
}

TEST_CASE("the active input decides where a Multi's input power stands") {
    const auto none = shown(record::kMultiRs, 0xA443, "090080ff33940000d20200001402");
    CHECK(none.text("/Ac/ActiveIn/ActiveInput") == "240");
    CHECK(none.text("/Ac/In/1/L1/P") == "---");
    const auto second = shown(record::kMultiRs, 0xA443, "090080ff3354e803d20200001402");
    CHECK(second.text("/Ac/ActiveIn/ActiveInput") == "1");
    CHECK(second.text("/Ac/In/1/L1/P") == "---");
    CHECK(second.text("/Ac/In/2/L1/P") == "1000W");
}
