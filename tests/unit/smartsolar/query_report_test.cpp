#include "smartsolar/protocol/query_report.hpp"

#include "support/catch.hpp"

using smartsolar::QueryReport;
using smartsolar::shortest;
using Outcome = smartsolar::QueryReport::Outcome;

TEST_CASE("the line keeps the order of arrival and the place of a repeated value") {
    QueryReport report;
    CHECK(report.line() == "{}");
    const auto accept = [&](std::uint16_t number, const char* hex) {
        return report.accept(number, wire::from_hex(hex).value());
    };
    CHECK(accept(0xED8D, "a101") == Outcome::stored);
    CHECK(accept(0x0102, "00590100") == Outcome::stored);
    CHECK(accept(0xED8F, "feff") == Outcome::stored);
    CHECK(accept(0xED8D, "a201") == Outcome::stored);
    CHECK(accept(0xED8C, "00000000") == Outcome::ignored);
    CHECK(accept(0xEDDA, "00") == Outcome::unknown);
    CHECK(accept(0xEC5A, "010203040506070809") == Outcome::unusable);
    CHECK(accept(0xEC5A, "") == Outcome::unusable);
    CHECK(
        report.line()
        == R"json({"Channel 1 voltage (V)": 4.18, "Firmware version": "00590100", "Channel 1 current (A)": 6553.400000000001})json");
}

TEST_CASE("numbers print with the fewest digits that read back the same, and a fraction") {
    CHECK(shortest(8) == "8.0");
    CHECK(shortest(0) == "0.0");
    CHECK(shortest(1740 * 0.01) == "17.400000000000002");
    CHECK(shortest(3 * 0.1) == "0.30000000000000004");
    CHECK(shortest(100000) == "100000.0");
}
