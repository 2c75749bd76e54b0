#include "givenergy/readout/readout.hpp"

#include <cmath>

namespace givenergy {

nlohmann::ordered_json Readout::nested() const {
    nlohmann::ordered_json root = nlohmann::ordered_json::object();
    for (const ReadoutEntry& entry : entries_) {
        nlohmann::ordered_json* place = &root;
        for (std::string_view rest = entry.group; !rest.empty();) {
            const auto slash = rest.find('/');
            place = &(*place)[std::string{rest.substr(0, slash)}];
            rest.remove_prefix(slash == std::string_view::npos ? rest.size() : slash + 1);
        }
        (*place)[entry.name] = entry.value;
    }
    return root;
}

std::string payload_text(const nlohmann::ordered_json& value) {
    if (value.is_string()) {
        return value.get<std::string>();
    }
    if (value.is_boolean()) {
        return value.get<bool>() ? "True" : "False";
    }
    return value.dump();
}

nlohmann::ordered_json whole_if_possible(double value) {
    const double rounded = std::round(value);
    return std::abs(value - rounded) < 1e-9 ? nlohmann::ordered_json(static_cast<std::int64_t>(rounded))
                                            : nlohmann::ordered_json(value);
}

}  // namespace givenergy
