#pragma once
// Payloads of control functions: JSON as on the command line, or bare text as on MQTT.

#include "givenergy/control/commands.hpp"

namespace givenergy {

/// {"start":"0100","enable":true} as arguments: values may be texts, whole numbers or booleans.
/// An empty payload is no arguments.
[[nodiscard]] wire::Expected<Arguments, CommandError> arguments_of_json(std::string_view payload);

/// JSON if it begins like an object, else a bare payload; an empty one is no arguments.
[[nodiscard]] wire::Expected<Arguments, CommandError> arguments_of_message(std::string_view payload);

/// {"result":"..."}
[[nodiscard]] std::string result_json(std::string_view text);

}  // namespace givenergy
