#include "modbus_slave.hpp"

namespace bms::sim {
namespace {

/// Warnings and protections share their bits.
constexpr std::array kEg4Bits{AlarmBit{Alarm::high_voltage, 0},
                              AlarmBit{Alarm::high_cell_voltage, 1},
                              AlarmBit{Alarm::low_voltage, 2},
                              AlarmBit{Alarm::low_cell_voltage, 3},
                              AlarmBit{Alarm::high_charge_current, 4},
                              AlarmBit{Alarm::high_discharge_current, 5},
                              AlarmBit{Alarm::high_internal_temperature, 7},
                              AlarmBit{Alarm::high_charge_temperature, 8},
                              AlarmBit{Alarm::high_temperature, 9},
                              AlarmBit{Alarm::low_charge_temperature, 10},
                              AlarmBit{Alarm::low_temperature, 11},
                              AlarmBit{Alarm::low_soc, 12}};

std::optional<Response> respond(Bytes heard, unsigned unit, Pack& pack) {
    Registers r;
    for (unsigned reg = 0; reg <= 38; ++reg) {
        r.set(reg, 0);
    }
    r.set(0, scaled(pack.voltage(), 100));
    r.set(1, scaled(pack.amperes(), 100) & 0xffff);
    for (unsigned i = 0; i < 16; ++i) {
        r.set(2 + i, pack.millivolts(i));
    }
    r.set(18, scaled(pack.mosfet_celsius, 1));
    r.set(19, scaled(pack.celsius[1], 1));
    r.set(20, scaled(pack.celsius[0], 1));
    r.set(21, scaled(pack.remaining_ah(), 1));
    r.set(22, 100);
    r.set(23, scaled(pack.soh_pct, 1));
    r.set(24, scaled(pack.soc_pct(), 1));
    r.set(25, pack.amperes() > 0 ? 1 : pack.amperes() < 0 ? 2 : 0);
    unsigned warnings = 0;
    for (const auto& bit : kEg4Bits) {
        warnings |= pack.alarm(bit.alarm, Level::warning) ? 1u << bit.bit : 0u;
    }
    r.set(26, warnings);
    r.set(27, alarm_word(pack, kEg4Bits));
    r.set(28,
          (pack.alarm(Alarm::internal_failure) ? 1u : 0u) | (pack.alarm(Alarm::cell_imbalance) ? 16u : 0u));
    r.set32(29, pack.cycles);
    r.set32(31, scaled(pack.capacity_ah(), 3'600'000));
    for (unsigned i = 0; i < 2; ++i) {
        r.set(33 + i, scaled(pack.celsius[2 * i], 1) << 8 | (scaled(pack.celsius[2 * i + 1], 1) & 0xff));
    }
    r.set(36, static_cast<unsigned>(pack.size()));
    r.set(37, scaled(pack.capacity_ah(), 10));
    r.set(38, pack.balance_mask());
    r.text(105, "LFP-51.2V100Ah-SIM", 12);
    r.text(117, "Z02T04", 3);
    r.text(120, "2024-05-06", 8);
    return answer_read(heard, unit, unit, r);
}

const Registration kRegistered{
    {.family = "eg4_ll", .unit = 16, .latency = milliseconds(150), .respond = respond}};

}  // namespace
}  // namespace bms::sim
