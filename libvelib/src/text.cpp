#include "velib/text.hpp"

#include <array>
#include <cmath>
#include <iterator>

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

void append_fixed(TextBuffer& out, double number, const Format& format) {
    const double rounded = at_resolution(number, format);
    fmt::format_to(std::back_inserter(out), "{:.{}f}{}", rounded, static_cast<int>(format.decimals),
                   format.unit);
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
    static constexpr std::array<double, 10> kPowers{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};
    const double power = kPowers[format.decimals];
    const double scaled = number * power;
    // Beyond 2^53 there are no fractions left to round away.
    // Adding zero turns a negative zero, left over from rounding, into a plain one.
    return (std::abs(scaled) < 9007199254740992.0 ? std::round(scaled) / power : number) + 0.0;
}

void append_text(TextBuffer& out, const Value& value, const Format& format) {
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
