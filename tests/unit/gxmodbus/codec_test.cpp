#include "gxmodbus/protocol/codec.hpp"

#include "gxmodbus/protocol/generation.hpp"
#include "gxmodbus/protocol/units.hpp"
#include "support/catch.hpp"

#include <limits>

using namespace gxmodbus;

namespace {

double number(std::uint16_t address, std::vector<std::uint16_t> words) {
    return std::get<double>(decode(*register_at(address), words).value());
}
std::vector<std::uint16_t> words(std::uint16_t address, const Value& value) {
    const auto encoded = encode(*register_at(address), value);
    REQUIRE(encoded.has_value());
    return *encoded;
}
WriteFault fault(std::uint16_t address, const Value& value) {
    const auto encoded = encode(*register_at(address), value);
    REQUIRE_FALSE(encoded.has_value());
    return encoded.error();
}
using Raw = std::vector<std::uint16_t>;

}  // namespace

TEST_CASE("the register table is the whole list") {
    CHECK(all_registers().size() == 1003);
    CHECK(register_at(2) == nullptr);
    CHECK(register_at(148) == nullptr);
    CHECK(register_at(831)->address == 830);
    CHECK(find_register(ServiceType::solarcharger, "/Yield/Power")->address == 792);
    CHECK(find_register(ServiceType::battery, "/Yield/Power") == nullptr);
    CHECK(service_type("com.victronenergy.dcgenset") == ServiceType::dcgenset);
    CHECK_FALSE(service_type("switch").has_value());
    for (const Register& row : all_registers()) {
        CHECK(service_type(name_of(row.type)) == row.type);
    }
}

TEST_CASE("numbers by type, scale and sign") {
    CHECK(number(3, {2315}) == 231.5);
    CHECK(number(6, {0xffca}) == -5.4);
    CHECK(number(12, {0xff85}) == -1230);  // tens of watts
    CHECK(number(265, {423}) == -42.3);    // the sign is turned
    CHECK(number(330, {0, 42}) == -42);
    CHECK(number(256, {0xffff, 0xfc77}) == -905);  // high word first
    CHECK(number(2800, {0x23b6, 0x2178}) == 59.913868);
    CHECK(number(303, {384}) == 38400);
    CHECK(number(830, {0, 0, 0x6b00, 0x795b}) == 0x6b00795b);
    CHECK(number(265, {0}) == 0);
    CHECK_FALSE(std::signbit(number(265, {0})));
    CHECK_FALSE(decode(*register_at(256), Raw{1}).has_value());
    CHECK_FALSE(decode(*register_at(827), Raw{0xffff, 0xffff, 0xffff}).has_value());
}

TEST_CASE("texts end at the first NUL and are Latin-1") {
    const Register& name = *register_at(1336);
    CHECK(std::get<std::string>(*decode(name, Raw{0x4261, 0x6e6b, 0x2041, 0, 0x4242, 0, 0, 0})) == "Bank A");
    CHECK(std::get<std::string>(*decode(name, Raw{0x53fc, 0x6400, 0, 0, 0, 0, 0, 0})) == "Süd");
    CHECK(words(1336, Value{std::string("Süd")}) == Raw{0x53fc, 0x6400, 0, 0, 0, 0, 0, 0});
    CHECK(words(1336, Value{std::string("0123456789abcdef")}).back() == 0x6566);
    CHECK(fault(1336, Value{std::string("0123456789abcdefg")}) == WriteFault::too_long);
    CHECK(fault(1336, Value{std::string("€")}) == WriteFault::bad_character);
    CHECK(fault(1336, Value{std::string("a\0b", 3)}) == WriteFault::bad_character);
    CHECK(fault(1336, Value{std::string("\xc3")}) == WriteFault::bad_character);
    CHECK(fault(1336, Value{4.0}) == WriteFault::wrong_kind);
}

TEST_CASE("what does not fit a register is refused, not wrapped") {
    CHECK(words(22, Value{16.5}) == Raw{165});
    CHECK(words(22, Value{-3.26}) == Raw{0xffdf});
    CHECK(words(2716, Value{-1500.0}) == Raw{0xffff, 0xfa24});
    CHECK(words(2703, Value{-320.0}) == Raw{0xfffd});  // hundreds
    CHECK(words(5420, Value{6553.4}) == Raw{0xfffe});
    CHECK(fault(5420, Value{6553.5}) == WriteFault::out_of_range);
    CHECK(fault(22, Value{3276.8}) == WriteFault::out_of_range);
    CHECK(fault(33, Value{-1.0}) == WriteFault::out_of_range);
    CHECK(fault(33, Value{std::numeric_limits<double>::quiet_NaN()}) == WriteFault::out_of_range);
    CHECK(fault(33, Value{std::numeric_limits<double>::infinity()}) == WriteFault::out_of_range);
    CHECK(fault(33, Value{std::string("3")}) == WriteFault::wrong_kind);
    CHECK(fault(31, Value{1.0}) == WriteFault::read_only);
    CHECK(fault(212, Value{1.0}) == WriteFault::read_only);        // a filler marked writable
    CHECK(fault(2901, Value{100.1}) == WriteFault::out_of_range);  // a percentage
    CHECK(fault(806, Value{2.0}) == WriteFault::out_of_range);     // a flag
    CHECK(fault(3512, Value{2.0}) == WriteFault::out_of_range);    // a trigger
    CHECK(words(2317, Value{4.0}) == Raw{4});                      // an enumeration is not a range
}

