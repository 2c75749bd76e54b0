#pragma once
// The driver as a program: all its ports, the bank, the exit code.

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
};

/// Nothing of ours on the port: serial-starter tries the next driver.
inline constexpr int kExitNotOurs = 129;

/// Serves the ports until cancelled, or until a lone port is given up.
[[nodiscard]] boost::asio::awaitable<int> serve(velib::App& app, ServiceOptions options);

inline constexpr const char* kDefaultConfig = "/data/conf/dbus-serialbattery/config.ini";

}  // namespace bms
