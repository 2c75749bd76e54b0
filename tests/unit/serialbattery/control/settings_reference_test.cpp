// The table of settings in docs/battery-control.md is the one the driver works with.
#include "serialbattery/control/settings_reference.hpp"

#include "serialbattery/control/case_tool.hpp"
#include "serialbattery/control/settings_table.hpp"
#include "support/catch.hpp"

#include <cstdlib>
#include <fstream>

#include <nlohmann/json.hpp>

namespace {

constexpr std::string_view kBegin = "<!-- settings: written by the test of this page -->\n";
constexpr std::string_view kEnd = "<!-- end of settings -->\n";
const std::string kPage = DOCS_DIR "/battery-control.md";

std::string page() {
    std::ifstream file(kPage, std::ios::binary);
    REQUIRE(file);
    return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("the page lists every setting once") {
    const auto text = bms::control::settings_reference();
    for (const auto& row : bms::control::kSettings) {
        const auto cell = "| `" + std::string(row.name) + "` |";
        const auto at = text.find(cell);
        INFO(row.name);
        REQUIRE(at != std::string::npos);
        CHECK(text.find(cell, at + 1) == std::string::npos);
    }
}

TEST_CASE("the table of settings on the page is the table of the driver") {
    const auto before = page();
    const auto begin = before.find(kBegin);
    const auto end = before.find(kEnd);
    REQUIRE(begin != std::string::npos);
    REQUIRE(end != std::string::npos);
    const auto from = begin + kBegin.size();
    const auto expected = bms::control::settings_reference();
    if (std::getenv("UPDATE_DOCS") != nullptr) {
        std::ofstream(kPage, std::ios::binary) << before.substr(0, from) << expected << before.substr(end);
        return;
    }
    INFO("UPDATE_DOCS=1 rewrites the table");
    CHECK(before.substr(from, end - from) == expected);
}

TEST_CASE("the example of the control tool on the page works") {
    const auto text = page();
    const auto begin = text.find("```json\n") + 8;
    const auto example = text.substr(begin, text.find("```", begin) - begin);
    const auto answer = nlohmann::json::parse(bms::control::run_case(example));
    INFO(answer.dump());
    REQUIRE(answer.contains("checks"));
    CHECK(answer["checks"].size() == 2);
    CHECK(answer["cvl"] == 14.0);
    CHECK(answer["phase"] == "bulk");
}
