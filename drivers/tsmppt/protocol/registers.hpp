#pragma once
// Register maps of the TriStar MPPT as data, in the order of the vendor's document; docs/protocols/tristar.md.
// Addresses are those of the Modbus PDU, one below the document's "logical" numbers.

#include "tsmppt/charger.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

namespace tristar {

/// How the words of a value are put together.
enum class Layout : std::uint8_t {
    u16,
    s16,
    s16_or_absent,       ///< 0x80 stands for "no sensor", also sign extended
    bcd16,               ///< 0x0042 is 42
    u32_high_first,      ///< RAM pairs
    fraction_high_first  ///< integer part, then 1/65536
};

/// What one count is multiplied by, besides the row's unit.
enum class Basis : std::uint8_t { one, volts_per_unit, amps_per_unit, both };

struct Scale {
    Layout layout;
    Basis basis = Basis::one;
    double unit = 1.0;

    [[nodiscard]] constexpr std::uint16_t words() const {
        return layout == Layout::u32_high_first || layout == Layout::fraction_high_first ? 2 : 1;
    }
};

inline constexpr Scale kPerUnit{Layout::fraction_high_first};
inline constexpr Scale kVolts{Layout::s16, Basis::volts_per_unit, 1.0 / 32768};
inline constexpr Scale kAmps{Layout::s16, Basis::amps_per_unit, 1.0 / 32768};
inline constexpr Scale kWatts{Layout::u16, Basis::both, 1.0 / 131072};
inline constexpr Scale kCelsius{Layout::s16};
inline constexpr Scale kRemoteCelsius{Layout::s16_or_absent};
inline constexpr Scale kAmpHours{Layout::u16, Basis::one, 0.1};
inline constexpr Scale kAmpHours32{Layout::u32_high_first, Basis::one, 0.1};
inline constexpr Scale kCount{Layout::u16};
inline constexpr Scale kCount32{Layout::u32_high_first};
inline constexpr Scale kVersion{Layout::bcd16};
inline constexpr Scale kVoltsPerDegree{Layout::u16, Basis::volts_per_unit, 1.0 / 65536};
/// The overrides of register 88 are in a fixed scale, whatever the controller's amps_per_unit.
inline constexpr Scale kSlaveAmps{Layout::s16, Basis::one, 80.0 / 32768};

/// A supply rail of the controller with its full scale in volts.
[[nodiscard]] constexpr Scale rail(double full_scale_volts) {
    return {Layout::s16, Basis::one, full_scale_volts / 32768};
}

template <class Model>
struct Register {
    using Number = std::optional<double> Model::*;
    using Word = std::optional<std::uint32_t> Model::*;

