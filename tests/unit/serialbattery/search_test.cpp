#include "serialbattery/driver/search.hpp"

#include "support/catch.hpp"

using namespace bms;

namespace {

std::vector<unsigned> others(std::string_view family, std::uint8_t found,
                             const std::vector<std::uint8_t>& given = {}) {
    const auto* known = find_family(family);
    std::vector<unsigned> addresses;
    for (const auto& place : further_places({known, found, known->lines.front()}, given)) {
        addresses.push_back(place.address);
    }
    return addresses;
}
std::vector<unsigned> range(unsigned first, unsigned last) {
    std::vector<unsigned> numbers;
    for (unsigned i = first; i <= last; ++i) {
        numbers.push_back(i);
    }
    return numbers;
}

}  // namespace

TEST_CASE("where further batteries are looked for on a bus") {
    CHECK(others("jbd", 0).empty());
    CHECK(others("jk_pb", 0) == range(1, 15));
    CHECK(others("seplos3", 0) == range(1, 16));
    // Not every make counts from 0 or 1.
    CHECK(others("daly", 0x40) == range(0x41, 0x4f));
    CHECK(others("pylontech", 2) == range(3, 13));
    CHECK(others("renogy", 0x30) == range(0x31, 0x3f));
    CHECK(others("renogy", 0xf7) == range(0x30, 0x3f));
    SECTION("what the user names goes instead") {
        CHECK(others("daly", 0x40, {0x40, 0x42}) == std::vector<unsigned>{0x42});
        CHECK(others("pylontech", 2, {0x12, 0xf0}) == std::vector<unsigned>{0x12});
    }
}
