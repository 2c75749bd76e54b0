// The simulated GX answers as the recorded one did.

#include "simulators/gxmodbus/gx_server.hpp"
#include "support/catch.hpp"
#include "wire/bytes.hpp"

#include <fstream>

#include <nlohmann/json.hpp>

using gxmodbus::ServerVersion;
using gxmodbus::ServiceType;
using gxsim::GxServer;
using T = ServiceType;
using Pdu = std::vector<std::uint8_t>;

namespace {

// The dummy services the recordings were made with, as far as the recorded replies show them.
void furnish_as_recorded(GxServer& s) {
    const auto i = [](std::int64_t n) { return gxsim::BusValue{n}; };
    s.set(T::system, 0, "/Serial", "c0619ab2f3d1");
    s.set_firmware(0x0346, 0x0020);
    s.set_clock([] { return std::uint64_t{0x6b00795b}; });
    s.set(T::system, 0, "/Ac/ActiveIn/Source", i(1));
    s.set(T::system, 0, "/Dc/Battery/Voltage", 52.4);
    s.set(T::system, 0, "/Dc/Battery/Current", -17.3);
    s.set(T::system, 0, "/Dc/Battery/Power", -903.0);
    s.set(T::system, 0, "/Dc/Battery/Soc", 84.0);
    s.set(T::system, 0, "/Dc/Battery/State", i(2));
    s.set(T::system, 0, "/Dc/Battery/ConsumedAmphours", -42.3);
    s.set(T::system, 0, "/Dc/Battery/TimeToGo", 38400.0);
    s.set(T::system, 0, "/Dc/InverterCharger/Current", -58.4);
    s.set(T::system, 0, "/Dc/InverterCharger/Power", -3058.0);
    s.set(T::system, 0, "/Ac/ConsumptionOnInput/L1/Power", -250.0);
    s.set(T::vebus, 276, "/Ac/ActiveIn/L1/V", 231.5);
    s.set(T::vebus, 276, "/Ac/ActiveIn/L1/I", -5.4);
    s.set(T::vebus, 276, "/Ac/ActiveIn/L1/F", 49.98);
    s.set(T::vebus, 276, "/Ac/ActiveIn/L1/P", i(-1235));
    s.set(T::vebus, 276, "/Ac/Out/L1/V", 231.4);
    s.set(T::vebus, 276, "/Ac/Out/L1/I", 3.3);
    s.set(T::vebus, 276, "/Ac/Out/L1/F", 49.98);
    s.set(T::vebus, 276, "/Ac/ActiveIn/CurrentLimit", 25.0);
    s.set(T::vebus, 276, "/Ac/Out/L1/P", i(740));
    s.set(T::vebus, 276, "/Dc/0/Voltage", 52.36);
    s.set(T::vebus, 276, "/Dc/0/Current", -58.4);
    s.set(T::vebus, 276, "/Ac/NumberOfPhases", i(1));
    s.set(T::vebus, 276, "/Soc", 83.5);
    s.set(T::vebus, 276, "/State", i(9));
    s.set(T::vebus, 276, "/Mode", i(3));
    s.set(T::battery, 512, "/Dc/0/Power", i(-905));
    s.set(T::battery, 512, "/Dc/0/Voltage", 52.31);
    s.set(T::battery, 512, "/Dc/0/Current", -17.3);
    s.set(T::battery, 512, "/Dc/0/Temperature", -3.5);
    s.set(T::battery, 512, "/ConsumedAmphours", -42.3);
    s.set(T::battery, 512, "/Soc", i(83));
    s.set(T::battery, 512, "/Soh", i(99));
    s.set(T::battery, 512, "/Info/MaxChargeVoltage", 56.4);
    s.set(T::battery, 512, "/Info/BatteryLowVoltage", 48.0);
    s.set(T::battery, 512, "/Info/MaxChargeCurrent", 100.0);
    s.set(T::battery, 512, "/Info/MaxDischargeCurrent", 150.0);
    s.set(T::battery, 512, "/Capacity", 300.0);
    s.set(T::battery, 512, "/CustomName", "");
    s.set(T::solarcharger, 0, "/Dc/0/Voltage", 52.4);
    s.set(T::solarcharger, 0, "/Dc/0/Current", 55.3);
    s.set(T::solarcharger, 0, "/Mode", i(1));
    s.set(T::solarcharger, 0, "/State", i(3));
    s.set(T::solarcharger, 0, "/Yield/Power", 2900.0);
    s.set(T::solarcharger, 0, "/Pv/0/V", 310.5);
    s.set(T::solarcharger, 0, "/Pv/1/V", 298.25);
    s.set(T::solarcharger, 0, "/Pv/0/P", 1500.0);
    s.set(T::solarcharger, 0, "/Pv/1/P", 1400.0);
    s.set(T::solarcharger, 0, "/CustomName", "RS 450/200 garagabcdefgh");
    s.set(T::hub4, 0, "/Overrides/Setpoint", 5.0);
    s.set(T::settings, 0, "/Settings/CGwacs/AcPowerSetPoint", -250.0);
    s.set(T::settings, 0, "/Settings/CGwacs/MaxChargePercentage", 100.0);
    s.set(T::settings, 0, "/Settings/CGwacs/MaxDischargePercentage", 100.0);
    s.set(T::settings, 0, "/Settings/SystemSetup/MaxChargeCurrent", 70.0);
    s.set(T::settings, 0, "/Settings/CGwacs/MaxFeedInPower", 5500.0);
    s.set(T::settings, 0, "/Settings/CGwacs/OvervoltageFeedIn", i(1));
    s.set(T::settings, 0, "/Settings/CGwacs/BatteryLife/MinimumSocLimit", 10.0);
    s.set(T::grid, 30, "/Serial", "BP98305081235");
    s.set(T::grid, 30, "/Ac/L1/Power", -1235.0);
    s.set(T::grid, 30, "/Ac/L1/Voltage", 231.4);
    s.set(T::grid, 30, "/Ac/L1/Current", -5.33);
    s.set(T::grid, 30, "/Ac/L1/Energy/Forward", 1234.5);
    s.set(T::grid, 30, "/Ac/L1/Energy/Reverse", 987.65);
    s.set(T::grid, 30, "/Ac/Energy/Forward", 1234.5);
    s.set(T::grid, 30, "/Ac/Energy/Reverse", 987.65);
    s.set(T::grid, 30, "/Ac/Frequency", 49.98);
    s.add(T::platform, 0);
    s.set(T::pvinverter, 20, "/Ac/L1/Voltage", 232.0);
    s.set(T::pvinverter, 20, "/Ac/L1/Current", 6.5);
    s.set(T::pvinverter, 20, "/Ac/L1/Power", i(1503));
    s.set(T::pvinverter, 20, "/Ac/L1/Energy/Forward", 70000.5);
    s.set(T::pvinverter, 20, "/Serial", "1234567");
    s.set(T::tank, 25, "/ProductId", i(0xA162));
    s.set(T::tank, 25, "/Capacity", 0.2);
    s.set(T::tank, 25, "/FluidType", i(1));
    s.set(T::tank, 25, "/Level", 57.3);
    s.set(T::tank, 25, "/Remaining", 0.1146);
    s.set(T::tank, 25, "/CustomName", "Fresh");
    s.set(T::temperature, 24, "/ProductId", i(0xA163));
    s.set(T::temperature, 24, "/TemperatureType", i(1));
    s.set(T::temperature, 24, "/Temperature", -18.75);
    s.set(T::digitalinput, 1, "/Count", i(70000));
    s.set(T::digitalinput, 1, "/State", i(3));
    s.set(T::digitalinput, 1, "/Type", i(2));
    s.set(T::gps, 1, "/Position/Latitude", 59.913868);
    s.set(T::gps, 1, "/Position/Longitude", -10.752245);
    s.set(T::gps, 1, "/Course", 270.55);
    s.set(T::gps, 1, "/Speed", 1.25);
    s.set(T::gps, 1, "/Fix", i(1));
    s.set(T::gps, 1, "/NrOfSatellites", i(9));
    s.set(T::gps, 1, "/Altitude", -3.2);
}

// Replies to a run of pipelined requests, by transaction id.
std::map<unsigned, wire::Buffer> answers(GxServer& server, const wire::Buffer& requests) {
    std::map<unsigned, wire::Buffer> replies;
    for (std::size_t at = 0; at + 8 <= requests.size();) {
        const std::size_t size = 6u + wire::be16(requests, at + 4);
        const Pdu pdu(requests.begin() + static_cast<long>(at + 7),
                      requests.begin() + static_cast<long>(at + size));
        const auto reply = server.handle(requests[at + 6], pdu);
        REQUIRE(reply.has_value());
        wire::Buffer frame(requests.begin() + static_cast<long>(at),
                           requests.begin() + static_cast<long>(at + 4));
        wire::put_be16(frame, static_cast<unsigned>(reply->size() + 1));
        wire::put8(frame, requests[at + 6]);
        wire::put(frame, *reply);
        replies[wire::be16(requests, at)] = frame;
        at += size;
    }
    return replies;
}

std::optional<Pdu> read(GxServer& server, std::uint8_t unit, unsigned first, unsigned count) {
    return server.handle(unit, {3, static_cast<std::uint8_t>(first >> 8), static_cast<std::uint8_t>(first),
                                static_cast<std::uint8_t>(count >> 8), static_cast<std::uint8_t>(count)});
}

}  // namespace

