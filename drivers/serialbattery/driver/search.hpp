#pragma once
// Further batteries on a bus where one was found, and what users call families and addresses.

#include "serialbattery/detect/detector.hpp"
#include "serialbattery/driver/port.hpp"

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>

namespace bms {

/// "0x01", "1", "0xF7"; nothing for anything else.
[[nodiscard]] std::optional<std::uint8_t> parse_address(std::string_view text);
/// The families that are called `type`, by our name for them or by how people call them.
[[nodiscard]] std::vector<const Family*> families_called(std::string_view type);

/// Addresses beyond are not looked at unless they are named.
inline constexpr std::uint8_t kHighestScanned = 16;
/// Where else on the bus of `found` batteries may be: at `addresses`, or where its family can be when that is empty.
[[nodiscard]] std::vector<Location> further_places(const Location& found,
                                                   const std::vector<std::uint8_t>& addresses);
/// Asks once at `place`: a session that has been read when such a battery is there, else null.
[[nodiscard]] boost::asio::awaitable<std::unique_ptr<Session>> visit(Port& port, Location place,
                                                                     Options options = {});

}  // namespace bms
