// tristar-simulator: a TriStar MPPT on a Modbus TCP port that lives through a day, in fast motion or step by step.
//
// Its first line of output is the port. Commands on standard input, one a line, each answered with "done COMMAND":
//   scene A..I              stand still in this scene of the day
//   hour H                  stand still at this hour, 0 to 24
//   set ADDRESS WORD        pin a register
//   unset ADDRESS           let it go again
//   get ADDRESS             prints "word ADDRESS WORD"
//   coils                   prints "coils EQUALIZE DISCONNECT"
//   counts                  prints "counts CONNECTIONS REQUESTS FOREIGN AT-ONCE EEPROM-WRITES"
//   misbehave KIND [TIMES [CODE]]   a reset of the network processor ends it
//   delay MILLISECONDS
//   reboot [SECONDS]
//   slave-limit SECONDS
//   memory-delay SECONDS    until a set point that was written can be read
//   refuse-writes yes|no|dip
//   close-port, open-port

#include "simulators/tristar/server.hpp"

#include <poll.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <iostream>
#include <sstream>

#include <CLI/CLI.hpp>

namespace {

using namespace tristar_simulator;
using Clock = std::chrono::steady_clock;

struct Options {
    ServerOptions server;
    double day_seconds = 0;
    std::string scene = "A";
    std::string serial = "01234567";
};

const std::map<std::string, Misbehaviour> kMisbehaviours{
    {"none", Misbehaviour::none},
    {"early-close", Misbehaviour::early_close},
    {"cut", Misbehaviour::cut},
    {"short-answer", Misbehaviour::short_answer},
    {"wrong-length", Misbehaviour::wrong_length},
    {"wrong-unit", Misbehaviour::wrong_unit},
    {"wrong-transaction", Misbehaviour::wrong_transaction},
    {"wrong-function", Misbehaviour::wrong_function},
    {"exception", Misbehaviour::exception},
    {"silence", Misbehaviour::silence},
    {"reset", Misbehaviour::reset},
    {"garbage", Misbehaviour::garbage},
};

std::optional<Scene> scene_of(const std::string& name) {
    for (std::size_t i = 0; i < kSceneNames.size(); ++i) {
        if (kSceneNames[i] == name) {
            return static_cast<Scene>(i);
        }
    }
    return std::nullopt;
}

double seconds_now() {
    return std::chrono::duration<double>(Clock::now().time_since_epoch()).count();
}

class Commands {
  public:
    Commands(Server& server, Plant& plant) : server_(server), plant_(plant) {}

    void run(const std::string& line) {
        std::istringstream words{line};
        std::string verb;
        words >> verb;
        std::cout << (obey(verb, words) ? "done " : "unknown ") << line << std::endl;
    }

  private:
    bool obey(const std::string& verb, std::istringstream& words) {
        if (verb == "scene") {
            std::string name;
            words >> name;
            const auto scene = scene_of(name);
            return scene && (plant_.show(*scene), true);
        }
        if (verb == "misbehave") {
            return misbehave(words);
        }
        if (verb == "refuse-writes") {
            std::string how;
            words >> how;
            plant_.set_refuse_writes(how == "dip" ? std::nullopt : std::optional{how == "yes"});
            return true;
        }
        if (verb == "close-port" || verb == "open-port") {
            verb == "open-port" ? server_.open_port() : server_.close_port();
            return true;
        }
        return print(verb, words) || number(verb, words);
    }

    bool misbehave(std::istringstream& words) {
        std::string kind;
        int times = 1;
        int code = 4;
        words >> kind >> times >> code;
        const auto found = kMisbehaviours.find(kind);
        if (found == kMisbehaviours.end()) {
            return false;
        }
        server_.misbehave(found->second, times, code);
        return true;
    }

    bool print(const std::string& verb, std::istringstream& words) {
        if (verb == "get") {
            std::uint16_t address = 0;
            words >> address;
            std::cout << "word " << address << ' ' << plant_.read(address).value_or(0) << '\n';
        } else if (verb == "coils") {
            std::cout << "coils " << plant_.coil(0) << ' ' << plant_.coil(2) << '\n';
        } else if (verb == "counts") {
            const auto& counts = server_.counts();
            std::cout << "counts " << counts.connections << ' ' << counts.requests << ' '
                      << counts.foreign_functions << ' ' << counts.at_once << ' ' << plant_.eeprom_writes()
                      << '\n';
        } else {
            return false;
        }
        return true;
    }

