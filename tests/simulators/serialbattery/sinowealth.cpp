#include "simulator.hpp"

namespace bms::sim {
namespace {

constexpr std::size_t kRequestSize = 3;

Buffer item(unsigned command, const Pack& pack) {
    Buffer out;
    const auto word = [&](unsigned value) { wire::put_be16(out, value); };
    const auto long_word = [&](unsigned value) { wire::put_be32(out, value); };
    if (command >= 0x01 && command <= 0x0a) {
        word(pack.millivolts(command - 0x01));
    }
    switch (command) {
        case 0x0b:
            word(scaled(pack.voltage(), 1000));
            break;
        case 0x0c:
        case 0x0d:
            word(scaled(pack.celsius[command - 0x0c], 10, 2731));
            break;
        case 0x0e:
        case 0x0f:
            word(scaled(pack.mosfet_celsius, 10, 2731));
            break;
        case 0x10:
            long_word(scaled(pack.amperes(), 1000));
            break;
        case 0x11:
            long_word(scaled(pack.capacity_ah(), 1000));
            break;
        case 0x12:
            long_word(scaled(pack.remaining_ah(), 1000));
            break;
        case 0x13:
            word(scaled(pack.soc_pct(), 1));
            break;
        case 0x14:
            word(pack.cycles);
            break;
        case 0x15:
            word((pack.charge_allowed ? 1u : 0u) | (pack.discharge_allowed ? 2u : 0u)
                 | (pack.amperes() > 0 ? 4u : 0u) | (pack.amperes() < 0 ? 8u : 0u));
            break;
        case 0x16:
            word(alarm_word(
                pack,
                std::array{
                    AlarmBit{Alarm::high_voltage, 0}, AlarmBit{Alarm::low_voltage, 1},
                    AlarmBit{Alarm::high_charge_current, 2}, AlarmBit{Alarm::high_discharge_current, 3},
                    AlarmBit{Alarm::high_charge_temperature, 8}, AlarmBit{Alarm::high_temperature, 9},
                    AlarmBit{Alarm::low_charge_temperature, 10}, AlarmBit{Alarm::low_temperature, 11}}));
            break;
        case 0x17:
            word(0x40u | static_cast<unsigned>(pack.size() - 3));
            break;
        default:
            break;
    }
    return out;
}

std::optional<Response> respond(Bytes heard, unsigned, Pack& pack) {
    if (heard.size() < kRequestSize || heard[0] != 0x0a || heard[1] < 0x01 || heard[1] > 0x17
        || (heard[2] != 2 && heard[2] != 4)) {
        return std::nullopt;
    }
    Buffer data = item(heard[1], pack);
    data.resize(heard[2]);
    Buffer covered(heard.begin(), heard.begin() + kRequestSize);
    wire::put(covered, data);
    wire::put8(data, wire::Crc8::of(covered));
    return Response{kRequestSize, data};
}

const Registration kRegistered{
    {.family = "sinowealth", .latency = milliseconds(20), .cells = 10, .respond = respond}};

}  // namespace
}  // namespace bms::sim
