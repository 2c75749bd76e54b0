#include "simulators/givenergy/house.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>

namespace gesim {

namespace {

constexpr std::uint8_t kInverter = 0x11, kHolding = 3, kInput = 4, kMeterProduct = 0x16;
constexpr double kDay = 86400, kPackWh = 8192, kLimitW = 2600, kPeakW = 4600;
constexpr double kStep = 60;  // longest stretch calculated at once, s

struct Kind {
    const char* name;
    std::uint16_t dtc;
    std::uint16_t arm;
};
constexpr std::array<Kind, 9> kKinds{{{"gen1", 0x2001, 449},
                                      {"gen2", 0x2003, 920},
                                      {"gen3", 0x2002, 312},
                                      {"ac", 0x3001, 282},
                                      {"aio", 0x8001, 612},
                                      {"hv", 0x8102, 0},
                                      {"three-phase", 0x4004, 0},
                                      {"gateway", 0x7001, 14},
                                      {"ems", 0x5001, 1036}}};

std::uint16_t clamp16(double value) {
    return static_cast<std::uint16_t>(static_cast<std::int32_t>(std::lround(value)) & 0xffff);
}

double minutes_of(std::uint16_t hhmm) {
    return hhmm / 100 * 60 + hhmm % 100;
}

}  // namespace

void RegisterFile::add_page(std::uint8_t address, std::uint8_t function, std::uint16_t base,
                            std::uint16_t size) {
    pages_[{address, function, base}].resize(size);
}

std::optional<std::vector<std::uint16_t>> RegisterFile::read(std::uint8_t address, std::uint8_t function,
                                                             std::uint16_t base, std::uint16_t count) const {
    for (const auto& [key, words] : pages_) {
        const auto& [page_address, page_function, page_base] = key;
        if (page_address == address && page_function == function && base >= page_base && count > 0
            && base + count <= page_base + static_cast<int>(words.size())) {
            const auto first = words.begin() + (base - page_base);
            return std::vector<std::uint16_t>(first, first + count);
        }
    }
    return std::nullopt;
}

std::optional<std::uint16_t> RegisterFile::get(std::uint8_t address, std::uint8_t function,
                                               std::uint16_t reg) const {
    const auto words = read(address, function, reg, 1);
    return words ? std::optional{words->front()} : std::nullopt;
}

bool RegisterFile::set(std::uint8_t address, std::uint8_t function, std::uint16_t reg, std::uint16_t value) {
    for (auto& [key, words] : pages_) {
        const auto& [page_address, page_function, page_base] = key;
        if (page_address == address && page_function == function && reg >= page_base
            && reg < page_base + static_cast<int>(words.size())) {
            words[static_cast<std::size_t>(reg - page_base)] = value;
            return true;
        }
    }
    return false;
}

House::House(const std::string& model, int packs, std::string serial)
    : model_(model), packs_(packs), serial_(std::move(serial)) {
    const auto kind =
        std::find_if(kKinds.begin(), kKinds.end(), [&](const Kind& k) { return model == k.name; });
    if (kind == kKinds.end()) {
        throw std::invalid_argument("no model " + model);
    }
    high_voltage_ = model == "aio" || model == "hv" || model == "three-phase";
    three_phase_ = model == "three-phase";
    build_settings(kind->dtc, kind->arm);
    if (model == "gateway") {
        for (const int base : {1600, 1660, 1720, 1780, 1840}) {
            registers_.add_page(kInverter, kInput, static_cast<std::uint16_t>(base));
        }
    } else if (model == "ems") {
        registers_.add_page(kInverter, kInput, 0);
        registers_.add_page(kInverter, kInput, 2040);
    } else if (three_phase_) {
        for (const int base : {0, 1000, 1060, 1120, 1180, 1240, 1300, 1360}) {
            registers_.add_page(kInverter, kInput, static_cast<std::uint16_t>(base));
        }
        build_high_voltage();
    } else {
        build_single_phase();
    }
    now_.total = {21145.8, 28657.3, 5249.0, 30000, 9088.9, 8860.4, 1842.7, 1571.1};
    advance(0);
}

void House::build_settings(std::uint16_t dtc, std::uint16_t arm) {
    const auto page = [&](int base, int size = 60) {
        registers_.add_page(kInverter, kHolding, static_cast<std::uint16_t>(base),
                            static_cast<std::uint16_t>(size));
    };
    const auto hr = [&](int reg, int value) {
        registers_.set(kInverter, kHolding, static_cast<std::uint16_t>(reg),
                       static_cast<std::uint16_t>(value));
    };
    page(0);
    hr(0, dtc);
    hr(2, three_phase_ || model_ == "ems" ? 0 : 0x0832);
    put_text(kInverter, kHolding, 13, serial_);
    hr(21, arm);
    if (model_ == "ems") {
        page(2040, 36);
        hr(2040, 1);
        hr(2071, 9500);
        return;
    }
    page(60);
    page(120);
    for (const auto& [reg, value] :
         std::map<int, int>{{19, arm}, {20, 0},  {27, 1},    {30, 17},           {31, 0},  {32, 4},
                            {50, 100}, {53, 1},  {54, 1},    {55, 160 * packs_}, {59, 0},  {94, 2330},
                            {95, 530}, {96, 1},  {97, 4320}, {98, 5850},         {110, 4}, {111, 50},
                            {112, 50}, {114, 4}, {116, 100}}) {
        hr(reg, value);
    }
    if (model_ == "aio" || model_ == "hv" || model_ == "gen3" || three_phase_) {
        page(240);
    }
    if (model_ == "ac" || model_ == "aio") {
        page(300);
        hr(313, 100);
        hr(314, 100);
    } else if (model_ == "gen3") {
        page(318, 3);
    }
    if (three_phase_) {
        page(1000);
        page(1060);
        page(1120, 5);
        for (const auto& [reg, value] :
             std::map<int, int>{{1078, 5}, {1108, 100}, {1109, 5}, {1110, 100}, {1111, 100}, {1112, 0}}) {
            hr(reg, value);
        }
    }
}

void House::build_single_phase() {
    registers_.add_page(kInverter, kInput, 0);
    registers_.add_page(kInverter, kInput, 180);
    registers_.add_page(1, kInput, 60, 30);  // the built-in clamp
    registers_.add_page(1, kMeterProduct, 60);
    if (high_voltage_) {
        build_high_voltage();
        return;
    }
    for (int i = 0; i < 6; ++i) {
        // Slots without a pack answer as well.
        registers_.add_page(static_cast<std::uint8_t>(0x32 + i), kInput, 60);
    }
    registers_.add_page(0x31, kInput, 60);
    for (int i = 0; i < packs_; ++i) {
        const auto address = static_cast<std::uint8_t>(0x32 + i);
        put_text(address, kInput, 110, serial_of(address));
    }
}

void House::build_high_voltage() {
    registers_.add_page(0xa0, kInput, 60);
    registers_.add_page(0x70, kInput, 60);
    registers_.add_page(0x70, kInput, 120);
    put(61, 1, 0xa0);
    put(62, packs_, 0xa0);
    put(63, 24 * packs_, 0xa0);
    put(64, packs_, 0x70);
    put_text(0x70, kInput, 138, "HC0000G001");
    for (int i = 0; i < packs_; ++i) {
        const auto address = static_cast<std::uint8_t>(0x50 + i);
        registers_.add_page(address, kInput, 60);
        put_text(address, kInput, 114, serial_of(address));
    }
}

std::string House::serial_of(std::uint8_t address) const {
    if (address >= 0x32 && address <= 0x37) {
        return "BG2134G00" + std::to_string(address - 0x31);
    }
    if (address >= 0x50 && address < 0x70) {
        return "HX2134G00" + std::to_string(address - 0x4f);
    }
    return serial_;
}

std::uint16_t House::holding(std::uint16_t reg) const {
    return registers_.get(kInverter, kHolding, reg).value_or(0);
}

void House::put(std::uint16_t reg, double raw, std::uint8_t address) {
    registers_.set(address, kInput, reg, clamp16(raw));
}

void House::put32(std::uint16_t reg, double raw, std::uint8_t address) {
    const auto value = static_cast<std::uint32_t>(static_cast<std::int64_t>(std::llround(raw)) & 0xffffffff);
    put(reg, value >> 16, address);
    put(static_cast<std::uint16_t>(reg + 1), value & 0xffff, address);
}

void House::put_text(std::uint8_t address, std::uint8_t function, std::uint16_t reg,
                     const std::string& text) {
    for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
        registers_.set(address, function, static_cast<std::uint16_t>(reg + i / 2),
                       static_cast<std::uint16_t>(text[i] << 8 | text[i + 1]));
    }
}

