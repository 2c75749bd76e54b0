#include "simulators/gxmodbus/control.hpp"

#include "simulators/gxmodbus/plant.hpp"

#include <map>
#include <stdexcept>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <nlohmann/json.hpp>

namespace gxsim {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using nlohmann::json;

BusValue bus_value(const json& value) {
    if (value.is_boolean()) {
        return value.get<bool>();
    }
    if (value.is_number_integer()) {
        return value.get<std::int64_t>();
    }
    if (value.is_number()) {
        return value.get<double>();
    }
    if (value.is_string()) {
        return value.get<std::string>();
    }
    return {};
}

json json_of(const BusValue& value) {
    return std::visit(
        [](const auto& content) -> json {
            if constexpr (std::is_same_v<std::decay_t<decltype(content)>, std::monostate>) {
                return nullptr;
            } else {
                return content;
            }
        },
        value);
}

ServiceType type_of(const json& command) {
    const auto type = gxmodbus::service_type(command.at("type").get<std::string>());
    if (!type) {
        throw std::invalid_argument("unknown type");
    }
    return *type;
}

int instance_of(const json& command) {
    return command.value("instance", 0);
}

using Handler = json (*)(Simulator&, const json&);

json set_values(Simulator& s, const json& command) {
    for (const auto& [path, value] : command.at("values").items()) {
        s.server.set(type_of(command), instance_of(command), path, bus_value(value));
    }
    return json::object();
}

json get_value(Simulator& s, const json& command) {
    return {{"value", json_of(s.server.get(type_of(command), instance_of(command), command.at("path")))}};
}

json add_service(Simulator& s, const json& command) {
    s.server.add(type_of(command), instance_of(command));
    return command.contains("values") ? set_values(s, command) : json::object();
}

json remove_service(Simulator& s, const json& command) {
    return {{"removed", s.server.remove(type_of(command), instance_of(command))}};
}

json list_services(Simulator& s, const json&) {
    json services = json::array();
    for (const Service& service : s.server.services()) {
        json paths = json::object();
        for (const auto& [path, value] : service.paths) {
            paths[path] = json_of(value);
        }
        services.push_back(
            {{"type", gxmodbus::name_of(service.type)}, {"instance", service.instance}, {"values", paths}});
    }
    return {{"services", services}};
}

json list_writes(Simulator& s, const json& command) {
    json writes = json::array();
    for (const Write& write : s.server.writes()) {
        writes.push_back({{"unit", write.unit},
                          {"type", gxmodbus::name_of(write.type)},
                          {"instance", write.instance},
                          {"path", write.path},
                          {"address", write.address},
                          {"function", write.function},
                          {"value", json_of(write.value)}});
    }
    if (command.value("clear", false)) {
        s.server.clear_writes();
    }
    return {{"writes", writes}};
}

json counters(Simulator& s, const json& command) {
    const Counters c = s.server.counters();
    if (command.value("clear", false)) {
        s.server.clear_counters();
    }
    json reads = json::object();
    for (const auto& [place, count] : c.reads) {
        reads[std::to_string(place.first) + ":" + std::to_string(place.second)] = count;
    }
    return {{"reads", reads},
            {"reordered", s.network.reordered()},
            {"requests", c.requests},
            {"exceptions", c.exceptions},
            {"crashes", c.crashes},
            {"connections", s.network.connections()},
            {"accepted", s.network.accepted()}};
}

void take(const json& command, const char* key, bool& flag) {
    flag = command.value(key, flag);
}
void take(const json& command, const char* key, std::chrono::milliseconds& duration) {
    duration = std::chrono::milliseconds(command.value(key, static_cast<int>(duration.count())));
}

json misbehave(Simulator& s, const json& command) {
    Misbehaviour& m = s.network.misbehaviour;
    if (command.value("reset", false)) {
        m = {};
        s.server.set_read_only(false);
        s.server.set_ignore_writes(false);
        s.server.forced.clear();
    }
    take(command, "mute", m.mute);
    take(command, "wrong_transaction", m.wrong_transaction);
    take(command, "out_of_order", m.out_of_order);
    take(command, "trickle", m.trickle);
    take(command, "garbage", m.garbage);
    take(command, "cut", m.cut);
    take(command, "delay_ms", m.delay);
    take(command, "first_read_delay_ms", m.first_read_delay);
    m.drop_probability = command.value("drop_probability", m.drop_probability);
    if (command.contains("read_only")) {
        s.server.set_read_only(command["read_only"]);
    }
    if (command.contains("ignore_writes")) {
        s.server.set_ignore_writes(command["ignore_writes"]);
    }
    if (command.contains("write_delay_ms")) {
        s.set_write_delay(command["write_delay_ms"]);
    }
    return json::object();
}

json force_exception(Simulator& s, const json& command) {
    ForcedException forced{std::nullopt, command.at("first"), command.value("last", command.at("first")),
                           command.value("code", std::uint8_t{2})};
    if (command.contains("unit")) {
        forced.unit = command["unit"].get<std::uint8_t>();
    }
    s.server.forced.push_back(forced);
    return json::object();
}

json reboot(Simulator& s, const json& command) {
    s.network.go_away(std::chrono::milliseconds(command.value("milliseconds", 1000)));
    return json::object();
}

json half_open(Simulator& s, const json&) {
    s.network.forget_connections();
    return json::object();
}

json restless(Simulator& s, const json& command) {
    s.server.restless.push_back(
        {type_of(command), instance_of(command), command.at("path"), command.at("step")});
    return json::object();
}

json drop(Simulator& s, const json&) {
    s.network.drop_connections();
    return json::object();
}

json set_firmware(Simulator& s, const json& command) {
    s.server.set_firmware(command.at("version"), command.value("beta", std::uint16_t{0}));
    return json::object();
}

json day(Simulator& s, const json& command) {
    if (command.contains("run")) {
        s.run_day(command["run"]);
    }
    if (command.contains("advance")) {
        s.advance_day(command["advance"]);
    }
    return {{"hour", s.hour()}};
}

const std::map<std::string, Handler, std::less<>> kCommands{
    {"set", set_values},
    {"get", get_value},
    {"add", add_service},
    {"remove", remove_service},
    {"services", list_services},
    {"writes", list_writes},
    {"counters", counters},
    {"misbehave", misbehave},
    {"exception", force_exception},
    {"reboot", reboot},
    {"drop", drop},
    {"half_open", half_open},
    {"restless", restless},
    {"firmware", set_firmware},
    {"day", day},
};

asio::awaitable<void> converse(Simulator& simulator, tcp::socket socket) {
    asio::streambuf buffer;
    for (;;) {
        co_await asio::async_read_until(socket, buffer, '\n', asio::use_awaitable);
        std::istream stream(&buffer);
        std::string line;
        std::getline(stream, line);
        const json command = json::parse(line, nullptr, false);
        const std::string answer = run_command(simulator, command).dump() + "\n";
        co_await asio::async_write(socket, asio::buffer(answer), asio::use_awaitable);
    }
}

asio::awaitable<void> accept_control(Simulator& simulator, tcp::acceptor acceptor) {
    for (;;) {
        auto socket = co_await acceptor.async_accept(asio::use_awaitable);
        asio::co_spawn(simulator.context, converse(simulator, std::move(socket)), asio::detached);
    }
}

}  // namespace

json run_command(Simulator& simulator, const json& command) {
    try {
        const auto handler = kCommands.find(command.at("command").get<std::string>());
        if (handler == kCommands.end()) {
            return {{"ok", false}, {"error", "unknown command"}};
        }
        json result = handler->second(simulator, command);
        result["ok"] = true;
        return result;
    } catch (const std::exception& error) {
        return {{"ok", false}, {"error", error.what()}};
    }
}

std::uint16_t serve_control(Simulator& simulator, std::uint16_t port) {
    tcp::acceptor acceptor(simulator.context, tcp::endpoint(asio::ip::address_v4::loopback(), port));
    const auto taken = acceptor.local_endpoint().port();
    asio::co_spawn(simulator.context, accept_control(simulator, std::move(acceptor)), asio::detached);
    return taken;
}

}  // namespace gxsim
