#pragma once
// The driver as a program: all its ports, its own and those handed over, the bank, the exit code.

#include "common/state_folder.hpp"
#include "velib/app.hpp"

#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

namespace bms {

struct ServiceOptions {
    std::vector<std::string> ports;
    std::string config;  ///< empty: the usual place
    std::string state_folder = common::default_state_folder("dbus-serialbattery").string();
    std::string record;  ///< file to write all bytes to
    std::string replay;  ///< recording to take in place of ports
    bool host = false;   ///< serve the ports of processes that join too
    bool join = false;   ///< let a process that is host serve the one port, if there is one
};

/// Serves the ports until cancelled, or until a lone port is given up. With `join` another process does.
[[nodiscard]] boost::asio::awaitable<int> serve(velib::App& app, ServiceOptions options);

inline constexpr const char* kDefaultConfig = "/data/conf/dbus-serialbattery/config.ini";

}  // namespace bms
