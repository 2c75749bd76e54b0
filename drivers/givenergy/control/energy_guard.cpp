#include "givenergy/control/energy_guard.hpp"

#include <algorithm>

namespace givenergy {

namespace {

constexpr std::size_t kReadings = 3;
constexpr double kWrap = 6553.6, kNearWrap = 6000, kAfterWrap = 500;

constexpr std::array<Value Energy::*, 9> kMembers{
    &Energy::import,         &Energy::export_,           &Energy::pv,
    &Energy::load,           &Energy::ac_charge,         &Energy::inverter_out,
    &Energy::battery_charge, &Energy::battery_discharge, &Energy::throughput};

}  // namespace

Value CounterGuard::take(Value reading) {
    if (!reading) {
        return published_;
    }
    double now = *reading;
    if (on_probation_) {
        probation_.push_back(now);
        if (probation_.size() < kReadings) {
            return published_;
        }
        std::ranges::sort(probation_);
        now = probation_[kReadings / 2];
        on_probation_ = false;
    }
    if (narrow_ && last_ && *last_ > kNearWrap && now < kAfterWrap) {
        ++wraps_;
    }
    last_ = now;
    const double total = now + wraps_ * kWrap;
    published_ = published_ ? std::max(*published_, total) : total;
    return published_;
}

void EnergyGuard::apply(Plant& plant) {
    const bool narrow =
        live_bank(plant.model) == LiveBank::single_phase && plant.battery.soh_percent == std::nullopt;
    counters_[kCharge].set_narrow(narrow);
    counters_[kDischarge].set_narrow(narrow);
    for (std::size_t i = 0; i < counters_.size(); ++i) {
        plant.total.*kMembers[i] = counters_[i].take(plant.total.*kMembers[i]);
    }
    if (plant.battery.charged_kwh) {
        plant.battery.charged_kwh = plant.total.battery_charge;
        plant.battery.discharged_kwh = plant.total.battery_discharge;
    }
}

void EnergyGuard::begin() {
    for (CounterGuard& counter : counters_) {
        counter.begin();
    }
}

void EnergyGuard::restore_wraps(int charge, int discharge) {
    counters_[kCharge].set_wraps(charge);
    counters_[kDischarge].set_wraps(discharge);
}

}  // namespace givenergy
