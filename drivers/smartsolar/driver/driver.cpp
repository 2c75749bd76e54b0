#include "smartsolar/driver/driver.hpp"

#include <algorithm>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

namespace smartsolar {
namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

namespace {

// Somewhere between a big boat and a marina: each product found makes settings, and settings stay.
constexpr std::size_t kMaxProducts = 100;

}  // namespace

Driver::Driver(const velib::BusContext& bus)
    : context_(bus),
      registry_(bus),
      client_(bus, {.advertisement = [this](const bluez::DeviceState& device,
                                            wire::Bytes data) { on_advertisement(device, data); }}),
      wake_sessions_(bus.executor) {}

asio::awaitable<void> Driver::run() {
    using namespace asio::experimental::awaitable_operators;
    co_await context_.prepare();
    registry_.start();
    const auto how =
        context_.options.active_scan ? bluez::Client::Listening::active : bluez::Client::Listening::polite;
    co_await (client_.listen(how) && watch_age() && hold_sessions());
}

void Driver::on_advertisement(const bluez::DeviceState& device, wire::Bytes data) {
    if (!advertised_product(data)) {
        return;
    }
    auto found = products_.find(device.address);
    if (found == products_.end()) {
        if (products_.size() >= kMaxProducts) {
            if (!said_full_) {
                said_full_ = true;
                spdlog::warn("more than {} products around: further ones are not looked at", kMaxProducts);
            }
            return;
        }
        auto product = std::make_shared<Product>(context_, registry_, device.address,
                                                 [this] { wake_sessions_.cancel(); });
        found = products_.emplace(device.address, std::move(product)).first;
    }
    found->second->on_advertisement(device, data);
}

asio::awaitable<void> Driver::watch_age() {
    asio::steady_timer timer(context_.bus.executor);
    for (;;) {
        timer.expires_after(std::chrono::seconds(1));
        co_await timer.async_wait(asio::use_awaitable);
        for (const auto& [address, product] : products_) {
            product->tick();
        }
    }
}

std::shared_ptr<Product> Driver::next_product() const {
    std::shared_ptr<Product> first;
    for (const auto& [address, product] : products_) {
        if (client_.find(address) != nullptr && (!first || product->session_due() < first->session_due())) {
            first = product;
        }
    }
    return first;
}

asio::awaitable<void> Driver::hold_sessions() {
    // Products come into range and settings change without further notice: look again at least this often.
    constexpr std::chrono::seconds kLook{5};
    for (;;) {
        const auto product = next_product();
        const auto due = product ? product->session_due() : Clock::time_point::max();
        if (due > Clock::now()) {
            wake_sessions_.expires_at(std::min(due, Clock::now() + kLook));
            boost::system::error_code woken;
            co_await wake_sessions_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
            if ((co_await asio::this_coro::cancellation_state).cancelled() != asio::cancellation_type::none) {
                throw boost::system::system_error(asio::error::operation_aborted);
            }
            continue;
        }
        auto request = product->session_request();
        OnMessage on_message = [product](const VregMessage& message) { return product->on_message(message); };
        const auto result = co_await run_session(client_, std::move(request), std::move(on_message));
        product->on_session_end(result);
    }
}

}  // namespace smartsolar
