#include "velib/value.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace velib {
namespace {

// Length of the valid UTF-8 sequence at the start of `text`, 0 when there is none. NUL is not accepted.
std::size_t utf8_sequence(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char lead = byte(0);
    if (lead < 0x80) {
        return lead != 0 ? 1 : 0;
    }
    std::size_t length = 0;
    std::uint32_t code = 0;
    std::uint32_t lowest = 0;
    if ((lead & 0xe0) == 0xc0) {
        length = 2, code = lead & 0x1fU, lowest = 0x80;
    } else if ((lead & 0xf0) == 0xe0) {
        length = 3, code = lead & 0x0fU, lowest = 0x800;
    } else if ((lead & 0xf8) == 0xf0) {
        length = 4, code = lead & 0x07U, lowest = 0x10000;
    } else {
        return 0;
    }
    if (text.size() < length) {
        return 0;
    }
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xc0) != 0x80) {
            return 0;
        }
        code = code << 6 | (byte(i) & 0x3fU);
    }
    const bool surrogate = code >= 0xd800 && code <= 0xdfff;
    return code < lowest || code > 0x10ffff || surrogate ? 0 : length;
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kBlanks = " \t\r\n";
    const auto first = text.find_first_not_of(kBlanks);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

template <class Number>
std::optional<Number> parse_whole(std::string_view text) {
    text = trimmed(text);
    if (text.starts_with('+') && !text.starts_with("+-")) {
        text.remove_prefix(1);
    }
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return number;
}

// Truncation as the reference implementation converts: 13.9 is 13, -13.9 is -13.
std::optional<std::int64_t> truncate(double number) {
    constexpr double kLimit = 9223372036854775808.0;  // 2^63
    if (!std::isfinite(number) || number >= kLimit || number < -kLimit) {
        return std::nullopt;
    }
    return static_cast<std::int64_t>(number);
}

std::optional<Value> coerce_integer(const Value& value, bool is_unsigned) {
    std::optional<std::int64_t> number = value.integer();
    if (const auto* text = value.text()) {
        number = parse_integer(*text);
    }
    if (!number) {
        return std::nullopt;
    }
    if (!is_unsigned) {
        return Value(*number);
    }
    if (!std::in_range<std::uint32_t>(*number)) {
        return std::nullopt;
    }
    return Value::of_unsigned(static_cast<std::uint32_t>(*number));
}

std::optional<Value> coerce_real(const Value& value) {
    std::optional<double> number = value.real();
    if (const auto* text = value.text()) {
        number = parse_real(*text);
    }
    if (!number || !std::isfinite(*number)) {
        return std::nullopt;
    }
    return Value(*number);
}

}  // namespace

bool is_clean_utf8(std::string_view text) {
    while (!text.empty()) {
        const auto length = utf8_sequence(text);
        if (length == 0) {
            return false;
        }
        text.remove_prefix(length);
    }
    return true;
}

std::string sanitize_utf8(std::string_view text) {
    text = text.substr(0, text.find('\0'));
    std::string clean;
    clean.reserve(text.size());
    while (!text.empty()) {
        const auto length = utf8_sequence(text);
        if (length == 0) {
            clean += "\xef\xbf\xbd";
            text.remove_prefix(1);
        } else {
            clean += text.substr(0, length);
            text.remove_prefix(length);
        }
    }
    return clean;
}

std::optional<double> parse_real(std::string_view text) {
    return parse_whole<double>(text);
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
    return parse_whole<std::int64_t>(text);
}

Value::Value(double number) {
    if (std::isfinite(number)) {
        storage_ = number;
    }
}

Value::Value(std::string_view text)
    : storage_(is_clean_utf8(text) ? std::string(text) : sanitize_utf8(text)) {}

Value::Value(std::vector<std::string> texts) {
    for (auto& text : texts) {
        if (!is_clean_utf8(text)) {
            text = sanitize_utf8(text);
        }
    }
    storage_ = std::move(texts);
}

Value Value::of_unsigned(std::uint32_t number) {
    Value value;
    value.storage_ = number;
    return value;
}

bool Value::valid() const {
    return std::visit(
        [](const auto& content) {
            using Content = std::decay_t<decltype(content)>;
            if constexpr (std::is_same_v<Content, std::monostate>) {
                return false;
            } else if constexpr (std::is_arithmetic_v<Content> || std::is_same_v<Content, std::string>) {
                return true;
            } else {
                return !content.empty();
            }
        },
        storage_);
}

std::optional<double> Value::real() const {
    return std::visit(
        [](const auto& content) -> std::optional<double> {
            if constexpr (std::is_arithmetic_v<std::decay_t<decltype(content)>>) {
                return static_cast<double>(content);
            } else {
                return std::nullopt;
            }
        },
        storage_);
}

std::optional<std::int64_t> Value::integer() const {
    return std::visit(
        [](const auto& content) -> std::optional<std::int64_t> {
            using Content = std::decay_t<decltype(content)>;
            if constexpr (std::is_same_v<Content, double>) {
                return truncate(content);
            } else if constexpr (std::is_arithmetic_v<Content>) {
                return static_cast<std::int64_t>(content);
            } else {
                return std::nullopt;
            }
        },
        storage_);
}

bool Value::same_as(const Value& other) const {
    if (storage_ == other.storage_) {
        return true;
    }
    if (!valid() || !other.valid()) {
        return valid() == other.valid();
    }
    const auto is_real = [](const Value& value) { return std::holds_alternative<double>(value.storage_); };
    if (!is_real(*this) && !is_real(other)) {
        const auto mine = integer();  // not by way of a double, which has only 53 bits
        return mine && mine == other.integer();
    }
    const auto mine = real();
    return mine && mine == other.real();
}

std::optional<Value> coerce(const Value& value, Type type) {
    if (!value.valid()) {
        return Value();
    }
    const auto& storage = value.storage();
    const auto if_holds = [&]<class Wanted>(std::type_identity<Wanted>) -> std::optional<Value> {
        return std::holds_alternative<Wanted>(storage) ? std::optional(value) : std::nullopt;
    };
    switch (type) {
        case Type::integer:
            return coerce_integer(value, false);
        case Type::unsigned_integer:
            return coerce_integer(value, true);
        case Type::real:
            return coerce_real(value);
        case Type::text:
            return if_holds(std::type_identity<std::string>{});
        case Type::integers:
            return if_holds(std::type_identity<std::vector<std::int32_t>>{});
        case Type::texts:
            return if_holds(std::type_identity<std::vector<std::string>>{});
        case Type::bytes: {
            const auto* numbers = std::get_if<std::vector<std::int32_t>>(&storage);
            if (numbers == nullptr) {
                return if_holds(std::type_identity<std::vector<std::uint8_t>>{});
            }
            if (!std::ranges::all_of(*numbers, [](auto n) { return std::in_range<std::uint8_t>(n); })) {
                return std::nullopt;
            }
            return Value(std::vector<std::uint8_t>(numbers->begin(), numbers->end()));
        }
        case Type::reals:
            if (const auto* numbers = std::get_if<std::vector<std::int32_t>>(&storage)) {
                return Value(std::vector<double>(numbers->begin(), numbers->end()));
            }
            return if_holds(std::type_identity<std::vector<double>>{});
        case Type::any:
            return value;
    }
    return std::nullopt;
}

}  // namespace velib
