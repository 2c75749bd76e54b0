#include "velib/tree.hpp"

#include "support/catch.hpp"
#include "support/recording_sink.hpp"

#include <cmath>
#include <limits>
#include <stdexcept>

using namespace velib;

namespace {

std::vector<std::string> paths_of(std::span<const std::unique_ptr<Item>> items) {
    std::vector<std::string> paths;
    for (const auto& item : items) {
        paths.push_back(item->path());
    }
    return paths;
}

}  // namespace

TEST_CASE("only legal object paths name items") {
    for (const auto* path : {"/A", "/Dc/0/Voltage", "/a_b/9"}) {
        CHECK(is_item_path(path));
    }
    for (const auto* path : {"", "/", "A", "A/B", "/A/", "//A", "/A//B", "/A-B", "/A B", "/Ä", "/A.B"}) {
        INFO(path);
        CHECK_FALSE(is_item_path(path));
        ItemTree tree;
        CHECK_THROWS_AS(tree.add(path, {}), std::invalid_argument);
    }
}

TEST_CASE("items are found, and each path exists once") {
    ItemTree tree;
    auto& item = tree.add("/Dc/0/Voltage", {Type::real, format::dc_volts}, 12.5);
    CHECK(tree.find("/Dc/0/Voltage") == &item);
    CHECK(item.text() == "12.50V");
    CHECK(tree.find("/Dc/0") == nullptr);
    CHECK(tree.find("/Dc/0/Voltage/x") == nullptr);
    CHECK_THROWS_AS(tree.add("/Dc/0/Voltage", {}), std::invalid_argument);
    CHECK_THROWS_AS(tree.set("/Nope", Value(1)), std::invalid_argument);
    CHECK(tree.size() == 1);
}

TEST_CASE("nodes are the proper prefixes of paths") {
    ItemTree tree;
    CHECK(tree.is_node("/"));
    for (const auto* path : {"/Ac/L1/Power", "/Ac/L10", "/Ac", "/AcX", "/Ac/L1/Current", "/Ab"}) {
        tree.add(path, {});
    }
    CHECK(tree.is_node("/Ac/L1"));
    CHECK(tree.is_node("/Ac"));
    CHECK_FALSE(tree.is_node("/A"));
    CHECK_FALSE(tree.is_node("/Ac/L10"));
    CHECK_FALSE(tree.is_node("/AcX"));
    CHECK_FALSE(tree.is_node("/Ac/L"));
    using Paths = std::vector<std::string>;
    CHECK(paths_of(tree.below("/Ac")) == Paths{"/Ac/L1/Current", "/Ac/L1/Power", "/Ac/L10"});
    CHECK(paths_of(tree.below("/Ac/L1")) == Paths{"/Ac/L1/Current", "/Ac/L1/Power"});
    CHECK(tree.below("/").size() == 6);
    CHECK(tree.below("/Nope").empty());
    const auto children = tree.children("/");
    CHECK(Paths(children.begin(), children.end()) == Paths{"Ab", "Ac", "AcX"});
}

TEST_CASE("a lone change is told at once, an equal value is not") {
    ItemTree tree;
    auto& item = tree.add("/Soc", {Type::real, format::percent}, 50.0);
    RecordingSink sink;
    tree.listen(&sink);
    tree.set(item, 50.04);  // noise below the resolution
    tree.set(item, 50);
    CHECK(sink.silent());
    tree.set(item, 51.26);
    tree.invalidate(item);
    tree.invalidate(item);
    tree.set(item, std::optional<double>());
    CHECK(sink.singles == std::vector<RecordingSink::Entry>{{"/Soc", "51.3%"}, {"/Soc", "---"}});
    CHECK(sink.batches.empty());
    CHECK_FALSE(item.value().valid());
}

TEST_CASE("an update leaves as one batch with final values, each item once") {
    ItemTree tree;
    auto& a = tree.add("/A", {Type::integer}, 1);
    auto& b = tree.add("/B", {Type::integer}, 1);
    auto& c = tree.add("/C", {Type::integer}, 1);
    RecordingSink sink;
    tree.listen(&sink);
    {
        Update update(tree);
        update.set(a, 2);
        update.set(b, 2);
        update.set(a, 3);
        update.set(c, 1);
        {
            Update inner(tree);
            inner.set("/B", Value(4));
        }
        CHECK(sink.silent());
    }
    CHECK(sink.singles.empty());
    CHECK(sink.batches == std::vector<std::vector<RecordingSink::Entry>>{{{"/A", "3"}, {"/B", "4"}}});
    { const Update empty(tree); }
    {
        Update same(tree);
        same.set(a, 3);
        same.invalidate(c);
        same.set(c, 1);  // told although it is back: it was something else in between
    }
    REQUIRE(sink.batches.size() == 2);
    CHECK(sink.batches[1] == std::vector<RecordingSink::Entry>{{"/C", "1"}});
}

