#include "simulator.hpp"

namespace bms::sim {
namespace {

void put_check(Buffer& frame) {
    unsigned mixed = 0;
    unsigned sum = 0;
    for (const auto byte : frame) {
        mixed ^= byte;
        sum += byte;
    }
    wire::put8(frame, (mixed ^ sum) & 0xff);
    wire::put8(frame, 0x0d);
}

Buffer group(unsigned id, const std::vector<unsigned>& words) {
    Buffer out;
    wire::put8(out, id);
    wire::put8(out, static_cast<unsigned>(words.size()));
    for (const auto word : words) {
        wire::put_be16(out, word & 0xffff);
    }
    return out;
}

unsigned status(const Pack& pack) {
    constexpr std::array kBits{AlarmBit{Alarm::high_voltage, 4}, AlarmBit{Alarm::low_voltage, 5},
                               AlarmBit{Alarm::high_charge_temperature, 6},
                               AlarmBit{Alarm::low_charge_temperature, 7}};
    const bool too_much = pack.alarm(Alarm::high_charge_current) || pack.alarm(Alarm::high_discharge_current);
    return alarm_word(pack, kBits) | (pack.amperes() > 0 ? 1u : 0u) | (pack.amperes() < 0 ? 2u : 0u)
           | (too_much ? 8u : 0u);
}

/// Cells carry a flag in their highest bit, the last sensors one in their high byte.
Buffer data(const Pack& pack) {
    std::vector<unsigned> cells;
    for (std::size_t i = 0; i < pack.size(); ++i) {
        cells.push_back(pack.millivolts(i) | 0x8000);
    }
    std::vector<unsigned> sensors;
    for (const double celsius : pack.celsius) {
        sensors.push_back(scaled(celsius, 1, 50));
    }
    sensors.push_back(0x8000 | scaled(pack.mosfet_celsius, 1, 50));
    sensors.push_back(0x2000 | scaled(pack.celsius[0], 1, 50));
    Buffer out;
    for (const auto& part :
         {group(1, cells), group(2, {30000 - scaled(pack.amperes(), 100)}),
          group(3, {scaled(pack.soc_pct(), 100)}), group(4, {scaled(pack.capacity_ah(), 100)}),
          group(5, sensors), group(6, {0, status(pack), 0, 0, 0}), group(7, {pack.cycles}),
          group(8, {scaled(pack.voltage(), 100)}), group(9, {scaled(pack.soh_pct, 100)}), group(10, {0})}) {
        wire::put(out, part);
    }
    return out;
}

std::optional<Response> respond_from(unsigned start, std::string_view model, Bytes heard, unsigned unit,
                                     const Pack& pack) {
    constexpr std::size_t kLength = 6;
    if (heard.size() < kLength || heard[0] != start || heard[1] != unit || heard[3] != 0) {
        return std::nullopt;
    }
    Buffer expected(heard.begin(), heard.begin() + 4);
    put_check(expected);
    if (!std::equal(expected.begin(), expected.end(), heard.begin())) {
        return std::nullopt;
    }
    Buffer payload;
    if (heard[2] == 0x01) {
        payload = data(pack);
    } else if (heard[2] == 0x33) {
        put_text(payload, model, model.size());
    } else if (heard[2] == 0x42) {
        put_text(payload, "HW-2.1\x01\x02", 10);
    } else {
        return Response{kLength, {}};
    }
    Buffer frame(heard.begin(), heard.begin() + 3);
    wire::put8(frame, static_cast<unsigned>(payload.size()));
    wire::put(frame, payload);
    put_check(frame);
    return Response{kLength, frame};
}

std::optional<Response> respond(Bytes heard, unsigned unit, Pack& pack) {
    return respond_from(0x7e, "QT-YS00-16SV100A-V3.40", heard, unit, pack);
}

std::optional<Response> respond_revov(Bytes heard, unsigned unit, Pack& pack) {
    return respond_from(0x7c, "TP-BD16S48V150-V3.1.29", heard, unit, pack);
}

const Registration kLifePower{
    {.family = "eg4_lifepower", .unit = 1, .latency = milliseconds(130), .respond = respond}};
const Registration kRevov{
    {.family = "revov", .unit = 1, .latency = milliseconds(130), .respond = respond_revov}};

}  // namespace
}  // namespace bms::sim
