#include "serialbattery/family.hpp"

#include <algorithm>

namespace bms {
namespace {

std::optional<double> state(const std::optional<bool>& told, const std::optional<bool>& does) {
    const auto& known = told ? told : does;
    return known ? std::optional<double>(*known ? 1 : 0) : std::nullopt;
}

}  // namespace

std::optional<double> read_back(const Battery& battery, Control control) {
    switch (control) {
        case Control::charge:
            return state(battery.charge_switch, battery.charge_fet);
        case Control::discharge:
            return state(battery.discharge_switch, battery.discharge_fet);
        case Control::balancing:
            return state(battery.balance_switch, std::nullopt);
        case Control::heating:
            return state(battery.heater_switch, std::nullopt);
        case Control::soc:
            return battery.soc_pct;
    }
    return std::nullopt;
}

bool offers(const Family& family, Control control, bool unverified) {
    return std::ranges::any_of(family.controls, [&](const ControlInfo& info) {
        return info.control == control && (info.verified || unverified);
    });
}

const Family* find_family(std::string_view name) {
    for (const auto* family : families()) {
        if (family->name == name) {
            return family;
        }
    }
    return nullptr;
}

}  // namespace bms
