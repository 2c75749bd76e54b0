#pragma once
// The topics of later GivTCP versions: underscores, and the meaning the names say. docs/givenergy.md, "MQTT".

#include "givenergy/publication/view.hpp"
#include "givenergy/readout/readout.hpp"

namespace givenergy {

/// Groups are paths below <root>/<inverter serial>; the empty group stands for the serial itself.
[[nodiscard]] Readout read_v3(const Topology& topology, const View& view);

/// Topic of a value in this set.
[[nodiscard]] std::string v3_topic(std::string_view root, std::string_view serial, const ReadoutEntry& entry);

}  // namespace givenergy
