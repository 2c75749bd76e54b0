#include "message.hpp"

#include "support/catch.hpp"

#include <cmath>
#include <functional>
#include <limits>
#include <string>

using namespace velib;
using namespace velib::message;

namespace {

struct CloseBus {
    void operator()(sd_bus* bus) const { sd_bus_unref(bus); }
};

// Messages need a connection that was started, not one that reaches anybody.
sd_bus* unconnected() {
    static const std::unique_ptr<sd_bus, CloseBus> bus = [] {
        sd_bus* made = nullptr;
        check(sd_bus_new(&made));
        sd_bus_start(made);  // fails, for there is no address
        return std::unique_ptr<sd_bus, CloseBus>(made);
    }();
    return bus.get();
}

// A message with what `fill` appends, ready to be read.
Message sealed(const std::function<void(sd_bus_message*)>& fill) {
    auto message = signal(unconnected(), "/", kBusItem, "Test");
    fill(message.get());
    check(sd_bus_message_seal(message.get(), 1, 0));
    check(sd_bus_message_rewind(message.get(), 1));
    return message;
}

template <class... Arguments>
std::optional<Value> read(const char* signature, Arguments... arguments) {
    const auto message =
        sealed([&](sd_bus_message* out) { check(sd_bus_message_append(out, signature, arguments...)); });
    auto value = read_value(message.get());
    CHECK(sd_bus_message_at_end(message.get(), 1) == 1);  // consumed, readable or not
    return value;
}

Value round_trip(const Value& value) {
    const auto message = sealed([&](sd_bus_message* out) { append_variant(out, value); });
    return read_value(message.get()).value();
}

}  // namespace

TEST_CASE("every kind of value survives its way through a message") {
    const auto check_same = [](const Value& value) { CHECK(round_trip(value) == value); };
    check_same(Value());
    check_same(true);
    check_same(-5);
    check_same(Value::of_unsigned(4294967295));
    check_same(std::int64_t{1} << 40);
    check_same(12.5);
    check_same("Kühlbox");
    check_same("");
    check_same(std::vector<std::int32_t>{1, -2});
    check_same(std::vector<double>{0.5, 2});
    check_same(std::vector<std::string>{"a", ""});
    check_same(std::vector<std::uint8_t>{0, 255});
}

TEST_CASE("no value is an empty array of int32 inside a variant") {
    const auto message = sealed([](sd_bus_message* out) { append_variant(out, Value()); });
    char type = 0;
    const char* contents = nullptr;
    REQUIRE(sd_bus_message_peek_type(message.get(), &type, &contents) > 0);
    CHECK(type == SD_BUS_TYPE_VARIANT);
    CHECK(std::string(contents) == "ai");
}

TEST_CASE("every basic type that clients send is read") {
    CHECK(read("y", 255) == Value(255));
    CHECK(read("n", -3) == Value(-3));
    CHECK(read("q", 65535) == Value(65535));
    CHECK(read("i", -7) == Value(-7));
    CHECK(read("u", 7u) == Value::of_unsigned(7));
    CHECK(read("x", std::int64_t{-1} << 40) == Value(std::int64_t{-1} << 40));
    CHECK(read("t", std::uint64_t{1} << 40) == Value(std::int64_t{1} << 40));
    CHECK(read("d", 1.5) == Value(1.5));
    CHECK(read("b", 1) == Value(true));
    CHECK(read("s", "x") == Value("x"));
    CHECK(read("o", "/a") == Value("/a"));
    CHECK(read("g", "a{sv}") == Value("a{sv}"));
}

TEST_CASE("a number beyond 63 bits is a number, not no value") {
    const auto value = read("t", std::numeric_limits<std::uint64_t>::max());
    REQUIRE(value);
    CHECK(value->valid());
    CHECK_FALSE(coerce(*value, Type::integer));
}

TEST_CASE("NaN is no value") {
    CHECK(read("d", std::nan("")) == Value());
}