TEST_CASE("recorded requests get the recorded replies") {
    std::ifstream file(TEST_DATA_DIR "/gxmodbus/gx-modbus.jsonl");
    std::map<std::string, std::unique_ptr<GxServer>> servers;
    int compared = 0;
    for (std::string text; std::getline(file, text);) {
        const auto line = nlohmann::json::parse(text);
        const std::string name = line["server"];
        auto& server = servers[name];
        if (!server) {
            server = std::make_unique<GxServer>(*gxmodbus::parse_server_version(name));
            furnish_as_recorded(*server);
            if (name.ends_with("1.0.82")) {
                server->set(T::hub4, 0, "/Overrides/Setpoint", -65531.0);
            }
        }
        if (line["what"] == "newer server (1.0.101): the crossing block is right") {
            server->set(T::hub4, 0, "/Overrides/Setpoint", -65531.0);
        }
        const auto replies = answers(*server, *wire::from_hex(line["request"].get<std::string>()));
        wire::Buffer expected = *wire::from_hex(line["hex"].get<std::string>());
        for (std::size_t at = 0; at + 8 <= expected.size();) {
            const std::size_t size = 6u + wire::be16(expected, at + 4);
            const wire::Buffer one(expected.begin() + static_cast<long>(at),
                                   expected.begin() + static_cast<long>(at + size));
            INFO(line["what"]);
            CHECK(wire::to_hex(replies.at(wire::be16(expected, at))) == wire::to_hex(one));
            ++compared;
            at += size;
        }
    }
    CHECK(compared == 55);
}

