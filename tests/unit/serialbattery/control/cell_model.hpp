#pragma once
// Cells in series as the months in fast motion have them: they drift, are bled near full, and give way under current.

#include "serialbattery/control/curve.hpp"
#include "serialbattery/control/measurement.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <random>

namespace bms::control::test {

/// Rest voltage of a lithium iron phosphate cell by its charge.
inline double rest_voltage(double charge) {
    static const Curve kCurve{{-0.02, 0.0, 0.05, 0.10, 0.20, 0.50, 0.90, 0.97, 0.99, 1.00, 1.02},
                              {2.0, 2.6, 3.0, 3.18, 3.25, 3.30, 3.335, 3.36, 3.41, 3.48, 3.80}};
    return *look_up(kCurve, charge, Between::line);
}

class CellModel {
  public:
    static constexpr std::size_t kCells = 16;

    CellModel(std::mt19937& random, double capacity_ah) {
        std::uniform_real_distribution<double> spread(-1, 1);
        for (std::size_t i = 0; i < kCells; ++i) {
            charge_[i] = 0.5 + 0.002 * spread(random);
            capacity_ah_[i] = capacity_ah * (1 + 0.005 * spread(random));
            resistance_ohm_[i] = 0.0006 * 280 / capacity_ah * (1 + 0.2 * spread(random));
        }
    }

    [[nodiscard]] double rest_v() const {
        double sum = 0;
        for (const double charge : charge_) {
            sum += rest_voltage(charge);
        }
        return sum;
    }
    [[nodiscard]] double resistance_ohm() const {
        double sum = 0;
        for (const double ohm : resistance_ohm_) {
            sum += ohm;
        }
        return sum;
    }
    [[nodiscard]] double voltage(std::size_t i) const {
        return rest_voltage(charge_[i]) + current_a_ * resistance_ohm_[i];
    }

    /// `amperes` flow for so long.
    void flow(double amperes, double seconds) {
        current_a_ = amperes;
        const auto emptiest = std::min_element(charge_.begin(), charge_.end()) - charge_.begin();
        const double lowest = voltage(static_cast<std::size_t>(emptiest));
        for (std::size_t i = 0; i < kCells; ++i) {
            const double cell_v = voltage(i);
            const double bleed_a = cell_v > 3.40 && cell_v > lowest + 0.002 ? 2 : 0;
            const double leak_a = 0.002 * static_cast<double>(i % 3);
            charge_[i] += (current_a_ - bleed_a - leak_a) * seconds / 3600 / capacity_ah_[i];
            highest_ever_ = std::max(highest_ever_, cell_v);
            lowest_ever_ = std::min(lowest_ever_, cell_v);
        }
    }

    /// As a BMS states it.
    void read(Measurement& reading) const {
        reading.cells.resize(kCells);
        double sum = 0;
        for (std::size_t i = 0; i < kCells; ++i) {
            reading.cells[i] = std::round(voltage(i) * 1000) / 1000;
            sum += *reading.cells[i];
        }
        const double charge = *std::min_element(charge_.begin(), charge_.end());
        reading.voltage_v = std::round(sum * 100) / 100;
        reading.current_a = std::round(current_a_ * 10) / 10;
        reading.soc_percent = std::round(std::min(1.0, std::max(0.0, charge)) * 1000) / 10;
    }

    [[nodiscard]] double highest_ever() const { return highest_ever_; }
    [[nodiscard]] double lowest_ever() const { return lowest_ever_; }

  private:
    std::array<double, kCells> charge_{};
    std::array<double, kCells> capacity_ah_{};
    std::array<double, kCells> resistance_ohm_{};
    double current_a_ = 0;
    double highest_ever_ = 0;
    double lowest_ever_ = 9;
};

/// What the panels give beyond what the house takes; negative: it draws from the battery.
inline double surplus_a(double time_of_day_s, double cloud) {
    const double sun = std::max(0.0, std::sin((time_of_day_s / 86400 - 0.25) * 2 * 3.14159265358979));
    return 150 * cloud * sun - 18 - 12 * std::sin(time_of_day_s / 5000);
}

}  // namespace bms::control::test
