#include "support/catch.hpp"
#include "support/recording_sink.hpp"
#include "velib/tree.hpp"

using namespace velib;

namespace {

// A tree with one item that writes to a handler which counts its calls.
struct Fixture {
    explicit Fixture(ItemSpec spec, const Value& initial = {}) {
        spec.on_write = [this](const Value& value) {
            calls.push_back(value);
            return reply;
        };
        item = &tree.add("/Item", std::move(spec), initial);
        tree.listen(&sink);
    }

    int write(const Value& value) { return static_cast<int>(tree.write(*item, value)); }

    ItemTree tree;
    RecordingSink sink;
    WriteReply reply = WriteReply::store;
    std::vector<Value> calls;
    Item* item = nullptr;
};

constexpr int kAccepted = 0;
constexpr int kBadType = 1;
constexpr int kRefused = 2;

}  // namespace

TEST_CASE("an accepted write is stored and told before its code is known") {
    Fixture f({Type::integer}, 5);
    CHECK(f.write(6) == kAccepted);
    CHECK(f.calls == std::vector<Value>{Value(6)});
    CHECK(f.item->value() == Value(6));
    CHECK(f.sink.singles == std::vector<RecordingSink::Entry>{{"/Item", "6"}});
}

TEST_CASE("a read-only item refuses every write without asking anybody") {
    ItemTree tree;
    RecordingSink sink;
    auto& item = tree.add("/Item", {Type::integer}, 5);
    tree.listen(&sink);
    CHECK(tree.write(item, Value(6)) == WriteCode::not_writable_or_bad_type);
    CHECK(tree.write(item, Value(5)) == WriteCode::not_writable_or_bad_type);
    CHECK(tree.write(item, Value()) == WriteCode::not_writable_or_bad_type);
    CHECK(item.value() == Value(5));
    CHECK(sink.silent());
}

TEST_CASE("a write is converted to the item's type") {
    Fixture f({Type::integer}, 5);
    CHECK(f.write("12") == kAccepted);
    CHECK(f.item->value() == Value(12));
    CHECK(f.write(13.9) == kAccepted);
    CHECK(f.item->value() == Value(13));
    CHECK(f.write(true) == kAccepted);
    CHECK(f.item->value() == Value(1));
    CHECK(f.calls == std::vector<Value>{Value(12), Value(13), Value(1)});
}

TEST_CASE("what does not convert is refused and changes nothing") {
    Fixture f({Type::integer}, 5);
    CHECK(f.write("abc") == kBadType);
    CHECK(f.write(std::vector<std::int32_t>{1}) == kBadType);
    CHECK(f.write(1e300) == kBadType);
    CHECK(f.calls.empty());
    CHECK(f.sink.silent());
    CHECK(f.item->value() == Value(5));
}

TEST_CASE("the width of an integer is not for clients to change") {
    Fixture f({Type::integer}, 5);
    CHECK(f.write(std::int64_t{1} << 40) == kBadType);
    Fixture wide({Type::integer}, std::int64_t{1} << 40);
    CHECK(wide.write(std::int64_t{1} << 41) == kAccepted);
}

TEST_CASE("writing the current value is accepted and does nothing") {
    Fixture f({Type::real, format::dc_volts}, 12.5);
    CHECK(f.write(12.5) == kAccepted);
    CHECK(f.write("12.5") == kAccepted);
    CHECK(f.write(12.5001) == kAccepted);  // the same at the item's resolution
    CHECK(f.calls.empty());
    CHECK(f.sink.silent());
}

TEST_CASE("a set point that expires hears every write, but announces changes only") {
    Fixture f({.type = Type::real, .hears_repeats = true});
    for (int i = 0; i < 3; ++i) {
        CHECK(f.write(28.2) == kAccepted);
    }
    CHECK(f.calls.size() == 3);
    CHECK(f.sink.singles.size() == 1);
}

TEST_CASE("the handler sees what will be stored") {
    Fixture f({Type::real, format::amps}, 1.0);
    CHECK(f.write(2.34) == kAccepted);
    CHECK(f.calls == std::vector<Value>{Value(2.3)});
    CHECK(f.item->value() == Value(2.3));
}

TEST_CASE("a refusing handler leaves everything as it is") {
    Fixture f({Type::integer}, 5);
    f.reply = WriteReply::refuse;
    CHECK(f.write(6) == kRefused);
    CHECK(f.item->value() == Value(5));
    CHECK(f.sink.silent());
}

