// The way Python writes values, and the layout of its pprint module.
#include "data.hpp"
#include "utf8.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>

#include <fmt/format.h>

namespace velib::cli {
namespace {

std::string float_text(double number) {
    if (std::isnan(number)) {
        return "nan";
    }
    if (std::isinf(number)) {
        return number < 0 ? "-inf" : "inf";
    }
    auto text = fmt::format("{}", number);
    if (text.find_first_not_of("-0123456789") == std::string::npos) {
        text += ".0";
    }
    return text;
}

void append_escaped(std::string& out, char32_t code, char quote) {
    switch (code) {
        case U'\\':
            out += "\\\\";
            return;
        case U'\n':
            out += "\\n";
            return;
        case U'\r':
            out += "\\r";
            return;
        case U'\t':
            out += "\\t";
            return;
        default:
            break;
    }
    if (code == static_cast<unsigned char>(quote)) {
        out += '\\';
        out += quote;
    } else if (is_control(code)) {
        fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned>(code));
    } else {
        append_utf8(out, code);
    }
}

std::string string_text(std::string_view text) {
    const bool has_single = text.find('\'') != std::string_view::npos;
    const char quote = has_single && text.find('"') == std::string_view::npos ? '"' : '\'';
    std::string out(1, quote);
    while (!text.empty()) {
        append_escaped(out, take_code_point(text), quote);
    }
    out += quote;
    return out;
}

template <class Elements>
std::string joined(const Elements& elements, std::string_view open, std::string_view close) {
    std::string out(open);
    std::string_view separator;
    for (const auto& element : elements) {
        out += separator;
        separator = ", ";
        out += to_python(element);
    }
    return out.append(close);
}

std::vector<Data> numbers_of(const Bytes& bytes) {
    std::vector<Data> numbers;
    std::ranges::transform(bytes.content, std::back_inserter(numbers),
                           [](std::uint8_t byte) { return Data{std::int64_t{byte}}; });
    return numbers;
}

// Sorted as Python sorts keys of one kind; keys of several kinds, which D-Bus does not have, by their text.
std::vector<const DictionaryEntry*> sorted(const Dictionary& dictionary) {
    std::vector<const DictionaryEntry*> entries;
    for (const auto& entry : dictionary.entries) {
        entries.push_back(&entry);
    }
    std::ranges::stable_sort(entries, [](const DictionaryEntry* a, const DictionaryEntry* b) {
        const auto number = [](const Data& key) -> std::optional<double> {
            if (const auto* whole = std::get_if<std::int64_t>(&key.storage)) {
                return static_cast<double>(*whole);
            }
            const auto* real = std::get_if<double>(&key.storage);
            return real != nullptr ? std::optional(*real) : std::nullopt;
        };
        const auto* text_a = std::get_if<std::string>(&a->key.storage);
        const auto* text_b = std::get_if<std::string>(&b->key.storage);
        if (text_a != nullptr && text_b != nullptr) {
            return *text_a < *text_b;
        }
        if (number(a->key) && number(b->key)) {
            return *number(a->key) < *number(b->key);
        }
        return to_python(a->key) < to_python(b->key);
    });
    return entries;
}

struct Python {
    std::string operator()(NoValue) const { return "[]"; }
    std::string operator()(bool flag) const { return flag ? "True" : "False"; }
    std::string operator()(std::int64_t number) const { return fmt::format("{}", number); }
    std::string operator()(std::uint64_t number) const { return fmt::format("{}", number); }
    std::string operator()(double number) const { return float_text(number); }
    std::string operator()(const std::string& text) const { return string_text(text); }
    std::string operator()(const List& list) const { return joined(list.elements, "[", "]"); }
    std::string operator()(const Tuple& tuple) const {
        return joined(tuple.elements, "(", tuple.elements.size() == 1 ? ",)" : ")");
    }
    std::string operator()(const Bytes& bytes) const { return joined(numbers_of(bytes), "[", "]"); }
    std::string operator()(const Dictionary& dictionary) const {
        std::string out = "{";
        std::string_view separator;
        for (const auto* entry : sorted(dictionary)) {
            out += separator;
            separator = ", ";
            out += to_python(entry->key);
            out += ": ";
            out += to_python(entry->value);
        }
        return out + "}";
    }
};

// The words of a line, each with the blanks behind it.
std::vector<std::string_view> words_of(std::string_view line) {
    constexpr std::string_view kBlanks = " \t\r\n\v\f";
    std::vector<std::string_view> words;
    while (!line.empty()) {
        const auto word_end = std::min(line.find_first_of(kBlanks), line.size());
        const auto end = std::min(line.find_first_not_of(kBlanks, word_end), line.size());
        words.push_back(line.substr(0, end));
        line.remove_prefix(end);
    }
    return words;
}

// Each with its line end.
std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        auto end = std::min(text.find_first_of("\r\n"), text.size());
        end += text.substr(end, 2) == "\r\n" ? 2 : (end < text.size() ? 1 : 0);
        lines.push_back(text.substr(0, end));
        text.remove_prefix(end);
    }
    return lines;
}

