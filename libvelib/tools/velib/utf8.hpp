#pragma once
// Code points of UTF-8 texts, and how much room they take on a terminal.

#include <cstddef>
#include <string>
#include <string_view>

namespace velib::cli {

/// Removes the first code point from `text` and returns it. A byte that begins none becomes U+FFFD.
/// `text` must not be empty.
[[nodiscard]] char32_t take_code_point(std::string_view& text);
void append_utf8(std::string& out, char32_t code);
[[nodiscard]] std::size_t count_code_points(std::string_view text);

/// Control characters of ASCII and Latin-1: they would act on a terminal instead of being shown.
[[nodiscard]] constexpr bool is_control(char32_t code) {
    return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

/// Columns a text takes on a terminal: 2 for East Asian wide characters and pictures, 0 for combining marks.
[[nodiscard]] std::size_t display_width(std::string_view text);

/// `text` for a terminal: control characters are replaced by '?', without `unicode` everything beyond ASCII
/// is; cut to `width` columns, the cut marked at its end.
[[nodiscard]] std::string for_terminal(std::string_view text, std::size_t width, bool unicode);

}  // namespace velib::cli
