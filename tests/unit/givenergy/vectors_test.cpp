// Every line of the collected frames must decode to what it says there.

#include "givenergy/readout/decode.hpp"
#include "support/catch.hpp"
#include "support/json_difference.hpp"

#include <fstream>
#include <string>

namespace {

using Json = nlohmann::ordered_json;

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
        CHECK(support::difference(expected, result, 1e-9) == "");
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
