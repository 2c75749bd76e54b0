#pragma once
// The commands of dbus-serialbattery that need no bus, one file each; commands.cpp lists them.

#include <functional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

namespace bms::cli {

/// What a command ends with; a wrong command line is 2.
inline constexpr int kDone = 0;
inline constexpr int kNotDone = 1;

struct Command {
    CLI::App* line = nullptr;  ///< true when the user chose this command
    std::function<boost::asio::awaitable<int>(boost::asio::any_io_executor)> run;
};

/// Adds every command to a command line.
[[nodiscard]] std::vector<Command> add_commands(CLI::App& app);

[[nodiscard]] Command add_decode(CLI::App& app);
[[nodiscard]] Command add_control(CLI::App& app);
[[nodiscard]] Command add_import_config(CLI::App& app);
[[nodiscard]] Command add_probe(CLI::App& app);
[[nodiscard]] Command add_read(CLI::App& app);
[[nodiscard]] Command add_monitor(CLI::App& app);

/// For commands that only compute: runs `body` with the signals as a plain program has them, so that one waiting for
/// its input can be interrupted.
[[nodiscard]] std::function<boost::asio::awaitable<int>(boost::asio::any_io_executor)> plain(
    std::function<int()> body);

/// One answer line, and what is wrong with the line it answers; empty when it could be used.
struct Answer {
    std::string text;
    std::string problem;
};
/// A filter: an answer on standard output for each line of standard input that is not blank. Problems go to standard
/// error with the number of the line, and make the result kNotDone.
[[nodiscard]] int answer_lines(const std::function<Answer(const std::string& line)>& answer);

}  // namespace bms::cli
