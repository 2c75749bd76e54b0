#pragma once
// D-Bus paths of the services, each written once: docs/givenergy.md, "Paths". The only place of the driver that
// names paths of measured values.

#include "givenergy/publication/view.hpp"
#include "velib/publication.hpp"

namespace givenergy {

using ViewRow = velib::Row<View>;
using ViewTable = std::span<const ViewRow>;

/// The tables that make up a service of this installation; phases and features decide which apply.
[[nodiscard]] std::vector<ViewTable> tables_of(ServiceKind service, const Topology& topology);

/// Cells of a battery service, added when the number of cells is known: /Voltages/Cell1 ...
[[nodiscard]] std::string cell_path(std::size_t number);

/// The name of a service kind as in bus names.
[[nodiscard]] std::string_view to_string(ServiceKind kind);

/// State as Victron counts it: 0 off, 1 low power, 2 fault, 3 bulk, 4 absorption, 8 pass-through, 9 inverting,
/// 10 assisting, 252 external control.
[[nodiscard]] std::optional<int> inverter_state(const View& view);

/// The publications of one service in a tree.
class ServiceItems {
  public:
    ServiceItems(velib::ItemTree& tree, ServiceKind kind, const Topology& topology);
    void publish(velib::Update& update, const View& view);
    void invalidate(velib::Update& update);

  private:
    velib::ItemTree& tree_;
    ServiceKind kind_;
    std::vector<velib::Publication<View>> publications_;
    std::vector<velib::Item*> cells_;
};

}  // namespace givenergy
