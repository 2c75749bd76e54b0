// Every line of the collected frames must decode to what it says there.

#include "givenergy/readout/decode.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <fstream>
#include <string>

namespace {

using Json = nlohmann::ordered_json;

/// Where `actual` lacks or contradicts `expected`; empty when it agrees. Further members are allowed.
std::string difference(const Json& expected, const Json& actual, const std::string& where = "") {
    if (expected.is_number() && actual.is_number()) {
        const double apart = std::abs(expected.get<double>() - actual.get<double>());
        return apart <= 1e-9 ? "" : where + ": " + actual.dump() + " instead of " + expected.dump();
    }
    if (expected.is_object() && actual.is_object()) {
        for (const auto& [key, value] : expected.items()) {
            if (!actual.contains(key)) {
                return where + "/" + key + ": missing";
            }
            if (auto found = difference(value, actual[key], where + "/" + key); !found.empty()) {
                return found;
            }
        }
        return "";
    }
    if (expected.is_array() && actual.is_array() && expected.size() == actual.size()) {
        for (std::size_t i = 0; i < expected.size(); ++i) {
            if (auto found = difference(expected[i], actual[i], where + "/" + std::to_string(i));
                !found.empty()) {
                return found;
            }
        }
        return "";
    }
    return expected == actual ? "" : where + ": " + actual.dump() + " instead of " + expected.dump();
}

}  // namespace

TEST_CASE("the collected frames decode as expected") {
    std::ifstream file(TEST_DATA_DIR "/givenergy/givenergy.jsonl");
    REQUIRE(file.is_open());
    std::string line;
    int decoded = 0;
    while (std::getline(file, line)) {
        auto vector = Json::parse(line);
        const Json expected = vector["expect"];
        vector.erase("expect");
        INFO(vector["what"].get<std::string>());
        const Json result = givenergy::decode_line(vector.dump());
        INFO(result.dump());
        CHECK(difference(expected, result) == "");
        // A verdict nobody expects would keep a good bank from being used.
        if (vector.contains("real") && vector["real"] == true && !expected.contains("action")) {
            CHECK_FALSE(result.contains("action"));
        }
        ++decoded;
    }
    CHECK(decoded == 107);
}

TEST_CASE("a line that cannot be decoded says why") {
    using givenergy::decode_line;
    CHECK(decode_line("no json")["error"] == "not a JSON object");
    CHECK(decode_line(R"({"hex":"0g"})")["error"] == "hex is not hexadecimal");
    CHECK(decode_line(R"({"hex":"00"})")["error"] == "does not begin with 5959 0001");
    CHECK(decode_line(R"({"hex":"","kind":"unheard"})")["error"] == "unknown kind");
    CHECK(decode_line(R"({"hex":"","kind":"match"})")["error"] == "match needs pending");
    CHECK(decode_line(R"({"hex":"","kind":"match","pending":{"addr":"x"}})").contains("error"));
}
