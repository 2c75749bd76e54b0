#include "velib/value.hpp"

#include "support/catch.hpp"

#include <cmath>
#include <limits>

using namespace velib;

namespace {

enum class Mode : std::uint8_t { off = 0, on = 4 };

template <class T>
bool holds(const Value& value, const T& expected) {
    const auto* content = std::get_if<T>(&value.storage());
    return content != nullptr && *content == expected;
}

}  // namespace

TEST_CASE("a value keeps what it is made of") {
    CHECK_FALSE(Value().valid());
    CHECK(holds(Value(true), true));
    CHECK(holds(Value(-5), std::int32_t{-5}));
    CHECK(holds(Value(std::uint8_t{7}), std::int32_t{7}));
    CHECK(holds(Value(Mode::on), std::int32_t{4}));
    CHECK(holds(Value(2.5F), 2.5));
    CHECK(holds(Value("abc"), std::string("abc")));
    CHECK(holds(Value(std::optional(3)), std::int32_t{3}));
    CHECK_FALSE(Value(std::optional<double>()).valid());
    CHECK(holds(Value::of_unsigned(4000000000), std::uint32_t{4000000000}));
}

TEST_CASE("an integer is 32 bits wide unless it needs 64") {
    CHECK(holds(Value(std::int64_t{2147483647}), std::int32_t{2147483647}));
    CHECK(holds(Value(std::int64_t{2147483648}), std::int64_t{2147483648}));
    CHECK(holds(Value(std::numeric_limits<std::int64_t>::min()), std::numeric_limits<std::int64_t>::min()));
    CHECK(holds(Value(std::uint32_t{4294967295}), std::int64_t{4294967295}));
    CHECK_FALSE(Value(std::numeric_limits<std::uint64_t>::max()).valid());
}

TEST_CASE("what no consumer can use becomes invalid") {
    CHECK_FALSE(Value(std::nan("")).valid());
    CHECK_FALSE(Value(std::numeric_limits<double>::infinity()).valid());
    CHECK_FALSE(Value(-std::numeric_limits<double>::infinity()).valid());
    CHECK_FALSE(Value(std::vector<std::int32_t>{}).valid());
    CHECK_FALSE(Value(std::vector<std::string>{}).valid());
    CHECK(Value("").valid());
    CHECK(Value(std::vector<std::uint8_t>{0}).valid());
}

TEST_CASE("strings become valid UTF-8 without NUL") {
    const auto clean = [](std::string_view bytes) { return *Value(bytes).text(); };
    CHECK(clean("Kühlbox €") == "Kühlbox €");
    CHECK(clean("\xf0\x9f\x94\x8b") == "\xf0\x9f\x94\x8b");
    CHECK(clean(std::string_view("ab\0cd", 5)) == "ab");
    CHECK(clean("a\xff" "b") == "a\xef\xbf\xbd" "b");
    CHECK(clean("\xc3") == "\xef\xbf\xbd");                              // cut off
    CHECK(clean("\xc0\xaf") == "\xef\xbf\xbd\xef\xbf\xbd");              // overlong '/'
    CHECK(clean("\xed\xa0\x80").find("\xed") == std::string::npos);      // surrogate
    CHECK(clean("\xf4\x90\x80\x80").find("\xf4") == std::string::npos);  // beyond U+10FFFF
    CHECK(std::get<std::vector<std::string>>(Value(std::vector<std::string>{"\xff"}).storage()).front()
          == "\xef\xbf\xbd");
}

TEST_CASE("numbers read as a number of any width") {
    CHECK(Value(5).real() == 5.0);
    CHECK(Value(true).real() == 1.0);
    CHECK(Value(13.9).integer() == 13);
    CHECK(Value(-13.9).integer() == -13);
    CHECK(Value(false).integer() == 0);
    CHECK(Value(1e19).integer() == std::nullopt);
    CHECK(Value(-9223372036854775808.0).integer() == std::numeric_limits<std::int64_t>::min());
    CHECK(Value("5").real() == std::nullopt);
    CHECK(Value(std::vector<double>{1}).integer() == std::nullopt);
    CHECK(Value().real() == std::nullopt);
}

