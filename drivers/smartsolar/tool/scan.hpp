#pragma once
// `dbus-smartsolar scan` and `watch`: which products are around, and what they say.

#include <boost/asio/awaitable.hpp>
#include <velib/bus.hpp>

namespace smartsolar {

struct ScanOptions {
    double seconds = 5;
    bool json = false;
};

/// Listens for a while and prints what was heard. The exit code.
boost::asio::awaitable<int> scan(velib::BusContext bus, ScanOptions options);

/// Shows products and values live until cancelled.
boost::asio::awaitable<int> watch(velib::BusContext bus);

}  // namespace smartsolar
