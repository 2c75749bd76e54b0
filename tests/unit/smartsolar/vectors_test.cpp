#include "smartsolar/tool/decode.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <fstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

using nlohmann::json;
using smartsolar::decode_line;

namespace {

std::vector<json> vectors() {
    std::vector<json> lines;
    std::ifstream file(TEST_DATA_DIR "/smartsolar/vectors.jsonl");
    for (std::string line; std::getline(file, line);) {
        lines.push_back(json::parse(line));
    }
    return lines;
}

// Numbers agree when they print alike: 8 and 8.0 are one value.
bool same(const json& expected, const json& got) {
    if (expected.is_number() && got.is_number()) {
        return std::abs(expected.get<double>() - got.get<double>()) < 1e-9;
    }
    if (expected.is_object() && got.is_object() && expected.size() == got.size()) {
        return std::all_of(expected.items().begin(), expected.items().end(), [&](const auto& item) {
            return got.contains(item.key()) && same(item.value(), got[item.key()]);
        });
    }
    if (expected.is_array() && got.is_array() && expected.size() == got.size()) {
        for (std::size_t i = 0; i < expected.size(); ++i) {
            if (!same(expected[i], got[i])) {
                return false;
            }
        }
        return true;
    }
    return expected == got;
}

}  // namespace

TEST_CASE("every recorded and synthesised line decodes to exactly what it says") {
    const auto lines = vectors();
    REQUIRE(lines.size() > 60);
    for (json line : lines) {
        const json expected = line.at("expect");
        line.erase("expect");
        const json got = json::parse(decode_line(line.dump()));
        CAPTURE(line.at("what").dump(), expected.dump(), got.dump());
        CHECK(same(expected, got));
    }
}

TEST_CASE("a cut or altered line is refused or decodes to less, never to an exception") {
    for (json line : vectors()) {
        line.erase("expect");
        const auto hex = line.at("hex").get<std::string>();
        for (std::size_t length = 0; length < hex.size(); ++length) {
            line["hex"] = hex.substr(0, length);
            const json got = json::parse(decode_line(line.dump()));
            CHECK(got.is_object());
            if (length % 2 == 1 && line["protocol"] != "victron-gatt-stream" && !line.contains("fragments")) {
                CHECK(got.contains("error"));
            }
        }
    }
}

TEST_CASE("a line that is no vector names its fault") {
    const auto fault = [](const char* line) {
        const json answer = json::parse(decode_line(line));
        return answer.contains("error") ? answer["error"].dump() : "";
    };
    CHECK(!fault("").empty());
    CHECK(!fault("[1, 2]").empty());
    CHECK(fault(R"({"protocol": "modbus", "hex": ""})") == R"("unknown protocol \"modbus\"")");
    CHECK(fault(R"({"protocol": "victron-instant-readout", "hex": "1"})") == R"("hex is not hexadecimal")");
    CHECK(fault(R"({"protocol": "victron-instant-readout", "hex": "10", "key": "12"})")
          == R"("a key has 32 hexadecimal digits")");
    CHECK(fault(R"({"protocol": "victron-record-plain", "hex": "10", "record_type": 14})")
          == R"("unknown_record_type")");
    CHECK(!fault(R"({"protocol": "victron-gatt-request", "hex": "01", "sequence": [["C9"]]})").empty());
    CHECK(
        !fault(
             R"({"protocol": "victron-gatt-stream", "hex": "", "fragments": [{"char": "0005", "hex": ""}]})")
             .empty());
}
