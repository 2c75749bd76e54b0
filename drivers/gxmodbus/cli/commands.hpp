#pragma once
// The commands that need no bus: look at a remote GX, read and write its registers, decode recorded traffic.
// Each returns the exit code: 0 done, 1 not done, 2 a wrong argument.

#include "gxmodbus/cli/session.hpp"

#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

namespace gxmodbus::cli {

struct ScanCommand {
    std::string host;
    std::string units;  ///< only these, as in the setting Units
    bool full = false;  ///< every unit and type
    bool json = false;
    bool all = false;  ///< registers that read 0 too
    double rate = 20;  ///< probes a second
};
boost::asio::awaitable<int> scan(boost::asio::any_io_executor executor, ScanCommand command);

struct ReadCommand {
    std::string host;
    std::vector<std::string> targets;
    bool json = false;
    bool all = false;
    bool watch = false;
    double interval = 1;  ///< seconds between two looks
    double rate = 20;
};
boost::asio::awaitable<int> read(boost::asio::any_io_executor executor, ReadCommand command);

struct WriteCommand {
    std::string host;
    std::string target;
    std::string value;
};
boost::asio::awaitable<int> write(boost::asio::any_io_executor executor, WriteCommand command);

/// Recorded exchanges, one JSON object a line on standard input, to what they say, one a line on standard output.
int decode_lines();

}  // namespace gxmodbus::cli
