#include "literal.hpp"

#include "utf8.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include <fmt/format.h>

namespace velib::cli {
namespace {

// More than any message may nest; a hostile argument must not exhaust the stack.
constexpr int kDeepest = 32;

bool is_name_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

int base_of(std::string_view digits) {
    if (digits.size() < 2 || digits[0] != '0') {
        return 10;
    }
    switch (digits[1]) {
        case 'x':
        case 'X':
            return 16;
        case 'o':
        case 'O':
            return 8;
        case 'b':
        case 'B':
            return 2;
        default:
            return 10;
    }
}

template <class Number, class... Format>
std::optional<Number> whole(std::string_view text, Format... format) {
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, format...);
    return error == std::errc{} && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

class Parser {
  public:
    explicit Parser(std::string_view text) : text_(text) {}

    Data parse() {
        auto data = value(0);
        skip_blanks();
        if (at_ < text_.size()) {
            fail("nothing more");
        }
        return data;
    }

  private:
    [[noreturn]] void fail(std::string_view expected) const {
        const auto found = at_ < text_.size() ? fmt::format("'{}'", text_.substr(at_)) : "the end";
        throw LiteralError(fmt::format("expected {} at character {}, found {}", expected, at_ + 1, found));
    }

    void skip_blanks() {
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n')) {
            ++at_;
        }
    }

    [[nodiscard]] char peek(std::size_t ahead = 0) const {
        return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
    }

    bool take(char wanted) {
        skip_blanks();
        if (at_ < text_.size() && text_[at_] == wanted) {
            ++at_;
            return true;
        }
        return false;
    }

