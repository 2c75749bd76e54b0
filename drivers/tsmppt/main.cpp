// dbus-tsmppt: Morningstar TriStar MPPT solar chargers on D-Bus.

#include "common/state_folder.hpp"
#include "tsmppt/decode.hpp"
#include "tsmppt/driver.hpp"
#include "tsmppt/tools.hpp"
#include "velib/app.hpp"

#include <iostream>

#include <fmt/format.h>

namespace asio = boost::asio;

int tsmppt_main(int argc, char** argv) {
    velib::App app{"dbus-tsmppt", "Publishes Morningstar TriStar MPPT solar chargers."};
    auto state_folder = common::default_state_folder("dbus-tsmppt").string();
    app.cli()
        .add_option("--state-dir", state_folder, "where to keep history and totals")
        ->capture_default_str();
    int leave_after_s = 300;
    app.cli()
        .add_option("--leave-after", leave_after_s,
                    "s without a reading after which a controller leaves the bus")
        ->check(CLI::Range(1, 86400))
        ->capture_default_str();

    tristar::Link::Options target;
    std::vector<std::string> words;
    bool as_json = false;
    const auto add_target = [&](CLI::App* command, int timeout_ms) {
        command->add_option("--port", target.port, "Modbus TCP port")
            ->check(CLI::Range(1, 65535))
            ->default_val(502);
        command->add_option("--unit", target.unit, "Modbus unit id")
            ->check(CLI::Range(1, 247))
            ->default_val(1);
        command
            ->add_option_function<int>(
                "--timeout",
                [&](const int& ms) {
                    target.connect_timeout = target.response_timeout = std::chrono::milliseconds{ms};
                },
                "ms to wait for a connection, and for an answer")
            ->check(CLI::Range(10, 60000))
            ->default_val(timeout_ms)
            ->force_callback();
        command->add_flag("--json", as_json, "print JSON");
    };
    auto* read = app.cli().add_subcommand("read", "print one reading of a controller");
    read->add_option("--host", target.host, "HOST or HOST:PORT")->required();
    add_target(read, 3000);
    auto* scan = app.cli().add_subcommand("scan", "find controllers");
    scan->add_option("hosts", words, "HOST, HOST:PORT, or subnets such as 192.168.1.0/24")->required();
    add_target(scan, 1000);
    auto* decode =
        app.cli().add_subcommand("decode", "decode captured registers, one JSON object a line, from stdin");
    app.cli().require_subcommand(0, 1);

    return app.run(argc, argv, [&]() -> asio::awaitable<int> {
        if (*decode) {
            co_return tristar::decode_lines(std::cin, std::cout) ? 0 : 1;
        }
        if (*read) {
            const auto place = tristar::places_of(target.host, target.port);
            if (!place || place->size() != 1) {
                fmt::print(stderr, "{}: neither HOST nor HOST:PORT with a port of 1 to 65535\n", target.host);
                co_return 2;
            }
            target.host = place->front().host;
            target.port = place->front().port;
            co_return co_await tristar::print_reading(target, as_json);
        }
        if (*scan) {
            std::vector<tristar::Endpoint> places;
            for (const auto& word : words) {
                const auto some = tristar::places_of(word, target.port);
                if (!some) {
                    fmt::print(stderr,
                               "{}: neither HOST, HOST:PORT with a port of 1 to 65535, nor a subnet such as "
                               "192.168.1.0/24, /16 at most\n",
                               word);
                    co_return 2;
                }
                places.insert(places.end(), some->begin(), some->end());
            }
            co_return co_await tristar::scan(places, target, as_json);
        }
        tristar::Driver driver{app, {state_folder, std::chrono::seconds{leave_after_s}}};
        co_return co_await driver.run();
    });
}