TEST_CASE("unit ids resolve by the rule of the server's version") {
    for (const auto& [version, volts] :
         {std::pair{ServerVersion{1, 0, 82}, 2700}, {ServerVersion{1, 0, 94}, 1300}}) {
        GxServer server(version);
        server.set(T::solarcharger, 224, "/Dc/0/Voltage", 13.0);
        server.set(T::solarcharger, 278, "/Dc/0/Voltage", 27.0);
        const auto reply = read(server, 224, 771, 1);
        REQUIRE(reply->size() == 4);
        CHECK(((*reply)[2] << 8 | (*reply)[3]) == volts);
    }
}

TEST_CASE("old layouts and defects") {
    GxServer v94({1, 0, 94});
    v94.set(T::battery, 225, "/Mode", std::int64_t{3});
    v94.set(T::battery, 225, "/System/MaxTemperatureCellId", "C7");
    CHECK(read(v94, 225, 1282, 40)->size() == 82);
    CHECK(*read(v94, 225, 1282, 62) == Pdu{0x83, 2});
    CHECK(*read(v94, 225, 1319, 1) == Pdu{3, 2, 0, 3});
    CHECK(read(v94, 225, 1319, 17)->size() == 36);
    v94.set(T::system, 0, "/Serial", "c0619ab2f3d1");
    CHECK(read(v94, 100, 865, 7)->size() == 16);
    CHECK(*read(v94, 100, 865, 8) == Pdu{0x83, 2});
    CHECK(*read(v94, 100, 871, 1) == Pdu{3, 2, 0xff, 0xff});
    CHECK(*read(v94, 100, 800, 120) == Pdu{0x83, 2});

    GxServer v90({1, 0, 90});
    v90.set(T::system, 0, "/Serial", "c0619ab2f3d1");
    CHECK_FALSE(read(v90, 227, 3, 1).has_value());  // no VE.Bus anywhere: the program crashes
    v90.set(T::vebus, 276, "/Mode", std::int64_t{3});
    CHECK(*read(v90, 227, 33, 1) == Pdu{3, 2, 0, 3});
    CHECK(*read(v90, 9, 33, 1) == Pdu{0x83, 11});    // no such unit
    CHECK(*read(v90, 100, 33, 1) == Pdu{0x83, 10});  // a unit without the type
}

TEST_CASE("values beyond a register") {
    const auto word = [](ServerVersion version, gxsim::BusValue value, unsigned address) {
        GxServer server(version);
        server.set(T::system, 0, std::string(gxmodbus::register_at(address)->path), std::move(value));
        const auto reply = read(server, 100, address, 1);
        return (*reply)[2] << 8 | (*reply)[3];
    };
    CHECK(word({1, 0, 101}, std::int64_t{70000}, 850) == 0xfffe);
    CHECK(word({1, 0, 94}, std::int64_t{70000}, 850) == 0xffff);
    CHECK(word({1, 0, 82}, std::int64_t{70000}, 850) == 70000 - 65536);
    CHECK(word({1, 0, 101}, 70000.0, 850) == 70000 - 65536);
    CHECK(word({1, 0, 101}, -5.0, 850) == 0);
    CHECK(word({1, 0, 101}, std::string("text"), 850) == 0);
    CHECK(word({1, 0, 101}, std::int64_t{-40000}, 860) == 0x8000);
}
