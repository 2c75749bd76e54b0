#include "serialbattery/cli/monitor_view.hpp"

#include "serialbattery/cli/battery_text.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace bms::cli {
namespace {

using control::Direction;

std::string value_text(const std::optional<double>& value, int decimals, std::string_view unit) {
    return value ? fmt::format("{:.{}f} {}", *value, decimals, unit) : fmt::format("- {}", unit);
}

std::string switch_text(const std::optional<bool>& state) {
    return !state ? "-" : *state ? "on" : "off";
}

std::string because(const std::string& reason) {
    return reason.empty() ? "" : " (" + reason + ")";
}

/// " 7 3.312 V *": the lowest is marked with v, the highest with ^, a balancing one with *.
std::string cell_text(const Watched& watched, std::size_t index) {
    const auto& cell = watched.battery.cells[index];
    const auto& summary = watched.out.cells;
    const bool differ = summary.any && summary.min_cell != summary.max_cell;
    const char* mark = !differ                         ? " "
                       : summary.min_cell == index + 1 ? "v"
                       : summary.max_cell == index + 1 ? "^"
                                                       : " ";
    return fmt::format("{:2} {:>5} V {}{}", index + 1, cell.volts ? fmt::format("{:.3f}", *cell.volts) : "-",
                       mark, cell.balancing.value_or(false) ? "*" : " ");
}
constexpr std::size_t kCellWidth = 15;
constexpr std::size_t kIndent = 14;

void add_cells(const Watched& watched, std::size_t columns, std::vector<std::string>& lines) {
    const auto& cells = watched.battery.cells;
    const std::size_t across =
        std::clamp<std::size_t>((columns - std::min(columns, kIndent)) / kCellWidth, 1, 8);
    for (std::size_t first = 0; first < cells.size(); first += across) {
        std::string line = fmt::format("{:<{}}", first == 0 ? "cells" : "", kIndent);
        for (std::size_t i = first; i < std::min(cells.size(), first + across); ++i) {
            line += fmt::format("{:<{}}", cell_text(watched, i), kCellWidth);
        }
        lines.push_back(std::move(line));
    }
    const auto& summary = watched.out.cells;
    if (summary.any) {
        lines.push_back(fmt::format("{:<{}}{:.3f} to {:.3f} V, {:.0f} mV apart", cells.empty() ? "cells" : "",
                                    kIndent, summary.min_v, summary.max_v,
                                    (summary.max_v - summary.min_v) * 1000));
    }
}

std::string temperatures_text(const Battery& battery) {
    std::string text;
    for (const auto& sensor : battery.temperatures) {
        text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name_of(sensor.place),
                            value_text(sensor.celsius, 1, "°C"));
    }
    return text.empty() ? "-" : text;
}

}  // namespace

std::vector<std::string> monitor_screen(const Watched& watched, std::size_t columns) {
    const auto& battery = watched.battery;
    const auto& out = watched.out;
    std::vector<std::string> lines;
    const auto add = [&lines](std::string_view title, const std::string& text) {
        lines.push_back(fmt::format("{:<{}}{}", title, kIndent, text));
    };
    lines.push_back(watched.title);
    add("polls", fmt::format("{}, {} without an answer{}", watched.polls, watched.unanswered,
                             watched.silent ? "; SILENT now" : ""));
    add("battery",
        fmt::format("{}, {}, {}, {}", value_text(out.voltage_v, 2, "V"), value_text(out.current_a, 2, "A"),
                    value_text(out.power_w, 0, "W"), value_text(out.soc_percent, 1, "%")));
    add("capacity",
        fmt::format("{} of {}", value_text(out.remaining_ah, 1, "Ah"), value_text(out.capacity_ah, 1, "Ah")));
    add("switches", fmt::format("charging {}, discharging {}, balancing {}", switch_text(battery.charge_fet),
                                switch_text(battery.discharge_fet), switch_text(battery.balancing)));
    add_cells(watched, columns, lines);
    add("temperatures", temperatures_text(battery));
    add("charge", fmt::format("{}, {}{}", value_text(out.charge_voltage_v, 2, "V"),
                              value_text(out.charge_current_a, 1, "A"),
                              because(control::limitation_text(out.charge_limitation, Direction::charge))));
    add("discharge", value_text(out.discharge_current_a, 1, "A")
                         + because(control::limitation_text(out.discharge_limitation, Direction::discharge)));
    add("phase", out.charge_mode.empty() ? std::string(control::phase_name(out.phase)) : out.charge_mode);
    add("alarms", alarms_text(out.alarms));
    return lines;
}

std::string monitor_line(const Watched& watched) {
    const auto& out = watched.out;
    return fmt::format("{}: {}{}, {}, {}, cells {}, charge {} {}, discharge {}, alarms {}", watched.title,
                       watched.silent ? "SILENT, " : "", value_text(out.voltage_v, 2, "V"),
                       value_text(out.current_a, 2, "A"), value_text(out.soc_percent, 1, "%"),
                       out.cells.any ? fmt::format("{:.3f} to {:.3f} V", out.cells.min_v, out.cells.max_v)
                                     : std::string("-"),
                       value_text(out.charge_voltage_v, 2, "V"), value_text(out.charge_current_a, 1, "A"),
                       value_text(out.discharge_current_a, 1, "A"), alarms_text(out.alarms));
}

}  // namespace bms::cli
