#pragma once
// Files with settings that shall exist, as a GX has them in /etc/venus/settings.d: a line each,
//   path default type [min max [silent]]
// paths below /Settings, strings in quotes where they have blanks, "#" begins a comment.

#include "store.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace velib::settings {

struct ParsedPresets {
    std::vector<AddRequest> requests;
    /// Lines that cannot be read, with their numbers, for the log.
    std::vector<std::string> problems;
};

/// Reads a file's content. Never throws for what it contains.
[[nodiscard]] ParsedPresets parse_presets(std::string_view text);

/// The presets of all files in `directory`, by name; problems are logged. Nothing when there is no directory.
[[nodiscard]] std::vector<std::pair<std::string, std::vector<AddRequest>>> load_presets(
    const std::filesystem::path& directory);

}  // namespace velib::settings