TEST_CASE("variants are unwrapped fully") {
    CHECK(read("v", "v", "v", "i", 5) == Value(5));
    const auto deep = sealed([](sd_bus_message* out) {
        constexpr int kDepth = 60;
        for (int i = 0; i < kDepth; ++i) {
            check(sd_bus_message_open_container(out, SD_BUS_TYPE_VARIANT, i + 1 < kDepth ? "v" : "i"));
        }
        check(sd_bus_message_append(out, "i", 7));
        for (int i = 0; i < kDepth; ++i) {
            check(sd_bus_message_close_container(out));
        }
    });
    CHECK(read_value(deep.get()) == Value(7));
}

TEST_CASE("arrays become one of the kinds that items hold") {
    CHECK(read("ai", 2, 1, 2) == Value(std::vector<std::int32_t>{1, 2}));
    CHECK(read("an", 2, 1, 2) == Value(std::vector<std::int32_t>{1, 2}));
    CHECK(read("ad", 1, 2.5) == Value(std::vector<double>{2.5}));
    CHECK(read("as", 2, "a", "b") == Value(std::vector<std::string>{"a", "b"}));
    CHECK(read("ay", 2, 1, 2) == Value(std::vector<std::uint8_t>{1, 2}));
    CHECK(read("av", 2, "i", 1, "i", 2) == Value(std::vector<std::int32_t>{1, 2}));
    CHECK(read("av", 2, "i", 1, "d", 2.5) == Value(std::vector<double>{1, 2.5}));
    CHECK(read("au", 1, 4294967295u) == Value(std::vector<double>{4294967295.0}));
    CHECK(read("ab", 2, 0, 1) == Value(std::vector<std::int32_t>{0, 1}));
}

TEST_CASE("an empty array of anything is no value") {
    for (const auto* signature : {"ai", "au", "ad", "as", "ay", "av", "ax"}) {
        INFO(signature);
        CHECK(read(signature, 0) == Value());
    }
}

TEST_CASE("what no item can hold is skipped as a whole") {
    CHECK(read("(is)", 1, "x") == std::nullopt);
    CHECK(read("a{sv}", 1, "key", "i", 5) == std::nullopt);
    CHECK(read("aai", 1, 2, 1, 2) == std::nullopt);
    CHECK(read("a(i)", 1, 5) == std::nullopt);
    CHECK(read("v", "(is)", 1, "x") == std::nullopt);
    CHECK(read("v", "a{sv}", 0) == std::nullopt);
    CHECK(read("av", 2, "i", 1, "s", "x") == std::nullopt);
    CHECK(read("av", 2, "(i)", 1, "i", 2) == std::nullopt);
    CHECK(read("av", 2, "ai", 1, 7, "i", 2) == std::nullopt);
}

TEST_CASE("an array of endless length is not kept") {
    const auto message = sealed([](sd_bus_message* out) {
        check(sd_bus_message_open_container(out, SD_BUS_TYPE_ARRAY, "i"));
        for (int i = 0; i < 70000; ++i) {
            check(sd_bus_message_append(out, "i", i));
        }
        check(sd_bus_message_close_container(out));
        check(sd_bus_message_append(out, "i", 5));
    });
    CHECK(read_value(message.get()) == std::nullopt);
    CHECK(read_value(message.get()) == Value(5));
}

TEST_CASE("at the end of a message there is nothing to read") {
    const auto message = sealed([](sd_bus_message*) {});
    CHECK(read_value(message.get()) == std::nullopt);
}

TEST_CASE("a dictionary is read entry by entry, unreadable ones left out") {
    const auto message = sealed([](sd_bus_message* out) {
        check(sd_bus_message_append(out, "a{sv}", 3, "a", "i", 1, "b", "(i)", 2, "c", "s", "x"));
    });
    std::vector<std::string> seen;
    CHECK(read_dictionary(message.get(), [&](std::string_view key, const Value& value) {
        seen.push_back(std::string(key) + "=" + to_text(value));
    }));
    CHECK(seen == std::vector<std::string>{"a=1", "c=x"});
    const auto none = sealed([](sd_bus_message* out) { check(sd_bus_message_append(out, "s", "x")); });
    CHECK_FALSE(read_dictionary(none.get(), [](std::string_view, const Value&) {}));
}
