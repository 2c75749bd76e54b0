#include "gxmodbus/driver/remote.hpp"
#include "support/catch.hpp"

#include <array>
#include <chrono>

using namespace gxmodbus;
using namespace std::chrono_literals;

TEST_CASE("attempts to connect become rare, and not all at the same moment") {
    constexpr std::array kNominal{1000ms, 2000ms, 5000ms, 10000ms, 30000ms, 60000ms, 60000ms};
    for (int attempt = 0; attempt < static_cast<int>(kNominal.size()); ++attempt) {
        INFO(attempt);
        const auto nominal = kNominal[static_cast<std::size_t>(attempt)];
        CHECK(backoff(attempt, 0.5) == nominal);
        CHECK(backoff(attempt, 0) == nominal * 8 / 10);
        CHECK(backoff(attempt, 0.25) == nominal * 9 / 10);
        const auto longest = backoff(attempt, 0.999999);
        CHECK(longest > nominal * 119 / 100);
        CHECK(longest <= nominal * 12 / 10);
    }
    CHECK(backoff(100000, 0.5) == 60s);
    CHECK(backoff(-1, 0.5) == 1s);
}
