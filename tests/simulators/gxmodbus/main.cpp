// gx-simulator: a GX's Modbus TCP server with a house behind it that lives through a day.

#include "simulators/gxmodbus/control.hpp"
#include "simulators/gxmodbus/plant.hpp"

#include <chrono>
#include <cstdio>

#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

struct Options {
    std::uint16_t port = 1502;
    int control_port = -1;
    bool everywhere = false;
    std::string version = "1.0.101";
    std::string firmware;
    std::string plant = "house";
    std::string serial = "c0619ab2f3d1";
    double day_seconds = 600;
    bool still = false;
};

// The firmware that came with a server, as register 834 has it.
std::uint16_t firmware_of(gxmodbus::ServerVersion version) {
    const gxmodbus::ServerVersion limits[] = {{1, 0, 95}, {1, 0, 88}, {1, 0, 82}};
    const std::uint16_t firmware[] = {0x0380, 0x0370, 0x0360};
    for (int i = 0; i < 3; ++i) {
        if (version >= limits[i]) {
            return firmware[i];
        }
    }
    return 0x0350;
}

void declare(CLI::App& cli, Options& options) {
    cli.add_option("--port", options.port, "Modbus TCP port, 0 takes a free one")->capture_default_str();
    cli.add_option("--control", options.control_port, "port of the control channel, 0 takes a free one");
    cli.add_flag("--everywhere", options.everywhere, "listen on all interfaces, not only on 127.0.0.1");
    cli.add_option("--server-version", options.version, "version of the server program to imitate")
        ->capture_default_str();
    cli.add_option("--firmware", options.firmware,
                   "Venus OS version in hexadecimal digits: 380, 370:47 for a beta");
    cli.add_option("--plant", options.plant, "house or empty")->check(CLI::IsMember({"house", "empty"}));
    cli.add_option("--serial", options.serial, "serial of the GX (VRM portal id)")->capture_default_str();
    cli.add_option("--day-seconds", options.day_seconds, "real seconds a simulated day takes")
        ->check(CLI::PositiveNumber);
    cli.add_flag("--still", options.still, "time stands still until the control channel moves it");
}

void set_firmware(gxsim::GxServer& server, const Options& options) {
    std::uint16_t version = firmware_of(server.version());
    std::uint16_t beta = 0;
    if (!options.firmware.empty()) {
        const auto colon = options.firmware.find(':');
        version = static_cast<std::uint16_t>(std::stoul(options.firmware.substr(0, colon), nullptr, 16));
        if (colon != std::string::npos) {
            beta = static_cast<std::uint16_t>(std::stoul(options.firmware.substr(colon + 1), nullptr, 16));
        }
    }
    server.set_firmware(version, beta);
}

asio::awaitable<void> live(gxsim::HouseDay& day, const bool& running, double day_seconds) {
    asio::steady_timer timer(co_await asio::this_coro::executor);
    for (;;) {
        timer.expires_after(500ms);
        co_await timer.async_wait(asio::use_awaitable);
        if (running) {
            day.advance(0.5 * 86400 / day_seconds);
        }
    }
}

int simulate(const Options& options, gxmodbus::ServerVersion version) {
    asio::io_context context{1};
    gxsim::GxServer server(version);
    set_firmware(server, options);
    if (options.plant == "house") {
        gxsim::furnish_house(server);
    } else {
        server.add(gxmodbus::ServiceType::settings, 0);
    }
    server.set(gxmodbus::ServiceType::system, 0, "/Serial", options.serial);

    // The value a write leads to shows after the device has confirmed it.
    int write_delay_ms = 200;
    server.set_apply([&](std::function<void()> store) {
        auto timer = std::make_shared<asio::steady_timer>(context, std::chrono::milliseconds(write_delay_ms));
        timer->async_wait([timer, store = std::move(store)](const boost::system::error_code&) { store(); });
    });

    gxsim::TcpServer network(context, server);
    gxsim::HouseDay day(server);
    bool running = !options.still && options.plant == "house";
    gxsim::Simulator simulator{context,
                               server,
                               network,
                               [&](double seconds) { day.advance(seconds); },
                               [&](bool on) { running = on; },
                               [&] { return day.hour(); },
                               [&](int milliseconds) { write_delay_ms = milliseconds; }};
    std::printf("modbus %d\n", network.listen(options.port, options.everywhere));
    if (options.control_port >= 0) {
        std::printf("control %d\n",
                    gxsim::serve_control(simulator, static_cast<std::uint16_t>(options.control_port)));
    }
    std::printf("ready\n");
    std::fflush(stdout);
    asio::co_spawn(context, live(day, running, options.day_seconds), asio::detached);
    asio::signal_set signals(context, SIGINT, SIGTERM);
    signals.async_wait([&](const boost::system::error_code&, int) { context.stop(); });
    context.run();
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App cli{"A GX's Modbus TCP server with a house behind it that lives through a day."};
    Options options;
    declare(cli, options);
    CLI11_PARSE(cli, argc, argv);
    const auto version = gxmodbus::parse_server_version(options.version);
    if (!version) {
        std::fprintf(stderr, "--server-version: %s is no version\n", options.version.c_str());
        return 2;
    }
    try {
        return simulate(options, *version);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "gx-simulator: %s\n", error.what());
        return 1;
    }
}
