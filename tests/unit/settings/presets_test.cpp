#include "presets.hpp"

#include "support/catch.hpp"

using namespace velib;
using namespace velib::settings;

TEST_CASE("preset lines are read") {
    const auto parsed = parse_presets(
        "# a comment\n"
        "\n"
        "Gui/Brightness 80 i 0 100   # in percent\r\n"
        "/System/Name \"a # b\" s\n"
        "Quiet 0.5 f 0 1 1\n"
        "Single 'it is' s");
    CHECK(parsed.problems.empty());
    REQUIRE(parsed.requests.size() == 4);
    CHECK(parsed.requests[0].path == "/Settings/Gui/Brightness");
    CHECK(parsed.requests[0].type == Type::integer);
    CHECK(parsed.requests[0].default_value == Value("80"));
    CHECK(parsed.requests[0].max == Value("100"));
    CHECK_FALSE(parsed.requests[0].silent);
    CHECK(parsed.requests[1].path == "/Settings/System/Name");
    CHECK(parsed.requests[1].default_value == Value("a # b"));
    CHECK(parsed.requests[2].silent);
    CHECK(parsed.requests[3].default_value == Value("it is"));

    ItemTree tree;
    Store store(tree);
    for (const auto& request : parsed.requests) {
        CHECK(store.add(request) == AddCode::ok);
    }
    CHECK(tree.find("/Settings/Gui/Brightness")->value() == Value(80));
    CHECK(tree.find("/Settings/Quiet")->max() == 1);
}

TEST_CASE("lines that are no presets are named") {
    const auto parsed = parse_presets("A\nB 1\nC 1 z\nD \"open s\nE 1 i 0 1 0 9\nF 1 i\n");
    CHECK(parsed.requests.size() == 1);
    REQUIRE(parsed.problems.size() == 5);
    CHECK(parsed.problems[3] == "line 4 is not: path default type [min max [silent]]");
}
