// bms-simulator: batteries of any family on a pseudo-terminal, at true byte times.
//
// Prints "port PATH" and "ready". Commands on standard input, one JSON object a line, each answered by one:
//   {"command":"set","unit":1,"current":-12.5,"soc":40,"temperature":3,"heating":true}   without "unit": all
//   {"command":"alarm","name":"HighCellVoltage","level":2}      of the board; level 0 takes it back
//   {"command":"fault","echo":true,"silence":false,"garble":97,"lose":0,"damage":1,"prefix":"00ff","block_ms":16,
//    "ignore":true}
//   {"command":"advance","seconds":60}                          besides the time that passes
//   {"command":"state"}                                         of every unit

#include "simulator.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <nlohmann/json.hpp>

namespace {

namespace asio = boost::asio;
using namespace bms::sim;
using namespace std::chrono_literals;
using Json = nlohmann::json;

struct Settings {
    std::string family = "jbd";
    std::vector<unsigned> units;
    std::size_t cells = 0;
    std::string link;
    bool instant = false;
    double speed = 1;
};

/// What goes wrong on the line.
struct Faults {
    bool echo = false;
    bool silence = false;
    std::size_t garble = 0;  ///< flip a bit in every n-th byte, 0: never
    std::size_t lose = 0;    ///< swallow every n-th byte
    std::size_t damage = 0;  ///< spoil so many answers
    bool ignore = false;     ///< accept commands and do not carry them out
    Buffer prefix;           ///< in front of every answer: noise, or a foreign reply
    milliseconds block{0};   ///< a slow adapter: what came is delivered in steps of this
};

class Line {
  public:
    Line(asio::io_context& context, const Settings& settings, const Simulator& simulator)
        : settings_(settings), simulator_(simulator), port_(context, open_master()) {
        for (const auto address : settings.units) {
            units.push_back(std::make_unique<Unit>(simulator, address));
            if (settings.cells > 0) {
                units.back()->pack = Pack(settings.cells);
            }
        }
    }

    std::vector<std::unique_ptr<Unit>> units;
    Faults faults;

    [[nodiscard]] std::string path() {
        std::array<char, 64> name{};
        ::ptsname_r(port_.native_handle(), name.data(), name.size());
        return name.data();
    }

    asio::awaitable<void> serve() {
        std::array<std::uint8_t, 512> buffer{};
        for (;;) {
            const auto count = co_await port_.async_read_some(asio::buffer(buffer), asio::use_awaitable);
            const Buffer heard(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(count));
            if (faults.echo) {
                co_await put(heard);
            }
            if (!same_line()) {
                continue;
            }
            co_await pass(byte_time() * heard.size());
            for (auto& unit : units) {
                const Pack before = unit->pack;
                auto answer = unit->hear(heard);
                if (faults.ignore) {
                    unit->pack = before;
                }
                if (answer && !answer->empty() && !faults.silence) {
                    co_await pass(simulator_.latency);
                    co_await answer_with(std::move(*answer));
                }
            }
        }
    }

