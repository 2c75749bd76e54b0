#include "velib/monitor.hpp"

#include "call.hpp"
#include "message.hpp"
#include "velib/text.hpp"

#include <algorithm>
#include <functional>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace velib {

Value MonitoredService::value(std::string_view path) const {
    const auto item = items.find(path);
    return item != items.end() ? item->second.value : Value();
}

class Monitor::Watcher : public std::enable_shared_from_this<Watcher> {
  public:
    Watcher(const BusContext& context, std::vector<std::string> prefixes, Handlers handlers,
            std::vector<std::string> paths)
        : bus_(std::make_unique<Bus>(context)),
          prefixes_(std::move(prefixes)),
          handlers_(std::move(handlers)),
          paths_(std::move(paths)) {}

    void start() {
        matches_.push_back(
            match("type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',"
                  "member='NameOwnerChanged',arg0namespace='com.victronenergy'",
                  &Watcher::on_owner_changed));
        call(to_daemon("ListNames"), [](Watcher& self, CallResult& names) { self.on_names(names); });
    }

    void close() {
        matches_.clear();
        watched_.clear();
        bus_.reset();
    }

    std::map<std::string, MonitoredService, std::less<>> services;

  private:
    // A name on the bus, read or not.
    struct Watched {
        std::string owner;
        Match signals;
    };

    // Handlers of signals and answers run as long as the monitor is there; they keep it alive, because the
    // user's handlers that they call may end it.
    template <class Handler>
    Match match(const std::string& rule, Handler handler) {
        return add_match(*bus_, rule, [weak = weak_from_this(), handler](sd_bus_message* signal) {
            if (const auto self = weak.lock(); self && self->bus_) {
                std::invoke(handler, *self, signal);
            }
        });
    }

    template <class Handler>
    void call(message::Message call, Handler handler) {
        begin_call(*bus_, std::move(call), [weak = weak_from_this(), handler](CallResult& result) mutable {
            if (const auto self = weak.lock(); self && self->bus_) {
                std::invoke(handler, *self, result);
            }
        });
    }

    [[nodiscard]] message::Message to_daemon(const char* method) const {
        return message::call(bus_->raw(), "org.freedesktop.DBus", "/org/freedesktop/DBus",
                             "org.freedesktop.DBus", method);
    }

    bool wanted(std::string_view name) const {
        return name.starts_with("com.victronenergy.")
               && std::ranges::any_of(prefixes_,
                                      [&](const auto& prefix) { return name.starts_with(prefix); });
    }

    bool kept(std::string_view path) const {
        return paths_.empty() || std::ranges::find(paths_, path) != paths_.end();
    }

    void on_names(CallResult& names) {
        if (names.ok() && sd_bus_message_enter_container(names.reply.get(), SD_BUS_TYPE_ARRAY, "s") > 0) {
            const char* name = nullptr;
            while (sd_bus_message_read_basic(names.reply.get(), SD_BUS_TYPE_STRING, static_cast<void*>(&name))
                   > 0) {
                if (wanted(name)) {
                    ++unread_;
                    find_owner(name);
                }
            }
        }
        one_read();
    }

    void find_owner(const std::string& name) {
        auto query = to_daemon("GetNameOwner");
        message::check(sd_bus_message_append_basic(query.get(), SD_BUS_TYPE_STRING, name.c_str()));
        call(std::move(query), [name](Watcher& self, CallResult& result) {
            const char* owner = nullptr;
            if (result.ok()
                && sd_bus_message_read_basic(result.reply.get(), SD_BUS_TYPE_STRING,
                                             static_cast<void*>(&owner))
                       > 0) {
                self.watch(name, owner, true);
            } else {
                self.one_read();
            }
        });
    }

    // One of the services that were there at the start is done with.
    void one_read() {
        if (--unread_ == 0 && handlers_.settled) {
            handlers_.settled();
        }
    }

    // The match is in place before the service is asked, so that no change can be missed between the two.
    void watch(const std::string& name, const std::string& owner, bool from_start) {
        auto signals =
            match(fmt::format("type='signal',sender='{}',interface='{}'", owner, message::kBusItem),
                  [name](Watcher& self, sd_bus_message* signal) { self.on_item_signal(name, signal); });
        watched_.insert_or_assign(name, Watched{owner, std::move(signals)});
        ask(name, owner, from_start);
    }

    void ask(const std::string& name, const std::string& owner, bool from_start) {
        call(message::call(bus_->raw(), owner.c_str(), "/", message::kBusItem, "GetItems"),
             [name, owner, from_start](Watcher& self, CallResult& result) {
                 self.on_items(name, owner, from_start, result);
             });
    }

