#include "name_owner.hpp"

#include <fmt/format.h>

namespace velib::settings {
namespace {

constexpr const char* kDaemon = "org.freedesktop.DBus";

}  // namespace

NameOwner::NameOwner(Bus& bus, const std::string& name)
    : changes_(add_match(bus,
                         fmt::format("type='signal',sender='{0}',interface='{0}',"
                                     "member='NameOwnerChanged',arg0='{1}'",
                                     kDaemon, name),
                         [owner = owner_](sd_bus_message* signal) {
                             const char* now = nullptr;
                             message::check(sd_bus_message_skip(signal, "ss"));
                             message::check(sd_bus_message_read(signal, "s", &now));
                             *owner = now;
                         })) {
    auto query = message::call(bus.raw(), kDaemon, "/org/freedesktop/DBus", kDaemon, "GetNameOwner");
    message::check(sd_bus_message_append_basic(query.get(), SD_BUS_TYPE_STRING, name.c_str()));
    begin_call(bus, std::move(query), [owner = owner_](CallResult& result) {
        const char* now = nullptr;
        if (result.ok()
            && sd_bus_message_read_basic(result.reply.get(), SD_BUS_TYPE_STRING, static_cast<void*>(&now))
                   > 0) {
            *owner = now;
        }
    });
}

}  // namespace velib::settings
