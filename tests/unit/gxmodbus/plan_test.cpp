#include "gxmodbus/plan/identify.hpp"
#include "gxmodbus/plan/read_plan.hpp"
#include "support/catch.hpp"

#include <map>
#include <sstream>

using namespace gxmodbus;
using T = ServiceType;

namespace {

std::string ranges_text(T type, Generation generation) {
    std::ostringstream out;
    for (const Range& range : ranges_of(type, generation)) {
        out << (out.tellp() > 0 ? ", " : "") << range.first;
        if (range.last != range.first) {
            out << "-" << range.last;
        }
    }
    return out.str();
}

std::vector<Read> everything(Generation generation) {
    const ReadPlan plan(generation);
    std::vector<Pair> pairs;
    for (std::size_t i = 0; i < kServiceTypes; ++i) {
        pairs.push_back({100, static_cast<T>(i)});
    }
    return reads_of(plan, pairs);
}

}  // namespace

TEST_CASE("the newest server's ranges follow from the register table") {
    const std::map<T, std::string> documented{
        {T::vebus, "3-147, 200-247"},
        {T::battery, "256-331, 1282-1343"},
        {T::solarcharger, "771-793, 3700-3747"},
        {T::system, "800-919, 5400-5407"},
        {T::pvinverter, "1026-1077"},
        {T::motordrive, "2048-2053"},
        {T::charger, "2307-2337"},
        {T::grid, "2600-2657"},
        {T::settings, "2700-2708, 2710-2715, 2718-2723, 2900-2903, 4701-4704, 5420-5430, 5700-5707"},
        {T::hub4, "2709, 2716-2717, 2724"},
        {T::gps, "2800-2809"},
        {T::tank, "3000-3017"},
        {T::inverter, "3100-3187"},
        {T::genset, "3200-3257, 5000-5127"},
        {T::temperature, "3300-3327"},
        {T::pulsemeter, "3400-3417"},
        {T::digitalinput, "3420-3437"},
        {T::generator, "3500-3512"},
        {T::meteo, "3600-3617"},
        {T::evcharger, "3800-3847"},
        {T::acload, "3900-3947"},
        {T::fuelcell, "4000-4011"},
        {T::alternator, "4100-4137"},
        {T::dcsource, "4200-4227"},
        {T::dcload, "4300-4327"},
        {T::dcsystem, "4400-4427"},
        {T::multi, "4500-4633"},
        {T::pump, "4700"},
        {T::dcdc, "4800-4827"},
        {T::acsystem, "4900-4957"},
        {T::dcgenset, "5200-5357"},
        {T::heatpump, "5500-5517"},
        {T::platform, "5800-5819"}};
    CHECK(documented.size() == kServiceTypes);
    for (const auto& [type, text] : documented) {
        INFO(name_of(type));
        CHECK(ranges_text(type, Generation::v101) == text);
    }
    CHECK(ranges_text(T::platform, Generation::v82).empty());
    CHECK(ranges_text(T::vebus, Generation::v82) == "3-109");
    CHECK(ranges_text(T::solarcharger, Generation::v75) == "771-791, 3700-3734");
}

TEST_CASE("a probe register exists in every generation that has its type") {
    for (std::size_t i = 0; i < kServiceTypes; ++i) {
        const auto type = static_cast<T>(i);
        CHECK(register_at(probe_address(type))->type == type);
        for (const auto generation : {Generation::v75, Generation::v82, Generation::v94, Generation::v101}) {
            const auto ranges = ranges_of(type, generation);
            const bool within = std::any_of(ranges.begin(), ranges.end(), [&](const Range& range) {
                return range.first <= probe_address(type) && probe_address(type) <= range.last;
            });
            CHECK((within || ranges.empty()));
        }
    }
}

TEST_CASE("blocks never split a value, cross a type or pass the limits") {
    for (const auto generation : {Generation::v75, Generation::v82, Generation::v94, Generation::v95,
                                  Generation::v96, Generation::v97, Generation::v101}) {
        const ReadPlan plan(generation);
        for (std::size_t i = 0; i < kServiceTypes; ++i) {
            const auto type = static_cast<T>(i);
            for (const Block& block : plan.blocks(type)) {
                INFO(name_of(generation) << " " << name_of(type) << " " << block.first << "+" << block.count);
                CHECK(block.count >= 1);
                CHECK(block.count <= kMaxBlock);
                CHECK(block.first + block.count - 1 <= kLastAddress);
                for (const Register& row : all_registers()) {
                    const bool touches = row.address < block.first + block.count && row.end() > block.first;
                    if (!touches || !row.has_value() || row.since > version_of(generation)) {
                        continue;
                    }
                    const bool inside = row.address >= block.first && row.end() <= block.first + block.count;
                    const bool overlapped = block.first == 1319 || row.address == 1318 || row.address == 870
                                            || block.first == 2717;
                    CHECK((inside || overlapped));
                    if (generation >= Generation::v94) {
                        CHECK(row.type == type);
                    }
                }
            }
        }
    }
}