  private:
    int open_master() {
        const int fd = ::posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0 || ::grantpt(fd) != 0 || ::unlockpt(fd) != 0) {
            throw std::runtime_error("no pseudo-terminal");
        }
        std::array<char, 64> name{};
        ::ptsname_r(fd, name.data(), name.size());
        // Held open so that the line survives clients that come and go; raw from the start.
        holder_ = ::open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC);
        termios raw{};
        ::tcgetattr(holder_, &raw);
        ::cfmakeraw(&raw);
        ::tcsetattr(holder_, TCSANOW, &raw);
        return fd;
    }

    [[nodiscard]] std::chrono::microseconds byte_time() const {
        return std::chrono::microseconds((simulator_.even_parity ? 11'000'000 : 10'000'000)
                                         / simulator_.baud);
    }
    asio::awaitable<void> pass(std::chrono::microseconds time) {
        if (settings_.instant || time.count() == 0) {
            co_return;
        }
        asio::steady_timer timer(co_await asio::this_coro::executor, time);
        co_await timer.async_wait(asio::use_awaitable);
    }

    /// Whether the client has set the line as this family speaks.
    [[nodiscard]] bool same_line() {
        termios now{};
        if (::tcgetattr(port_.native_handle(), &now) != 0) {
            return false;
        }
        const speed_t wanted = simulator_.baud == 115200  ? B115200
                               : simulator_.baud == 19200 ? B19200
                                                          : B9600;
        // A pseudo-terminal forgets PARENB, but not whether parity is to be checked.
        const bool even = (now.c_iflag & INPCK) != 0 && (now.c_iflag & IGNPAR) == 0;
        return ::cfgetospeed(&now) == wanted && even == simulator_.even_parity;
    }

    asio::awaitable<void> answer_with(Buffer answer) {
        if (faults.damage > 0) {
            --faults.damage;
            answer[answer.size() / 2] ^= 0x10;
        }
        answer.insert(answer.begin(), faults.prefix.begin(), faults.prefix.end());
        // What an adapter collects in some milliseconds comes as one block.
        const auto block = std::max<milliseconds>(faults.block, 4ms);
        const auto at_once = std::max<std::size_t>(1, static_cast<std::size_t>(block / byte_time()));
        for (std::size_t at = 0; at < answer.size(); at += at_once) {
            const auto end = std::min(answer.size(), at + at_once);
            const Buffer part(answer.begin() + static_cast<std::ptrdiff_t>(at),
                              answer.begin() + static_cast<std::ptrdiff_t>(end));
            co_await pass(byte_time() * part.size());
            co_await put(part);
        }
    }
    asio::awaitable<void> put(Buffer bytes) {
        Buffer out;
        for (auto byte : bytes) {
            ++passed_;
            if (faults.lose != 0 && passed_ % faults.lose == 0) {
                continue;
            }
            out.push_back(faults.garble != 0 && passed_ % faults.garble == 0 ? byte ^ 0x04 : byte);
        }
        co_await asio::async_write(port_, asio::buffer(out), asio::use_awaitable);
    }

    const Settings& settings_;
    const Simulator& simulator_;
    int holder_ = -1;
    asio::posix::stream_descriptor port_;
    std::size_t passed_ = 0;
};

// ------------------------------------------------------------------------------------------ commands

Json state_of(Unit& unit) {
    const auto& pack = unit.pack;
    Json cells = Json::array();
    for (std::size_t i = 0; i < pack.size(); ++i) {
        cells.push_back(pack.millivolts(i));
    }
    return {{"unit", unit.address()},
            {"answers", unit.answers()},
            {"voltage", pack.voltage()},
            {"current", pack.amperes()},
            {"soc", pack.soc_pct()},
            {"cells_mV", cells},
            {"charge_allowed", pack.charge_allowed},
            {"discharge_allowed", pack.discharge_allowed},
            {"balancer_on", pack.balancer_on}};
}

void set_pack(const Json& command, Pack& pack) {
    pack.wanted_a = command.value("current", pack.wanted_a);
    pack.heating = command.value("heating", pack.heating);
    if (command.contains("soc")) {
        pack.set_soc(command["soc"].get<double>());
    }
    if (command.contains("temperature")) {
        pack.celsius.fill(command["temperature"].get<double>());
    }
}

void set_faults(const Json& command, Faults& faults) {
    faults.echo = command.value("echo", faults.echo);
    faults.silence = command.value("silence", faults.silence);
    faults.ignore = command.value("ignore", faults.ignore);
    faults.garble = command.value("garble", faults.garble);
    faults.lose = command.value("lose", faults.lose);
    faults.damage = command.value("damage", faults.damage);
    faults.block = milliseconds(command.value("block_ms", faults.block.count()));
    if (command.contains("prefix")) {
        faults.prefix = wire::from_hex(command["prefix"].get<std::string>()).value();
    }
}

Json set_alarm(const Json& command, const std::vector<Unit*>& chosen) {
    const auto name = command.at("name").get<std::string>();
    const auto found = std::find(bms::kAlarmNames.begin(), bms::kAlarmNames.end(), name);
    if (found == bms::kAlarmNames.end()) {
        return {{"ok", false}, {"error", "no alarm " + name}};
    }
    for (auto* unit : chosen) {
        unit->pack.alarms[static_cast<std::size_t>(found - bms::kAlarmNames.begin())] =
            static_cast<bms::Level>(command.at("level").get<unsigned>());
    }
    return {{"ok", true}};
}

