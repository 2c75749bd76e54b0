#include "introspection.hpp"

#include "support/catch.hpp"

using namespace velib;

namespace {

bool has(const std::string& xml, std::string_view part) {
    return xml.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("introspection declares what answers at a leaf, without names of out-arguments") {
    ItemTree tree;
    tree.add("/Plain", {});
    tree.add("/Limited", {.type = Type::integer, .min = 1, .max = 9, .default_value = 4});
    const auto plain = introspection_xml(tree, "/Plain");
    CHECK(has(plain, R"(<interface name="com.victronenergy.BusItem">)"));
    CHECK(has(plain, R"(<method name="GetValue"><arg type="v" direction="out"/></method>)"));
    CHECK(has(plain, R"(<method name="GetText"><arg type="s" direction="out"/></method>)"));
    CHECK(has(
        plain,
        R"(<method name="SetValue"><arg type="v" direction="in"/><arg type="i" direction="out"/></method>)"));
    CHECK(has(plain, R"(<signal name="PropertiesChanged"><arg type="a{sv}"/></signal>)"));
    for (const auto* absent : {"GetMin", "GetMax", "GetDefault", "GetItems", "ItemsChanged", "<node name"}) {
        CHECK_FALSE(has(plain, absent));
    }
    const auto limited = introspection_xml(tree, "/Limited");
    for (const auto* present : {"GetMin", "GetMax", "GetDefault"}) {
        CHECK(has(limited, present));
    }
}

TEST_CASE("introspection of a node lists its children once") {
    ItemTree tree;
    for (const auto* path : {"/Ac/L1/Power", "/Ac/L1/Current", "/Ac/L10", "/Ac/L1"}) {
        tree.add(path, {});
    }
    const auto node = introspection_xml(tree, "/Ac");
    CHECK(has(node, R"(<method name="GetText"><arg type="v" direction="out"/></method>)"));
    CHECK_FALSE(has(node, "SetValue"));
    CHECK_FALSE(has(node, "GetItems"));
    CHECK(has(node, R"(<node name="L10"/>)"));
    const auto first = node.find(R"(<node name="L1"/>)");
    REQUIRE(first != std::string::npos);
    CHECK(node.find(R"(<node name="L1"/>)", first + 1) == std::string::npos);
    // A leaf may have leaves below it.
    const auto both = introspection_xml(tree, "/Ac/L1");
    CHECK(has(both, "SetValue"));
    CHECK(has(both, R"(<node name="Power"/>)"));
    const auto root = introspection_xml(tree, "/");
    CHECK(has(root, R"(<method name="GetItems"><arg type="a{sa{sv}}" direction="out"/></method>)"));
    CHECK(has(root, R"(<signal name="ItemsChanged"><arg type="a{sa{sv}}"/></signal>)"));
    CHECK(has(root, R"(<node name="Ac"/>)"));
}

TEST_CASE("complete types are told apart in a signature") {
    CHECK(complete_type_length("v") == 1);
    CHECK(complete_type_length("a{sv}i") == 5);
    CHECK(complete_type_length("aa{sa{sv}}s") == 10);
    CHECK(complete_type_length("(i(ss))u") == 7);
}
