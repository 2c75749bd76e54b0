// givenergy-simulator: a GivEnergy data adapter with an installation behind it that lives through a day.

#include "simulators/givenergy/control.hpp"

#include <cstdio>

#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace {

using namespace gesim;

struct Options {
    std::uint16_t port = 8899;
    int control_port = -1;
    std::string bind = "127.0.0.1";
    std::string model = "gen1";
    std::string serial = "SA2114G047";
    std::string adapter = "WF2125G316";
    int packs = 2;
    double day_seconds = 600;
    double hour = 6;
    double heartbeat_seconds = 180;
    double latency_seconds = 0.02;
    bool still = false;
};

void declare(CLI::App& cli, Options& options) {
    cli.add_option("--port", options.port, "port of the adapter, 0 takes a free one")->capture_default_str();
    cli.add_option("--control", options.control_port, "port of the control channel, 0 takes a free one");
    cli.add_option("--bind", options.bind, "address to listen on")->capture_default_str();
    cli.add_option("--model", options.model, "what is behind the adapter")
        ->check(CLI::IsMember({"gen1", "gen2", "gen3", "ac", "aio", "hv", "three-phase", "gateway", "ems"}))
        ->capture_default_str();
    cli.add_option("--serial", options.serial, "serial of the inverter")->capture_default_str();
    cli.add_option("--adapter", options.adapter, "serial of the adapter")->capture_default_str();
    cli.add_option("--packs", options.packs, "batteries or modules")
        ->check(CLI::Range(1, 6))
        ->capture_default_str();
    cli.add_option("--day-seconds", options.day_seconds, "real seconds a simulated day takes")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    cli.add_option("--hour", options.hour, "time of day to begin with")->check(CLI::Range(0.0, 24.0));
    cli.add_option("--heartbeat", options.heartbeat_seconds, "seconds between heartbeats")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    cli.add_option("--latency", options.latency_seconds, "seconds an answer takes")->capture_default_str();
    cli.add_flag("--still", options.still, "time stands still until the control channel moves it");
}

asio::awaitable<void> live(Simulator& simulator, double day_seconds) {
    constexpr double kTick = 0.25, kDay = 86400;
    asio::steady_timer timer(simulator.context);
    for (;;) {
        timer.expires_after(std::chrono::milliseconds(static_cast<int>(kTick * 1000)));
        co_await timer.async_wait(asio::use_awaitable);
        if (simulator.running) {
            simulator.house.advance(kTick * kDay / day_seconds);
        }
    }
}

int simulate(const Options& options) {
    asio::io_context context{1};
    House house(options.model, options.packs, options.serial);
    house.set_hour(options.hour);
    Adapter adapter(context, house, options.adapter);
    adapter.set_heartbeat(options.heartbeat_seconds);
    adapter.set_latency(options.latency_seconds);
    Simulator simulator{context, house, adapter, !options.still};
    std::printf("adapter %d\n", adapter.listen(options.bind, options.port));
    if (options.control_port >= 0) {
        std::printf("control %d\n",
                    serve_control(simulator, static_cast<std::uint16_t>(options.control_port)));
    }
    std::printf("ready\n");
    std::fflush(stdout);
    asio::co_spawn(context, live(simulator, options.day_seconds), asio::detached);
    asio::signal_set signals(context, SIGINT, SIGTERM);
    signals.async_wait([&](const boost::system::error_code&, int) { context.stop(); });
    context.run();
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App cli{"A GivEnergy data adapter with an installation behind it that lives through a day."};
    Options options;
    declare(cli, options);
    CLI11_PARSE(cli, argc, argv);
    try {
        return simulate(options);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "givenergy-simulator: %s\n", error.what());
        return 1;
    }
}
