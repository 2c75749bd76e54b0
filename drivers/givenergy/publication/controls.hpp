#pragma once
// Writable items, all below /GivEnergy so that no part of Venus writes them by accident: docs/givenergy.md, "Control".

#include "givenergy/publication/tables.hpp"

#include <functional>

namespace givenergy {

/// Hands a control function over; false if it is refused at once.
using Submit = std::function<bool(std::string function, Arguments arguments)>;

/// The control items of one installation in a tree; which there are depends on the model.
class ControlItems {
  public:
    ControlItems(velib::ItemTree& tree, const Topology& topology, const Consent& consent, Submit submit);
    void publish(velib::Update& update, const View& view);
    void invalidate(velib::Update& update);

  private:
    struct Slot {
        velib::Item* start = nullptr;
        velib::Item* end = nullptr;
        velib::Item* target = nullptr;
    };

    void add_table(velib::ItemTree& tree, const Topology& topology);
    void add_slots(velib::ItemTree& tree, const Topology& topology, const Consent& consent, bool charge);
    [[nodiscard]] velib::WriteHandler handler(std::string function,
                                              velib::Value (*word)(const velib::Value&)) const;

    Submit submit_;
    std::vector<std::pair<const ViewRow*, velib::Item*>> rows_;
    std::array<Slot, 10> charge_{}, discharge_{};
};

}  // namespace givenergy
