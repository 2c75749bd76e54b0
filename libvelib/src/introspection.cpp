#include "introspection.hpp"

namespace velib {
namespace {

constexpr std::string_view kHead =
    "<!DOCTYPE node PUBLIC \"-//freedesktop//DTD D-BUS Object Introspection 1.0//EN\"\n"
    "\"http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd\">\n<node>\n"
    " <interface name=\"org.freedesktop.DBus.Introspectable\">\n"
    "  <method name=\"Introspect\"><arg type=\"s\" direction=\"out\"/></method>\n </interface>\n"
    " <interface name=\"org.freedesktop.DBus.Peer\">\n  <method name=\"Ping\"/>\n"
    "  <method name=\"GetMachineId\"><arg type=\"s\" direction=\"out\"/></method>\n </interface>\n"
    " <interface name=\"com.victronenergy.BusItem\">\n"
    "  <method name=\"GetValue\"><arg type=\"v\" direction=\"out\"/></method>\n";

constexpr std::string_view kLeaf =
    "  <method name=\"GetText\"><arg type=\"s\" direction=\"out\"/></method>\n"
    "  <method name=\"SetValue\"><arg type=\"v\" direction=\"in\"/><arg type=\"i\" "
    "direction=\"out\"/></method>\n"
    "  <signal name=\"PropertiesChanged\"><arg type=\"a{sv}\"/></signal>\n";

constexpr std::string_view kNode =
    "  <method name=\"GetText\"><arg type=\"v\" direction=\"out\"/></method>\n";

constexpr std::string_view kRoot =
    "  <method name=\"GetItems\"><arg type=\"a{sa{sv}}\" direction=\"out\"/></method>\n"
    "  <signal name=\"ItemsChanged\"><arg type=\"a{sa{sv}}\"/></signal>\n";

void append_getter(std::string& xml, std::string_view name, bool offered) {
    if (offered) {
        xml.append("  <method name=\"")
            .append(name)
            .append("\"><arg type=\"v\" direction=\"out\"/></method>\n");
    }
}

}  // namespace

std::string introspection_xml(const ItemTree& tree, std::string_view path) {
    std::string xml(kHead);
    if (const auto* item = tree.find(path)) {
        xml += kLeaf;
        append_getter(xml, "GetMin", item->min().has_value());
        append_getter(xml, "GetMax", item->max().has_value());
        append_getter(xml, "GetDefault", item->default_value().valid());
    } else {
        xml += kNode;
    }
    if (path == "/") {
        xml += kRoot;
    }
    xml += " </interface>\n";

    // Items below a node are sorted, so equal children stand side by side.
    const std::size_t prefix = path == "/" ? 1 : path.size() + 1;
    std::string_view previous;
    for (const auto& item : tree.below(path)) {
        std::string_view child = std::string_view(item->path()).substr(prefix);
        child = child.substr(0, child.find('/'));
        if (child != previous) {
            xml.append(" <node name=\"").append(child).append("\"/>\n");
            previous = child;
        }
    }
    return xml + "</node>\n";
}

}  // namespace velib
