#pragma once
// `dbus-smartsolar query`: connects to the nearest product and prints its values as one JSON object.

#include <string>

#include <CLI/CLI.hpp>
#include <boost/asio/awaitable.hpp>
#include <velib/bus.hpp>

namespace smartsolar {

struct QueryOptions {
    int verbosity = 0;  // 0 warnings, 1 information, 2 debugging
    std::string passkey = "000000";
    double discovery_seconds = 5;
    double query_seconds = 20;
    std::string address;  // empty: the nearest
};

void add_options(CLI::App& command, QueryOptions& options);

/// The exit code.
boost::asio::awaitable<int> query(velib::BusContext bus, QueryOptions options);

}  // namespace smartsolar
