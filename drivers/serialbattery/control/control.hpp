#pragma once
// One poll of one battery: everything the service publishes beside the raw readings.
//
// A good poll works in this order: current, power, state of charge; temperatures; reset charge and charge
// voltage; current limits; state and errors; what is published; average current and time to go; history. What
// one step learns reaches the steps before it with the next poll.

#include "serialbattery/control/alarms.hpp"
#include "serialbattery/control/charge_voltage.hpp"
#include "serialbattery/control/connection.hpp"
#include "serialbattery/control/current_limits.hpp"
#include "serialbattery/control/history.hpp"
#include "serialbattery/control/state_of_charge.hpp"
#include "serialbattery/control/temperatures.hpp"
#include "serialbattery/control/time_to_go.hpp"

namespace bms::control {

/// What is published of a battery. Nothing where a value is not known (yet). Units as on the bus.
struct Output {
    // Live values
    std::optional<double> voltage_v;  ///< rounded to 0.01, as are current and power
    std::optional<double> current_a;
    std::optional<double> power_w;
    std::optional<double> soc_percent;       ///< rounded to 0.01
    std::optional<double> soc_bms_percent;   ///< only while the state of charge is counted or external
    std::optional<double> remaining_bms_ah;  ///< only together with it
    std::optional<double> capacity_ah;
    std::optional<double> remaining_ah;
    std::optional<double> consumed_ah;  ///< never positive
    std::optional<double> current_average_a;
    CellSummary cells;
    Temperatures temperatures;
    std::optional<Midpoint> midpoint;
    TimeToGo time_to_go;

    // Limits
    std::optional<double> charge_voltage_v;        ///< CVL: with VOLTAGE_DROP, rounded to 0.01
    std::optional<double> charge_voltage_exact_v;  ///< before both
    std::optional<double> max_cell_voltage_v;      ///< battery maximum by cells
    std::optional<double> low_voltage_v;
    std::optional<double> charge_current_a;     ///< CCL
    std::optional<double> discharge_current_a;  ///< DCL
    LimitTarget charge_target;                  ///< of the moment, before the update rule (for a bank)
    LimitTarget discharge_target;
    Limitation charge_limitation;
    Limitation discharge_limitation;
    Phase phase = Phase::none;
    CellOvp cell_ovp = CellOvp::none;
    bool reset_charge = false;  ///< its mark is shown
    std::string charge_mode;
    bool charge_request = false;

    // State
    std::optional<bool> allow_charge;
    std::optional<bool> allow_discharge;
    int state = 0;                  ///< /State
    std::optional<int> mode;        ///< /Mode
    std::optional<int> error_code;  ///< /ErrorCode
    std::optional<bool> online;
    Alarms alarms;  ///< BmsCable apart
    Level bms_cable = Level::ok;
    std::string connection;

    // History
    HistoryValues history;
    std::optional<std::int64_t> since_full_charge_s;

    /// The BMS's own counter is to be set to 100 %: float has just begun and AUTO_RESET_SOC is on.
    bool set_bms_full = false;
    /// The service has to leave the bus; nothing changes any more.
    bool gone = false;
};

/// Everything remembered between two polls of a battery.
struct State {
    ChargeVoltage voltage;
    PublishedLimit charge;
    PublishedLimit discharge;
    SocCounter soc;
    FlowMeter flow;
    CurrentAverage average;
    TimeToGo time_to_go;
    History history;
    Connection connection;
    AlarmMemory alarms;
    InternalErrors errors;
    std::optional<Millis> last_good;
    Output out;
};

/// What does not change from poll to poll, or rarely.
struct Context {
    const Settings& settings;
    const Pack& pack;
    const Surroundings& around;
    Millis interval{1000};  ///< between two polls
};

/// Whether a reading can be true: capacity 0...5000 Ah, current within 1000 A, voltage 0...100 V, state of charge
/// 0...100 %, all of them finite.
[[nodiscard]] bool plausible(const Measurement& reading, const Pack& pack);

/// One poll. `reading` is nullptr when the battery did not answer; an implausible reading counts as no answer.
/// The result is state.out. Returns whether the poll was good.
bool poll(State& state, const Context& context, const Measurement* reading, Millis now);

/// The user says what the state of charge is (counting only).
void set_soc(State& state, const Context& context, double percent);

/// The user clears a part of the history.
void clear_history(State& state, const Context& context, HistoryGroup group, Millis now);

/// /DeviceState as the Python driver publishes it.
[[nodiscard]] int device_state(const Output& out);

inline constexpr int kStateInitialising = 0;
inline constexpr int kStateRunning = 9;
inline constexpr int kStateError = 10;
inline constexpr int kStateStandby = 14;
inline constexpr int kModeOn = 3;
inline constexpr int kModeOff = 4;
inline constexpr int kModeStandby = 0xfc;
inline constexpr int kErrorInternal = 8;
inline constexpr int kErrorSettings = 119;

}  // namespace bms::control
