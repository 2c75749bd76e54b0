#include "data.hpp"
#include "literal.hpp"
#include "support/catch.hpp"

#include <limits>
#include <string>

using namespace velib::cli;

namespace {

std::string again(const char* literal) {
    return to_python(parse_literal(literal));
}

std::string problem(const char* literal) {
    try {
        const auto data = parse_literal(literal);
        return "no problem: " + to_python(data);
    } catch (const LiteralError& error) {
        return error.what();
    }
}

}  // namespace

TEST_CASE("literals read and print as in Python") {
    const auto [literal, printed] = GENERATE(table<const char*, const char*>({
        {"5", "5"},
        {"-5", "-5"},
        {"+5", "5"},
        {"--5", "5"},
        {"1_000", "1000"},
        {"0x1F", "31"},
        {"0o17", "15"},
        {"0b101", "5"},
        {"-0x10", "-16"},
        {"9223372036854775807", "9223372036854775807"},
        {"-9223372036854775808", "-9223372036854775808"},
        {"18446744073709551615", "18446744073709551615"},
        {"2.5", "2.5"},
        {"-.5", "-0.5"},
        {"5.", "5.0"},
        {"1e3", "1000.0"},
        {"1e-7", "1e-07"},
        {"1E+20", "1e+20"},
        {"1e16", "1e+16"},
        {"123456789012345.0", "123456789012345.0"},
        {"0.1", "0.1"},
        {"True", "True"},
        {"False", "False"},
        {"'abc'", "'abc'"},
        {"\"it's\"", "\"it's\""},
        {"'both \\' and \"'", "'both \\' and \"'"},
        {"'a' 'b'", "'ab'"},
        {"'''tri\nple'''", "'tri\\nple'"},
        {"'tab\\tback\\\\'", "'tab\\tback\\\\'"},
        {"'\\x41\\u00e9\\U0001F600'", "'Aé😀'"},
        {"'\\x1b[31m'", "'\\x1b[31m'"},
        {"b'\\x00\\xff'", "[0, 255]"},
        {"[]", "[]"},
        {"[1, 2.5, 'x']", "[1, 2.5, 'x']"},
        {" [ 1 , 2 , ] ", "[1, 2]"},
        {"(1, 2)", "(1, 2)"},
        {"(1,)", "(1,)"},
        {"(1)", "1"},
        {"()", "()"},
        {"{}", "{}"},
        {"{'b': 1, 'a': [True, {'x': None}]}", "{'a': [True, {'x': []}], 'b': 1}"},
        {"{10: 'x', 9: 'y'}", "{9: 'y', 10: 'x'}"},
    }));
    INFO(literal);
    CHECK(again(literal) == printed);
}

TEST_CASE("what is no literal says what is wrong and where") {
    CHECK(problem("") == "expected a number, a string in quotes, a list, a dictionary, True, False or None at character 1, "
                         "found the end");
    CHECK(problem("[1 2]") == "expected ',' or ']' at character 4, found '2]'");
    CHECK(problem("[1,") == "expected a number, a string in quotes, a list, a dictionary, True, False or None at "
                            "character 4, found the end");
    CHECK(problem("{'a' 1}") == "expected ':' at character 6, found '1}'");
    CHECK(problem("'abc") == "expected the closing ' at character 5, found the end");
    CHECK(problem("5 6") == "expected nothing more at character 3, found '6'");
    CHECK(problem("18446744073709551616") == "expected a number of at most 64 bits at character 1, found "
                                             "'18446744073709551616'");
    for (const auto* text : {"abc", "__import__('os')", "1+", "nan", "inf", "-", "0x", "1.2.3", "'\\q'",
                             "'\\x4'", "'\\ud800'", "'\\x00'", "[1", "5x", "-9223372036854775809"}) {
        INFO(text);
        CHECK_THROWS_AS(parse_literal(text), LiteralError);
    }
}

TEST_CASE("a literal that nests without end is refused") {
    CHECK_THROWS_AS(parse_literal(std::string(100000, '[')), LiteralError);
    CHECK_THROWS_AS(parse_literal(std::string(100000, '(')), LiteralError);
    std::string dictionaries;
    for (int i = 0; i < 100000; ++i) {
        dictionaries += "{1:";
    }
    CHECK_THROWS_AS(parse_literal(dictionaries), LiteralError);
}

TEST_CASE("arguments are texts unless they begin with a percent sign") {
    CHECK(to_python(parse_argument("5")) == "'5'");
    CHECK(to_python(parse_argument("%5")) == "5");
    CHECK(to_python(parse_argument("%%5")) == "'%5'");
    CHECK(to_python(parse_argument("%")) == "'%'");
    CHECK(to_python(parse_argument("")) == "''");
    CHECK(to_python(parse_argument("%[]")) == "[]");
}

TEST_CASE("special numbers read as Python writes them") {
    CHECK(to_python({std::numeric_limits<double>::quiet_NaN()}) == "nan");
    CHECK(to_python({-std::numeric_limits<double>::infinity()}) == "-inf");
}

TEST_CASE("long values are broken as pprint does") {
    CHECK(to_pretty_python(parse_literal("{'error': 0, 'path': '/Settings/X/Y', 'value': 5}"))
          == "{'error': 0, 'path': '/Settings/X/Y', 'value': 5}");
    CHECK(to_pretty_python(
              parse_literal("[{'error': 0, 'path': '/Settings/X/Y', 'value': 5}, {'error': -2, 'path': "
                            "'/Settings/_x'}]"))
          == "[{'error': 0, 'path': '/Settings/X/Y', 'value': 5},\n {'error': -2, 'path': '/Settings/_x'}]");
    CHECK(to_pretty_python(parse_literal("'a text that is far too long for one line of eighty characters and "
                                         "therefore is broken between words'"))
          == "('a text that is far too long for one line of eighty characters and therefore '\n"
             " 'is broken between words')");
}

TEST_CASE("JSON has null for what is no value") {
    CHECK(to_json(parse_literal("None")).dump() == "null");
    CHECK(to_json({std::numeric_limits<double>::infinity()}).dump() == "null");
    CHECK(to_json(parse_literal("{'b': [1, 2.5, True], 'a': ('x', b'\\x01')}")).dump()
          == R"({"b":[1,2.5,true],"a":["x",[1]]})");
    CHECK(to_json(parse_literal("{5: 1}")).dump() == R"({"5":1})");
}
