// Every line of the collected frames must decode to what it says there.

#include "serialbattery/decode_json.hpp"
#include "serialbattery/family.hpp"
#include "support/catch.hpp"
#include "support/json_difference.hpp"

#include <fstream>
#include <set>
#include <string>

namespace {

using Json = nlohmann::ordered_json;

/// `optional`: lines of families that do not exist yet are passed over.
void check_file(const std::string& name, bool optional = false) {
    std::ifstream file(TEST_DATA_DIR "/serialbattery/" + name);
    REQUIRE(file.is_open());
    std::string line;
    std::size_t decoded = 0;
    while (std::getline(file, line)) {
        const auto vector = Json::parse(line);
        const auto protocol = vector["protocol"].get<std::string>();
        if (optional && bms::find_family(protocol) == nullptr) {
            continue;
        }
        INFO(protocol << ": " << vector["what"].get<std::string>());
        const auto result = bms::decode_line(line);
        INFO(result.dump());
        CHECK(support::difference(vector["expect"], result, 0.001) == "");
        ++decoded;
    }
    CHECK(decoded > 0);
}

}  // namespace

TEST_CASE("the first collection of frames decodes as expected") {
    check_file("bms-1.jsonl");
}

TEST_CASE("the second collection of frames decodes as expected") {
    check_file("bms-2.jsonl", true);
}

TEST_CASE("a line that cannot be decoded says why") {
    CHECK(bms::decode_line("{}")["error"] == "not an object with protocol and hex");
    CHECK(bms::decode_line("no json")["valid"] == false);
    CHECK(bms::decode_line(R"({"protocol":"jbd","hex":"0g"})")["error"] == "not hexadecimal");
    CHECK(bms::decode_line(R"({"protocol":"unheard","hex":"00"})")["error"] == "protocol");
    CHECK(bms::decode_line(R"({"protocol":"jbd","hex":""})")["error"] == "truncated");
}

TEST_CASE("every family is complete and its name unique") {
    std::set<std::string_view> names;
    for (const auto* family : bms::families()) {
        INFO(family->name);
        CHECK(names.insert(family->name).second);
        CHECK_FALSE(family->title.empty());
        CHECK_FALSE(family->lines.empty());
        CHECK(family->sight != nullptr);
        CHECK(family->mismatch != nullptr);
        CHECK(family->describe != nullptr);
        CHECK(family->first_address <= family->last_address);
        CHECK((family->open != nullptr) == family->detection.battery);
        for (const auto address : family->detection.addresses) {
            CHECK((address >= family->first_address && address <= family->last_address));
        }
    }
}
