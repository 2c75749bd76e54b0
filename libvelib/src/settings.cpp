#include "velib/settings.hpp"

#include "call.hpp"
#include "message.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <set>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace velib {
namespace asio = boost::asio;

namespace {

constexpr const char* kService = "com.victronenergy.settings";
constexpr const char* kInterface = "com.victronenergy.Settings";
/// A settings service that has its name but not yet its objects is asked again after so long.
constexpr std::chrono::seconds kUnreadyPause{1};

Type type_of(const Value& default_value) {
    if (default_value.text() != nullptr) {
        return Type::text;
    }
    return std::holds_alternative<double>(default_value.storage()) ? Type::real : Type::integer;
}

bool is_unready(const CallResult& result) {
    return result.error_name == SD_BUS_ERROR_UNKNOWN_OBJECT
           || result.error_name == SD_BUS_ERROR_UNKNOWN_INTERFACE
           || result.error_name == SD_BUS_ERROR_UNKNOWN_METHOD;
}

}  // namespace

class Settings::Client : public std::enable_shared_from_this<Client> {
  public:
    explicit Client(const BusContext& context)
        : bus_(std::make_unique<Bus>(context)),
          attached_(context.executor, asio::steady_timer::time_point::max()) {}

    void start() {
        match(fmt::format("type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',"
                          "member='NameOwnerChanged',arg0='{}'",
                          kService),
              &Client::on_owner_changed);
    }

    void close() {
        matches_.clear();
        bus_.reset();
        attached_.cancel();
    }

    asio::awaitable<void> add(std::vector<SettingSpec> specs) {
        const auto self = shared_from_this();
        std::vector<std::string> paths;
        for (auto& spec : specs) {
            follow(spec.path);
            paths.push_back(spec.path);
            remember(std::move(spec));
        }
        for (bool waiting = false;;) {
            const auto asked_of = owners_seen_;
            const auto answer = co_await ask_for(paths);
            if (answer == Answer::given) {
                co_return;
            }
            if (!waiting) {
                spdlog::info("waiting for {}", kService);
                waiting = true;
            }
            if (answer == Answer::unready) {
                co_await pause();
            }
            // It may have appeared between the refusal and this line: then ask at once.
            if (answer == Answer::nobody && asked_of == owners_seen_ && bus_) {
                boost::system::error_code woken;
                co_await attached_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
            }
            if (!bus_
                || (co_await asio::this_coro::cancellation_state).cancelled()
                       != asio::cancellation_type::none) {
                throw boost::system::system_error(asio::error::operation_aborted);
            }
        }
    }

    void forget(std::string_view prefix) {
        std::erase_if(entries_, [&](const auto& entry) { return entry.first.starts_with(prefix); });
    }

    Value value(std::string_view path) const {
        const auto entry = entries_.find(path);
        return entry != entries_.end() ? entry->second.value : Value();
    }

    Subscription subscribe(std::string prefix, Handler handler) {
        auto subscriber = std::make_shared<Subscriber>(Subscriber{std::move(prefix), std::move(handler)});
        subscribers_.push_back(subscriber);
        return Subscription(std::move(subscriber));
    }

    asio::awaitable<bool> set(std::string path, Value value) {
        const auto self = shared_from_this();
        if (!bus_) {
            co_return false;
        }
        auto call = message::call(bus_->raw(), kService, path.c_str(), message::kBusItem, "SetValue");
        message::append_variant(call.get(), value);
        const auto result = co_await send_call(*bus_, std::move(call));
        std::int32_t code = -1;
        if (!result.ok() || sd_bus_message_read_basic(result.reply.get(), 'i', &code) <= 0) {
            spdlog::warn("{} could not be written: {}", path, result.error_text);
            co_return false;
        }
        if (code != 0) {
            const auto entry = entries_.find(path);
            const bool secret = entry != entries_.end() && entry->second.spec.secret;
            spdlog::warn("{} = {} was refused by the settings service", path,
                         secret ? "(a secret)" : to_text(value));
        }
        co_return code == 0;
    }

    bool available() const { return available_; }

  private:
    struct Entry {
        SettingSpec spec;
        Value value;
    };
    struct Subscriber {
        std::string prefix;
        Handler handler;
    };
    enum class Answer : std::uint8_t {
        given,    // values, or a refusal
        late,     // it is there but did not answer in time: ask again
        unready,  // it is there but its objects are not: ask again after a pause
        nobody,   // wait until it appears
    };

