// dbus-serialbattery: batteries with a serial management system on D-Bus, or looked at without a bus.

#include "serialbattery/cli/command.hpp"
#include "serialbattery/driver/service.hpp"
#include "velib/app.hpp"

namespace asio = boost::asio;

int serialbattery_main(int argc, char** argv) {
    velib::App app{"dbus-serialbattery", "Publishes batteries with a management system on a serial port."};
    bms::ServiceOptions options;
    auto& line = app.cli();
    line.add_option("ports", options.ports, "serial ports, such as /dev/ttyUSB0");
    line.add_option("--config", options.config, "configuration file");
    line.add_option("--state-dir", options.state_folder, "where to keep what was found on which port")
        ->capture_default_str();
    auto* record = line.add_option("--record", options.record, "file to write every byte to that passes");
    auto* host = line.add_flag("--host", options.host,
                               "serve the ports of processes that were started with --join too");
    auto* join =
        line.add_flag("--join", options.join, "let the process with --host serve the port, if there is one");
    join->excludes(host)->excludes(record);
    auto* replay = line.add_subcommand("replay", "Drives the batteries of a recording, in real time.");
    replay->add_option("FILE", options.replay, "file written with --record")->required();
    const auto commands = bms::cli::add_commands(line);
    line.parse_complete_callback([&] {
        if (!line.get_subcommands().empty()) {
            return;
        }
        if (options.ports.empty() && !options.host) {
            throw CLI::RequiredError("a serial port or a command");
        }
        if (options.join && options.ports.size() != 1) {
            throw CLI::ValidationError("--join", "takes one port");
        }
    });
    return app.run(argc, argv, [&]() -> asio::awaitable<int> {
        for (const auto& command : commands) {
            if (*command.line) {
                co_return co_await command.run(app.context().get_executor());
            }
        }
        co_return co_await bms::serve(app, options);
    });
}
