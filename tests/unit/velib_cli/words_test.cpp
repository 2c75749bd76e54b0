#include "words.hpp"

#include "interfaces.hpp"
#include "support/catch.hpp"

#include <string>
#include <vector>

using namespace velib::cli;

using Words = std::vector<std::string>;

TEST_CASE("options may stand anywhere, arguments of methods may look like options") {
    CHECK(sort_words({}) == Words{});
    CHECK(sort_words({"-y"}) == Words{"-y"});
    CHECK(sort_words({"com.a"}) == Words{"--", "com.a"});
    CHECK(sort_words({"com.a", "/P", "SetValue", "-5"}) == Words{"--", "com.a", "/P", "SetValue", "-5"});
    CHECK(sort_words({"-y", "com.a", "/P", "SetValue", "--json", "x"})
          == Words{"-y", "--json", "--", "com.a", "/P", "SetValue", "x"});
    CHECK(sort_words({"com.a", "--dbus", "unix:path=/x", "/P", "GetValue"})
          == Words{"--dbus", "unix:path=/x", "--", "com.a", "/P", "GetValue"});
    CHECK(sort_words({"com.a", "/P", "SetValue", "--", "--json"})
          == Words{"--", "com.a", "/P", "SetValue", "--json"});
    CHECK(sort_words({"com.a", "--nonsense"}) == Words{"--nonsense", "--", "com.a"});
    CHECK(sort_words({":1.5", "/", "GetItems"}) == Words{"--", ":1.5", "/", "GetItems"});
}

TEST_CASE("commands of our own are left alone") {
    CHECK(sort_words({"watch", "com.a", "--once"}) == Words{"watch", "com.a", "--once"});
    CHECK(sort_words({"-y", "--json", "list"}) == Words{"-y", "--json", "list"});
}

TEST_CASE("declarations are found by bare name and by interface") {
    const auto object = parse_introspection(R"(<node>
        <interface name="a.One"><method name="Get"><arg type="v" direction="out"/></method></interface>
        <interface name="a.Two"><method name="Get"><arg type="s"/></method>
          <method name="Add"><arg name="group" type="s" direction="in"/><arg type="aa{sv}" direction="in"/>
            <arg name="code" type="i" direction="out"/></method>
          <signal name="Sig"><arg type="s"/></signal></interface>
        <node name="child"/><node name="other"/></node>)");
    REQUIRE(object);
    CHECK(object->children == Words{"child", "other"});
    CHECK(find_method(*object, "Get")->interface == "a.One");
    CHECK(find_method(*object, "a.Two.Get")->method.in.size() == 1);
    CHECK_FALSE(find_method(*object, "Sig"));
    CHECK_FALSE(find_method(*object, "a.Three.Get"));
    CHECK(describe(find_method(*object, "Get")->method) == "Variant Get()");
    CHECK(describe(find_method(*object, "Add")->method)
          == "(Int32 code) Add(String group, Dictionary {String, Variant}[])");
    CHECK(describe({"Odd", {{"", "(i(sas))"}, {"", "a{"}, {"", ""}, {"", "z"}}, {}})
          == "void Odd(Struct {Int32, Struct {String, String[]}}, '{'[], '', 'z')");
}

TEST_CASE("what is no introspection document is nothing") {
    for (const auto* xml : {"", "rubbish", "<other/>", "<node"}) {
        INFO(xml);
        CHECK_FALSE(parse_introspection(xml));
    }
}
