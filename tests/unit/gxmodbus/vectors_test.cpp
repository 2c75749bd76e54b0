// Every recorded exchange with the real server program, decoded and compared with what it is known to mean.

#include "gxmodbus/decode_json.hpp"
#include "support/catch.hpp"

#include <fstream>
#include <string>

#include <nlohmann/json.hpp>

using nlohmann::json;

namespace {

// Numbers of any kind are equal when they are as good as the double that Python would compute.
bool same(const json& expected, const json& actual) {
    if (expected.is_number() && actual.is_number()) {
        return expected.get<double>() == Approx(actual.get<double>()).epsilon(1e-12);
    }
    if (expected.is_object() && actual.is_object()) {
        return expected.size() == actual.size()
               && std::all_of(expected.items().begin(), expected.items().end(), [&](const auto& item) {
                      return actual.contains(item.key()) && same(item.value(), actual[item.key()]);
                  });
    }
    if (expected.is_array() && actual.is_array()) {
        return std::equal(expected.begin(), expected.end(), actual.begin(), actual.end(), same);
    }
    return expected == actual;
}

}  // namespace

TEST_CASE("recorded exchanges say what they are known to say") {
    std::ifstream file(TEST_DATA_DIR "/gxmodbus/gx-modbus.jsonl");
    REQUIRE(file);
    int lines = 0;
    for (std::string text; std::getline(file, text); ++lines) {
        json line = json::parse(text);
        const json expected = line["expect"];
        line.erase("expect");
        const json decoded = gxmodbus::decode_line(line);
        INFO(line["what"] << "\nexpected " << expected.dump() << "\ndecoded  " << decoded.dump());
        for (const auto& [key, value] : expected.items()) {
            REQUIRE(decoded.contains(key));
            CHECK(same(value, decoded[key]));
        }
    }
    CHECK(lines == 54);
}

TEST_CASE("bytes that are no valid reply are named, not guessed at") {
    const auto error = [](const char* request, const char* reply) {
        const json decoded = gxmodbus::decode_line({{"request", request}, {"hex", reply}});
        return decoded.size() == 1 && decoded.contains("error");
    };
    const char* const request = "002500000006640303420002";
    REQUIRE_FALSE(error(request, "00250000000764030403460020"));
    CHECK(error(request, ""));
    CHECK(error(request, "0025000000076403040346"));        // cut short
    CHECK(error(request, "0025000000076403040346002000"));  // a byte left over
    CHECK(error(request, "00250000000664030403460020"));    // length field too small
    CHECK(error(request, "00250000000764030203460020"));    // byte count too small
    CHECK(error(request,
                "002500000005640302"
                "0346"));                                 // fewer registers than asked for
    CHECK(error(request, "00260000000764030403460020"));  // another transaction
    CHECK(error(request, "00250000000764040403460020"));  // another function
    CHECK(error(request, "00250000000765030403460020"));  // another unit
    CHECK(error(request, "00250001000764030403460020"));  // not Modbus
    CHECK(error(request,
                "0025000000046483"
                "0202"));  // an exception with a byte too many
    CHECK(error("002e00000006e306001600a5", "002e00000006e306001600a6"));  // confirms another value
    CHECK(error("zz", "00"));
}

TEST_CASE("a reply of a 1.0.82 server lists its own rows only") {
    // 2715 belongs to settings, 2716 to hub4: one block answers from one service there.
    const json decoded = gxmodbus::decode_line({{"request", "00610000000664030a9b0003"},
                                                {"hex", "006100000009640306000000000000"},
                                                {"server", "dbus_modbustcp 1.0.82"}});
    CHECK(decoded["wrong_from"] == 2716);
    CHECK(decoded["values"].size() == 1);
    CHECK(decoded["values"].contains("2715"));
}
