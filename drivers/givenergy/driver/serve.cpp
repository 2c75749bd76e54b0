#include "givenergy/driver/serve.hpp"

#include "givenergy/driver/installation.hpp"
#include "velib/monitor.hpp"

#include <algorithm>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

namespace givenergy {

namespace asio = boost::asio;

namespace {

/// All installations, as the settings want them.
class Fleet {
  public:
    Fleet(velib::App& app, velib::Settings& settings, std::string state_directory)
        : app_(app),
          settings_(settings),
          state_directory_(std::move(state_directory)),
          apply_(app.context()) {}

    void start() {
        apply();
        subscription_ =
            settings_.subscribe(std::string{kSettingsRoot}, [this](std::string_view, const velib::Value&) {
                // Several settings are often changed together.
                apply_.expires_after(std::chrono::milliseconds(200));
                apply_.async_wait([this](const boost::system::error_code& error) {
                    if (!error) {
                        apply();
                    }
                });
            });
        monitor_ = std::make_unique<velib::Monitor>(
            app_.bus(), std::vector<std::string>{"com.victronenergy.vebus."},
            velib::Monitor::Handlers{.appeared = [this](const auto&) { choose_layout(); },
                                     .gone = [this](const auto&) { choose_layout(); },
                                     .settled = [this] { choose_layout(); }});
    }

    /// Ends the units' coroutines; what they published leaves the bus with them.
    void stop() {
        apply_.cancel();
        monitor_.reset();
        for (auto& [address, member] : members_) {
            member->cancel.emit(asio::cancellation_type::terminal);
        }
        members_.clear();
    }

  private:
    struct Member {
        std::shared_ptr<Installation> installation{};
        asio::cancellation_signal cancel{};
    };

    void apply() {
        values_ = read_settings(settings_);
        for (const std::string& bad : values_.bad_adapters) {
            spdlog::error("{}: \"{}\" is no address; right would be 192.168.1.50 or 192.168.1.50:8899",
                          kAdaptersSetting, bad);
        }
        std::erase_if(members_, [&](auto& member) {
            const bool wanted = std::ranges::any_of(
                values_.adapters, [&](const AdapterAddress& one) { return one.text() == member.first; });
            if (!wanted) {
                member.second->cancel.emit(asio::cancellation_type::terminal);
            }
            return !wanted;
        });
        for (auto& [address, member] : members_) {
            member->installation->settings_changed();
        }
        for (const AdapterAddress& address : values_.adapters) {
            if (!members_.contains(address.text())) {
                add(address);
            }
        }
        choose_layout();
    }

    void add(const AdapterAddress& address) {
        auto member = std::make_shared<Member>();
        member->installation =
            std::make_shared<Installation>(app_, settings_, values_, address, state_directory_);
        // The completion handler keeps the member, and with it the signal it is bound to, until the coroutine ends.
        asio::co_spawn(
            app_.context(),
            [installation = member->installation]() -> asio::awaitable<void> {
                co_await installation->run();
            },
            asio::bind_cancellation_slot(
                member->cancel.slot(),
                [this, member](const std::exception_ptr& failure) { ended(failure); }));
        members_.emplace(address.text(), member);
    }

    /// A unit only ends when it is told to; anything else ends the program, and supervise starts it again.
    void ended(const std::exception_ptr& failure) {
        if (!failure) {
            return;
        }
        try {
            std::rethrow_exception(failure);
        } catch (const boost::system::system_error& error) {
            if (error.code() == asio::error::operation_aborted) {
                return;
            }
            spdlog::error("{}", error.what());
        } catch (const std::exception& error) {
            spdlog::error("{}", error.what());
        }
        app_.stop(1);
    }

    /// On a site that a Victron inverter runs this driver only looks on.
    void choose_layout() {
        const bool victron = monitor_ != nullptr && !monitor_->services().empty();
        const Layout layout = values_.layout == LayoutSetting::observer
                                      || (values_.layout == LayoutSetting::automatic && victron)
                                  ? Layout::observer
                                  : Layout::standalone;
        for (auto& [address, member] : members_) {
            member->installation->set_layout(layout);
        }
    }

    velib::App& app_;
    velib::Settings& settings_;
    std::string state_directory_;
    asio::steady_timer apply_;
    DriverSettings values_;
    std::map<std::string, std::shared_ptr<Member>> members_;
    velib::Settings::Subscription subscription_;
    std::unique_ptr<velib::Monitor> monitor_;
};

}  // namespace

asio::awaitable<int> serve(velib::App& app, ServeOptions options) {
    velib::Settings settings(app.bus());
    co_await settings.add(setting_specs());
    Fleet fleet(app, settings, options.state_directory);
    fleet.start();
    if (settings.text(kAdaptersSetting).empty()) {
        spdlog::info("no adapter yet: set {}", kAdaptersSetting);
    }
    asio::steady_timer forever(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
    boost::system::error_code stopped;
    co_await forever.async_wait(asio::redirect_error(asio::use_awaitable, stopped));
    fleet.stop();
    co_return 0;
}

}  // namespace givenergy
