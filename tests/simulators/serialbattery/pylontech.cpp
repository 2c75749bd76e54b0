#include "hex_ascii_slave.hpp"

namespace bms::sim {
namespace {

Buffer analog(const Pack& pack, unsigned unit) {
    Buffer d;
    wire::put8(d, 0);
    wire::put8(d, unit);
    wire::put8(d, static_cast<unsigned>(pack.size()));
    for (std::size_t i = 0; i < pack.size(); ++i) {
        wire::put_be16(d, pack.millivolts(i));
    }
    wire::put8(d, 5);
    wire::put_be16(d, scaled(pack.mosfet_celsius, 10, 2731));
    for (const double celsius : pack.celsius) {
        wire::put_be16(d, scaled(celsius, 10, 2731));
    }
    wire::put_be16(d, scaled(pack.amperes(), 10) & 0xffff);
    wire::put_be16(d, scaled(pack.voltage(), 1000));
    wire::put_be16(d, 0xffff);
    wire::put8(d, 4);
    wire::put_be16(d, 0xffff);
    wire::put_be16(d, pack.cycles);
    for (const double ampere_hours : {pack.remaining_ah(), pack.capacity_ah()}) {
        const unsigned raw = scaled(ampere_hours, 1000);
        wire::put8(d, raw >> 16);
        wire::put_be16(d, raw & 0xffff);
    }
    return d;
}

Buffer alarms(const Pack& pack, unsigned unit) {
    constexpr std::array kBits{
        AlarmBit{Alarm::high_voltage, 0},        AlarmBit{Alarm::low_cell_voltage, 1},
        AlarmBit{Alarm::high_charge_current, 2}, AlarmBit{Alarm::high_discharge_current, 4},
        AlarmBit{Alarm::high_temperature, 5},    AlarmBit{Alarm::high_charge_temperature, 6},
        AlarmBit{Alarm::low_voltage, 7}};
    Buffer d{0, static_cast<std::uint8_t>(unit), static_cast<std::uint8_t>(pack.size())};
    for (std::size_t i = 0; i < pack.size(); ++i) {
        wire::put8(d, i != 2 ? 0 : pack.alarm(Alarm::high_cell_voltage) ? 2 : 0);
    }
    wire::put8(d, 5);
    const bool cold = pack.alarm(Alarm::low_temperature) || pack.alarm(Alarm::low_charge_temperature);
    for (int i = 0; i < 5; ++i) {
        wire::put8(d, cold && i > 0 ? 1 : 0);
    }
    d.insert(d.end(), {0, 0, 0});
    wire::put8(d, alarm_word(pack, kBits));
    wire::put8(d, (pack.charge_allowed ? 2u : 0u) | (pack.discharge_allowed ? 4u : 0u));
    wire::put8(d, (pack.heating ? 0x20u : 0u) | (pack.amperes() < -0.1 ? 0x40u : 0u)
                      | (pack.amperes() > 0.1 ? 0x80u : 0u));
    wire::put8(d, pack.alarm(Alarm::internal_failure) ? 1 : 0);
    wire::put8(d, 0);
    return d;
}

Buffer management(const Pack& pack, unsigned unit) {
    Buffer d;
    wire::put8(d, unit);
    wire::put_be16(d, scaled(3.55 * static_cast<double>(pack.size()), 1000));
    wire::put_be16(d, scaled(2.9 * static_cast<double>(pack.size()), 1000));
    wire::put_be16(d, 740);
    wire::put_be16(d, 0x10000 - 740);
    wire::put8(d, (pack.charge_allowed ? 0x80u : 0u) | (pack.discharge_allowed ? 0x40u : 0u));
    return d;
}

Buffer parameters(const Pack& pack) {
    const auto cells = static_cast<unsigned>(pack.size());
    Buffer d{0};
    for (const unsigned word : {3700u, 3050u, 2900u, 2731u + 500, 2731u, 1020u, 3600 * cells, 2967 * cells,
                                2900 * cells, 2731u + 550, 2731u - 100, 0x10000u - 1000}) {
        wire::put_be16(d, word);
    }
    return d;
}

std::optional<Response> respond(Bytes heard, unsigned unit, Pack& pack) {
    const auto request = heard_hex(heard);
    if (!request || request->address != unit || request->device_class != 0x46) {
        return std::nullopt;
    }
    Buffer info;
    unsigned code = 0;
    switch (request->command) {
        case 0x42:
            info = analog(pack, unit);
            break;
        case 0x44:
            info = alarms(pack, unit);
            break;
        case 0x47:
            info = parameters(pack);
            break;
        case 0x51:
            put_text(info, "US2000SIM", 10);
            info.insert(info.end(), {2, 8});
            put_text(info, "Pylon", 20);
            break;
        case 0x92:
            info = management(pack, unit);
            break;
        case 0x93:
            wire::put8(info, unit);
            put_text(info, "SIMPYL0000000001", 16);
            break;
        default:
            code = 0x04;
    }
    auto answering = *request;
    answering.version = 0x20;
    return Response{request->consumed, hex_answer(answering, code, info)};
}

const Registration kRegistered{{.family = "pylontech",
                                .baud = 115200,
                                .unit = 2,
                                .latency = milliseconds(40),
                                .cells = 15,
                                .respond = respond}};

}  // namespace
}  // namespace bms::sim
