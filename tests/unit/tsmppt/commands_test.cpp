#include "tsmppt/protocol/commands.hpp"

#include "support/catch.hpp"

#include <cmath>
#include <limits>

using namespace tristar;
namespace modbus = transport::modbus;

namespace {

std::string frame(const modbus::Request& request) {
    const auto bytes = modbus::encode(1, request);
    REQUIRE(bytes.has_value());
    return wire::to_hex(*bytes);
}

CommandFault fault(const Command& command) {
    REQUIRE_FALSE(command.has_value());
    return command.error();
}

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

}  // namespace

TEST_CASE("writes have the vendor's bytes") {
    CHECK(frame(write_coil(1, Coil::disconnect, true)) == "000100000006010500" "02ff00");
    CHECK(frame(write_coil(1, Coil::disconnect, false)) == "00010000000601050002" "0000");
    CHECK(frame(write_coil(1, Coil::reset_control, true)) == "000100000006010500ffff00");
    CHECK(frame(write_coil(1, Coil::reset_network, true)) == "00010000000601" "0510ffff00");
    // 14.34 V at 180 V full scale: the example of the vendor's real time control document.
    CHECK(frame(*write_slave_volts(1, 14.34, 180, 15)) == "000100000006010600590a33");
    CHECK(frame(release_slave_register(1, kSlaveVoltsRegister)) == "00010000000601060059fff0");
    CHECK(frame(*write_slave_amps(7, 40)) == "000100000006070600584000");
    CHECK(frame(*write_slave_amps(1, 80)) == "000100000006010600587fff");
}

TEST_CASE("an override outside its range is never sent") {
    for (const double volts : {0.0, -1.0, 15.01, 1e9, kNan, std::numeric_limits<double>::infinity()}) {
        CHECK(fault(write_slave_volts(1, volts, 180, 15)) == CommandFault::out_of_range);
    }
    CHECK(fault(write_slave_volts(1, 14, 0, 15)) == CommandFault::no_scaling);
    CHECK(fault(write_slave_volts(1, 14, kNan, 15)) == CommandFault::no_scaling);
    CHECK(fault(write_slave_volts(1, 14, 180, kNan)) == CommandFault::out_of_range);
    CHECK(fault(write_slave_volts(1, 14, 10, 15)) == CommandFault::out_of_range);      // beyond the register
    CHECK(fault(write_slave_volts(1, 0.001, 180, 15)) == CommandFault::out_of_range);  // below one count
    for (const double amps : {0.0, -5.0, 80.1, kNan}) {
        CHECK(fault(write_slave_amps(1, amps)) == CommandFault::out_of_range);
    }
}

TEST_CASE("only listed set points are written, within their limits") {
    CHECK(frame(*write_set_point(1, 0xE000, 14.4, 180)) == "00010000000601" "06e0000a3d");
    CHECK(frame(*write_set_point(1, 0xE001, 0, 180)) == "000100000006" "0106e0010000");
    CHECK(frame(*write_set_point(1, 0xE002, 36000, 180)) == "000100000006" "0106e0028ca0");
    CHECK(fault(write_set_point(1, 0xE000, 11.9, 180)) == CommandFault::out_of_range);
    CHECK(fault(write_set_point(1, 0xE000, 16.1, 180)) == CommandFault::out_of_range);
    CHECK(fault(write_set_point(1, 0xE000, 0, 180)) == CommandFault::out_of_range);
    CHECK(fault(write_set_point(1, 0xE000, kNan, 180)) == CommandFault::out_of_range);
    CHECK(fault(write_set_point(1, 0xE000, 14.4, 0)) == CommandFault::no_scaling);
    for (const std::uint16_t address : {0xE019, 0xE010, 0xE0C0, 0x0058, 0x151C}) {
        CHECK(fault(write_set_point(1, address, 14, 180)) == CommandFault::not_writable);
        CHECK(fault(restore_set_point(1, address, 14)) == CommandFault::not_writable);
    }
    CHECK(frame(*restore_set_point(1, 0xE000, 0x0A3D)) == "00010000000601" "06e0000a3d");
    CHECK(is_same_set_point(2620, 2621));
    CHECK(is_same_set_point(0, 1));
    CHECK_FALSE(is_same_set_point(2619, 2621));
    CHECK_FALSE(is_same_set_point(0, 0xFFFF));
}

TEST_CASE("only a positive word is an override") {
    CHECK(is_override(2611));
    CHECK_FALSE(is_override(0));
    CHECK_FALSE(is_override(kRelease));
    CHECK_FALSE(is_override(0xFFFF));
}
