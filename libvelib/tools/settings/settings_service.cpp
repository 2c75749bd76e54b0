#include "settings_service.hpp"

#include "message.hpp"
#include "presets.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include <spdlog/spdlog.h>

namespace velib::settings {
namespace {

constexpr const char* kSettings = "com.victronenergy.Settings";

// Only the platform service of a GX may change it.
constexpr std::string_view kSecurityProfile = "/Settings/System/SecurityProfile";
constexpr const char* kPlatform = "com.victronenergy.platform";

// What GetMin, GetMax and GetDefault answer where there is none.
constexpr std::int32_t kNoLimit = 0;
constexpr std::int32_t kNoDefault = -1;

constexpr std::int32_t kDone = 0;
constexpr std::int32_t kRefused = -1;

Value limit_of(const Item& item, std::optional<double> limit) {
    return limit ? coerce(Value(*limit), item.type()).value_or(Value(kNoLimit)) : Value(kNoLimit);
}

Value default_of(const Item& item) {
    return item.default_value().valid() ? item.default_value() : Value(kNoDefault);
}

void append_integer(sd_bus_message* out, std::int32_t number) {
    message::check(sd_bus_message_append_basic(out, SD_BUS_TYPE_INT32, &number));
}

[[noreturn]] void refuse_arguments(std::string_view member, std::string_view expected) {
    throw MethodError(SD_BUS_ERROR_INVALID_ARGS, fmt::format("{} takes {}", member, expected));
}

struct Argument {
    Value value;
    std::string signature;  // of what is in the variant
};

// The next argument, in a variant or plain; nothing for what no setting can hold.
std::optional<Argument> read_argument(sd_bus_message* in) {
    char type = 0;
    const char* contents = nullptr;
    if (sd_bus_message_peek_type(in, &type, &contents) <= 0) {
        return std::nullopt;
    }
    Argument argument;
    argument.signature = type == SD_BUS_TYPE_VARIANT ? std::string(contents) : std::string(1, type);
    auto value = message::read_value(in);
    if (!value) {
        return std::nullopt;
    }
    argument.value = std::move(*value);
    return argument;
}

std::optional<Type> type_of_signature(std::string_view signature) {
    if (signature == "i" || signature == "x") {
        return Type::integer;
    }
    if (signature == "d") {
        return Type::real;
    }
    return signature == "s" ? std::optional(Type::text) : std::nullopt;
}

// One dictionary of AddSettings.
struct Entry {
    std::optional<std::string> path;
    AddRequest request;
};

Entry read_entry(sd_bus_message* in) {
    Entry entry;
    while (sd_bus_message_enter_container(in, SD_BUS_TYPE_DICT_ENTRY, "sv") > 0) {
        const char* key = nullptr;
        message::check(sd_bus_message_read_basic(in, SD_BUS_TYPE_STRING, static_cast<void*>(&key)));
        const std::string_view name(key);
        if (const auto argument = read_argument(in)) {
            if (name == "path" && argument->value.text() != nullptr) {
                entry.path = *argument->value.text();
            } else if (name == "default") {
                entry.request.default_value = argument->value;
                entry.request.type = type_of_signature(argument->signature);
            } else if (name == "min") {
                entry.request.min = argument->value;
            } else if (name == "max") {
                entry.request.max = argument->value;
            } else if (name == "replaces") {
                if (const auto* paths = std::get_if<std::vector<std::string>>(&argument->value.storage())) {
                    entry.request.replaces = *paths;
                }
            } else if (name == "silent") {
                entry.request.silent = argument->value.real().value_or(0) != 0;
            }
        }
        message::check(sd_bus_message_exit_container(in));
    }
    return entry;
}

// Paths are relative to the group that is asked, except at "/".
std::string absolute(std::string_view group, std::string_view path) {
    if (group == "/") {
        return std::string(path);
    }
    return fmt::format("{}{}{}", group, path.starts_with('/') ? "" : "/", path);
}

std::string_view view(const char* text) {
    return text != nullptr ? std::string_view(text) : std::string_view();
}

void log_change(const Item& item, bool silent) {
    if (!silent) {
        spdlog::info("{} = {}", item.path(), item.text());
    }
}

}  // namespace

SettingsService::SettingsService(const BusContext& context, const Places& places)
    : service_(context, kServiceName),
      store_(service_.items()),
      document_(load_file(places.directory)),
      saver_(context.executor, places.directory, [this] {
          document_.settings = store_.all();
          return to_xml(document_);
      }) {
    for (const auto& setting : document_.settings) {
        if (!store_.restore(setting)) {
            spdlog::warn("{} in the settings file is left out: there can be no such setting", setting.path);
        }
    }
    add_presets(places.presets);
    service_.offer(methods());
    service_.announce_through(*this);
}

void SettingsService::start() {
    service_.start();
    platform_.emplace(service_.bus(), kPlatform);
}

bool SettingsService::stop() {
    platform_.reset();
    service_.stop();
    return saver_.flush();
}

void SettingsService::add_presets(const std::filesystem::path& directory) {
    for (const auto& [file, presets] : load_presets(directory)) {
        for (const auto& preset : presets) {
            auto code = AddCode::bad_path;
            try {
                code = store_.add(preset);
            } catch (const std::invalid_argument&) {
                // The code says it.
            }
            if (code == AddCode::ok) {
                saver_.touch();
            } else {
                spdlog::error("{}: {} is left out (code {})", file, preset.path, static_cast<int>(code));
            }
        }
    }
}

// New settings, changed attributes, and removals (which make the value invalid first).
void SettingsService::items_changed(std::span<const Item* const> items) {
    saver_.touch();
    auto* bus = service_.bus().raw();
    for (const auto* item : items) {
        const auto signal =
            message::signal(bus, item->path().c_str(), message::kBusItem, "PropertiesChanged");
        auto* out = signal.get();
        message::check(sd_bus_message_open_container(out, SD_BUS_TYPE_ARRAY, "{sv}"));
        message::append_entry(out, "Value", item->value());
        message::append_entry(out, "Text", Value(item->value().valid() ? item->text() : std::string()));
        if (item->value().valid()) {
            message::append_entry(out, "Default", default_of(*item));
            if (item->type() != Type::text) {
                message::append_entry(out, "Min", limit_of(*item, item->min()));
                message::append_entry(out, "Max", limit_of(*item, item->max()));
            }
        }
        message::check(sd_bus_message_close_container(out));
        service_.bus().send(out);
    }
}

void SettingsService::item_changed(const Item& item) {
    saver_.touch();
    log_change(item, store_.silent(item));
    auto* bus = service_.bus().raw();
    const auto signal = message::signal(bus, item.path().c_str(), message::kBusItem, "PropertiesChanged");
    message::append_value_and_text(signal.get(), item);
    service_.bus().send(signal.get());
}

std::vector<Method> SettingsService::methods() {
    using enum Method::Place;
    using Call = sd_bus_message*;
    const auto getter = [this](Value (*get)(const Item&)) {
        return [this, get](std::string_view path, Call, Call reply) {
            message::append_variant(reply, get(item_at(path)));
        };
    };
    const auto adder = [this](bool silent) {
        return [this, silent](std::string_view path, Call call, Call reply) {
            add_setting(path, call, reply, silent);
        };
    };
    const auto reset = [this](std::string_view path, Call, Call reply) { set_default(path, reply); };
    return {
        {node, kSettings, "AddSetting", "ssvsvv", "i", adder(false)},
        {node, kSettings, "AddSilentSetting", "ssvsvv", "i", adder(true)},
        {node, kSettings, "AddSettings", "aa{sv}", "aa{sv}",
         [this](std::string_view path, Call call, Call reply) { add_settings(path, call, reply); }},
        {node, kSettings, "RemoveSettings", "as", "ai",
         [this](std::string_view path, Call call, Call reply) { remove_settings(path, call, reply); }},
        {node, message::kBusItem, "SetDefault", "", "i", reset},
        {item, message::kBusItem, "SetDefault", "", "i", reset},
        {item, message::kBusItem, "SetValue", "v", "i",
         [this](std::string_view path, Call call, Call reply) { set_value(path, call, reply); }},
        {item, message::kBusItem, "GetMin", "", "v",
         getter([](const Item& setting) { return limit_of(setting, setting.min()); })},
        {item, message::kBusItem, "GetMax", "", "v",
         getter([](const Item& setting) { return limit_of(setting, setting.max()); })},
        {item, message::kBusItem, "GetDefault", "", "v", getter(default_of)},
        {item, kSettings, "GetSilent", "", "b",
         [this](std::string_view path, Call, Call reply) {
             const int silent = store_.silent(item_at(path)) ? 1 : 0;
             message::check(sd_bus_message_append_basic(reply, SD_BUS_TYPE_BOOLEAN, &silent));
         }},
        {item, kSettings, "GetAttributes", "", "vvvi",
         [this](std::string_view path, Call, Call reply) {
             const auto& setting = item_at(path);
             message::append_variant(reply, default_of(setting));
             message::append_variant(reply, limit_of(setting, setting.min()));
             message::append_variant(reply, limit_of(setting, setting.max()));
             append_integer(reply, store_.silent(setting) ? 1 : 0);
         }},
    };
}

AddCode SettingsService::add(const AddRequest& request) {
    try {
        return store_.add(request);
    } catch (const std::invalid_argument& error) {
        throw MethodError(SD_BUS_ERROR_INVALID_ARGS, error.what());
    }
}

void SettingsService::add_setting(std::string_view path, sd_bus_message* call, sd_bus_message* reply,
                                  bool silent) {
    std::array<Value, 6> arguments;  // group, name, default, type, min, max
    for (auto& argument : arguments) {
        auto read = message::read_value(call);
        if (!read) {
            refuse_arguments("AddSetting", "group, name, default, type, minimum, maximum");
        }
        argument = std::move(*read);
    }
    const auto& [group, name, default_value, type, min, max] = arguments;
    if (group.text() == nullptr || name.text() == nullptr || type.text() == nullptr) {
        refuse_arguments("AddSetting", "strings for group, name and type");
    }
    const auto below = group.text()->empty() ? std::string(path) : absolute(path, *group.text());
    append_integer(reply, static_cast<std::int32_t>(add({.path = absolute(below, *name.text()),
                                                         .type = type_of_letter(*type.text()),
                                                         .default_value = default_value,
                                                         .min = min,
                                                         .max = max,
                                                         .silent = silent})));
}

void SettingsService::add_settings(std::string_view path, sd_bus_message* call, sd_bus_message* reply) {
    if (sd_bus_message_enter_container(call, SD_BUS_TYPE_ARRAY, "a{sv}") <= 0) {
        refuse_arguments("AddSettings", "an array of dictionaries");
    }
    message::check(sd_bus_message_open_container(reply, SD_BUS_TYPE_ARRAY, "a{sv}"));
    while (sd_bus_message_enter_container(call, SD_BUS_TYPE_ARRAY, "{sv}") > 0) {
        auto entry = read_entry(call);
        message::check(sd_bus_message_exit_container(call));
        auto code = AddCode::bad_path;
        message::check(sd_bus_message_open_container(reply, SD_BUS_TYPE_ARRAY, "{sv}"));
        if (entry.path) {
            message::append_entry(reply, "path", Value(*entry.path));
            entry.request.path = absolute(path, *entry.path);
            for (auto& replaced : entry.request.replaces) {
                replaced = absolute(path, replaced);
            }
            code = add(entry.request);
        }
        message::append_entry(reply, "error", Value(code));
        if (code == AddCode::ok) {
            message::append_entry(reply, "value", item_at(entry.request.path).value());
        }
        message::check(sd_bus_message_close_container(reply));
    }
    message::check(sd_bus_message_close_container(reply));
}

void SettingsService::remove_settings(std::string_view path, sd_bus_message* call, sd_bus_message* reply) {
    if (sd_bus_message_enter_container(call, SD_BUS_TYPE_ARRAY, "s") <= 0) {
        refuse_arguments("RemoveSettings", "an array of strings");
    }
    const std::string group(path);
    message::check(sd_bus_message_open_container(reply, SD_BUS_TYPE_ARRAY, "i"));
    const char* name = nullptr;
    while (sd_bus_message_read_basic(call, SD_BUS_TYPE_STRING, static_cast<void*>(&name)) > 0) {
        append_integer(reply, store_.remove(absolute(group, name)) ? kDone : kRefused);
    }
    message::check(sd_bus_message_close_container(reply));
}

void SettingsService::set_value(std::string_view path, sd_bus_message* call, sd_bus_message* reply) {
    if (sd_bus_message_at_end(call, 1) != 0) {
        refuse_arguments("SetValue", "one value");
    }
    const auto value = message::read_value(call);
    if (sd_bus_message_at_end(call, 1) == 0) {
        refuse_arguments("SetValue", "one value, not several");
    }
    const bool allowed = path != kSecurityProfile || platform_->has(view(sd_bus_message_get_sender(call)));
    auto& item = item_at(path);
    const bool stored = value && allowed && store_.write(item, *value);
    if (!stored && !store_.silent(item)) {
        spdlog::info("refused write to {}: {}", path, value ? to_text(*value) : "unreadable type");
    }
    append_integer(reply, stored ? kDone : kRefused);
}

void SettingsService::set_default(std::string_view path, sd_bus_message* reply) {
    auto* setting = service_.items().find(path);
    if (setting == nullptr) {
        store_.reset_below(path);
        append_integer(reply, kDone);
        return;
    }
    const auto code = store_.reset(*setting);
    if (code == Store::ResetCode::not_resettable) {
        throw MethodError(SD_BUS_ERROR_NOT_SUPPORTED, fmt::format("{} has no default to go back to", path));
    }
    append_integer(reply, code == Store::ResetCode::done ? kDone : kRefused);
}

}  // namespace velib::settings
