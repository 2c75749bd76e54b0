#include "simulator.hpp"

namespace bms::sim {
namespace {

constexpr std::array kBits{AlarmBit{Alarm::high_cell_voltage, 0},
                           AlarmBit{Alarm::low_cell_voltage, 1},
                           AlarmBit{Alarm::high_voltage, 2},
                           AlarmBit{Alarm::low_voltage, 3},
                           AlarmBit{Alarm::high_charge_temperature, 4},
                           AlarmBit{Alarm::low_charge_temperature, 5},
                           AlarmBit{Alarm::high_temperature, 6},
                           AlarmBit{Alarm::low_temperature, 7},
                           AlarmBit{Alarm::high_charge_current, 8},
                           AlarmBit{Alarm::high_discharge_current, 9},
                           AlarmBit{Alarm::internal_failure, 11}};

Buffer reply(std::uint8_t reg, const Buffer& data, std::uint8_t status = 0) {
    Buffer out{0xdd, reg, status, static_cast<std::uint8_t>(data.size())};
    wire::put(out, data);
    wire::put_be16(out, (0x10000u - wire::sum16(Bytes(out).subspan(2))) & 0xffff);
    out.push_back(0x77);
    return out;
}

Buffer basic_info(const Pack& pack) {
    Buffer d;
    wire::put_be16(d, scaled(pack.voltage(), 100));
    wire::put_be16(d, scaled(pack.amperes(), 100) & 0xffff);
    wire::put_be16(d, scaled(pack.remaining_ah(), 100));
    wire::put_be16(d, scaled(pack.capacity_ah(), 100));
    wire::put_be16(d, pack.cycles);
    wire::put_be16(d, 23u << 9 | 5u << 5 | 17u);
    wire::put_be16(d, pack.balance_mask() & 0xffff);
    wire::put_be16(d, pack.balance_mask() >> 16);
    const bool locked = !pack.charge_allowed || !pack.discharge_allowed;
    wire::put_be16(d, alarm_word(pack, kBits) | (locked ? 1u << 12 : 0u));
    wire::put8(d, 0x24);
    wire::put8(d, scaled(pack.soc_pct(), 1));
    wire::put8(d, (pack.charge_allowed ? 1u : 0u) | (pack.discharge_allowed ? 2u : 0u));
    wire::put8(d, static_cast<unsigned>(pack.size()));
    wire::put8(d, 3);
    wire::put_be16(d, scaled(pack.mosfet_celsius, 10, 2731));
    wire::put_be16(d, scaled(pack.celsius[0], 10, 2731));
    wire::put_be16(d, scaled(pack.celsius[1], 10, 2731));
    return d;
}

/// Factory mode and the function register are kept per pack in its balancer switch.
std::optional<Response> respond(Bytes heard, unsigned, Pack& pack) {
    if (heard.size() < 7 || heard[0] != 0xdd || (heard[1] != 0xa5 && heard[1] != 0x5a)) {
        return std::nullopt;
    }
    const std::size_t total = 7u + heard[3];
    if (heard.size() < total || heard[total - 1] != 0x77
        || ((0x10000u - wire::sum16(heard.subspan(2, total - 5))) & 0xffff) != wire::be16(heard, total - 3)) {
        return std::nullopt;
    }
    const auto reg = heard[2];
    if (heard[1] == 0x5a) {
        if (reg == 0xe1 && heard[3] == 2) {
            pack.charge_allowed = (heard[5] & 1) == 0;
            pack.discharge_allowed = (heard[5] & 2) == 0;
        } else if (reg == 0x2d && heard[3] == 2) {
            pack.balancer_on = (heard[5] & 4) != 0;
        }
        return Response{total, reply(reg, {})};
    }
    Buffer data;
    switch (reg) {
        case 0x03:
            data = basic_info(pack);
            break;
        case 0x04:
            for (std::size_t i = 0; i < pack.size(); ++i) {
                wire::put_be16(data, pack.millivolts(i));
            }
            break;
        case 0x05:
            put_text(data, "JBD-SP16S020-SIM", 16);
            break;
        case 0x2d:
            wire::put_be16(data, pack.balancer_on ? 0x0fu : 0x0bu);
            break;
        default:
            return Response{total, reply(reg, {}, 0x80)};
    }
    return Response{total, reply(reg, data)};
}

const Registration kRegistered{{.family = "jbd", .latency = milliseconds(90), .respond = respond}};

}  // namespace
}  // namespace bms::sim