TEST_CASE("every kind of value a driver has finds its way into an item") {
    enum class State : std::uint8_t { bulk = 3 };
    ItemTree tree;
    auto& integer = tree.add("/I", {Type::integer});
    auto& real = tree.add("/R", {Type::real});
    auto& text = tree.add("/T", {Type::text});
    tree.set(integer, State::bulk);
    CHECK(integer.value() == Value(3));
    tree.set(integer, true);
    CHECK(integer.value() == Value(1));
    tree.set(integer, std::uint16_t{65535});
    CHECK(integer.value() == Value(65535));
    tree.set(integer, std::numeric_limits<std::uint64_t>::max());
    CHECK_FALSE(integer.value().valid());
    tree.set(integer, 2.9);
    CHECK(integer.value() == Value(2));
    tree.set(real, 3);
    CHECK(real.value() == Value(3.0));
    tree.set(real, 2.5F);
    CHECK(real.value() == Value(2.5));
    tree.set(real, std::nan(""));
    CHECK_FALSE(real.value().valid());
    tree.set(text, "abc");
    tree.set(text, std::string_view("abc"));
    CHECK(text.value() == Value("abc"));
    tree.set(text, std::optional<std::string>("x"));
    CHECK(text.value() == Value("x"));
    tree.set(text, std::optional<std::string>());
    CHECK_FALSE(text.value().valid());
    tree.set(text, 5);  // not of its type: no value rather than a wrong one
    CHECK_FALSE(text.value().valid());
}

TEST_CASE("an item keeps its type whatever is assigned") {
    ItemTree tree;
    auto& item = tree.add("/I", {Type::integer}, 5);
    tree.set("/I", Value("12"));
    CHECK(item.value() == Value(12));
    tree.set("/I", Value(true));
    CHECK(item.value() == Value(1));
    tree.set("/I", Value(13.9));
    CHECK(item.value() == Value(13));
}

TEST_CASE("items added while somebody listens are announced, also within an update") {
    ItemTree tree;
    RecordingSink sink;
    tree.add("/Before", {});
    tree.listen(&sink);
    tree.add("/A", {Type::integer}, 1);
    {
        const Update update(tree);
        tree.add("/B", {Type::integer});
        tree.add("/C", {Type::integer}, 3);
    }
    CHECK(sink.batches
          == std::vector<std::vector<RecordingSink::Entry>>{{{"/A", "1"}}, {{"/B", "---"}, {"/C", "3"}}});
}

TEST_CASE("removal is announced as invalid before the items are gone") {
    struct Probe final : ChangeSink {
        explicit Probe(ItemTree& probed) : tree(probed) {}
        void items_changed(std::span<const Item* const> items) override {
            for (const auto* item : items) {
                CHECK(tree.find(item->path()) == item);
                CHECK_FALSE(item->value().valid());
                told.push_back(item->path());
            }
        }
        void item_changed(const Item&) override { FAIL("a removal is no lone change"); }
        ItemTree& tree;
        std::vector<std::string> told;
    };
    ItemTree tree;
    for (const auto* path : {"/Dev/1/A", "/Dev/1/B", "/Dev/10", "/Dev/2"}) {
        tree.add(path, {Type::integer}, 1);
    }
    tree.add("/Dev/1/Invalid", {Type::integer});
    Probe probe(tree);
    tree.listen(&probe);
    tree.remove("/Dev/1");
    CHECK(probe.told == std::vector<std::string>{"/Dev/1/A", "/Dev/1/B", "/Dev/1/Invalid"});
    CHECK(tree.size() == 2);
    CHECK(tree.find("/Dev/1/A") == nullptr);
    CHECK_FALSE(tree.is_node("/Dev/1"));
    tree.remove("/Nope");
    CHECK(probe.told.size() == 3);
}

TEST_CASE("removal in the middle of an update takes the earlier changes along") {
    ItemTree tree;
    auto& a = tree.add("/A", {Type::integer}, 1);
    tree.add("/B", {Type::integer}, 1);
    RecordingSink sink;
    tree.listen(&sink);
    {
        Update update(tree);
        update.set(a, 2);
        update.set("/B", Value(2));
        tree.remove("/B");
        update.set(a, 3);
    }
    CHECK(sink.batches
          == std::vector<std::vector<RecordingSink::Entry>>{{{"/A", "2"}, {"/B", "---"}}, {{"/A", "3"}}});
}

TEST_CASE("changes of an update are forgotten when nobody listens any more") {
    ItemTree tree;
    auto& a = tree.add("/A", {Type::integer}, 1);
    RecordingSink sink;
    tree.listen(&sink);
    {
        Update update(tree);
        update.set(a, 2);
        tree.listen(nullptr);
    }
    CHECK(sink.silent());
    tree.listen(&sink);
    tree.set(a, 3);
    CHECK(sink.singles == std::vector<RecordingSink::Entry>{{"/A", "3"}});
}
