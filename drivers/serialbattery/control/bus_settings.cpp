#include "serialbattery/control/bus_settings.hpp"

#include "serialbattery/control/settings_text.hpp"
#include "serialbattery/control/text.hpp"

#include <algorithm>
#include <cmath>

namespace bms::control {
namespace {

constexpr double kEmptyNumber = -1;

bool is_number(const Row& row) {
    return std::holds_alternative<double Settings::*>(row.member);
}
bool is_switch(const Row& row) {
    return std::holds_alternative<bool Settings::*>(row.member);
}
bool is_optional(const Row& row) {
    return std::holds_alternative<std::optional<double> Settings::*>(row.member);
}
bool is_numeric(const Row& row) {
    return is_number(row) || is_switch(row) || is_optional(row);
}

const Row* pair_of(const Row& row) {
    const auto next = &row - kSettings.data() + 1;
    const bool inside = next > 0 && static_cast<std::size_t>(next) < kSettings.size();
    return inside && kSettings[static_cast<std::size_t>(next)].place == Place::pair
               ? &kSettings[static_cast<std::size_t>(next)]
               : nullptr;
}

std::optional<double> as_number(const BusValue& value) {
    if (const auto* whole = std::get_if<std::int64_t>(&value)) {
        return static_cast<double>(*whole);
    }
    if (const auto* real = std::get_if<double>(&value); real != nullptr && std::isfinite(*real)) {
        return *real;
    }
    return std::nullopt;
}

bool has_error(const Findings& findings, const Finding& like) {
    return std::ranges::any_of(findings, [&like](const Finding& finding) {
        return finding.problem == like.problem && finding.setting == like.setting;
    });
}

}  // namespace

BusValue bus_value(const Settings& settings, const Row& row) {
    if (const auto* member = std::get_if<bool Settings::*>(&row.member)) {
        return std::int64_t{settings.*(*member) ? 1 : 0};
    }
    if (const auto* member = std::get_if<double Settings::*>(&row.member)) {
        const double value = settings.*(*member);
        return row.choices.empty() ? BusValue(value) : BusValue(std::int64_t{std::llround(value)});
    }
    if (const auto* member = std::get_if<std::optional<double> Settings::*>(&row.member)) {
        return (settings.*(*member)).value_or(kEmptyNumber);
    }
    if (const auto* member = std::get_if<CurveList>(&row.member)) {
        return curve_text(settings.*member->curve);
    }
    return to_text(settings, row);
}

std::vector<BusSetting> bus_settings(Place place) {
    const Settings defaults;
    std::vector<BusSetting> list;
    for (const auto& row : kSettings) {
        if (row.place != place || row.path.empty()) {
            continue;
        }
        const bool numeric = is_numeric(row);
        list.push_back({.row = &row,
                        .fallback = bus_value(defaults, row),
                        .low = !numeric           ? 0
                               : is_optional(row) ? kEmptyNumber
                                                  : row.low,
                        .high = numeric ? row.high : 0});
    }
    return list;
}

std::optional<std::vector<SettingText>> texts_of(const Row& row, const BusValue& value) {
    const std::string name(row.name);
    if (is_numeric(row)) {
        const auto number = as_number(value);
        if (!number || std::fabs(*number) > 1e9) {
            return std::nullopt;
        }
        if (is_switch(row)) {
            if (*number != 0 && *number != 1) {
                return std::nullopt;
            }
            return std::vector<SettingText>{{name, *number != 0 ? "True" : "False"}};
        }
        const bool empty = is_optional(row) && *number == kEmptyNumber;
        return std::vector<SettingText>{{name, empty ? std::string() : number_text(*number)}};
    }
    const auto* text = std::get_if<std::string>(&value);
    if (text == nullptr) {
        return std::nullopt;
    }
    if (const Row* pair = pair_of(row)) {
        const auto curve = parse_curve(*text);
        if (!curve) {
            return std::nullopt;
        }
        Settings holder;
        holder.*std::get<CurveList>(row.member).curve = *curve;
        return std::vector<SettingText>{{name, to_text(holder, row)},
                                        {std::string(pair->name), to_text(holder, *pair)}};
    }
    return std::vector<SettingText>{{name, *text}};
}

wire::Expected<Settings, std::string> written(const Settings& current, const Row& row,
                                              const BusValue& value) {
    const std::string name(row.name);
    const auto texts = texts_of(row, value);
    if (!texts) {
        return wire::Unexpected{name + " cannot be this value"};
    }
    Settings changed = current;
    for (const auto& entry : *texts) {
        const Row* part = find_setting(entry.name);
        if (part == nullptr || set_from_text(changed, *part, entry.text) || !within_range(changed, *part)) {
            const std::string range = range_text(row);
            return wire::Unexpected{concat({name, " = \"", entry.text, "\" is not allowed",
                                            range.empty() ? "" : "; allowed is ", range})};
        }
    }
    Findings before;
    Findings after;
    Settings scratch = current;
    check_together(scratch, before);
    scratch = changed;
    check_together(scratch, after);
    for (const auto& finding : after) {
        if (finding.severity == Severity::error && !has_error(before, finding)) {
            return wire::Unexpected{finding.message};
        }
    }
    return changed;
}

}  // namespace bms::control
