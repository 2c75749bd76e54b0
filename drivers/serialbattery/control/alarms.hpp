#pragma once
// Published alarm levels: what the BMS reports, what is computed, what is suppressed and how levels fall.

#include "serialbattery/battery.hpp"
#include "serialbattery/control/numbers.hpp"
#include "serialbattery/control/settings.hpp"

#include <array>

namespace bms::control {

/// Memory of one alarm that falls late.
struct HeldLevel {
    std::optional<Level> level;
    std::optional<Seconds> lower_since;  ///< the cause has been weaker or gone since then
    Level highest_since = Level::ok;     ///< what it still was meanwhile
};

/// The level to publish: rising at once, falling only after `delay_s` below it.
std::optional<Level> hold_level(HeldLevel& held, std::optional<Level> now, double delay_s, Seconds t);

struct AlarmMemory {
    std::array<HeldLevel, kAlarmCount> held;
};

struct AlarmInput {
    Alarms bms;
    std::optional<double> soc_percent;
    bool own_soc = false;            ///< counted or external: the BMS's LowSoc does not count
    bool reset_charge_near = false;  ///< high voltage warnings are suppressed
};

/// The levels to publish of a good poll, BmsCable excepted. LowSoc is computed where the BMS has none to report.
Alarms publish_alarms(AlarmMemory& memory, const Settings& settings, const AlarmInput& input, Seconds t);

/// LowSoc from a state of charge: an alarm below SOC_LOW_ALARM, a warning below SOC_LOW_WARNING.
[[nodiscard]] std::optional<Level> low_soc_level(const Settings& settings, std::optional<double> soc_percent);

/// The internal errors of the last hours: 180 within 3 h make error code 8.
class InternalErrors {
  public:
    void count(Seconds t);
    /// Clears the code when the errors have become rare; looks once an hour.
    void review(Seconds t);
    [[nodiscard]] bool raised() const { return raised_; }

  private:
    std::vector<Seconds> times_;  ///< ring of the last 180
    std::size_t next_ = 0;
    std::optional<Seconds> reviewed_at_;
    bool raised_ = false;
};

}  // namespace bms::control
