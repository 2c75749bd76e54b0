// Product's part in sessions: what to ask, what to do with the answers, when to try again.

#include "smartsolar/driver/product.hpp"
#include "smartsolar/protocol/products.hpp"
#include "smartsolar/protocol/registers.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include <spdlog/spdlog.h>

namespace smartsolar {

namespace {

constexpr std::chrono::seconds kFirstRetry{10};
constexpr std::chrono::minutes kLastRetry{10};
constexpr std::chrono::hours kAfterRefusal{1};  // products lock after wrong PINs
constexpr unsigned kWriteAttempts = 3;

std::uint32_t main_instance(std::uint16_t product) {
    return is_orion_smart(product) ? 0 : 3;
}

}  // namespace

Product::Clock::time_point Product::session_due() const {
    if (!with_sessions() || !product_id_) {
        return Clock::time_point::max();
    }
    return wanted_mode_ && !session_refused_ && session_failures_ == 0 ? Clock::time_point{} : session_due_;
}

SessionRequest Product::session_request() const {
    SessionRequest request;
    request.address = address_;
    const auto pin = context_.settings.text(setting("Pin"));
    std::from_chars(pin.data(), pin.data() + pin.size(), request.passkey);
    request.limit = context_.options.session_limit;
    const auto product = product_id_.value_or(0);
    const auto instance = main_instance(product);
    auto& plan = request.plan;
    if (wanted_mode_) {
        plan.write = RegisterWrite{{instance, vreg::kDeviceMode}, *wanted_mode_};
    }
    plan.reads = is_solar_charger(product)     ? charger_registers(instance, true)
                 : is_battery_monitor(product) ? monitor_registers(instance)
                                               : common_registers(instance);
    if (key_check_) {
        plan.reads.push_back({0, vreg::kAdvertisementKey});
    }
    return request;
}

bool Product::on_message(const VregMessage& message) {
    if (message.kind != VregMessage::Kind::value) {
        return true;
    }
    if (readable_) {
        // The product does not advertise while we are connected: what it says here takes the place of that.
        heard_ = Clock::now();
        apply_register(view_.live, message.vreg, message.data);
    }
    if (message.vreg == vreg::kAdvertisementKey) {
        offered_key_ = message.data;
    } else if (message.vreg >= vreg::kHistoryToday && message.vreg <= vreg::kHistoryLast) {
        history_[message.vreg - vreg::kHistoryToday] = decode_history_day(message.data);
    } else if (!apply_register(identity_, message.vreg, message.data)) {
        apply_register(view_.polled, message.vreg, message.data);
    }
    return true;
}

void Product::on_session_end(const SessionResult& result) {
    const auto now = Clock::now();
    if (result.fault) {
        session_refused_ = result.fault->kind == bluez::LinkFault::Kind::refused;
        const auto pause = session_refused_
                               ? std::chrono::seconds(kAfterRefusal)
                               : std::min<std::chrono::seconds>(
                                   kFirstRetry * (1U << std::min(session_failures_, 6U)), kLastRetry);
        session_due_ = now + pause;
        if (session_failures_++ == 0) {
            spdlog::warn("{} ({}): session failed: {}; again in {} s", address_, registered_.name,
                         result.fault->text, pause.count());
        }
        if (wanted_mode_ && (session_refused_ || session_failures_ >= kWriteAttempts)) {
            spdlog::error("{} ({}): mode {} could not be set", address_, registered_.name, *wanted_mode_);
            wanted_mode_.reset();
        }
        return;
    }
    if (session_failures_ > 0) {
        spdlog::info("{} ({}): sessions work again", address_, registered_.name);
    }
    session_failures_ = 0;
    session_refused_ = false;
    session_due_ = now + context_.options.session_interval;
    ++sessions_;
    polled_at_ = now;
    spdlog::debug("{}: session done, {} registers unanswered, {} bytes dropped", address_, result.unanswered,
                  result.dropped);
    check_read_back();
    offer_key();
    const auto stored = std::ranges::find_if_not(history_, [](const auto& day) { return day.has_value(); })
                        - history_.begin();
    view_.days_available = stored > 0 ? std::optional<std::int64_t>(stored) : std::nullopt;
    if (!readable_) {
        // No advertisement can be read: the session's values stand in for them.
        if (const auto* kind = service_for_product(product_id_.value_or(0))) {
            view_.live = view_.polled;
            view_.connection_information.clear();
            heard_ = now;
            show(kind);
        }
    }
    if (service_.ready && service_.polled && !service_.invalid) {
        publish_session();
    }
}

void Product::check_read_back() {
    if (!wanted_mode_) {
        return;
    }
    if (view_.polled.device_mode != *wanted_mode_) {
        spdlog::error("{} ({}): mode {} was not taken, it is {}", address_, registered_.name, *wanted_mode_,
                      view_.polled.device_mode ? std::to_string(*view_.polled.device_mode) : "unknown");
    }
    wanted_mode_.reset();
}

// A register that may hold the key is believed only if it agrees with what the product advertises.
void Product::offer_key() {
    const auto offered = std::exchange(offered_key_, {});
    if (readable_ || !key_check_ || offered.size() != Key{}.size() || offered[0] != *key_check_) {
        return;
    }
    spdlog::info("{} ({}): took the key from the product", address_, registered_.name);
    write_key(wire::to_hex(offered));
}

}  // namespace smartsolar
