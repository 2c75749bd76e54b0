#pragma once
// dbus-givenergy decode: a line of captured bytes in, what they mean out, as JSON. For issue reports, and for
// replaying the collection of recorded frames in the tests.

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace givenergy {

/// Decodes one line: an object with `hex` and, where they apply, `kind` (stream, match, command, model, hhmm, venus,
/// mqtt), `model`, `previous`, `pending`, `chunks`, `function`, `payload`. What cannot be decoded gives `error`.
[[nodiscard]] nlohmann::ordered_json decode_line(std::string_view line);

}  // namespace givenergy
