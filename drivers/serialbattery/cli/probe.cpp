// dbus-serialbattery probe: what is on a port, at which baud rate, and how long finding it took.

#include "serialbattery/cli/battery_text.hpp"
#include "serialbattery/cli/command.hpp"
#include "serialbattery/cli/port_session.hpp"

#include <iostream>

#include <fmt/format.h>

namespace bms::cli {
namespace asio = boost::asio;
namespace {

struct ProbeOptions {
    PortOptions port;
    bool json = false;
};

nlohmann::ordered_json report(const PortSession& session) {
    nlohmann::ordered_json batteries = nlohmann::ordered_json::array();
    for (const auto& battery : session.batteries()) {
        const auto all = to_json(battery->place, battery->battery());
        nlohmann::ordered_json entry;
        for (const auto* key : {"family", "product", "address", "baud", "parity", "serial", "cell_count"}) {
            entry[key] = all.at(key);
        }
        batteries.push_back(std::move(entry));
    }
    const auto otherwise = session.otherwise();
    return {{"port", session.port()},
            {"took_ms", session.took().count()},
            {"questions", session.probes()},
            {"batteries", std::move(batteries)},
            {"otherwise", otherwise.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(otherwise)}};
}

void print(const PortSession& session) {
    const auto effort = fmt::format("{} ms, {} question{}", session.took().count(), session.probes(),
                                    session.probes() == 1 ? "" : "s");
    if (session.batteries().empty()) {
        fmt::print("{}: {} ({})\n", session.port(), session.otherwise(), effort);
    }
    for (const auto& battery : session.batteries()) {
        fmt::print("{}: {}{}\n", session.port(), title_of(battery->place, battery->battery()),
                   battery == session.batteries().front() ? fmt::format(", found in {}", effort) : "");
    }
}

asio::awaitable<int> probe(asio::any_io_executor executor, ProbeOptions options) {
    PortSession session(executor, options.port);
    const bool usable = co_await session.search();
    if (!usable) {
        co_return kNotDone;
    }
    if (options.json) {
        const auto text = report(session).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
        fmt::print("{}\n", text);
    } else {
        print(session);
    }
    const auto missing = session.missing();
    for (const auto address : missing) {
        std::cerr << fmt::format("{}: nothing at address 0x{:02X}\n", session.port(), address);
    }
    const bool found =
        session.kind() == Detected::Kind::battery || session.kind() == Detected::Kind::occupied;
    co_return found&& missing.empty() ? kDone : kNotDone;
}

}  // namespace

Command add_probe(CLI::App& app) {
    auto* line = app.add_subcommand("probe", "Finds out what is on a serial port, at which baud rate.");
    const auto options = std::make_shared<ProbeOptions>();
    add_port_options(*line, options->port);
    line->add_flag("--json", options->json, "as JSON");
    return {line, [options](asio::any_io_executor executor) { return probe(executor, *options); }};
}

}  // namespace bms::cli
