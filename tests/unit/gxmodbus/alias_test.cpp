// Units 0 and 100 of a GX whose device with instance 100 comes and goes.
#include "gxmodbus/driver/ask.hpp"
#include "support/catch.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

using namespace gxmodbus;
namespace asio = boost::asio;
using T = ServiceType;
using Raw = std::vector<std::uint16_t>;

namespace {

constexpr Pair kOriginal{0, T::dcdc};
constexpr Pair kSecond{100, T::dcdc};

// A GX as seen by somebody who reads whole blocks.
struct Gx {
    std::function<Answer(std::uint8_t unit, const Block& block, int number)> answer;
    int reads = 0;

    ReadBlock reader() {
        return [this](std::uint8_t unit, const Block& block) -> asio::awaitable<Answer> {
            co_return answer(unit, block, reads++);
        };
    }
};

Answer data(const Block& block, std::uint16_t fill, int live = 0) {
    Raw words(block.count, fill);
    words[1] = static_cast<std::uint16_t>(words[1] + live);
    return {Answer::Kind::data, 0, words};
}
Answer absent() {
    return {Answer::Kind::exception, 10, {}};
}

std::optional<bool> finished(asio::awaitable<std::optional<bool>> question) {
    asio::io_context context;
    auto answer = asio::co_spawn(context, std::move(question), asio::use_future);
    context.run();
    return answer.get();
}

const ReadPlan kPlan{Generation::v101};

std::optional<bool> still_two(Gx& gx) {
    const Block block = kPlan.blocks(T::dcdc).front();
    const auto words = gx.answer(kSecond.unit, block, gx.reads++).words;
    return finished(still_two_devices(gx.reader(), kPlan, kSecond, kOriginal, block, words));
}

}  // namespace

TEST_CASE("a unit that shows another device than before is found out at once") {
    for (const bool there : {true, false}) {
        INFO(there);
        Gx gx{[there](std::uint8_t unit, const Block& block, int number) {
            const int live = number % 2 == 0 ? number : -number;
            return data(block, unit == kSecond.unit && there ? 700 : 20, there ? live : number);
        }};
        CHECK(still_two(gx) == there);
    }
}

TEST_CASE("two devices of which one block reads the same are told apart by another") {
    const auto blocks = kPlan.blocks(T::solarcharger);
    REQUIRE(blocks.size() > 1);
    Gx gx{[&](std::uint8_t unit, const Block& block, int) {
        return data(block, block == blocks.back() || unit == 0 ? 0 : 5);
    }};
    const Pair one{100, T::solarcharger}, other{0, T::solarcharger};
    const Raw words = data(blocks.back(), 0).words;
    CHECK(finished(still_two_devices(gx.reader(), kPlan, one, other, blocks.back(), words)) == true);
    CHECK(gx.reads == 5);
}

TEST_CASE("without an answer nothing is said of two units") {
    Gx gone{
        [](std::uint8_t unit, const Block& block, int) { return unit == 0 ? absent() : data(block, 20); }};
    CHECK(still_two(gone) == true);
    CHECK(finished(same_device(gone.reader(), kPlan, kSecond, kOriginal)) == false);
    Gx silent{
        [](std::uint8_t unit, const Block& block, int) { return unit == 0 ? Answer{} : data(block, 20); }};
    CHECK_FALSE(still_two(silent).has_value());
    CHECK_FALSE(finished(same_device(silent.reader(), kPlan, kSecond, kOriginal)).has_value());
    Gx one{[](std::uint8_t, const Block& block, int number) { return data(block, 20, number); }};
    CHECK(finished(same_device(one.reader(), kPlan, kSecond, kOriginal)) == true);
}
