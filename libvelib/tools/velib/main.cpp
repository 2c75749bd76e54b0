// velib: a command line for the bus of a GX, compatible with the `dbus` tool that is on the device.
#include "client.hpp"
#include "commands.hpp"
#include "velib/app.hpp"
#include "velib/value.hpp"
#include "watch.hpp"
#include "words.hpp"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <iterator>

#include <fmt/format.h>

namespace asio = boost::asio;
using namespace velib;

namespace {

constexpr int kWrongCommandLine = 2;

struct Options {
    bool json = false;
    bool system_bus = false;
    bool session_bus = false;
    std::vector<std::string> words;
    cli::WatchOptions watch;
    std::string duration;
};

// "20", "20s", "5m", "1h".
std::chrono::milliseconds duration_of(const std::string& text) {
    const auto unit_at = text.find_first_not_of("0123456789.");
    const auto unit = unit_at == std::string::npos ? std::string() : text.substr(unit_at);
    const auto number = parse_real(text.substr(0, unit_at));
    const double seconds = unit.empty() || unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3600 : 0;
    if (!number || seconds == 0 || *number * seconds > 1e6) {
        throw cli::Failure(fmt::format("'{}' is not a duration (20s, 5m, 1h)", text));
    }
    constexpr double kMilliseconds = 1000;
    return std::chrono::milliseconds(static_cast<std::int64_t>(*number * seconds * kMilliseconds));
}

struct Commands {
    CLI::App* list;
    CLI::App* watch;
};

Commands declare(CLI::App& cli, Options& options) {
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
    auto* list = cli.add_subcommand("list", "The com.victronenergy services, with instance and name");
    auto* watch = cli.add_subcommand("watch", "A live view of all items: service, path, value, text");
    watch->add_option("service", options.watch.service,
                      "a service, the beginning of its name, or a class such as \"battery\"");
    watch->add_flag("--once", options.watch.once, "print what is there now, and end");
    watch->add_option("--for", options.duration, "end after this time, e.g. 20s");
    watch->add_flag("-a,--all", options.watch.history, "on a terminal: show the daily history too");
    watch->add_option("--title", options.watch.title, "a line above the view (may be given several times)");
    return {list, watch};
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
    const auto commands = declare(app.cli(), options);

    auto words = cli::sort_words({argv + 1, argv + argc});
    std::vector<char*> arguments{argv[0]};
    std::ranges::transform(words, std::back_inserter(arguments),
                           [](std::string& word) { return word.data(); });
    return app.run(static_cast<int>(arguments.size()), arguments.data(), [&]() -> asio::awaitable<int> {
        try {
            const auto bus = bus_of(app, options);
            if ((*commands.watch || *commands.list) && !options.words.empty()) {
                fmt::print(stderr, "velib: '{}' is one argument too many\n", options.words.front());
                co_return kWrongCommandLine;
            }
            if (*commands.watch) {
                options.watch.json = options.json;
                if (!options.duration.empty()) {
                    options.watch.duration = duration_of(options.duration);
                }
                co_return co_await cli::watch(bus, options.watch);
            }
            if (*commands.list) {
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