    std::uint16_t address;
    Scale scale;
    std::variant<Number, Word> member;
    std::string_view key;  ///< the name in `dbus-tsmppt decode` and `read --json`; empty: not shown there
};

using C = Charger;
inline constexpr auto kRam = std::to_array<Register<Charger>>({
    // clang-format off
    // dec  scale           member                          key
    {   0, kPerUnit,       &C::volts_per_unit,            "v_pu"},
    {   2, kPerUnit,       &C::amps_per_unit,             "i_pu"},
    {   4, kVersion,       &C::software_version,          "software_version"},
    {  24, kVolts,         &C::battery_volts,             "battery_voltage"},
    {  25, kVolts,         &C::battery_terminal_volts,    "battery_terminal_voltage"},
    {  26, kVolts,         &C::battery_sense_volts,       "battery_sense_voltage"},
    {  27, kVolts,         &C::array_volts,               "array_voltage"},
    {  28, kAmps,          &C::battery_amps,              "battery_current"},
    {  29, kAmps,          &C::array_amps,                "array_current"},
    {  30, rail(18.612),   &C::supply_12v_volts,          "supply_12v"},
    {  31, rail(6.6),      &C::supply_3v_volts,           "supply_3v"},
    {  32, rail(18.612),   &C::meterbus_volts,            "meterbus_voltage"},
    {  33, rail(3.0),      &C::supply_1v8_volts,          "supply_1v8"},
    {  34, rail(3.0),      &C::reference_volts,           "reference_voltage"},
    {  35, kCelsius,       &C::heatsink_celsius,          "heatsink_temperature"},
    {  36, kRemoteCelsius, &C::remote_celsius,            "rts_temperature"},
    {  37, kCelsius,       &C::battery_celsius,           "battery_temperature"},
    {  38, kVolts,         &C::battery_volts_1min,        "battery_voltage_1m"},
    {  39, kAmps,          &C::battery_amps_1min,         "battery_current_1m"},
    {  40, kVolts,         &C::battery_min_volts,         "vb_min"},
    {  41, kVolts,         &C::battery_max_volts,         "vb_max"},
    {  42, kCount32,       &C::operating_hours,           "hourmeter"},
    {  44, kCount,         &C::faults,                    "faults"},
    {  46, kCount32,       &C::alarms,                    "alarms"},
    {  48, kCount,         &C::dip_switches,              "dip_switches"},
    {  49, kCount,         &C::led_state,                 "led_state"},
    {  50, kCount,         &C::charge_state,              "charge_state"},
    {  51, kVolts,         &C::target_volts,              "target_voltage"},
    {  52, kAmpHours32,    &C::resettable_ah,             "ah_resettable"},
    {  54, kAmpHours32,    &C::total_ah,                  "ah_total"},
    {  56, kCount,         &C::resettable_kwh,            "kwh_resettable"},
    {  57, kCount,         &C::total_kwh,                 "kwh_total"},
    {  58, kWatts,         &C::output_watts,              "power_out"},
    {  59, kWatts,         &C::input_watts,               "power_in"},
    {  60, kWatts,         &C::sweep_max_watts,           "sweep_pmax"},
    {  61, kVolts,         &C::sweep_mpp_volts,           "sweep_vmp"},
    {  62, kVolts,         &C::sweep_open_volts,          "sweep_voc"},
    {  64, kVolts,         &C::battery_min_volts_today,   "vb_min_daily"},
    {  65, kVolts,         &C::battery_max_volts_today,   "vb_max_daily"},
    {  66, kVolts,         &C::array_max_volts_today,     "va_max_daily"},
    {  67, kAmpHours,      &C::ah_today,                  "ah_daily"},
    {  68, kCount,         &C::wh_today,                  "wh_daily"},
    {  69, kCount,         &C::flags_today,               "flags_daily"},
    {  70, kWatts,         &C::max_watts_today,           "power_max_daily"},
    {  71, kCelsius,       &C::battery_min_celsius_today, "tb_min_daily"},
    {  72, kCelsius,       &C::battery_max_celsius_today, "tb_max_daily"},
    {  73, kCount,         &C::faults_today,              "fault_daily"},
    {  75, kCount32,       &C::alarms_today,              "alarms_daily"},
    {  77, kCount,         &C::absorption_seconds_today,  "time_absorption_daily"},
    {  78, kCount,         &C::equalize_seconds_today,    "time_equalize_daily"},
    {  79, kCount,         &C::float_seconds_today,       "time_float_daily"},
    {  88, kSlaveAmps,     &C::slave_amps,                ""},
    {  89, kVolts,         &C::slave_volts,               ""},
    // clang-format on
});

using S = SetPoints;
inline constexpr auto kEeprom = std::to_array<Register<SetPoints>>({
    // clang-format off
    {0xE000, kVolts,          &S::absorption_volts,             "absorption_voltage"},
    {0xE001, kVolts,          &S::float_volts,                  "float_voltage"},
    {0xE002, kCount,          &S::absorption_seconds,           "absorption_time"},
    {0xE003, kCount,          &S::absorption_extension_seconds, "absorption_extension_time"},
    {0xE004, kVolts,          &S::absorption_extension_volts,   "absorption_extension_voltage"},
    {0xE005, kVolts,          &S::float_cancel_volts,           "float_cancel_voltage"},
    {0xE006, kCount,          &S::float_exit_seconds,           "float_exit_time"},
    {0xE007, kVolts,          &S::equalize_volts,               "equalize_voltage"},
    {0xE008, kCount,          &S::equalize_days,                "equalize_days"},
    {0xE00D, kVoltsPerDegree, &S::temperature_compensation,     "temperature_compensation"},
    {0xE00E, kVolts,          &S::disconnect_volts,             "high_voltage_disconnect"},
    {0xE00F, kVolts,          &S::reconnect_volts,              "high_voltage_reconnect"},
    {0xE010, kVolts,          &S::limit_volts,                  "voltage_limit"},
    {0xE08A, kVolts,          &S::array_max_volts_24h,          "array_max_voltage_24h"},
    // clang-format on
});

inline constexpr std::uint16_t kSerialRegister = 0xE0C0;  ///< 4 words, two characters each, low byte first
inline constexpr std::uint16_t kModelRegister = 0xE0CC;   ///< 0: 45, 1: 60, 2: 30
inline constexpr std::uint16_t kHardwareRegister = 0xE0CD;

inline constexpr std::uint16_t kRemoteSensorRegister = 36;
inline constexpr std::uint16_t kSlaveAmpsRegister = 88;
inline constexpr std::uint16_t kSlaveVoltsRegister = 89;

/// A run of registers that is read in one request.
struct Block {
    std::uint16_t address;
    std::uint16_t count;
};
inline constexpr Block kPollBlock{0, 80};
/// With the two override registers; 90 registers in one request are known to work.
inline constexpr Block kPollBlockWithOverride{0, 90};
inline constexpr Block kSerialBlock{kSerialRegister, 4};
inline constexpr Block kModelBlock{kModelRegister, 2};
/// The set points, leaving out the reserved addresses between them.
inline constexpr auto kSetPointBlocks = std::to_array<Block>({{0xE000, 12}, {0xE00D, 6}, {0xE08A, 1}});

enum class Coil : std::uint16_t {
    equalize = 0,
    disconnect = 2,
    clear_resettable_ah = 16,
    clear_total_ah = 17,
    clear_resettable_kwh = 18,
    clear_battery_service = 19,
    clear_faults = 20,
    clear_alarms = 21,
    update_eeprom = 22,
    clear_total_kwh = 24,
    clear_battery_extremes = 25,
    reset_control = 255,  ///< its answer may not arrive
    reset_network = 4351  ///< the connection drops
};

namespace detail {

/// Ascending, without overlap, and a fraction or a 32-bit row really covers two addresses.
template <class Table>
constexpr bool ordered(const Table& table) {
    for (std::size_t i = 1; i < table.size(); ++i) {
        if (table[i].address < table[i - 1].address + table[i - 1].scale.words()) {
            return false;
        }
    }
    return true;
}

template <class Table>
constexpr bool unique_keys(const Table& table) {
    for (std::size_t i = 0; i < table.size(); ++i) {
        for (std::size_t k = i + 1; k < table.size(); ++k) {
            const bool same_key = !table[i].key.empty() && table[i].key == table[k].key;
            if (same_key || table[i].member == table[k].member) {
                return false;
            }
        }
    }
    return true;
}

/// A member that counts takes whole units only.
template <class Table>
constexpr bool counts_are_whole(const Table& table) {
    for (const auto& row : table) {
        if (row.member.index() == 1 && (row.scale.unit != 1.0 || row.scale.basis != Basis::one)) {
            return false;
        }
    }
    return true;
}

template <class Table>
constexpr bool covered(const Table& table, Block block, std::uint16_t first, std::uint16_t last) {
    for (const auto& row : table) {
        const bool wanted = row.address >= first && row.address <= last;
        if (wanted
            && (row.address < block.address
                || row.address + row.scale.words() > block.address + block.count)) {
            return false;
        }
    }
    return true;
}

}  // namespace detail

static_assert(detail::ordered(kRam) && detail::unique_keys(kRam) && detail::counts_are_whole(kRam));
static_assert(detail::ordered(kEeprom) && detail::unique_keys(kEeprom) && detail::counts_are_whole(kEeprom));
static_assert(detail::covered(kRam, kPollBlock, 0, 79)
              && detail::covered(kRam, kPollBlockWithOverride, 0, 89));

}  // namespace tristar
