#pragma once
// One frame as JSON, with the verdicts a client would reach about it.

#include "givenergy/protocol/banks.hpp"

#include <nlohmann/json.hpp>

namespace givenergy {

using Json = nlohmann::ordered_json;

/// Everything a frame says. `line` is the object it came from: `model`, `previous` and `pending` are looked at.
[[nodiscard]] Json frame_json(const Frame& frame, const Json& line);

/// The short form used for streams: kind, address, function, base and count or register and value, check.
[[nodiscard]] Json frame_summary(const Frame& frame);

/// Numbers without a fraction as integers, texts, null where the value is not there.
[[nodiscard]] Json field_json(const FieldValue& value, const Row* row);

}  // namespace givenergy