TEST_CASE("a pending write is accepted and shown only when the driver publishes it") {
    Fixture f({Type::integer}, 5);
    f.reply = WriteReply::pending;
    CHECK(f.write(6) == kAccepted);
    CHECK(f.item->value() == Value(5));
    CHECK(f.sink.silent());
    f.tree.set(*f.item, 6);
    CHECK(f.sink.singles.size() == 1);
}

TEST_CASE("while a write waits for its read-back, taking it back is heard") {
    Fixture f({Type::integer}, 5);
    f.reply = WriteReply::pending;
    CHECK(f.write(6) == kAccepted);
    CHECK(f.write(5) == kAccepted);
    CHECK(f.calls == std::vector<Value>{Value(6), Value(5)});

    f.tree.set(*f.item, 6);
    CHECK(f.write(6) == kAccepted);
    CHECK(f.calls.size() == 2);
}

TEST_CASE("limits hold, both ends included") {
    Fixture f({.type = Type::integer, .min = 1, .max = 9}, 4);
    CHECK(f.write(0) == kRefused);
    CHECK(f.write(10) == kRefused);
    CHECK(f.write("10") == kRefused);
    CHECK(f.write(9.9) == kAccepted);  // an integer of 9
    CHECK(f.write(1) == kAccepted);
    CHECK(f.calls == std::vector<Value>{Value(9), Value(1)});
    f.item->set_limits(std::nullopt, 5);
    CHECK(f.write(-100) == kAccepted);
    CHECK(f.write(6) == kRefused);
}

TEST_CASE("no value is for nullable items only") {
    Fixture f({Type::integer}, 5);
    CHECK(f.write(Value()) == kBadType);
    Fixture nullable({.type = Type::integer, .nullable = true}, 5);
    CHECK(nullable.write(Value()) == kAccepted);
    CHECK_FALSE(nullable.item->value().valid());
    CHECK(nullable.sink.singles == std::vector<RecordingSink::Entry>{{"/Item", "---"}});
    CHECK(nullable.write(Value()) == kAccepted);
    CHECK(nullable.calls.size() == 1);
    CHECK(nullable.write(5) == kAccepted);
}

TEST_CASE("clients cannot fill an item without end") {
    Fixture f({Type::text}, "");
    CHECK(f.write(std::string(16384, 'x')) == kAccepted);
    CHECK(f.write(std::string(16385, 'x')) == kBadType);
    Fixture numbers({Type::integers});
    CHECK(numbers.write(std::vector<std::int32_t>(20000)) == kBadType);
}

TEST_CASE("an accepted write within an update is told at once, and other changes follow") {
    Fixture f({Type::integer}, 5);
    auto& other = f.tree.add("/Other", {Type::integer}, 1);
    f.sink.batches.clear();
    {
        Update update(f.tree);
        update.set(other, 2);
        CHECK(f.write(6) == kAccepted);
        CHECK(f.sink.singles.size() == 1);
        CHECK(f.sink.batches.empty());
    }
    CHECK(f.sink.batches == std::vector<std::vector<RecordingSink::Entry>>{{{"/Other", "2"}}});
}

TEST_CASE("a handler may set its own item: one signal") {
    ItemTree tree;
    RecordingSink sink;
    auto& item = tree.add("/Item", {Type::integer}, 1);
    item.set_write_handler([&](const Value& value) {
        tree.set(item, value);
        return WriteReply::store;
    });
    tree.listen(&sink);
    CHECK(tree.write(item, Value(2)) == WriteCode::accepted);
    CHECK(sink.singles == std::vector<RecordingSink::Entry>{{"/Item", "2"}});
}

TEST_CASE("a handler may remove its item") {
    ItemTree tree;
    RecordingSink sink;
    const std::string witness = "captured, and so freed with the handler";
    auto& item = tree.add("/Item", {Type::integer}, 1);
    std::string seen;
    item.set_write_handler([&, witness](const Value&) {
        tree.remove("/Item");
        seen = witness;
        return WriteReply::store;
    });
    tree.listen(&sink);
    CHECK(tree.write(item, Value(2)) == WriteCode::accepted);
    CHECK(seen == witness);
    CHECK(tree.size() == 0);
    CHECK(sink.singles.empty());
}

TEST_CASE("a handler may end the whole tree") {
    auto tree = std::make_unique<ItemTree>();
    auto& item = tree->add("/Item", {Type::integer}, 1);
    item.set_write_handler([&](const Value&) {
        tree.reset();
        return WriteReply::store;
    });
    CHECK(tree->write(item, Value(2)) == WriteCode::accepted);
    CHECK(tree == nullptr);
}
