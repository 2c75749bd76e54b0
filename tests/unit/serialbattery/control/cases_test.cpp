// Every case of battery-control.jsonl through the control tool: settings and time lines in, published values out.
#include "serialbattery/control/case_tool.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>

#include <nlohmann/json.hpp>

using bms::control::run_case;
using Json = nlohmann::json;

namespace {

std::vector<Json> cases(std::string_view protocol) {
    std::ifstream file(TEST_DATA_DIR "/serialbattery/battery-control.jsonl");
    REQUIRE(file);
    std::vector<Json> list;
    for (std::string line; std::getline(file, line);) {
        auto one = Json::parse(line);
        if (one["protocol"] == protocol) {
            list.push_back(std::move(one));
        }
    }
    return list;
}

/// How far a field may be from its expectation (the case may name its own).
double tolerance(const Json& one, const std::string& field, double expected) {
    static const std::map<std::string, double> kFields = {
        {"cvl", 0.0051},   {"cvl_exact", 1e-4},    {"ccl", 0.001},        {"dcl", 0.001},
        {"soc", 0.006},    {"voltage", 0.0051},    {"current", 0.0051},   {"power", 0.0051},
        {"time_to_go", 1}, {"remaining_ah", 0.01}, {"consumed_ah", 0.01},
    };
    if (one.contains("tolerance") && one["tolerance"].contains(field)) {
        return one["tolerance"][field].get<double>();
    }
    const auto known = kFields.find(field);
    return known != kFields.end() ? known->second : std::max(0.001, std::fabs(expected) * 1e-4);
}

void compare(const Json& one, const Json& expected, const Json& got) {
    for (const auto& [field, value] : expected.items()) {
        INFO(field << " expected " << value << " got "
                   << (got.contains(field) ? got[field] : Json("nothing")));
        REQUIRE(got.contains(field));
        if (value.is_number() && got[field].is_number()) {
            const auto number = value.get<double>();
            CHECK(std::fabs(number - got[field].get<double>()) <= tolerance(one, field, number) + 1e-12);
        } else {
            CHECK(got[field] == value);
        }
    }
}

/// The case as a user gives it: without what is expected.
std::string question(Json one) {
    for (const auto* key :
         {"expect", "source", "real", "changed_settings", "tolerance", "quirk", "reference_differs"}) {
        one.erase(key);
    }
    if (one.contains("checks")) {
        for (auto& check : one["checks"]) {
            check.erase("expect");
        }
    }
    return one.dump();
}

}  // namespace

TEST_CASE("every time series gives what is expected at each of its checks") {
    const auto all = cases("battery-control");
    REQUIRE(all.size() == 52);
    for (const auto& one : all) {
        DYNAMIC_SECTION(one["id"].get<std::string>() << ": " << one["what"].get<std::string>()) {
            const auto got = Json::parse(run_case(question(one)));
            INFO(got.dump());
            REQUIRE(got.contains("checks"));
            REQUIRE(got["checks"].size() == one["checks"].size());
            for (std::size_t i = 0; i < got["checks"].size(); ++i) {
                INFO("t = " << one["checks"][i]["t"]);
                CHECK(got["checks"][i]["t"] == one["checks"][i]["t"]);
                compare(one, one["checks"][i]["expect"], got["checks"][i]);
            }
            compare(one, one["expect"], got);
        }
    }
}

TEST_CASE("every configuration case gives its complaints and the values in force") {
    const auto all = cases("battery-config");
    REQUIRE(all.size() == 11);
    for (const auto& one : all) {
        DYNAMIC_SECTION(one["id"].get<std::string>() << ": " << one["what"].get<std::string>()) {
            const auto got = Json::parse(run_case(question(one)));
            INFO(got.dump());
            CHECK(got["complaints_about"] == one["expect"]["complaints_about"]);
            compare(one, one["expect"]["effective"], got["effective"]);
        }
    }
}

TEST_CASE("a check shows every field, null where there is no value") {
    auto one = cases("battery-control").front();
    one["checks"] = Json::array({{{"t", -5}}, {{"t", 0}}, {{"t", 12.5}}});
    const auto got = Json::parse(run_case(question(one)));
    REQUIRE(got["checks"].size() == 3);
    CHECK(got.size() == 48);
    const auto& before = got["checks"][0];
    CHECK(before.size() == 48);
    CHECK(before["cvl"].is_null());
    CHECK(before["soc"].is_null());
    CHECK(before["history_total_ah_drawn"].is_null());
    CHECK(got["checks"][1]["cvl"] == 55.2);
    CHECK(got["checks"][2]["cvl"] == 55.2);
    CHECK(got["checks"][2]["t"] == 12.5);
}

TEST_CASE("a line that cannot be used says why and harms nothing") {
    const auto error_of = [](std::string_view line) {
        const auto got = Json::parse(run_case(line));
        return got.contains("error") ? got["error"].get<std::string>() : std::string();
    };
    CHECK(error_of("") == "not JSON");
    CHECK(error_of("{\"protocol\":") == "not JSON");
    CHECK(error_of("[1,2]") == "not a JSON object");
    CHECK(error_of("{}") == "protocol is missing");
    CHECK(error_of(R"({"protocol":"jk"})") == "unknown protocol");
    CHECK(error_of(R"({"protocol":7})") == "unknown protocol");
    CHECK(error_of(R"({"protocol":"battery-config"})") == "settings_text is missing");
    CHECK(error_of(R"({"protocol":"battery-config","settings_text":{"VOLTAGE_DROP":1}})")
          == "the text of VOLTAGE_DROP is not a text");

    const auto good = cases("battery-control").front();
    for (const auto* key : {"settings", "pack", "timeline", "checks"}) {
        auto bad = good;
        bad.erase(key);
        CHECK(error_of(bad.dump()) == std::string(key) + " is missing");
    }
    auto bad = good;
    bad["timeline"][0]["to"] = 3e8;
    bad["timeline"][0]["period_s"] = 0.001;
    CHECK(error_of(bad.dump()) == "the time line has too many polls");
    bad = good;
    bad["timeline"][0]["period_s"] = 0;
    CHECK(error_of(bad.dump()) == "period_s is not positive");
    bad = good;
    bad["timeline"][0]["in"]["cells"] = "3.3";
    CHECK(error_of(bad.dump()) == "cells is not a list");
    bad = good;
    bad["pack"]["cell_count"] = 0;
    CHECK(error_of(bad.dump()) == "cell_count is out of range");
    bad = good;
    bad["settings"]["MAX_CELL_VOLTAGE"] = "3,45";
    CHECK(error_of(bad.dump()) == "setting MAX_CELL_VOLTAGE has no usable value");
    CHECK(error_of(R"({"protocol":"battery-config","settings_text":{}})").empty());
}
