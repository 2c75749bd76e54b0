#include "modbus_slave.hpp"

namespace bms::sim {
namespace {

/// Registers 0 to 7 of PACE boards and of Gobel Power.
Registers pace_live(const Pack& pack, unsigned last) {
    Registers r;
    for (unsigned reg = 0; reg <= last; ++reg) {
        r.set(reg, 0);
    }
    r.set(0, scaled(pack.amperes(), 100) & 0xffff);
    r.set(1, scaled(pack.voltage(), 100));
    r.set(2, scaled(pack.soc_pct(), 1));
    r.set(3, scaled(pack.soh_pct, 1));
    r.set(4, scaled(pack.remaining_ah(), 100));
    r.set(5, scaled(pack.capacity_ah(), 100));
    r.set(6, scaled(pack.capacity_ah(), 100));
    r.set(7, pack.cycles);
    return r;
}

constexpr std::array kPaceBits{AlarmBit{Alarm::high_cell_voltage, 0},
                               AlarmBit{Alarm::low_cell_voltage, 1},
                               AlarmBit{Alarm::high_voltage, 2},
                               AlarmBit{Alarm::low_voltage, 3},
                               AlarmBit{Alarm::high_charge_current, 4},
                               AlarmBit{Alarm::high_discharge_current, 5},
                               AlarmBit{Alarm::high_charge_temperature, 8},
                               AlarmBit{Alarm::high_temperature, 9},
                               AlarmBit{Alarm::low_charge_temperature, 10},
                               AlarmBit{Alarm::low_temperature, 11}};

std::optional<Response> respond_pace(Bytes heard, unsigned unit, Pack& pack) {
    Registers r = pace_live(pack, 36);
    unsigned warnings = pack.alarm(Alarm::low_soc, Level::warning) ? 1u << 15 : 0u;
    for (const auto& bit : kPaceBits) {
        warnings |= pack.alarm(bit.alarm, Level::warning) ? 1u << bit.bit : 0u;
    }
    r.set(9, warnings);
    r.set(10, alarm_word(pack, kPaceBits) | (pack.alarm(Alarm::high_internal_temperature) ? 1u << 12 : 0u));
    r.set(11, (pack.alarm(Alarm::internal_failure) ? 4u : 0u) | (pack.charge_allowed ? 1u << 10 : 0u)
                  | (pack.discharge_allowed ? 1u << 11 : 0u) | (pack.heating ? 1u << 15 : 0u));
    r.set(12, pack.balance_mask());
    for (unsigned i = 0; i < 16; ++i) {
        r.set(15 + i, pack.millivolts(i));
    }
    for (unsigned i = 0; i < 4; ++i) {
        r.set(31 + i, scaled(pack.celsius[i], 10) & 0xffff);
    }
    r.set(35, scaled(pack.mosfet_celsius, 10) & 0xffff);
    r.set(36, scaled(pack.celsius[0] + 1, 10) & 0xffff);
    for (unsigned reg = 60; reg <= 114; ++reg) {
        r.set(reg, 0);
    }
    r.set(65, 3700);
    r.set(73, 2500);
    r.set(77, 110);
    r.set(80, 110);
    r.text(150, "P16S100A-SIM-1.00", 10);
    r.text(160, "SIM-MODEL", 10);
    r.text(170, "SIM0000000000PM", 10);
    return answer_read(heard, unit, unit, r);
}

std::optional<Response> respond_gobel(Bytes heard, unsigned unit, Pack& pack) {
    Registers r = pace_live(pack, 58);
    r.set(8, pack.alarm(Alarm::internal_failure, Level::warning) ? 1 : 0);
    r.set(14, (pack.charge_allowed ? 1u << 14 : 0u) | (pack.discharge_allowed ? 1u << 15 : 0u));
    r.set(15, static_cast<unsigned>(pack.size()));
    for (unsigned i = 0; i < pack.size(); ++i) {
        r.set(16 + i, pack.millivolts(i));
    }
    r.set(46, 1);
    r.set(47, scaled(pack.celsius[0], 10) & 0xffff);
    r.set(57, scaled(pack.mosfet_celsius, 10) & 0xffff);
    for (unsigned reg = 170; reg < 205; ++reg) {
        r.set(reg, 0);
    }
    r.text(170, "P4S200A-SIM-1.02", 10);
    r.text(180, "SIM0000000000GP", 10);
    r.text(190, "GP-LA12-SIM", 10);
    return answer_read(heard, unit, unit, r);
}

const Registration kPace{
    {.family = "pace_modbus", .unit = 1, .latency = milliseconds(80), .respond = respond_pace}};
const Registration kGobel{
    {.family = "gobel_modbus", .unit = 1, .latency = milliseconds(80), .cells = 4, .respond = respond_gobel}};

}  // namespace
}  // namespace bms::sim
