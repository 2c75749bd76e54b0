#pragma once
// What the simulated GX has attached, and how it lives through a day.

#include "simulators/gxmodbus/gx_server.hpp"

namespace gxsim {

/// The services of a plant with an inverter/charger, a CAN battery, two solar chargers, a grid meter, a PV inverter,
/// tanks, temperatures and some smaller devices, at the values of a quiet moment.
void furnish_house(GxServer& server);

/// Solar power, loads, battery and grid of the house, coherent with each other, at one time of the day.
class HouseDay {
  public:
    explicit HouseDay(GxServer& server) : server_(server) {}

    /// Moves on by some simulated seconds and publishes everything that follows from it.
    void advance(double seconds);
    [[nodiscard]] double hour() const { return hour_; }

  private:
    void publish(double solar_watts, double load_watts, double battery_watts, double grid_watts);

    GxServer& server_;
    double hour_ = 9.0;
    double soc_percent_ = 83;
    double solar_kwh_[2] = {3.1, 2.4};
    double forward_kwh_ = 1234.56;
    double reverse_kwh_ = 987.65;
    double pv_inverter_kwh_ = 70000.5;
    double fresh_water_percent_ = 57.3;
};

}  // namespace gxsim
