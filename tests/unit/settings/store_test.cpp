#include "store.hpp"

#include "support/catch.hpp"

#include <stdexcept>
#include <string>
#include <vector>

using namespace velib;
using namespace velib::settings;

namespace {

// What a client would hear: "+" for a setting with its attributes, "-" for a removal, "=" for a value.
struct Recorder final : ChangeSink {
    void items_changed(std::span<const Item* const> items) override {
        for (const auto* item : items) {
            heard.push_back((item->value().valid() ? "+" : "-") + item->path());
        }
    }
    void item_changed(const Item& item) override { heard.push_back("=" + item.path() + " " + item.text()); }
    std::vector<std::string> take() { return std::exchange(heard, {}); }
    std::vector<std::string> heard;
};

struct Fixture {
    Fixture() { tree.listen(&recorder); }

    AddCode add(std::string path, std::optional<Type> type, Value default_value, Value min = {},
                Value max = {}, bool silent = false) {
        return store.add(
            {std::move(path), type, std::move(default_value), std::move(min), std::move(max), silent});
    }
    AddCode add_instance(const std::string& id, const std::string& wanted) {
        return add("/Settings/Devices/" + id + "/ClassAndVrmInstance", Type::text, Value(wanted));
    }
    bool write(std::string_view path, const Value& value) { return store.write(*tree.find(path), value); }
    Value value(std::string_view path) { return tree.find(path)->value(); }
    std::string instance(const std::string& id) {
        return tree.find("/Settings/Devices/" + id + "/ClassAndVrmInstance")->text();
    }

    ItemTree tree;
    Store store{tree};
    Recorder recorder;
};

using Heard = std::vector<std::string>;

}  // namespace

TEST_CASE_METHOD(Fixture, "the first failing check names the code of an added setting") {
    REQUIRE(add("/Settings/Rng", Type::integer, Value(1)) == AddCode::ok);
    REQUIRE(add("/Settings/Group/Leaf", Type::integer, Value(1)) == AddCode::ok);
    recorder.take();

    CHECK(add("/Settings/_A", std::nullopt, Value(1)) == AddCode::leading_underscore);
    CHECK(add("/Settings/A", std::nullopt, Value(1)) == AddCode::bad_type);
    CHECK(add("/Settings/A", Type::bytes, Value(1)) == AddCode::bad_type);
    CHECK(add("/Settings/A", Type::integer, Value("abc")) == AddCode::bad_default);
    CHECK(add("/Settings/A", Type::integer, Value()) == AddCode::bad_default);
    CHECK(add("/Settings/A", Type::text, Value("\x01")) == AddCode::bad_default);
    CHECK(add("/Settings/A", Type::integer, Value(5), Value(0), Value(4)) == AddCode::out_of_range);
    CHECK(add("Settings/A", Type::integer, Value(5)) == AddCode::not_below_settings);
    CHECK(add("/Settings", Type::integer, Value(5)) == AddCode::not_below_settings);
    CHECK(add("/Other/A", Type::integer, Value(5)) == AddCode::not_below_settings);
    CHECK(add("/Settings/Group", Type::integer, Value(5)) == AddCode::is_group);
    CHECK(add("/Settings/Rng", Type::real, Value(1)) == AddCode::other_type);
    CHECK_THROWS_AS(add("/Settings/Rng/Sub", Type::integer, Value(1)), std::invalid_argument);
    CHECK_THROWS_AS(add("/Settings/with space", Type::integer, Value(1)), std::invalid_argument);
    CHECK_THROWS_AS(add("/Settings/a-b", Type::integer, Value(1)), std::invalid_argument);
    CHECK_THROWS_AS(add("/Settings/", Type::integer, Value(1)), std::invalid_argument);
    CHECK(recorder.take().empty());
    CHECK(tree.size() == 2);
}

TEST_CASE_METHOD(Fixture, "an existing setting keeps its value and takes new attributes") {
    REQUIRE(add("/Settings/Rng", Type::integer, Value(1)) == AddCode::ok);
    CHECK(recorder.take() == Heard{"+/Settings/Rng"});
    CHECK(add("/Settings/Rng", Type::integer, Value(1)) == AddCode::ok);
    CHECK(recorder.take().empty());

    REQUIRE(write("/Settings/Rng", Value(9)));
    CHECK(recorder.take() == Heard{"=/Settings/Rng 9"});
    CHECK(add("/Settings/Rng", Type::integer, Value(1), Value(0), Value(3)) == AddCode::ok);
    CHECK(recorder.take() == Heard{"+/Settings/Rng"});
    CHECK(value("/Settings/Rng") == Value(9));
    CHECK(tree.find("/Settings/Rng")->max() == 3);

    CHECK(add("/Settings/Rng", Type::integer, Value(2), Value(0), Value(3), true) == AddCode::ok);
    CHECK(store.silent(*tree.find("/Settings/Rng")));
    CHECK(tree.find("/Settings/Rng")->default_value() == Value(2));
}

