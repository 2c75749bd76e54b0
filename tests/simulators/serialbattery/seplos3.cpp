#include "modbus_blocks.hpp"

namespace bms::sim {
namespace {

constexpr double kZero = 2731;

Registers seplos_registers(const Pack& pack) {
    Registers r;
    for (unsigned reg = 0x1000; reg <= 0x1010; ++reg) {
        r.set(reg, 0);
    }
    r.set(0x1000, scaled(pack.voltage(), 100));
    r.set(0x1001, scaled(pack.amperes(), 100) & 0xffff);
    r.set(0x1002, scaled(pack.remaining_ah(), 100));
    r.set(0x1003, scaled(pack.capacity_ah(), 100));
    r.set(0x1005, scaled(pack.soc_pct(), 10));
    r.set(0x1006, scaled(pack.soh_pct, 10));
    r.set(0x1007, pack.cycles);
    r.set(0x100f, 180);
    r.set(0x1010, 150);
    for (unsigned i = 0; i < 16; ++i) {
        r.set(0x1100 + i, pack.millivolts(i));
    }
    for (unsigned i = 0; i < 4; ++i) {
        r.set(0x1110 + i, scaled(pack.celsius[i], 10, kZero));
        r.set(0x1114 + i, 2731);
    }
    r.set(0x1118, scaled(pack.celsius[0] + 1, 10, kZero));
    r.set(0x1119, scaled(pack.mosfet_celsius, 10, kZero));
    for (unsigned reg = 0x1300; reg <= 0x1369; ++reg) {
        r.set(reg, 0);
    }
    r.set(0x1300, 4);
    r.set(0x1301, static_cast<unsigned>(pack.size()));
    r.set(0x130d, 3650);
    r.set(0x1311, 2700);
    r.set(0x1317, 210);
    r.set(0x131d, 0x10000 - 210);
    r.set(0x1358, scaled(pack.capacity_ah(), 100));
    r.text(0x1700, "XZH-ElecTech Co.,Ltd", 10);
    r.text(0x170a, "SG16S200A-SIM", 10);
    r.text(0x1714, "15", 1);
    r.text(0x1715, "SIM00000000003", 15);
    r.text(0x1724, "", 15);
    return r;
}

/// The stack of this one pack: long words come low half first.
void add_stack(Registers& r, const Pack& pack) {
    for (unsigned reg = 0x2000; reg <= 0x2019; ++reg) {
        r.set(reg, 0);
    }
    const auto set_long = [&r](unsigned reg, std::uint32_t value) {
        r.set(reg, value & 0xffff);
        r.set(reg + 1, value >> 16);
    };
    set_long(0x2000, scaled(pack.voltage(), 100));
    set_long(0x2002, scaled(pack.amperes(), 10));
    r.set(0x2016, 1);
}

Buffer seplos_coils(const Pack& pack) {
    /// Event byte, alarm, bit of its warning; the protection is the next bit.
    struct Cause {
        std::size_t byte;
        Alarm alarm;
        unsigned bit;
    };
    constexpr std::array kCauses{Cause{9, Alarm::high_cell_voltage, 0},
                                 Cause{9, Alarm::low_cell_voltage, 2},
                                 Cause{9, Alarm::high_voltage, 4},
                                 Cause{9, Alarm::low_voltage, 6},
                                 Cause{10, Alarm::high_charge_temperature, 0},
                                 Cause{10, Alarm::low_charge_temperature, 2},
                                 Cause{10, Alarm::high_temperature, 4},
                                 Cause{10, Alarm::low_temperature, 6},
                                 Cause{11, Alarm::high_internal_temperature, 4},
                                 Cause{12, Alarm::high_charge_current, 0},
                                 Cause{12, Alarm::high_discharge_current, 3},
                                 Cause{14, Alarm::low_soc, 2}};
    std::array<unsigned, 18> bytes{};
    bytes[6] = pack.balance_mask() & 0xff;
    bytes[7] = pack.balance_mask() >> 8 & 0xff;
    bytes[8] = pack.amperes() < 0 ? 1 : pack.amperes() > 0 ? 2 : 16;
    for (const auto& cause : kCauses) {
        bytes.at(cause.byte) |= (pack.alarm(cause.alarm, Level::warning) ? 1u << cause.bit : 0u)
                                | (pack.alarm(cause.alarm) ? 2u << cause.bit : 0u);
    }
    bytes[15] =
        (pack.discharge_allowed ? 1u : 0u) | (pack.charge_allowed ? 2u : 0u) | (pack.heating ? 8u : 0u);
    bytes[17] = pack.alarm(Alarm::internal_failure) ? 2 : 0;
    return {bytes.begin(), bytes.end()};
}

/// A register of the control block takes one of two values.
bool seplos_switch(unsigned reg, unsigned value, Pack& pack) {
    const bool on = value == 0xaa55;
    if (!on && value != 0x55aa) {
        return false;
    }
    if (reg == 0x1510) {
        pack.discharge_allowed = on;
    } else if (reg == 0x1511 && !on) {
        pack.charge_allowed = false;
    } else if (reg == 0x1515 && on) {
        pack.charge_allowed = true;
    } else {
        return false;
    }
    return true;
}

std::optional<Response> respond(Bytes heard, unsigned unit, Pack& pack) {
    if (const auto write = heard_block_write(heard, unit); write && write->words.size() == 1) {
        const bool done = seplos_switch(write->reg, write->words[0], pack);
        return answer_block_write(*write, unit, done);
    }
    if (auto coils = answer_coils(heard, unit, 0x1200, seplos_coils(pack))) {
        return coils;
    }
    Registers r = seplos_registers(pack);
    if (unit == 0) {
        add_stack(r, pack);
    }
    return answer_input(heard, unit, r);
}

const Registration kRegistered{
    {.family = "seplos3", .baud = 19200, .latency = milliseconds(60), .respond = respond}};

}  // namespace
}  // namespace bms::sim
