#include "velib/text.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <iterator>
#include <optional>

namespace velib {
namespace {

void append(TextBuffer& out, std::string_view text) {
    out.append(text.data(), text.data() + text.size());
}

// As Python's repr: the shortest text that reads back the same, with ".0" for whole numbers.
void append_plain(TextBuffer& out, double number) {
    const auto start = out.size();
    fmt::format_to(std::back_inserter(out), "{}", number);
    const std::string_view written{out.data() + start, out.size() - start};
    if (written.find_first_not_of("-0123456789") == std::string_view::npos) {
        append(out, ".0");
    }
}

template <class Element>
void append_list(TextBuffer& out, const std::vector<Element>& list) {
    append(out, "[");
    const char* separator = "";
    for (const auto& element : list) {
        append(out, separator);
        separator = ", ";
        if constexpr (std::is_same_v<Element, std::string>) {
            fmt::format_to(std::back_inserter(out), "'{}'", element);
        } else if constexpr (std::is_same_v<Element, double>) {
            append_plain(out, element);
        } else {
            fmt::format_to(std::back_inserter(out), "{}", static_cast<int>(element));
        }
    }
    append(out, "]");
}

void append_plain(TextBuffer& out, const Value& value) {
    std::visit(
        [&](const auto& content) {
            using Content = std::decay_t<decltype(content)>;
            if constexpr (std::is_same_v<Content, std::monostate>) {
                append(out, kInvalidText);
            } else if constexpr (std::is_same_v<Content, bool>) {
                append(out, content ? "True" : "False");
            } else if constexpr (std::is_same_v<Content, double>) {
                append_plain(out, content);
            } else if constexpr (std::is_same_v<Content, std::string>) {
                append(out, content);
            } else if constexpr (std::is_arithmetic_v<Content>) {
                fmt::format_to(std::back_inserter(out), "{}", content);
            } else {
                append_list(out, content);
            }
        },
        value.storage());
}

constexpr std::array<std::int64_t, 10> kPowers{1,       10,        100,        1'000,       10'000,
                                               100'000, 1'000'000, 10'000'000, 100'000'000, 1'000'000'000};

// The number in units of its last digit; nothing when it is none or so large that it has no fractions.
std::optional<std::int64_t> in_last_digits(double number, std::int64_t power) {
    const double scaled = number * static_cast<double>(power);
    if (!(std::abs(scaled) < 9007199254740992.0)) {  // 2^53, or not a number
        return std::nullopt;
    }
    return static_cast<std::int64_t>(std::round(scaled));
}

// Every measured value goes through here once a change, hence by integers: a quarter of what fmt takes.
void append_fixed(TextBuffer& out, double number, const Format& format) {
    const auto power = kPowers[format.decimals];
    const auto digits = in_last_digits(number, power);
    if (!digits) {
        fmt::format_to(std::back_inserter(out), "{:.{}f}", number, static_cast<int>(format.decimals));
    } else {
        std::array<char, 24> text{};
        if (*digits < 0) {
            append(out, "-");
        }
        const auto magnitude = std::abs(*digits);
        const auto whole_end = std::to_chars(text.data(), text.data() + text.size(), magnitude / power).ptr;
        out.append(text.data(), whole_end);
        if (format.decimals > 0) {
            // One more in front keeps the zeros behind the point; the point takes its place.
            const auto end =
                std::to_chars(text.data(), text.data() + text.size(), magnitude % power + power).ptr;
            text[0] = '.';
            out.append(text.data(), end);
        }
    }
    append(out, format.unit);
}

// The reading of integer firmware versions that the GX user interface applies.
void append_firmware(TextBuffer& out, std::int64_t number) {
    if (number == 0xffffff) {
        append(out, "--");
        return;
    }
    if (number < 0 || number > 0xffffff) {
        fmt::format_to(std::back_inserter(out), "{}", number);  // not of this form
        return;
    }
    const auto version = static_cast<std::uint32_t>(number);
    if (version <= 0xffff) {
        fmt::format_to(std::back_inserter(out), "v{:X}.{:02X}", version >> 8, version & 0xff);
        return;
    }
    const auto beta = version & 0xff;
    fmt::format_to(std::back_inserter(out), "v{:X}.{:02X}", version >> 16, version >> 8 & 0xff);
    if (beta != 0 && beta != 0xff) {
        fmt::format_to(std::back_inserter(out), "-beta-{:02X}", beta);
    }
}

}  // namespace

double at_resolution(double number, const Format& format) {
    if (format.style != Format::Style::fixed) {
        return number;
    }
    // By way of an integer, so that no negative zero is left over from rounding.
    const auto power = kPowers[static_cast<std::size_t>(format.decimals + format.finer)];
    const auto digits = in_last_digits(number, power);
    return digits ? static_cast<double>(*digits) / static_cast<double>(power) : number;
}

void append_text(TextBuffer& out, const Value& value, const Format& format) {
    if (const auto* measured = std::get_if<double>(&value.storage());
        measured != nullptr && format.style == Format::Style::fixed) {
        append_fixed(out, *measured, format);
        return;
    }
    if (!value.valid()) {
        append(out, kInvalidText);
        return;
    }
    const auto number = value.real();
    if (!number) {
        append_plain(out, value);
        return;
    }
    switch (format.style) {
        case Format::Style::plain:
            append_plain(out, value);
            return;
        case Format::Style::fixed:
            append_fixed(out, *number, format);
            return;
        case Format::Style::hex:
            fmt::format_to(std::back_inserter(out), "0x{:X}", value.integer().value_or(0));
            return;
        case Format::Style::firmware:
            append_firmware(out, value.integer().value_or(-1));
            return;
        case Format::Style::labels: {
            const auto index = value.integer().value_or(-1);
            if (index >= 0 && static_cast<std::size_t>(index) < format.labels.size()) {
                append(out, format.labels[static_cast<std::size_t>(index)]);
            } else {
                append_plain(out, value);
            }
            return;
        }
    }
}

std::string to_text(const Value& value, const Format& format) {
    TextBuffer buffer;
    append_text(buffer, value, format);
    return fmt::to_string(buffer);
}

}  // namespace velib
