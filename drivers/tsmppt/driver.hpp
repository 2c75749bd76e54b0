#pragma once
// The driver as a service: serves the controllers that the settings name, and follows the settings.

#include "tsmppt/clock.hpp"
#include "tsmppt/controller.hpp"
#include "tsmppt/settings.hpp"
#include "velib/app.hpp"
#include "velib/settings.hpp"

#include <chrono>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

namespace tristar {

class Driver {
  public:
    struct Options {
        std::filesystem::path state_folder;  ///< keeps there what it remembers of controllers
        std::chrono::seconds leave_after{};  ///< a controller away for so long leaves the bus
    };

    Driver(velib::App& app, Options options);
    Driver(const Driver&) = delete;
    Driver& operator=(const Driver&) = delete;
    ~Driver();

    /// Runs until cancelled. Throws what a controller throws.
    boost::asio::awaitable<int> run();

  private:
    struct Child;

    void follow(std::string_view path);
    void apply_time_zone();
    void start_children();
    void warn_of_profiles() const;
    boost::asio::awaitable<void> wait_for_change();
    boost::asio::awaitable<void> stop_children();
    void wake();

    velib::App& app_;
    Options options_;
    velib::Settings settings_;
    Clock clock_;
    Config config_;
    std::set<std::string> serials_;
    std::vector<std::shared_ptr<Child>> children_;
    boost::asio::steady_timer changed_;
    bool restart_ = false;
};

}  // namespace tristar
