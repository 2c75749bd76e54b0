#include "presets.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

namespace velib::settings {
namespace {

constexpr std::string_view kBlanks = " \t\r";

// The words of a line up to a comment; nothing when a quote is not closed.
std::optional<std::vector<std::string>> words_of(std::string_view line) {
    std::vector<std::string> words;
    for (;;) {
        line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
        if (line.empty() || line.front() == '#') {
            return words;
        }
        const char first = line.front();
        const bool quoted = first == '"' || first == '\'';
        const auto start = quoted ? 1U : 0U;
        const auto end = quoted ? line.find(first, 1) : std::min(line.find_first_of(" \t\r#"), line.size());
        if (end == std::string_view::npos) {
            return std::nullopt;
        }
        words.emplace_back(line.substr(start, end - start));
        line.remove_prefix(quoted ? end + 1 : end);
    }
}

std::optional<AddRequest> request_of(const std::vector<std::string>& words) {
    constexpr std::size_t kFewest = 3;
    constexpr std::size_t kMost = 6;
    const auto count = words.size();
    const auto type = count >= kFewest && count <= kMost ? type_of_letter(words[2]) : std::nullopt;
    if (!type) {
        return std::nullopt;
    }
    const auto& path = words[0];
    AddRequest request{
        .path = fmt::format("/Settings/{}", path.substr(std::min(path.find_first_not_of('/'), path.size()))),
        .type = type,
        .default_value = Value(words[1])};
    request.min = count > 3 ? Value(words[3]) : Value();
    request.max = count > 4 ? Value(words[4]) : Value();
    request.silent = count > 5 && (words[5] == "1" || words[5] == "True" || words[5] == "true");
    return request;
}

}  // namespace

ParsedPresets parse_presets(std::string_view text) {
    ParsedPresets parsed;
    for (int number = 1; !text.empty(); ++number) {
        const auto line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        const auto words = words_of(line);
        if (words && words->empty()) {
            continue;
        }
        if (auto request = words ? request_of(*words) : std::nullopt) {
            parsed.requests.push_back(std::move(*request));
        } else {
            parsed.problems.push_back(
                fmt::format("line {} is not: path default type [min max [silent]]", number));
        }
    }
    return parsed;
}

}  // namespace velib::settings