TEST_CASE_METHOD(Fixture, "limits are numeric, both zero mean none, one side is enough") {
    REQUIRE(add("/Settings/None", Type::integer, Value(5), Value(0), Value(0)) == AddCode::ok);
    CHECK_FALSE(tree.find("/Settings/None")->min());
    REQUIRE(add("/Settings/Text", Type::text, Value("a"), Value(1), Value(2)) == AddCode::ok);
    CHECK_FALSE(tree.find("/Settings/Text")->max());
    REQUIRE(add("/Settings/Min", Type::real, Value(5.0), Value(1), Value("")) == AddCode::ok);
    CHECK(tree.find("/Settings/Min")->min() == 1);
    CHECK_FALSE(tree.find("/Settings/Min")->max());
    CHECK(write("/Settings/Min", Value(1e9)));
    CHECK_FALSE(write("/Settings/Min", Value(0.5)));
}

TEST_CASE_METHOD(Fixture, "written values are converted to the type of the setting") {
    REQUIRE(add("/Settings/I", Type::integer, Value(0)) == AddCode::ok);
    REQUIRE(add("/Settings/F", Type::real, Value(0.0)) == AddCode::ok);
    REQUIRE(add("/Settings/S", Type::text, Value("")) == AddCode::ok);
    const auto becomes = [&](const char* path, const Value& written, const Value& stored) {
        INFO(path << " " << to_text(written));
        CHECK(write(path, written));
        CHECK(value(path) == stored);
    };
    becomes("/Settings/I", Value(7), Value(7));
    becomes("/Settings/I", Value("8"), Value(8));
    becomes("/Settings/I", Value(3.9), Value(3));
    becomes("/Settings/I", Value(true), Value(1));
    becomes("/Settings/I", Value(" 12 "), Value(12));
    becomes("/Settings/I", Value(std::int64_t{1} << 40), Value(std::int64_t{1} << 40));
    becomes("/Settings/F", Value(3), Value(3.0));
    becomes("/Settings/F", Value("2.5"), Value(2.5));
    becomes("/Settings/S", Value("any text"), Value("any text"));
    becomes("/Settings/S", Value(5), Value("5"));
    recorder.take();
    CHECK_FALSE(write("/Settings/I", Value("4.5")));
    CHECK_FALSE(write("/Settings/I", Value()));
    CHECK_FALSE(write("/Settings/F", Value("nan")));
    CHECK_FALSE(write("/Settings/S", Value()));
    CHECK_FALSE(write("/Settings/S", Value("bell\a")));
    CHECK_FALSE(write("/Settings/S", Value(std::vector<std::string>{"a"})));
    CHECK(write("/Settings/S", Value("5")));
    CHECK(recorder.take().empty());
}

TEST_CASE_METHOD(Fixture, "instances are unique within their class") {
    CHECK(add_instance("a", "battery:1") == AddCode::ok);
    CHECK(add_instance("b", "battery:1") == AddCode::ok);
    CHECK(add_instance("c", "battery:001") == AddCode::ok);
    CHECK(instance("a") == "battery:1");
    CHECK(instance("b") == "battery:2");
    CHECK(instance("c") == "battery:3");
    CHECK(add_instance("d", "battery") == AddCode::bad_default);
    CHECK(add_instance("d", "battery:3.5") == AddCode::bad_default);
    CHECK(add("/Settings/Devices/d/ClassAndVrmInstance", Type::integer, Value(1)) == AddCode::bad_default);

    // 2 is taken, 3 is its own.
    recorder.take();
    CHECK(write("/Settings/Devices/c/ClassAndVrmInstance", Value("battery:2")));
    CHECK(instance("c") == "battery:3");
    CHECK(recorder.take().empty());
    CHECK(write("/Settings/Devices/a/ClassAndVrmInstance", Value("battery:2")));
    CHECK(instance("a") == "battery:4");
    CHECK(write("/Settings/Devices/a/ClassAndVrmInstance", Value("tank:02")));
    CHECK(instance("a") == "tank:2");
    CHECK_FALSE(write("/Settings/Devices/a/ClassAndVrmInstance", Value("tank")));
    CHECK(instance("a") == "tank:2");

    recorder.take();
    CHECK(add_instance("a", "battery:1") == AddCode::ok);
    CHECK(recorder.take().empty());
    CHECK(add_instance("a", "battery:9") == AddCode::ok);
    CHECK(instance("a") == "tank:2");
}