TEST_CASE("equal is what a client sees as equal") {
    CHECK(Value(5).same_as(Value(5.0)));
    CHECK(Value(1).same_as(Value(true)));
    CHECK(Value(5).same_as(Value::of_unsigned(5)));
    CHECK_FALSE(Value(5).same_as(Value("5")));
    CHECK_FALSE(Value(0).same_as(Value()));
    CHECK_FALSE(Value("").same_as(Value()));
    CHECK(Value().same_as(Value(std::vector<double>{})));
    CHECK(Value(std::vector<double>{1, 2}).same_as(Value(std::vector<double>{1, 2})));
    CHECK_FALSE(Value(std::vector<double>{1, 2}).same_as(Value(std::vector<double>{1, 3})));
    // Beyond what a double can tell apart.
    CHECK_FALSE(Value(std::int64_t{9007199254740992}).same_as(Value(std::int64_t{9007199254740993})));
}

TEST_CASE("an integer item takes numbers and whole numeric strings") {
    CHECK(holds(*coerce(Value("12"), Type::integer), std::int32_t{12}));
    CHECK(holds(*coerce(Value(" 12 "), Type::integer), std::int32_t{12}));
    CHECK(holds(*coerce(Value("+12"), Type::integer), std::int32_t{12}));
    CHECK(holds(*coerce(Value("-12"), Type::integer), std::int32_t{-12}));
    CHECK(holds(*coerce(Value(13.9), Type::integer), std::int32_t{13}));
    CHECK(holds(*coerce(Value(true), Type::integer), std::int32_t{1}));
    CHECK(holds(*coerce(Value::of_unsigned(7), Type::integer), std::int32_t{7}));
    for (const auto* text :
         {"abc", "", " ", "4.5", "12x", "1 2", "+-3", "--3", "0x10", "99999999999999999999"}) {
        INFO(text);
        CHECK_FALSE(coerce(Value(text), Type::integer));
    }
    CHECK_FALSE(coerce(Value(1e300), Type::integer));
    CHECK_FALSE(coerce(Value(std::vector<std::int32_t>{1}), Type::integer));
}

TEST_CASE("an unsigned item takes what fits") {
    CHECK(holds(*coerce(Value(5), Type::unsigned_integer), std::uint32_t{5}));
    CHECK(holds(*coerce(Value("4294967295"), Type::unsigned_integer), std::uint32_t{4294967295}));
    CHECK(holds(*coerce(Value(2.9), Type::unsigned_integer), std::uint32_t{2}));
    CHECK_FALSE(coerce(Value(-1), Type::unsigned_integer));
    CHECK_FALSE(coerce(Value(std::int64_t{4294967296}), Type::unsigned_integer));
}

TEST_CASE("a real item takes numbers and numeric strings with a decimal point") {
    CHECK(holds(*coerce(Value(3), Type::real), 3.0));
    CHECK(holds(*coerce(Value("2.5"), Type::real), 2.5));
    CHECK(holds(*coerce(Value("-1e3"), Type::real), -1000.0));
    CHECK(holds(*coerce(Value(true), Type::real), 1.0));
    for (const auto* text : {"2,5", "abc", "", "nan", "inf", "-infinity", "1e999", "2.5V"}) {
        INFO(text);
        CHECK_FALSE(coerce(Value(text), Type::real));
    }
}

TEST_CASE("texts and arrays keep their kind") {
    CHECK(holds(*coerce(Value("x"), Type::text), std::string("x")));
    CHECK_FALSE(coerce(Value(5), Type::text));
    using Integers = std::vector<std::int32_t>;
    CHECK(coerce(Value(Integers{1, 2}), Type::integers) == Value(Integers{1, 2}));
    CHECK(coerce(Value(Integers{1, 2}), Type::reals) == Value(std::vector<double>{1, 2}));
    CHECK(coerce(Value(Integers{1, 255}), Type::bytes) == Value(std::vector<std::uint8_t>{1, 255}));
    CHECK_FALSE(coerce(Value(Integers{256}), Type::bytes));
    CHECK_FALSE(coerce(Value(Integers{-1}), Type::bytes));
    CHECK_FALSE(coerce(Value(std::vector<double>{1.5}), Type::integers));
    CHECK(coerce(Value(std::vector<std::string>{"a"}), Type::texts) == Value(std::vector<std::string>{"a"}));
    CHECK_FALSE(coerce(Value("a"), Type::texts));
}

TEST_CASE("invalid stays invalid for every type, and any takes everything") {
    for (const auto type : {Type::integer, Type::unsigned_integer, Type::real, Type::text, Type::integers,
                            Type::reals, Type::texts, Type::bytes, Type::any}) {
        const auto converted = coerce(Value(), type);
        REQUIRE(converted);
        CHECK_FALSE(converted->valid());
    }
    CHECK(coerce(Value("x"), Type::any) == Value("x"));
    CHECK(coerce(Value(2.5), Type::any) == Value(2.5));
}
