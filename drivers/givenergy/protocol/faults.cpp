#include "givenergy/protocol/faults.hpp"

#include <algorithm>
#include <array>

namespace givenergy {

namespace {

constexpr auto kSinglePhase = std::to_array<FaultBit>({
    {0, 0, "temperature sensor"},
    {0, 1, "grid frequency"},
    {0, 2, "grid voltage"},
    {0, 3, "PV over-voltage"},
    {0, 4, "DC injection"},
    {0, 5, "leakage current"},
    {0, 6, "PV isolation"},
    {0, 7, "no utility"},
    {0, 8, "inverter current"},
    {0, 9, "bus over-voltage"},
    {0, 10, "DSP communication"},
    {0, 11, "Hall sensor"},
    {0, 12, "GFCI"},
    {0, 13, "inverter voltage"},
    {0, 14, "relay"},
    {0, 15, "inverter frequency"},
    {0, 22, "EEPROM"},
    {0, 23, "consistency"},
    {0, 24, "ARM communication"},
    {0, 25, "grid monitor communication"},
    {0, 28, "backup overload"},
});

constexpr auto kThreePhaseBits = std::to_array<FaultBit>({
    {0, 0, "battery voltage high"},
    {0, 2, "bus 2 voltage high"},
    {0, 3, "bus voltage high"},
    {0, 4, "inverter over-current"},
    {0, 5, "frequency unstable"},
    {0, 6, "buck-boost"},
    {0, 7, "battery converter over-current"},
    {0, 8, "zero crossing lost"},
    {0, 12, "phase 1 voltage"},
    {0, 13, "phase 2 voltage"},
    {0, 14, "phase 3 voltage"},
    {0, 15, "frequency out of range"},
    {1, 0, "gateway communication"},
    {1, 1, "GFCI damaged"},
    {1, 2, "phase 1 voltage low"},
    {1, 3, "phase 1 voltage high"},
    {1, 4, "phase 2 voltage low"},
    {1, 5, "phase 2 voltage high"},
    {1, 6, "phase 3 voltage low"},
    {1, 7, "phase 3 voltage high"},
    {1, 8, "over-current"},
    {1, 12, "phase 1 over-current"},
    {1, 13, "phase 2 over-current"},
    {1, 14, "phase 3 over-current"},
    {1, 15, "no grid"},
    {2, 0, "frequency low"},
    {2, 1, "frequency high"},
    {2, 2, "imbalance"},
    {2, 3, "PLL"},
    {2, 4, "overload"},
    {2, 5, "backflow timeout"},
    {2, 7, "voltage or frequency out of range"},
    {2, 8, "backup phase 1 lost"},
    {2, 9, "backup phase 2 lost"},
    {2, 10, "backup phase 3 lost"},
    {2, 11, "backup bus low"},
    {2, 12, "backup overload"},
    {2, 13, "backup voltage high"},
    {2, 14, "DC injection"},
    {2, 15, "battery over-current"},
    {3, 0, "battery reversed"},
    {3, 1, "battery open"},
    {3, 2, "battery voltage low"},
    {3, 4, "bus 2 abnormal"},
    {3, 5, "soft start"},
    {3, 6, "battery voltage high"},
    {3, 8, "BMS error"},
    {3, 9, "BMS communication"},
    {3, 13, "battery asleep"},
    {3, 14, "lead-acid sensor"},
    {3, 15, "power forbidden by BMS"},
    {4, 5, "PV1 voltage low"},
    {4, 6, "PV2 voltage low"},
    {5, 0, "DC injection"},
    {5, 1, "PV isolation"},
    {5, 2, "temperature sensor"},
    {5, 3, "bus voltage"},
    {5, 4, "PV voltage"},
    {5, 5, "boost over-temperature"},
    {5, 6, "buck-boost over-temperature"},
    {5, 7, "inverter over-temperature"},
    {5, 8, "backup short circuit"},
    {5, 9, "auto test"},
    {5, 10, "initialisation"},
    {5, 11, "relay"},
    {5, 12, "bus unbalanced"},
    {5, 13, "DSP firmware"},
    {5, 14, "PV1 short circuit"},
    {5, 15, "PV2 short circuit"},
    {6, 0, "PV voltage high"},
    {6, 1, "external device"},
    {6, 2, "communication A"},
    {6, 3, "communication B"},
    {6, 4, "master A forced"},
    {6, 5, "master B forced"},
    {6, 6, "GFCI"},
    {6, 7, "virtual load hot"},
    {6, 8, "internal communication"},
    {6, 9, "grid consistency"},
    {6, 10, "backup on grid"},
    {6, 11, "internal over-temperature"},
    {6, 12, "fan"},
    {6, 13, "hardware mismatch"},
    {7, 0, "current clamp reversed"},
    {7, 1, "pairing"},
    {7, 2, "meter communication"},
    {7, 6, "battery over-temperature"},
    {7, 7, "battery overload"},
    {7, 8, "battery full"},
    {7, 9, "battery needs charge"},
    {7, 10, "BMS warning"},
    {7, 11, "battery weak"},
    {7, 12, "battery low power"},
    {7, 13, "battery temperature sensor"},
    {7, 14, "fan warning"},
});

constexpr auto kGatewayBits = std::to_array<FaultBit>({
    {0, 0, "grid mode off"},
    {0, 12, "constant over-voltage"},
    {0, 13, "constant under-frequency"},
    {0, 14, "constant over-frequency"},
    {0, 15, "long over-voltage"},
    {0, 16, "quarter under-voltage"},
    {0, 17, "quarter over-voltage"},
    {0, 18, "no zero point"},
    {0, 20, "set 2 under-voltage"},
    {0, 21, "set 2 over-voltage"},
    {0, 22, "set 2 under-frequency"},
    {0, 23, "set 2 over-frequency"},
    {0, 24, "set 1 under-voltage"},
    {0, 25, "set 1 over-voltage"},
    {0, 26, "set 1 under-frequency"},
    {0, 27, "set 1 over-frequency"},
    {0, 28, "relay 3-4 disconnect"},
    {0, 29, "relay 1-2 disconnect"},
    {0, 30, "relay 3-4 bonding"},
    {0, 31, "relay 1-2 bonding"},
});

constexpr auto kCharger = std::to_array<FaultBit>({
    {0, 0, "battery too cold to charge"},
    {0, 1, "battery too cold to discharge"},
    {0, 2, "battery too hot to charge"},
    {0, 3, "battery too hot to discharge"},
    {0, 4, "battery under-voltage"},
    {0, 5, "battery over-voltage"},
    {0, 6, "battery short circuit"},
    {0, 7, "battery discharge over-current"},
    {0, 8, "module temperature"},
    {0, 9, "battery temperature"},
    {0, 10, "BMS communication"},
    {0, 12, "soft start"},
    {0, 13, "voltage low"},
    {0, 14, "voltage high"},
    {0, 15, "meter communication"},
});

template <std::size_t size>
constexpr bool ordered(const std::array<FaultBit, size>& bits) {
    return std::ranges::is_sorted(bits, [](const FaultBit& a, const FaultBit& b) {
        return a.word != b.word ? a.word < b.word : a.bit < b.bit;
    });
}
static_assert(ordered(kSinglePhase) && ordered(kThreePhaseBits) && ordered(kGatewayBits)
              && ordered(kCharger));

}  // namespace

const std::span<const FaultBit> kSinglePhaseFaults{kSinglePhase};
const std::span<const FaultBit> kThreePhaseFaults{kThreePhaseBits};
const std::span<const FaultBit> kGatewayFaults{kGatewayBits};
const std::span<const FaultBit> kChargerWarnings{kCharger};

void append_faults(std::vector<std::string>& texts, std::span<const FaultBit> table, std::uint8_t word_number,
                   std::uint32_t word) {
    for (std::uint8_t bit = 0; bit < 32; ++bit) {
        if ((word >> bit & 1) == 0) {
            continue;
        }
        const auto found = std::ranges::find_if(
            table, [&](const FaultBit& row) { return row.word == word_number && row.bit == bit; });
        texts.push_back(found != table.end() ? std::string{found->text} : "fault bit " + std::to_string(bit));
    }
}

}  // namespace givenergy
