#include "smartsolar/protocol/advertisement.hpp"

#include "smartsolar/protocol/products.hpp"
#include "smartsolar/protocol/records.hpp"
#include "smartsolar/protocol/text.hpp"
#include "support/catch.hpp"

#include <set>

using namespace smartsolar;

namespace {

wire::Buffer bytes(const char* hex) {
    return wire::from_hex(hex).value();
}

const Key kKey = parse_key("adeccb947395801a4dd45a2eaa44bf17").value();
const wire::Buffer kCharger = bytes("100242a0016207adceb37b605d7e0ee21b24df5c");

ReadoutFault fault_of(wire::Bytes data, const Key* key = &kKey) {
    const auto readout = decode_readout(data, key);
    REQUIRE(!readout);
    return readout.error();
}

}  // namespace

TEST_CASE("the first check that fails names the fault") {
    CHECK(fault_of({}) == ReadoutFault::too_short);
    CHECK(fault_of(bytes("01")) == ReadoutFault::not_instant_readout);
    CHECK(fault_of(bytes("100242")) == ReadoutFault::too_short);
    CHECK(fault_of(bytes("100242a0")) == ReadoutFault::no_record);
    CHECK(fault_of(bytes("100242a001")) == ReadoutFault::too_short);
    CHECK(fault_of(bytes("100242a0016207ad")) == ReadoutFault::empty_payload);
    CHECK(fault_of(bytes("100242a0016207ad0102030405060708090a0b0c0d0e0f1011")) == ReadoutFault::too_long);
    CHECK(fault_of(kCharger, nullptr) == ReadoutFault::no_key);
    CHECK(fault_of(bytes("100242a0016207aeceb37b60")) == ReadoutFault::key_mismatch);
    CHECK(fault_of(bytes("100242a00e6207adceb37b60")) == ReadoutFault::unknown_record_type);
    CHECK(fault_of(bytes("100242a00e6207adceb37b60"), nullptr) == ReadoutFault::no_key);
    CHECK(fault_of(bytes("100242a0ff620755ceb37b60"), nullptr) == ReadoutFault::unknown_record_type);
}

TEST_CASE("a short product advertisement still tells the product") {
    CHECK(advertised_product(bytes("100242a0")) == 0xA042);
    CHECK(advertised_product(kCharger) == 0xA042);
    CHECK(!advertised_product(bytes("100242")));
    CHECK(!advertised_product(bytes("010242a0")));
}

TEST_CASE("a payload cut anywhere loses the fields beyond the cut and no others") {
    const auto whole = decode_readout(kCharger, &kKey).value();
    for (std::size_t size = 9; size <= kCharger.size(); ++size) {
        const auto cut = decode_readout(wire::Bytes(kCharger).first(size), &kKey).value();
        for (const auto& field : find_layout(record::kSolarCharger)->fields) {
            const bool inside = field.start + field.bits <= (size - 8) * 8U;
            const auto check = [&](auto member) {
                CHECK(cut.reading.*member == (inside ? whole.reading.*member : std::nullopt));
            };
            std::visit(check, field.into);
        }
    }
}

TEST_CASE("sentinels are compared before the sign is extended") {
    // Current 0x1FFFFF is not available, 0x3FFFFF is -1 mA.
    const auto absent =
        decode_record(record::kBatteryMonitor, bytes("ffffe50400000000ffffff00000000")).value();
    CHECK(absent.aux_mode == 3);
    CHECK(absent.battery_current_a == Approx(-0.001));
    const auto none = decode_record(record::kBatteryMonitor, bytes("ffffe50400000000ffff7f00000000")).value();
    CHECK(!none.battery_current_a);
}

TEST_CASE("the auxiliary value is shown as what it is, and as nothing else") {
    const auto starter =
        decode_record(record::kBatteryMonitor, bytes("ffffe6040000feff000000000080fe")).value();
    CHECK(starter.aux_voltage_v == Approx(-0.02));
    CHECK(!starter.mid_voltage_v);
    CHECK(!starter.temperature_k);
    // The DC energy meter knows no mid-point.
    const auto meter = decode_record(record::kDcEnergyMeter, bytes("fdffe4040000feff010000")).value();
    CHECK(meter.aux_raw == 0xFFFE);
    CHECK(!meter.aux_voltage_v);
    CHECK(!meter.mid_voltage_v);
}

TEST_CASE("bits are taken least significant first across bytes") {
    const auto payload = bytes("80ff01");
    CHECK(extract_bits(payload, 7, 9) == 0x1FF);
    CHECK(extract_bits(payload, 7, 10) == 0x3FF);
    CHECK(extract_bits(payload, 0, 24) == 0x01FF80);
    CHECK(!extract_bits(payload, 17, 8));
    CHECK(!extract_bits(payload, 0, 0));
    CHECK(!extract_bits({}, 0, 1));
}

TEST_CASE("AD structures cut short or of length zero end the report") {
    const auto report = bytes("0201060bffe102100289a3025d9795f8");
    const auto found = parse_ad(report);
    CHECK(found.flags == 6);
    CHECK(found.company == 0x02E1);
    CHECK(wire::to_hex(found.manufacturer_data) == "100289a3025d9795");
    CHECK(parse_ad(bytes("0cffe102100289a3025d9795f8")).company);
    CHECK(!parse_ad(bytes("0dffe102100289a3025d9795f8")).company);
    CHECK(!parse_ad(bytes("00020106")).flags);
    CHECK(!parse_ad(bytes("02ffe1")).company);
    CHECK(parse_ad(bytes("0308414203094344")).local_name == "CD");
}

TEST_CASE("a key is read as people paste it") {
    CHECK(parse_key("ADECCB94 7395801A 4DD45A2E AA44BF17\n").value() == kKey);
    CHECK(parse_key("").error() == KeyFault::empty);
    CHECK(parse_key("  ").error() == KeyFault::empty);
    CHECK(parse_key("adeccb947395801a4dd45a2eaa44bf1").error() == KeyFault::digit_missing);
    CHECK(parse_key("adeccb947395801a4dd45a2eaa44bf").error() == KeyFault::wrong_length);
    CHECK(parse_key("adeccb947395801a4dd45a2eaa44bf1x").error() == KeyFault::not_hexadecimal);
}

TEST_CASE("products have names, unknown ones a number") {
    CHECK(product_text(0xA053) == "SmartSolar Charger MPPT 75/15");
    CHECK(product_text(0xA389) == "SmartShunt 500A/50mV");
    CHECK(product_text(0xA3F7) == "Orion XS");
    CHECK(product_text(0x1234) == "Unknown product 0x1234");
    CHECK(is_solar_charger(0xA053));
    CHECK(!is_solar_charger(0xA389));
    CHECK(is_battery_sense(0xA3A5));
    CHECK(is_orion_smart(0xA3C8));
    CHECK(products().size() > 300);
}

TEST_CASE("text from the air holds valid UTF-8 only") {
    CHECK(clean_text(bytes("42c3bc726f00ff")) == "B\xC3\xBCro");
    CHECK(clean_text(bytes("41ff42c342")) == "ABB");
    CHECK(clean_text(bytes("41eda08042")) == "AB");
    CHECK(clean_text(bytes("410a1f7f42")) == "AB");
    CHECK(clean_text(bytes("41f09f9880")) == "A\xF0\x9F\x98\x80");
    CHECK(clean_text({}).empty());
}
