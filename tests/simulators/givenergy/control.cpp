#include "simulators/givenergy/control.hpp"

#include <map>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <nlohmann/json.hpp>

namespace gesim {

namespace {

using nlohmann::json;

const std::map<std::string, int Misbehaviour::*> kCounts{
    {"drop", &Misbehaviour::drop},
    {"wrong_check", &Misbehaviour::wrong_check},
    {"zero", &Misbehaviour::zero},
    {"memory", &Misbehaviour::memory},
    {"shift", &Misbehaviour::shift},
    {"zero_tail", &Misbehaviour::zero_tail},
    {"error", &Misbehaviour::error},
    {"write_refused", &Misbehaviour::write_refused},
    {"write_other", &Misbehaviour::write_other},
    {"write_lost", &Misbehaviour::write_lost},
    {"write_dropped", &Misbehaviour::write_dropped},
};
const std::map<std::string, bool Misbehaviour::*> kSwitches{
    {"glue", &Misbehaviour::glue},           {"split", &Misbehaviour::split},
    {"foreign", &Misbehaviour::foreign},     {"heartbeats", &Misbehaviour::heartbeats},
    {"extras", &Misbehaviour::extras},       {"silence", &Misbehaviour::silence},
    {"half_open", &Misbehaviour::half_open},
};

json misbehave(Adapter& adapter, const json& command) {
    for (const auto& [name, value] : command.items()) {
        if (name == "command") {
            continue;
        }
        if (const auto count = kCounts.find(name); count != kCounts.end()) {
            adapter.misbehaviour().*(count->second) = value.get<int>();
        } else if (const auto flag = kSwitches.find(name); flag != kSwitches.end()) {
            adapter.misbehaviour().*(flag->second) = value.get<bool>();
        } else if (name == "chaos") {
            adapter.misbehaviour().chaos = value.get<double>();
        } else {
            throw std::invalid_argument("no misbehaviour called " + name);
        }
    }
    return {{"ok", true}};
}

json now_json(const House& house) {
    const Now& now = house.now();
    return {{"ok", true},       {"hour", house.hour()},     {"pv", now.pv},
            {"load", now.load}, {"backup", now.backup},     {"battery", now.battery},
            {"grid", now.grid}, {"inverter", now.inverter}, {"soc", now.soc}};
}

json counters_json(Adapter& adapter, bool clear) {
    Counters& counters = adapter.counters();
    json out{{"ok", true},
             {"connections", counters.connections},
             {"requests", counters.requests},
             {"reads", counters.reads},
             {"writes", counters.writes},
             {"heartbeats_answered", counters.heartbeats_answered},
             {"rubbish", counters.rubbish}};
    if (clear) {
        counters = {};
    }
    return out;
}

std::uint8_t address_of(const json& command) {
    return command.value("address", std::uint8_t{0x11});
}

json run(Simulator& simulator, const json& command) {
    const auto name = command.at("command").get<std::string>();
    House& house = simulator.house;
    Adapter& adapter = simulator.adapter;
    if (name == "get") {
        const auto value =
            house.registers().get(address_of(command), command.value("function", std::uint8_t{3}),
                                  command.at("register").get<std::uint16_t>());
        return {{"ok", value.has_value()}, {"value", value.value_or(0)}, {"error", "no such register"}};
    }
    if (name == "set") {
        const bool known = house.registers().set(
            address_of(command), command.value("function", std::uint8_t{3}),
            command.at("register").get<std::uint16_t>(), command.at("value").get<std::uint16_t>());
        return {{"ok", known}, {"error", "no such register"}};
    }
    if (name == "writes") {
        json out{{"ok", true}, {"writes", adapter.writes()}};
        if (command.value("clear", false)) {
            adapter.writes().clear();
        }
        return out;
    }
    if (name == "misbehave") {
        return misbehave(adapter, command);
    }
    if (name == "behave") {
        adapter.misbehaviour() = {};
        return {{"ok", true}};
    }
    if (name == "counters") {
        return counters_json(adapter, command.value("clear", false));
    }
    if (name == "now") {
        return now_json(house);
    }
    if (name == "advance") {
        house.advance(command.at("seconds").get<double>());
    } else if (name == "hour") {
        house.set_hour(command.at("hour").get<double>());
    } else if (name == "run") {
        simulator.running = command.at("on").get<bool>();
    } else if (name == "freeze") {
        house.freeze(command.at("on").get<bool>());
    } else if (name == "reset") {
        adapter.reset_connections();
    } else if (name == "refuse") {
        adapter.refuse_for(command.at("seconds").get<double>());
    } else if (name == "heartbeat") {
        adapter.send_heartbeats();
    } else {
        return {{"ok", false}, {"error", "no command called " + name}};
    }
    return {{"ok", true}};
}

asio::awaitable<void> talk(Simulator& simulator, tcp::socket socket) {
    asio::streambuf buffer;
    boost::system::error_code error;
    for (;;) {
        co_await asio::async_read_until(socket, buffer, '\n',
                                        asio::redirect_error(asio::use_awaitable, error));
        if (error) {
            co_return;
        }
        std::istream stream(&buffer);
        std::string line;
        std::getline(stream, line);
        const std::string reply = run_command(simulator, json::parse(line, nullptr, false)).dump() + "\n";
        co_await asio::async_write(socket, asio::buffer(reply),
                                   asio::redirect_error(asio::use_awaitable, error));
    }
}

asio::awaitable<void> accept(Simulator& simulator, std::shared_ptr<tcp::acceptor> acceptor) {
    for (;;) {
        tcp::socket socket = co_await acceptor->async_accept(asio::use_awaitable);
        asio::co_spawn(simulator.context, talk(simulator, std::move(socket)), asio::detached);
    }
}

}  // namespace

json run_command(Simulator& simulator, const json& command) {
    try {
        return run(simulator, command);
    } catch (const std::exception& error) {
        return {{"ok", false}, {"error", error.what()}};
    }
}

std::uint16_t serve_control(Simulator& simulator, std::uint16_t port) {
    auto acceptor = std::make_shared<tcp::acceptor>(simulator.context,
                                                    tcp::endpoint{asio::ip::address_v4::loopback(), port});
    const std::uint16_t chosen = acceptor->local_endpoint().port();
    asio::co_spawn(simulator.context, accept(simulator, std::move(acceptor)), asio::detached);
    return chosen;
}

}  // namespace gesim
