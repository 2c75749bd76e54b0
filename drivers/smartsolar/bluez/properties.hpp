#pragma once
// Reading BlueZ's property dictionaries straight from messages, without building maps of variants.

#include "wire/bytes.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sdbus-c++/sdbus-c++.h>

namespace smartsolar::bluez {

/// What a message said of a device; members that it did not mention are empty.
struct DeviceNews {
    std::optional<std::string> address;
    std::optional<std::string> name;
    std::optional<std::int16_t> rssi;
    bool rssi_gone = false;
    std::optional<bool> paired;
    std::optional<bool> connected;
    std::optional<bool> services_resolved;
    /// Manufacturer data of Victron, pointing into the message.
    std::optional<wire::Bytes> victron;
};

struct AdapterNews {
    std::optional<bool> powered;
    std::optional<bool> discovering;
};

struct CharacteristicNews {
    std::optional<std::string> uuid;
    std::optional<std::uint16_t> mtu;
    std::optional<std::vector<std::string>> flags;
    std::optional<wire::Bytes> value;  // pointing into the message
};

/// Each reads an a{sv} and leaves the message behind it. Properties of an unexpected type are skipped.
[[nodiscard]] DeviceNews read_device(sdbus::Message& message);
[[nodiscard]] AdapterNews read_adapter(sdbus::Message& message);
[[nodiscard]] CharacteristicNews read_characteristic(sdbus::Message& message);
void skip_properties(sdbus::Message& message);

/// Reads an a{sa{sv}}: calls `one(interface)`, which must read or skip the a{sv} that follows.
template <class One>
void read_interfaces(sdbus::Message& message, One&& one) {
    message.enterContainer("{sa{sv}}");
    while (message.enterDictEntry("sa{sv}")) {
        std::string interface;
        message >> interface;
        one(interface);
        message.exitDictEntry();
    }
    message.clearFlags();
    message.exitContainer();
}

/// Reads an a{oa{sa{sv}}}: calls `one(path)`, which must read the a{sa{sv}} that follows.
template <class One>
void read_objects(sdbus::Message& message, One&& one) {
    message.enterContainer("{oa{sa{sv}}}");
    while (message.enterDictEntry("oa{sa{sv}}")) {
        sdbus::ObjectPath path;
        message >> path;
        one(path);
        message.exitDictEntry();
    }
    message.clearFlags();
    message.exitContainer();
}

}  // namespace smartsolar::bluez
