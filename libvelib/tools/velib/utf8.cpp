#include "utf8.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

namespace velib::cli {
namespace {

constexpr char32_t kReplacement = 0xfffd;

using Range = std::pair<char32_t, char32_t>;

constexpr std::array<Range, 5> kCombining{
    {{0x0300, 0x036f}, {0x1ab0, 0x1aff}, {0x200b, 0x200f}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}}};
constexpr std::array<Range, 9> kWide{{{0x1100, 0x115f},
                                      {0x2e80, 0xa4cf},
                                      {0xac00, 0xd7a3},
                                      {0xf900, 0xfaff},
                                      {0xfe30, 0xfe6f},
                                      {0xff00, 0xff60},
                                      {0xffe0, 0xffe6},
                                      {0x1f300, 0x1faff},
                                      {0x20000, 0x3fffd}}};

template <std::size_t N>
bool is_in(const std::array<Range, N>& ranges, char32_t code) {
    return std::ranges::any_of(
        ranges, [&](const Range& range) { return code >= range.first && code <= range.second; });
}

std::size_t width_of(char32_t code) {
    if (is_in(kCombining, code)) {
        return 0;
    }
    return is_in(kWide, code) ? 2 : 1;
}

}  // namespace

char32_t take_code_point(std::string_view& text) {
    const auto lead = static_cast<unsigned char>(text.front());
    text.remove_prefix(1);
    if (lead < 0x80) {
        return lead;
    }
    const auto length = static_cast<std::size_t>(std::countl_one(lead));
    if (length < 2 || length > 4 || text.size() < length - 1) {
        return kReplacement;
    }
    char32_t code = lead & (0x7fU >> length);
    for (std::size_t i = 0; i + 1 < length; ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if ((byte & 0xc0) != 0x80) {
            return kReplacement;
        }
        code = code << 6 | (byte & 0x3fU);
    }
    text.remove_prefix(length - 1);
    return code > 0x10ffff ? kReplacement : code;
}

void append_utf8(std::string& out, char32_t code) {
    const auto tail = [&](int shift) { out += static_cast<char>(0x80 | (code >> shift & 0x3f)); };
    if (code < 0x80) {
        out += static_cast<char>(code);
    } else if (code < 0x800) {
        out += static_cast<char>(0xc0 | code >> 6);
        tail(0);
    } else if (code < 0x10000) {
        out += static_cast<char>(0xe0 | code >> 12);
        tail(6);
        tail(0);
    } else {
        out += static_cast<char>(0xf0 | code >> 18);
        tail(12);
        tail(6);
        tail(0);
    }
}

std::size_t count_code_points(std::string_view text) {
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::size_t display_width(std::string_view text) {
    std::size_t width = 0;
    while (!text.empty()) {
        width += width_of(take_code_point(text));
    }
    return width;
}

std::string for_terminal(std::string_view text, std::size_t width, bool unicode) {
    const std::string_view mark = unicode ? "…" : "~";
    std::string out;
    std::size_t used = 0;
    std::size_t room_for_mark = 0;  // length of `out` up to which the mark still fits behind it
    while (!text.empty()) {
        auto code = take_code_point(text);
        if (is_control(code) || (!unicode && code >= 0x80)) {
            code = U'?';
        }
        const auto columns = width_of(code);
        if (used + columns > width) {
            out.resize(room_for_mark);
            return width == 0 ? out : out.append(mark);
        }
        append_utf8(out, code);
        used += columns;
        if (used + 1 <= width) {
            room_for_mark = out.size();
        }
    }
    return out;
}

}  // namespace velib::cli
