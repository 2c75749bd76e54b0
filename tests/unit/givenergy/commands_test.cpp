// Control functions: what they write, and what they refuse.

#include "givenergy/control/commands.hpp"

#include "givenergy/readout/payload.hpp"
#include "support/catch.hpp"

#include <fmt/format.h>

using namespace givenergy;

namespace {

CommandContext context_of(Model model, std::uint16_t dtc, std::uint16_t arm = 449) {
    CommandContext context;
    context.model = model;
    context.dtc = dtc;
    context.arm_firmware = arm;
    context.now = {2026, 2, 28, 23, 59, 58};
    return context;
}

const CommandContext kHybrid = context_of(Model::hybrid_gen1, 0x2001);

/// The writes of a function, or what is wrong with it as the only member with register -1.
std::string run(std::string_view function, std::string_view payload,
                const CommandContext& context = kHybrid) {
    const auto arguments = arguments_of_message(payload);
    if (!arguments) {
        return arguments.error().text;
    }
    const Plan plan = plan_command(function, *arguments, context);
    if (!plan) {
        return plan.error().text;
    }
    std::string text;
    for (const ApprovedWrite& write : *plan) {
        text += fmt::format("{}{}={}", text.empty() ? "" : " ", write.reg(), write.value());
    }
    return text;
}

}  // namespace

TEST_CASE("the example of every function is right for some model") {
    const std::vector<CommandContext> units{kHybrid, context_of(Model::all_in_one, 0x8001, 612),
                                            context_of(Model::hybrid_3ph, 0x4004, 0),
                                            context_of(Model::ems, 0x5001)};
    for (const Command& command : commands()) {
        for (int slot = command.slots > 0 ? 1 : 0; slot <= command.slots; ++slot) {
            if (command.name == "setCarChargeBoost") {
                continue;  // known, and never written
            }
            const std::string name = std::string{command.name} + (slot > 0 ? std::to_string(slot) : "");
            INFO(name);
            const auto arguments = arguments_of_json(command.example);
            REQUIRE(arguments);
            const bool works = std::ranges::any_of(units, [&](CommandContext unit) {
                Registers registers;
                registers.store({0x11, Function::read_holding, 55, 1}, std::vector<std::uint16_t>{160});
                unit.registers = &registers;
                return plan_command(name, *arguments, unit).has_value();
            });
            CHECK(works);
        }
    }
}

TEST_CASE("the functions of 2021") {
    CHECK(run("setChargeSlot1", R"({"start":"0100","finish":"0400","chargeToPercent":100,"enable":false})")
          == "94=100 95=400 116=100 96=0");
    CHECK(run("setDischargeSlot2", R"({"start":"1600","finish":"0700","dischargeToPercent":"10"})")
          == "44=1600 45=700 114=10");
    CHECK(run("setBatteryMode", R"({"mode":"2"})") == "110=100 59=1 27=1 56=1600 57=700");
    CHECK(run("setBatteryMode", R"({"mode":3})") == "110=100 59=1 27=1");
    CHECK(run("setBatteryMode", R"({"mode":4})") == "110=4 59=1 27=0");
    CHECK(run("setBatteryMode", R"({"mode":5})") == "Invalid Mode:  5");
    CHECK(run("enableChargeTarget", "") == "20=1");
    CHECK(run("disableChargeTarget", "") == "20=0 116=100");
    CHECK(run("setDateTime", R"({"dateTime":"29/02/2028 00:00:00"})") == "35=28 36=2 37=29 38=0 39=0 40=0");
}

TEST_CASE("later functions and their bare payloads") {
    CHECK(run("setChargeTarget", "80") == "20=1 116=80");
    CHECK(run("setChargeTarget", "100") == "20=0 116=100");
    CHECK(run("setBatteryReserve", "30") == "110=30");                              // the later meaning
    CHECK(run("setBatteryReserve", R"({"dischargeToPercent":"30"})") == "114=30");  // that of 2021
    CHECK(run("setBatteryReserve", R"({"reservePercent":"30"})") == "110=30");
    CHECK(run("setBatteryMode", "Eco (Paused)") == "27=1 59=0 110=100");
    CHECK(run("setBatteryMode", "Eco") == "27=1 59=0 110=4");
    CHECK(run("enableChargeSchedule", "enable") == "96=1");
    CHECK(run("setChargeStart1", "01:30:00") == "94=130");
    CHECK(run("syncDateTime", "") == "35=26 36=2 37=28 38=23 39=59 40=58");
    CHECK(run("rebootInverter", "") == "163=100");
    CHECK(run("setBatteryCalibration", "Charge Only") == "29=3");
}

TEST_CASE("a reserve of 100 is never restored by Eco") {
    auto context = kHybrid;
    context.saved_reserve = 100;
    CHECK(run("setBatteryMode", "Eco", context) == "27=1 59=0 110=4");
    context.saved_reserve = 25;
    CHECK(run("setBatteryMode", "Eco", context) == "27=1 59=0 110=25");
}

