#pragma once
// The driver as a service: all remote GX devices of the settings, mirrored until it is told to end.

#include "common/state_folder.hpp"
#include "velib/app.hpp"

#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

namespace gxmodbus {

struct BridgeOptions {
    std::vector<std::string> hosts;  ///< defaults of the first slots' settings, "10.0.0.5" or "barn:1502"
    std::string state_directory = common::default_state_folder("dbus-gxmodbus").string();
};

boost::asio::awaitable<int> serve(velib::App& app, BridgeOptions options);

}  // namespace gxmodbus
