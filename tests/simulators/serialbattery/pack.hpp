#pragma once
// The battery behind every simulator: cells with capacity, resistance, imbalance and balancing.

#include "serialbattery/battery.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace bms::sim {

/// Open-circuit voltage of an LFP cell at a state of charge of 0..1.
[[nodiscard]] inline double lfp_volts(double soc) {
    constexpr std::array<std::pair<double, double>, 9> kCurve{{{0.00, 2.60},
                                                               {0.05, 3.00},
                                                               {0.10, 3.18},
                                                               {0.30, 3.26},
                                                               {0.60, 3.30},
                                                               {0.90, 3.335},
                                                               {0.97, 3.37},
                                                               {1.00, 3.45},
                                                               {1.05, 3.75}}};
    soc = std::clamp(soc, kCurve.front().first, kCurve.back().first);
    for (std::size_t i = 1; i < kCurve.size(); ++i) {
        if (soc <= kCurve[i].first) {
            const auto [x0, y0] = kCurve[i - 1];
            const auto [x1, y1] = kCurve[i];
            return y0 + (y1 - y0) * (soc - x0) / (x1 - x0);
        }
    }
    return kCurve.back().second;
}

struct SimCell {
    double soc = 0.6;
    double capacity_ah = 100;
    double resistance_ohm = 0.0008;
    bool balancing = false;
};

class Pack {
  public:
    explicit Pack(std::size_t cells = 16, double capacity = 100) : cells_(cells) {
        for (std::size_t i = 0; i < cells; ++i) {
            cells_[i].capacity_ah = capacity * (1 + 0.002 * static_cast<double>(i % 3));
            cells_[i].soc = 0.6 + 0.001 * static_cast<double>(i % 5);
        }
    }

    // What a load or charger asks for; a FET that is open lets nothing pass.
    double wanted_a = 5.0;
    bool charge_allowed = true;
    bool discharge_allowed = true;
    bool balancer_on = true;
    bool heating = false;
    std::array<double, 4> celsius{21.5, 22.0, 20.5, 21.0};
    double mosfet_celsius = 25.5;
    unsigned cycles = 42;
    double soh_pct = 98;
    std::array<Level, kAlarmCount> alarms{};

    void step(double seconds) {
        const double ah = amperes() * seconds / 3600;
        double lowest = 9;
        for (std::size_t i = 0; i < cells_.size(); ++i) {
            lowest = std::min(lowest, volts(i));
        }
        for (std::size_t i = 0; i < cells_.size(); ++i) {
            auto& cell = cells_[i];
            cell.balancing = balancer_on && volts(i) > 3.40 && volts(i) > lowest + 0.01;
            const double bled = cell.balancing ? 0.1 * seconds / 3600 : 0;
            cell.soc = std::clamp(cell.soc + (ah - bled) / cell.capacity_ah, 0.0, 1.05);
        }
    }
    [[nodiscard]] double amperes() const {
        return (wanted_a > 0 && !charge_allowed) || (wanted_a < 0 && !discharge_allowed) ? 0 : wanted_a;
    }
    [[nodiscard]] std::size_t size() const { return cells_.size(); }
    [[nodiscard]] double volts(std::size_t i) const {
        return lfp_volts(cells_[i].soc) + amperes() * cells_[i].resistance_ohm;
    }
    [[nodiscard]] unsigned millivolts(std::size_t i) const {
        return i < cells_.size() ? static_cast<unsigned>(std::lround(volts(i) * 1000)) : 0;
    }
    [[nodiscard]] double voltage() const {
        double sum = 0;
        for (std::size_t i = 0; i < cells_.size(); ++i) {
            sum += millivolts(i) / 1000.0;
        }
        return sum;
    }
    [[nodiscard]] double capacity_ah() const { return cells_.front().capacity_ah; }
    [[nodiscard]] double soc_pct() const { return std::clamp(cells_.front().soc * 100, 0.0, 100.0); }
    void set_soc(double pct) {
        for (auto& cell : cells_) {
            cell.soc = pct / 100;
        }
    }
    [[nodiscard]] double remaining_ah() const { return capacity_ah() * soc_pct() / 100; }
    [[nodiscard]] std::uint32_t balance_mask() const {
        std::uint32_t mask = 0;
        for (std::size_t i = 0; i < cells_.size(); ++i) {
            mask |= cells_[i].balancing ? 1u << i : 0u;
        }
        return mask;
    }
    [[nodiscard]] bool alarm(Alarm which, Level at_least = Level::alarm) const {
        return alarms[static_cast<std::size_t>(which)] >= at_least;
    }

  private:
    std::vector<SimCell> cells_;
};

/// A bit of an alarm word a simulator can set.
struct AlarmBit {
    Alarm alarm;
    unsigned bit;
};
/// The word with the bits of the pack's alarms (those at level 2).
template <std::size_t count>
[[nodiscard]] std::uint32_t alarm_word(const Pack& pack, const std::array<AlarmBit, count>& bits) {
    std::uint32_t word = 0;
    for (const auto& bit : bits) {
        word |= pack.alarm(bit.alarm) ? 1u << bit.bit : 0u;
    }
    return word;
}

}  // namespace bms::sim
