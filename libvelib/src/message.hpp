#pragma once
// Values in messages, written and read without detours through maps of variants.

#include "velib/item.hpp"
#include "velib/value.hpp"

#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include <systemd/sd-bus.h>

namespace velib::message {

inline constexpr const char* kBusItem = "com.victronenergy.BusItem";

struct Unref {
    void operator()(sd_bus_message* message) const { sd_bus_message_unref(message); }
};
using Message = std::unique_ptr<sd_bus_message, Unref>;

/// Throws std::system_error when `result` is an error: out of memory, or a message built wrongly.
void check(int result);

[[nodiscard]] Message reply_to(sd_bus_message* call);
[[nodiscard]] Message signal(sd_bus* bus, const char* path, const char* interface, const char* member);
[[nodiscard]] Message call(sd_bus* bus, const char* service, const char* path, const char* interface,
                           const char* member);

/// Appends a variant holding `value`; invalid is the empty array of int32.
void append_variant(sd_bus_message* out, const Value& value);
/// Appends a dictionary entry {s: v}.
void append_entry(sd_bus_message* out, const char* key, const Value& value);

/// Appends the dictionary {"Value": v, "Text": v(s)} of an item; with limits also Min, Max, Default where set.
void append_value_and_text(sd_bus_message* out, const Item& item, bool with_limits = false);

/// Reads the next argument whatever its type: variants are unwrapped fully, an array of variants becomes an
/// array of its elements' type, an empty array is invalid. Nothing for what no item can hold (structures,
/// dictionaries) or at the end of the message; the argument is skipped in any case.
[[nodiscard]] std::optional<Value> read_value(sd_bus_message* in);

/// Reads a dictionary a{sv}, calling `entry(key, value)` for each readable one. False when there is none.
template <class Entry>
bool read_dictionary(sd_bus_message* in, Entry&& entry) {
    if (sd_bus_message_enter_container(in, SD_BUS_TYPE_ARRAY, "{sv}") <= 0) {
        return false;
    }
    while (sd_bus_message_enter_container(in, SD_BUS_TYPE_DICT_ENTRY, "sv") > 0) {
        const char* key = nullptr;
        if (sd_bus_message_read_basic(in, SD_BUS_TYPE_STRING, static_cast<void*>(&key)) < 0) {
            return false;
        }
        if (auto value = read_value(in)) {
            entry(std::string_view(key), std::move(*value));
        }
        sd_bus_message_exit_container(in);
    }
    return sd_bus_message_exit_container(in) >= 0;
}

}  // namespace velib::message
