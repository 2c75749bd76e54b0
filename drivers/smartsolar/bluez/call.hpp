#pragma once
// Calls to BlueZ that a coroutine waits for. docs/protocols/victron-ble.md, "Bluetooth on a GX".

#include "wire/expected.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <sdbus-c++/sdbus-c++.h>
#include <velib/bus.hpp>

namespace smartsolar::bluez {

inline constexpr const char* kService = "org.bluez";
inline constexpr const char* kAdapter = "org.bluez.Adapter1";
inline constexpr const char* kDevice = "org.bluez.Device1";
inline constexpr const char* kGattCharacteristic = "org.bluez.GattCharacteristic1";
inline constexpr const char* kAgentManager = "org.bluez.AgentManager1";
inline constexpr const char* kMonitorManager = "org.bluez.AdvertisementMonitorManager1";
inline constexpr const char* kProperties = "org.freedesktop.DBus.Properties";
inline constexpr const char* kObjectManager = "org.freedesktop.DBus.ObjectManager";

/// What the other side answered instead of a reply.
struct CallFault {
    std::string name;  // "org.bluez.Error.InProgress"
    std::string text;

    [[nodiscard]] bool is(std::string_view bluez_error) const;
};

using Reply = wire::Expected<sdbus::MethodReply, CallFault>;

/// Longer than the default, which is too short for connecting and pairing.
inline constexpr std::chrono::seconds kSlowCall{40};
inline constexpr std::chrono::seconds kCall{20};

/// Sends `message` made by `proxy` and waits. Never throws for what the other side does. Cancellation abandons the
/// call.
boost::asio::awaitable<Reply> send(velib::Bus& bus, std::unique_ptr<sdbus::IProxy> proxy,
                                   sdbus::MethodCall message, std::chrono::milliseconds timeout);

/// Calls a method of a BlueZ object. The bus must outlive the call.
template <class... Arguments>
boost::asio::awaitable<Reply> call(velib::Bus& bus, std::string path, const char* interface,
                                   const char* method, std::chrono::milliseconds timeout,
                                   Arguments... arguments) {
    auto proxy = sdbus::createProxy(bus.connection(), sdbus::ServiceName{kService},
                                    sdbus::ObjectPath{std::move(path)});
    auto message = proxy->createMethodCall(sdbus::InterfaceName{interface}, sdbus::MethodName{method});
    (void)(message << ... << arguments);
    co_return co_await send(bus, std::move(proxy), std::move(message), timeout);
}

}  // namespace smartsolar::bluez
