#include "givenergy/driver/site_state.hpp"

#include <nlohmann/json.hpp>

namespace givenergy {

using nlohmann::ordered_json;

std::string to_text(const SiteState& state) {
    ordered_json json{{"saved_reserve", state.saved_reserve},
                      {"charge_wraps", state.charge_wraps},
                      {"discharge_wraps", state.discharge_wraps}};
    if (state.running) {
        ordered_json saved = ordered_json::array();
        for (const SavedSetting& one : state.running->saved) {
            saved.push_back({one.reg, one.value});
        }
        json["running"] = {{"function", to_string(state.running->kind)},
                           {"ends_at", state.running->ends_at},
                           {"saved", std::move(saved)}};
    }
    return json.dump() + "\n";
}

std::optional<SiteState> parse_site_state(const std::string& text) {
    try {
        const auto json = ordered_json::parse(text);
        SiteState state;
        state.saved_reserve = json.at("saved_reserve").get<int>();
        state.charge_wraps = json.at("charge_wraps").get<int>();
        state.discharge_wraps = json.at("discharge_wraps").get<int>();
        if (json.contains("running")) {
            const auto& running = json["running"];
            const auto kind = override_named(running.at("function").get<std::string>());
            if (!kind) {
                return std::nullopt;
            }
            state.running = Override{*kind, running.at("ends_at").get<std::int64_t>(), {}};
            for (const auto& one : running.at("saved")) {
                state.running->saved.push_back(
                    {one.at(0).get<std::uint16_t>(), one.at(1).get<std::uint16_t>()});
            }
        }
        return state;
    } catch (const ordered_json::exception&) {
        return std::nullopt;
    }
}

}  // namespace givenergy
