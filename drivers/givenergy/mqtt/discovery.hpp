#pragma once
// Home Assistant discovery: what to announce for an installation.

#include "givenergy/readout/v3.hpp"

namespace givenergy {

struct Announcement {
    std::string topic;
    std::string payload;  ///< JSON, to be published retained
};

struct DiscoveryPlace {
    std::string prefix;  ///< "homeassistant"
    std::string root;    ///< of our topics
    std::string status_topic;
    bool control = false;  ///< announce numbers, switches, selections and buttons as well
};

/// One entity for each value of the readout that has a unit or a meaning to Home Assistant.
[[nodiscard]] std::vector<Announcement> announcements(const Topology& topology, const Readout& readout,
                                                      const DiscoveryPlace& place);

}  // namespace givenergy
