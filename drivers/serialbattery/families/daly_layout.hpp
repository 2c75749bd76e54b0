#pragma once
// What the eight bytes of a Daly answer hold: docs/protocols/daly.md

#include "serialbattery/table.hpp"
#include "wire/bytes.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace bms::daly {

inline constexpr double kCurrentZero = 30000;
inline constexpr double kCelsiusZero = 40;

inline constexpr auto kPackFields = std::to_array<Field>({
    {0, Raw::u16be, 10, "voltage_V", &Battery::voltage_v},
    {4, Raw::u16be, 1, "current_raw"},
    {4, Raw::u16be, -10, "current_A", &Battery::current_a, kCurrentZero},  // above 30000 is discharge
    {6, Raw::u16be, 10, "soc_pct", &Battery::soc_pct},
});
static_assert(well_formed(kPackFields));
inline constexpr auto kExtremeFields = std::to_array<Field>({
    {0, Raw::u16be, 1, "max_mV"},
    {2, Raw::u8, 1, "max_cell"},
    {3, Raw::u16be, 1, "min_mV"},
    {5, Raw::u8, 1, "min_cell"},
});
static_assert(well_formed(kExtremeFields));
inline constexpr auto kHeatFields = std::to_array<Field>({
    {0, Raw::u8, 1, "max_C", {}, kCelsiusZero},
    {1, Raw::u8, 1, "max_no"},
    {2, Raw::u8, 1, "min_C", {}, kCelsiusZero},
    {3, Raw::u8, 1, "min_no"},
});
static_assert(well_formed(kHeatFields));
inline constexpr auto kStateFields = std::to_array<Field>({
    {0, Raw::u8, 1, "state", &Battery::status_word},  // 0 stationary, 1 charging, 2 discharging
    {1, Raw::truth8, 0, "charge_fet", &Battery::charge_fet},
    {2, Raw::truth8, 0, "discharge_fet", &Battery::discharge_fet},
    {3, Raw::u8, 1, "life"},
    {4, Raw::u32be, 1000, "remaining_Ah", &Battery::remaining_ah},
});
static_assert(well_formed(kStateFields));
inline constexpr auto kStatusFields = std::to_array<Field>({
    {0, Raw::u8, 1, "cell_count", &Battery::cell_count},
    {1, Raw::u8, 1, "ntc_count"},
    {2, Raw::truth8, 0, "charger"},
    {3, Raw::truth8, 0, "load"},
    {4, Raw::u8, 1, "dio"},
    {5, Raw::u16be, 1, "cycles", &Battery::cycles},
    {7, Raw::u8, 1, "byte7"},
});
static_assert(well_formed(kStatusFields));
inline constexpr auto kRatedFields = std::to_array<Field>({
    {0, Raw::u32be, 1000, "rated_Ah", &Battery::capacity_ah},
    {4, Raw::u32be, 1, "nominal_cell_mV"},
});
static_assert(well_formed(kRatedFields));

/// Bit = 8 x byte + bit of the byte.
inline constexpr auto kAlarmFlags = std::to_array<Flag>({
    {0, Alarm::high_cell_voltage, Level::warning, "cell_high_l1"},
    {1, Alarm::high_cell_voltage, Level::alarm, "cell_high_l2"},
    {2, Alarm::low_cell_voltage, Level::warning, "cell_low_l1"},
    {3, Alarm::low_cell_voltage, Level::alarm, "cell_low_l2"},
    {4, Alarm::high_voltage, Level::warning, "pack_high_l1"},
    {5, Alarm::high_voltage, Level::alarm, "pack_high_l2"},
    {6, Alarm::low_voltage, Level::warning, "pack_low_l1"},
    {7, Alarm::low_voltage, Level::alarm, "pack_low_l2"},
    {8, Alarm::high_charge_temperature, Level::warning, "chg_temp_high_l1"},
    {9, Alarm::high_charge_temperature, Level::alarm, "chg_temp_high_l2"},
    {10, Alarm::low_charge_temperature, Level::warning, "chg_temp_low_l1"},
    {11, Alarm::low_charge_temperature, Level::alarm, "chg_temp_low_l2"},
    {12, Alarm::high_temperature, Level::warning, "dsg_temp_high_l1"},
    {13, Alarm::high_temperature, Level::alarm, "dsg_temp_high_l2"},
    {14, Alarm::low_temperature, Level::warning, "dsg_temp_low_l1"},
    {15, Alarm::low_temperature, Level::alarm, "dsg_temp_low_l2"},
    {16, Alarm::high_charge_current, Level::warning, "chg_current_l1"},
    {17, Alarm::high_charge_current, Level::alarm, "chg_current_l2"},
    {18, Alarm::high_discharge_current, Level::warning, "dsg_current_l1"},
    {19, Alarm::high_discharge_current, Level::alarm, "dsg_current_l2"},
    {20, std::nullopt, Level::ok, "soc_high_l1"},
    {21, std::nullopt, Level::ok, "soc_high_l2"},
    {22, Alarm::low_soc, Level::warning, "soc_low_l1"},
    {23, Alarm::low_soc, Level::alarm, "soc_low_l2"},
    {24, Alarm::cell_imbalance, Level::warning, "cell_diff_l1"},
    {25, Alarm::cell_imbalance, Level::alarm, "cell_diff_l2"},
    {26, Alarm::cell_imbalance, Level::warning, "temp_diff_l1"},
    {27, Alarm::cell_imbalance, Level::alarm, "temp_diff_l2"},
    {32, Alarm::high_internal_temperature, Level::alarm, "chg_mos_ot"},
    {33, Alarm::high_internal_temperature, Level::alarm, "dsg_mos_ot"},
    {34, Alarm::internal_failure, Level::alarm, "chg_mos_sensor"},
    {35, Alarm::internal_failure, Level::alarm, "dsg_mos_sensor"},
    {36, Alarm::internal_failure, Level::alarm, "chg_mos_welded"},
    {37, Alarm::internal_failure, Level::alarm, "dsg_mos_welded"},
    {38, Alarm::internal_failure, Level::alarm, "chg_mos_open"},
    {39, Alarm::internal_failure, Level::alarm, "dsg_mos_open"},
    {40, Alarm::internal_failure, Level::alarm, "afe"},
    {41, Alarm::internal_failure, Level::alarm, "acquisition"},
    {42, Alarm::internal_failure, Level::alarm, "cell_temp_sensor"},
    {43, Alarm::internal_failure, Level::warning, "eeprom"},
    {44, Alarm::internal_failure, Level::warning, "rtc"},
    {45, Alarm::internal_failure, Level::alarm, "precharge"},
    {46, Alarm::internal_failure, Level::warning, "communication"},
    {47, Alarm::internal_failure, Level::warning, "internal_communication"},
    {48, Alarm::internal_failure, Level::alarm, "current_module"},
    {49, Alarm::internal_failure, Level::alarm, "voltage_module"},
    {50, Alarm::high_discharge_current, Level::alarm, "short_circuit"},
    {51, Alarm::low_voltage, Level::alarm, "no_charge_low_voltage"},
});
static_assert(well_formed(kAlarmFlags));