TEST_CASE("every writable number survives the way to the register and back") {
    for (const Register& row : all_registers()) {
        if (!row.writable || !row.numeric()) {
            continue;
        }
        const Limits limits = write_limits(row);
        INFO(row.address << " " << row.path);
        for (const double value : {limits.lowest, limits.highest, limits.lowest + step_of(row)}) {
            const auto encoded = encode(row, Value{value});
            REQUIRE(encoded.has_value());
            CHECK(encoded->size() == row.count);
            CHECK(std::get<double>(*decode(row, *encoded)) == Approx(value).epsilon(1e-12));
        }
        CHECK_FALSE(encode(row, Value{limits.highest + step_of(row)}).has_value());
        CHECK_FALSE(encode(row, Value{limits.lowest - step_of(row)}).has_value());
    }
}

TEST_CASE("texts have the digits of the step and the unit") {
    const auto text = [](std::uint16_t address, double value) {
        return text_of(*register_at(address), Value{value});
    };
    CHECK(text(259, 52.3) == "52.30V");
    CHECK(text(261, -17.3) == "-17.3A");
    CHECK(text(262, -3.5) == "-3.5°C");
    CHECK(text(12, -1230) == "-1230W");
    CHECK(text(1056, 5000) == "5000W");
    CHECK(text(31, 3) == "3");
    CHECK(text(3001, 0.2) == "0.2000m3");
    CHECK(choice_text(*register_at(33), 4) == "Off");
    CHECK(choice_text(*register_at(71), 1) == "AcPowerSetpoint as OvervoltageFeedIn limit");
    CHECK(choice_text(*register_at(33), 9).empty());
    CHECK(choice_text(*register_at(4113), 52) == "Battery disconnect request");
    CHECK(choice_text(*register_at(4113), 53) != "Battery disconnect request");
}

TEST_CASE("the registers of a path have one unit") {
    CHECK(display_unit(*register_at(3830)) == "kWh");
    for (const Register& row : all_registers()) {
        if (row.alternate_of != 0) {
            INFO(row.address);
            CHECK(display_unit(row) == display_unit(*register_at(row.alternate_of)));
        }
    }
}

TEST_CASE("a number at the end of its register means this or more") {
    CHECK(at_limit(*register_at(808), Raw{65534}));
    CHECK(at_limit(*register_at(808), Raw{65535}));
    CHECK_FALSE(at_limit(*register_at(808), Raw{0}));
    CHECK(at_limit(*register_at(820), Raw{0x8000}));
    CHECK(at_limit(*register_at(820), Raw{0x7ffe}));
    CHECK_FALSE(at_limit(*register_at(820), Raw{0xffff}));
}

TEST_CASE("units stand for instances by the server's table") {
    CHECK(table_instance(100) == 0);
    CHECK(table_instance(227) == 276);
    CHECK(table_instance(225) == 512);
    CHECK(table_instance(239) == 288);
    CHECK(table_instance(247) == 256);
    CHECK(table_instance(232) == 294);
    CHECK_FALSE(table_instance(240).has_value());
    CHECK_FALSE(table_instance(25).has_value());
    int reachable = 0;
    for (int instance = 256; instance < 1000; ++instance) {
        reachable += reachable_instance(instance) ? 1 : 0;
    }
    CHECK(reachable == 42);  // 256..296 and 512
    CHECK_FALSE(reachable_instance(600));
    CHECK_FALSE(reachable_instance(-1));
}

TEST_CASE("versions") {
    CHECK(parse_server_version("dbus_modbustcp 1.0.101") == ServerVersion{1, 0, 101});
    CHECK(parse_server_version("1.0.82") == ServerVersion{1, 0, 82});
    CHECK_FALSE(parse_server_version("1.0").has_value());
    CHECK_FALSE(parse_server_version("1.0.82b").has_value());
    CHECK_FALSE(parse_server_version("").has_value());
    CHECK(firmware_text(0x0346, 0x0020) == "v3.46~20");
    CHECK(firmware_text(0x0360, 0) == "v3.60");
    CHECK(may_crash_on_probe(0x0370, 0x0050));
    CHECK_FALSE(may_crash_on_probe(0x0370, 0));
    CHECK_FALSE(may_crash_on_probe(0x0380, 0x0050));
}
