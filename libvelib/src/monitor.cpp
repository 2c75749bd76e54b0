#include "velib/monitor.hpp"

#include "call.hpp"
#include "message.hpp"
#include "velib/text.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <spdlog/spdlog.h>

namespace velib {
namespace asio = boost::asio;

Value MonitoredService::value(std::string_view path) const {
    const auto item = items.find(path);
    return item != items.end() ? item->second.value : Value();
}

class Monitor::Watcher : public std::enable_shared_from_this<Watcher> {
  public:
    Watcher(const BusContext& context, std::vector<std::string> prefixes, Handlers handlers)
        : bus_(std::make_unique<Bus>(context)),
          prefixes_(std::move(prefixes)),
          handlers_(std::move(handlers)) {
        match(
            "type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',"
            "member='NameOwnerChanged',arg0namespace='com.victronenergy'",
            &Watcher::on_owner_changed);
        match("type='signal',interface='com.victronenergy.BusItem'", &Watcher::on_item_signal);
    }

    void start() { asio::co_spawn(bus_->context().executor, list(shared_from_this()), asio::detached); }

    void close() {
        handlers_ = {};
        bus_.reset();
    }

    std::map<std::string, MonitoredService, std::less<>> services;

  private:
    void match(const char* rule, int (*handler)(sd_bus_message*, void*, sd_bus_error*)) {
        message::check(sd_bus_add_match_async(bus_->raw(), nullptr, rule, handler, nullptr, this));
    }

    bool wanted(std::string_view name) const {
        return name.starts_with("com.victronenergy.")
               && std::ranges::any_of(prefixes_,
                                      [&](const auto& prefix) { return name.starts_with(prefix); });
    }

