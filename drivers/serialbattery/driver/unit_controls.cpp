// What users can do to a battery: its switches, its state of charge, its history, its settings page.

#include "serialbattery/driver/runner.hpp"
#include "serialbattery/driver/unit.hpp"

#include <array>
#include <ctime>

#include <spdlog/spdlog.h>

namespace bms {
namespace asio = boost::asio;
using velib::WriteReply;
namespace {

/// Switches are shown as the Python driver does: 1 is off, whatever the battery would do.
struct Switch {
    Control control;
    const char* path;
};
constexpr auto kSwitches = std::to_array<Switch>({
    {Control::charge, "/Settings/ForceChargingOff"},
    {Control::discharge, "/Settings/ForceDischargingOff"},
    {Control::balancing, "/Settings/TurnBalancingOff"},
    {Control::heating, "/Settings/TurnHeatingOff"},
});
constexpr std::size_t kMostCommands = 16;

LocalTime local_time() {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    ::localtime_r(&now, &parts);
    constexpr int kFirstYear = 1900;
    const auto small = [](int value) { return static_cast<std::uint8_t>(value); };
    return {static_cast<std::uint16_t>(parts.tm_year + kFirstYear),
            small(parts.tm_mon + 1),
            small(parts.tm_mday),
            small(parts.tm_hour),
            small(parts.tm_min),
            small(parts.tm_sec)};
}

/// Whether the battery says, after a command, that it is not so.
bool contradicts(const Battery& battery, const Command& command) {
    const auto is = read_back(battery, command.control);
    return command.control != Control::soc && is && (*is != 0) != command.on();
}

velib::ItemSpec flag(velib::WriteHandler handler) {
    return {.type = velib::Type::integer, .on_write = std::move(handler), .min = 0, .max = 1};
}

}  // namespace

bool Unit::can(Control control) const {
    return offers(*place_.family, control, settings_->now().unverified_controls);
}

void Unit::queue(Control control, double value) {
    if (commands_.size() >= kMostCommands) {
        commands_.pop_front();
    }
    commands_.push_back({control, value, local_time()});
    calls_.wake();
}

void Unit::add_controls() {
    auto& tree = device_->items();
    tree.add("/Settings/HasSettings", {velib::Type::integer, {}}, 1);
    for (const auto& entry : kSwitches) {
        if (!can(entry.control)) {
            continue;
        }
        const auto control = entry.control;
        switches_[control] = &tree.add(entry.path, flag([this, control](const velib::Value& value) {
                                           queue(control, *value.integer() != 0 ? 0 : 1);
                                           return WriteReply::pending;
                                       }));
    }
    if (can(Control::charge) && can(Control::discharge)) {
        tree.find("/Mode")->set_write_handler([this](const velib::Value& value) {
            const auto mode = value.integer().value_or(0);
            if (mode != control::kModeOn && mode != control::kModeOff) {
                return WriteReply::refuse;
            }
            queue(Control::charge, mode == control::kModeOn ? 1 : 0);
            queue(Control::discharge, mode == control::kModeOn ? 1 : 0);
            return WriteReply::pending;
        });
    }
    auto& target = tree.add("/Settings/ResetSocTo",
                            {.type = velib::Type::integer,
                             .on_write = [](const velib::Value&) { return WriteReply::store; },
                             .min = 0,
                             .max = 100},
                            100);
    // Momentary: they always read 0.
    tree.add("/Settings/ResetSocToApply", flag([this, &target](const velib::Value& value) {
                 if (*value.integer() != 0) {
                     set_soc(target.value().real().value_or(0));
                 }
                 return WriteReply::pending;
             }),
             0);
    tree.add("/Settings/Battery/Synchronize", flag([this](const velib::Value& value) {
                 if (*value.integer() != 0) {
                     set_soc(100);
                 }
                 return WriteReply::pending;
             }),
             0);
    tree.add("/Settings/RestoreDefaults", flag([this](const velib::Value& value) {
                 if (*value.integer() != 0) {
                     settings_->restore_defaults();
                 }
                 return WriteReply::pending;
             }),
             0);
    tree.add("/Redetect", flag([this](const velib::Value& value) {
                 if (*value.integer() != 0) {
                     calls_.redetect();
                 }
                 return WriteReply::pending;
             }),
             0);
    tree.add("/History/Clear",
             {.type = velib::Type::integer,
              .on_write =
                  [this](const velib::Value& value) {
                      const auto group = static_cast<control::HistoryGroup>(*value.integer());
                      const auto around = surroundings();
                      if (*value.integer() != 0) {
                          control::clear_history(state_, context(around), group,
                                                 clocks(Clock::now()).monotonic);
                          looked_ = {};
                      }
                      return WriteReply::pending;
                  },
              .min = 0,
              .max = 7},
             0);
}

void Unit::set_soc(double percent) {
    if (settings_->now().soc_calculation) {
        const auto around = surroundings();
        control::set_soc(state_, context(around), percent);
    }
    if (can(Control::soc)) {
        queue(Control::soc, percent);
    } else if (!settings_->now().soc_calculation) {
        spdlog::warn("{}: {} cannot be told its state of charge; SOC_CALCULATION would count it here",
                     suffix_, place_.family->title);
    }
}

void Unit::show_switches(velib::Update& update) {
    for (const auto& [control, item] : switches_) {
        const auto on = read_back(battery_, control);
        update.set(*item, on ? std::optional<int>(*on != 0 ? 0 : 1) : std::nullopt);
    }
}

/// Each command is written, and what the battery then says is what is shown.
asio::awaitable<void> Unit::obey(Port& port, std::optional<SerialFault>& fault) {
    while (!commands_.empty() && !fault) {
        const Command command = commands_.front();
        commands_.pop_front();
        if (!talk_.start_control(command)) {
            spdlog::warn("{}: this battery has no such control, or {} is out of its range", suffix_,
                         command.value);
            continue;
        }
        fault = co_await run(port, talk_);
        if (!fault && (!talk_.succeeded() || contradicts(session_->battery(), command))) {
            spdlog::warn("{}: the battery did not carry out what was asked for", suffix_);
        }
    }
}

}  // namespace bms
