#include "hex_ascii_slave.hpp"

namespace bms::sim {
namespace {

unsigned decikelvin(double celsius) {
    return scaled(celsius, 10, 2730);
}

Buffer analog(const Pack& pack, unsigned second) {
    Buffer info{0, static_cast<std::uint8_t>(second), static_cast<std::uint8_t>(pack.size())};
    for (std::size_t i = 0; i < pack.size(); ++i) {
        wire::put_be16(info, pack.millivolts(i));
    }
    wire::put8(info, 6);
    for (const double celsius : pack.celsius) {
        wire::put_be16(info, decikelvin(celsius));
    }
    wire::put_be16(info, decikelvin(pack.mosfet_celsius));
    wire::put_be16(info, decikelvin(pack.celsius[0] + 1));
    wire::put_be16(info, scaled(pack.amperes(), 100) & 0xffff);
    wire::put_be16(info, scaled(pack.voltage(), 1000));
    wire::put_be16(info, scaled(pack.remaining_ah(), 100));
    wire::put8(info, 3);
    wire::put_be16(info, scaled(pack.capacity_ah(), 100));
    wire::put_be16(info, pack.cycles);
    wire::put_be16(info, scaled(pack.capacity_ah(), 100));
    return info;
}

unsigned instruction(const Pack& pack) {
    return (pack.charge_allowed ? 2u : 0u) | (pack.discharge_allowed ? 4u : 0u)
           | (pack.amperes() < 0 ? 8u : 0u) | (pack.amperes() > 0 ? 32u : 0u);
}

Buffer warnings(const Pack& pack, unsigned second) {
    constexpr std::array kFirst{
        AlarmBit{Alarm::high_cell_voltage, 0},   AlarmBit{Alarm::low_cell_voltage, 1},
        AlarmBit{Alarm::high_voltage, 2},        AlarmBit{Alarm::low_voltage, 3},
        AlarmBit{Alarm::high_charge_current, 4}, AlarmBit{Alarm::high_discharge_current, 5}};
    constexpr std::array kProtect2{
        AlarmBit{Alarm::high_charge_temperature, 0}, AlarmBit{Alarm::high_temperature, 1},
        AlarmBit{Alarm::low_charge_temperature, 2}, AlarmBit{Alarm::low_temperature, 3},
        AlarmBit{Alarm::high_internal_temperature, 4}};
    constexpr std::array kWarn2{
        AlarmBit{Alarm::high_charge_temperature, 0},   AlarmBit{Alarm::high_temperature, 1},
        AlarmBit{Alarm::low_charge_temperature, 2},    AlarmBit{Alarm::low_temperature, 3},
        AlarmBit{Alarm::high_internal_temperature, 6}, AlarmBit{Alarm::low_soc, 7}};
    Buffer info{0, static_cast<std::uint8_t>(second), static_cast<std::uint8_t>(pack.size())};
    info.insert(info.end(), pack.size(), 0);
    wire::put8(info, 6);
    info.insert(info.end(), 6 + 3, 0);
    wire::put8(info, alarm_word(pack, kFirst));
    wire::put8(info, alarm_word(pack, kProtect2));
    wire::put8(info, instruction(pack));
    wire::put8(info, 0);
    wire::put8(info, pack.alarm(Alarm::internal_failure) ? 0x04 : 0);
    wire::put8(info, pack.balance_mask() & 0xff);
    wire::put8(info, pack.balance_mask() >> 8 & 0xff);
    wire::put8(info, warning_word(pack, kFirst));
    wire::put8(info, warning_word(pack, kWarn2));
    return info;
}

Buffer millivolt_limit(unsigned alarm, unsigned protect, unsigned release) {
    Buffer info{1};
    wire::put_be16(info, alarm);
    wire::put_be16(info, protect);
    wire::put_be16(info, release);
    wire::put8(info, 10);
    return info;
}
Buffer ampere_limit(int alarm, int protect) {
    Buffer info{1};
    wire::put_be16(info, static_cast<unsigned>(alarm) & 0xffff);
    wire::put_be16(info, static_cast<unsigned>(protect) & 0xffff);
    wire::put8(info, 10);
    return info;
}

/// A FET command: 0 conducts, 1 blocks. The answer shows the instruction byte.
std::optional<Buffer> switch_fet(const HexRequest& request, bool& allowed, const Pack& pack) {
    if (request.info.size() != 1 || request.info[0] > 1) {
        return std::nullopt;
    }
    allowed = request.info[0] == 0;
    return Buffer{static_cast<std::uint8_t>(instruction(pack))};
}

std::optional<Buffer> info_for(const HexRequest& request, Pack& pack) {
    Buffer text;
    switch (request.command) {
        case 0x42:
            return analog(pack, 1);
        case 0x44:
            return warnings(pack, 1);
        case 0x9a:
            return switch_fet(request, pack.charge_allowed, pack);
        case 0x9b:
            return switch_fet(request, pack.discharge_allowed, pack);
        case 0xc1:
            put_text(text, "P16S100A-1812-1.00", 20, ' ');
            return text;
        case 0xc2:
            put_text(text, "SIM25000000001", 40, ' ');
            return text;
        case 0xd1:
            return millivolt_limit(3600, 3700, 3380);
        case 0xd3:
            return millivolt_limit(2800, 2500, 2900);
        case 0xd9:
            return ampere_limit(105, 110);
        case 0xdb:
            return ampere_limit(-105, -110);
        default:
            return std::nullopt;
    }
}

std::optional<Response> respond(Bytes heard, unsigned unit, Pack& pack) {
    const auto request = heard_hex(heard);
    if (!request || request->version != 0x25 || request->device_class != 0x46 || request->address != unit) {
        return std::nullopt;
    }
    const auto info = info_for(*request, pack);
    return Response{request->consumed, hex_answer(*request, info ? 0 : 4, info.value_or(Buffer{}))};
}

const Registration kRegistered{{.family = "pace", .latency = milliseconds(120), .respond = respond}};

}  // namespace
}  // namespace bms::sim
