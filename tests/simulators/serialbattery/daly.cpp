#include "modbus_slave.hpp"

namespace bms::sim {
namespace {

// --------------------------------------------------------------------------------------------- A5

void put_frame(Buffer& out, unsigned board, unsigned id, const std::array<std::uint8_t, 8>& data) {
    const auto start = out.size();
    out.insert(out.end(), {0xa5, static_cast<std::uint8_t>(board), static_cast<std::uint8_t>(id), 8});
    wire::put(out, data);
    out.push_back(wire::sum8(Bytes(out).subspan(start)));
}
std::uint8_t high(unsigned word) {
    return static_cast<std::uint8_t>(word >> 8);
}
std::uint8_t low(unsigned word) {
    return static_cast<std::uint8_t>(word);
}

void put_cells(Buffer& out, unsigned board, const Pack& pack, bool all_slots) {
    const std::size_t frames = all_slots ? 16 : (pack.size() + 2) / 3;
    for (std::size_t f = 0; f < frames; ++f) {
        std::array<std::uint8_t, 8> data{static_cast<std::uint8_t>(f + 1)};
        for (std::size_t i = 0; i < 3; ++i) {
            data[1 + 2 * i] = high(pack.millivolts(3 * f + i));
            data[2 + 2 * i] = low(pack.millivolts(3 * f + i));
        }
        put_frame(out, board, 0x95, data);
    }
}

/// The battery code, padded with blanks.
void put_code(Buffer& out, unsigned board) {
    auto code = "SIM-DALY-" + std::to_string(board);
    code.resize(35, ' ');
    for (std::size_t f = 0; f < 5; ++f) {
        std::array<std::uint8_t, 8> data{static_cast<std::uint8_t>(f + 1)};
        std::copy_n(code.begin() + static_cast<std::ptrdiff_t>(7 * f), 7, data.begin() + 1);
        put_frame(out, board, 0x57, data);
    }
}

std::array<std::uint8_t, 8> alarm_bytes(const Pack& pack) {
    constexpr std::array kBits{AlarmBit{Alarm::high_cell_voltage, 1},
                               AlarmBit{Alarm::low_cell_voltage, 3},
                               AlarmBit{Alarm::high_voltage, 5},
                               AlarmBit{Alarm::low_voltage, 7},
                               AlarmBit{Alarm::high_charge_temperature, 9},
                               AlarmBit{Alarm::low_charge_temperature, 11},
                               AlarmBit{Alarm::high_temperature, 13},
                               AlarmBit{Alarm::low_temperature, 15},
                               AlarmBit{Alarm::high_charge_current, 17},
                               AlarmBit{Alarm::high_discharge_current, 19},
                               AlarmBit{Alarm::low_soc, 23},
                               AlarmBit{Alarm::cell_imbalance, 25}};
    const auto word = alarm_word(pack, kBits);
    return {low(word), low(word >> 8), low(word >> 16), low(word >> 24), 0, 0, 0, 0};
}

std::optional<Response> respond_a5(Bytes heard, unsigned unit, Pack& pack) {
    if (heard.size() < 13 || heard[0] != 0xa5 || heard[3] != 8 || wire::sum8(heard.first(12)) != heard[12]) {
        return std::nullopt;
    }
    const bool bluetooth = heard[1] == 0x80 && unit == 0x40;
    if (heard[1] != unit && !bluetooth) {
        return std::nullopt;
    }
    const unsigned board = unit - 0x40 + 1;
    const auto id = heard[2];
    Buffer out;
    const auto volts = scaled(pack.voltage(), 10);
    const auto current = scaled(-pack.amperes(), 10, 30000);
    const auto soc = scaled(pack.soc_pct(), 10);
    const auto mah = scaled(pack.remaining_ah(), 1000);
    const auto rated = scaled(pack.capacity_ah(), 1000);
    switch (id) {
        case 0x90:
            put_frame(out, board, id,
                      {high(volts), low(volts), 0, 0, high(current), low(current), high(soc), low(soc)});
            break;
        case 0x93:
            put_frame(out, board, id,
                      {static_cast<std::uint8_t>(pack.amperes() > 0 ? 1 : 2), pack.charge_allowed,
                       pack.discharge_allowed, 9, low(mah >> 24), low(mah >> 16), low(mah >> 8), low(mah)});
            break;
        case 0x94:
            put_frame(out, board, id,
                      {low(static_cast<unsigned>(pack.size())), 2, 0, 0, 0, high(pack.cycles),
                       low(pack.cycles), 0x20});
            break;
        case 0x95:
            put_cells(out, board, pack, bluetooth);
            break;
        case 0x96:
            put_frame(out, board, id,
                      {1, low(scaled(pack.celsius[0], 1, 40)), low(scaled(pack.celsius[1], 1, 40)), 0, 0,
                       0xff, 0xff, 0xff});
            break;
        case 0x97: {
            const auto mask = pack.balance_mask();
            put_frame(out, board, id,
                      {low(mask), low(mask >> 8), low(mask >> 16), low(mask >> 24), 0, 0, 0, 0});
            break;
        }
        case 0x98:
            put_frame(out, board, id, alarm_bytes(pack));
            break;
        case 0x50:
            put_frame(out, board, id,
                      {low(rated >> 24), low(rated >> 16), low(rated >> 8), low(rated), 0, 0, 0x0c, 0x80});
            break;
        case 0x53:
            put_frame(out, board, id, {0, 0, 23, 5, 17, 0, 0, 0});
            break;
        case 0x57:
            put_code(out, board);
            break;
        case 0xda:
            pack.charge_allowed = heard[4] != 0;
            put_frame(out, board, id, {heard[4], 0, 0, 0, 0, 0, 0, 0});
            break;
        case 0xd9:
            pack.discharge_allowed = heard[4] != 0;
            put_frame(out, board, id, {heard[4], 0, 0, 0, 0, 0, 0, 0});
            break;
        case 0x21:
            pack.set_soc(wire::be16(heard, 10) / 10.0);
            put_frame(out, board, id, {1, 0, 0, 0, 0, 0, 0, 0});
            break;
        default:
            break;
    }
    return Response{13, out};
}

// ----------------------------------------------------------------------------------------- Modbus

/// By the addresses of D2.
void set_settings(Registers& r, unsigned offset, unsigned words, const Pack& pack) {
    for (unsigned i = 0x80; i < 0x80 + words; ++i) {
        r.set(offset + i, 0);
    }
    r.set(offset + 0x80, scaled(pack.capacity_ah(), 10));
    r.set(offset + 0x8c, 3650);
    r.set(offset + 0x8e, 2500);
    r.set(offset + 0x94, 30000 + 1000);
    r.set(offset + 0x96, 30000 - 1500);
    r.set(offset + 0xa5, pack.charge_allowed ? 1 : 0);
    r.set(offset + 0xa6, pack.discharge_allowed ? 1 : 0);
    r.set(offset + 0xcf, pack.balancer_on ? 1 : 0);
}

Registers registers_d2(const Pack& pack) {
    Registers r;
    for (unsigned i = 0; i < 0x50; ++i) {
        r.set(i, 0);
    }
    for (unsigned i = 0; i < 32; ++i) {
        r.set(i, pack.millivolts(i));
    }
    for (unsigned i = 0; i < 4; ++i) {
        r.set(0x20 + i, scaled(pack.celsius[i], 1, 40));
    }
    r.set(0x28, scaled(pack.voltage(), 10));
    r.set(0x29, scaled(pack.amperes(), 10, 30000));
    r.set(0x2a, scaled(pack.soc_pct(), 10));
    r.set(0x30, scaled(pack.remaining_ah(), 10));
    r.set(0x31, static_cast<unsigned>(pack.size()));
    r.set(0x32, 4);
    r.set(0x33, pack.cycles);
    r.set(0x34, pack.balance_mask() != 0 ? 1 : 0);
    r.set(0x35, pack.charge_allowed ? 1 : 0);
    r.set(0x36, pack.discharge_allowed ? 1 : 0);
    r.set(0x3a, pack.alarm(Alarm::internal_failure) ? 1 : 0);
    r.set(0x42, scaled(pack.mosfet_celsius, 1, 40));
    set_settings(r, 0, 41, pack);
    return r;
}

Registers registers_p81(const Pack& pack) {
    Registers r;
    for (unsigned i = 0; i < 0x80; ++i) {
        r.set(i, 0);
    }
    for (unsigned i = 0; i < 48; ++i) {
        r.set(i, pack.millivolts(i));
    }
    for (unsigned i = 0; i < 4; ++i) {
        r.set(0x30 + i, scaled(pack.celsius[i], 1, 40));
    }
    r.set(0x38, scaled(pack.voltage(), 10));
    r.set(0x39, scaled(pack.amperes(), 10, 30000));
    r.set(0x3a, scaled(pack.soc_pct(), 10));
    r.set(0x3c, static_cast<unsigned>(pack.size()));
    r.set(0x3d, 4);
    r.set(0x4b, scaled(pack.remaining_ah(), 10));
    r.set(0x4c, pack.cycles);
    r.set(0x52, pack.charge_allowed ? 1 : 0);
    r.set(0x53, pack.discharge_allowed ? 1 : 0);
    r.set(0x6d, pack.alarm(Alarm::internal_failure) ? 1 : 0);
    r.set(0x5a, scaled(pack.mosfet_celsius, 1, 40));
    set_settings(r, 0x80, 81, pack);
    return r;
}

std::optional<Response> respond_modbus(Bytes heard, unsigned unit, unsigned unit_of_reply, unsigned settings,
                                       const Registers& registers, Pack& pack) {
    if (const auto write = heard_write(heard, unit)) {
        switch (write->reg - settings) {
            case 0x25:
                pack.charge_allowed = write->value != 0;
                break;
            case 0x26:
                pack.discharge_allowed = write->value != 0;
                break;
            case 0x27:
                pack.set_soc(write->value / 10.0);
                break;
            case 0x4f:
                pack.balancer_on = write->value != 0;
                break;
            default:
                break;
        }
        Buffer out(heard.begin(), heard.begin() + 6);
        out[0] = static_cast<std::uint8_t>(unit_of_reply);
        put_crc(out);
        return Response{8, out};
    }
    return answer_read(heard, unit, unit_of_reply, registers);
}
std::optional<Response> respond_d2(Bytes heard, unsigned, Pack& pack) {
    return respond_modbus(heard, 0xd2, 0xd2, 0x80, registers_d2(pack), pack);
}
std::optional<Response> respond_p81(Bytes heard, unsigned, Pack& pack) {
    return respond_modbus(heard, 0x81, 0x51, 0x100, registers_p81(pack), pack);
}

const Registration kA5{{.family = "daly", .unit = 0x40, .latency = milliseconds(60), .respond = respond_a5}};
const Registration kD2{{.family = "daly_d2", .latency = milliseconds(60), .respond = respond_d2}};
const Registration kP81{{.family = "daly_p81", .latency = milliseconds(60), .respond = respond_p81}};

}  // namespace
}  // namespace bms::sim
