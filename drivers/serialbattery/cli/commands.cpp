#include "serialbattery/cli/command.hpp"

#include <csignal>
#include <iostream>

namespace bms::cli {
namespace asio = boost::asio;

std::vector<Command> add_commands(CLI::App& app) {
    return {add_decode(app), add_control(app), add_import_config(app),
            add_probe(app),  add_read(app),    add_monitor(app)};
}

std::function<asio::awaitable<int>(asio::any_io_executor)> plain(std::function<int()> body) {
    return [body = std::move(body)](asio::any_io_executor) -> asio::awaitable<int> {
        std::signal(SIGINT, SIG_DFL);
        std::signal(SIGTERM, SIG_DFL);
        co_return body();
    };
}

int answer_lines(const std::function<Answer(const std::string& line)>& answer) {
    int result = kDone;
    std::size_t number = 0;
    for (std::string line; std::getline(std::cin, line);) {
        ++number;
        if (line.find_first_not_of(" \t\r") == std::string::npos) {
            continue;
        }
        const Answer given = answer(line);
        std::cout << given.text << '\n';
        if (!given.problem.empty()) {
            std::cerr << "line " << number << ": " << given.problem << '\n';
            result = kNotDone;
        }
    }
    return std::cout.flush() ? result : kNotDone;
}

}  // namespace bms::cli
