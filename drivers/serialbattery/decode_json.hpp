#pragma once
// JSON around decode(): one line of the collection in, one object out.

#include "serialbattery/record.hpp"

#include <string>

#include <nlohmann/json.hpp>

namespace bms {

/// A record as JSON, members in their order.
[[nodiscard]] nlohmann::ordered_json to_json(const Record& record);

/// Decodes one line: `protocol`, `hex`, and where present `mode`, `asked` or `request_hex`, `known`. Other members are
/// not looked at. A line that is no such object gives `valid: false` and an `error` that says what is wrong.
[[nodiscard]] nlohmann::ordered_json decode_line(const std::string& line);
/// Why the line itself could not be used, of an answer of decode_line(); empty when the answer is about its bytes.
[[nodiscard]] std::string unusable_line(const nlohmann::ordered_json& answer);

}  // namespace bms
