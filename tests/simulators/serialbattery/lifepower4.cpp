#include "hex_ascii_slave.hpp"

namespace bms::sim {
namespace {

unsigned decikelvin(double celsius) {
    return scaled(celsius, 10, 2731);
}

/// Flags, group and the count of cells.
Buffer head(const Pack& pack) {
    return {1, 1, static_cast<std::uint8_t>(pack.size())};
}

Buffer analog(const Pack& pack) {
    Buffer info = head(pack);
    unsigned highest = 0;
    unsigned lowest = 0xffff;
    for (std::size_t i = 0; i < pack.size(); ++i) {
        highest = std::max(highest, pack.millivolts(i));
        lowest = std::min(lowest, pack.millivolts(i));
        wire::put_be16(info, pack.millivolts(i));
    }
    wire::put8(info, static_cast<unsigned>(pack.celsius.size()));
    for (const double celsius : pack.celsius) {
        wire::put_be16(info, decikelvin(celsius));
    }
    wire::put_be16(info, decikelvin(pack.celsius[0] + 1));
    wire::put_be16(info, decikelvin(pack.mosfet_celsius));
    wire::put_be16(info, scaled(pack.amperes(), 100) & 0xffff);
    wire::put_be16(info, scaled(pack.voltage(), 100));
    wire::put_be16(info, scaled(pack.remaining_ah(), 100));
    wire::put_be16(info, scaled(pack.capacity_ah(), 100));
    wire::put_be16(info, pack.cycles);
    wire::put8(info, 15);
    wire::put_be16(info, scaled(pack.soc_pct(), 1));
    wire::put_be16(info, scaled(pack.soh_pct, 1));
    wire::put_be16(info, highest);
    wire::put_be16(info, lowest);
    wire::put_be16(info, highest - lowest);
    wire::put_be16(info, decikelvin(*std::max_element(pack.celsius.begin(), pack.celsius.end())));
    wire::put_be16(info, decikelvin(*std::min_element(pack.celsius.begin(), pack.celsius.end())));
    for (const unsigned total : {711360u, 676949u, 382067u, 356518u, 1664u, 1226u}) {
        wire::put_be32(info, total);
    }
    wire::put_be16(info, 22153);
    wire::put_be16(info, 32292);
    return info;
}

/// Alarms of warning and alarm level, two bits each.
template <std::size_t count>
unsigned pairs(const Pack& pack, const std::array<AlarmBit, count>& warnings) {
    auto protections = warnings;
    for (auto& bit : protections) {
        ++bit.bit;
    }
    return warning_word(pack, warnings) | alarm_word(pack, protections);
}

Buffer status(const Pack& pack) {
    constexpr std::array kVoltage{AlarmBit{Alarm::high_cell_voltage, 0}, AlarmBit{Alarm::low_cell_voltage, 2},
                                  AlarmBit{Alarm::high_voltage, 4}, AlarmBit{Alarm::low_voltage, 6}};
    constexpr std::array kTemperature{
        AlarmBit{Alarm::high_charge_temperature, 0}, AlarmBit{Alarm::low_charge_temperature, 2},
        AlarmBit{Alarm::high_temperature, 4}, AlarmBit{Alarm::low_temperature, 6}};
    constexpr std::array kCurrent{AlarmBit{Alarm::high_charge_current, 0},
                                  AlarmBit{Alarm::high_discharge_current, 2}};
    Buffer info = head(pack);
    info.insert(info.end(), pack.size(), 0);
    wire::put8(info, static_cast<unsigned>(pack.celsius.size()));
    info.insert(info.end(), pack.celsius.size() + 2 + 2, 0);
    wire::put8(info, 9);
    wire::put8(info, (pack.balance_mask() != 0 ? 0x01u : 0u)
                         | (pack.alarm(Alarm::cell_imbalance, Level::warning) ? 0x10u : 0u)
                         | (pack.alarm(Alarm::internal_failure) ? 0x20u : 0u));
    wire::put8(info, pairs(pack, kVoltage));
    wire::put_be16(info,
                   pairs(pack, kTemperature) | (pack.alarm(Alarm::high_internal_temperature) ? 0x1000u : 0u));
    wire::put8(info, pairs(pack, kCurrent));
    wire::put8(info, pack.alarm(Alarm::low_soc, Level::warning) ? 1 : 0);
    wire::put8(info, (pack.discharge_allowed ? 1u : 0u) | (pack.charge_allowed ? 2u : 0u)
                         | (pack.heating ? 8u : 0u));
    wire::put8(info, (pack.amperes() < 0 ? 1u : 0u) | (pack.amperes() > 0 ? 2u : 0u));
    wire::put_be32(info, pack.balance_mask());
    wire::put8(info, 0);
    return info;
}

std::optional<Response> respond(Bytes heard, unsigned unit, Pack& pack) {
    const auto request = heard_hex(heard);
    if (!request || request->version != 0x20 || request->device_class != 0x4a || request->address != unit) {
        return std::nullopt;
    }
    Buffer info;
    unsigned code = 0;
    if (request->command == 0x42) {
        info = analog(pack);
    } else if (request->command == 0x44) {
        info = status(pack);
    } else {
        code = 4;
    }
    return Response{request->consumed, hex_answer(*request, code, info)};
}

const Registration kRegistered{
    {.family = "lifepower4", .unit = 1, .latency = milliseconds(130), .respond = respond}};

}  // namespace
}  // namespace bms::sim
