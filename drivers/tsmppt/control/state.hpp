#pragma once
// What the driver remembers of one controller across restarts, and its text form. Pure; drivers/common/state_file.hpp
// brings it to the disk.

#include "tsmppt/control/history.hpp"
#include "tsmppt/control/override.hpp"

#include <optional>
#include <string>

namespace tristar {

struct State {
    History history;
    Override wanted;
    /// Whether the override registers were last written by this driver and not released yet.
    bool overriding = false;
    /// Whether the driver has stopped charging to write set points and not released it yet.
    bool stopped_for_profile = false;
    std::optional<int> system_volts;  ///< 12, 24 or 48, as it was last recognised

    friend bool operator==(const State&, const State&) = default;
};

/// JSON, for people to read.
[[nodiscard]] std::string to_text(const State& state);

/// Nothing when the text is cut off, foreign, or holds what cannot be (a negative yield, more than 31 days, a day
/// after the last poll): then the history begins anew rather than with nonsense.
[[nodiscard]] std::optional<State> from_text(const std::string& text);

}  // namespace tristar
