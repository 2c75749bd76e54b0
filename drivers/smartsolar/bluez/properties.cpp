#include "smartsolar/bluez/properties.hpp"

#include "smartsolar/protocol/advertisement.hpp"

namespace smartsolar::bluez {

namespace {

void skip(sdbus::Message& message) {
    sdbus::Variant ignored;
    message >> ignored;
}

// Reads the variant that comes next when it holds a `Content` (signature `type`), else skips it.
template <class Content>
void read(sdbus::Message& message, std::string_view contents, const char* type,
          std::optional<Content>& into) {
    if (contents != type) {
        skip(message);
        return;
    }
    message.enterVariant(type);
    message >> into.emplace();
    message.exitVariant();
}

wire::Bytes read_bytes(sdbus::Message& message) {
    const void* data = nullptr;
    std::size_t size = 0;
    message.enterVariant("ay");
    message.readArray('y', &data, &size);
    message.exitVariant();
    return {static_cast<const std::uint8_t*>(data), size};
}

std::string_view contents_of(sdbus::Message& message) {
    const char* contents = message.peekType().second;
    return contents != nullptr ? contents : "";
}

// The data of our company among those of all companies, nothing when there are none of it.
std::optional<wire::Bytes> read_manufacturer_data(sdbus::Message& message, std::string_view contents) {
    std::optional<wire::Bytes> found;
    if (contents != "a{qv}") {
        skip(message);
        return found;
    }
    message.enterVariant("a{qv}");
    message.enterContainer("{qv}");
    while (message.enterDictEntry("qv")) {
        std::uint16_t company = 0;
        message >> company;
        if (company == kCompanyId && contents_of(message) == "ay") {
            found = read_bytes(message);
        } else {
            skip(message);
        }
        message.exitDictEntry();
    }
    message.clearFlags();
    message.exitContainer();
    message.exitVariant();
    return found;
}

// Calls one(key, contents) for each entry of an a{sv}; it must read or skip the variant.
template <class One>
void read_properties(sdbus::Message& message, One&& one) {
    message.enterContainer("{sv}");
    while (message.enterDictEntry("sv")) {
        char* key = nullptr;
        message >> key;
        one(std::string_view(key), contents_of(message));
        message.exitDictEntry();
    }
    message.clearFlags();
    message.exitContainer();
}

}  // namespace

DeviceNews read_device(sdbus::Message& message) {
    DeviceNews news;
    read_properties(message, [&](std::string_view key, std::string_view contents) {
        if (key == "ManufacturerData") {
            news.victron = read_manufacturer_data(message, contents);
        } else if (key == "RSSI") {
            read(message, contents, "n", news.rssi);
        } else if (key == "Address") {
            read(message, contents, "s", news.address);
        } else if (key == "Name") {
            read(message, contents, "s", news.name);
        } else if (key == "Paired") {
            read(message, contents, "b", news.paired);
        } else if (key == "Connected") {
            read(message, contents, "b", news.connected);
        } else if (key == "ServicesResolved") {
            read(message, contents, "b", news.services_resolved);
        } else {
            skip(message);
        }
    });
    return news;
}

AdapterNews read_adapter(sdbus::Message& message) {
    AdapterNews news;
    read_properties(message, [&](std::string_view key, std::string_view contents) {
        if (key == "Powered") {
            read(message, contents, "b", news.powered);
        } else if (key == "Discovering") {
            read(message, contents, "b", news.discovering);
        } else {
            skip(message);
        }
    });
    return news;
}

CharacteristicNews read_characteristic(sdbus::Message& message) {
    CharacteristicNews news;
    read_properties(message, [&](std::string_view key, std::string_view contents) {
        if (key == "Value" && contents == "ay") {
            news.value = read_bytes(message);
        } else if (key == "UUID") {
            read(message, contents, "s", news.uuid);
        } else if (key == "MTU") {
            read(message, contents, "q", news.mtu);
        } else if (key == "Flags") {
            read(message, contents, "as", news.flags);
        } else {
            skip(message);
        }
    });
    return news;
}

void skip_properties(sdbus::Message& message) {
    read_properties(message, [&](std::string_view, std::string_view) { skip(message); });
}

}  // namespace smartsolar::bluez
