#pragma once
// What the main function of every driver shares: command line, log, bus, signals, event loop, exit code.

#include "velib/bus.hpp"

#include <functional>
#include <string>

#include <CLI/CLI.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

namespace velib {

/// The version of the suite, as in /Mgmt/ProcessVersion.
[[nodiscard]] const char* suite_version();

/// int main(int argc, char** argv) {
///     velib::App app{"dbus-tsmppt", "Publishes Morningstar TriStar MPPT chargers."};
///     auto* scan = app.cli().add_subcommand("scan", "...");
///     return app.run(argc, argv, [&]() -> boost::asio::awaitable<int> {
///         if (*scan) co_return co_await run_scan(...);
///         co_return co_await serve(app);
///     });
/// }
class App {
  public:
    App(std::string name, std::string description);
    App(const App&) = delete;
    App& operator=(const App&) = delete;
    ~App();

    [[nodiscard]] const std::string& name() const { return name_; }
    /// Add options and subcommands before run(). --dbus, --log-level and --version are there already.
    [[nodiscard]] CLI::App& cli() { return cli_; }
    [[nodiscard]] boost::asio::io_context& context() { return context_; }
    /// Where to publish. Losing the bus ends the program with exit code 1, so that supervise starts it again.
    [[nodiscard]] BusContext bus();

    /// Parses the command line and runs `body` until it returns its exit code. SIGTERM and SIGINT cancel it
    /// (terminal cancellation); it then has two seconds to unwind, and the exit code is 0. An exception ends
    /// the program with one line of log and exit code 1; a wrong command line with exit code 2.
    int run(int argc, char** argv, std::function<boost::asio::awaitable<int>()> body);

    /// Ends the program with `exit_code` as if by a signal.
    void stop(int exit_code);

  private:
    void watch_signals();

    std::string name_;
    CLI::App cli_;
    boost::asio::io_context context_{1};
    std::string bus_address_;
    std::string log_level_ = "info";
    struct Stop;
    std::unique_ptr<Stop> stop_;
};

}  // namespace velib
