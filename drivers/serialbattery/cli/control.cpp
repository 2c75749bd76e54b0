// dbus-serialbattery control: what a battery would publish with other settings.

#include "serialbattery/cli/command.hpp"
#include "serialbattery/control/case_tool.hpp"

#include <nlohmann/json.hpp>

namespace bms::cli {

Command add_control(CLI::App& app) {
    auto* line =
        app.add_subcommand("control",
                           "Tries settings: a case a line on standard input (settings, battery, readings "
                           "over time), to the limits and values that would be published.");
    return {line, plain([] {
                return answer_lines([](const std::string& text) -> Answer {
                    auto answer = control::run_case(text);
                    const auto object = nlohmann::json::parse(answer);
                    return {std::move(answer), object.value("error", "")};
                });
            })};
}

}  // namespace bms::cli