    // The handler runs as long as the client lives, also when it ends the client.
    void match(const std::string& rule, void (Client::*handler)(sd_bus_message*)) {
        matches_.push_back(add_match(*bus_, rule, [weak = weak_from_this(), handler](sd_bus_message* signal) {
            if (const auto self = weak.lock(); self && self->bus_) {
                ((*self).*handler)(signal);
            }
        }));
    }

    // Only the groups a driver has settings in: the rest of the device's settings must not wake it.
    void follow(const std::string& path) {
        const auto group = path.substr(0, path.rfind('/'));
        if (followed_.insert(group).second) {
            match(fmt::format("type='signal',sender='{}',interface='{}',path_namespace='{}'", kService,
                              message::kBusItem, group),
                  &Client::on_signal);
        }
    }

    void remember(SettingSpec spec) {
        const auto known = entries_.find(spec.path);
        if (known != entries_.end() && type_of(known->second.value) == type_of(spec.default_value)) {
            known->second.spec = std::move(spec);
            return;
        }
        auto value = spec.default_value;
        auto path = spec.path;
        entries_.insert_or_assign(std::move(path), Entry{std::move(spec), std::move(value)});
    }

    // One AddSettings for all.
    asio::awaitable<Answer> ask_for(std::vector<std::string> paths) {
        if (!bus_) {
            co_return Answer::nobody;
        }
        auto call = message::call(bus_->raw(), kService, "/", kInterface, "AddSettings");
        append_requests(call.get(), paths);
        // Taken on arrival: a signal behind the answer is newer and must win.
        // (A variable, because g++ 12 destroys such a temporary of a co_await expression twice.)
        ReplyHandler take = [self = shared_from_this()](CallResult& arrived) {
            self->available_ = arrived.ok();
            if (arrived.ok()) {
                self->take_replies(arrived.reply.get());
            }
        };
        const auto result = co_await send_call(*bus_, std::move(call), std::move(take));
        if (result.service_missing() || result.error_name == SD_BUS_ERROR_DISCONNECTED) {
            co_return Answer::nobody;
        }
        if (result.unanswered()) {
            co_return Answer::late;
        }
        if (is_unready(result)) {
            co_return Answer::unready;
        }
        if (!result.ok()) {
            spdlog::error("the settings service refused {}: {}; defaults are used", fmt::join(paths, ", "),
                          result.error_text);
        }
        co_return Answer::given;
    }

    void append_requests(sd_bus_message* call, const std::vector<std::string>& paths) {
        message::check(sd_bus_message_open_container(call, SD_BUS_TYPE_ARRAY, "a{sv}"));
        for (const auto& path : paths) {
            const auto entry = entries_.find(path);
            if (entry == entries_.end()) {
                continue;  // forgotten meanwhile
            }
            const auto& spec = entry->second.spec;
            message::check(sd_bus_message_open_container(call, SD_BUS_TYPE_ARRAY, "{sv}"));
            message::append_entry(call, "path", Value(spec.path));
            message::append_entry(call, "default", spec.default_value);
            if (spec.min != 0 || spec.max != 0) {
                const auto type = type_of(spec.default_value);
                message::append_entry(call, "min", coerce(Value(spec.min), type).value_or(Value()));
                message::append_entry(call, "max", coerce(Value(spec.max), type).value_or(Value()));
            }
            if (spec.secret) {
                message::append_entry(call, "silent", Value(1));
            }
            message::check(sd_bus_message_close_container(call));
        }
        message::check(sd_bus_message_close_container(call));
    }

    void take_replies(sd_bus_message* reply) {
        if (sd_bus_message_enter_container(reply, SD_BUS_TYPE_ARRAY, "a{sv}") <= 0) {
            return;
        }
        while (sd_bus_message_at_end(reply, 0) == 0) {
            std::string path;
            std::int64_t error = 0;
            std::optional<Value> value;
            const bool readable = message::read_dictionary(reply, [&](std::string_view key, Value entry) {
                if (key == "path" && entry.text() != nullptr) {
                    path = *entry.text();
                } else if (key == "error") {
                    error = entry.integer().value_or(-1);
                } else if (key == "value") {
                    value = std::move(entry);
                }
            });
            if (!readable) {
                break;
            }
            if (error != 0) {
                spdlog::error("the settings service refused {} (error {}); its default is used", path, error);
            } else if (value) {
                take(path, *value);
            }
        }
    }

