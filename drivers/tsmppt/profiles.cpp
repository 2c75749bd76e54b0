#include "tsmppt/profiles.hpp"

#include "tsmppt/clock.hpp"

#include <algorithm>
#include <cctype>
#include <ctime>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace tristar {

namespace {

namespace asio = boost::asio;

std::string path_of(std::string_view profile, std::string_view field) {
    return fmt::format("{}ChargeProfiles/{}/{}", kSettingsRoot, profile, field);
}

bool same_name(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

}  // namespace

Profiles::Profiles(asio::any_io_executor executor, Link& link, Logbook& book, velib::Settings& settings,
                   const Config& config, std::string label, Hooks hooks)
    : executor_(std::move(executor)),
      link_(link),
      book_(book),
      settings_(settings),
      config_(config),
      label_(std::move(label)),
      hooks_(std::move(hooks)) {}

void Profiles::add_settings() {
    const auto system_volts = book_.state().system_volts;
    if (!system_volts) {
        return;
    }
    std::vector<velib::SettingSpec> specs;
    for (const auto& name : config_.profiles) {
        const auto start = starting_profile(name, *system_volts);
        for (const auto& field : kProfileFields) {
            if (!settings_.value(path_of(name, field.setting)).valid()) {
                specs.push_back({path_of(name, field.setting), velib::Value(start.*field.member),
                                 field.lowest, field.highest});
            }
        }
    }
    if (!specs.empty()) {
        // Not waited for: the settings service may be away for a while, and the controller wants to be polled.
        asio::co_spawn(executor_, settings_.add(std::move(specs)), asio::detached);
    }
}

std::string Profiles::find(const std::string& name) const {
    for (const auto& known : config_.profiles) {
        if (same_name(known, name)) {
            return known;
        }
    }
    return {};
}

Profile Profiles::profile_of(const std::string& name) const {
    Profile profile;
    for (const auto& field : kProfileFields) {
        profile.*field.member = settings_.real(path_of(name, field.setting));
    }
    return profile;
}

void Profiles::report(std::string_view phase, int percent) {
    status_.phase = phase;
    status_.progress_percent = percent;
    hooks_.status_changed();
}

asio::awaitable<std::string> Profiles::write(const std::string& name, const Charger& charger) {
    report("validating", 0);
    const auto points = co_await link_.read_set_points(*charger.volts_per_unit);
    if (!points) {
        co_return "the set points cannot be read: " + points.error().text();
    }
    const auto plan = plan_profile(profile_of(name), book_.state().system_volts, *points, charger);
    if (!plan) {
        co_return std::string{describe(plan.error())};
    }
    if (plan->empty()) {
        co_return std::string{};
    }
    const auto coils = co_await link_.read_coils();
    if (!coils) {
        co_return "the state of the controller cannot be read: " + coils.error().text();
    }
    if (!coils->disconnect) {
        book_.state().stopped_for_profile = true;
        book_.save();
    }
    ProfileHooks hooks;
    hooks.progress = [this](std::string_view phase, int percent) { report(phase, percent); };
    hooks.reading = hooks_.reading;
    hooks.before_reset = [this] { book_.save(); };
    co_return co_await write_profile(link_, *plan, *charger.volts_per_unit, std::move(hooks));
}

asio::awaitable<std::optional<SetPoints>> Profiles::apply(std::string name, Charger charger) {
    running_ = true;
    status_.last_error.clear();
    spdlog::info("{}: applying the charge profile {}", label_, name);
    const auto wrong = co_await write(name, charger);
    if (holds_charging()) {
        co_await let_charge();
    }
    running_ = false;
    if (wrong.empty()) {
        status_.last_applied = fmt::format("{} at {}", name, local_time_text(std::time(nullptr)));
        spdlog::info("{}: the charge profile {} is in effect", label_, name);
        report("success", 100);
    } else {
        status_.last_error = wrong;
        spdlog::error("{}: the charge profile {} was not applied: {}", label_, name, wrong);
        report("failed", status_.progress_percent);
    }
    const auto points = co_await link_.read_set_points(*charger.volts_per_unit);
    co_return points ? std::optional{*points} : std::nullopt;
}

asio::awaitable<bool> Profiles::let_charge() {
    const auto released = co_await link_.write(write_coil(link_.unit(), Coil::disconnect, false));
    if (!released) {
        spdlog::warn("{}: charging was not released: {}", label_, released.error().text());
        co_return false;
    }
    book_.state().stopped_for_profile = false;
    book_.save();
    co_return true;
}

}  // namespace tristar
