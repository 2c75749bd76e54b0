#include "serialbattery/control/cells.hpp"

#include <algorithm>
#include <cmath>

namespace bms::control {

namespace {

CellSummary from_extremes(const StringReading& string, double max_cell_v) {
    CellSummary summary;
    const CellExtremes& extremes = *string.extremes;
    summary.any = string.pack_v && cell_plausible(extremes.min_v, max_cell_v)
                  && cell_plausible(extremes.max_v, max_cell_v) && extremes.min_v <= extremes.max_v;
    if (summary.any) {
        summary.complete = true;
        summary.min_v = extremes.min_v;
        summary.max_v = extremes.max_v;
        summary.sum = microvolts(*string.pack_v);
    }
    return summary;
}

}  // namespace

bool cell_plausible(std::optional<double> cell_v, double max_cell_v) {
    return cell_v && std::isfinite(*cell_v) && *cell_v >= 0
           && microvolts(*cell_v) <= 2 * microvolts(max_cell_v);
}

CellSummary summarise(const StringReading& string, std::size_t cell_count, double max_cell_v) {
    if (string.cells.empty() && string.extremes) {
        return from_extremes(string, max_cell_v);
    }
    const CellSpan cells = string.cells;
    CellSummary summary;
    summary.complete = cell_count > 0 && cells.size() >= cell_count;
    for (std::size_t i = 0; i < std::min(cells.size(), cell_count); ++i) {
        if (!cell_plausible(cells[i], max_cell_v)) {
            summary.complete = false;
            continue;
        }
        const double cell_v = *cells[i];
        if (!summary.any || cell_v < summary.min_v) {
            summary.min_v = cell_v;
            summary.min_cell = i + 1;
        }
        if (!summary.any || cell_v > summary.max_v) {
            summary.max_v = cell_v;
            summary.max_cell = i + 1;
        }
        summary.sum += microvolts(cell_v);
        summary.any = true;
    }
    return summary;
}

Microvolts excess_above(const StringReading& string, std::size_t cell_count, Microvolts reference) {
    const auto excess = [reference](double cell_v) {
        return std::max<Microvolts>(0, microvolts(cell_v) - reference);
    };
    if (string.cells.empty()) {
        return string.extremes ? excess(string.extremes->max_v) : 0;
    }
    Microvolts sum = 0;
    for (std::size_t i = 0; i < std::min(string.cells.size(), cell_count); ++i) {
        sum += excess(string.cells[i].value_or(0));
    }
    return sum;
}

std::optional<Midpoint> midpoint(CellSpan cells, std::size_t cell_count, double max_cell_v) {
    constexpr std::size_t kFewestCells = 4;
    if (cell_count < kFewestCells
        || !summarise({.cells = cells, .extremes = {}, .pack_v = {}}, cell_count, max_cell_v).complete) {
        return std::nullopt;
    }
    const std::size_t half = cell_count / 2;
    double lower = 0;
    double upper = 0;
    for (std::size_t i = 0; i < half; ++i) {
        lower += *cells[i];
        upper += *cells[cell_count - half + i];
    }
    const double middle = cell_count % 2 == 0 ? 0 : *cells[half] / 2;
    if (lower + upper <= 0) {
        return std::nullopt;
    }
    return Midpoint{.volts = lower + middle,
                    .deviation_percent = std::fabs(upper - lower) / (upper + lower) * 100};
}

}  // namespace bms::control