TEST_CASE("three-phase units and the EMS have registers of their own") {
    const auto three = context_of(Model::hybrid_3ph, 0x4004, 0);
    CHECK(run("setChargeSlot1", R"({"start":"0100","finish":"0400","chargeToPercent":"90"})", three)
          == "1113=100 1114=400 1111=90 1112=1");
    CHECK(run("pauseDischargeSchedule", "", three) == "1122=0");
    CHECK(run("setChargeRate", "5500", three) == "1110=50");
    const auto ems = context_of(Model::ems, 0x5001);
    CHECK(run("setExportEnd3", "23:00", ems) == "2069=2300");
    CHECK(run("setEMSChargeTarget2", "90", ems) == "2058=90");
    CHECK(run("setEMSDischargeStart1", "19:00", ems) == "2044=1900");
    CHECK(run("pauseChargeSchedule", "", ems) == "register 96 is not to be written on EMS");
}

TEST_CASE("slots exist where the model has them") {
    const auto aio = context_of(Model::all_in_one, 0x8001, 612);
    CHECK(run("setChargeSlot2", R"({"start":"0100","finish":"0400","chargeToPercent":"90"})", aio)
          == "243=100 244=400 245=90 96=1");
    CHECK(run("setDischargeSlot10", R"({"start":"0100","finish":"0400","dischargeToPercent":"9"})", aio)
          == "297=100 298=400 299=9");
    CHECK(run("setChargeSlot3", R"({"start":"0100","finish":"0400","chargeToPercent":"90"})")
          == "this model has no such slot");
    CHECK(run("setChargeStart2", "0100") == "charge slot 2 is not offered on HYBRID_GEN1");
    CHECK(run("setChargeSlot11", "") == "unknown function setChargeSlot11");
    CHECK(run("setChargeSlot0", "") == "unknown function setChargeSlot0");
    CHECK(run("setChargeSlot", "") == "unknown function setChargeSlot");
}

TEST_CASE("charge slot 2 of a two-slot model needs consent and a reading of two times") {
    auto context = kHybrid;
    context.consent.charge_slot_2 = true;
    CHECK(run("setChargeEnd2", "0400", context) == "registers 31 and 32 do not hold two times on this unit");
    Registers registers;
    registers.store({0x11, Function::read_holding, 31, 2}, std::vector<std::uint16_t>{0, 99});
    context.registers = &registers;
    CHECK(run("setChargeEnd2", "0400", context) == "registers 31 and 32 do not hold two times on this unit");
    registers.store({0x11, Function::read_holding, 31, 2}, std::vector<std::uint16_t>{0, 4});
    CHECK(run("setChargeEnd2", "0400", context) == "32=400");
}

TEST_CASE("bad payloads are refused with what is wrong") {
    CHECK(run("setChargeTarget", R"({"chargeToPercent":"101"})") == "range 4-100");
    CHECK(run("setChargeTarget", R"({"chargeToPercent":"-1"})") == "range 4-100");
    CHECK(run("setChargeTarget", R"({"chargeToPercent":"999999"})") == "range 4-100");
    CHECK(run("setChargeTarget", R"({"chargeToPercent":"50%"})")
          == "chargeToPercent is not a whole number: 50%");
    CHECK(run("setChargeTarget", R"({"chargeToPercent":50.5})")
          == "chargeToPercent is neither text nor a whole number: 50.5");
    CHECK(run("setChargeTarget", "{}") == "chargeToPercent is missing");
    CHECK(run("setChargeTarget", R"({"percent":"50"})")
          == "percent is not known here; it takes chargeToPercent");
    CHECK(run("setChargeTarget", "{nonsense") == "the payload is not a JSON object");
    CHECK(run("pauseChargeSchedule", R"({"a":"b"})") == "takes no payload");
    CHECK(run("setChargeSlot1", R"({"start":"2460","finish":"0400","chargeToPercent":"100"})")
          == "start is not a time 0000-2359: 2460");
    CHECK(run("setDateTime", R"({"dateTime":"30/02/2026 00:00:00"})")
          == "not a date and time: dd/mm/yyyy hh:mm:ss");
    CHECK(run("setCarChargeBoost", "5000", context_of(Model::ems, 0x5001))
          == "register 2073 is not to be written on EMS");
    CHECK(run("setChargeRate", "1000") == "the battery's capacity is not known yet");
}

TEST_CASE("power becomes a rate and back") {
    Registers registers;
    registers.store({0x11, Function::read_holding, 55, 1}, std::vector<std::uint16_t>{160});  // 8192 Wh
    auto context = kHybrid;
    context.registers = &registers;
    CHECK(rate_of_watts(context, 2600) == 50);
    CHECK(rate_of_watts(context, 1000) == 12);
    CHECK(rate_of_watts(context, 0) == 0);
    CHECK(watts_of_rate(context, 12) == 983);
    CHECK(watts_of_rate(context, 50) == 2600);
}

TEST_CASE("what a function prints") {
    CHECK(result_text("pauseChargeSchedule", true) == "Pausing Charge Schedule was a:  Success");
    CHECK(result_text("setChargeSlot1", false) == "Error setting Charge time");
    CHECK(result_text("setDischargeSlot1", true) == "Discharge Timeslot 1 successfully set");
    CHECK(result_text("setDischargeSlot2", true) == "Disharge Timeslot 2 successfully set");
    CHECK(result_text("setDischargeSlot2", false) == "Error setting Discharge Timeslot 2");
    CHECK(result_json("a \"b\"") == R"({"result":"a \"b\""})");
}
