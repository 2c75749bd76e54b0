#include "client.hpp"

#include "call.hpp"
#include "marshal.hpp"
#include "message.hpp"
#include "velib/tree.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include <fmt/format.h>

namespace velib::cli {
namespace asio = boost::asio;

namespace {

// sd-bus takes no message for a name or path that cannot exist, and says no more than "invalid argument".
void check_address(const std::string& service, const std::string& path) {
    if (sd_bus_service_name_is_valid(service.c_str()) <= 0) {
        throw Failure(fmt::format("'{}' is not a service name", service));
    }
    if (path != "/" && !is_item_path(path)) {
        throw Failure(fmt::format("'{}' is not an object path (they look like /Dc/0/Voltage)", path));
    }
}

Failure failure_of(const CallResult& result, const std::string& service, const std::string& path,
                   const std::string& member) {
    if (result.service_missing()) {
        return Failure(fmt::format("there is no service {} on the bus", service));
    }
    if (result.error_name == SD_BUS_ERROR_UNKNOWN_OBJECT) {
        return Failure(fmt::format("{} has no {}", service, path));
    }
    if (result.unanswered()) {
        return Failure(fmt::format("{} does not answer", service));
    }
    return Failure(
        fmt::format("{} {} {}: {} ({})", service, path, member, result.error_text, result.error_name));
}

std::string declared(const MethodDeclaration& method) {
    return method.in.size() == 1 ? "1 argument" : fmt::format("{} arguments", method.in.size());
}

}  // namespace

asio::awaitable<std::vector<std::string>> Client::names() {
    const ResolvedMethod list{"org.freedesktop.DBus", {"ListNames", {}, {{"", "as"}}}};
    const auto reply = co_await call("org.freedesktop.DBus", "/org/freedesktop/DBus", list, {});
    std::vector<std::string> names;
    const auto* list_of_names = reply.empty() ? nullptr : std::get_if<List>(&reply.front().storage);
    for (const auto& name : list_of_names != nullptr ? list_of_names->elements : std::vector<Data>()) {
        const auto* text = std::get_if<std::string>(&name.storage);
        if (text != nullptr && !text->starts_with(':')) {
            names.push_back(*text);
        }
    }
    std::ranges::sort(names);
    co_return names;
}

asio::awaitable<ObjectDescription> Client::introspect(std::string service, std::string path) {
    const ResolvedMethod method{"org.freedesktop.DBus.Introspectable", {"Introspect", {}, {{"", "s"}}}};
    const auto reply = co_await call(service, path, method, {});
    const auto* xml = reply.empty() ? nullptr : std::get_if<std::string>(&reply.front().storage);
    auto object = xml != nullptr ? parse_introspection(*xml) : std::nullopt;
    if (!object) {
        throw Failure(fmt::format("{} {} does not say what it offers (no introspection)", service, path));
    }
    co_return std::move(*object);
}

asio::awaitable<std::vector<Data>> Client::call(std::string service, std::string path, ResolvedMethod method,
                                                std::vector<Data> arguments,
                                                std::chrono::milliseconds timeout) {
    check_address(service, path);
    const auto& declaration = method.method;
    if (arguments.size() != declaration.in.size()) {
        throw Failure(
            fmt::format("{} takes {}, {} given", declaration.name, declared(declaration), arguments.size()));
    }
    auto message = message::call(bus_.raw(), service.c_str(), path.c_str(), method.interface.c_str(),
                                 declaration.name.c_str());
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        try {
            append(message.get(), arguments[i], declaration.in[i].type);
        } catch (const ConversionError& error) {
            throw Failure(fmt::format("argument {} of {}: {}", i + 1, declaration.name, error.what()));
        }
    }
    const auto result = co_await send_call(bus_, std::move(message), {}, timeout);
    if (!result.ok()) {
        throw failure_of(result, service, path, declaration.name);
    }
    co_return read_arguments(result.reply.get());
}

}  // namespace velib::cli