TEST_CASE("all types of the newest server take fifty requests, fewer where two types interleave") {
    const ReadPlan plan(Generation::v101);
    std::size_t blocks = 0;
    for (std::size_t i = 0; i < kServiceTypes; ++i) {
        blocks += plan.blocks(static_cast<T>(i)).size();
    }
    CHECK(blocks == 50);
    CHECK(plan.blocks(T::vebus)
          == std::vector<Block>{{3, 125, Speed::fast}, {128, 20, Speed::slow}, {200, 48, Speed::rare}});

    const auto reads = everything(Generation::v101);
    CHECK(reads.size() == 45);
    const auto joined =
        std::find_if(reads.begin(), reads.end(), [](const Read& read) { return read.joined; });
    REQUIRE(joined != reads.end());
    CHECK(joined->block.first == 2700);
    CHECK(joined->block.count == 25);
    for (const Read& read : everything(Generation::v94)) {
        CHECK_FALSE(read.joined);
    }
}

TEST_CASE("a refused block is narrowed: older ranges, then halves, then left out") {
    ReadPlan plan(Generation::v101);
    CHECK_FALSE(plan.learned());
    plan.refused(T::vebus, plan.blocks(T::vebus)[2]);  // 200..247 on a 1.0.97 server
    CHECK(plan.version(T::vebus) == ServerVersion{1, 0, 97});
    CHECK(plan.blocks(T::vebus).back() == Block{200, 32, Speed::rare});
    CHECK(plan.version(T::battery) == kNewestServer);
    CHECK(plan.learned());

    // A type with the same ranges in all generations is halved until single rows are left.
    CHECK(plan.blocks(T::generator) == std::vector<Block>{{3500, 13, Speed::slow}});
    plan.refused(T::generator, {3500, 13, Speed::slow});
    CHECK(plan.blocks(T::generator) == std::vector<Block>{{3500, 6, Speed::slow}, {3506, 7, Speed::slow}});
    plan.refused(T::generator, {3500, 6, Speed::slow});
    plan.refused(T::generator, {3500, 3, Speed::slow});
    plan.refused(T::generator, {3500, 1, Speed::slow});
    CHECK(std::none_of(plan.blocks(T::generator).begin(), plan.blocks(T::generator).end(),
                       [](const Block& block) { return block.first == 3500; }));
    plan.refused(T::generator, {1, 1, Speed::slow});  // not in the plan: nothing happens

    const auto again = ReadPlan::parse(plan.to_text());
    REQUIRE(again.has_value());
    CHECK(*again == plan);
    CHECK(ReadPlan::parse("v101") == ReadPlan(Generation::v101));
    for (const char* bad : {"", "v99", "v101;vebus", "v101;vebus=v97:3+126", "v101;vebus=v97:5800+40",
                            "v101;x=v97:3+1", "v101;vebus=v97:3+1x", "v101;vebus=v97:99999999999+1"}) {
        CHECK_FALSE(ReadPlan::parse(bad).has_value());
    }
}

TEST_CASE("narrowing ends: every block of every type refused for ever leaves nothing") {
    ReadPlan plan(Generation::v101);
    for (std::size_t i = 0; i < kServiceTypes; ++i) {
        const auto type = static_cast<T>(i);
        int refusals = 0;
        while (!plan.blocks(type).empty()) {
            plan.refused(type, plan.blocks(type).front());
            REQUIRE(++refusals < 1000);
        }
    }
}

TEST_CASE("registers that stood elsewhere are found there") {
    std::map<std::string, double> numbers;
    const auto look = [&](Block block, ServerVersion version) {
        std::vector<std::uint16_t> words;
        for (unsigned i = 0; i < block.count; ++i) {
            words.push_back(
                static_cast<std::uint16_t>(block.first + i));  // each register holds its own address
        }
        numbers.clear();
        for_each_row(block, words, version, [&](const Register& row, Words raw) {
            CHECK(raw.size() == row.count);
            if (row.numeric()) {
                numbers[std::string(row.path)] = raw[0];
            }
        });
    };
    look({1319, 17, Speed::slow}, {1, 0, 94});
    CHECK(numbers.at("/Mode") == 1319);
    CHECK(numbers.at("/Errors/SmartLithium/InvalidConfiguration") == 1324);
    CHECK(numbers.size() == 6);
    look({1282, 40, Speed::slow}, {1, 0, 94});
    CHECK(numbers.count("/Mode") == 0);
    look({1282, 62, Speed::slow}, kNewestServer);
    CHECK(numbers.at("/Mode") == 1322);
    look({2717, 1, Speed::slow}, {1, 0, 82});
    CHECK(numbers.at("/Settings/CGwacs/RunWithoutGridMeter") == 2717);
    look({2716, 2, Speed::slow}, {1, 0, 82});
    CHECK(numbers.size() == 1);
    look({3802, 26, Speed::fast}, {1, 0, 94});
    CHECK(numbers.at("/Ac/Energy/Forward") == 3816);
    CHECK(numbers.count("/Session/Energy") == 0);
    for_each_row({3, 2, Speed::fast}, std::vector<std::uint16_t>{1}, kNewestServer,
                 [](const Register&, Words) { FAIL("a short answer has no rows"); });
}

