#pragma once
// `velib watch`: follows the services on the bus.

#include "velib/bus.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

namespace velib::cli {

struct WatchOptions {
    /// A service, the beginning of names, or a class such as "battery"; empty: every com.victronenergy service.
    std::string service;
    bool json = false;
    /// Print what is there and end.
    bool once = false;
    /// End after this time, with a last picture.
    std::optional<std::chrono::milliseconds> duration;
    bool history = false;
    std::vector<std::string> title;
};

/// Returns the exit code: 1 when `once` finds no service that was asked for.
boost::asio::awaitable<int> watch(BusContext context, WatchOptions options);

}  // namespace velib::cli