    bool number(const std::string& verb, std::istringstream& words) {
        double first = verb == "reboot" ? 1.0 : 0.0;
        std::uint32_t second = 0;
        words >> first >> second;
        const auto address = static_cast<std::uint16_t>(first);
        if (verb == "hour") {
            plant_.show_hour(first);
        } else if (verb == "set") {
            plant_.pin(address, static_cast<std::uint16_t>(second));
        } else if (verb == "unset") {
            plant_.unpin(address);
        } else if (verb == "delay") {
            server_.delay(std::chrono::milliseconds{static_cast<int>(first)});
        } else if (verb == "reboot") {
            plant_.reboot(first);
        } else if (verb == "slave-limit") {
            plant_.set_slave_limit(first);
        } else if (verb == "memory-delay") {
            plant_.set_memory_delay(first);
        } else {
            return false;
        }
        return true;
    }

    Server& server_;
    Plant& plant_;
};

/// Reads what is there; false at the end of standard input.
bool take_input(std::string& pending, Commands& commands) {
    char bytes[512];
    const auto count = ::read(STDIN_FILENO, bytes, sizeof bytes);
    if (count <= 0) {
        return false;
    }
    pending.append(bytes, static_cast<std::size_t>(count));
    for (auto end = pending.find('\n'); end != std::string::npos; end = pending.find('\n')) {
        commands.run(pending.substr(0, end));
        pending.erase(0, end + 1);
    }
    return true;
}

int serve(const Options& options) {
    Plant plant{seconds_now};
    plant.set_serial(options.serial);
    plant.show(scene_of(options.scene).value_or(Scene::before_dawn));
    Server server{options.server, plant};
    Commands commands{server, plant};
    std::cout << server.port() << std::endl;

    const auto start = seconds_now();
    constexpr double kFirstHour = 6.0;  // a demo should not begin with six hours of night
    std::string pending;
    bool listening = true;
    for (;;) {
        std::vector<pollfd> waiting;
        for (const int descriptor : server.descriptors()) {
            waiting.push_back({descriptor, POLLIN, 0});
        }
        if (listening) {
            waiting.push_back({STDIN_FILENO, POLLIN, 0});
        }
        const int tick_ms = options.day_seconds > 0 ? 50 : -1;
        if (::poll(waiting.data(), waiting.size(), tick_ms) < 0 && errno != EINTR) {
            return 1;
        }
        if (options.day_seconds > 0) {
            plant.show_hour(std::fmod(kFirstHour + (seconds_now() - start) / options.day_seconds * 24, 24));
        }
        for (const auto& entry : waiting) {
            if (entry.revents == 0) {
                continue;
            }
            if (entry.fd == STDIN_FILENO) {
                listening = take_input(pending, commands);
            } else {
                server.ready(entry.fd);
            }
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    CLI::App app{"A simulated Morningstar TriStar MPPT on a Modbus TCP port", "tristar-simulator"};
    app.add_option("--host", options.server.host, "address to listen on")->capture_default_str();
    app.add_option("--port", options.server.port, "port, 0: any free one; it is printed first")
        ->capture_default_str();
    app.add_option("--unit", options.server.unit, "unit id")->capture_default_str();
    app.add_flag("--keep-open", options.server.keep_open, "do not close the connection after each answer");
    app.add_option("--day", options.day_seconds, "let a day pass in so many seconds; 0: stand still");
    app.add_option("--scene", options.scene, "scene to stand still in, A to I")->capture_default_str();
    app.add_option("--serial", options.serial, "serial number, 8 characters")->capture_default_str();
    CLI11_PARSE(app, argc, argv);
    try {
        return serve(options);
    } catch (const std::exception& error) {
        std::cerr << "tristar-simulator: " << error.what() << '\n';
        return 1;
    }
}