TEST_CASE("a register is written where the server has it") {
    const Register& mode = *find_register(T::battery, "/Mode");
    CHECK(served_row(mode, {1, 0, 94})->address == 1319);
    CHECK(served_row(mode, {1, 0, 95})->address == 1322);
    CHECK(served_row(mode, {1, 0, 95})->path == "/Mode");
    const Register& name = *find_register(T::battery, "/CustomName");
    CHECK_FALSE(served_row(name, {1, 0, 94}).has_value());
    CHECK(served_row(name, kNewestServer)->address == 1336);
}

namespace {

Answer data(std::vector<std::uint16_t> words) {
    return {Answer::Kind::data, 0, std::move(words)};
}
Answer refusal(std::uint8_t code) {
    return {Answer::Kind::exception, code, {}};
}
const std::vector<std::uint16_t> kSerial{0x6330, 0x3631, 0x3961, 0x6232, 0x6633, 0x6431};

}  // namespace

TEST_CASE("a GX is identified with at most one error on it") {
    Identification who;
    REQUIRE(who.next()->first == 800);
    who.answer(data(kSerial));
    REQUIRE(who.next()->first == 834);

    SECTION("Venus OS 3.60") {
        who.answer(data({0x0360, 0}));
        REQUIRE(who.done());
        CHECK(who.identity().generation == Generation::v82);
    }
    SECTION("Venus OS 3.70") {
        who.answer(data({0x0371, 0}));
        CHECK(who.identity().generation == Generation::v94);
    }
    SECTION("Venus OS 3.80 with the newest server") {
        who.answer(data({0x0380, 0}));
        REQUIRE(who.next()->count == 120);
        who.answer(data(std::vector<std::uint16_t>(120, 0)));
        REQUIRE(who.next()->first == 5700);
        who.answer(data({0x4261, 0x726e, 0, 0, 0, 0, 0, 0}));
        CHECK(who.identity().generation == Generation::v101);
        CHECK(who.identity().name == "Barn");
    }
    SECTION("betas of it") {
        who.answer(data({0x0380, 1}));
        SECTION("1.0.96") {
            who.answer(data(std::vector<std::uint16_t>(120, 0)));
            who.answer(refusal(2));
            CHECK(who.identity().generation == Generation::v96);
        }
        SECTION("1.0.95") {
            who.answer(refusal(2));
            CHECK(who.identity().generation == Generation::v95);
        }
    }
    SECTION("a newer server under an older firmware is recognised by its registers") {
        who.answer(data({0x0346, 0x0020}));
        REQUIRE(who.next()->count == 120);
        who.answer(data(std::vector<std::uint16_t>(120, 0)));
        who.answer(data({0, 0, 0, 0, 0, 0, 0, 0}));
        CHECK(who.identity().generation == Generation::v101);
        CHECK(who.identity().firmware() == "v3.46~20");
    }
    SECTION("fillers where the version would be") {
        who.answer(data({0xffff, 0xffff}));
        CHECK(who.identity().generation == Generation::v75);
        CHECK(who.identity().firmware().empty());
    }
    SECTION("no version register") {
        who.answer(refusal(2));
        CHECK(who.identity().generation == Generation::v75);
    }
    REQUIRE(who.done());
    CHECK(who.identity().serial == "c0619ab2f3d1");
}

TEST_CASE("an identified GX is not tested again until its firmware changes") {
    const Identity known{"c0619ab2f3d1", 0x0380, 0, Generation::v101, "Barn"};
    const auto recall = [&](const std::string& serial) {
        return serial == known.serial ? std::optional{known} : std::nullopt;
    };
    Identification same(recall);
    same.answer(data(kSerial));
    same.answer(data({0x0380, 0}));
    CHECK(same.done());
    CHECK(same.identity() == known);
    Identification updated(recall);
    updated.answer(data(kSerial));
    updated.answer(data({0x0380, 5}));
    CHECK_FALSE(updated.done());
}

TEST_CASE("what is no GX is not taken for one") {
    for (const Answer& answer : {refusal(2), refusal(10), data(std::vector<std::uint16_t>(6, 0)),
                                 data(std::vector<std::uint16_t>(6, 0x2121)), data({1}),
                                 Answer{Answer::Kind::lost, 0, {}}, Answer{Answer::Kind::timeout, 0, {}}}) {
        Identification who;
        who.answer(answer);
        CHECK(who.failed());
        CHECK_FALSE(who.next().has_value());
    }
}
