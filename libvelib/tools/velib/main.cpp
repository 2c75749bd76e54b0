// velib: a command line for the bus of a GX, compatible with the `dbus` tool that is on the device.
#include "client.hpp"
#include "commands.hpp"
#include "velib/app.hpp"
#include "words.hpp"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <iterator>

#include <fmt/format.h>

namespace asio = boost::asio;
using namespace velib;

namespace {

struct Options {
    bool json = false;
    bool system_bus = false;
    bool session_bus = false;
    std::vector<std::string> words;
};

CLI::App* declare(CLI::App& cli, Options& options) {
    cli.fallthrough();
    cli.footer(
        "velib                            the names on the bus\n"
        "velib SERVICE                    the paths of a service\n"
        "velib SERVICE PATH               the methods of an object\n"
        "velib SERVICE PATH METHOD ARG... a call: GetValue, GetText, SetValue %5, ...\n"
        "\n"
        "Arguments are texts; with a leading % they are Python literals (%5 %2.5 %True '%[1, 2]' %None), and "
        "%%\n"
        "begins a text that begins with %.");
    cli.add_flag("--json", options.json, "print JSON instead of Python's notation");
    auto* system = cli.add_flag("-y,--system", options.system_bus, "use the system bus");
    cli.add_flag("--session", options.session_bus, "use the session bus")->excludes(system);
    cli.add_option("words", options.words, "SERVICE PATH METHOD ARGUMENT...")->group("");
    return cli.add_subcommand("list", "The com.victronenergy services, with instance and name");
}

BusContext bus_of(App& app, const Options& options) {
    auto context = app.bus();
    if (options.system_bus || options.session_bus) {
        context.address.text = options.system_bus ? "system" : "session";
    }
    return context;
}

}  // namespace

int main(int argc, char** argv) {
    App app("velib", "Reads, writes and watches the services on the bus of a GX.");
    Options options;
    const auto* list = declare(app.cli(), options);

    auto words = cli::sort_words({argv + 1, argv + argc});
    std::vector<char*> arguments{argv[0]};
    std::ranges::transform(words, std::back_inserter(arguments),
                           [](std::string& word) { return word.data(); });
    return app.run(static_cast<int>(arguments.size()), arguments.data(), [&]() -> asio::awaitable<int> {
        try {
            const auto bus = bus_of(app, options);
            if (*list) {
                co_return co_await cli::run_list(bus, options.json);
            }
            co_return co_await cli::run_words(bus, options.words, options.json);
        } catch (const std::exception& error) {
            std::fflush(stdout);
            fmt::print(stderr, "velib: {}\n", error.what());
        }
        co_return 1;
    });
}