    void take(std::string_view path, const Value& value) {
        const auto entry = entries_.find(path);
        if (entry == entries_.end()) {
            return;
        }
        auto converted = coerce(value, type_of(entry->second.spec.default_value));
        if (!converted || !converted->valid()) {
            return;  // removed, or of another type: the last good value stays
        }
        if (entry->second.value == *converted) {
            return;
        }
        entry->second.value = *converted;
        notify(path, *converted);
    }

    // Handlers may subscribe, unsubscribe, add and forget settings, and end the client while they run: `value` is none that
    // is kept here.
    void notify(std::string_view path, const Value& value) {
        const auto self = shared_from_this();
        const std::string path_copy(path);
        const auto subscribers = subscribers_;
        for (const auto& weak : subscribers) {
            if (const auto subscriber = weak.lock();
                subscriber && path_copy.starts_with(subscriber->prefix)) {
                subscriber->handler(path_copy, value);
            }
        }
        std::erase_if(subscribers_, [](const auto& weak) { return weak.expired(); });
    }

    void on_signal(sd_bus_message* signal) {
        if (sd_bus_message_is_signal(signal, message::kBusItem, "PropertiesChanged") <= 0) {
            return;
        }
        const std::string path = sd_bus_message_get_path(signal);
        std::optional<Value> changed;
        message::read_dictionary(signal, [&](std::string_view key, Value value) {
            if (key == "Value") {
                changed = std::move(value);
            }
        });
        if (changed) {
            take(path, *changed);
        }
    }

    void on_owner_changed(sd_bus_message* signal) {
        const char* name = nullptr;
        const char* before = nullptr;
        const char* now = nullptr;
        if (sd_bus_message_read(signal, "sss", &name, &before, &now) <= 0) {
            return;
        }
        if (*now == '\0') {
            available_ = false;
            spdlog::warn("{} is gone: going on with the last known settings", kService);
        } else {
            ++owners_seen_;
            attached_.cancel();
            asio::co_spawn(bus_->context().executor, ask_again(shared_from_this()), asio::detached);
        }
    }

    // Settings that somebody waits for in add() are asked for there as well, which does no harm.
    static asio::awaitable<void> ask_again(std::shared_ptr<Client> self) {
        const auto asked_of = self->owners_seen_;
        std::vector<std::string> paths;
        for (const auto& [path, entry] : self->entries_) {
            paths.push_back(path);
        }
        while (!paths.empty() && asked_of == self->owners_seen_) {
            const auto answer = co_await self->ask_for(paths);
            if (answer == Answer::unready) {
                co_await pause();
            } else if (answer != Answer::late) {
                co_return;
            }
        }
    }

    static asio::awaitable<void> pause() {
        asio::steady_timer timer(co_await asio::this_coro::executor, kUnreadyPause);
        boost::system::error_code woken;
        co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    }

    std::unique_ptr<Bus> bus_;
    std::vector<Match> matches_;
    std::map<std::string, Entry, std::less<>> entries_;
    std::set<std::string> followed_;
    std::vector<std::weak_ptr<Subscriber>> subscribers_;
    asio::steady_timer attached_;  // cancelled when the service appears
    unsigned owners_seen_ = 0;
    bool available_ = false;
};

Settings::Settings(const BusContext& context) : client_(std::make_shared<Client>(context)) {
    client_->start();
}

Settings::~Settings() {
    client_->close();
}

asio::awaitable<void> Settings::add(std::vector<SettingSpec> specs) {
    return client_->add(std::move(specs));
}

void Settings::forget(std::string_view prefix) {
    client_->forget(prefix);
}

Value Settings::value(std::string_view path) const {
    return client_->value(path);
}

std::int64_t Settings::integer(std::string_view path) const {
    return value(path).integer().value_or(0);
}

double Settings::real(std::string_view path) const {
    return value(path).real().value_or(0);
}

std::string Settings::text(std::string_view path) const {
    const auto found = value(path);
    return found.text() != nullptr ? *found.text() : std::string();
}

Settings::Subscription Settings::subscribe(std::string prefix, Handler handler) {
    return client_->subscribe(std::move(prefix), std::move(handler));
}

asio::awaitable<bool> Settings::set(std::string path, Value value) {
    return client_->set(std::move(path), std::move(value));
}

bool Settings::available() const {
    return client_->available();
}

}  // namespace velib
