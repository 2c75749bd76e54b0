#include "velib/text.hpp"

#include "support/catch.hpp"

#include <array>
#include <cmath>
#include <cstdio>

using namespace velib;

TEST_CASE("the text of no value is three dashes in every format") {
    static constexpr std::array<std::string_view, 1> kLabels{"off"};
    for (const auto& format :
         {format::plain, format::hex, format::firmware, format::dc_volts, Format::enumeration(kLabels)}) {
        CHECK(to_text(Value(), format) == "---");
        CHECK(to_text(Value(std::vector<std::int32_t>{}), format) == "---");
    }
}

TEST_CASE("quantities read as in the field: no space before the unit") {
    CHECK(to_text(27.01, format::dc_volts) == "27.01V");
    CHECK(to_text(3.3304, format::cell_volts) == "3.330V");
    CHECK(to_text(8.2, format::amps) == "8.2A");
    CHECK(to_text(-0.26, format::amps_fine) == "-0.26A");
    CHECK(to_text(221.4, format::watts) == "221W");
    CHECK(to_text(36, format::volt_amperes) == "36VA");
    CHECK(to_text(791.63, format::kilowatt_hours) == "791.63kWh");
    CHECK(to_text(-13653.3, format::ampere_hours) == "-13653.3Ah");
    CHECK(to_text(98.4, format::percent) == "98.4%");
    CHECK(to_text(50, format::hertz) == "50.0Hz");
    CHECK(to_text(38040, format::seconds) == "38040s");
    CHECK(to_text(419, format::minutes) == "419min");
    CHECK(to_text(0.2, format::cubic_metres) == "0.200m3");
    CHECK(to_text(18.14, format::celsius) == "18.1C");
    CHECK(to_text(2952, format::rpm) == "2952rpm");
}

TEST_CASE("rounding away from nothing leaves no minus") {
    CHECK(to_text(-0.04, format::amps) == "0.0A");
    CHECK(to_text(-0.4, format::watts) == "0W");
}

TEST_CASE("fixed digits are those of printf") {
    const double wide = GENERATE(0.0, 0.5, 1.0, 9.99, 123.456789, 99999.95, 1e9, 4.2e14, 1e15, 3.7e20);
    const double sign = GENERATE(1.0, -1.0);
    for (int digits = 0; digits <= 9; ++digits) {
        for (int step = 0; step < 200; ++step) {
            const auto format = Format::fixed(digits, "");
            const double number = at_resolution(sign * (wide + step * 0.00731), format);
            char expected[64];
            std::snprintf(expected, sizeof expected, "%.*f", digits, number);
            CHECK(to_text(number, format) == expected);
        }
    }
}

TEST_CASE("what is no number stays none at any resolution") {
    CHECK(std::isnan(at_resolution(std::nan(""), format::amps)));
    CHECK(std::isinf(at_resolution(-HUGE_VAL, format::amps)));
}

TEST_CASE("plain numbers read as Python writes them") {
    CHECK(to_text(291) == "291");
    CHECK(to_text(55.5) == "55.5");
    CHECK(to_text(50.0) == "50.0");
    CHECK(to_text(-3.0) == "-3.0");
    CHECK(to_text(0.1) == "0.1");
    CHECK(to_text(1e22) == "1e+22");
    CHECK(to_text(true) == "True");
    CHECK(to_text(false) == "False");
    CHECK(to_text(std::int64_t{1} << 40) == "1099511627776");
    CHECK(to_text(Value::of_unsigned(4294967295)) == "4294967295");
    CHECK(to_text("abc") == "abc");
    CHECK(to_text("") == "");
}

TEST_CASE("lists read as Python writes them") {
    CHECK(to_text(std::vector<std::int32_t>{1, 2}) == "[1, 2]");
    CHECK(to_text(std::vector<double>{1, 2.5}) == "[1.0, 2.5]");
    CHECK(to_text(std::vector<std::string>{"grid", "genset"}) == "['grid', 'genset']");
    CHECK(to_text(std::vector<std::uint8_t>{0, 255}) == "[0, 255]");
    CHECK(to_text(std::vector<std::int32_t>{1}, format::dc_volts) == "[1]");
}

TEST_CASE("identifiers are hexadecimal") {
    CHECK(to_text(0xA057, format::hex) == "0xA057");
    CHECK(to_text(0, format::hex) == "0x0");
}

TEST_CASE("integer firmware versions read as the GX shows them") {
    const auto version = [](std::int64_t number) { return to_text(number, format::firmware); };
    CHECK(version(0x0A) == "v0.0A");
    CHECK(version(0xA0) == "v0.A0");
    CHECK(version(343) == "v1.57");
    CHECK(version(1046) == "v4.16");
    CHECK(version(0x0A00) == "vA.00");
    CHECK(version(69637) == "v1.10-beta-05");
    CHECK(version(0x0A0000) == "vA.00");
    CHECK(version(0xA00BFF) == "vA0.0B");
    CHECK(version(0x0A0B0C) == "vA.0B-beta-0C");
    CHECK(version(0xFFFFFF) == "--");
    CHECK(version(0x1000000) == "16777216");
    CHECK(version(-1) == "-1");
    CHECK(to_text("1.2", format::firmware) == "1.2");
}

TEST_CASE("enumerations read as their label, or as the number without one") {
    static constexpr std::array<std::string_view, 2> kLabels{"off", "low power"};
    const auto format = Format::enumeration(kLabels);
    CHECK(to_text(0, format) == "off");
    CHECK(to_text(1, format) == "low power");
    CHECK(to_text(2, format) == "2");
    CHECK(to_text(-1, format) == "-1");
}

TEST_CASE("a number is brought to its published resolution") {
    CHECK(at_resolution(27.014, format::dc_volts) == 27.01);
    CHECK(at_resolution(27.016, format::dc_volts) == 27.02);
    CHECK(at_resolution(-27.016, format::dc_volts) == -27.02);
    CHECK(at_resolution(0.123456, format::plain) == 0.123456);
    CHECK(at_resolution(1e300, format::dc_volts) == 1e300);
    CHECK_FALSE(std::signbit(at_resolution(-0.001, format::dc_volts)));
}

TEST_CASE("a value can have more digits than its text") {
    constexpr auto format = format::watts.storing(2);
    CHECK(at_resolution(-270.968, format) == -270.97);
    CHECK(to_text(-270.97, format) == "-271W");
    CHECK(to_text(0.004, format) == "0W");
    CHECK(to_text(-0.3, format) == "0W");
}
