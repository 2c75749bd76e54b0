#pragma once
// The order of words on the command line, as the `dbus` tool has it.

#include <string>
#include <vector>

namespace velib::cli {

/// Puts our options in front of "--" and everything that belongs to the bus behind it, because arguments of
/// methods may look like options ("SetValue -5"). From the method on every word is an argument, except
/// --json, -y, --system and --session, which are understood anywhere before a "--" of the user's own.
/// Commands of our own ("list", "watch") are left alone. `words` is the command line without the program.
[[nodiscard]] std::vector<std::string> sort_words(const std::vector<std::string>& words);

/// Whether a word names a service: bus names have a dot, unique names begin with a colon.
[[nodiscard]] bool is_service_name(const std::string& word);

}  // namespace velib::cli
