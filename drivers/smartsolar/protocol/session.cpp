#include "smartsolar/protocol/session.hpp"

#include "smartsolar/protocol/registers.hpp"

#include <algorithm>
#include <array>

namespace smartsolar {

namespace {

// Flow control: the product may send this many fragments until it is granted more.
constexpr std::array<std::uint8_t, 3> kReset{0xFA, 0x80, 0xFF};
constexpr std::array<std::uint8_t, 2> kFirstCredits{0xF9, 0x80};
constexpr std::array<std::uint8_t, 2> kMoreCredits{0xF9, 0x41};
constexpr unsigned kCreditsAtOnce = 0x41;

constexpr auto kIdentityRegisters = std::to_array<std::uint16_t>(
    {vreg::kProductId, vreg::kFirmware, vreg::kSerial, vreg::kModel, vreg::kCustomName});

constexpr auto kChargerRegisters = std::to_array<std::uint16_t>({vreg::kDeviceMode,
                                                                 vreg::kDeviceState,
                                                                 0x0207,
                                                                 0xED8D,
                                                                 0xED8F,
                                                                 0xEDEC,
                                                                 0xEDA8,
                                                                 0xEDA9,
                                                                 0xEDAD,
                                                                 0xEDB3,
                                                                 0xEDBB,
                                                                 0xEDBC,
                                                                 0xEDBD,
                                                                 0xEDD0,
                                                                 0xEDD1,
                                                                 0xEDD2,
                                                                 0xEDD3,
                                                                 0xEDDA,
                                                                 0xEDDC,
                                                                 0xEDDD});

constexpr auto kMonitorRegisters = std::to_array<std::uint16_t>(
    {0x0300, 0x0301, 0x0302, 0x0303, 0x0304, 0x0305, 0x0306, 0x0307, 0x0308, 0x0309,
     0x030A, 0x030B, 0x030C, 0x030D, 0x030E, 0x030F, 0x0310, 0x0311, 0x031E, 0x034E,
     0x0382, 0x0383, 0x0FFE, 0x0FFF, 0xED7D, 0xED8C, 0xED8D, 0xED8E, 0xEDEC, 0xEEFF});

constexpr auto kCommonRegisters = std::to_array<std::uint16_t>(
    {vreg::kDeviceMode, vreg::kDeviceState, 0x0207, 0x2200, 0x2201, 0x2204, 0x2205, 0xED8D, 0xED8F, 0xEDDA});

constexpr auto kQueryRegisters =
    std::to_array<std::uint16_t>({vreg::kFirmware, 0xEDEC, 0x2211, 0xEDA8, 0xED8D, 0xED8F, 0x2212, 0xEDA9,
                                  0xEDAC, 0xEDAD, 0xEDBB, 0xEDBC, 0xEC5A, vreg::kDeviceMode});

template <std::size_t count>
void append(std::vector<RegisterAddress>& addresses, std::uint32_t instance,
            const std::array<std::uint16_t, count>& numbers) {
    for (const auto number : numbers) {
        addresses.push_back({instance, number});
    }
}

}  // namespace

Session::Session(SessionPlan plan, Milliseconds now) : plan_(std::move(plan)) {
    if (plan_.write && !write_allowed(plan_.write->address.vreg, plan_.write->value)) {
        plan_.write.reset();
    }
    open(now);
}

void Session::open(Milliseconds now) {
    queue_control(kReset);
    queue_control(kFirstCredits);
    wire::Buffer message;
    put_open(message);
    queue(message);

    message.clear();
    put_keep_alive(message, now);
    for (const auto instance : plan_.subscribe) {
        put_subscribe(message, instance);
    }
    queue(message);

    if (plan_.write) {
        message.clear();
        put_set(message, plan_.write->address.instance, plan_.write->address.vreg,
                wire::Bytes(&plan_.write->value, 1));
        queue(message);
        to_ask_.push_back(plan_.write->address);
    }
    read(plan_.reads);
}

// The product cuts the link by itself when this is not renewed in time.
void Session::put_keep_alive(wire::Buffer& message, Milliseconds now) {
    wire::Buffer period;
    wire::put_le16(period,
                   static_cast<unsigned>(std::clamp<std::int64_t>(plan_.keep_alive.count(), 1, 65'535)));
    put_set(message, 0, vreg::kKeepAlive, period);
    keep_alive_due_ = now + plan_.keep_alive / 2;
}

void Session::queue(wire::Bytes message) {
    for (auto& piece : fragment(message, plan_.fragment_size)) {
        to_write_.push_back(std::move(piece));
    }
}

void Session::queue_control(wire::Bytes bytes) {
    to_write_.push_back({Characteristic::control, {bytes.begin(), bytes.end()}});
}

void Session::read(const std::vector<RegisterAddress>& addresses) {
    to_ask_.insert(to_ask_.end(), addresses.begin(), addresses.end());
}

void Session::give_up_or_repeat() {
    if (to_repeat_ > 0) {
        unanswered_.insert(unanswered_.end(), asked_.begin(), asked_.end());
    } else {
        to_ask_.insert(to_ask_.begin(), asked_.begin(), asked_.end());
    }
    to_repeat_ = to_repeat_ == 0 ? asked_.size() : 0;
    asked_.clear();
}

void Session::request_next(Milliseconds now) {
    wire::Buffer message;
    std::vector<std::uint16_t> numbers;
    const std::uint32_t instance = to_ask_.front().instance;
    const std::size_t most = to_repeat_ > 0 ? to_repeat_ : plan_.registers_per_request;
    while (!to_ask_.empty() && to_ask_.front().instance == instance && numbers.size() < most) {
        asked_.push_back(to_ask_.front());
        numbers.push_back(to_ask_.front().vreg);
        to_ask_.pop_front();
    }
    put_get(message, instance, numbers);
    queue(message);
    answers_due_ = now + plan_.answer_limit;
}

std::optional<Fragment> Session::next_write(Milliseconds now) {
    // A message on several fragments is never cut into by another one.
    if (to_write_.empty()) {
        if (notifications_since_credit_ >= kCreditsAtOnce) {
            queue_control(kMoreCredits);
            notifications_since_credit_ -= kCreditsAtOnce;
        } else if (now >= keep_alive_due_) {
            wire::Buffer message;
            put_keep_alive(message, now);
            queue(message);
        } else {
            if (!asked_.empty() && now >= answers_due_) {
                give_up_or_repeat();
            }
            if (asked_.empty() && !to_ask_.empty()) {
                request_next(now);
            }
        }
    }
    if (to_write_.empty()) {
        return std::nullopt;
    }
    Fragment next = std::move(to_write_.front());
    to_write_.pop_front();
    return next;
}

void Session::on_notification(Characteristic from, wire::Bytes bytes, Milliseconds now,
                              std::vector<VregMessage>& out) {
    if (from == Characteristic::control) {
        return;
    }
    ++notifications_since_credit_;
    const std::size_t before = out.size();
    stream_.feed(from, bytes, out);
    bool progress = false;
    for (std::size_t i = before; i < out.size(); ++i) {
        progress = std::erase(asked_, RegisterAddress{out[i].instance, out[i].vreg}) > 0 || progress;
    }
    if (progress) {
        answers_due_ = now + plan_.answer_limit;
        to_repeat_ = asked_.empty() ? 0 : to_repeat_;
    }
}

bool Session::finished() const {
    return to_write_.empty() && to_ask_.empty() && asked_.empty();
}

Session::Milliseconds Session::next_due() const {
    return asked_.empty() ? keep_alive_due_ : std::min(answers_due_, keep_alive_due_);
}

std::vector<RegisterAddress> charger_registers(std::uint32_t instance, bool with_history) {
    std::vector<RegisterAddress> addresses;
    append(addresses, instance, kIdentityRegisters);
    append(addresses, instance, kChargerRegisters);
    if (with_history) {
        for (std::uint16_t number = vreg::kHistoryToday; number <= vreg::kHistoryLast; ++number) {
            addresses.push_back({instance, number});
        }
    }
    return addresses;
}

std::vector<RegisterAddress> monitor_registers(std::uint32_t instance) {
    std::vector<RegisterAddress> addresses;
    append(addresses, instance, kIdentityRegisters);
    append(addresses, instance, kMonitorRegisters);
    return addresses;
}

std::vector<RegisterAddress> common_registers(std::uint32_t instance) {
    std::vector<RegisterAddress> addresses;
    append(addresses, instance, kIdentityRegisters);
    append(addresses, instance, kCommonRegisters);
    return addresses;
}

std::vector<RegisterAddress> query_registers(std::uint32_t instance) {
    std::vector<RegisterAddress> addresses{{0, vreg::kMacAddress}};
    append(addresses, instance, kQueryRegisters);
    addresses.push_back({0, vreg::kIdentify});
    return addresses;
}

}  // namespace smartsolar
