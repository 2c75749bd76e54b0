#include "serialbattery/driver/bank_service.hpp"

#include "serialbattery/driver/battery_settings.hpp"
#include "serialbattery/driver/neighbours.hpp"
#include "serialbattery/driver/stored.hpp"
#include "serialbattery/driver/unit.hpp"
#include "velib/app.hpp"

#include <algorithm>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

namespace bms {
namespace asio = boost::asio;
namespace {

constexpr auto kInterval = 1s;
const std::string kId = "serialbattery_bank";
const std::string kRoot = "/Settings/Devices/" + kId + "/";
const std::string kMembers = kRoot + "Members";

}  // namespace

BankService::BankService(Host& host) : host_(host), timer_(host.bus.executor) {}

bool BankService::wanted() const {
    const bool several = host_.units.size() > 1 || (host_.bank_expected && !host_.units.empty());
    return several && host_.units.front()->settings().bank;
}

void BankService::note_poll() {
    if (!device_ && wanted()) {
        timer_.cancel();
    }
}

asio::awaitable<void> BankService::run() {
    for (;;) {
        if (!device_ && wanted()) {
            co_await begin();
        }
        if (device_) {
            step();
            if (Clock::now() - saved_ > kLookToSave) {
                co_await save(false);
            }
            timer_.expires_after(kInterval);
        } else {
            timer_.expires_at(TimePoint::max());
        }
        boost::system::error_code woken;
        co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
        const auto cancellation = co_await asio::this_coro::cancellation_state;
        if (cancellation.cancelled() != asio::cancellation_type::none) {
            throw boost::system::system_error(asio::error::operation_aborted);
        }
    }
}

asio::awaitable<void> BankService::begin() {
    std::vector<velib::SettingSpec> specs;
    for (const auto& stored : control::stored_values({})) {
        specs.push_back({.path = kRoot + std::string(stored.name), .default_value = to_bus(stored)});
    }
    specs.push_back({.path = kMembers, .default_value = ""});
    co_await host_.settings.add(std::move(specs));
    velib::Identity identity{.device_class = "battery",
                             .id = kId,
                             .preferred_instance = 1,
                             .process_name = kProcessName,
                             .process_version = velib::suite_version(),
                             .connection = "All batteries of this driver",
                             .product_id = kProductId,
                             .product_name = "Battery bank",
                             .firmware_version = velib::suite_version(),
                             .hardware_version = {},
                             .serial = kId};
    auto device = std::make_unique<velib::Device>(
        host_.bus, host_.settings, "com.victronenergy.battery.serialbattery_bank", std::move(identity));
    co_await device->prepare();
    std::vector<control::StoredValue> found;
    for (auto stored : control::stored_values({})) {
        const auto value = host_.settings.value(kRoot + std::string(stored.name));
        if (const auto* text = value.text()) {
            stored.value = *text;
        } else if (const auto whole = value.integer();
                   whole && !std::holds_alternative<double>(stored.value)) {
            stored.value = *whole;
        } else {
            stored.value = value.real().value_or(-1);
        }
        found.push_back(std::move(stored));
    }
    written_ = control::from_stored(found);
    written_members_ = host_.settings.text(kMembers);
    const auto now = clocks(Clock::now());
    control::restore(state_, written_, now);
    control::read_members(state_, written_members_, now);

    device_ = std::move(device);
    auto& tree = device_->items();
    table_ = std::make_unique<velib::Publication<publication::View>>(tree, publication::rows());
    limits_ = std::make_unique<publication::LimitItems>(tree);
    add_modules();
    tree.add("/Redetect",
             {.type = velib::Type::integer,
              .on_write =
                  [this](const velib::Value& value) {
                      // Members that are not there are given up.
                      if (value.integer().value_or(0) != 0) {
                          std::vector<std::string> missing;
                          for (const auto& member : state_.members) {
                              if (!member.live) {
                                  missing.push_back(member.id);
                              }
                          }
                          for (const auto& id : missing) {
                              control::forget_member(state_, id);
                          }
                      }
                      return velib::WriteReply::pending;
                  },
              .min = 0,
              .max = 1},
             0);
    {
        velib::Update update(tree);
        device_->set_connected(update, true);
    }
}

/// On the bus as long as somebody vouches for the limits (without a BMS the system stops charging) and the user
/// wants a bank. Else the members speak for themselves.
void BankService::take_part() {
    const bool there = enabled_ && !out_.values.gone;
    if (there && !device_->published()) {
        device_->publish();
        spdlog::info("{} batteries as one: {}, instance {}", host_.units.size(), device_->service().name(),
                     device_->instance());
    } else if (!there && device_->published()) {
        spdlog::warn("{} leaves the bus: {}", device_->service().name(),
                     enabled_ ? "no battery of the bank is left" : "no bank is wanted");
        device_->withdraw();
    }
    if (host_.limits_on_members == enabled_) {
        host_.limits_on_members = !enabled_;
        for (auto* unit : host_.units) {
            unit->show_limits(!enabled_);
        }
    }
}

/// The bank controls the system unless all its batteries leave that to somebody else.
void BankService::show_limits() {
    const bool monitors = !host_.units.empty() && std::ranges::all_of(host_.units, [](const Unit* unit) {
        return unit->settings().monitor_only;
    });
    if (limits_->shown() == monitors) {
        device_->withdraw();
        limits_->show(!monitors);
    }
}

void BankService::farewell() {
    if (!device_ || !device_->published() || !settings_.bms_cable_alarm) {
        return;
    }
    velib::Update update(device_->items());
    update.set("/Alarms/BmsCable", 2);
}

control::Settings BankService::settings() const {
    std::vector<const control::Settings*> all;
    for (const auto* unit : host_.units) {
        all.push_back(&unit->settings());
    }
    return all.empty() ? settings_ : control::bank_settings(all);
}

void BankService::step() {
    const auto now = clocks(Clock::now()).monotonic;
    settings_ = settings();
    enabled_ = host_.units.empty() ? enabled_ : settings_.bank;
    control::Surroundings around;
    host_.neighbours.fill(around, settings_);
    std::string config_error;
    std::vector<control::BankMember> members;
    for (const auto* unit : host_.units) {
        if (unit->gone()) {
            continue;
        }
        config_error = config_error.empty() ? unit->config_error() : config_error;
        members.push_back({.id = unit->id(),
                           .name = unit->name(),
                           .settings = &unit->settings(),
                           .cell_count = unit->pack().cell_count,
                           .reading = unit->reading(),
                           .out = &unit->state().out,
                           .last_good = unit->state().last_good,
                           .interval = unit->interval(),
                           .soh_percent = unit->battery().soh_pct,
                           .resistance_ohm = std::nullopt,
                           .bus = unit->port(),
                           .limits_are_sums = unit->battery().limits_are_sums});
    }
    around.configuration_faulty = !config_error.empty();
    const bool series = settings_.bank_in_series;
    out_ = series ? control::poll_series(state_, settings_, members, around, now)
                  : control::poll_bank(state_, settings_, members, around, now);
    const publication::View view{.battery = nobody_,
                                 .out = out_.values,
                                 .settings = settings_,
                                 .modules = {.batteries = out_.batteries,
                                             .parallel = series ? 1 : out_.batteries,
                                             .series = series ? out_.batteries : 1,
                                             .online = out_.online,
                                             .offline = out_.offline,
                                             .blocking_charge = out_.blocking_charge,
                                             .blocking_discharge = out_.blocking_discharge},
                                 .cells = out_.cells_per_battery,
                                 .soh_percent = out_.soh_percent,
                                 .balancing = out_.balancing,
                                 .heating = out_.heating,
                                 .min_cell_id = out_.min_cell_id,
                                 .max_cell_id = out_.max_cell_id,
                                 .min_temperature_id = out_.min_temperature_id,
                                 .max_temperature_id = out_.max_temperature_id,
                                 .config_error = config_error};
    show_limits();
    {
        velib::Update update(device_->items());
        table_->publish(update, view);
        limits_->publish(update, view);
        show_members(update);
    }
    take_part();
}

void BankService::add_modules() {
    auto& tree = device_->items();
    for (std::size_t i = 0; i < kShownMembers; ++i) {
        const std::string root = "/Diagnostics/Module" + std::to_string(i);
        modules_[i].id = &tree.add(root + "/Id", {velib::Type::text, {}});
        for (std::size_t a = 0; a < kAlarmCount; ++a) {
            modules_[i].alarms[a] =
                &tree.add(root + "/Alarms/" + std::string(kAlarmNames[a]), {velib::Type::integer, {}});
        }
    }
}

void BankService::show_members(velib::Update& update) {
    for (std::size_t i = 0; i < kShownMembers; ++i) {
        const Unit* unit = i < host_.units.size() ? host_.units[i] : nullptr;
        update.set(*modules_[i].id, unit != nullptr ? std::optional(unit->name()) : std::nullopt);
        for (std::size_t a = 0; a < kAlarmCount; ++a) {
            const auto which = static_cast<Alarm>(a);
            std::optional<Level> level;
            if (unit != nullptr) {
                level = which == Alarm::bms_cable ? std::optional(unit->state().out.bms_cable)
                                                  : unit->state().out.alarms[which];
            }
            update.set(*modules_[i].alarms[a], level);
        }
    }
}

asio::awaitable<void> BankService::save(bool everything) {
    if (!device_) {
        co_return;
    }
    const auto now = Clock::now();
    const auto since = std::chrono::duration_cast<control::Seconds>(now - saved_);
    saved_ = now;
    const auto present = control::to_persist(state_, clocks(now));
    if (!everything && !control::worth_writing(written_, present, since)) {
        co_return;
    }
    const auto before = control::stored_values(written_);
    const auto after = control::stored_values(present);
    for (std::size_t i = 0; i < after.size(); ++i) {
        if (after[i].value != before[i].value) {
            auto path = kRoot + std::string(after[i].name);
            auto value = to_bus(after[i]);
            co_await host_.settings.set(std::move(path), std::move(value));
        }
    }
    written_ = present;
    const auto members = control::members_text(state_, clocks(now));
    if (members != written_members_) {
        written_members_ = members;
        co_await host_.settings.set(kMembers, velib::Value(members));
    }
}

}  // namespace bms
