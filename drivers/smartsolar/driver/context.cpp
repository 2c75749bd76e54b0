#include "smartsolar/driver/context.hpp"

#include <spdlog/spdlog.h>

namespace smartsolar {
namespace asio = boost::asio;

namespace {

constexpr const char* kStale = "/Settings/SmartSolar/StaleSeconds";
constexpr const char* kInterval = "/Settings/SmartSolar/SessionInterval";
constexpr const char* kLimit = "/Settings/SmartSolar/SessionSeconds";
constexpr const char* kVebus = "/Settings/SmartSolar/PublishVebus";
constexpr const char* kActive = "/Settings/SmartSolar/ActiveScan";

}  // namespace

asio::awaitable<void> Context::prepare() {
    std::vector<velib::SettingSpec> specs{{kStale, 30, 10, 600},
                                          {kInterval, 10, 1, 1440},
                                          {kLimit, 20, 5, 50},
                                          {kVebus, 0, 0, 1},
                                          {kActive, 0, 0, 1}};
    co_await settings.add(std::move(specs));
    read_options();
    subscription_ = settings.subscribe("/Settings/SmartSolar/",
                                       [this](std::string_view, const velib::Value&) { read_options(); });
}

void Context::read_options() {
    options.stale_after = std::chrono::seconds(settings.integer(kStale));
    options.session_interval = std::chrono::minutes(settings.integer(kInterval));
    options.session_limit = std::chrono::seconds(settings.integer(kLimit));
    options.publish_vebus = settings.integer(kVebus) != 0;
    options.active_scan = settings.integer(kActive) != 0;
}

}  // namespace smartsolar
