#pragma once
// Where a driver keeps what outlives it, unless it is told another place.

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string_view>

namespace common {

/// On a GX a folder of its own below /data, elsewhere one with the user's other programs.
[[nodiscard]] inline std::filesystem::path default_state_folder(std::string_view driver) {
    if (::access("/data", W_OK) == 0) {
        return std::filesystem::path{"/data/var/lib"} / driver;
    }
    if (const char* state = std::getenv("XDG_STATE_HOME"); state != nullptr && *state != '\0') {
        return std::filesystem::path{state} / driver;
    }
    const char* home = std::getenv("HOME");
    return std::filesystem::path{home != nullptr ? home : "/var/lib"}
           / (home != nullptr ? ".local/state" : "") / driver;
}

}  // namespace common
