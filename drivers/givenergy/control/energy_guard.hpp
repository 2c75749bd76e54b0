#pragma once
// Energy counters that never run backwards, whatever the device shows for a moment.

#include "givenergy/model/plant.hpp"

namespace givenergy {

/// One counter. After a (re)connection the first three readings are compared and their median counts.
class CounterGuard {
  public:
    /// What to publish after this reading; nothing while nothing is sure.
    Value take(Value reading);
    /// A connection began: the next readings are not trusted singly.
    void begin() { probation_.clear(), on_probation_ = true; }
    /// Times a 16-bit counter has wrapped, to be remembered across restarts.
    [[nodiscard]] int wraps() const { return wraps_; }
    void set_wraps(int wraps) { wraps_ = wraps; }
    /// The device counts in 16 bits of 0.1 kWh.
    void set_narrow(bool narrow) { narrow_ = narrow; }

  private:
    std::vector<double> probation_;
    bool on_probation_ = true;
    bool narrow_ = false;
    int wraps_ = 0;
    Value last_;
    Value published_;
};

/// All lifetime counters of a plant.
class EnergyGuard {
  public:
    /// Replaces the plant's totals by what may be published.
    void apply(Plant& plant);
    void begin();
    [[nodiscard]] int charge_wraps() const { return counters_[kCharge].wraps(); }
    [[nodiscard]] int discharge_wraps() const { return counters_[kDischarge].wraps(); }
    void restore_wraps(int charge, int discharge);

  private:
    static constexpr std::size_t kCharge = 6, kDischarge = 7;
    std::array<CounterGuard, 9> counters_;
};

}  // namespace givenergy
