#include "serialbattery/framing/modbus.hpp"
#include "serialbattery/framing/scanner.hpp"
#include "serialbattery/framing/yd1363.hpp"
#include "support/catch.hpp"

using namespace bms;
using Kind = Sight::Kind;

namespace {

wire::Buffer hex(std::string_view text) {
    return wire::from_hex(text).value();
}
wire::Buffer ascii(std::string_view text) {
    return {text.begin(), text.end()};
}
Sight any_unit(Bytes bytes, Bytes asked) {
    return modbus::sight_read(bytes, asked, modbus::kReadHolding, [](std::uint8_t) { return true; });
}

}  // namespace

TEST_CASE("modbus requests carry their CRC low byte first") {
    CHECK(wire::to_hex(modbus::request(1, 3, 0xf80b, 1)) == "0103f80b0001c4a8");
    const std::uint16_t words[] = {0, 1};
    CHECK(wire::to_hex(modbus::write_words(1, 0x1070, words)) == "0110107000020400000001f88b");
}

TEST_CASE("modbus answers and requests are told apart by their CRC") {
    const auto asked = hex("010313060002208e");
    const auto answer = hex("010304148c009b7f83");
    CHECK(any_unit(answer, asked).length == 9);
    CHECK(any_unit(answer, {}).length == 9);
    CHECK(any_unit(asked, asked).role == Role::request);
    CHECK(any_unit(hex("308302913e"), {}).kind == Kind::frame);
    CHECK(any_unit(hex("010304148c009b7f84"), asked).fault == Fault::checksum);
    // The echo must not be taken for an answer of 0x13 bytes that never completes.
    CHECK(any_unit(Bytes(asked).first(6), asked).length == 8);
    CHECK(any_unit(hex("010313060003"), asked).kind == Kind::none);
    CHECK_FALSE(modbus::mismatch(answer, asked));
    CHECK(modbus::mismatch(hex("01030201a2386d"), asked) == Fault::length);
    CHECK(modbus::mismatch(answer, hex("0203130600022082")) == Fault::address);
}

TEST_CASE("the hexadecimal frame: its own examples") {
    CHECK(yd1363::length_check(18) == 0xd);
    CHECK(yd1363::length_check(0x096) == 1);
    CHECK(yd1363::length_check(0x088) == 0);  // nibbles that sum up to 16
    CHECK(yd1363::checksum(ascii("20004642E00201")) == 0xfd36);
    const std::uint8_t group[] = {1};
    CHECK(Bytes(yd1363::request('~', 0x20, 0, 0x46, 0x42, group)).size() == 20);
    const auto built = yd1363::request('~', 0x20, 0, 0x46, 0x42, group);
    CHECK(std::string(built.bytes().begin(), built.bytes().end()) == "~20004642E00201FD36\r");
}

TEST_CASE("the hexadecimal frame is checked in the stated order") {
    const auto good = ascii("~200046040000FDB0\r");
    CHECK(yd1363::sight(good, '~').length == 18);
    CHECK(yd1363::head(good).cid2 == 4);
    CHECK(yd1363::sight(good, '>').kind == Kind::none);
    CHECK(yd1363::sight(Bytes(good).first(17), '~').kind == Kind::partial);
    CHECK(yd1363::sight(ascii("~200046040000FDB1\r"), '~').fault == Fault::checksum);
    CHECK(yd1363::sight(ascii("~2000460G0000FDB0\r"), '~').fault == Fault::header);
    CHECK(yd1363::sight(ascii("~2000\r"), '~').fault == Fault::length);
    CHECK(yd1363::sight(ascii("~2000~200046040000FDB0\r"), '~').fault == Fault::truncated);
    const auto nibble = yd1363::sight(ascii("~200046041000FDAF\r"), '~');
    CHECK(nibble.fault == Fault::length_checksum);
    CHECK(nibble.length == 18);
    // A sum over lower-case digits is the sum of those characters.
    CHECK(yd1363::sight(ascii("~20014a420000fd6e\r"), '~').kind == Kind::none);
    CHECK(yd1363::sight(ascii("~20014a420000fd82\r"), '~').kind == Kind::frame);
}

TEST_CASE("the hexadecimal frame in the words of one family") {
    static constexpr std::uint8_t rtns[] = {0x90};
    const yd1363::Dialect dialect{
        '~', rtns, [](const yd1363::Head& head) { return head.ver == 0x20 && head.cid1 == 0x46; }};
    const auto asked = ascii("~20004642E00201FD36\r");
    const auto answer = ascii("~200046000000FDB4\r");
    CHECK(yd1363::sight(asked, asked, dialect).role == Role::request);
    CHECK(yd1363::sight(answer, asked, dialect).role == Role::reply);
    CHECK(yd1363::sight(ascii("~200046900000FDAB\r"), {}, dialect).role == Role::reply);
    CHECK(yd1363::sight(ascii("~20004A040000FDA5\r"), {}, dialect).kind == Kind::none);
    // A wrong check nibble of the length is forgiven in an answer, not in what nobody asked for.
    const auto nibble = ascii("~200046041000FDAF\r");
    CHECK(yd1363::sight(nibble, {}, dialect).fault == Fault::length_checksum);
    CHECK(yd1363::sight(nibble, asked, dialect).role == Role::reply);
    CHECK_FALSE(yd1363::mismatch(answer, asked));
    CHECK(yd1363::mismatch(ascii("~200146000000FDB3\r"), asked) == Fault::address);
    CHECK(yd1363::command(asked) == 0x42u);
    Record record;
    CHECK_FALSE(yd1363::describe(ascii("~200046040000FDB0\r"), Role::reply, record));
    CHECK(std::get<std::string>(record.find("error")->value) == "CID2 invalid");
}
