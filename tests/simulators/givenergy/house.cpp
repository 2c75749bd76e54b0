#include "simulators/givenergy/house.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>

namespace gesim {

namespace {

constexpr std::uint8_t kMeterProduct = 0x16;
constexpr double kDay = 86400, kLimitW = 2600, kPeakW = 4600;
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

}  // namespace gesim
