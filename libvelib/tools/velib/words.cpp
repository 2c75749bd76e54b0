#include "words.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace velib::cli {
namespace {

constexpr std::array<std::string_view, 4> kAnywhere{"--json", "-y", "--system", "--session"};
constexpr std::array<std::string_view, 2> kWithValue{"--dbus", "--log-level"};

constexpr std::size_t kServicePathMethod = 3;

template <std::size_t N>
bool is_one_of(const std::array<std::string_view, N>& words, const std::string& word) {
    return std::ranges::find(words, word) != words.end();
}

}  // namespace

bool is_service_name(const std::string& word) {
    return word.starts_with(':') || word.find('.') != std::string::npos;
}

std::vector<std::string> sort_words(const std::vector<std::string>& words) {
    std::vector<std::string> options;
    std::vector<std::string> positional;
    for (auto word = words.begin(); word != words.end(); ++word) {
        if (*word == "--") {
            positional.insert(positional.end(), word + 1, words.end());
            break;
        }
        const bool argument = positional.size() >= kServicePathMethod;
        const bool with_value = !argument && is_one_of(kWithValue, *word);
        if (is_one_of(kAnywhere, *word) || (!argument && word->starts_with('-'))) {
            options.push_back(*word);
            if (with_value && word + 1 != words.end()) {
                options.push_back(*++word);
            }
        } else if (positional.empty() && !is_service_name(*word)) {
            return words;
        } else {
            positional.push_back(*word);
        }
    }
    if (!positional.empty()) {
        options.emplace_back("--");
        options.insert(options.end(), positional.begin(), positional.end());
    }
    return options;
}

}  // namespace velib::cli
