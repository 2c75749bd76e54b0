#include "modbus_slave.hpp"

namespace bms::sim {
namespace {

std::optional<Response> respond(Bytes heard, unsigned unit, Pack& pack) {
    constexpr std::array kBits{AlarmBit{Alarm::high_cell_voltage, 0},
                               AlarmBit{Alarm::low_cell_voltage, 1},
                               AlarmBit{Alarm::high_voltage, 3},
                               AlarmBit{Alarm::low_voltage, 4},
                               AlarmBit{Alarm::high_charge_current, 5},
                               AlarmBit{Alarm::high_discharge_current, 7},
                               AlarmBit{Alarm::high_charge_temperature, 9},
                               AlarmBit{Alarm::internal_failure, 16}};
    Registers r;
    r.text(2, "\x11\x22\x33\x44\x55\x66\x77\x78", 4);
    r.text(7, "GW-24S4EB-SIM", 13);
    r.set(38, 0x0300);
    r.set32_le(39, 2023u | 17u << 16 | 5u << 24);
    r.text(41, "sim", 6);
    r.set(75, static_cast<unsigned>(pack.size()) << 8 | 1);
    r.set32_le(76, scaled(pack.voltage(), 1000));
    r.set32_le(78, scaled(-pack.amperes(), 100));
    for (unsigned i = 0; i < pack.size(); ++i) {
        r.set_le(81 + i, pack.millivolts(i));
    }
    r.set(112, scaled(22, 1, 40) << 8 | scaled(pack.mosfet_celsius, 1, 40));
    r.set(113, scaled(pack.celsius[1], 1, 40) << 8 | scaled(pack.celsius[0], 1, 40));
    r.set_le(118, scaled(pack.capacity_ah(), 10));
    r.set_le(119, scaled(pack.remaining_ah(), 10));
    r.set(120, scaled(pack.soc_pct(), 1) << 8 | scaled(pack.soh_pct, 1));
    r.set32_le(139, pack.balance_mask());
    r.set32_le(152, (pack.charge_allowed ? 0u : 1u << 28) | (pack.discharge_allowed ? 0u : 1u << 29));
    r.set32_le(156, alarm_word(pack, kBits));
    r.set_le(169, 3650);
    r.set_le(172, 2500);
    r.set_le(191, 10000);
    r.set_le(194, 15000);
    return answer_read(heard, unit, unit, r);
}

const Registration kRegistered{
    {.family = "heltec_yy", .unit = 1, .latency = milliseconds(80), .respond = respond}};

}  // namespace
}  // namespace bms::sim