Json run_command(const Json& command, Line& line) {
    std::vector<Unit*> chosen;
    for (auto& unit : line.units) {
        if (!command.contains("unit") || command["unit"].get<unsigned>() == unit->address()) {
            chosen.push_back(unit.get());
        }
    }
    const auto name = command.at("command").get<std::string>();
    if (name == "alarm") {
        return set_alarm(command, chosen);
    }
    Json answer{{"ok", true}};
    if (name == "set") {
        for (auto* unit : chosen) {
            set_pack(command, unit->pack);
        }
    } else if (name == "fault") {
        set_faults(command, line.faults);
    } else if (name == "advance") {
        for (auto* unit : chosen) {
            unit->pack.step(command.at("seconds").get<double>());
        }
    } else if (name == "state") {
        answer["units"] = Json::array();
        for (auto* unit : chosen) {
            answer["units"].push_back(state_of(*unit));
        }
    } else {
        answer = {{"ok", false}, {"error", "no command " + name}};
    }
    return answer;
}

asio::awaitable<void> obey(Line& line) {
    asio::posix::stream_descriptor input(co_await asio::this_coro::executor, ::dup(STDIN_FILENO));
    std::string pending;
    for (;;) {
        const auto count =
            co_await asio::async_read_until(input, asio::dynamic_buffer(pending), '\n', asio::use_awaitable);
        Json answer;
        try {
            answer = run_command(Json::parse(pending.substr(0, count)), line);
        } catch (const std::exception& error) {
            answer = {{"ok", false}, {"error", error.what()}};
        }
        pending.erase(0, count);
        std::printf("%s\n", answer.dump().c_str());
        std::fflush(stdout);
    }
}

asio::awaitable<void> live(Line& line, double speed) {
    asio::steady_timer timer(co_await asio::this_coro::executor);
    for (;;) {
        timer.expires_after(200ms);
        co_await timer.async_wait(asio::use_awaitable);
        for (auto& unit : line.units) {
            unit->pack.step(0.2 * speed);
        }
    }
}

int simulate(Settings settings) {
    const auto* simulator = find_simulator(settings.family);
    if (simulator == nullptr) {
        std::fprintf(stderr, "bms-simulator: no family %s\n", settings.family.c_str());
        return 2;
    }
    if (settings.units.empty()) {
        settings.units = {simulator->unit};
    }
    asio::io_context context{1};
    Line line(context, settings, *simulator);
    if (!settings.link.empty()) {
        std::filesystem::remove(settings.link);
        std::filesystem::create_symlink(line.path(), settings.link);
    }
    std::printf("port %s\nready\n", line.path().c_str());
    std::fflush(stdout);
    asio::co_spawn(context, line.serve(), [](std::exception_ptr failure) {
        if (failure) {
            std::rethrow_exception(failure);
        }
    });
    asio::co_spawn(context, live(line, settings.speed), asio::detached);
    asio::co_spawn(context, obey(line), asio::detached);  // ends with the end of standard input
    asio::signal_set signals(context, SIGINT, SIGTERM);
    signals.async_wait([&](const boost::system::error_code&, int) { context.stop(); });
    context.run();
    if (!settings.link.empty()) {
        std::filesystem::remove(settings.link);
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App cli{"Batteries of any family on a pseudo-terminal, at true byte times."};
    Settings settings;
    bool list = false;
    cli.add_option("family", settings.family, "protocol name, as in dbus-serialbattery")
        ->capture_default_str();
    cli.add_option("--units", settings.units, "addresses on the bus")->delimiter(',');
    cli.add_option("--cells", settings.cells, "cells in series");
    cli.add_option("--link", settings.link, "symbolic link to make to the port");
    cli.add_option("--speed", settings.speed, "seconds of the battery's life a second");
    cli.add_flag("--instant", settings.instant, "answer at once instead of at the line's pace");
    cli.add_flag("--list", list, "print the families");
    CLI11_PARSE(cli, argc, argv);
    if (list) {
        for (const auto& simulator : simulators()) {
            std::printf("%s\n", std::string(simulator.family).c_str());
        }
        return 0;
    }
    try {
        return simulate(settings);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "bms-simulator: %s\n", error.what());
        return 1;
    }
}
