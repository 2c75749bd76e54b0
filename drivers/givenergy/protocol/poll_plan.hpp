#pragma once
// Which banks to read when, with the fewest requests: docs/protocols/givenergy.md, "Polling".

#include "givenergy/protocol/topology.hpp"

namespace givenergy {

/// Settings banks: read at the start, every few minutes and after writes.
[[nodiscard]] std::vector<Request> full_requests(const Topology& topology);

/// Live banks of quick cycle number `cycle` (0, 1, 2 ...). What changes slowly is left out of most cycles; of
/// high-voltage modules one is read per cycle, in turn. The first request is the one the cycle is about: when it
/// fails the cycle failed.
[[nodiscard]] std::vector<Request> quick_requests(const Topology& topology, unsigned cycle);

/// The settings bank that holds a register, for reading it back.
[[nodiscard]] Request settings_bank(std::uint16_t reg, const Topology& topology);

/// An optional bank that failed three times in a row rests until the next full refresh.
class Suspensions {
  public:
    [[nodiscard]] bool rests(const Request& request) const;
    /// Returns true when this failure sends the bank to rest.
    bool failed(const Request& request);
    void succeeded(const Request& request) { failures_.erase(request); }
    void refresh() { failures_.clear(); }

  private:
    std::map<Request, int> failures_;
};

}  // namespace givenergy
