// dbus-serialbattery decode: recorded frames to what they say.

#include "serialbattery/cli/command.hpp"
#include "serialbattery/decode_json.hpp"

namespace bms::cli {

Command add_decode(CLI::App& app) {
    auto* line =
        app.add_subcommand("decode",
                           "Decodes frames of batteries: a JSON object a line on standard input, with "
                           "protocol and hex, to one object a line.");
    return {line, plain([] {
                return answer_lines([](const std::string& text) -> Answer {
                    const auto decoded = decode_line(text);
                    return {decoded.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace),
                            unusable_line(decoded)};
                });
            })};
}

}  // namespace bms::cli
