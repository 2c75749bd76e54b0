#include "gxmodbus/service/bridge.hpp"

#include "gxmodbus/cli/session.hpp"
#include "gxmodbus/service/gx_host.hpp"
#include "velib/monitor.hpp"

#include <fstream>
#include <iostream>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace gxmodbus {
namespace asio = boost::asio;

namespace {

constexpr int kMostHosts = 16;
constexpr auto kSettle = std::chrono::milliseconds(300);  // several settings written together are one change

// Venus OS keeps its portal id here; it is known before the system service is up.
std::string stored_serial() {
    std::ifstream file("/data/venus/unique-id");
    std::string serial;
    file >> serial;
    return serial;
}

class Bridge {
  public:
    Bridge(velib::App& app, const BridgeOptions& options)
        : bus_(app.bus()),
          settings_(bus_),
          context_{bus_, settings_, options.state_directory, stored_serial(), {}},
          hosts_from_arguments_(options.hosts),
          change_(bus_.executor),
          system_(bus_, {"com.victronenergy.system"}, handlers()) {}

    // There is always one slot more than are used, so that a host can be entered.
    asio::awaitable<void> run() {
        subscription_ =
            settings_.subscribe("/Settings/GxModbus/", [this](std::string_view, const velib::Value&) {
                changed_ = true;
                change_.cancel();
            });
        for (;;) {
            co_await add_slots();
            changed_ = false;
            while (!changed_) {
                change_.expires_at(asio::steady_timer::time_point::max());
                boost::system::error_code woken;
                co_await change_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
            }
            asio::steady_timer settle(bus_.executor, kSettle);
            co_await settle.async_wait(asio::use_awaitable);
            for (const auto& host : hosts_) {
                host->apply();
            }
        }
    }

  private:
    asio::awaitable<void> add_slots() {
        while (hosts_.size() < kMostHosts
               && (hosts_.empty() || hosts_.back()->used() || hosts_.size() < hosts_from_arguments_.size())) {
            const int slot = static_cast<int>(hosts_.size());
            const auto index = static_cast<std::size_t>(slot);
            auto specs =
                setting_specs(slot, index < hosts_from_arguments_.size() ? hosts_from_arguments_[index] : "");
            const auto modes = mode_specs(slot);
            specs.insert(specs.end(), modes.begin(), modes.end());
            co_await settings_.add(std::move(specs));
            hosts_.push_back(std::make_unique<GxHost>(context_, slot));
            hosts_.back()->apply();
        }
    }

    velib::Monitor::Handlers handlers() {
        velib::Monitor::Handlers handlers;
        handlers.appeared = [this](const velib::MonitoredService& service) {
            take_serial(service.value("/Serial"));
        };
        handlers.changed = [this](const velib::MonitoredService&, std::string_view path,
                                  const velib::MonitoredItem& item) {
            if (path == "/Serial") {
                take_serial(item.value);
            }
        };
        return handlers;
    }

    void take_serial(const velib::Value& value) {
        const auto* serial = value.text();
        if (serial == nullptr || serial->empty() || *serial == context_.local_serial) {
            return;
        }
        context_.local_serial = *serial;
        for (const auto& host : hosts_) {
            host->check_own();
        }
    }

    velib::BusContext bus_;
    velib::Settings settings_;
    BridgeContext context_;
    std::vector<std::string> hosts_from_arguments_;
    std::vector<std::unique_ptr<GxHost>> hosts_;
    asio::steady_timer change_;
    bool changed_ = false;
    velib::Settings::Subscription subscription_;
    velib::Monitor system_;
};

}  // namespace

asio::awaitable<int> serve(velib::App& app, BridgeOptions options) {
    for (const std::string& host : options.hosts) {
        if (!cli::parse_host(host)) {
            std::cerr << "--host " << host << ": not a host\n";
            co_return 2;
        }
    }
    Bridge bridge(app, options);
    co_await bridge.run();
    co_return 0;
}

}  // namespace gxmodbus
