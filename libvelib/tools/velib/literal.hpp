#pragma once
// Values on the command line, written as Python literals.

#include "data.hpp"

#include <stdexcept>
#include <string>
#include <string_view>

namespace velib::cli {

/// What is wrong with a literal, and where.
class LiteralError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// Reads a Python literal: a number (also 0x1F, 1_000, 1e3), a string in any of Python's quotes, bytes (b'..'),
/// True, False, None, a list, a tuple or a dictionary of these. Throws LiteralError.
[[nodiscard]] Data parse_literal(std::string_view text);

/// What an argument on the command line means: "%..." is a literal, "%%..." a text that begins with "%",
/// everything else a text. Throws LiteralError.
[[nodiscard]] Data parse_argument(std::string_view argument);

}  // namespace velib::cli
