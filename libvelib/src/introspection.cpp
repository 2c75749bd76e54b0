#include "introspection.hpp"

#include <algorithm>
#include <iterator>
#include <vector>

namespace velib {
namespace {

constexpr std::string_view kBusItem = "com.victronenergy.BusItem";

constexpr std::string_view kHead =
    "<!DOCTYPE node PUBLIC \"-//freedesktop//DTD D-BUS Object Introspection 1.0//EN\"\n"
    "\"http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd\">\n<node>\n"
    " <interface name=\"org.freedesktop.DBus.Introspectable\">\n"
    "  <method name=\"Introspect\"><arg type=\"s\" direction=\"out\"/></method>\n </interface>\n"
    " <interface name=\"org.freedesktop.DBus.Peer\">\n  <method name=\"Ping\"/>\n"
    "  <method name=\"GetMachineId\"><arg type=\"s\" direction=\"out\"/></method>\n </interface>\n";

constexpr std::string_view kItemSignal =
    "  <signal name=\"PropertiesChanged\"><arg type=\"a{sv}\"/></signal>\n";
constexpr std::string_view kRootSignal =
    "  <signal name=\"ItemsChanged\"><arg type=\"a{sa{sv}}\"/></signal>\n";

struct Declaration {
    std::string_view member;
    std::string_view in;
    std::string_view out;
};

void append_arguments(std::string& xml, std::string_view signature, std::string_view direction) {
    while (!signature.empty()) {
        const auto length = complete_type_length(signature);
        xml.append("<arg type=\"").append(signature.substr(0, length));
        xml.append("\" direction=\"").append(direction).append("\"/>");
        signature.remove_prefix(length);
    }
}

void append_method(std::string& xml, const Declaration& method) {
    xml.append("  <method name=\"").append(method.member).append("\">");
    append_arguments(xml, method.in, "in");
    append_arguments(xml, method.out, "out");
    xml.append("</method>\n");
}

// What BusItem declares at `path` without anything offered.
std::vector<Declaration> bus_item_methods(const Item* item, std::string_view path) {
    std::vector<Declaration> methods{{"GetValue", "", "v"}};
    if (item == nullptr) {
        methods.push_back({"GetText", "", "v"});
        if (path == "/") {
            methods.push_back({"GetItems", "", "a{sa{sv}}"});
        }
        return methods;
    }
    methods.push_back({"GetText", "", "s"});
    methods.push_back({"SetValue", "v", "i"});
    if (item->min()) {
        methods.push_back({"GetMin", "", "v"});
    }
    if (item->max()) {
        methods.push_back({"GetMax", "", "v"});
    }
    if (item->default_value().valid()) {
        methods.push_back({"GetDefault", "", "v"});
    }
    return methods;
}

void append_bus_item(std::string& xml, const Item* item, std::string_view path,
                     std::span<const Method> offered) {
    auto methods = bus_item_methods(item, path);
    for (const auto& method : offered) {
        if (method.interface == kBusItem
            && std::ranges::find(methods, method.member, &Declaration::member) == methods.end()) {
            methods.push_back({method.member, method.in, method.out});
        }
    }
    xml.append(" <interface name=\"").append(kBusItem).append("\">\n");
    for (const auto& method : methods) {
        append_method(xml, method);
    }
    if (item != nullptr) {
        xml += kItemSignal;
    } else if (path == "/") {
        xml += kRootSignal;
    }
    xml += " </interface>\n";
}

// The interfaces other than BusItem, each with all its methods.
void append_other_interfaces(std::string& xml, std::span<const Method> offered) {
    std::vector<std::string_view> done{kBusItem};
    for (const auto& first : offered) {
        if (std::ranges::find(done, first.interface) != done.end()) {
            continue;
        }
        done.push_back(first.interface);
        xml.append(" <interface name=\"").append(first.interface).append("\">\n");
        for (const auto& method : offered) {
            if (method.interface == first.interface) {
                append_method(xml, {method.member, method.in, method.out});
            }
        }
        xml += " </interface>\n";
    }
}

}  // namespace

std::size_t complete_type_length(std::string_view signature) {
    const auto start = std::min(signature.find_first_not_of('a'), signature.size());
    int depth = 0;
    for (auto i = start; i < signature.size(); ++i) {
        const char c = signature[i];
        depth += c == '(' || c == '{' ? 1 : 0;
        depth -= c == ')' || c == '}' ? 1 : 0;
        if (depth == 0) {
            return i + 1;
        }
    }
    return signature.size();
}

std::string introspection_xml(const ItemTree& tree, std::string_view path, std::span<const Method> offered) {
    const auto* item = tree.find(path);
    const auto place = item != nullptr ? Method::Place::item : Method::Place::node;
    std::vector<Method> here;
    std::ranges::copy_if(offered, std::back_inserter(here),
                         [&](const auto& method) { return method.place == place; });

    std::string xml(kHead);
    append_bus_item(xml, item, path, here);
    append_other_interfaces(xml, here);
    for (const auto child : tree.children(path)) {
        xml.append(" <node name=\"").append(child).append("\"/>\n");
    }
    return xml + "</node>\n";
}

}  // namespace velib
