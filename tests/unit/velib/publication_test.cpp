#include "velib/publication.hpp"

#include "support/catch.hpp"
#include "support/recording_sink.hpp"

using namespace velib;

namespace {

enum class State : std::uint8_t { off = 0, bulk = 3 };

struct Charger {
    std::optional<double> volts;
    int error = 0;
    State state = State::off;
    std::string serial;
    std::optional<bool> load_on;
    std::vector<std::string> roles;
    std::vector<std::uint8_t> raw;
    std::optional<int> trackers;

    [[nodiscard]] std::optional<double> power() const {
        return volts ? std::optional(*volts * 10) : std::nullopt;
    }
};

constexpr auto kRows = std::to_array<Row<Charger>>({
    row<&Charger::volts>("/Dc/0/Voltage", format::dc_volts),
    row<&Charger::power>("/Yield/Power", format::watts),
    row<&Charger::error>("/ErrorCode"),
    row<&Charger::state>("/State"),
    row<&Charger::serial>("/Serial"),
    row<&Charger::load_on>("/Load/State"),
    row<&Charger::roles>("/AllowedRoles"),
    row<&Charger::raw>("/Raw"),
    row<&Charger::trackers>("/NrOfTrackers"),
    row<[](const Charger& c) { return c.state == State::off ? 4 : 1; }>("/Mode"),
});
static_assert(paths_unique(kRows));
static_assert(!paths_unique(std::to_array<Row<Charger>>(
    {row<&Charger::error>("/A"), row<&Charger::volts>("/B"), row<&Charger::state>("/A")})));

Type type_at(ItemTree& tree, const char* path) {
    return tree.find(path)->type();
}

}  // namespace

TEST_CASE("rows take their type from the model") {
    static_assert(kRows[0].type == Type::real);
    static_assert(kRows[1].type == Type::real);
    static_assert(kRows[2].type == Type::integer);
    static_assert(kRows[3].type == Type::integer);
    static_assert(kRows[4].type == Type::text);
    static_assert(kRows[5].type == Type::integer);
    static_assert(kRows[6].type == Type::texts);
    static_assert(kRows[7].type == Type::bytes);
    static_assert(kRows[8].type == Type::integer);
    static_assert(kRows[9].type == Type::integer);
    static_assert(row<[](const Charger&) { return std::vector<double>(); }>("/X").type == Type::reals);
    static_assert(row<[](const Charger&) { return std::vector<std::int32_t>(); }>("/X").type
                  == Type::integers);
    static_assert(row<[](const Charger&) { return std::optional<std::string_view>(); }>("/X").type
                  == Type::text);
    static_assert(row<[](const Charger&) { return Value(); }>("/X").type == Type::any);
    SUCCEED();
}

TEST_CASE("a table makes invalid items, fills them from the model and tells only what changed") {
    ItemTree tree;
    Publication<Charger> publication(tree, kRows, "/Pv");
    CHECK(tree.size() == kRows.size());
    CHECK(type_at(tree, "/Pv/Dc/0/Voltage") == Type::real);
    for (const auto& item : tree.below("/")) {
        CHECK_FALSE(item->value().valid());
    }
    RecordingSink sink;
    tree.listen(&sink);

    Charger charger{
        .volts = 12.504, .state = State::bulk, .serial = "A1", .load_on = true, .roles = {"grid"}};
    const auto publish = [&] {
        Update update(tree);
        publication.publish(update, charger);
    };
    publish();
    REQUIRE(sink.batches.size() == 1);
    CHECK(sink.batches[0]
          == std::vector<RecordingSink::Entry>{{"/Pv/Dc/0/Voltage", "12.50V"},
                                               {"/Pv/Yield/Power", "125W"},
                                               {"/Pv/ErrorCode", "0"},
                                               {"/Pv/State", "3"},
                                               {"/Pv/Serial", "A1"},
                                               {"/Pv/Load/State", "1"},
                                               {"/Pv/AllowedRoles", "['grid']"},
                                               {"/Pv/Mode", "1"}});
    publish();
    CHECK(sink.batches.size() == 1);

    charger.volts = 12.496;  // 12.50 as published
    charger.state = State::off;
    publish();
    REQUIRE(sink.batches.size() == 2);
    CHECK(sink.batches[1] == std::vector<RecordingSink::Entry>{{"/Pv/State", "0"}, {"/Pv/Mode", "4"}});

    charger.volts.reset();
    publish();
    REQUIRE(sink.batches.size() == 3);
    CHECK(sink.batches[2]
          == std::vector<RecordingSink::Entry>{{"/Pv/Dc/0/Voltage", "---"}, {"/Pv/Yield/Power", "---"}});

    {
        Update update(tree);
        publication.invalidate(update);
    }
    REQUIRE(sink.batches.size() == 4);
    CHECK(sink.batches[3].size() == 6);
    CHECK(sink.singles.empty());
}
