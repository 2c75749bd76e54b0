#include "hex_ascii_slave.hpp"

namespace bms::sim {
namespace {

constexpr unsigned kModules = 0xb0;

unsigned tenths(double celsius) {
    return scaled(celsius, 10) & 0xffff;
}

Buffer live(const Pack& pack) {
    constexpr std::array kVoltage{AlarmBit{Alarm::high_cell_voltage, 0}, AlarmBit{Alarm::low_cell_voltage, 1},
                                  AlarmBit{Alarm::high_voltage, 2}, AlarmBit{Alarm::low_voltage, 3},
                                  AlarmBit{Alarm::fuse_blown, 13}};
    constexpr std::array kCurrent{AlarmBit{Alarm::high_charge_current, 2},
                                  AlarmBit{Alarm::high_discharge_current, 4}};
    constexpr std::array kTemperature{
        AlarmBit{Alarm::high_charge_temperature, 0}, AlarmBit{Alarm::low_charge_temperature, 1},
        AlarmBit{Alarm::high_temperature, 2}, AlarmBit{Alarm::low_temperature, 3},
        AlarmBit{Alarm::high_internal_temperature, 6}};
    constexpr std::array kOthers{AlarmBit{Alarm::low_soc, 7}, AlarmBit{Alarm::internal_failure, 11}};
    Buffer info{0};
    wire::put_be16(info, scaled(pack.soc_pct(), 100));
    wire::put_be16(info, scaled(pack.voltage(), 100));
    wire::put8(info, static_cast<unsigned>(pack.size()));
    for (std::size_t i = 0; i < pack.size(); ++i) {
        wire::put_be16(info, pack.millivolts(i));
    }
    wire::put_be16(info, tenths(pack.celsius[0] + 1));
    wire::put_be16(info, tenths(pack.celsius[0]));
    wire::put_be16(info, tenths(pack.mosfet_celsius));
    wire::put8(info, static_cast<unsigned>(pack.celsius.size()));
    for (const double celsius : pack.celsius) {
        wire::put_be16(info, tenths(celsius));
    }
    wire::put_be16(info, scaled(pack.amperes(), 100) & 0xffff);
    wire::put_be16(info, 0);
    wire::put_be16(info, scaled(pack.soh_pct, 1));
    wire::put8(info, 1);
    wire::put_be16(info, scaled(pack.capacity_ah(), 100));
    wire::put_be16(info, scaled(pack.remaining_ah(), 100));
    wire::put_be16(info, pack.cycles);
    wire::put_be16(info, alarm_word(pack, kVoltage));
    wire::put_be16(
        info, alarm_word(pack, kCurrent) | (pack.amperes() > 0 ? 1u : 0u) | (pack.amperes() < 0 ? 2u : 0u));
    wire::put_be16(info, alarm_word(pack, kTemperature));
    wire::put_be16(info, alarm_word(pack, kOthers) | 0x60);  // LED and buzzer are enabled
    wire::put_be16(info, (pack.discharge_allowed ? 1u : 0u) | (pack.charge_allowed ? 2u : 0u) | 0x20);
    info.insert(info.end(), 8, 0);
    wire::put_be16(info, pack.balance_mask() & 0xffff);
    info.insert(info.end(), 2 + 8 + 3, 0);
    return info;
}

Buffer parameters(const Pack& pack) {
    Buffer info{0};
    for (const unsigned word :
         {3650u, 2500u, 115u, 45u, 12000u, 3650u, 2500u, static_cast<unsigned>(pack.size()), 12000u,
          scaled(pack.capacity_ah(), 100), 1440u, 0u}) {
        wire::put_be16(info, word);
    }
    info.insert(info.end(), 20, 0xff);
    put_text(info, "DJM0000000001", 20, ' ');
    return info;
}

Buffer manufacturer() {
    Buffer info;
    put_text(info, "T1_G", 10, ' ');
    put_text(info, "SIM04", 10, ' ');
    put_text(info, "16S100A", 10, ' ');
    info.insert(info.end(), {1, 0, 2, 1, 1});
    return info;
}

Buffer module(const Pack& pack, const Buffer& asked) {
    Buffer info{kModules, asked[0], asked[1], asked[2], asked[3], 0};
    if (asked[2] == 3) {
        info.back() = 113;
        for (const auto* text : {"SIM22000000001", "SIMPRODUCT", "SIMBMS"}) {
            put_text(info, text, 30, '\xff');
        }
        info.insert(info.end(), {22, 5, 18});
        put_text(info, "SIMULATED", 20, '\xff');
        return info;
    }
    for (const double ampere_hours : {pack.remaining_ah(), pack.capacity_ah(), pack.capacity_ah()}) {
        wire::put_be16(info, scaled(ampere_hours, 100));
    }
    wire::put_be32(info, 15239);
    wire::put_be32(info, 14032);
    wire::put_be16(info, 17633);
    wire::put_be16(info, 14787);
    return info;
}

std::optional<Buffer> info_for(const HexRequest& request, const Pack& pack) {
    switch (request.command) {
        case 0x42:
            return live(pack);
        case 0x47:
            return parameters(pack);
        case 0x51:
            return manufacturer();
        case kModules: {
            const bool known = request.info.size() == 5 && request.info[1] == 1
                               && (request.info[2] == 3 || request.info[2] == 4);
            return known ? std::optional(module(pack, request.info)) : std::nullopt;
        }
        default:
            return std::nullopt;
    }
}

std::optional<Response> respond(Bytes heard, unsigned unit, Pack& pack) {
    const auto request = heard_hex(heard);
    if (!request || request->version != 0x22 || request->device_class != 0x4a || request->address != unit) {
        return std::nullopt;
    }
    const auto info = info_for(*request, pack);
    return Response{request->consumed, hex_answer(*request, info ? 0 : 4, info.value_or(Buffer{}))};
}

/// Another start character, another class for all but the modules, no group, and fewer numbers.
std::optional<Response> respond_ks48100(Bytes heard, unsigned unit, Pack& pack) {
    const auto request = heard_hex(heard, '>');
    if (!request || request->version != 0x22 || request->address != unit
        || request->device_class != (request->command == kModules ? 0x4a : 0x42)
        || (request->command == 0x42 && !request->info.empty())) {
        return std::nullopt;
    }
    auto info = info_for(*request, pack);
    if (info && request->command == kModules && request->info[2] == 3) {
        info->resize(6 + 86);
        (*info)[5] = 86;
    }
    return Response{request->consumed, hex_answer(*request, info ? 0 : 4, info.value_or(Buffer{}), '>')};
}

const Registration kDaren{
    {.family = "daren", .baud = 19200, .unit = 1, .latency = milliseconds(200), .respond = respond}};
const Registration kKs48100{
    {.family = "ks48100", .unit = 1, .latency = milliseconds(150), .respond = respond_ks48100}};

}  // namespace
}  // namespace bms::sim
