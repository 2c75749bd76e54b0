#include "modbus_slave.hpp"

namespace bms::sim {
namespace {

// -------------------------------------------------------------------------------------------- 4E 57

void put_tag(Buffer& out, unsigned tag, unsigned value, unsigned bytes) {
    wire::put8(out, tag);
    for (unsigned i = bytes; i-- > 0;) {
        wire::put8(out, value >> 8 * i & 0xff);
    }
}
unsigned jk_celsius(double celsius) {
    return celsius >= 0 ? scaled(celsius, 1) : scaled(-celsius, 1, 100);
}

Buffer tags(const Pack& pack) {
    constexpr std::array kBits{AlarmBit{Alarm::low_soc, 0},
                               AlarmBit{Alarm::high_internal_temperature, 1},
                               AlarmBit{Alarm::high_voltage, 2},
                               AlarmBit{Alarm::low_voltage, 3},
                               AlarmBit{Alarm::high_charge_current, 5},
                               AlarmBit{Alarm::high_discharge_current, 6},
                               AlarmBit{Alarm::cell_imbalance, 7},
                               AlarmBit{Alarm::high_cell_voltage, 10},
                               AlarmBit{Alarm::low_cell_voltage, 11},
                               AlarmBit{Alarm::internal_failure, 12}};
    Buffer out{0x79, static_cast<std::uint8_t>(3 * pack.size())};
    for (std::size_t i = 0; i < pack.size(); ++i) {
        wire::put8(out, static_cast<unsigned>(i + 1));
        wire::put_be16(out, pack.millivolts(i));
    }
    put_tag(out, 0x80, jk_celsius(pack.mosfet_celsius), 2);
    put_tag(out, 0x81, jk_celsius(pack.celsius[0]), 2);
    put_tag(out, 0x82, jk_celsius(pack.celsius[1]), 2);
    put_tag(out, 0x83, scaled(pack.voltage(), 100), 2);
    const auto magnitude = scaled(std::abs(pack.amperes()), 100);
    put_tag(out, 0x84, magnitude | (pack.amperes() > 0 ? 0x8000u : 0u), 2);
    put_tag(out, 0x85, scaled(pack.soc_pct(), 1), 1);
    put_tag(out, 0x86, 2, 1);
    put_tag(out, 0x87, pack.cycles, 2);
    put_tag(out, 0x89, 4200, 4);
    put_tag(out, 0x8a, static_cast<unsigned>(pack.size()), 2);
    put_tag(out, 0x8b, alarm_word(pack, kBits), 2);
    put_tag(out, 0x8c,
            (pack.charge_allowed ? 1u : 0u) | (pack.discharge_allowed ? 2u : 0u)
                | (pack.balance_mask() != 0 ? 4u : 0u),
            2);
    put_tag(out, 0x97, 150, 2);
    put_tag(out, 0x99, 100, 2);
    put_tag(out, 0x9d, pack.balancer_on ? 1 : 0, 1);
    put_tag(out, 0xaa, scaled(pack.capacity_ah(), 1), 4);
    put_tag(out, 0xab, pack.charge_allowed ? 1 : 0, 1);
    put_tag(out, 0xac, pack.discharge_allowed ? 1 : 0, 1);
    wire::put8(out, 0xb7);
    put_text(out, "H6.X__S6.1.3S__", 15);
    wire::put8(out, 0xba);
    put_text(out, "SIM4E57000001", 24);
    put_tag(out, 0xc0, 1, 1);
    return out;
}

Buffer ttl_reply(std::uint8_t order, const Buffer& info) {
    Buffer out{0x4e, 0x57};
    wire::put_be16(out, static_cast<unsigned>(18 + info.size()));
    out.insert(out.end(), {0, 0, 0, 0, order, 0, 1});
    wire::put(out, info);
    out.insert(out.end(), {0, 0, 0, 0, 0x68});
    const auto sum = wire::sum16(out);
    wire::put_be16(out, 0);
    wire::put_be16(out, sum);
    return out;
}

std::optional<Response> respond_ttl(Bytes heard, unsigned, Pack& pack) {
    if (heard.size() < 20 || heard[0] != 0x4e || heard[1] != 0x57) {
        return std::nullopt;
    }
    const std::size_t total = 2u + wire::be16(heard, 2);
    if (heard.size() < total || total < 20 || heard[10] != 0
        || wire::sum16(heard.first(total - 4)) != wire::be16(heard, total - 2)) {
        return std::nullopt;
    }
    const auto order = heard[8];
    if (order == 6) {
        return Response{total, ttl_reply(order, tags(pack))};
    }
    if (order == 2 && total >= 22) {
        const bool on = heard[12] != 0;
        (heard[11] == 0xab   ? pack.charge_allowed
         : heard[11] == 0xac ? pack.discharge_allowed
                             : pack.balancer_on) = on;
        return Response{total, ttl_reply(order, {heard[11]})};
    }
    return Response{total, ttl_reply(order, {0})};
}

// ------------------------------------------------------------------------------------------------ PB

void at16(Buffer& block, std::size_t at, unsigned value) {
    block[at] = static_cast<std::uint8_t>(value);
    block[at + 1] = static_cast<std::uint8_t>(value >> 8);
}
void at32(Buffer& block, std::size_t at, std::uint32_t value) {
    at16(block, at, value & 0xffff);
    at16(block, at + 2, value >> 16);
}
void at_text(Buffer& block, std::size_t at, std::string_view text) {
    std::copy(text.begin(), text.end(), block.begin() + static_cast<std::ptrdiff_t>(at));
}

void fill_status(Buffer& b, const Pack& pack) {
    constexpr std::array kBits{AlarmBit{Alarm::high_internal_temperature, 1},
                               AlarmBit{Alarm::internal_failure, 3},
                               AlarmBit{Alarm::high_cell_voltage, 4},
                               AlarmBit{Alarm::high_voltage, 5},
                               AlarmBit{Alarm::high_charge_current, 6},
                               AlarmBit{Alarm::high_charge_temperature, 8},
                               AlarmBit{Alarm::low_charge_temperature, 9},
                               AlarmBit{Alarm::low_cell_voltage, 11},
                               AlarmBit{Alarm::low_voltage, 12},
                               AlarmBit{Alarm::high_discharge_current, 13},
                               AlarmBit{Alarm::high_temperature, 15}};
    for (std::size_t i = 0; i < pack.size() && i < 32; ++i) {
        at16(b, 6 + 2 * i, pack.millivolts(i));
    }
    at32(b, 70, pack.size() >= 32 ? 0xffffffffu : (1u << pack.size()) - 1);
    at16(b, 144, scaled(pack.mosfet_celsius, 10));
    at32(b, 150, scaled(pack.voltage(), 1000));
    at32(b, 154, scaled(std::abs(pack.voltage() * pack.amperes()), 1000));
    at32(b, 158, scaled(pack.amperes(), 1000));
    at16(b, 162, scaled(pack.celsius[0], 10));
    at16(b, 164, scaled(pack.celsius[1], 10));
    at32(b, 166, alarm_word(pack, kBits));
    b[172] = pack.balance_mask() != 0 ? 1 : 0;
    b[173] = static_cast<std::uint8_t>(scaled(pack.soc_pct(), 1));
    at32(b, 174, scaled(pack.remaining_ah(), 1000));
    at32(b, 178, scaled(pack.capacity_ah(), 1000));
    at32(b, 182, pack.cycles);
    b[190] = static_cast<std::uint8_t>(scaled(pack.soh_pct, 1));
    b[198] = pack.charge_allowed;
    b[199] = pack.discharge_allowed;
    b[214] = 0x07;
    b[215] = pack.heating;
}

void fill_settings(Buffer& b, unsigned unit, const Pack& pack) {
    at32(b, 10, 2500);
    at32(b, 18, 3650);
    at32(b, 38, 3450);
    at32(b, 50, 100'000);
    at32(b, 62, 150'000);
    at32(b, 114, static_cast<std::uint32_t>(pack.size()));
    at32(b, 118, pack.charge_allowed ? 1 : 0);
    at32(b, 122, pack.discharge_allowed ? 1 : 0);
    at32(b, 126, pack.balancer_on ? 1 : 0);
    at32(b, 130, scaled(pack.capacity_ah(), 1000));
    at32(b, 270, unit);
}

std::optional<Response> respond_pb(Bytes heard, unsigned unit, Pack& pack) {
    if (heard.size() < 11 || heard[0] != unit || heard[1] != 0x10) {
        return std::nullopt;
    }
    const std::size_t total = 9u + heard[6];
    if (heard.size() < total
        || wire::Crc16Modbus::of(heard.first(total - 2)) != wire::le16(heard, total - 2)) {
        return std::nullopt;
    }
    const auto reg = wire::be16(heard, 2);
    Buffer out;
    if (reg == 0x161c || reg == 0x161e || reg == 0x1620) {
        out.assign(300, 0);
        at_text(out, 0, "\x55\xaa\xeb\x90");
        out[4] = reg == 0x161e ? 1 : reg == 0x1620 ? 2 : 3;
        if (reg == 0x1620) {
            fill_status(out, pack);
        } else if (reg == 0x161e) {
            fill_settings(out, unit, pack);
        } else {
            at_text(out, 6, "JK_PB2A16S20P");
            at_text(out, 22, "15A");
            at_text(out, 30, "15.41");
            at_text(out, 46, "sim");
            at_text(out, 86, "40000000001");
        }
        out[299] = wire::sum8(Bytes(out).first(299));
    } else if (total == 13) {
        const bool on = heard[10] != 0;
        (reg == 0x1070   ? pack.charge_allowed
         : reg == 0x1074 ? pack.discharge_allowed
                         : pack.balancer_on) = on;
    }
    Buffer ack(heard.begin(), heard.begin() + 6);
    put_crc(ack);
    wire::put(out, ack);
    return Response{total, out};
}

const Registration kTtl{
    {.family = "jk_ttl", .baud = 115200, .latency = milliseconds(70), .respond = respond_ttl}};
const Registration kPb{
    {.family = "jk_pb", .baud = 115200, .unit = 1, .latency = milliseconds(10), .respond = respond_pb}};

}  // namespace
}  // namespace bms::sim
