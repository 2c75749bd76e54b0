#pragma once
// What the driver does from the command line, without any message bus.

#include "tsmppt/link.hpp"

#include <optional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

namespace tristar {

/// Prints one reading of a controller: as lines of name, value and unit, or as one line of JSON. 0, or 1 with a
/// line on stderr that says what is wrong.
boost::asio::awaitable<int> print_reading(Link::Options options, bool as_json);

/// The IPv4 addresses that a word names: the hosts of "192.168.1.0/24" (at most 65534), or the word itself.
/// Nothing for a subnet that cannot be.
[[nodiscard]] std::optional<std::vector<std::string>> hosts_of(const std::string& word);

/// Asks every host and prints a line for each controller found. 0 when there was one, else 1.
boost::asio::awaitable<int> scan(std::vector<std::string> hosts, Link::Options options, bool as_json);

}  // namespace tristar
