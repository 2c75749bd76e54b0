#include "simulator.hpp"

namespace bms::sim {
namespace {

unsigned charge_code(const Pack& pack) {
    return !pack.charge_allowed                         ? 15
           : pack.alarm(Alarm::high_cell_voltage)       ? 2
           : pack.alarm(Alarm::high_voltage)            ? 5
           : pack.alarm(Alarm::high_charge_temperature) ? 6
                                                        : 1;
}
unsigned discharge_code(const Pack& pack) {
    return !pack.discharge_allowed                     ? 15
           : pack.alarm(Alarm::low_cell_voltage)       ? 2
           : pack.alarm(Alarm::high_discharge_current) ? 3
           : pack.alarm(Alarm::low_voltage)            ? 5
                                                       : 1;
}

// ------------------------------------------------------------------------------------------------ old

Buffer old_status(const Pack& pack) {
    Buffer out{0xaa, 0x55, 0xaa, 0xff};
    wire::put_be16(out, scaled(pack.voltage(), 10));
    for (std::size_t i = 0; i < 32; ++i) {
        wire::put_be16(out, pack.millivolts(i));
    }
    wire::put_be32(out, scaled(-pack.amperes(), 10));
    wire::put8(out, scaled(pack.soc_pct(), 1));
    wire::put_be32(out, scaled(pack.capacity_ah(), 1e6));
    wire::put_be32(out, scaled(pack.remaining_ah(), 1e6));
    wire::put_be32(out, 4'200'000);
    wire::put_be32(out, 1'000'000);
    for (const double celsius : {pack.mosfet_celsius, 24.0, pack.celsius[0], pack.celsius[1], -40.0, -40.0}) {
        wire::put_be16(out, scaled(celsius, 1) & 0xffff);
    }
    wire::put8(out, charge_code(pack));
    wire::put8(out, discharge_code(pack));
    wire::put8(out, pack.balance_mask() != 0 ? 4 : 0);
    out.resize(123, 0);
    wire::put8(out, static_cast<unsigned>(pack.size()));
    out.resize(132, 0);
    wire::put_be32(out, pack.balance_mask());
    wire::put_be16(out, 0);
    wire::put_be16(out, wire::sum16(Bytes(out).subspan(4)));
    return out;
}

std::optional<Response> respond_old(Bytes heard, unsigned, Pack& pack) {
    if (heard.size() < 6 || heard[0] != heard[1]) {
        return std::nullopt;
    }
    if (heard[0] == 0xdb || (heard[0] == 0x5a && heard[2] == 0)) {
        return Response{6, old_status(pack)};
    }
    if (heard[0] == 0xa5 && wire::sum8(heard.subspan(2, 3)) == heard[5]) {
        if (heard[2] == 0xfa) {
            pack.charge_allowed = heard[4] != 0;
        } else if (heard[2] == 0xf9) {
            pack.discharge_allowed = heard[4] != 0;
        }
        return Response{6, {}};
    }
    return std::nullopt;
}

// ------------------------------------------------------------------------------------------------ new

Buffer framed(unsigned function, unsigned address, const Buffer& data, std::size_t surplus = 0) {
    Buffer out{0x7e, 0xa1, static_cast<std::uint8_t>(function)};
    wire::put_le16(out, address);
    wire::put8(out, static_cast<unsigned>(data.size()));
    wire::put(out, data);
    wire::put_le16(out, wire::Crc16Modbus::of(Bytes(out).subspan(1)));
    out.resize(out.size() + surplus, 0);
    out.insert(out.end(), {0xaa, 0x55});
    return out;
}

Buffer new_status(const Pack& pack) {
    Buffer d(28, 0);
    d[0] = 5;
    d[1] = pack.amperes() > 0 ? 2 : 3;
    d[2] = 2;
    d[3] = static_cast<std::uint8_t>(pack.size());
    for (std::size_t i = 0; i < pack.size(); ++i) {
        wire::put_le16(d, pack.millivolts(i));
    }
    wire::put_le16(d, scaled(pack.celsius[0], 1));
    wire::put_le16(d, scaled(pack.celsius[1], 1));
    wire::put_le16(d, scaled(pack.mosfet_celsius, 1));
    wire::put_le16(d, 24);
    wire::put_le16(d, scaled(pack.voltage(), 100));
    wire::put_le16(d, scaled(-pack.amperes(), 10) & 0xffff);
    wire::put_le16(d, scaled(pack.soc_pct(), 1));
    wire::put_le16(d, scaled(pack.soh_pct, 1));
    wire::put8(d, charge_code(pack));
    wire::put8(d, discharge_code(pack));
    wire::put8(d, pack.balance_mask() != 0 ? 4 : 0);
    wire::put8(d, 0);
    wire::put_le32(d, scaled(pack.capacity_ah(), 1e6));
    wire::put_le32(d, scaled(pack.remaining_ah(), 1e6));
    wire::put_le32(d, 4'200'000);
    wire::put_le32(d, scaled(-pack.voltage() * pack.amperes(), 1));
    wire::put_le32(d, 1'000'000);
    wire::put_le32(d, pack.balance_mask());
    d.resize(d.size() + 38, 0);
    return d;
}

std::optional<Response> respond_new(Bytes heard, unsigned, Pack& pack) {
    if (heard.size() < 10 || heard[0] != 0x7e || heard[1] != 0xa1) {
        return std::nullopt;
    }
    const auto function = heard[2];
    const std::size_t data = function == 0x23 ? heard[5] : 0;
    if (heard.size() < 10 + data
        || wire::Crc16Modbus::of(heard.subspan(1, 5 + data)) != wire::le16(heard, 6 + data)) {
        return std::nullopt;
    }
    const unsigned address = wire::le16(heard, 3);
    if (function == 0x01) {
        return Response{10, framed(0x11, address, new_status(pack))};
    }
    if (function == 0x02) {
        Buffer info;
        put_text(info, "16ZMB-TB-SIM", 16);
        put_text(info, "16ZMUB00-210816A", 16);
        return Response{10, framed(0x12, address, info, 6)};
    }
    if (function == 0x23) {
        return Response{10 + data, framed(0x43, address, {5, 0})};
    }
    if (function == 0x51) {
        if (address == 1 || address == 3) {
            pack.discharge_allowed = address == 3;
        } else if (address == 4 || address == 6) {
            pack.charge_allowed = address == 6;
        }
        return Response{10, framed(0x61, address, {1, 0})};
    }
    return std::nullopt;
}

const Registration kOld{
    {.family = "ant_old", .baud = 19200, .latency = milliseconds(50), .respond = respond_old}};
const Registration kNew{
    {.family = "ant_new", .baud = 19200, .latency = milliseconds(50), .respond = respond_new}};

}  // namespace
}  // namespace bms::sim
