// dbus-serialbattery import-config: what becomes of the config.ini of the Python driver.

#include "common/state_file.hpp"
#include "serialbattery/cli/command.hpp"
#include "serialbattery/control/config_import.hpp"

#include <algorithm>
#include <filesystem>
#include <iostream>

namespace bms::cli {
namespace {

/// Refused lines and errors make the result kNotDone: a default counts where the user wanted something else.
int import_file(const std::string& path) {
    std::error_code ignored;
    const auto text = std::filesystem::is_directory(path, ignored) ? std::nullopt : common::read_file(path);
    if (!text) {
        std::cerr << path << ": cannot be read, or is larger than 1 MB\n";
        return kNotDone;
    }
    const control::Import import = control::import_config(*text);
    std::cout << control::import_report(import);
    const auto refused =
        std::ranges::count(import.lines, control::Taken::refused, &control::ImportLine::taken);
    const auto errors =
        std::ranges::count(import.findings, control::Severity::error, &control::Finding::severity);
    if (refused + errors > 0) {
        std::cerr << path << ": " << refused << " settings are not usable, " << errors << " do not fit\n";
    }
    return refused + errors == 0 && std::cout.flush() ? kDone : kNotDone;
}

}  // namespace

Command add_import_config(CLI::App& app) {
    auto* line =
        app.add_subcommand("import-config",
                           "Shows what is understood, changed and ignored of a config.ini of the Python "
                           "driver, and the same as a file for this one.");
    const auto file = std::make_shared<std::string>();
    line->add_option("FILE", *file, "config.ini")->required();
    return {line, plain([file] { return import_file(*file); })};
}

}  // namespace bms::cli
