#include "modbus_slave.hpp"

namespace bms::sim {
namespace {

std::optional<Response> respond(Bytes heard, unsigned unit, Pack& pack) {
    constexpr std::array kBits{AlarmBit{Alarm::high_cell_voltage, 2}, AlarmBit{Alarm::low_cell_voltage, 3},
                               AlarmBit{Alarm::high_charge_current, 4},
                               AlarmBit{Alarm::high_discharge_current, 5},
                               AlarmBit{Alarm::high_internal_temperature, 6}};
    Registers r;
    r.set(0xf80b, 418);
    for (unsigned i = 0; i < 5; ++i) {
        r.set(0xf804 + i, 1000 + i);
    }
    r.set(0x1302, (pack.charge_allowed ? 1u : 0u) | (pack.discharge_allowed ? 4u : 0u));
    r.set(0x1303, 0);
    r.set(0x1304, alarm_word(pack, kBits));
    r.set(0x1306, scaled(pack.voltage(), 100));
    r.set(0x1307, scaled(-pack.amperes(), 10) & 0xffff);
    r.set(0x130a, scaled(pack.mosfet_celsius, 1));
    r.set(0x130b, scaled(pack.soc_pct(), 1));
    r.set(0x131c, scaled(57.6, 100));
    r.set(0x131d, scaled(48.0, 100));
    r.set(0x131e, scaled(100, 10));
    r.set(0x131f, scaled(120, 10));
    for (unsigned i = 0; i < 16; ++i) {
        r.set(0x132a + i, i < pack.size() ? pack.millivolts(i) : 0x7fff);
    }
    for (unsigned i = 0; i < 4; ++i) {
        r.set(0x133a + i, i < 2 ? scaled(pack.celsius[i], 1) : 0x7fff);
    }
    return answer_read(heard, unit, unit, r);
}

const Registration kRegistered{
    {.family = "felicity", .unit = 1, .latency = milliseconds(80), .respond = respond}};

}  // namespace
}  // namespace bms::sim
