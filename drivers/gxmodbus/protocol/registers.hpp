#pragma once
// Every register the Modbus server of a GX knows, as one table in the order of the addresses.
// The rows are generated at build time from gx-registers.csv (docs/protocols/gx-modbus.md, "The register table").

#include "gxmodbus/protocol/server_version.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace gxmodbus {

/// The D-Bus service classes the server exposes, com.victronenergy.<name>.
enum class ServiceType : std::uint8_t {
    vebus,
    battery,
    solarcharger,
    system,
    pvinverter,
    motordrive,
    charger,
    grid,
    settings,
    hub4,
    gps,
    tank,
    inverter,
    genset,
    temperature,
    pulsemeter,
    digitalinput,
    generator,
    meteo,
    evcharger,
    acload,
    fuelcell,
    alternator,
    dcsource,
    dcload,
    dcsystem,
    multi,
    pump,
    dcdc,
    acsystem,
    dcgenset,
    heatpump,
    platform,
};
inline constexpr std::size_t kServiceTypes = 33;

/// "solarcharger"
[[nodiscard]] std::string_view name_of(ServiceType type);
/// The type of "solarcharger" or "com.victronenergy.solarcharger".
[[nodiscard]] std::optional<ServiceType> service_type(std::string_view name);

enum class Encoding : std::uint8_t {
    u16,
    i16,
    u32,     ///< high word first
    i32,     ///< high word first
    u64,     ///< high word first
    text,    ///< two Latin-1 characters a register, ends at the first NUL
    filler,  ///< reads 0xFFFF and means nothing
};

struct Register {
    std::uint16_t address;  ///< PDU address, as it goes into the frame
    std::uint8_t count;     ///< registers
    ServiceType type;
    Encoding encoding;
    char dbus_type;  ///< signature letter of the path on the remote's bus
    bool writable;
    std::int32_t scale;  ///< value = raw * step / scale; a negative scale turns the sign
    std::int16_t step;
    std::uint16_t alternate_of;  ///< address of the row that carries the same path better, else 0
    ServerVersion since;         ///< first server in which the address means this
    std::string_view path;       ///< empty for a filler
    std::string_view unit;       ///< in D-Bus units: "V DC", "degC", "W"
    std::string_view choices;    ///< enumeration: "1=On;4=Off"

    [[nodiscard]] constexpr unsigned end() const { return unsigned{address} + count; }
    [[nodiscard]] constexpr bool has_value() const { return encoding != Encoding::filler; }
    [[nodiscard]] constexpr bool numeric() const { return has_value() && encoding != Encoding::text; }
};

inline constexpr std::uint16_t kFirstAddress = 3;
/// Nothing is ever asked beyond this address: servers 1.0.89 to 1.0.93 crash on it.
inline constexpr std::uint16_t kLastAddress = 5819;

/// All rows, ascending by address, without overlap.
[[nodiscard]] std::span<const Register> all_registers();
/// The rows that lie completely in [first, first + count).
[[nodiscard]] std::span<const Register> registers_within(unsigned first, unsigned count);
/// The row that covers an address, if any.
[[nodiscard]] const Register* register_at(unsigned address);
/// The preferred row of a path (never an alternate), if the type has it.
[[nodiscard]] const Register* find_register(ServiceType type, std::string_view path);

/// The word a row's enumeration has for a number, empty when it has none.
[[nodiscard]] std::string_view choice_text(const Register& row, long long number);

}  // namespace gxmodbus
