#include "tsmppt/protocol/commands.hpp"

#include <algorithm>
#include <cmath>

namespace tristar {

namespace {

using transport::modbus::write_register;
using wire::Unexpected;

constexpr double kHighestSlaveAmps = 80.0;
constexpr double kHighestWord = 32767;  // larger ones are negative to the controller

}  // namespace

std::string_view describe(CommandFault fault) {
    switch (fault) {
        case CommandFault::out_of_range:
            return "the value is out of range";
        case CommandFault::no_scaling:
            return "the voltage scale of the controller is not known";
        case CommandFault::not_writable:
            break;
    }
    return "the register is not writable";
}

transport::modbus::Request write_coil(std::uint8_t unit, Coil coil, bool on) {
    return transport::modbus::write_coil(unit, static_cast<std::uint16_t>(coil), on);
}

Command write_slave_volts(std::uint8_t unit, double volts, double volts_per_unit, double highest_volts) {
    if (!(volts_per_unit > 0)) {
        return Unexpected{CommandFault::no_scaling};
    }
    const double word = std::round(volts * 32768 / volts_per_unit);
    if (!(volts > 0) || !(volts <= highest_volts) || !(word >= 1) || !(word <= kHighestWord)) {
        return Unexpected{CommandFault::out_of_range};
    }
    return write_register(unit, kSlaveVoltsRegister, static_cast<std::uint16_t>(word));
}

Command write_slave_amps(std::uint8_t unit, double amps) {
    // Full scale itself is one count more than the register holds.
    const double word = std::min(std::round(amps * 32768 / kHighestSlaveAmps), kHighestWord);
    if (!(amps > 0) || !(amps <= kHighestSlaveAmps) || !(word >= 1)) {
        return Unexpected{CommandFault::out_of_range};
    }
    return write_register(unit, kSlaveAmpsRegister, static_cast<std::uint16_t>(word));
}

transport::modbus::Request release_slave_register(std::uint8_t unit, std::uint16_t address) {
    return write_register(unit, address, kRelease);
}

wire::Expected<std::uint16_t, CommandFault> encode_set_point(std::uint16_t address, double value,
                                                             double volts_per_unit) {
    const auto* row = std::ranges::find(kWritableSetPoints, address, &WritableSetPoint::address);
    if (row == kWritableSetPoints.end()) {
        return Unexpected{CommandFault::not_writable};
    }
    if (!(volts_per_unit > 0)) {
        return Unexpected{CommandFault::no_scaling};
    }
    const bool off = row->zero_means_off && value == 0;
    if (!off && !(value >= row->lowest && value <= row->highest)) {
        return Unexpected{CommandFault::out_of_range};
    }
    const double factor = row->scale.basis == Basis::volts_per_unit ? volts_per_unit : 1.0;
    const double word = std::round(value / (factor * row->scale.unit));
    if (!(word <= (row->scale.layout == Layout::s16 ? kHighestWord : 65535))) {
        return Unexpected{CommandFault::out_of_range};
    }
    return static_cast<std::uint16_t>(word);
}

Command write_set_point(std::uint8_t unit, std::uint16_t address, double value, double volts_per_unit) {
    const auto word = encode_set_point(address, value, volts_per_unit);
    if (!word) {
        return Unexpected{word.error()};
    }
    return write_register(unit, address, *word);
}

Command restore_set_point(std::uint8_t unit, std::uint16_t address, std::uint16_t word) {
    if (std::ranges::find(kWritableSetPoints, address, &WritableSetPoint::address)
        == kWritableSetPoints.end()) {
        return Unexpected{CommandFault::not_writable};
    }
    return write_register(unit, address, word);
}

}  // namespace tristar
