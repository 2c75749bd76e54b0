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

void print(const PortSession& session, const Heard& heard, bool json) {
    const Battery& battery = heard.battery();
    if (json) {
        nlohmann::ordered_json object = {{"port", session.port()}};
        object.update(to_json(heard.place, battery));
        fmt::print("{}\n", object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
        return;
    }
    fmt::print("{}: {}\n", session.port(), title_of(heard.place, battery));
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
    if (session.occupied()) {
        const auto fault = co_await session.overhear_round();
        if (fault && !session.replayed()) {
            std::cerr << session.port() << ": " << transport::describe(*fault) << '\n';
            co_return kNotDone;
        }
    }
    if (session.batteries().empty()) {
        std::cerr << session.port() << ": " << session.otherwise() << '\n';
        result = kNotDone;
    }
    for (const auto& battery : session.batteries()) {
        // Once more: some families ask in the first cycle what they need to know for the second.
        std::optional<SerialFault> fault;
        if (!session.occupied()) {
            fault = co_await session.poll(*battery);
        }
        if (fault && !session.replayed()) {  // else the recording has ended, and what was read before stands
            std::cerr << session.port() << ": " << transport::describe(*fault) << '\n';
            co_return kNotDone;
        }
        if (!fault && !session.occupied() && !battery->talk.succeeded()) {
            std::cerr << session.port() << ": " << title_of(battery->place, battery->battery())
                      << " does not answer any more\n";
            result = kNotDone;
            continue;
        }
        print(session, *battery, options.json);
        if (const auto reason = implausible(battery->battery())) {
            std::cerr << session.port() << ": this cannot be true (" << *reason
                      << "): the driver would not take it\n";
            result = kNotDone;
        }
    }
    for (const auto address : session.missing()) {
        std::cerr << fmt::format("{}: nothing at address 0x{:02X}\n", session.port(), address);
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
