#include "modbus_slave.hpp"

namespace bms::sim {
namespace {

std::optional<Response> respond(Bytes heard, unsigned unit, Pack& pack) {
    constexpr std::array kBits{AlarmBit{Alarm::low_voltage, 15},
                               AlarmBit{Alarm::high_charge_temperature, 14},
                               AlarmBit{Alarm::low_charge_temperature, 13},
                               AlarmBit{Alarm::high_temperature, 12},
                               AlarmBit{Alarm::low_temperature, 11},
                               AlarmBit{Alarm::high_discharge_current, 10},
                               AlarmBit{Alarm::high_charge_current, 9},
                               AlarmBit{Alarm::high_cell_voltage, 8},
                               AlarmBit{Alarm::low_cell_voltage, 7},
                               AlarmBit{Alarm::high_voltage, 6}};
    Registers r;
    for (unsigned reg = 0x1388; reg <= 0x13a9; ++reg) {
        r.set(reg, 0);
    }
    r.set(0x1388, static_cast<unsigned>(pack.size()));
    for (unsigned i = 0; i < pack.size() && i < 16; ++i) {
        r.set(0x1389 + i, scaled(pack.volts(i), 10));
    }
    r.set(0x1399, 2);
    r.set(0x139a, scaled(pack.celsius[0], 10));
    r.set(0x139b, scaled(pack.celsius[1], 10));
    r.set(0x13ab, scaled(pack.mosfet_celsius, 10));
    r.set(0x13b2, scaled(pack.amperes(), 100) & 0xffff);
    r.set(0x13b3, scaled(pack.voltage(), 10));
    r.set32(0x13b4, scaled(pack.remaining_ah(), 1000));
    r.set32(0x13b6, scaled(pack.capacity_ah(), 1000));
    r.set(0x13b8, pack.cycles);
    r.set(0x13b9, scaled(14.8, 10));
    r.set(0x13ba, scaled(10.0, 10));
    r.set(0x13bb, scaled(100, 100));
    r.set(0x13bc, scaled(-100, 100) & 0xffff);
    for (unsigned reg = 0x13ec; reg <= 0x13f5; ++reg) {
        r.set(reg, 0);
    }
    r.set(0x13f2, alarm_word(pack, kBits) | (pack.discharge_allowed ? 4u : 0u)
                      | (pack.charge_allowed ? 2u : 0u) | 8u);
    r.text(0x13f6, "SIM0000000000001", 8);
    r.text(0x1402, "RBT100LFP12-SIM", 8, ' ');
    r.text(0x140a, "0103", 2);
    r.text(0x140c, "Renogy", 10);
    return answer_read(heard, unit, unit, r);
}

const Registration kRegistered{
    {.family = "renogy", .unit = 0xf7, .latency = milliseconds(80), .cells = 4, .respond = respond}};

}  // namespace
}  // namespace bms::sim
