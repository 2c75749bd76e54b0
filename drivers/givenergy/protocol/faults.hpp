#pragma once
// Fault bits in words: docs/protocols/givenergy.md, "Faults".

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace givenergy {

struct FaultBit {
    std::uint8_t word;  ///< of the three-phase words; 0 elsewhere
    std::uint8_t bit;
    std::string_view text;
};

/// Fault of single-phase units (HR223-224).
extern const std::span<const FaultBit> kSinglePhaseFaults;
/// Fault words 0-7 of three-phase units (IR1300-1307).
extern const std::span<const FaultBit> kThreePhaseFaults;
/// Gateway faults (IR1622-1623).
extern const std::span<const FaultBit> kGatewayFaults;
/// Charger warnings (IR57).
extern const std::span<const FaultBit> kChargerWarnings;

/// Appends the texts of the bits set in `word`; a bit without a text as "fault bit N".
void append_faults(std::vector<std::string>& texts, std::span<const FaultBit> table, std::uint8_t word_number,
                   std::uint32_t word);

/// Bits of charger_warnings that stand for an alarm of the battery.
namespace charger_warning {
inline constexpr std::uint16_t kTooColdToCharge = 1u << 0, kTooColdToDischarge = 1u << 1,
                               kTooHotToCharge = 1u << 2, kTooHotToDischarge = 1u << 3,
                               kUnderVoltage = 1u << 4, kOverVoltage = 1u << 5, kShortCircuit = 1u << 6,
                               kDischargeCurrent = 1u << 7, kModuleTemperature = 1u << 8,
                               kBatteryTemperature = 1u << 9, kBmsCommunication = 1u << 10,
                               kVoltageLow = 1u << 13, kVoltageHigh = 1u << 14;
}

}  // namespace givenergy