bool House::write(std::uint16_t reg, std::uint16_t value) {
    if (reg == 163 && value != 100) {
        throw std::logic_error("a client ordered a factory reset");
    }
    return registers_.set(kInverter, kHolding, reg, value);
}

void House::set_hour(double hour) {
    seconds_ = hour * 3600;
    advance(0);
}

void House::advance(double seconds) {
    while (seconds > kStep) {
        step(kStep);
        seconds -= kStep;
    }
    step(seconds);
    if (!frozen_) {
        show();
    }
}

bool House::in_slot(std::uint16_t start_register) const {
    const auto start_time = holding(start_register),
               end_time = holding(static_cast<std::uint16_t>(start_register + 1));
    if (start_time == end_time) {
        return false;
    }
    const double start = minutes_of(start_time), end = minutes_of(end_time), minute = seconds_ / 60;
    return start < end ? minute >= start && minute < end : minute >= start || minute < end;
}

/// Discharge wanted by mode, schedule and pause, before the limits of the battery.
double House::wanted_battery() const {
    const double surplus = now_.pv - now_.load;
    const bool charge_slot =
        three_phase_ ? holding(1112) != 0 && in_slot(1113) : holding(96) != 0 && in_slot(94);
    const bool discharge_slot =
        three_phase_ ? holding(1122) != 0 && in_slot(1118) : holding(59) != 0 && in_slot(56);
    const double target = three_phase_ ? holding(1111) : holding(20) != 0 ? holding(116) : 100;
    if (charge_slot && now_.soc < target) {
        return -kLimitW;
    }
    if (discharge_slot && holding(27) == 0) {
        return kLimitW;
    }
    return holding(59) != 0 && !discharge_slot && surplus < 0 ? 0 : -surplus;
}

