// dbus-serialbattery read: every value of the batteries on a port, once.

#include "serialbattery/cli/battery_text.hpp"
#include "serialbattery/cli/command.hpp"
#include "serialbattery/cli/port_session.hpp"

#include <iostream>

#include <fmt/format.h>

namespace bms::cli {
namespace asio = boost::asio;
namespace {

struct ReadOptions {
    PortOptions port;
    bool json = false;
};

void print(const ReadOptions& options, const Heard& heard) {
    const Battery& battery = heard.battery();
    if (options.json) {
        nlohmann::ordered_json object = {{"port", options.port.port}};
        object.update(to_json(heard.place, battery));
        fmt::print("{}\n", object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
        return;
    }
    fmt::print("{}: {}\n", options.port.port, title_of(heard.place, battery));
    for (const auto& line : to_text(battery)) {
        fmt::print("{}\n", line);
    }
}

asio::awaitable<int> read(asio::any_io_executor executor, ReadOptions options) {
    PortSession session(executor, options.port);
    const bool usable = co_await session.search();
    if (!usable) {
        co_return kNotDone;
    }
    int result = kDone;
    if (session.batteries().empty()) {
        std::cerr << options.port.port << ": " << session.otherwise() << '\n';
        result = kNotDone;
    }
    for (const auto& battery : session.batteries()) {
        // Once more: some families ask in the first cycle what they need to know for the second.
        const bool answered = co_await session.poll(*battery);
        if (!answered) {
            result = kNotDone;
            continue;
        }
        print(options, *battery);
        if (const auto reason = implausible(battery->battery())) {
            std::cerr << options.port.port << ": this cannot be true (" << *reason
                      << "): the driver would not take it\n";
            result = kNotDone;
        }
    }
    for (const auto address : session.missing()) {
        std::cerr << fmt::format("{}: nothing at address 0x{:02X}\n", options.port.port, address);
        result = kNotDone;
    }
    co_return result;
}

}  // namespace

Command add_read(CLI::App& app) {
    auto* line = app.add_subcommand("read", "Reads the battery on a serial port once.");
    const auto options = std::make_shared<ReadOptions>();
    add_port_options(*line, options->port);
    line->add_flag("--json", options->json, "as JSON, an object a line for each battery");
    return {line, [options](asio::any_io_executor executor) { return read(executor, *options); }};
}

}  // namespace bms::cli
