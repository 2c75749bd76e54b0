#pragma once
// What must survive a restart, as text of a small file.

#include "givenergy/control/overrides.hpp"

#include <string>

namespace givenergy {

struct SiteState {
    std::optional<Override> running;
    int saved_reserve = 4;  ///< what Eco restores
    int charge_wraps = 0, discharge_wraps = 0;
    friend bool operator==(const SiteState&, const SiteState&) = default;
};

[[nodiscard]] std::string to_text(const SiteState& state);
/// Nothing if the text is damaged.
[[nodiscard]] std::optional<SiteState> parse_site_state(const std::string& text);

}  // namespace givenergy
