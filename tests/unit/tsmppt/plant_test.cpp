#include "simulators/tristar/plant.hpp"

#include "support/catch.hpp"

using namespace tristar_simulator;

namespace {

struct Bench {
    double now = 1000;
    Plant plant{[this] { return now; }};

    std::uint16_t word(std::uint16_t address) {
        const auto value = plant.read(address);
        REQUIRE(value.has_value());
        return *value;
    }
};

}  // namespace

TEST_CASE("the simulated controller shows the scenes of its day") {
    Bench bench;
    bench.plant.show(Scene::bulk);
    CHECK(bench.word(68) == 1620);
    CHECK(bench.word(0) == 180);
    CHECK(bench.word(0xE0C0) == 0x3130);
    CHECK_FALSE(bench.plant.read(200).has_value());
}

TEST_CASE("its day never takes charge back except at dawn") {
    Bench bench;
    std::uint16_t last = 0;
    int restarts = 0;
    for (double hour = 0; hour < 24; hour += 0.01) {
        bench.plant.show_hour(hour);
        const auto wh = bench.word(68);
        restarts += wh < last ? 1 : 0;
        last = wh;
    }
    CHECK(restarts == 1);
    CHECK(last == 3400);
    bench.plant.show_hour(17.7);
    CHECK(bench.word(50) == 4);
    CHECK(bench.word(44) == 8);
}

TEST_CASE("slave control wants to be repeated and left properly") {
    Bench bench;
    bench.plant.show(Scene::bulk);
    CHECK(bench.plant.write(89, 5243) == 0);
    CHECK(bench.word(50) == 9);
    bench.now += 59;
    CHECK(bench.word(50) == 9);
    bench.now += 2;
    CHECK(bench.word(50) == 4);
    CHECK(bench.word(44) == 1u << 11);
    CHECK(bench.plant.write(89, 5243) == 0);
    CHECK(bench.word(50) == 9);
    CHECK(bench.plant.write(89, 0xFFFF) == 0);
    CHECK(bench.word(50) == 10);
    CHECK(bench.plant.write(89, 0xFFF0) == 0);
    CHECK(bench.word(50) == 5);
}

TEST_CASE("coils do what they are for") {
    Bench bench;
    bench.plant.show(Scene::bulk);
    CHECK(bench.plant.write_coil(2, true) == 0);
    CHECK(bench.word(50) == 2);
    CHECK(bench.word(28) == 0);
    CHECK(bench.plant.write_coil(2, false) == 0);
    CHECK(bench.plant.write_coil(0, true) == 0);
    CHECK(bench.word(50) == 8);
    CHECK(bench.plant.write_coil(0, false) == 0);
    CHECK(bench.plant.write_coil(18, true) == 0);
    CHECK(bench.word(56) == 0);
    CHECK(bench.word(57) == 2604);
}

TEST_CASE("a restart clears the day and takes a moment") {
    Bench bench;
    bench.plant.show(Scene::bulk);
    CHECK(bench.plant.write(0xE000, 2600) == 0);
    CHECK(bench.word(44) == 1u << 6);
    CHECK(bench.plant.write_coil(255, true) == 0);
    CHECK(bench.plant.take_silence());
    CHECK_FALSE(bench.plant.take_silence());
    CHECK(bench.word(0) == 0);
    bench.now += 1;
    CHECK(bench.word(0) == 180);
    CHECK(bench.word(44) == 0);
    CHECK(bench.word(68) == 0);
    CHECK(bench.word(0xE000) == 2600);
    bench.plant.show(Scene::absorption);
    CHECK(bench.word(68) == 2810 - 1620);
}

TEST_CASE("DIP switch 8 guards the writes") {
    Bench bench;
    bench.plant.pin(48, 2);
    CHECK(bench.plant.write(89, 5243) == 1);
    CHECK(bench.plant.write_coil(2, true) == 1);
    CHECK_FALSE(bench.plant.coil(2));
    bench.plant.unpin(48);
    CHECK(bench.plant.write(89, 5243) == 0);
}
