#include "velib/service.hpp"

#include "introspection.hpp"
#include "message.hpp"

#include <algorithm>
#include <system_error>

#include <spdlog/spdlog.h>

namespace velib {
namespace {

constexpr std::string_view kIntrospectable = "org.freedesktop.DBus.Introspectable";
constexpr std::string_view kPeer = "org.freedesktop.DBus.Peer";

std::string_view view(const char* text) {
    return text != nullptr ? std::string_view(text) : std::string_view();
}

void send_reply(sd_bus_message* reply) {
    message::check(sd_bus_send(nullptr, reply, nullptr));
}

// Nothing of this throws in practice; if it did, the cycle's changes would be missing on the bus, while the
// driver, in the middle of its work, can do nothing about it.
template <class Build>
void emit(Bus& bus, const char* path, const char* member, Build&& build) {
    try {
        const auto signal = message::signal(bus.raw(), path, message::kBusItem, member);
        build(signal.get());
        bus.send(signal.get());
    } catch (const std::system_error& error) {
        spdlog::error("{} of {} could not be made: {}", member, path, error.what());
    }
}

void reply_error(sd_bus_message* call, const char* name, const std::string& text) {
    message::check(sd_bus_reply_method_errorf(call, name, "%s", text.c_str()));
}

void reply_variant(sd_bus_message* call, const Value& value) {
    const auto reply = message::reply_to(call);
    message::append_variant(reply.get(), value);
    send_reply(reply.get());
}

void reply_text(sd_bus_message* call, const Item& item) {
    TextBuffer text;
    item.append_text(text);
    text.push_back('\0');
    const auto reply = message::reply_to(call);
    message::check(sd_bus_message_append_basic(reply.get(), SD_BUS_TYPE_STRING, text.data()));
    send_reply(reply.get());
}

// What a client writes may be long; the log needs no more than this.
std::string excerpt(std::string text) {
    constexpr std::size_t kLongest = 80;
    if (text.size() > kLongest) {
        text.resize(kLongest);
        text += "...";
    }
    return text;
}

std::size_t relative_start(std::string_view node) {
    return node == "/" ? 1 : node.size() + 1;
}

// All leaves below a node: relative path to value, in a variant.
void reply_values_below(sd_bus_message* call, const ItemTree& tree, std::string_view node) {
    const auto reply = message::reply_to(call);
    auto* out = reply.get();
    message::check(sd_bus_message_open_container(out, SD_BUS_TYPE_VARIANT, "a{sv}"));
    message::check(sd_bus_message_open_container(out, SD_BUS_TYPE_ARRAY, "{sv}"));
    for (const auto& item : tree.below(node)) {
        message::append_entry(out, item->path().c_str() + relative_start(node), item->value());
    }
    message::check(sd_bus_message_close_container(out));
    message::check(sd_bus_message_close_container(out));
    send_reply(out);
}

void reply_texts_below(sd_bus_message* call, const ItemTree& tree, std::string_view node) {
    const auto reply = message::reply_to(call);
    auto* out = reply.get();
    message::check(sd_bus_message_open_container(out, SD_BUS_TYPE_VARIANT, "a{ss}"));
    message::check(sd_bus_message_open_container(out, SD_BUS_TYPE_ARRAY, "{ss}"));
    for (const auto& item : tree.below(node)) {
        TextBuffer text;
        item->append_text(text);
        text.push_back('\0');
        message::check(
            sd_bus_message_append(out, "{ss}", item->path().c_str() + relative_start(node), text.data()));
    }
    message::check(sd_bus_message_close_container(out));
    message::check(sd_bus_message_close_container(out));
    send_reply(out);
}

void append_item_entry(sd_bus_message* out, const Item& item, bool with_limits) {
    message::check(sd_bus_message_open_container(out, SD_BUS_TYPE_DICT_ENTRY, "sa{sv}"));
    message::check(sd_bus_message_append_basic(out, SD_BUS_TYPE_STRING, item.path().c_str()));
    message::append_value_and_text(out, item, with_limits);
    message::check(sd_bus_message_close_container(out));
}

void reply_items(sd_bus_message* call, const ItemTree& tree) {
    const auto reply = message::reply_to(call);
    auto* out = reply.get();
    message::check(sd_bus_message_open_container(out, SD_BUS_TYPE_ARRAY, "{sa{sv}}"));
    for (const auto& item : tree.below("/")) {
        append_item_entry(out, *item, true);
    }
    message::check(sd_bus_message_close_container(out));
    send_reply(out);
}

// GetMin, GetMax and GetDefault exist only on items that have the limit.
bool reply_limit(sd_bus_message* call, const Item& item, std::string_view member) {
    Value limit;
    if (member == "GetMin") {
        limit = Value(item.min());
    } else if (member == "GetMax") {
        limit = Value(item.max());
    } else if (member == "GetDefault") {
        limit = item.default_value();
    }
    if (!limit.valid()) {
        return false;
    }
    reply_variant(call, coerce(limit, item.type()).value_or(limit));
    return true;
}

void answer_offered(sd_bus_message* call, std::string_view path, const Method& method) {
    const auto reply = message::reply_to(call);
    try {
        method.answer(path, call, reply.get());
    } catch (const MethodError& error) {
        reply_error(call, error.name(), error.what());
        return;
    }
    send_reply(reply.get());
}

}  // namespace

std::string bus_name_element(std::string_view text) {
    std::string element(text);
    std::ranges::replace_if(
        element,
        [](char c) {
            return !((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_');
        },
        '_');
    return element;
}

Service::Service(BusContext context, std::string name)
    : context_(std::move(context)), name_(std::move(name)) {}

Service::~Service() {
    stop();
}

void Service::start() {
    auto bus =
        std::make_unique<Bus>(context_, [this](sd_bus_message* message) { return on_message(message); });
    bus->request_name(name_);
    bus_ = std::move(bus);
    tree_.listen(sink_);
}

void Service::stop() {
    tree_.listen(nullptr);
    bus_.reset();
}

void Service::items_changed(std::span<const Item* const> items) {
    emit(*bus_, "/", "ItemsChanged", [&](sd_bus_message* signal) {
        message::check(sd_bus_message_open_container(signal, SD_BUS_TYPE_ARRAY, "{sa{sv}}"));
        for (const auto* item : items) {
            append_item_entry(signal, *item, false);
        }
        message::check(sd_bus_message_close_container(signal));
    });
}

void Service::item_changed(const Item& item) {
    emit(*bus_, item.path().c_str(), "PropertiesChanged",
         [&](sd_bus_message* signal) { message::append_value_and_text(signal, item); });
}

bool Service::on_message(sd_bus_message* message) {
    std::uint8_t type = 0;
    if (sd_bus_message_get_type(message, &type) < 0 || type != SD_BUS_MESSAGE_METHOD_CALL) {
        return false;
    }
    const auto path = view(sd_bus_message_get_path(message));
    const auto interface = view(sd_bus_message_get_interface(message));
    const auto member = view(sd_bus_message_get_member(message));
    // Ping and GetMachineId are the library's; an unknown path is its UnknownObject.
    if (interface == kPeer || (tree_.find(path) == nullptr && !tree_.is_node(path))) {
        return false;
    }
    if (!answer(message, path, interface, member)) {
        reply_error(message, SD_BUS_ERROR_UNKNOWN_METHOD,
                    fmt::format("no method {} on interface {} at {}", member, interface, path));
    }
    return true;
}

bool Service::answer(sd_bus_message* call, std::string_view path, std::string_view interface,
                     std::string_view member) {
    if (member == "Introspect" && (interface.empty() || interface == kIntrospectable)) {
        const auto reply = message::reply_to(call);
        const auto xml = introspection_xml(tree_, path, methods_);
        message::check(sd_bus_message_append_basic(reply.get(), SD_BUS_TYPE_STRING, xml.c_str()));
        send_reply(reply.get());
        return true;
    }
    if (const auto* method = offered(path, interface, member)) {
        answer_offered(call, path, *method);
        return true;
    }
    if (!interface.empty() && interface != message::kBusItem) {
        return false;
    }
    if (auto* item = tree_.find(path)) {
        if (member == "GetValue") {
            reply_variant(call, item->value());
        } else if (member == "GetText") {
            reply_text(call, *item);
        } else if (member == "SetValue") {
            answer_set_value(call, *item);
        } else {
            return reply_limit(call, *item, member);
        }
        return true;
    }
    if (member == "GetValue") {
        reply_values_below(call, tree_, path);
    } else if (member == "GetText") {
        reply_texts_below(call, tree_, path);
    } else if (member == "GetItems" && path == "/") {
        reply_items(call, tree_);
    } else {
        return false;
    }
    return true;
}

const Method* Service::offered(std::string_view path, std::string_view interface,
                               std::string_view member) const {
    if (methods_.empty()) {
        return nullptr;
    }
    const auto place = tree_.find(path) != nullptr ? Method::Place::item : Method::Place::node;
    const auto method = std::ranges::find_if(methods_, [&](const Method& candidate) {
        return candidate.place == place && candidate.member == member
               && (interface.empty() || candidate.interface == interface);
    });
    return method != methods_.end() ? &*method : nullptr;
}

void Service::answer_set_value(sd_bus_message* call, Item& item) {
    if (sd_bus_message_at_end(call, 1) != 0) {
        reply_error(call, SD_BUS_ERROR_INVALID_ARGS, "SetValue takes one value");
        return;
    }
    const auto value = message::read_value(call);
    if (sd_bus_message_at_end(call, 1) == 0) {
        reply_error(call, SD_BUS_ERROR_INVALID_ARGS, "SetValue takes one value, not several");
        return;
    }
    // The item, even the service may be gone after the item's handler ran: what the log needs is taken before.
    const std::string what = name_ + item.path();
    auto code = WriteCode::not_writable_or_bad_type;
    if (value) {
        try {
            code = tree_.write(item, *value);
        } catch (const std::exception& error) {
            spdlog::error("carrying out a write to {} failed: {}", what, error.what());
            code = WriteCode::refused;
        }
    }
    if (code != WriteCode::accepted) {
        spdlog::info("refused write to {}: {}", what, value ? excerpt(to_text(*value)) : "unreadable type");
    }
    const auto reply = message::reply_to(call);
    const auto result = static_cast<std::int32_t>(code);
    message::check(sd_bus_message_append_basic(reply.get(), SD_BUS_TYPE_INT32, &result));
    send_reply(reply.get());
}

}  // namespace velib
