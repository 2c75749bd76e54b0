#pragma once
// The driver: BlueZ on one side, a product for each device on the other, and one session at a time.

#include "smartsolar/bluez/client.hpp"
#include "smartsolar/driver/context.hpp"
#include "smartsolar/driver/product.hpp"
#include "smartsolar/driver/registry.hpp"

#include <map>
#include <memory>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <velib/bus.hpp>

namespace smartsolar {

class Driver {
  public:
    explicit Driver(const velib::BusContext& bus);

    /// Runs until cancelled.
    boost::asio::awaitable<void> run();

  private:
    void on_advertisement(const bluez::DeviceState& device, wire::Bytes data);
    boost::asio::awaitable<void> watch_age();
    boost::asio::awaitable<void> hold_sessions();
    [[nodiscard]] std::shared_ptr<Product> next_product() const;

    Context context_;
    Registry registry_;
    bluez::Client client_;
    std::map<std::string, std::shared_ptr<Product>> products_;  // by address
    boost::asio::steady_timer wake_sessions_;
    bool said_full_ = false;
};

}  // namespace smartsolar
