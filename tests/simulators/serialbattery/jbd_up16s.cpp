#include "simulator.hpp"

namespace bms::sim {
namespace {

constexpr std::array kFaultBits{AlarmBit{Alarm::high_cell_voltage, 0},
                                AlarmBit{Alarm::low_cell_voltage, 1},
                                AlarmBit{Alarm::high_voltage, 2},
                                AlarmBit{Alarm::low_voltage, 3},
                                AlarmBit{Alarm::high_charge_current, 4},
                                AlarmBit{Alarm::high_discharge_current, 6},
                                AlarmBit{Alarm::high_charge_temperature, 8},
                                AlarmBit{Alarm::internal_failure, 20}};

Buffer status(const Pack& pack) {
    Buffer d;
    wire::put_be16(d, scaled(pack.voltage(), 100));
    wire::put_be16(d, 0);
    wire::put_be32(d, scaled(pack.amperes(), 100, 300000));
    wire::put_be16(d, scaled(pack.soc_pct(), 100));
    wire::put_be16(d, scaled(pack.remaining_ah(), 100));
    wire::put_be16(d, scaled(pack.capacity_ah(), 100));
    wire::put_be16(d, scaled(pack.capacity_ah(), 100));
    wire::put_be16(d, scaled(pack.mosfet_celsius, 10, 500));
    wire::put_be16(d, scaled(pack.celsius[3], 10, 500));
    wire::put_be16(d, pack.amperes() > 0 ? 1 : 2);
    wire::put_be16(d, scaled(pack.soh_pct, 1));
    wire::put_be32(d, alarm_word(pack, kFaultBits));
    wire::put_be32(d, 0);
    wire::put_be16(
        d, (pack.discharge_allowed ? 1u : 0u) | (pack.charge_allowed ? 2u : 0u) | (pack.heating ? 8u : 0u));
    wire::put_be16(d, 0);
    wire::put_be16(d, pack.cycles);
    for (int i = 0; i < 10; ++i) {
        wire::put_be16(d, 0);  // extremes: recomputed by every reader
    }
    wire::put_be16(d, scaled(56.8, 10));
    wire::put_be16(d, scaled(100, 10));
    wire::put_be16(d, scaled(44.8, 10));
    wire::put_be16(d, scaled(120, 10));
    wire::put_be16(d, static_cast<unsigned>(pack.size()));
    for (std::size_t i = 0; i < pack.size(); ++i) {
        wire::put_be16(d, pack.millivolts(i));
    }
    wire::put_be16(d, 4);
    for (const auto celsius : pack.celsius) {
        wire::put_be16(d, scaled(celsius, 10, 500));
    }
    wire::put_be16(d, 0);
    wire::put_be16(d, pack.balance_mask() & 0xffff);
    wire::put_be16(d, 0x0c04);
    put_text(d, "SIM48100000", 30);
    return d;
}

std::optional<Response> respond(Bytes heard, unsigned unit, Pack& pack) {
    if (heard.size() < 10 || heard[0] != unit || (heard[1] != 0x78 && heard[1] != 0x79 && heard[1] != 0x45)) {
        return std::nullopt;
    }
    const std::size_t total = 10u + wire::be16(heard, 6);
    if (heard.size() < total
        || wire::Crc16Modbus::of(heard.first(total - 2)) != wire::le16(heard, total - 2)) {
        return std::nullopt;
    }
    const auto start = wire::be16(heard, 2);
    Buffer data;
    if (heard[1] == 0x79) {
        if (total != 16 || !(start == 0x2006 || start == 0x2902)) {
            return Response{total, {}};
        }
        const auto value = wire::be16(heard, 12);
        if (start == 0x2006) {
            pack.set_soc(value / 100.0);
        } else {
            pack.discharge_allowed = (value & 1) != 0;
            pack.charge_allowed = (value & 2) != 0;
        }
    } else if (heard[1] == 0x78 && start == 0x1000) {
        data = status(pack);
    } else if (heard[1] == 0x78 && start == 0x2006) {
        wire::put_be16(data, scaled(pack.soc_pct(), 100));
        for (int i = 0; i < 4; ++i) {
            wire::put_be16(data, 0);
        }
        wire::put_be32(data, 10507);
        wire::put_be32(data, 9733);
    } else {
        return Response{total, {}};  // what a port does not offer stays without an answer
    }
    Buffer out(heard.begin(), heard.begin() + 6);
    wire::put_be16(out, static_cast<unsigned>(data.size()));
    wire::put(out, data);
    put_crc(out);
    return Response{total, out};
}

const Registration kRegistered{
    {.family = "jbd_up16s", .unit = 1, .latency = milliseconds(150), .respond = respond}};

}  // namespace
}  // namespace bms::sim
