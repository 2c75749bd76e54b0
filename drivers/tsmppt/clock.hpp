#pragma once
// The time as the user of the GX reads it.

#include "tsmppt/control/history.hpp"

#include <optional>
#include <string>

namespace tristar {

class Clock {
  public:
    Clock();

    /// The time zone of the GX: a name of the zone database ("Europe/Oslo") or the POSIX notation ("CET-1CEST").
    /// For "/UTC", which a GX has until its user chooses, and for names that do not exist, the machine's own zone.
    /// False when the name does not exist.
    bool set_zone(const std::string& zone);

    [[nodiscard]] Moment now() const;

  private:
    std::optional<std::string> machine_zone_;  ///< TZ as the process found it
};

/// "2024-10-04 13:30" in the zone that set_zone() has chosen.
[[nodiscard]] std::string local_time_text(std::int64_t unix_seconds);

}  // namespace tristar
