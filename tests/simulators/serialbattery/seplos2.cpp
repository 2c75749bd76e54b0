#include "hex_ascii_slave.hpp"

namespace bms::sim {
namespace {

constexpr double kZero = 2731;

Buffer seplos_telemetry(const Pack& pack, unsigned group) {
    Buffer info{0, static_cast<std::uint8_t>(group), static_cast<std::uint8_t>(pack.size())};
    for (std::size_t i = 0; i < pack.size(); ++i) {
        wire::put_be16(info, pack.millivolts(i));
    }
    wire::put8(info, 6);
    for (const double celsius : pack.celsius) {
        wire::put_be16(info, scaled(celsius, 10, kZero));
    }
    wire::put_be16(info, scaled(pack.celsius[0] + 1, 10, kZero));
    wire::put_be16(info, scaled(pack.mosfet_celsius, 10, kZero));
    wire::put_be16(info, scaled(pack.amperes(), 100) & 0xffff);
    wire::put_be16(info, scaled(pack.voltage(), 100));
    wire::put_be16(info, scaled(pack.remaining_ah(), 100));
    wire::put8(info, 10);
    wire::put_be16(info, scaled(pack.capacity_ah(), 100));
    wire::put_be16(info, scaled(pack.soc_pct(), 10));
    wire::put_be16(info, scaled(pack.capacity_ah(), 100));
    wire::put_be16(info, pack.cycles);
    wire::put_be16(info, scaled(pack.soh_pct, 10));
    wire::put_be16(info, scaled(pack.voltage(), 100));
    info.insert(info.end(), 8, 0);
    return info;
}

/// Alarm and protection of one cause are two neighbouring bits.
struct Cause {
    Alarm alarm;
    std::size_t event;  ///< 1 to 6
    unsigned bit;       ///< of the warning
};
constexpr std::array kCauses{Cause{Alarm::high_cell_voltage, 2, 0},
                             Cause{Alarm::low_cell_voltage, 2, 2},
                             Cause{Alarm::high_voltage, 2, 4},
                             Cause{Alarm::low_voltage, 2, 6},
                             Cause{Alarm::high_charge_temperature, 3, 0},
                             Cause{Alarm::low_charge_temperature, 3, 2},
                             Cause{Alarm::high_temperature, 3, 4},
                             Cause{Alarm::low_temperature, 3, 6},
                             Cause{Alarm::high_internal_temperature, 4, 4},
                             Cause{Alarm::high_charge_current, 5, 0},
                             Cause{Alarm::high_discharge_current, 5, 2},
                             Cause{Alarm::low_soc, 6, 2}};

Buffer seplos_alarms(const Pack& pack, unsigned group) {
    Buffer info{0, static_cast<std::uint8_t>(group), static_cast<std::uint8_t>(pack.size())};
    info.insert(info.end(), pack.size(), 0);
    wire::put8(info, 6);
    info.insert(info.end(), 6 + 2, 0);
    wire::put8(info, 20);
    std::array<unsigned, 7> events{};
    for (const auto& cause : kCauses) {
        events.at(cause.event) |= (pack.alarm(cause.alarm, Level::warning) ? 1u << cause.bit : 0u)
                                  | (pack.alarm(cause.alarm) ? 2u << cause.bit : 0u);
    }
    events[1] |=
        (pack.alarm(Alarm::internal_failure) ? 1u : 0u) | (pack.alarm(Alarm::cell_imbalance) ? 1u << 4 : 0u);
    for (std::size_t i = 1; i < events.size(); ++i) {
        wire::put8(info, events[i]);
    }
    wire::put8(info, (pack.discharge_allowed ? 1u : 0u) | (pack.charge_allowed ? 2u : 0u)
                         | (pack.heating ? 8u : 0u));
    wire::put_le16(info, pack.balance_mask());
    wire::put8(info, pack.amperes() < 0 ? 1 : pack.amperes() > 0 ? 2 : 16);
    info.insert(info.end(), 2 + 2 + 6, 0);
    return info;
}

Buffer seplos_settings(const Pack& pack) {
    std::array<unsigned, 60> words{};
    const auto set = [&words](std::size_t number, int value) {
        words.at(number - 1) = static_cast<unsigned>(value) & 0xffff;
    };
    set(5, 3650);
    set(7, 2600);
    set(15, 5840);
    set(17, 4160);
    set(55, 11000);
    set(56, -11000);
    set(59, static_cast<int>(scaled(pack.capacity_ah(), 100)));
    Buffer info{0, 60};
    for (const unsigned word : words) {
        wire::put_be16(info, word);
    }
    wire::put8(info, 27);
    for (unsigned i = 1; i <= 27; ++i) {
        wire::put8(info, i == 6 ? static_cast<unsigned>(pack.size()) : 0);
    }
    wire::put8(info, 8);
    info.insert(info.end(), 8, 0);
    put_text(info, "1101-SIM16", 10, ' ');
    return info;
}

std::optional<Buffer> seplos_info(const HexRequest& request, const Pack& pack) {
    const unsigned group = request.info.empty() ? 0 : request.info[0];
    Buffer text;
    switch (request.command) {
        case 0x42:
            return seplos_telemetry(pack, group);
        case 0x44:
            return seplos_alarms(pack, group);
        case 0x47:
            return seplos_settings(pack);
        case 0x51:
            put_text(text, "1101-SIM16", 10, ' ');
            wire::put8(text, 2);
            wire::put8(text, 7);
            put_text(text, "CANProtocol:Victron", 20, ' ');
            return text;
        default:
            return std::nullopt;
    }
}

std::optional<Response> respond(Bytes heard, unsigned unit, Pack& pack) {
    const auto request = heard_hex(heard);
    if (!request || request->version != 0x20 || request->device_class != 0x46 || request->address != unit) {
        return std::nullopt;
    }
    const auto info = seplos_info(*request, pack);
    return Response{request->consumed, hex_answer(*request, info ? 0 : 4, info.value_or(Buffer{}))};
}

const Registration kRegistered{
    {.family = "seplos2", .baud = 19200, .latency = milliseconds(120), .respond = respond}};

}  // namespace
}  // namespace bms::sim
