#pragma once
// Writing a charge profile into a controller, step by step, so that it never charges with half of one.

#include "tsmppt/control/profile.hpp"
#include "tsmppt/link.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>

namespace tristar {

struct ProfileHooks {
    std::function<void(std::string_view phase, int percent)> progress;
    std::function<void(const Charger&)> reading;  ///< every good reading on the way, for the history
    std::function<void()> before_reset;           ///< the daily registers are about to be cleared
};

/// Stops charging, writes and verifies each set point, restarts the controller and verifies again. Should that fail,
/// the former set points are written and the controller is restarted with them. `plan` must not be empty. What went
/// wrong, in a sentence; empty: nothing. In any case the caller has to let the controller charge again (coil 2).
boost::asio::awaitable<std::string> write_profile(Link& link, std::vector<SetPointWrite> plan,
                                                  double volts_per_unit, ProfileHooks hooks);

/// Asks every half second until the controller answers soundly again, for 20 s. False when it does not.
boost::asio::awaitable<bool> wait_for_restart(Link& link);

/// Restarts the control processor. Silence is success: the answer often does not arrive. False when it was refused.
boost::asio::awaitable<bool> restart_controller(Link& link);

}  // namespace tristar