// Widths count characters as Python does: signed, because nesting may be deeper than the page is wide.
std::ptrdiff_t length_of(std::string_view text) {
    return static_cast<std::ptrdiff_t>(count_code_points(text));
}

class PrettyPrinter {
  public:
    std::string print(const Data& data) {
        format(data, 0, 0, 0);
        return std::move(out_);
    }

  private:
    static constexpr std::ptrdiff_t kWidth = 80;

    // `allowance`: what must still fit on the last line behind the value.
    void format(const Data& data, std::ptrdiff_t indent, std::ptrdiff_t allowance, int level) {
        const auto text = to_python(data);
        if (length_of(text) <= kWidth - indent - allowance) {
            out_ += text;
            return;
        }
        if (const auto* list = std::get_if<List>(&data.storage)) {
            format_elements(list->elements, "[", "]", indent, allowance, level);
        } else if (const auto* tuple = std::get_if<Tuple>(&data.storage)) {
            format_elements(tuple->elements, "(", tuple->elements.size() == 1 ? ",)" : ")", indent, allowance,
                            level);
        } else if (const auto* bytes = std::get_if<Bytes>(&data.storage)) {
            format_elements(numbers_of(*bytes), "[", "]", indent, allowance, level);
        } else if (const auto* dictionary = std::get_if<Dictionary>(&data.storage)) {
            format_dictionary(*dictionary, indent, allowance, level);
        } else if (const auto* string = std::get_if<std::string>(&data.storage)) {
            format_string(*string, indent, allowance, level);
        } else {
            out_ += text;
        }
    }

    void break_line(std::ptrdiff_t indent) {
        out_ += '\n';
        out_.append(static_cast<std::size_t>(indent), ' ');
    }

    void format_elements(const std::vector<Data>& elements, std::string_view open, std::string_view close,
                         std::ptrdiff_t indent, std::ptrdiff_t allowance, int level) {
        out_ += open;
        for (std::size_t i = 0; i < elements.size(); ++i) {
            const bool last = i + 1 == elements.size();
            if (i > 0) {
                break_line(indent + 1);
            }
            format(elements[i], indent + 1, last ? allowance + length_of(close) : 1, level + 1);
            out_ += last ? "" : ",";
        }
        out_ += close;
    }

    void format_dictionary(const Dictionary& dictionary, std::ptrdiff_t indent, std::ptrdiff_t allowance,
                           int level) {
        out_ += '{';
        const auto entries = sorted(dictionary);
        for (std::size_t i = 0; i < entries.size(); ++i) {
            const bool last = i + 1 == entries.size();
            if (i > 0) {
                break_line(indent + 1);
            }
            const auto key = to_python(entries[i]->key);
            out_ += key + ": ";
            format(entries[i]->value, indent + 1 + length_of(key) + 2, last ? allowance + 1 : 1, level + 1);
            out_ += last ? "" : ",";
        }
        out_ += '}';
    }

    // Broken into literals between words; in parentheses when it stands alone.
    void format_string(std::string_view text, std::ptrdiff_t indent, std::ptrdiff_t allowance, int level) {
        const bool alone = level == 0;
        indent += alone ? 1 : 0;
        allowance += alone ? 1 : 0;
        const auto width = kWidth - indent;
        std::vector<std::string> chunks;
        const auto lines = lines_of(text);
        for (std::size_t i = 0; i < lines.size(); ++i) {
            const bool last_line = i + 1 == lines.size();
            auto whole = string_text(lines[i]);
            if (length_of(whole) <= width - (last_line ? allowance : 0)) {
                chunks.push_back(std::move(whole));
            } else {
                break_words(words_of(lines[i]), width, last_line ? allowance : 0, chunks);
            }
        }
        const bool several = chunks.size() > 1;
        out_ += alone && several ? "(" : "";
        for (std::size_t i = 0; i < chunks.size(); ++i) {
            if (i > 0) {
                break_line(indent);
            }
            out_ += chunks[i];
        }
        out_ += alone && several ? ")" : "";
    }

    static void break_words(const std::vector<std::string_view>& words, std::ptrdiff_t width,
                            std::ptrdiff_t allowance, std::vector<std::string>& chunks) {
        std::string current;
        for (std::size_t i = 0; i < words.size(); ++i) {
            const bool last_word = i + 1 == words.size();
            const auto candidate = current + std::string(words[i]);
            if (length_of(string_text(candidate)) > width - (last_word ? allowance : 0)) {
                if (!current.empty()) {
                    chunks.push_back(string_text(current));
                }
                current = words[i];
            } else {
                current = candidate;
            }
        }
        if (!current.empty()) {
            chunks.push_back(string_text(current));
        }
    }

    std::string out_;
};

}  // namespace

std::string to_python(const Data& data) {
    return std::visit(Python{}, data.storage);
}

std::string to_pretty_python(const Data& data) {
    return PrettyPrinter().print(data);
}

}  // namespace velib::cli
