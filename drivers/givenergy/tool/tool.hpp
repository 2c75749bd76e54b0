#pragma once
// What dbus-givenergy does on the command line, without any message bus: read, write, find, decode.

#include "givenergy/driver/link.hpp"

#include <istream>
#include <ostream>

namespace givenergy {

/// Exit codes of the command line.
enum class Exit : int { success = 0, failure = 1, usage = 2 };

/// Prints the readout of a read function as one JSON object. `pretty`: indented.
boost::asio::awaitable<Exit> run_read(AdapterAddress address, LinkTiming timing, std::string function,
                                      bool raw, std::ostream& out, std::ostream& complaints);

struct WriteOptions {
    std::string function;
    std::string payload;
    bool json = false;           ///< answer as {"result":"..."}
    bool charge_slot_2 = false;  ///< the owner vouches for registers 31 and 32
    bool unknown_model = false;
};
boost::asio::awaitable<Exit> run_write(AdapterAddress address, LinkTiming timing, WriteOptions options,
                                       std::ostream& out, std::ostream& complaints);

/// Looks for adapters: at the given addresses and networks ("192.168.1.0/24"), or in the networks this machine is in.
boost::asio::awaitable<Exit> run_find(std::vector<std::string> places, std::uint16_t port, bool json,
                                      std::ostream& out, std::ostream& complaints);

/// Decodes JSON lines until the end of input.
Exit run_decode(std::istream& in, std::ostream& out);

}  // namespace givenergy
