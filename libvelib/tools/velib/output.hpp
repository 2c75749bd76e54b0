#pragma once
// Lines on stdout.

#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace velib::cli {

inline void print_line(const std::string& line) {
    fmt::print("{}\n", line);
}

/// In one line; bytes that are no UTF-8 become replacement characters.
inline void print_json(const nlohmann::ordered_json& json) {
    print_line(json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

}  // namespace velib::cli
