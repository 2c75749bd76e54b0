#pragma once
// The traffic of another master with the batteries on its bus.

#include "serialbattery/detect/plan.hpp"
#include "serialbattery/family.hpp"
#include "wire/bytes.hpp"

#include <functional>
#include <memory>
#include <vector>

namespace bms {

class Overhearing {
  public:
    explicit Overhearing(const Family& family) : family_(family) {}

    /// Hands every good reply that ends in `bytes`, and the request before it, to `take`.
    void hear(Bytes bytes, const std::function<void(Bytes frame, Bytes request)>& take);

  private:
    const Family& family_;
    wire::Buffer heard_;
    wire::Buffer request_;
};

/// A battery that may be there, and a session that only listens to it.
struct Listener {
    Location place;
    std::unique_ptr<Session> session;
};
/// One for every address that may be overheard where the traffic of `found` was.
[[nodiscard]] std::vector<Listener> listeners_at(const Location& found, const Options& options = {});

}  // namespace bms
