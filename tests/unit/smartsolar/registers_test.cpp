#include "smartsolar/protocol/registers.hpp"

#include "support/catch.hpp"

using namespace smartsolar;

namespace {

wire::Buffer bytes(const char* hex) {
    return wire::from_hex(hex).value();
}

RegisterValue decoded(std::uint16_t number, const char* hex) {
    const auto value = decode_register(number, bytes(hex));
    REQUIRE(value);
    return *value;
}

RegisterFault fault(std::uint16_t number, const char* hex) {
    const auto value = decode_register(number, bytes(hex));
    REQUIRE(!value);
    return value.error();
}

}  // namespace

TEST_CASE("numbers are scaled, signed by type, and absent by their own marker") {
    CHECK(decoded(0xED8D, "2f05") == RegisterValue{13.27});
    CHECK(decoded(0xED8D, "ff7f") == RegisterValue{});
    CHECK(decoded(0xED8D, "ffff") == RegisterValue{-0.01});
    CHECK(decoded(0xED8C, "46fcffff") == RegisterValue{-0.954});
    CHECK(decoded(0xED8C, "ffffff7f") == RegisterValue{});
    CHECK(decoded(0xEDBC, "ffffffff") == RegisterValue{});
    CHECK(decoded(0x0202, "ffffffff") == RegisterValue{std::int64_t{0xFFFFFFFF}});
    CHECK(decoded(0x0201, "03") == RegisterValue{std::int64_t{3}});
    CHECK(decoded(0x0201, "ff") == RegisterValue{});
}

TEST_CASE("a byte string of another length is no value") {
    CHECK(fault(0xED8D, "2f") == RegisterFault::length_mismatch);
    CHECK(fault(0xED8D, "2f0500") == RegisterFault::length_mismatch);
    CHECK(fault(0xED8D, "") == RegisterFault::length_mismatch);
    CHECK(fault(0x0102, "590100") == RegisterFault::length_mismatch);
    CHECK(fault(0xEC66, "c7c8062713") == RegisterFault::length_mismatch);
    CHECK(fault(0x1050, "00") == RegisterFault::length_mismatch);
    CHECK(fault(0xEDCE, "0c18") == RegisterFault::no_number);
    CHECK(fault(0x7777, "00") == RegisterFault::unknown);
    CHECK(fault(0x0000, "00") == RegisterFault::unknown);
    CHECK(fault(0xFFFF, "00") == RegisterFault::unknown);
}

TEST_CASE("the two firmware families differ in the width of their yields") {
    CHECK(decoded(0xEDD3, "2a00") == RegisterValue{0.42});
    CHECK(decoded(0xEDD3, "2a000000") == RegisterValue{0.42});
    CHECK(decoded(0xEDD3, "ffff") == RegisterValue{});
    CHECK(decoded(0xEDD3, "ffff0000") == RegisterValue{655.35});
    CHECK(decoded(0xEDD3, "ffffffff") == RegisterValue{});
    CHECK(fault(0xEDD3, "2a0000") == RegisterFault::length_mismatch);
}

TEST_CASE("versions, product ids and addresses print in the maker's form") {
    CHECK(decoded(0x0102, "00590100") == RegisterValue{"v1.59"});
    CHECK(decoded(0x0102, "00ff0401") == RegisterValue{"v1.04"});
    CHECK(decoded(0x0102, "00020401") == RegisterValue{"v1.04-beta-02"});
    CHECK(decoded(0x0102, "00000A00") == RegisterValue{"vA.00"});
    CHECK(decoded(0x0102, "00ffffff") == RegisterValue{});
    CHECK(decoded(0x0100, "0053a0ff") == RegisterValue{"0xA053"});
    CHECK(decoded(0x0100, "a053") == RegisterValue{"0xA053"});
    CHECK(decoded(0xEC66, "c7c806271311") == RegisterValue{"c7:c8:06:27:13:11"});
    CHECK(decoded(0x010A, "4851323000ffff") == RegisterValue{"HQ20"});
}

TEST_CASE("a day of history") {
    const auto data =
        bytes("00 01000000 00000000 b505 d004 00 00000000 2800 0100 e901 02000000 0100 8608 3500");
    REQUIRE(data.size() == 34);
    const auto day = decode_history_day(data).value();
    CHECK(day.yield_kwh == Approx(0.01));
    CHECK(day.battery_voltage_max_v == Approx(14.61));
    CHECK(day.battery_voltage_min_v == Approx(12.32));
    CHECK(day.bulk_min == 40);
    CHECK(day.absorption_min == 1);
    CHECK(day.float_min == 489);
    CHECK(day.power_max_w == 2);
    CHECK(day.battery_current_max_a == Approx(0.1));
    CHECK(day.pv_voltage_max_v == Approx(21.82));
    CHECK(day.day_number == 53);
    CHECK(day.errors[0] == 0);

    wire::Buffer empty(34, 0xFF);
    CHECK(!decode_history_day(empty));  // version 255
    empty[0] = 0;
    CHECK(decode_history_day(empty).value() == HistoryDay{});
    CHECK(!decode_history_day(wire::Bytes(data).first(33)));
}

TEST_CASE("a register finds its place in the reading, and empties it when not available") {
    Reading reading;
    CHECK(apply_register(reading, 0xED8D, bytes("2f05")));
    CHECK(reading.battery_voltage_v == Approx(13.27));
    CHECK(apply_register(reading, 0xED8D, bytes("ff7f")));
    CHECK(!reading.battery_voltage_v);
    CHECK(!apply_register(reading, 0xED8D, bytes("2f")));
    CHECK(!apply_register(reading, 0x0093, bytes("1027")));
    Identity identity;
    CHECK(apply_register(identity, 0x0102, bytes("00590100")));
    CHECK(identity.firmware == 0x159u);
    CHECK(apply_register(identity, 0x010A, bytes("4851")));
    CHECK(identity.serial == "HQ");
    CHECK(!apply_register(identity, 0xED8D, bytes("2f05")));
}

TEST_CASE("only harmless writes pass") {
    CHECK(write_allowed(vreg::kDeviceMode, 1));
    CHECK(write_allowed(vreg::kDeviceMode, 4));
    CHECK(!write_allowed(vreg::kDeviceMode, 3));
    CHECK(!write_allowed(vreg::kDeviceMode, 257));
    for (const auto& row : registers()) {
        for (std::uint32_t number = row.first; number <= row.last; ++number) {
            if (number != vreg::kDeviceMode) {
                CHECK(!write_allowed(static_cast<std::uint16_t>(number), 1));
            }
        }
    }
}

TEST_CASE("the published service offers its own registers and no others") {
    CHECK(decode_published(0xED8D, bytes("2f05")).value() == RegisterValue{13.27});
    CHECK(decode_published(kPublishedKeepAlive, bytes("ffff")).value() == RegisterValue{std::int64_t{65535}});
    CHECK(decode_published(0xEDBB, bytes("2f05")).error() == RegisterFault::unknown);
    for (const auto number : published_registers()) {
        CHECK(find_register(number) != nullptr);
    }
}
