#pragma once
// The simulator's control channel: one JSON object a line in, one a line out. docs/givenergy.md lists the commands.

#include "simulators/givenergy/adapter.hpp"

#include <nlohmann/json_fwd.hpp>

namespace gesim {

struct Simulator {
    asio::io_context& context;
    House& house;
    Adapter& adapter;
    bool running = true;  ///< time passes by itself
};

/// Carries out one command; {"ok": true, ...} or {"ok": false, "error": text}.
[[nodiscard]] nlohmann::json run_command(Simulator& simulator, const nlohmann::json& command);

/// Serves the control channel on a TCP port of 127.0.0.1 (0: a free one); returns the port.
std::uint16_t serve_control(Simulator& simulator, std::uint16_t port);

}  // namespace gesim
