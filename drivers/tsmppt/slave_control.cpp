#include "tsmppt/slave_control.hpp"

#include <array>
#include <utility>

#include <spdlog/spdlog.h>

namespace tristar {

namespace {

namespace asio = boost::asio;

/// /Link/NetworkMode: the GX sets the charge voltage, too.
constexpr std::int32_t kExternalControl = 0x04;
/// A driver that was away for longer does not go on with what a user wanted then.
constexpr std::int64_t kLongestAbsence = 600;

}  // namespace

SlaveControl::SlaveControl(Link& link, Logbook& book, const Config& config, double rated_amps,
                           std::string label)
    : link_(link), book_(book), config_(config), rated_amps_(rated_amps), label_(std::move(label)) {}

wire::Expected<OverrideLimits, OverrideFault> SlaveControl::limits(const SetPoints& points) const {
    return override_limits(config_.override_settings, book_.state().system_volts, points, rated_amps_);
}

bool SlaveControl::refuse(OverrideFault fault, double value, std::string_view unit) {
    spdlog::warn("{}: an override of {} {} is refused: {}", label_, value, unit, describe(fault));
    return false;
}

bool SlaveControl::accept() {
    started_ = true;  // a fresh wish is none of the last run, even before the first poll
    book_.save();
    return true;
}

bool SlaveControl::request_volts(double volts, const SetPoints& points) {
    const auto allowed = limits(points);
    if (!allowed && volts > 0) {
        return refuse(allowed.error(), volts, "V");
    }
    if (const auto fault = tristar::request_volts(book_.state().wanted, volts, allowed.value_or({}))) {
        return refuse(*fault, volts, "V");
    }
    return accept();
}

bool SlaveControl::request_amps(double amps, const SetPoints& points) {
    const auto allowed = limits(points);
    if (!allowed && amps > 0) {
        return refuse(allowed.error(), amps, "A");
    }
    if (const auto fault = tristar::request_amps(book_.state().wanted, amps, allowed.value_or({}))) {
        return refuse(*fault, amps, "A");
    }
    return accept();
}

void SlaveControl::set_link_volts(double volts, const Moment& now) {
    wishes_.volts = volts;
    wishes_.volts_at = now.unix_seconds;
    link_fresh_ = true;
}

void SlaveControl::set_link_amps(double amps, const Moment& now) {
    wishes_.amps = amps;
    wishes_.amps_at = now.unix_seconds;
    link_fresh_ = true;
}

bool SlaveControl::take_expired(const Moment& now) {
    const auto old = [&now](std::int64_t at) { return now.unix_seconds - at > kLinkSeconds; };
    return link_fresh_ && old(wishes_.volts_at) && old(wishes_.amps_at) && std::exchange(link_fresh_, false);
}

GxWishes SlaveControl::wishes() const {
    GxWishes wishes;
    if (config_.external_control) {
        wishes = wishes_;
        if ((network_mode_ & kExternalControl) == 0) {
            wishes.volts.reset();
        }
    }
    return wishes;
}

bool SlaveControl::wants_registers() const {
    return !started_ || engaged() || book_.state().wanted.active();
}

bool SlaveControl::in_use() const {
    return engaged() || book_.state().wanted.active() || link_fresh_;
}

void SlaveControl::resume_or_drop(const Moment& now) {
    auto& wanted = book_.state().wanted;
    if (!std::exchange(started_, true) && wanted.active()) {
        if (now.unix_seconds - wanted.last_seconds > kLongestAbsence) {
            spdlog::info("{}: the override of the last run is over", label_);
            stop(wanted, StopReason::none);
        } else {
            spdlog::info("{}: going on with the override of the last run", label_);
        }
    }
}

asio::awaitable<bool> SlaveControl::drive(const Charger& charger, const SetPoints& points,
                                          const Moment& now) {
    resume_or_drop(now);
    auto& wanted = book_.state().wanted;
    if (follow(wanted, config_.override_settings, charger, now)) {
        spdlog::info("{}: the override has ended: {}", label_, describe(wanted.stopped));
        book_.save();
    }
    const auto allowed = limits(points);
    const auto target = allowed ? slave_target(wanted, wishes(), *allowed, now) : std::nullopt;
    const bool left_behind = engaged() && !writes_.written;
    const bool is_new = writes_.written != target;
    switch (slave_action(writes_, target, charger, left_behind, now)) {
        case SlaveAction::none:
            co_return false;
        case SlaveAction::release:
            co_return co_await release();
        case SlaveAction::write:
            break;
    }
    const bool written = co_await write(*target, *charger.volts_per_unit, allowed->highest_volts, now);
    co_return written&& is_new;
}

asio::awaitable<bool> SlaveControl::write(const SlaveTarget& target, double volts_per_unit,
                                          double highest_volts, const Moment& now) {
    // The note comes first: a driver killed between the two must know that there is something to release.
    if (!engaged()) {
        book_.state().overriding = true;
        book_.save();
    }
    const auto volts = write_slave_volts(link_.unit(), target.volts, volts_per_unit, highest_volts);
    const auto amps = write_slave_amps(link_.unit(), target.amps);
    if (!volts || !amps) {
        spdlog::error("{}: {} V and {} A cannot be written: {}", label_, target.volts, target.amps,
                      describe(volts ? amps.error() : volts.error()));
        stop(book_.state().wanted, StopReason::refused);
        co_return false;
    }
    const std::array requests{*volts, *amps};
    for (const auto& request : requests) {
        const auto written = co_await link_.write(request);
        if (!written) {
            spdlog::warn("{}: the override was not written: {}", label_, written.error().text());
            if (written.error().refused()) {
                stop(book_.state().wanted, StopReason::refused);
                book_.save();
            }
            co_return false;
        }
    }
    if (writes_.written != target) {
        spdlog::info("{}: overriding with {:.2f} V, {:.1f} A", label_, target.volts, target.amps);
    }
    writes_ = {target, now.unix_seconds};
    co_return true;
}

asio::awaitable<bool> SlaveControl::release() {
    static constexpr std::array kRegisters{kSlaveVoltsRegister, kSlaveAmpsRegister};
    for (const auto address : kRegisters) {
        const auto written = co_await link_.write(release_slave_register(link_.unit(), address));
        if (!written) {
            spdlog::warn("{}: the override was not released: {}", label_, written.error().text());
            if (!written.error().refused()) {
                co_return false;
            }
        }
    }
    spdlog::info("{}: the override is released", label_);
    writes_ = {};
    book_.state().overriding = false;
    book_.save();
    co_return true;
}

OverrideStatus SlaveControl::status(const Charger& charger) const {
    const auto& wanted = book_.state().wanted;
    OverrideStatus status;
    if (writes_.written) {
        status.volts = wanted.volts.value_or(0);
        status.amps = wanted.amps.value_or(0);
    }
    status.register_volts = charger.slave_volts;
    status.register_amps = charger.slave_amps;
    status.at_target_seconds = wanted.at_target_seconds;
    status.tail_seconds = wanted.tail_seconds;
    status.excess_watts = excess_watts(charger);
    status.stop_reason = describe(wanted.stopped);
    return status;
}

}  // namespace tristar
