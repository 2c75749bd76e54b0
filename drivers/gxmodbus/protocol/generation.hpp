#pragma once
// Which registers a server has, by its generation (docs/protocols/gx-modbus.md, "Versions" and "Ranges").

#include "gxmodbus/protocol/registers.hpp"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace gxmodbus {

/// Servers whose register ranges are known. What a server in between refuses is learned at run time.
enum class Generation : std::uint8_t {
    v75,   ///< 1.0.75, Venus OS 3.50, also used for older servers
    v82,   ///< 1.0.82, Venus OS 3.60
    v94,   ///< 1.0.94, Venus OS 3.70
    v95,   ///< 1.0.95, a beta of Venus OS 3.80
    v96,   ///< 1.0.96, a beta of Venus OS 3.80
    v97,   ///< 1.0.97
    v101,  ///< 1.0.101, Venus OS 3.80
};
/// The version whose rows a generation uses.
[[nodiscard]] ServerVersion version_of(Generation generation);
[[nodiscard]] std::string_view name_of(Generation generation);
/// The generation of such a name.
[[nodiscard]] std::optional<Generation> generation(std::string_view name);
/// The next older one, nothing below v75.
[[nodiscard]] std::optional<Generation> older(Generation generation);

/// Registers a server answers without a gap, all of one service type.
struct Range {
    ServiceType type;
    std::uint16_t first;
    std::uint16_t last;
};
/// The ranges of a type, ascending; empty when the generation does not have the type.
[[nodiscard]] std::vector<Range> ranges_of(ServiceType type, Generation generation);

/// A register that stood at another address before some server version.
struct MovedRegister {
    std::uint16_t address;      ///< where the table has it
    std::uint16_t old_address;  ///< where older servers have it
    ServerVersion until;        ///< the first server with the new address
};
[[nodiscard]] std::span<const MovedRegister> moved_registers();

/// A row at the address where a server of this version has it, nothing when that server lacks it.
[[nodiscard]] std::optional<Register> served_row(const Register& row, ServerVersion version);

/// The register to probe a type with: it exists on every server that has the type at all.
[[nodiscard]] std::uint16_t probe_address(ServiceType type);

inline constexpr std::uint16_t kSerialAddress = 800;  ///< 6 registers on unit 100
inline constexpr std::uint16_t kSerialCount = 6;
inline constexpr std::uint16_t kFirmwareAddress = 834;  ///< 2 registers on unit 100
inline constexpr std::uint16_t kNewestProbe = 5700;     ///< 8 registers on unit 100, from 1.0.97
inline constexpr std::uint8_t kSystemUnit = 100;

/// "v3.46~20" from the two words of register 834: version and beta number, both in hexadecimal digits.
[[nodiscard]] std::string firmware_text(std::uint16_t version, std::uint16_t beta);

/// Whether a server of this firmware may be one of those that crash when asked for a type no service offers
/// (1.0.89 to 1.0.91, betas of Venus OS 3.70 from about 47 on).
[[nodiscard]] bool may_crash_on_probe(std::uint16_t version, std::uint16_t beta);

}  // namespace gxmodbus
