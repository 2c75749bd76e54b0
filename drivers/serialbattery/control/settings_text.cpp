#include "serialbattery/control/settings_text.hpp"

#include "serialbattery/control/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace bms::control {
namespace {

template <class... Ts>
struct Overloaded : Ts... {
    using Ts::operator()...;
};
template <class... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

constexpr double kLargestNumber = 1e12;

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v';
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, [](char x, char y) {
        const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
        return lower(x) == lower(y);
    });
}

/// Calls `take` with every element between commas that is not empty, until it returns false.
template <class Take>
bool each_element(std::string_view text, Take take) {
    while (true) {
        const auto comma = text.find(',');
        const auto element = trimmed(text.substr(0, comma));
        if (!element.empty() && !take(element)) {
            return false;
        }
        if (comma == std::string_view::npos) {
            return true;
        }
        text.remove_prefix(comma + 1);
    }
}

std::string joined(const List& list) {
    std::string text;
    for (const double value : list) {
        text += concat({text.empty() ? "" : ", ", number_text(value)});
    }
    return text;
}

std::string joined(const TextList& list) {
    std::string text;
    for (const auto& value : list) {
        text += concat({text.empty() ? "" : ", ", value});
    }
    return text;
}

List& list_of(Settings& settings, CurveList member) {
    return settings.*member.curve.*member.list;
}
const List& list_of(const Settings& settings, CurveList member) {
    return settings.*member.curve.*member.list;
}

bool allowed(const Row& row, std::string_view value) {
    std::string_view rest = row.choices;
    while (!rest.empty()) {
        const auto bar = rest.find('|');
        if (rest.substr(0, bar) == value) {
            return true;
        }
        rest.remove_prefix(bar == std::string_view::npos ? rest.size() : bar + 1);
    }
    return row.choices.empty();
}

bool number_fits(const Row& row, double value) {
    return value >= row.low && value <= row.high && allowed(row, number_text(value));
}

}  // namespace

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && is_space(text.front())) {
        text.remove_prefix(1);
    }
    while (!text.empty() && is_space(text.back())) {
        text.remove_suffix(1);
    }
    return text;
}

std::optional<double> parse_number(std::string_view text) {
    text = trimmed(text);
    const bool negative = !text.empty() && text.front() == '-';
    if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
        text.remove_prefix(1);
    }
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    if (std::ranges::none_of(text, digit)
        || !std::ranges::all_of(text, [&](char c) { return digit(c) || c == '.'; })
        || std::ranges::count(text, '.') > 1) {
        return std::nullopt;
    }
    double value = 0;
    const auto [end, fault] =
        std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
    if (fault != std::errc{} || end != text.data() + text.size() || !(value <= kLargestNumber)) {
        return std::nullopt;
    }
    return negative && value != 0 ? -value : value;
}

std::optional<bool> parse_switch(std::string_view text) {
    text = trimmed(text);
    if (equal_ignoring_case(text, "true")) {
        return true;
    }
    if (equal_ignoring_case(text, "false")) {
        return false;
    }
    return std::nullopt;
}

std::optional<List> parse_list(std::string_view text) {
    List list;
    const bool good = each_element(text, [&list](std::string_view element) {
        const auto value = parse_number(element);
        if (value) {
            list.push_back(*value);
        }
        return value.has_value();
    });
    return good ? std::optional(list) : std::nullopt;
}

TextList parse_text_list(std::string_view text) {
    TextList list;
    each_element(text, [&list](std::string_view element) {
        list.emplace_back(element);
        return true;
    });
    return list;
}

std::optional<TextFault> set_from_text(Settings& settings, const Row& row, std::string_view text) {
    text = trimmed(text);
    using Result = std::optional<TextFault>;
    const auto set_list = [text](List& target) -> Result {
        auto list = parse_list(text);
        if (!list) {
            return TextFault::not_a_list;
        }
        target = std::move(*list);
        return {};
    };
    return std::visit(Overloaded{
                          [&](bool Settings::*member) -> Result {
                              const auto value = parse_switch(text);
                              if (!value) {
                                  return TextFault::not_a_switch;
                              }
                              settings.*member = *value;
                              return {};
                          },
                          [&](double Settings::*member) -> Result {
                              const bool by_empty = text.empty() && row.when_empty != kRefused;
                              const auto value =
                                  by_empty ? std::optional(row.when_empty) : parse_number(text);
                              if (!value) {
                                  return TextFault::not_a_number;
                              }
                              settings.*member = *value;
                              return {};
                          },
                          [&](std::optional<double> Settings::*member) -> Result {
                              const auto value = parse_number(text);
                              if (!value && !text.empty()) {
                                  return TextFault::not_a_number;
                              }
                              settings.*member = value;
                              return {};
                          },
                          [&](std::string Settings::*member) -> Result {
                              settings.*member = std::string(text);
                              return {};
                          },
                          [&](TextList Settings::*member) -> Result {
                              settings.*member = parse_text_list(text);
                              return {};
                          },
                          [&](List Settings::*member) -> Result { return set_list(settings.*member); },
                          [&](CurveList member) -> Result { return set_list(list_of(settings, member)); },
                          [&](Adjust Settings::*member) -> Result {
                              const auto list = parse_list(text);
                              if (!list || list->size() != 2) {
                                  return TextFault::not_a_list;
                              }
                              settings.*member = {.offset_c = (*list)[0], .slope = (*list)[1]};
                              return {};
                          },
                      },
                      row.member);
}

