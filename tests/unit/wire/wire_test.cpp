#include "support/catch.hpp"
#include "wire/bytes.hpp"
#include "wire/checksum.hpp"
#include "wire/expected.hpp"

#include <string>

using namespace wire;

namespace {

Buffer text(std::string_view characters) {
    return {characters.begin(), characters.end()};
}

}  // namespace

// The "check" values of the CRC catalogue: the CRC of the ASCII digits 1 to 9.
TEST_CASE("checksums agree with the catalogue's check values") {
    const auto digits = text("123456789");
    CHECK(Crc16Modbus::of(digits) == 0x4B37);
    CHECK(Crc16Ccitt::of(digits) == 0x29B1);
    CHECK(Crc16Xmodem::of(digits) == 0x31C3);
    CHECK(Crc8::of(digits) == 0xF4);
    CHECK(sum16(digits) == 477);
    CHECK(sum8(digits) == 477 % 256);
    CHECK(xor8(digits) == 0x31);
}

TEST_CASE("integers are read in both byte orders") {
    const Buffer bytes{0x01, 0x02, 0x03, 0x84};
    CHECK(be16(bytes, 0) == 0x0102);
    CHECK(le16(bytes, 0) == 0x0201);
    CHECK(be24(bytes, 1) == 0x020384);
    CHECK(le24(bytes, 1) == 0x840302);
    CHECK(be32(bytes, 0) == 0x01020384);
    CHECK(le32(bytes, 0) == 0x84030201);
    CHECK(s16(0xffff) == -1);
    CHECK(sign_extend(0x3fffff, 22) == -1);
    CHECK(sign_extend(0x1fffff, 22) == 0x1fffff);
    CHECK(sign_extend(0xffffffff, 32) == -1);
}

TEST_CASE("a cursor that runs out says so and yields nothing") {
    const Buffer bytes{0x12, 0x34, 0x56};
    Cursor cursor{bytes};
    CHECK(cursor.be16() == 0x1234);
    CHECK(cursor.ok());
    CHECK(cursor.le16() == 0);
    CHECK_FALSE(cursor.ok());
    CHECK(cursor.take(1).empty());
}

TEST_CASE("hexadecimal text goes both ways and rejects what is not hexadecimal") {
    CHECK(to_hex(Buffer{0x00, 0xff, 0x1a}) == "00ff1a");
    CHECK(from_hex("00 FF 1a") == Buffer{0x00, 0xff, 0x1a});
    CHECK_FALSE(from_hex("0").has_value());
    CHECK_FALSE(from_hex("0g").has_value());
}

TEST_CASE("a device's text ends at NUL and keeps only printable characters") {
    CHECK(ascii(Buffer{'A', 0x07, 'B', ' ', ' '}) == "AB");
    CHECK(ascii(Buffer{'A', 0, 'B'}) == "A");
}

TEST_CASE("an Expected holds a value or an error") {
    const auto half = [](int number) -> Expected<int, std::string> {
        if (number % 2 != 0) {
            return Unexpected{std::string{"odd"}};
        }
        return number / 2;
    };
    CHECK(*half(4) == 2);
    CHECK(half(3).error() == "odd");
    CHECK(half(3).value_or(7) == 7);
}