TEST_CASE_METHOD(Fixture, "settings go back to their defaults, instances do not") {
    REQUIRE(add("/Settings/G/A", Type::integer, Value(1)) == AddCode::ok);
    REQUIRE(add("/Settings/G/B", Type::text, Value("b")) == AddCode::ok);
    REQUIRE(add_instance("a", "battery:1") == AddCode::ok);
    REQUIRE(write("/Settings/G/A", Value(5)));
    REQUIRE(write("/Settings/G/B", Value("x")));
    REQUIRE(write("/Settings/Devices/a/ClassAndVrmInstance", Value("battery:7")));
    CHECK(store.reset(*tree.find("/Settings/Devices/a/ClassAndVrmInstance"))
          == Store::ResetCode::not_resettable);
    REQUIRE(store.restore({"/Settings/Bare", Type::integer, Value(1)}));
    CHECK(store.reset(*tree.find("/Settings/Bare")) == Store::ResetCode::no_default);
    recorder.take();
    store.reset_below("/Settings");
    CHECK(recorder.take() == Heard{"=/Settings/G/A 1", "=/Settings/G/B b"});
    CHECK(instance("a") == "battery:7");
}

TEST_CASE_METHOD(Fixture, "a removed setting is announced, then it and its empty groups are gone") {
    REQUIRE(add("/Settings/G/H/A", Type::integer, Value(1)) == AddCode::ok);
    recorder.take();
    CHECK_FALSE(store.remove("/Settings/G"));
    CHECK(store.remove("/Settings/G/H/A"));
    CHECK(recorder.take() == Heard{"-/Settings/G/H/A"});
    CHECK_FALSE(store.remove("/Settings/G/H/A"));
    CHECK_FALSE(tree.is_node("/Settings/G"));
    CHECK(tree.is_node("/Settings"));
    CHECK(tree.is_node("/Settings/Devices"));
}

TEST_CASE_METHOD(Fixture, "a new setting takes the value of those it replaces") {
    REQUIRE(add("/Settings/Old", Type::integer, Value(1)) == AddCode::ok);
    REQUIRE(add("/Settings/Older", Type::text, Value("text")) == AddCode::ok);
    REQUIRE(write("/Settings/Old", Value(7)));
    recorder.take();
    const AddRequest request{.path = "/Settings/New",
                             .type = Type::integer,
                             .default_value = Value(2),
                             .replaces = {"/Settings/Old", "/Settings/Older", "/Settings/Never"}};
    CHECK(store.add(request) == AddCode::ok);
    CHECK(value("/Settings/New") == Value(7));
    CHECK(tree.find("/Settings/New")->default_value() == Value(2));
    CHECK(tree.size() == 1);
    CHECK(recorder.take() == Heard{"-/Settings/Old", "-/Settings/Older", "+/Settings/New"});
    CHECK(store.add(request) == AddCode::ok);
    CHECK(recorder.take().empty());
}

TEST_CASE_METHOD(Fixture, "an instance is not replaced by what is none") {
    REQUIRE(add("/Settings/Old", Type::text, Value("rubbish")) == AddCode::ok);
    CHECK(store.add({.path = "/Settings/Devices/a/ClassAndVrmInstance",
                     .type = Type::text,
                     .default_value = Value("battery:1"),
                     .replaces = {"/Settings/Old"}})
          == AddCode::ok);
    CHECK(instance("a") == "battery:1");
}

TEST_CASE_METHOD(Fixture, "limits that are both 0 in a file are none") {
    REQUIRE(store.restore({"/Settings/Free", Type::integer, Value(1), Value(1), 0.0, 0.0}));
    REQUIRE(store.restore({"/Settings/Negative", Type::real, Value(-1.0), Value(-1.0), -5.0, 0.0}));
    CHECK(write("/Settings/Free", Value(7)));
    CHECK_FALSE(write("/Settings/Negative", Value(1.0)));
}

TEST_CASE_METHOD(Fixture, "a setting from the file must have a place in the tree") {
    CHECK(store.restore({"/Settings/A", Type::integer, Value(1)}));
    CHECK_FALSE(store.restore({"/Settings/A", Type::integer, Value(2)}));
    CHECK_FALSE(store.restore({"/Settings/A/B", Type::integer, Value(2)}));
    CHECK_FALSE(store.restore({"/Settings", Type::integer, Value(2)}));
    CHECK_FALSE(store.restore({"/Elsewhere/A", Type::integer, Value(2)}));
    CHECK(store.restore({"/Settings/G/B", Type::integer, Value(2)}));
    CHECK_FALSE(store.restore({"/Settings/G", Type::integer, Value(2)}));
    CHECK(store.all().size() == 2);
}

TEST_CASE_METHOD(Fixture, "instances that are there twice in a file are taken apart") {
    CHECK(store.restore({"/Settings/Devices/a/ClassAndVrmInstance", Type::text, Value("battery:1")}));
    CHECK(store.restore({"/Settings/Devices/b/ClassAndVrmInstance", Type::text, Value("battery:1")}));
    CHECK(store.restore({"/Settings/Devices/c/ClassAndVrmInstance", Type::text, Value("rubbish")}));
    CHECK(instance("a") == "battery:1");
    CHECK(instance("b") == "battery:2");
    CHECK(instance("c") == "rubbish");
}
