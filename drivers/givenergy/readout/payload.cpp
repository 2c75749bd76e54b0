#include "givenergy/readout/payload.hpp"

#include <nlohmann/json.hpp>

namespace givenergy {

wire::Expected<Arguments, CommandError> arguments_of_json(std::string_view payload) {
    if (payload.find_first_not_of(" \t\r\n") == std::string_view::npos) {
        return Arguments{};
    }
    const auto json = nlohmann::ordered_json::parse(payload, nullptr, false);
    if (!json.is_object()) {
        return wire::Unexpected{CommandError{"the payload is not a JSON object"}};
    }
    Arguments arguments;
    for (const auto& [name, value] : json.items()) {
        if (name.empty()) {
            return wire::Unexpected{CommandError{"a name is empty"}};
        }
        if (value.is_string()) {
            arguments[name] = value.get<std::string>();
        } else if (value.is_boolean() || value.is_number_integer()) {
            arguments[name] = value.dump();
        } else {
            return wire::Unexpected{
                CommandError{name + " is neither text nor a whole number: " + value.dump()}};
        }
    }
    return arguments;
}

wire::Expected<Arguments, CommandError> arguments_of_message(std::string_view payload) {
    const auto first = payload.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos || payload[first] == '{') {
        return arguments_of_json(payload);
    }
    const auto last = payload.find_last_not_of(" \t\r\n");
    return Arguments{{"", std::string{payload.substr(first, last - first + 1)}}};
}

std::string result_json(std::string_view text) {
    return nlohmann::ordered_json{{"result", text}}.dump(-1, ' ', false,
                                                         nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace givenergy
