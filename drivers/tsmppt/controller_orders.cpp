// What clients ask of a controller, one thing after the other, between two readings.

#include "tsmppt/controller.hpp"

#include <utility>

#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

namespace tristar {

namespace asio = boost::asio;

void Controller::order(Job job) {
    jobs_.push_back(std::move(job));
    hurry();
}

asio::awaitable<void> Controller::do_jobs() {
    while (!jobs_.empty()) {
        const auto job = std::move(jobs_.front());
        jobs_.pop_front();
        co_await job();
    }
}

asio::awaitable<void> Controller::write_coil_now(Coil coil, bool on) {
    const auto written = co_await link_.write(write_coil(link_.unit(), coil, on));
    const bool drops = coil == Coil::reset_network;
    if (!written && (written.error().refused() || !drops)) {
        spdlog::warn("{}: coil {} was not written: {}{}", label_, static_cast<int>(coil),
                     written.error().text(), written.error().refused() ? " (is DIP switch 8 ON?)" : "");
    } else {
        spdlog::info("{}: coil {} is {}", label_, static_cast<int>(coil), on ? "on" : "off");
    }
    coils_read_ = {};
}

asio::awaitable<void> Controller::restart_now() {
    co_await poll();  // a last look at the registers that the restart clears
    book_->save();
    spdlog::info("{}: restarting the control processor", label_);
    const bool restarting = co_await restart_controller(link_);
    if (!restarting) {
        spdlog::warn("{}: the restart was refused (is DIP switch 8 ON?)", label_);
        co_return;
    }
    const bool back = co_await wait_for_restart(link_);
    if (!back) {
        spdlog::warn("{}: the controller has not come back after its restart", label_);
    }
    coils_read_ = {};
    points_read_ = {};
}

asio::awaitable<void> Controller::apply_now(std::string name) {
    const auto points = co_await profiles_->apply(std::move(name), charger_);
    if (points) {
        points_ = *points;
    }
    coils_read_ = {};
}

bool Controller::may_write(std::string_view what) const {
    if (!connected_) {
        spdlog::warn("{}: {} is refused: there is no contact", label_, what);
        return false;
    }
    if (charger_.dip_switches && !has(*charger_.dip_switches, DipBit::remote_writes)) {
        spdlog::warn("{}: {} is refused: DIP switch 8 of the controller is OFF", label_, what);
        return false;
    }
    if (profiles_->running()) {
        spdlog::warn("{}: {} is refused while a charge profile is being written", label_, what);
        return false;
    }
    return true;
}

bool Controller::set_coil(Coil coil, bool on) {
    if (!may_write("switching")) {
        return false;
    }
    order([this, coil, on] { return write_coil_now(coil, on); });
    return true;
}

bool Controller::trigger(Coil coil) {
    if (!may_write("the command")) {
        return false;
    }
    if (coil == Coil::reset_control) {
        order([this] { return restart_now(); });
    } else {
        order([this, coil] { return write_coil_now(coil, true); });
    }
    return true;
}

bool Controller::override_volts(double volts) {
    const bool accepted = may_write("a voltage override") && slave_->request_volts(volts, points_);
    hurry();
    return accepted;
}

bool Controller::override_amps(double amps) {
    const bool accepted = may_write("a current override") && slave_->request_amps(amps, points_);
    hurry();
    return accepted;
}

bool Controller::apply_profile(const std::string& name) {
    if (!may_write("a charge profile")) {
        return false;
    }
    const auto known = profiles_->find(name);
    if (known.empty()) {
        spdlog::warn("{}: there is no charge profile \"{}\"", label_, name);
        return false;
    }
    order([this, known] { return apply_now(known); });
    return true;
}

void Controller::link_network_mode(std::int32_t mode) {
    slave_->set_network_mode(mode);
}

void Controller::link_volts(double volts) {
    begin_link();
    slave_->set_link_volts(volts, around_.clock.now());
}

void Controller::link_amps(double amps) {
    begin_link();
    slave_->set_link_amps(amps, around_.clock.now());
}

/// The next reading may be as far away as the set points of the GX are valid.
void Controller::begin_link() {
    if (!slave_->in_use()) {
        hurry();
    }
}

void Controller::profiles_changed() {
    if (profiles_) {
        profiles_->add_settings();
    }
}

}  // namespace tristar