    void on_items(const std::string& name, const std::string& owner, bool from_start, CallResult& result) {
        MonitoredService service{name, owner, {}};
        if (result.ok()) {
            read_items(result.reply.get(),
                       [&](std::string_view path, const std::optional<Value>& value, std::string text) {
                           if (kept(path)) {
                               service.items[std::string(path)] = {value.value_or(Value()), std::move(text)};
                           }
                       });
            read(std::move(service), from_start);
        } else if (result.unanswered()) {
            unreadable(name, from_start, result);
            if (bus_ && is_watched(name, owner)) {
                ask(name, owner, false);
            }
        } else if (result.service_missing()) {
            unreadable(name, from_start, result);
        } else {
            // Services of the older kind have no GetItems.
            call(message::call(bus_->raw(), owner.c_str(), "/", message::kBusItem, "GetValue"),
                 [service, from_start](Watcher& self, CallResult& older) mutable {
                     if (older.ok()) {
                         self.read_tree(older.reply.get(), service);
                         self.read(std::move(service), from_start);
                     } else {
                         self.unreadable(service.name, from_start, older);
                     }
                 });
        }
    }

    [[nodiscard]] bool is_watched(const std::string& name, const std::string& owner) const {
        const auto watched = watched_.find(name);
        return watched != watched_.end() && watched->second.owner == owner;
    }

    void read(MonitoredService service, bool from_start) {
        if (is_watched(service.name, service.owner)) {
            const auto name = service.name;
            const auto& known = services.insert_or_assign(name, std::move(service)).first->second;
            if (handlers_.appeared) {
                handlers_.appeared(known);
            }
        }
        if (from_start && bus_) {
            one_read();
        }
    }

    void unreadable(const std::string& name, bool from_start, const CallResult& result) {
        spdlog::debug("{} does not answer: {}", name, result.error_text);
        if (from_start) {
            one_read();
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
            if (sd_bus_message_read_basic(in, SD_BUS_TYPE_STRING, static_cast<void*>(&path)) <= 0
                || !read_value_and_text(in, value, text)) {
                return;
            }
            entry(path, value, text ? *text : to_text(value.value_or(Value())));
            sd_bus_message_exit_container(in);
        }
        sd_bus_message_exit_container(in);
    }

    static bool read_value_and_text(sd_bus_message* in, std::optional<Value>& value,
                                    std::optional<std::string>& text) {
        return message::read_dictionary(in, [&](std::string_view key, Value content) {
            if (key == "Text" && content.text() != nullptr) {
                text = *content.text();
            } else if (key == "Value") {
                value = std::move(content);
            }
        });
    }

    // The reply of GetValue on "/": a variant of {relative path: value}.
    void read_tree(sd_bus_message* in, MonitoredService& service) const {
        if (sd_bus_message_enter_container(in, SD_BUS_TYPE_VARIANT, "a{sv}") <= 0) {
            return;
        }
        message::read_dictionary(in, [&](std::string_view key, Value value) {
            auto path = fmt::format("/{}", key);
            if (kept(path)) {
                auto text = to_text(value);
                service.items[std::move(path)] = {std::move(value), std::move(text)};
            }
        });
    }

    void on_owner_changed(sd_bus_message* signal) {
        const char* name = nullptr;
        const char* before = nullptr;
        const char* now = nullptr;
        if (sd_bus_message_read(signal, "sss", &name, &before, &now) <= 0 || !wanted(name)) {
            return;
        }
        watched_.erase(name);
        if (const auto gone = services.extract(std::string(name)); !gone.empty() && handlers_.gone) {
            handlers_.gone(gone.mapped());
        }
        if (*now != '\0' && bus_) {
            watch(name, now, false);
        }
    }

    // Signals that a service sends before it answers are part of the answer.
    void on_item_signal(const std::string& name, sd_bus_message* signal) {
        const auto service = services.find(name);
        if (service == services.end()) {
            return;
        }
        if (sd_bus_message_is_signal(signal, message::kBusItem, "ItemsChanged") > 0) {
            read_items(signal, [&](std::string_view path, std::optional<Value>& value, std::string text) {
                if (value && bus_) {
                    take(service->second, path, std::move(*value), std::move(text));
                }
            });
        } else if (sd_bus_message_is_signal(signal, message::kBusItem, "PropertiesChanged") > 0) {
            std::optional<Value> value;
            std::optional<std::string> text;
            if (read_value_and_text(signal, value, text) && value) {
                auto shown = text ? std::move(*text) : to_text(*value);
                take(service->second, sd_bus_message_get_path(signal), std::move(*value), std::move(shown));
            }
        }
    }

    void take(MonitoredService& service, std::string_view path, Value value, std::string text) {
        if (!kept(path)) {
            return;
        }
        auto& item = service.items[std::string(path)];
        item = {std::move(value), std::move(text)};
        if (handlers_.changed) {
            handlers_.changed(service, path, item);
        }
    }

    std::unique_ptr<Bus> bus_;
    std::vector<std::string> prefixes_;
    Handlers handlers_;
    std::vector<std::string> paths_;
    std::vector<Match> matches_;
    std::map<std::string, Watched, std::less<>> watched_;
    int unread_ = 1;  // services that were there at the start and have not answered, plus the list itself
};

Monitor::Monitor(const BusContext& context, std::vector<std::string> prefixes, Handlers handlers,
                 std::vector<std::string> paths)
    : watcher_(
        std::make_shared<Watcher>(context, std::move(prefixes), std::move(handlers), std::move(paths))) {
    watcher_->start();
}

Monitor::~Monitor() {
    watcher_->close();
}

const std::map<std::string, MonitoredService, std::less<>>& Monitor::services() const {
    return watcher_->services;
}

}  // namespace velib
