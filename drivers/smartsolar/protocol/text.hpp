#pragma once
// Texts from the air: names and serial numbers.

#include "wire/bytes.hpp"

#include <string>

namespace smartsolar {

/// The text of a field: cut at the first zero byte, control characters and bytes that are no UTF-8 left out.
[[nodiscard]] std::string clean_text(wire::Bytes field);

}  // namespace smartsolar