std::string number_text(double value) {
    std::array<char, 400> text{};
    const auto [end, fault] = std::to_chars(text.data(), text.data() + text.size(), value == 0 ? 0.0 : value,
                                            std::chars_format::fixed);
    return fault == std::errc{} ? std::string(text.data(), end) : std::string();
}

std::string to_text(const Settings& settings, const Row& row) {
    return std::visit(
        Overloaded{
            [&](bool Settings::*member) -> std::string { return settings.*member ? "True" : "False"; },
            [&](double Settings::*member) { return number_text(settings.*member); },
            [&](std::optional<double> Settings::*member) {
                return (settings.*member).has_value() ? number_text(*(settings.*member)) : std::string();
            },
            [&](std::string Settings::*member) { return settings.*member; },
            [&](TextList Settings::*member) { return joined(settings.*member); },
            [&](List Settings::*member) { return joined(settings.*member); },
            [&](CurveList member) { return joined(list_of(settings, member)); },
            [&](Adjust Settings::*member) {
                const Adjust& adjust = settings.*member;
                return concat({number_text(adjust.offset_c), ", ", number_text(adjust.slope)});
            },
        },
        row.member);
}

std::string default_text(const Row& row) {
    static const Settings kDefaults;
    return to_text(kDefaults, row);
}

void reset_to_default(Settings& settings, const Row& row) {
    static const Settings kDefaults;
    std::visit(Overloaded{
                   [&](CurveList member) { list_of(settings, member) = list_of(kDefaults, member); },
                   [&](auto member) { settings.*member = kDefaults.*member; },
               },
               row.member);
}

bool same_value(const Settings& a, const Settings& b, const Row& row) {
    return std::visit(Overloaded{
                          [&](CurveList member) { return list_of(a, member) == list_of(b, member); },
                          [&](auto member) { return a.*member == b.*member; },
                      },
                      row.member);
}

bool within_range(const Settings& settings, const Row& row) {
    const auto list_fits = [&row](const List& list) {
        return std::ranges::all_of(list, [&row](double value) { return number_fits(row, value); });
    };
    return std::visit(Overloaded{
                          [](bool Settings::*) { return true; },
                          [&](double Settings::*member) { return number_fits(row, settings.*member); },
                          [&](std::optional<double> Settings::*member) {
                              const auto& value = settings.*member;
                              return !value || number_fits(row, *value);
                          },
                          [&](std::string Settings::*member) { return allowed(row, settings.*member); },
                          [](TextList Settings::*) { return true; },
                          [&](List Settings::*member) { return list_fits(settings.*member); },
                          [&](CurveList member) { return list_fits(list_of(settings, member)); },
                          [&](Adjust Settings::*member) {
                              const Adjust& adjust = settings.*member;
                              return number_fits(row, adjust.offset_c) && adjust.slope > 0
                                     && adjust.slope <= 10;
                          },
                      },
                      row.member);
}

std::string range_text(const Row& row) {
    if (!row.choices.empty()) {
        std::string text;
        for (const char c : row.choices) {
            text += c == '|' ? std::string(", ") : std::string(1, c);
        }
        return text;
    }
    if (std::holds_alternative<bool Settings::*>(row.member)) {
        return "True, False";
    }
    if (row.low == row.high) {
        return {};
    }
    return concat({number_text(row.low), "…", number_text(row.high)});
}

std::string curve_text(const Curve& curve) {
    std::string text;
    for (std::size_t i = 0; i < std::min(curve.points.size(), curve.values.size()); ++i) {
        text += concat({i == 0 ? "" : ", ", number_text(curve.points[i]), ":", number_text(curve.values[i])});
    }
    return text;
}

std::optional<Curve> parse_curve(std::string_view text) {
    Curve curve;
    const bool good = each_element(text, [&curve](std::string_view element) {
        const auto colon = element.find(':');
        const auto point = parse_number(element.substr(0, colon));
        const auto value =
            colon == std::string_view::npos ? std::nullopt : parse_number(element.substr(colon + 1));
        if (point && value) {
            curve.points.push_back(*point);
            curve.values.push_back(*value);
        }
        return point && value;
    });
    return good ? std::optional(curve) : std::nullopt;
}

}  // namespace bms::control
