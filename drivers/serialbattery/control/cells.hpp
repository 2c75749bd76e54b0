#pragma once
// The cells of one string: which readings are plausible, their extremes, sum and middle.

#include "serialbattery/control/measurement.hpp"
#include "serialbattery/control/numbers.hpp"

#include <span>

namespace bms::control {

using CellSpan = std::span<const std::optional<double>>;

/// The cells of one string as they were read: single ones, or only their extremes and the pack's voltage.
struct StringReading {
    CellSpan cells;
    std::optional<CellExtremes> extremes;  ///< counts when there are no single cells
    std::optional<double> pack_v;
};

[[nodiscard]] inline StringReading string_of(const Measurement& reading) {
    return {.cells = reading.cells, .extremes = reading.extremes, .pack_v = reading.voltage_v};
}

/// A reading counts when it is a number of 0...2 x MAX_CELL_VOLTAGE.
[[nodiscard]] bool cell_plausible(std::optional<double> cell_v, double max_cell_v);

/// The plausible cells of a string. Extremes and sum need `any`.
struct CellSummary {
    bool any = false;       ///< at least one plausible cell
    bool complete = false;  ///< every cell of the string is plausible
    double min_v = 0;
    double max_v = 0;
    std::size_t min_cell = 0;  ///< counted from 1; the first one wins a tie; 0: not known
    std::size_t max_cell = 0;
    Microvolts sum = 0;

    [[nodiscard]] Microvolts diff() const { return microvolts(max_v) - microvolts(min_v); }
};

/// Cells beyond `cell_count` are ignored, missing ones make the string incomplete. Of a string without single
/// cells the extremes have no number and the pack's voltage is the sum.
[[nodiscard]] CellSummary summarise(const StringReading& string, std::size_t cell_count, double max_cell_v);

/// What the cells of a complete string have above `reference`, in all.
[[nodiscard]] Microvolts excess_above(const StringReading& string, std::size_t cell_count,
                                      Microvolts reference);

struct Midpoint {
    double volts;
    double deviation_percent;  ///< never negative
};

/// Voltage in the middle of a string of at least 4 plausible cells and how far its halves are apart; the middle
/// cell of an odd count belongs half to each for the voltage, to neither for the deviation.
[[nodiscard]] std::optional<Midpoint> midpoint(CellSpan cells, std::size_t cell_count, double max_cell_v);

}  // namespace bms::control
