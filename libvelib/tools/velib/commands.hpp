#pragma once
// The commands of the `dbus` tool: names, objects, methods, calls; and a list of the services of a GX.

#include "client.hpp"

#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

namespace velib::cli {

/// `velib [SERVICE [PATH [METHOD [ARGUMENT...]]]]`: the names on the bus, a service's object paths, an
/// object's methods, or a call. Prints to stdout; returns the exit code: 1 when the service refused a value
/// (which also says so on stderr). Throws Failure and LiteralError.
boost::asio::awaitable<int> run_words(BusContext context, std::vector<std::string> words, bool json);

/// `velib list`: the com.victronenergy services, with instance, name and whether their devices are connected.
boost::asio::awaitable<int> run_list(BusContext context, bool json);

}  // namespace velib::cli
