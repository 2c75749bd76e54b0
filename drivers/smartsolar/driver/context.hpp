#pragma once
// What all products of the driver share: bus, settings, and the options that hold for all.

#include <chrono>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <velib/bus.hpp>
#include <velib/settings.hpp>

namespace smartsolar {

/// Settings for the whole driver, below /Settings/SmartSolar.
struct Options {
    std::chrono::seconds stale_after{30};       // silence after which values are invalid
    std::chrono::minutes session_interval{10};  // between sessions with one product
    std::chrono::seconds session_limit{20};
    bool publish_vebus = false;
    bool active_scan = false;
};

/// After this silence a product leaves the bus.
inline constexpr std::chrono::minutes kGoneAfter{10};

class Context {
  public:
    explicit Context(velib::BusContext bus_context) : bus(std::move(bus_context)), settings(bus) {}

    /// Registers the common settings and follows them.
    boost::asio::awaitable<void> prepare();

    velib::BusContext bus;
    velib::Settings settings;
    Options options;

  private:
    void read_options();

    velib::Settings::Subscription subscription_;
};

}  // namespace smartsolar
