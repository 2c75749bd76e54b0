#include "gxmodbus/service/gx_host.hpp"

#include "common/state_file.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace gxmodbus {
namespace asio = boost::asio;

namespace {

constexpr auto kSaveDelay = std::chrono::seconds(10);

bool same_connection(const HostSettings& a, const HostSettings& b) {
    return a.enabled == b.enabled && a.remote.host == b.remote.host && a.remote.port == b.remote.port
           && a.remote.units == b.remote.units;
}

}  // namespace

GxHost::GxHost(BridgeContext& context, int slot)
    : context_(context),
      slot_(slot),
      status_(context.bus, slot,
              [this](StatusService::ScanRequest request) {
                  if (!remote_) {
                      return;
                  }
                  if (request == StatusService::ScanRequest::stop) {
                      remote_->stop_scan();
                  } else {
                      remote_->start_scan(request == StatusService::ScanRequest::full
                                              ? Remote::Depth::full
                                              : Remote::Depth::likely);
                  }
              }),
      save_timer_(context.bus.executor) {}

GxHost::~GxHost() {
    stop_remote();
}

std::string GxHost::address() const {
    return fmt::format("{}:{}", settings_.remote.host, settings_.remote.port);
}

void GxHost::apply() {
    HostSettings fresh = read_settings(context_.settings, slot_);
    const bool reconnect = !remote_ || !same_connection(fresh, settings_);
    const bool refit =
        !reconnect
        && (fresh.type_modes != settings_.type_modes || fresh.pair_modes != settings_.pair_modes
            || fresh.same_system != settings_.same_system || fresh.alarms != settings_.alarms);
    if (reconnect) {
        stop_remote();
    }
    if (fresh.write != settings_.write) {
        spdlog::info("{}/Write is {}", settings_root(slot_), static_cast<int>(fresh.write));
    }
    settings_ = std::move(fresh);
    if (reconnect) {
        start_remote();
        return;
    }
    remote_->set_pace(settings_.remote);
    if (refit) {
        refit_devices();
    }
}

void GxHost::start_remote() {
    if (!used() || !settings_.enabled) {
        status_.idle();
        if (slot_ == 0 || used()) {
            status_.start("Modbus TCP");
        } else {
            status_.stop();
        }
        return;
    }
    status_.start("Modbus TCP " + address());
    remote_ =
        std::make_shared<Remote>(context_.bus.executor, settings_.remote, static_cast<RemoteEvents&>(*this));
    asio::co_spawn(context_.bus.executor, remote_->run(), asio::detached);
}

void GxHost::stop_remote() {
    if (remote_) {
        save();
        remote_->stop();
    }
    leave_gx();
    remote_.reset();
}

// The devices of the GX that was mirrored leave the bus, and another host may mirror it.
void GxHost::leave_gx() {
    for (const auto& [pair, device] : devices_) {
        device->close();
    }
    devices_.clear();
    if (const auto mine = context_.taken.find(serial_);
        mine != context_.taken.end() && mine->second == slot_) {
        context_.taken.erase(mine);
    }
    serial_.clear();
}

void GxHost::check_own() {
    if (remote_ && !serial_.empty() && serial_ == context_.local_serial) {
        stop_remote();
        start_remote();  // finds out, and says so
    }
}

// Devices whose mode has changed come back under their new name.
void GxHost::refit_devices() {
    std::erase_if(devices_, [&](const auto& entry) {
        const Origin& origin = entry.second->origin();
        if (origin.mode == settings_.mode_of(entry.first) && origin.alarms == settings_.alarms) {
            return false;
        }
        entry.second->close();
        return true;
    });
    remote_->reconsider();
}

// Events of the connection

std::filesystem::path GxHost::memory_path(const std::string& serial) const {
    return context_.state_directory / (serial + ".json");
}

std::optional<Memory> GxHost::recall(const std::string& serial) {
    return common::StateFile(memory_path(serial)).load(parse_memory);
}

