// dbus-gxmodbus: mirrors other GX devices over Modbus TCP, or looks at one without a bus.

#include "gxmodbus/cli/commands.hpp"
#include "gxmodbus/service/bridge.hpp"
#include "velib/app.hpp"

#include <memory>

namespace {

using gxmodbus::BridgeOptions;
namespace cli = gxmodbus::cli;

struct Commands {
    BridgeOptions serve;
    cli::ScanCommand scan;
    cli::ReadCommand read;
    cli::WriteCommand write;
};

void declare_scan(CLI::App& app, cli::ScanCommand& command) {
    app.add_option("HOST", command.host, "address or name of the GX, with :PORT when it is not 502")
        ->required();
    app.add_option("--units", command.units, "look only here: 225,227:vebus");
    app.add_flag("--full", command.full, "every unit and type (7000 questions)");
    app.add_flag("--json", command.json, "everything as JSON");
    app.add_flag("--all", command.all,
                 "also registers that read 0 (the GX reads 0 for what it does not have)");
    app.add_option("--rate", command.rate, "questions a second")
        ->check(CLI::Range(0.1, 200.0))
        ->capture_default_str();
}

void declare_read(CLI::App& app, cli::ReadCommand& command) {
    app.add_option("HOST", command.host, "address or name of the GX")->required();
    app.add_option("TARGET", command.targets,
                   "UNIT, UNIT:TYPE, UNIT/PATH or UNIT:TYPE/PATH; all when absent");
    app.add_flag("--json", command.json, "as JSON");
    app.add_flag("--all", command.all, "also registers that read 0");
    app.add_flag("--watch", command.watch, "go on and print what changes");
    app.add_option("--interval", command.interval, "seconds between two looks with --watch")
        ->check(CLI::Range(0.2, 3600.0))
        ->capture_default_str();
}

void declare_write(CLI::App& app, cli::WriteCommand& command) {
    app.add_option("HOST", command.host, "address or name of the GX")->required();
    app.add_option("TARGET", command.target, "UNIT/PATH or UNIT:TYPE/PATH")->required();
    app.add_option("VALUE", command.value, "in the unit of the path")->required();
    app.positionals_at_end(false);
}

}  // namespace

int gxmodbus_main(int argc, char** argv) {
    velib::App app{"dbus-gxmodbus", "Mirrors other GX devices over Modbus TCP."};
    Commands commands;
    auto& options = app.cli();
    options.add_option("--host", commands.serve.hosts, "a GX to mirror, besides those in the settings")
        ->allow_extra_args(false);
    options.add_option("--state", commands.serve.state_directory, "where to remember what was found")
        ->capture_default_str();
    auto* scan = options.add_subcommand("scan", "Shows the units, devices and registers of a GX.");
    auto* read = options.add_subcommand("read", "Reads devices or single paths of a GX.");
    auto* write = options.add_subcommand("write", "Writes one path of a GX and reads it back.");
    auto* decode = options.add_subcommand(
        "decode", "Decodes recorded traffic, a JSON object a line, from standard input.");
    declare_scan(*scan, commands.scan);
    declare_read(*read, commands.read);
    declare_write(*write, commands.write);
    return app.run(argc, argv, [&]() -> boost::asio::awaitable<int> {
        const auto executor = app.context().get_executor();
        if (*scan) {
            co_return co_await cli::scan(executor, commands.scan);
        }
        if (*read) {
            co_return co_await cli::read(executor, commands.read);
        }
        if (*write) {
            co_return co_await cli::write(executor, commands.write);
        }
        if (*decode) {
            co_return cli::decode_lines();
        }
        co_return co_await gxmodbus::serve(app, commands.serve);
    });
}
