#include "serialbattery/control/settings_reference.hpp"

#include "serialbattery/control/settings_text.hpp"
#include "serialbattery/control/text.hpp"

#include <array>

namespace bms::control {
namespace {

constexpr std::array<std::pair<Group, std::string_view>, 12> kGroups = {
    {{Group::battery, "Battery"},
     {Group::limits, "Limits"},
     {Group::phases, "Charge phases"},
     {Group::protection, "Cell protection"},
     {Group::derating, "Derating tables"},
     {Group::dynamics, "Dynamics"},
     {Group::soc, "State of charge"},
     {Group::connection, "Communication loss"},
     {Group::temperature, "Temperature"},
     {Group::information, "Information"},
     {Group::bank, "Bank of all batteries"},
     {Group::driver, "Driver"}}};

std::string place_text(const Row& row) {
    switch (row.place) {
        case Place::battery:
            return concat({"`/Settings/", row.path, "`"});
        case Place::installation:
            return concat({"`/Settings/BatteryDriver/", row.path, "`"});
        case Place::pair:
            return "with the row above";
        case Place::file:
            return "file";
        case Place::port_file:
            return "file, also `[port:…]`";
        case Place::none:
            break;
    }
    return "no effect";
}

std::string row_text(const Row& row) {
    const std::string value = default_text(row);
    return concat({"| `", row.name, "` | ", value.empty() ? "–" : value, " | ", range_text(row), " | ",
                   row.unit, " | ", place_text(row), " | ", row.help, " |\n"});
}

}  // namespace

std::string settings_reference() {
    std::string text;
    for (const auto& [group, title] : kGroups) {
        text += concat(
            {text.empty() ? "" : "\n", "### ", title,
             "\n\n| Setting | Default | Range | Unit | Place | Meaning |\n| --- | --- | --- | --- | --- | "
             "--- |\n"});
        for (const auto& row : kSettings) {
            if (row.group == group) {
                text += row_text(row);
            }
        }
    }
    return text;
}

}  // namespace bms::control