void House::step(double seconds) {
    seconds_ += seconds;
    if (seconds_ >= kDay) {
        seconds_ = std::fmod(seconds_, kDay);
        ++day_;
        now_.today = {};
    }
    const double hour = seconds_ / 3600;
    const double sun = std::sin(3.14159265 * (hour - 6) / 12);
    now_.pv = std::round(hour > 6 && hour < 18 ? kPeakW * std::pow(sun, 1.5) : 0);
    const double breakfast = std::exp(-std::pow(hour - 7.5, 2)),
                 dinner = std::exp(-std::pow((hour - 19) / 1.5, 2));
    now_.load = std::round(320 + 1400 * breakfast + 2600 * dinner);
    now_.backup = model_ == "gateway" || model_ == "ems" ? 0 : std::round(now_.load * 0.2);

    double battery =
        std::clamp(wanted_battery(), -kLimitW * holding(111) / 50.0, kLimitW * holding(112) / 50.0);
    if (three_phase_ || model_ == "ems") {
        battery = std::clamp(wanted_battery(), -kLimitW, kLimitW);
    }
    const auto pause = registers_.get(kInverter, kHolding, 318).value_or(0);
    const double floor = three_phase_ ? holding(1109) : holding(110);
    if (((pause & 1) != 0 || now_.soc >= 100) && battery < 0) {
        battery = 0;
    }
    if (((pause & 2) != 0 || now_.soc <= floor) && battery > 0) {
        battery = 0;
    }
    now_.battery = std::round(battery);
    now_.grid = now_.pv + now_.battery - now_.load;
    now_.inverter = now_.load + now_.grid;
    const double hours = seconds / 3600;
    now_.soc = std::clamp(now_.soc - now_.battery * hours / (kPackWh * packs_) * 100, 0.0, 100.0);
    for (Now::Counters* counters : {&now_.today, &now_.total}) {
        const auto add = [&](double& counter, double watts) {
            counter += std::max(watts, 0.0) * hours / 1000;
        };
        add(counters->pv, now_.pv);
        add(counters->import, -now_.grid);
        add(counters->export_, now_.grid);
        add(counters->load, now_.load);
        add(counters->ac_charge, -now_.inverter);
        add(counters->out, now_.inverter);
        add(counters->charge, -now_.battery);
        add(counters->discharge, now_.battery);
    }
}

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
