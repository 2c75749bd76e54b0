// What goes on in the house as its registers show it.

#include "simulators/givenergy/house.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace gesim {

void House::show_clock() {
    const auto hr = [&](int reg, int value) {
        registers_.set(kInverter, kHolding, static_cast<std::uint16_t>(reg),
                       static_cast<std::uint16_t>(value));
    };
    const int second = static_cast<int>(seconds_);
    hr(35, 26);
    hr(36, 6);
    hr(37, 1 + day_ % 28);
    hr(38, second / 3600);
    hr(39, second / 60 % 60);
    hr(40, second % 60);
}

void House::show() {
    show_clock();
    if (model_ == "gateway") {
        show_gateway();
    } else if (model_ == "ems") {
        show_ems();
    } else if (three_phase_) {
        show_three_phase();
        show_stack();
    } else {
        show_single_phase();
        if (high_voltage_) {
            show_stack();
        } else {
            show_packs();
        }
    }
}

void House::show_single_phase() {
    const bool metered = model_ == "ac" || model_ == "aio";
    const double battery_v = high_voltage_ ? 311.8 : 48 + now_.soc * 0.06;
    // PV of these models is on the AC side, seen by a meter: the inverter carries the battery alone.
    const double inverter = metered ? now_.battery : now_.inverter;
    put(0, 1);
    put(1, metered ? 2410 : now_.pv > 0 ? 3145 : 0);
    put(2, metered ? 0 : now_.pv > 0 ? 3069 : 0);
    put(5, 2410);
    put32(6, (now_.total.charge + now_.total.discharge) * 10);
    put(8, now_.pv / 2 / 31.45);
    put(9, metered ? 0 : now_.pv / 2 / 30.69);
    put32(11, now_.total.pv * 10);
    put(13, 5007);
    put(14, now_.battery < 0 ? 2 : now_.battery > 0 ? 5 : 0);
    put(17, now_.today.pv * (metered ? 10 : 5));
    put(18, metered ? now_.pv : std::floor(now_.pv / 2));
    put(19, metered ? 0 : now_.today.pv * 5);
    put(20, metered ? 0 : now_.pv - std::floor(now_.pv / 2));
    put32(21, now_.total.export_ * 10);
    put(24, inverter);
    put(25, now_.today.export_ * 10);
    put(26, now_.today.import * 10);
    put32(27, now_.total.ac_charge * 10);
    put(30, now_.grid);
    put(31, now_.backup);
    put32(32, now_.total.import * 10);
    put(35, now_.today.ac_charge * 10);
    put(36, now_.today.charge * 10);
    put(37, now_.today.discharge * 10);
    put(41, 301);
    put(42, now_.load);
    put(43, std::abs(inverter));
    put(44, now_.today.out * 10);
    put32(45, now_.total.out * 10);
    put32(47, 36301);
    put(49, 1);
    put(50, battery_v * 100);
    put(51, now_.battery / battery_v * 100);
    put(52, now_.battery);
    put(53, 2400);
    put(54, 5007);
    put(55, 484);
    put(56, 230);
    put(59, now_.soc);
    if (model_ == "gen1") {
        put(180, now_.total.discharge * 10);
        put(181, now_.total.charge * 10);
        put(182, now_.today.discharge * 10);
        put(183, now_.today.charge * 10);
    }
    put(60, 2410, 1);
    put(68, -now_.grid, 1);
    put(84, 5007, 1);
}

void House::show_packs() {
    for (int i = 0; i < 6; ++i) {
        const auto address = static_cast<std::uint8_t>(0x32 + i);
        put(105, now_.total.discharge * 10, address);
        put(106, now_.total.charge * 10, address);
        if (i >= packs_) {
            continue;
        }
        const double cell = 3000 + now_.soc * 3.75;
        for (int c = 0; c < 16; ++c) {
            put(static_cast<std::uint16_t>(60 + c), cell + c % 4, address);
        }
        for (int t = 0; t < 4; ++t) {
            put(static_cast<std::uint16_t>(76 + t), 220 + 4 * t, address);
        }
        put(80, cell * 16 + 24, address);
        put(81, 267, address);
        put32(82, cell * 16 + 120, address);
        put32(84, 16000, address);
        put32(86, 16000, address);
        put32(88, 160 * now_.soc, address);
        put(91, now_.battery > 0 ? 0x0e10 : 0x0610, address);
        put(96, 45, address);
        put(97, 16, address);
        put(98, 3005, address);
        put(100, now_.soc, address);
        put32(101, 16000, address);
        put(103, 232, address);
        put(104, 220, address);
        put(115, 8, address);
    }
    put(62, 83, 0x31);
    put(63, 83, 0x31);
}