    Data value(int depth) {
        if (depth > kDeepest) {
            fail("less nesting");
        }
        skip_blanks();
        const char c = peek();
        if (c == '[') {
            ++at_;
            return {List{elements(']', depth).first}};
        }
        if (c == '(') {
            return parenthesis(depth);
        }
        if (c == '{') {
            return dictionary(depth);
        }
        if (c == '\'' || c == '"') {
            return {strings()};
        }
        if ((c == 'b' || c == 'B') && (peek(1) == '\'' || peek(1) == '"')) {
            ++at_;
            return bytes();
        }
        if ((c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.') {
            return number();
        }
        return name();
    }

    // The elements up to `close`, and whether a comma came last.
    std::pair<std::vector<Data>, bool> elements(char close, int depth) {
        std::vector<Data> list;
        bool comma = true;
        while (!take(close)) {
            if (!comma) {
                fail(fmt::format("',' or '{}'", close));
            }
            list.push_back(value(depth + 1));
            comma = take(',');
        }
        return {std::move(list), comma};
    }

    Data parenthesis(int depth) {
        ++at_;
        auto [list, comma] = elements(')', depth);
        if (list.size() == 1 && !comma) {
            return std::move(list.front());
        }
        return {Tuple{std::move(list)}};
    }

    Data dictionary(int depth) {
        ++at_;
        Dictionary dictionary;
        bool comma = true;
        while (!take('}')) {
            if (!comma) {
                fail("',' or '}'");
            }
            auto key = value(depth + 1);
            if (!take(':')) {
                fail("':'");
            }
            dictionary.entries.push_back({std::move(key), value(depth + 1)});
            comma = take(',');
        }
        return {std::move(dictionary)};
    }

    Data name() {
        const auto start = at_;
        while (is_name_character(peek())) {
            ++at_;
        }
        const auto word = text_.substr(start, at_ - start);
        if (word == "True" || word == "False") {
            return {word == "True"};
        }
        if (word == "None") {
            return {NoValue{}};
        }
        at_ = start;
        fail("a number, a string in quotes, a list, a dictionary, True, False or None");
    }

    Data number() {
        const auto start = at_;
        bool negative = false;
        while (peek() == '-' || peek() == '+') {
            negative ^= peek() == '-';
            ++at_;
        }
        std::string digits;
        while (is_name_character(peek()) || peek() == '.'
               || ((peek() == '-' || peek() == '+') && !digits.empty()
                   && (digits.back() == 'e' || digits.back() == 'E') && base_of(digits) == 10)) {
            if (peek() != '_') {
                digits += peek();
            }
            ++at_;
        }
        auto data = number_of(digits, negative);
        if (!data) {
            at_ = start;
            fail("a number of at most 64 bits");
        }
        return std::move(*data);
    }

    static std::optional<Data> number_of(const std::string& digits, bool negative) {
        const int base = base_of(digits);
        const auto unprefixed = base == 10 ? std::string_view(digits) : std::string_view(digits).substr(2);
        if (const auto magnitude = whole<std::uint64_t>(unprefixed, base)) {
            if (!negative) {
                return std::in_range<std::int64_t>(*magnitude) ? Data{static_cast<std::int64_t>(*magnitude)}
                                                               : Data{*magnitude};
            }
            constexpr std::uint64_t kLowest = std::uint64_t{1} << 63;
            if (*magnitude > kLowest) {
                return std::nullopt;
            }
            return Data{static_cast<std::int64_t>(-*magnitude)};
        }
        // from_chars reads "inf" and "nan" too, which are no literals.
        const bool only_digits = digits.find_first_not_of("0123456789.eE+-") == std::string::npos;
        const bool fraction = digits.find_first_of(".eE") != std::string::npos;
        if (base != 10 || !only_digits || !fraction) {
            return std::nullopt;
        }
        const auto real = whole<double>(digits);
        return real ? std::optional(Data{negative ? -*real : *real}) : std::nullopt;
    }

    // Python joins strings that stand side by side.
    std::string strings() {
        std::string text;
        do {
            text += quoted(true);
            skip_blanks();
        } while (peek() == '\'' || peek() == '"');
        return text;
    }

    Data bytes() {
        const auto text = quoted(false);
        return {Bytes{std::vector<std::uint8_t>(text.begin(), text.end())}};
    }

    std::string quoted(bool unicode) {
        const char quote = peek();
        const bool triple = peek(1) == quote && peek(2) == quote;
        const std::string end(triple ? 3 : 1, quote);
        at_ += end.size();
        std::string out;
        while (text_.substr(at_, end.size()) != end) {
            if (at_ >= text_.size()) {
                fail(fmt::format("the closing {}", end));
            }
            const char c = text_[at_++];
            if (c == '\\') {
                escape(out, unicode);
            } else {
                out += c;
            }
        }
        at_ += end.size();
        return out;
    }

    void escape(std::string& out, bool unicode) {
        const char c = peek();
        ++at_;
        switch (c) {
            case 'n':
                out += '\n';
                return;
            case 't':
                out += '\t';
                return;
            case 'r':
                out += '\r';
                return;
            case '\\':
            case '\'':
            case '"':
                out += c;
                return;
            case 'x':
                code_point(out, 2, unicode);
                return;
            case 'u':
                if (unicode) {
                    code_point(out, 4, unicode);
                    return;
                }
                break;
            case 'U':
                if (unicode) {
                    code_point(out, 8, unicode);
                    return;
                }
                break;
            default:
                break;
        }
        at_ -= 2;
        fail("one of the escapes \\n \\t \\r \\\\ \\' \\\" \\x \\u \\U");
    }

    void code_point(std::string& out, std::size_t digits, bool unicode) {
        const auto code = whole<std::uint32_t>(text_.substr(std::min(at_, text_.size()), digits), 16);
        const bool surrogate = code && *code >= 0xd800 && *code <= 0xdfff;
        // NUL cannot be part of a D-Bus string.
        if (!code || at_ + digits > text_.size() || *code > 0x10ffff || surrogate
            || (unicode && *code == 0)) {
            fail(fmt::format("{} hexadecimal digits of a character", digits));
        }
        at_ += digits;
        if (unicode) {
            append_utf8(out, *code);
        } else {
            out += static_cast<char>(*code);
        }
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace

Data parse_literal(std::string_view text) {
    return Parser(text).parse();
}

Data parse_argument(std::string_view argument) {
    if (argument.size() < 2 || argument.front() != '%') {
        return {std::string(argument)};
    }
    argument.remove_prefix(1);
    return argument.front() == '%' ? Data{std::string(argument)} : parse_literal(argument);
}

}  // namespace velib::cli
