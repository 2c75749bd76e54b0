#include "modbus_slave.hpp"

namespace bms::sim {
namespace {

void set32_low_first(Registers& r, unsigned reg, std::uint32_t value) {
    r.set(reg, value & 0xffff);
    r.set(reg + 1, value >> 16);
}

/// State of one side: 0 while it is closed.
unsigned state(const Pack& pack, bool charging) {
    const auto on = [&](Alarm alarm) { return pack.alarm(alarm, Level::warning); };
    if (on(charging ? Alarm::high_voltage : Alarm::low_voltage)) {
        return 1;
    }
    if (on(charging ? Alarm::high_charge_current : Alarm::high_discharge_current)) {
        return 2;
    }
    if (on(charging ? Alarm::high_charge_temperature : Alarm::high_temperature)) {
        return 3;
    }
    return on(charging ? Alarm::low_charge_temperature : Alarm::low_temperature) ? 5 : 0;
}

Registers meter(const Pack& pack) {
    Registers r;
    r.set(0, 501);
    set32_low_first(r, 2, 20231234);
    r.set(30, scaled(-200, 1));
    r.set(31, scaled(100, 1));
    set32_low_first(r, 46, scaled(pack.capacity_ah(), 1000));
    r.set(102, scaled(pack.celsius[0], 100));
    r.set(103, scaled(pack.celsius[1], 100));
    set32_low_first(r, 108, scaled(pack.voltage(), 1000));
    set32_low_first(r, 114, scaled(pack.amperes(), 1000));
    const unsigned soc = scaled(pack.soc_pct(), 1000);
    set32_low_first(r, 128, soc < 0x10000 ? 0xffff0000u | soc : soc);
    r.set(130, state(pack, true));
    r.set(131, state(pack, false));
    return r;
}

/// The monitor of a cell.
Registers lipro(const Pack& pack, unsigned cell) {
    Registers r;
    r.set(0, 102);
    r.set(100, pack.millivolts(cell));
    r.set(101, scaled(pack.celsius[cell % 4], 100));
    r.set(102, (pack.balance_mask() >> cell & 1) != 0 ? 80 : 0);
    return r;
}

/// The meter at `unit`, the monitors of its cells behind it.
std::optional<Response> respond(Bytes heard, unsigned unit, Pack& pack) {
    if (auto answer = answer_read(heard, unit, unit, meter(pack))) {
        return answer;
    }
    for (unsigned cell = 0; cell < pack.size(); ++cell) {
        const unsigned address = unit + 1 + cell;
        if (auto answer = answer_read(heard, address, address, lipro(pack, cell))) {
            return answer;
        }
    }
    return std::nullopt;
}

const Registration kRegistered{{.family = "ecs",
                                .baud = 19200,
                                .even_parity = true,
                                .unit = 1,
                                .latency = milliseconds(15),
                                .cells = 4,
                                .respond = respond}};

}  // namespace
}  // namespace bms::sim
