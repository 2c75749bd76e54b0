#pragma once
// Carries overrides out on a controller: when to write which register, and to leave slave control properly.

#include "tsmppt/control/override.hpp"
#include "tsmppt/link.hpp"
#include "tsmppt/logbook.hpp"
#include "tsmppt/publication.hpp"
#include "tsmppt/settings.hpp"

#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>

namespace tristar {

class SlaveControl {
  public:
    /// `rated_amps`: of the controller. Everything given by reference outlives this object.
    SlaveControl(Link& link, Logbook& book, const Config& config, double rated_amps, std::string label);

    /// What a user asks for; zero or less ends it. False, after a line in the log, when it cannot be.
    bool request_volts(double volts, const SetPoints& points);
    bool request_amps(double amps, const SetPoints& points);

    /// What the GX asks for; obeyed only with Config::external_control.
    void set_network_mode(std::int32_t mode) { network_mode_ = mode; }
    void set_link_volts(double volts, const Moment& now);
    void set_link_amps(double amps, const Moment& now);
    /// True once when the GX has stopped asking.
    [[nodiscard]] bool take_expired(const Moment& now);

    /// Whether the registers have to be read along with the next reading.
    [[nodiscard]] bool wants_registers() const;

    /// Takes a reading into account and writes or releases the registers when that is due. True when a new reading
    /// should follow at once to show the effect.
    boost::asio::awaitable<bool> drive(const Charger& charger, const SetPoints& points, const Moment& now);

    /// Ends the override in the controller. False when the controller did not confirm it.
    boost::asio::awaitable<bool> release();
    /// Whether registers are (or may be) under override.
    [[nodiscard]] bool engaged() const { return book_.state().overriding; }

    /// Whether anybody wants or has an override: then the controller must hear from us at least once a minute.
    [[nodiscard]] bool in_use() const;

    [[nodiscard]] OverrideStatus status(const Charger& charger) const;

  private:
    [[nodiscard]] wire::Expected<OverrideLimits, OverrideFault> limits(const SetPoints& points) const;
    bool refuse(OverrideFault fault, double value, std::string_view unit);
    bool accept();
    void resume_or_drop(const Moment& now);
    boost::asio::awaitable<bool> write(const SlaveTarget& target, double volts_per_unit, double highest_volts,
                                       const Moment& now);
    [[nodiscard]] GxWishes wishes() const;

    Link& link_;
    Logbook& book_;
    const Config& config_;
    double rated_amps_;
    std::string label_;
    SlaveWrites writes_;
    GxWishes wishes_;
    std::int32_t network_mode_ = 0;
    bool link_fresh_ = false;
    bool started_ = false;
};

}  // namespace tristar
