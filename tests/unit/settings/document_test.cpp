#include "document.hpp"

#include "support/catch.hpp"

#include <string>

using namespace velib;
using namespace velib::settings;

namespace {

// As localsettings 1.76 writes it.
constexpr const char* kFile = R"(<?xml version='1.0' encoding='UTF-8'?>
<Settings version="19" unique-id="c0619ab12345">
  <Devices>
    <bms_AB12>
      <ClassAndVrmInstance type="s" default="battery:1" silent="False">battery:1</ClassAndVrmInstance>
    </bms_AB12>
  </Devices>
  <Rng type="i" min="0" max="3" default="1" silent="False">9</Rng>
  <System>
    <_3rdParty type="f" min="0.0" max="1.5" default="0.5" silent="True">1.25</_3rdParty>
  </System>
</Settings>
)";

Document only(Setting setting) {
    return {.settings = {std::move(setting)}};
}

Setting read_back(const Setting& setting) {
    const auto parsed = parse_document(to_xml(only(setting)));
    REQUIRE_FALSE(parsed.broken);
    REQUIRE(parsed.document.settings.size() == 1);
    return parsed.document.settings.front();
}

std::string wrapped(const std::string& inner) {
    return "<Settings version=\"19\" unique-id=\"\">" + inner + "</Settings>";
}

}  // namespace

TEST_CASE("a file of localsettings is read, and written the same") {
    const auto parsed = parse_document(kFile);
    REQUIRE_FALSE(parsed.broken);
    CHECK(parsed.problems.empty());
    const auto& settings = parsed.document.settings;
    REQUIRE(settings.size() == 3);
    CHECK(settings[0]
          == Setting{"/Settings/Devices/bms_AB12/ClassAndVrmInstance", Type::text, Value("battery:1"),
                     Value("battery:1")});
    CHECK(settings[1] == Setting{"/Settings/Rng", Type::integer, Value(9), Value(1), 0, 3});
    CHECK(settings[2]
          == Setting{"/Settings/System/3rdParty", Type::real, Value(1.25), Value(0.5), 0, 1.5, true});
    CHECK(parsed.document.unique_id == "c0619ab12345");
    CHECK(to_xml(parsed.document) == kFile);
}

TEST_CASE("texts survive the file whatever they contain") {
    for (const auto* text : {"", " ", "  two  ", "<a & \"b\"> 'c'", "line\nline", "tab\tand\r\nreturn",
                             "grün ☀", "]]>", "<!-- no comment -->", "&amp;", "5"}) {
        INFO('"' << text << '"');
        const Setting setting{"/Settings/S", Type::text, Value(text), Value(text)};
        CHECK(read_back(setting) == setting);
    }
}

TEST_CASE("numbers survive the file") {
    for (const double number : {0.1, -1e-9, 1e300, 3.0, 12345678.9}) {
        const Setting setting{"/Settings/F", Type::real, Value(number), Value(number), -1e301, 1e301};
        CHECK(read_back(setting) == setting);
    }
    const Setting large{"/Settings/I", Type::integer, Value(std::int64_t{1} << 62), Value(-5), -1e9, 1e9};
    CHECK(read_back(large) == large);
}

TEST_CASE("elements are sorted by their tags, whatever the order of the settings") {
    Document document;
    for (const auto* path :
         {"/Settings/b", "/Settings/B/y", "/Settings/3", "/Settings/Bc", "/Settings/B/x"}) {
        document.settings.push_back({path, Type::integer, Value(1)});
    }
    CHECK(to_xml(document) == R"(<?xml version='1.0' encoding='UTF-8'?>
<Settings version="19" unique-id="">
  <B>
    <x type="i" silent="False">1</x>
    <y type="i" silent="False">1</y>
  </B>
  <Bc type="i" silent="False">1</Bc>
  <_3 type="i" silent="False">1</_3>
  <b type="i" silent="False">1</b>
</Settings>
)");
}

TEST_CASE("what is no settings file is broken") {
    for (const auto* text : {"", "rubbish", "<Settings", "<Settings><A type=\"i\">1</A>", "<Other/>",
                             "<Settings><A></B></Settings>"}) {
        INFO(text);
        const auto parsed = parse_document(text);
        CHECK(parsed.broken);
        CHECK(parsed.problems.size() == 1);
        CHECK(parsed.document.settings.empty());
    }
}

TEST_CASE("one bad setting does not cost the others") {
    const auto parsed = parse_document(
        wrapped("<A type=\"i\" default=\"4\">x</A><B type=\"i\">x</B><C type=\"z\">1</C><D type=\"f\">nan</D>"
                "<E.e type=\"i\">1</E.e><F type=\"i\">6</F><G>text of a group</G><!-- note -->"));
    REQUIRE_FALSE(parsed.broken);
    REQUIRE(parsed.document.settings.size() == 2);
    CHECK(parsed.document.settings[0] == Setting{"/Settings/A", Type::integer, Value(4), Value(4)});
    CHECK(parsed.document.settings[1] == Setting{"/Settings/F", Type::integer, Value(6)});
    CHECK(parsed.problems.size() == 5);
}

TEST_CASE("a file that is nested without end is read to a depth") {
    std::string open;
    std::string close;
    for (int i = 0; i < 100000; ++i) {
        open += "<a>";
        close += "</a>";
    }
    const auto parsed = parse_document(wrapped(open + "<B type=\"i\">1</B>" + close + "<C type=\"i\">1</C>"));
    REQUIRE_FALSE(parsed.broken);
    CHECK(parsed.document.settings.size() == 1);
    CHECK(parsed.problems.size() == 1);
}

TEST_CASE("the version of a newer program is kept") {
    CHECK(parse_document("<Settings version=\"23\"/>").document.version == 23);
    CHECK(parse_document("<Settings version=\"2\"/>").document.version == 19);
}
