#pragma once
// What the driver does from the command line, without any message bus.

#include "tsmppt/link.hpp"
#include "tsmppt/settings.hpp"

#include <optional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

namespace tristar {

/// Prints one reading of a controller: as lines of name, value and unit, or as one line of JSON. 0, or 1 with a
/// line on stderr that says what is wrong.
boost::asio::awaitable<int> print_reading(Link::Options options, bool as_json);

/// The places that a word names: the hosts of "192.168.1.0/24" (at most 65534), or one HOST or HOST:PORT. `port` is that
/// of all that have none of their own. Nothing when it is none of these.
[[nodiscard]] std::optional<std::vector<Endpoint>> places_of(const std::string& word, std::uint16_t port);

/// Asks at every place and prints a line for each controller found. 0 when there was one, else 1.
boost::asio::awaitable<int> scan(std::vector<Endpoint> places, Link::Options options, bool as_json);

}  // namespace tristar
