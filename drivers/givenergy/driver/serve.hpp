#pragma once
// The driver itself: every adapter of the settings, on D-Bus and MQTT, until the end.

#include "common/state_folder.hpp"
#include "velib/app.hpp"

namespace givenergy {

struct ServeOptions {
    std::string state_directory = common::default_state_folder("dbus-givenergy").string();
};

/// Runs until it is cancelled; settings are followed live.
boost::asio::awaitable<int> serve(velib::App& app, ServeOptions options);

}  // namespace givenergy