void House::show_stack() {
    put(60, 0x4241, 0x70);
    put(61, 0x4141, 0x70);
    put(64, packs_, 0x70);
    put(67, 24 * packs_, 0x70);
    put(68, 12 * packs_, 0x70);
    put(70, now_.battery < 0 ? 3 : now_.battery > 0 ? 4 : 2, 0x70);
    put(73, 3149, 0x70);
    put(74, 3146, 0x70);
    put(76, -now_.battery / 31.49, 0x70);
    put(79, -now_.battery / 100, 0x70);
    put(80, static_cast<int>(now_.soc) << 8 | static_cast<int>(now_.soc), 0x70);
    put(81, 95, 0x70);
    put32(82, now_.total.charge * 10, 0x70);
    put32(84, now_.total.discharge * 10, 0x70);
    put32(90, now_.today.charge * 10, 0x70);
    put32(92, now_.today.discharge * 10, 0x70);
    put(98, 520, 0x70);
    put(99, 5.2 * now_.soc, 0x70);
    put(100, 522, 0x70);
    for (int i = 0; i < packs_; ++i) {
        const auto address = static_cast<std::uint8_t>(0x50 + i);
        for (int c = 0; c < 24; ++c) {
            put(static_cast<std::uint16_t>(60 + c), 3000 + now_.soc * 3.75 + c % 5, address);
        }
        for (int t = 0; t < 12; ++t) {
            put(static_cast<std::uint16_t>(90 + t), 200 + t, address);
        }
    }
}

void House::show_three_phase() {
    const double third = std::floor(now_.inverter / 3), meter = std::floor(now_.grid / 3);
    put32(1017, now_.pv * 5);
    put32(1019, now_.pv * 5);
    put(1001, now_.pv > 0 ? 6100 : 0);
    put(1002, now_.pv > 0 ? 6100 : 0);
    for (int i = 0; i < 3; ++i) {
        put(static_cast<std::uint16_t>(1061 + i), 4018);
        put(static_cast<std::uint16_t>(1083 + i), i < 2 ? meter : now_.grid - 2 * meter);
        put(static_cast<std::uint16_t>(1091 + i), i < 2 ? third : now_.inverter - 2 * third);
        put(static_cast<std::uint16_t>(1094 + i), 2319 + i);
        put(static_cast<std::uint16_t>(1181 + i), 2310);
        put32(static_cast<std::uint16_t>(1187 + 2 * i), now_.backup / 3 * 10);
    }
    put(1067, 4999);
    put32(1069, now_.inverter * 10);
    put(1075, 1);
    put(1076, 1);
    put32(1079, std::max(-now_.grid, 0.0) * 10);
    put32(1081, std::max(now_.grid, 0.0) * 10);
    put32(1089, now_.load * 10);
    put(1128, 447);
    put(1131, 4718);
    put(1132, now_.soc);
    put32(1136, std::max(now_.battery, 0.0) * 10);
    put32(1138, std::max(-now_.battery, 0.0) * 10);
    put(1140, now_.battery / 4.718);
    put(1180, 4999);
    put(1325, 11043);
    put(1326, 10311);
    put(1327, 11121);
    const std::array<std::tuple<int, double, double>, 7> counters{{
        {1360, now_.today.out, now_.total.out},
        {1376, now_.today.ac_charge, now_.total.ac_charge},
        {1380, now_.today.import, now_.total.import},
        {1384, now_.today.export_, now_.total.export_},
        {1388, now_.today.discharge, now_.total.discharge},
        {1392, now_.today.charge, now_.total.charge},
        {1396, now_.today.load, now_.total.load},
    }};
    for (const auto& [reg, today, total] : counters) {
        put32(static_cast<std::uint16_t>(reg), today * 10);
        put32(static_cast<std::uint16_t>(reg + 2), total * 10);
    }
    put32(1374, now_.total.pv * 10);
    put32(1412, now_.today.pv * 10);
}

void House::show_gateway() {
    put(1600, 0x4741);
    put(1601, 0x4141);
    put(1603, 0x0104);
    put(1604, 2);
    put(1608, 2424);
    put(1610, 2433);
    put(1616, now_.grid);
    put(1617, now_.pv);
    put(1618, now_.load);
    put(1619, -now_.battery);
    const std::array<std::tuple<int, double, double>, 6> counters{{
        {1640, now_.today.import, now_.total.import},
        {1643, now_.today.pv, now_.total.pv},
        {1646, now_.today.export_, now_.total.export_},
        {1649, now_.today.charge, now_.total.charge},
        {1652, now_.today.discharge, now_.total.discharge},
        {1655, now_.today.load, now_.total.load},
    }};
    for (const auto& [reg, today, total] : counters) {
        put(static_cast<std::uint16_t>(reg), today * 10);
        put32(static_cast<std::uint16_t>(reg + 1), total * 10);
    }
    put(1700, 2);
    put(1701, 2);
    put(1801, now_.soc);
    put(1802, now_.soc);
    put_text(kInverter, kInput, 1841, "CH2414G001");
    put_text(kInverter, kInput, 1846, "CH2414G002");
}

void House::show_ems() {
    put(0, 1);
    put(5, 2410);
    put32(21, now_.total.export_ * 10);
    put32(32, now_.total.import * 10);
    put(2040, 1);
    put(2041, 2);
    put(2044, 2);
    put(2045, 0x0012);
    put(2046, -now_.grid);
    put(2054, now_.battery / 2);
    put(2055, now_.battery - std::round(now_.battery / 2));
    put(2058, now_.soc);
    put(2059, now_.soc);
    put_text(kInverter, kInput, 2066, "CE2231G001");
    put(2086, now_.load);
    put(2088, now_.pv);
    put(2089, -now_.grid);
    put(2090, now_.battery);
    put(2091, now_.soc / 100 * kPackWh * packs_ / 2);
}

}  // namespace gesim
