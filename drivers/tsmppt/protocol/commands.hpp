#pragma once
// Everything that may be written to a controller, checked before it becomes a request. Pure.
// docs/protocols/tristar.md, "Coils and writes".

#include "transport/modbus/frame.hpp"
#include "tsmppt/protocol/registers.hpp"
#include "wire/expected.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tristar {

enum class CommandFault : std::uint8_t {
    out_of_range,  ///< the value is outside what the register or its limit allows
    no_scaling,    ///< volts_per_unit is not known
    not_writable   ///< the register is not on the list of writable ones
};
[[nodiscard]] std::string_view describe(CommandFault fault);

using Command = wire::Expected<transport::modbus::Request, CommandFault>;

/// The value that takes registers 88 and 89 out of slave control. 0 and -1 leave some units in an undocumented state.
inline constexpr std::uint16_t kRelease = 0xFFF0;

/// Words within which a negative override register counts as "no override".
[[nodiscard]] constexpr bool is_override(std::uint16_t raw) {
    return raw != 0 && raw < 0x8000;
}

/// Sets or releases a coil. Only coils of `Coil` can be named, so none else is ever written.
[[nodiscard]] transport::modbus::Request write_coil(std::uint8_t unit, Coil coil, bool on);

/// Battery voltage override (register 89): greater than 0, at most `highest_volts`, and representable.
[[nodiscard]] Command write_slave_volts(std::uint8_t unit, double volts, double volts_per_unit,
                                        double highest_volts);
/// Battery current override (register 88): 0 < amps <= 80, the full scale of the register.
[[nodiscard]] Command write_slave_amps(std::uint8_t unit, double amps);
/// Ends the override of register 88 or 89.
[[nodiscard]] transport::modbus::Request release_slave_register(std::uint8_t unit, std::uint16_t address);

/// One set point that may be written, with its limits: volts at a 12 V battery, or seconds.
struct WritableSetPoint {
    std::uint16_t address;
    Scale scale;
    double lowest;
    double highest;
    bool zero_means_off;  ///< 0 is allowed below `lowest`
};
/// In the order in which they may be written while the controller runs: lowest voltage first.
inline constexpr auto kWritableSetPoints = std::to_array<WritableSetPoint>({
    {0xE000, kVolts, 12.0, 16.0, false},  // absorption
    {0xE001, kVolts, 12.0, 15.5, true},   // float
    {0xE002, kCount, 0, 36000, false},    // absorption time
    {0xE005, kVolts, 10.0, 14.0, true},   // float cancel
    {0xE007, kVolts, 12.0, 16.5, true},   // equalize
});

/// The word for a set point, in the register's own unit (volts at a 12 V battery, or seconds).
[[nodiscard]] wire::Expected<std::uint16_t, CommandFault> encode_set_point(std::uint16_t address,
                                                                           double value,
                                                                           double volts_per_unit);
[[nodiscard]] Command write_set_point(std::uint8_t unit, std::uint16_t address, double value,
                                      double volts_per_unit);
/// A set point that may be written, with a word that it had before.
[[nodiscard]] Command restore_set_point(std::uint8_t unit, std::uint16_t address, std::uint16_t word);

/// Whether a word that was read back is the one that was written: the controller may be off by one count.
[[nodiscard]] constexpr bool is_same_set_point(std::uint16_t read, std::uint16_t written) {
    return read <= written + 1 && written <= read + 1;
}

}  // namespace tristar