inline constexpr std::size_t kCellsPerFrame = 3;
inline constexpr std::size_t kSensorsPerFrame = 7;
inline constexpr std::size_t kLettersPerFrame = 7;
inline constexpr std::size_t kCodeFrames = 5;  ///< of the battery code; how many a version has is not known
inline constexpr unsigned kMaxCells = 48;
inline constexpr unsigned kMaxSensors = 16;

/// Cells of several frames: their numbers start at 1, on some boards at 0; a frame 1 after others begins anew.
class CellTable {
  public:
    void clear() { *this = {}; }
    void add(Bytes data) {
        if (frames_ == 0) {
            first_is_zero_ = data[0] == 0;
        } else if (data[0] == (first_is_zero_ ? 0 : 1)) {
            seen_ = 0;
            frames_ = 0;
        }
        const unsigned frame = data[0] - (first_is_zero_ ? 0u : 1u);
        if (frame >= kMaxCells / kCellsPerFrame) {
            return;
        }
        for (std::size_t i = 0; i < kCellsPerFrame; ++i) {
            millivolts_[frame * kCellsPerFrame + i] = wire::be16(data, 1 + 2 * i);
        }
        seen_ |= 1u << frame;
        ++frames_;
    }
    [[nodiscard]] bool has(std::size_t cells) const {
        const std::uint32_t needed = (1u << (cells + kCellsPerFrame - 1) / kCellsPerFrame) - 1;
        return (seen_ & needed) == needed;
    }
    [[nodiscard]] std::size_t slots() const {
        std::size_t last = 0;
        for (std::size_t i = 0; i < 32; ++i) {
            last = (seen_ >> i & 1) != 0 ? i + 1 : last;
        }
        return last * kCellsPerFrame;
    }
    [[nodiscard]] unsigned frames() const { return frames_; }
    [[nodiscard]] std::span<const std::uint16_t> first(std::size_t cells) const {
        return std::span(millivolts_).first(std::min<std::size_t>(cells, kMaxCells));
    }

  private:
    std::array<std::uint16_t, kMaxCells> millivolts_{};
    std::uint32_t seen_ = 0;
    unsigned frames_ = 0;
    bool first_is_zero_ = false;
};

/// A text of several frames, whose numbers start at 1.
class TextTable {
  public:
    void clear() { *this = {}; }
    void add(Bytes data) {
        if (data[0] >= 1 && data[0] <= kMostFrames) {
            const auto frame = data[0] - std::size_t{1};
            std::copy_n(data.begin() + 1, kLettersPerFrame,
                        letters_.begin() + static_cast<std::ptrdiff_t>(frame * kLettersPerFrame));
            seen_ |= 1u << frame;
        }
    }
    [[nodiscard]] bool has(std::size_t frames) const {
        const std::uint32_t needed = (1u << frames) - 1;
        return (seen_ & needed) == needed;
    }
    /// Some frames came, and none is missing before the last of them.
    [[nodiscard]] bool unbroken() const { return seen_ != 0 && (seen_ & (seen_ + 1)) == 0; }
    /// Without the blanks and NULs at its end.
    [[nodiscard]] std::string text() const { return wire::ascii(letters_); }

  private:
    static constexpr std::size_t kMostFrames = 8;
    std::array<std::uint8_t, kMostFrames * kLettersPerFrame> letters_{};
    std::uint32_t seen_ = 0;
};

}  // namespace bms::daly