    static asio::awaitable<void> list(std::shared_ptr<Watcher> self) {
        auto call = message::call(self->bus_->raw(), "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                  "org.freedesktop.DBus", "ListNames");
        const auto result = co_await send_call(*self->bus_, std::move(call));
        std::vector<std::string> names;
        if (result.ok() && sd_bus_message_enter_container(result.reply.get(), SD_BUS_TYPE_ARRAY, "s") > 0) {
            const char* name = nullptr;
            while (
                sd_bus_message_read_basic(result.reply.get(), SD_BUS_TYPE_STRING, static_cast<void*>(&name))
                > 0) {
                if (self->wanted(name)) {
                    names.emplace_back(name);
                }
            }
        }
        for (const auto& name : names) {
            if (self->bus_ && !self->services.contains(name)) {
                co_await scan(self, name);
            }
        }
        if (self->handlers_.settled) {
            self->handlers_.settled();
        }
    }

    // Signals that a service sends before it answers are part of the answer, so they may be dropped until then.
    static asio::awaitable<void> scan(std::shared_ptr<Watcher> self, std::string name) {
        auto call = message::call(self->bus_->raw(), name.c_str(), "/", message::kBusItem, "GetItems");
        auto result = co_await send_call(*self->bus_, std::move(call));
        MonitoredService service{name, {}, {}};
        if (result.ok()) {
            service.owner = sd_bus_message_get_sender(result.reply.get());
            read_items(result.reply.get(),
                       [&](std::string_view path, const std::optional<Value>& value, std::string text) {
                           service.items[std::string(path)] = {value.value_or(Value()), std::move(text)};
                       });
        } else if (!result.service_missing() && self->bus_) {
            auto older = message::call(self->bus_->raw(), name.c_str(), "/", message::kBusItem, "GetValue");
            result = co_await send_call(*self->bus_, std::move(older));
            if (result.ok()) {
                service.owner = sd_bus_message_get_sender(result.reply.get());
                read_tree(result.reply.get(), service);
            }
        }
        if (!result.ok() || !self->bus_) {
            if (self->bus_ && !result.service_missing()) {
                spdlog::debug("{} does not answer: {}", name, result.error_text);
            }
            co_return;
        }
        const auto& known = self->services.insert_or_assign(name, std::move(service)).first->second;
        if (self->handlers_.appeared) {
            self->handlers_.appeared(known);
        }
    }

    // a{sa{sv}}: calls entry(path, value if there is one, text).
    template <class Entry>
    static void read_items(sd_bus_message* in, Entry&& entry) {
        if (sd_bus_message_enter_container(in, SD_BUS_TYPE_ARRAY, "{sa{sv}}") <= 0) {
            return;
        }
        while (sd_bus_message_enter_container(in, SD_BUS_TYPE_DICT_ENTRY, "sa{sv}") > 0) {
            const char* path = nullptr;
            std::optional<Value> value;
            std::optional<std::string> text;
            if (sd_bus_message_read_basic(in, SD_BUS_TYPE_STRING, static_cast<void*>(&path)) < 0) {
                return;
            }
            read_value_and_text(in, value, text);
            entry(path, value, text ? *text : to_text(value.value_or(Value())));
            sd_bus_message_exit_container(in);
        }
        sd_bus_message_exit_container(in);
    }

    static void read_value_and_text(sd_bus_message* in, std::optional<Value>& value,
                                    std::optional<std::string>& text) {
        message::read_dictionary(in, [&](std::string_view key, Value content) {
            if (key == "Text" && content.text() != nullptr) {
                text = *content.text();
            } else if (key == "Value") {
                value = std::move(content);
            }
        });
    }

    // The reply of GetValue on "/": a variant of {relative path: value}.
    static void read_tree(sd_bus_message* in, MonitoredService& service) {
        if (sd_bus_message_enter_container(in, SD_BUS_TYPE_VARIANT, "a{sv}") <= 0) {
            return;
        }
        message::read_dictionary(in, [&](std::string_view key, Value value) {
            auto text = to_text(value);
            service.items["/" + std::string(key)] = {std::move(value), std::move(text)};
        });
    }

    static int on_owner_changed(sd_bus_message* signal, void* userdata, sd_bus_error*) {
        auto& self = *static_cast<Watcher*>(userdata);
        const char* name = nullptr;
        const char* before = nullptr;
        const char* now = nullptr;
        if (sd_bus_message_read(signal, "sss", &name, &before, &now) < 0 || !self.wanted(name)) {
            return 0;
        }
        if (auto gone = self.services.extract(std::string(name)); !gone.empty() && self.handlers_.gone) {
            self.handlers_.gone(gone.mapped());
        }
        if (*now != '\0' && self.bus_) {
            asio::co_spawn(self.bus_->context().executor, scan(self.shared_from_this(), name),
                           asio::detached);
        }
        return 0;
    }

    static int on_item_signal(sd_bus_message* signal, void* userdata, sd_bus_error*) {
        auto& self = *static_cast<Watcher*>(userdata);
        const std::string_view sender = sd_bus_message_get_sender(signal);
        for (auto& [name, service] : self.services) {
            if (service.owner == sender) {
                self.take_signal(service, signal);
                break;
            }
        }
        return 0;
    }

    void take_signal(MonitoredService& service, sd_bus_message* signal) {
        if (sd_bus_message_is_signal(signal, message::kBusItem, "ItemsChanged") > 0) {
            read_items(signal, [&](std::string_view path, std::optional<Value> value, std::string text) {
                if (value) {
                    take(service, path, std::move(*value), std::move(text));
                }
            });
        } else if (sd_bus_message_is_signal(signal, message::kBusItem, "PropertiesChanged") > 0) {
            std::optional<Value> value;
            std::optional<std::string> text;
            read_value_and_text(signal, value, text);
            if (value) {
                take(service, sd_bus_message_get_path(signal), *value, text ? *text : to_text(*value));
            }
        }
    }

    void take(MonitoredService& service, std::string_view path, Value value, std::string text) {
        auto& item = service.items[std::string(path)];
        item = {std::move(value), std::move(text)};
        if (handlers_.changed) {
            handlers_.changed(service, path, item);
        }
    }

    std::unique_ptr<Bus> bus_;
    std::vector<std::string> prefixes_;
    Handlers handlers_;
};

Monitor::Monitor(const BusContext& context, std::vector<std::string> prefixes, Handlers handlers)
    : watcher_(std::make_shared<Watcher>(context, std::move(prefixes), std::move(handlers))) {
    watcher_->start();
}

Monitor::~Monitor() {
    watcher_->close();
}

const std::map<std::string, MonitoredService, std::less<>>& Monitor::services() const {
    return watcher_->services;
}

}  // namespace velib
