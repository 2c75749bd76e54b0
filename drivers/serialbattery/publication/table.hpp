#pragma once
// Every path of a battery's service that shows something, in one table; and those whose number depends on the
// battery: cells, sensors, times to states of charge.

#include "serialbattery/publication/view.hpp"
#include "velib/publication.hpp"

#include <optional>
#include <span>
#include <vector>

namespace bms::publication {

/// What every battery and every bank has.
[[nodiscard]] std::span<const velib::Row<View>> rows();
/// What makes the service a managed battery.
[[nodiscard]] std::span<const velib::Row<View>> limit_rows();

/// Those rows' items: there, or left out where another service controls the system.
class LimitItems {
  public:
    explicit LimitItems(velib::ItemTree& tree) : tree_(tree) {}
    [[nodiscard]] bool shown() const { return items_.has_value(); }
    /// Who controls the system is decided when a name appears: only while the service is off the bus.
    void show(bool shown);
    void publish(velib::Update& update, const View& view);

  private:
    velib::ItemTree& tree_;
    std::optional<velib::Publication<View>> items_;
};

/// Single cells, as BATTERY_CELL_DATA_FORMAT wants them, and their balancing; those that were there before go.
class CellItems {
  public:
    CellItems(velib::ItemTree& tree, const control::Settings& settings, std::size_t cell_count);
    void publish(velib::Update& update, const View& view);

  private:
    struct Items {
        std::vector<velib::Item*> volts;
        std::vector<velib::Item*> balancing;
        velib::Item* sum = nullptr;
        velib::Item* diff = nullptr;
    };
    Items items_;
};

/// /TimeToSoC/<point>; made anew when the points change.
class TimeToSocItems {
  public:
    explicit TimeToSocItems(velib::ItemTree& tree) : tree_(tree) {}
    void publish(velib::Update& update, const View& view);

  private:
    velib::ItemTree& tree_;
    control::List points_;
    double form_ = 0;
    std::vector<velib::Item*> items_;
};

}  // namespace bms::publication
