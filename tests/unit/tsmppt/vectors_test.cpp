#include "support/catch.hpp"
#include "tsmppt/decode.hpp"

#include <cmath>
#include <fstream>
#include <sstream>
#include <vector>

using nlohmann::json;

namespace {

std::vector<json> vectors() {
    std::ifstream file{TEST_DATA_DIR "/tsmppt/registers.jsonl"};
    std::vector<json> lines;
    for (std::string line; std::getline(file, line);) {
        lines.push_back(json::parse(line));
    }
    return lines;
}

/// Names every key at which `actual` lacks or contradicts `expected`; numbers agree within a thousandth.
void compare(const std::string& at, const json& expected, const json& actual,
             std::vector<std::string>& wrong) {
    if (expected.is_object()) {
        for (const auto& [key, value] : expected.items()) {
            if (!actual.is_object() || !actual.contains(key)) {
                wrong.push_back(at + "/" + key + " is missing");
            } else {
                compare(at + "/" + key, value, actual[key], wrong);
            }
        }
    } else if (expected.is_number() && actual.is_number()) {
        if (std::abs(expected.get<double>() - actual.get<double>()) > 1e-3) {
            wrong.push_back(at + ": " + expected.dump() + " expected, is " + actual.dump());
        }
    } else if (expected != actual) {
        wrong.push_back(at + ": " + expected.dump() + " expected, is " + actual.dump());
    }
}

json without_expectation(json line) {
    line.erase("expect");
    return line;
}

}  // namespace

TEST_CASE("every captured image decodes as expected") {
    const auto lines = vectors();
    REQUIRE(lines.size() == 6);
    for (const auto& line : lines) {
        INFO(line["what"].get<std::string>());
        const json actual = tristar::decode_line(without_expectation(line).dump());
        std::vector<std::string> wrong;
        compare("", line["expect"], actual, wrong);
        CHECK(wrong == std::vector<std::string>{});
        // What was not read is not invented.
        CHECK(actual["decoded"].size() == line["expect"]["decoded"].size());
    }
}

TEST_CASE("the captured frames say the same as the captured registers") {
    int with_frames = 0;
    for (const auto& line : vectors()) {
        if (!line.contains("adu")) {
            continue;
        }
        ++with_frames;
        json registers_only = line;
        registers_only["registers"].erase("57536");  // the frames end before the serial number
        registers_only["registers"].erase("57548");
        registers_only["registers"].erase("57549");
        const json from_frames = tristar::decode_line(json{{"adu", line["adu"]}}.dump());
        CHECK(from_frames == json(tristar::decode_line(registers_only.dump())));
    }
    CHECK(with_frames == 1);
}

TEST_CASE("an image without scaling is refused whole") {
    const auto lines = {
        R"({"registers": {"24": 4000}})",
        R"({"registers": {"0": 180, "1": 0, "2": 0, "3": 0, "24": 4000}})",
        R"({"registers": {"0": 0, "1": 0, "2": 80, "3": 0, "24": 4000}})",
        R"({"registers": {"0": 180, "2": 80, "3": 0, "24": 4000}})",
        R"({"registers": {}})",
    };
    for (const auto* line : lines) {
        CHECK(json(tristar::decode_line(line)) == json{{"error", "no_scaling"}});
    }
}

TEST_CASE("an image that no controller can have is refused whole") {
    const auto lines = {
        R"({"registers": {"0": 65535, "1": 65535, "2": 65535, "3": 65535, "24": 65535}})",
        R"({"registers": {"0": 180, "1": 0, "2": 80, "3": 0, "24": 32000}})",
        R"({"registers": {"0": 180, "1": 0, "2": 80, "3": 0, "35": 200}})",
    };
    for (const auto* line : lines) {
        CHECK(json(tristar::decode_line(line)) == json{{"error", "implausible"}});
    }
}

TEST_CASE("lines that hold no image say what is wrong") {
    const auto lines = {
        "",
        "{",
        "[]",
        "7",
        R"({"registers": []})",
        R"({"registers": {"x": 1}})",
        R"({"registers": {"70000": 1}})",
        R"({"registers": {"1": 70000}})",
        R"({"registers": {"1": -1}})",
        R"({"adu": {}})",
        R"({"adu": {"request": "00", "response": "00"}})",
        // The answer of another unit than was asked.
        R"({"adu": {"request": "000100000006010400000001", "response": "0001000000050204020001"}})",
    };
    for (const auto* line : lines) {
        INFO(line);
        CHECK(tristar::decode_line(line).contains("error"));
    }
    std::istringstream in{"\n{\"registers\": {\"0\":180,\"1\":0,\"2\":80,\"3\":0}}\n\nrubbish\n"};
    std::ostringstream out;
    CHECK_FALSE(tristar::decode_lines(in, out));
    CHECK(
        out.str()
        == "{\"decoded\":{\"v_pu\":180.0,\"i_pu\":80.0},\"venus\":{}}\n{\"error\":\"not a JSON object\"}\n");
}
