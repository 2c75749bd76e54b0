#pragma once
// What the batteries take from other services of the bus: a shunt's current and state of charge, the ESS settings.

#include "serialbattery/control/measurement.hpp"
#include "serialbattery/control/settings.hpp"
#include "velib/bus.hpp"
#include "velib/monitor.hpp"

#include <functional>
#include <memory>
#include <set>
#include <string>

namespace bms {

class Neighbours {
  public:
    explicit Neighbours(velib::BusContext bus) : bus_(std::move(bus)) {}

    /// From now on it is followed what a battery with these settings wants to know; nothing else is.
    void follow(const control::Settings& settings);
    /// Fills in what is known at this moment.
    void fill(control::Surroundings& around, const control::Settings& settings);

  private:
    using Names = std::set<std::string, std::less<>>;

    [[nodiscard]] const velib::MonitoredService* sensor(const control::Settings& settings) const;

    velib::BusContext bus_;
    Names services_;  ///< followed, by the beginning of their names
    Names paths_;
    std::unique_ptr<velib::Monitor> monitor_;
};

}  // namespace bms
