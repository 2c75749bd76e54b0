#pragma once
// Items that are there only while a user wants them, because they change with every poll.

#include "serialbattery/control/explain.hpp"
#include "velib/tree.hpp"

#include <array>

namespace bms::publication {

/// /JsonData: every item of the service as one nested text; what is invalid is null.
class JsonItem {
  public:
    explicit JsonItem(velib::ItemTree& tree) : tree_(tree) {}
    /// Last of an update: the text has the values that it has set.
    void publish(velib::Update& update, bool wanted);

  private:
    velib::ItemTree& tree_;
    velib::Item* item_ = nullptr;
};

/// /Info/ChargeModeDebug and what belongs to it.
class ExplanationItems {
  public:
    explicit ExplanationItems(velib::ItemTree& tree) : tree_(tree) {}
    /// nullptr: not wanted.
    void publish(velib::Update& update, const control::Explanation* explanation);

  private:
    velib::ItemTree& tree_;
    std::array<velib::Item*, 3> items_{};
};

}  // namespace bms::publication
