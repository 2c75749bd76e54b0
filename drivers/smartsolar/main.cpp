// dbus-smartsolar: Victron products over Bluetooth Low Energy.

#include "smartsolar/driver/driver.hpp"
#include "smartsolar/tool/decode.hpp"
#include "smartsolar/tool/query.hpp"
#include "smartsolar/tool/scan.hpp"

#include <iostream>
#include <string>

#include <velib/app.hpp>

namespace asio = boost::asio;

namespace {

int decode() {
    for (std::string line; std::getline(std::cin, line);) {
        if (!line.empty()) {
            std::cout << smartsolar::decode_line(line) << std::endl;
        }
    }
    return 0;
}

asio::awaitable<int> serve(velib::BusContext bus) {
    smartsolar::Driver driver(bus);
    co_await driver.run();
    co_return 0;
}

}  // namespace

int smartsolar_main(int argc, char** argv);

int smartsolar_main(int argc, char** argv) {
    velib::App app{"dbus-smartsolar",
                   "Publishes Victron products heard over Bluetooth. Without a command: the driver."};
    smartsolar::QueryOptions query_options;
    smartsolar::ScanOptions scan_options;
    auto& cli = app.cli();
    cli.fallthrough();
    auto* query = cli.add_subcommand("query", "ask the nearest product for its values, as one JSON object");
    smartsolar::add_options(*query, query_options);
    auto* scan = cli.add_subcommand("scan", "list the products around");
    scan->add_option("--duration", scan_options.seconds, "seconds")
        ->capture_default_str()
        ->check(CLI::Range(0.1, 3600.0));
    scan->add_flag("--json", scan_options.json, "as JSON");
    auto* decoder = cli.add_subcommand("decode", "decode captured bytes: JSON lines in, JSON lines out");
    auto* watch = cli.add_subcommand("watch", "products and values, live");
    cli.require_subcommand(0, 1);

    return app.run(argc, argv, [&]() -> asio::awaitable<int> {
        if (*decoder) {
            co_return decode();
        }
        if (*query) {
            co_return co_await smartsolar::query(app.bus(), query_options);
        }
        if (*scan) {
            co_return co_await smartsolar::scan(app.bus(), scan_options);
        }
        if (*watch) {
            co_return co_await smartsolar::watch(app.bus());
        }
        co_return co_await serve(app.bus());
    });
}
