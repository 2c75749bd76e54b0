#pragma once
// The simulator's control channel: one JSON object a line in, one a line out. docs/gxmodbus.md lists the commands.

#include "simulators/gxmodbus/tcp_server.hpp"

#include <functional>
#include <memory>

#include <nlohmann/json_fwd.hpp>

namespace gxsim {

struct Simulator {
    boost::asio::io_context& context;
    GxServer& server;
    TcpServer& network;
    std::function<void(double seconds)> advance_day;
    std::function<void(bool running)> run_day;
    std::function<double()> hour;
    std::function<void(int milliseconds)> set_write_delay;
};

/// Carries out one command; {"ok": true, ...} or {"ok": false, "error": text}.
[[nodiscard]] nlohmann::json run_command(Simulator& simulator, const nlohmann::json& command);

/// Serves the control channel on a TCP port of 127.0.0.1 (0: a free one); returns the port.
std::uint16_t serve_control(Simulator& simulator, std::uint16_t port);

}  // namespace gxsim