bool GxHost::identified(const Identity& identity) {
    status_.show(identity);
    if (!serial_.empty() && serial_ != identity.serial) {
        status_.error(
            fmt::format("{} is another GX now: {} instead of {}", address(), identity.serial, serial_));
        save();
        leave_gx();
    }
    if (identity.serial == context_.local_serial) {
        status_.error(address() + " is this GX itself: nothing of it is mirrored");
        return false;
    }
    const auto [owner, free] = context_.taken.try_emplace(identity.serial, slot_);
    if (!free && owner->second != slot_) {
        status_.error(fmt::format("{} is the GX that the bridge mirrors as number {} already", address(),
                                  owner->second));
        return false;
    }
    serial_ = identity.serial;
    return true;
}

bool GxHost::wanted(const Pair& pair) {
    return settings_.mode_of(pair) != Mode::off;
}

MirroredDevice& GxHost::device_of(const Pair& pair) {
    auto& device = devices_[pair];
    if (!device) {
        const Memory& memory = remote_->memory();
        const auto seen = memory.pairs.find(pair);
        const Identity& who = memory.identity;
        Origin origin{who.serial,
                      who.firmware(),
                      address(),
                      who.name.empty() ? settings_.remote.host : who.name,
                      pair,
                      settings_.mode_of(pair),
                      settings_.alarms};
        device = std::make_shared<MirroredDevice>(
            context_.bus, context_.settings, std::move(origin),
            seen == memory.pairs.end() ? "" : seen->second,
            [this, pair](const Register& row, const Value& value) { return write(pair, row, value); });
    }
    return *device;
}

void GxHost::read(const Pair& pair, const Block& block, Words words, ServerVersion version) {
    if (!wanted(pair)) {
        return;
    }
    MirroredDevice& device = device_of(pair);
    device.take(block, words, version);
    if (device.mirror().take_seen_changed()) {
        remote_->remember(pair, device.mirror().seen());
    }
}

void GxHost::stale(const Pair& pair, const Block& block) {
    if (const auto device = devices_.find(pair); device != devices_.end()) {
        device->second->forget(block);
    }
}

void GxHost::gone(const Pair& pair) {
    if (const auto device = devices_.find(pair); device != devices_.end()) {
        device->second->offline(settings_.drop_after);
    }
}

void GxHost::link_down() {
    spdlog::warn("{}: no answer, nothing is known of its devices", address());
    for (const auto& [pair, device] : devices_) {
        device->offline(settings_.drop_after);
    }
}

void GxHost::status_changed(const RemoteStatus& status) {
    status_.show(status);
}

// Flash memory wears: what is learned within some seconds is stored at once.
void GxHost::learned() {
    if (std::exchange(save_pending_, true)) {
        return;
    }
    save_timer_.expires_after(kSaveDelay);
    save_timer_.async_wait([this](const boost::system::error_code& cancelled) {
        if (!cancelled) {
            save();
        }
    });
}

void GxHost::save() {
    if (!std::exchange(save_pending_, false) || remote_->memory().identity.serial.empty()) {
        return;
    }
    save_timer_.cancel();
    const Memory& memory = remote_->memory();
    if (const auto fault = common::StateFile(memory_path(memory.identity.serial)).save(to_json(memory))) {
        spdlog::warn("{}: {}", memory_path(memory.identity.serial).string(), fault.message());
    }
}

// A client's write, if it is allowed: once to the remote, then looked at.
bool GxHost::write(const Pair& pair, const Register& row, const Value& value) {
    const std::string what = fmt::format("{}{} = {}", to_text(pair), row.path, text_of(row, value));
    if (!write_allowed(row, settings_.write)) {
        status_.error(fmt::format("{}: not allowed ({}/Write is {})", what, settings_root(slot_),
                                  static_cast<int>(settings_.write)));
        return false;
    }
    auto words = encode(row, value);
    if (!words) {
        status_.error(fmt::format("{}: {}", what, describe(words.error())));
        return false;
    }
    const auto served = served_row(row, remote_->version(pair.type));
    if (!served) {
        status_.error(fmt::format("{}: the remote GX's server is too old", what));
        return false;
    }
    remote_->write(pair, *served, std::move(*words), [this, pair, &row, what](WriteOutcome outcome) {
        if (outcome == WriteOutcome::taken) {
            spdlog::info("{}: {}", address(), what);
            return;
        }
        status_.error(fmt::format("{}: {}", what, describe(outcome)));
        if (const auto device = devices_.find(pair);
            outcome == WriteOutcome::no_path && device != devices_.end()) {
            device->second->absent(row.path);
        }
    });
    return true;
}

}  // namespace gxmodbus
