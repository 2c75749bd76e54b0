#include "givenergy/driver/site.hpp"

#include <algorithm>
#include <ctime>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace givenergy {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr int kMissedPolls = 5;
constexpr auto kDetectionPeriod = 1h;
constexpr std::array kBackOff{10s, 20s, 40s, 60s};
constexpr std::uint16_t kReserveRegister = 110;

std::int64_t unix_now() {
    return std::chrono::duration_cast<std::chrono::seconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

CommandResult result_of(std::string_view function, bool success, std::string_view why) {
    std::string text = result_text(function, success);
    if (!success) {
        text += fmt::format(": {}", why);
    }
    return {success, std::move(text)};
}

WallClock system_clock_now() {
    const std::time_t now = std::time(nullptr);
    std::tm local{};
    localtime_r(&now, &local);
    return {local.tm_year + 1900, local.tm_mon + 1, local.tm_mday,
            local.tm_hour,        local.tm_min,     std::min(local.tm_sec, 59)};
}

}  // namespace

Site::Site(asio::any_io_executor executor, AdapterAddress address, const DriverSettings& settings,
           std::string state_directory, SiteWatcher& watcher)
    : executor_(executor),
      settings_(settings),
      state_directory_(std::move(state_directory)),
      watcher_(watcher),
      link_(executor, std::move(address), settings.timing),
      session_(link_),
      timer_(executor) {}

asio::awaitable<void> Site::run() {
    for (;;) {
        link_.set_timing(settings_.timing);
        bool up = link_.connected();
        if (!up) {
            up = co_await come_online();
        }
        if (!up) {
            const auto wait =
                kBackOff[std::min<std::size_t>(static_cast<std::size_t>(failures_), kBackOff.size() - 1)];
            ++failures_;
            // A unit polled faster than usual is also looked for sooner.
            co_await pause(Clock::now() + std::min<Clock::duration>(wait, 4 * settings_.period));
            continue;
        }
        const auto started = Clock::now();
        co_await obey();
        if (started >= next_full_) {
            co_await full_cycle();
        }
        const bool fresh = co_await quick_cycle();
        if (fresh) {
            failures_ = 0;
            co_await end_running_override();
            update_view();
            watcher_.changed(*this);
        }
        check_stale();
        // A slow adapter is not asked more than it can answer.
        const auto took = Clock::now() - started;
        co_await pause(started + std::max<Clock::duration>(settings_.period, took + took / 4));
    }
}

asio::awaitable<bool> Site::come_online() {
    std::string why;
    const bool reached = co_await link_.connect(&why);
    if (!reached) {
        if (failures_ == 0) {
            spdlog::warn("{}: no connection: {}", link_.address().text(), why);
        }
        check_stale();
        co_return false;
    }
    const Topology before = session_.topology();
    const bool found = co_await session_.detect();
    if (!found) {
        if (failures_ == 0) {
            spdlog::warn("{}: connected, but no register of a known model is answered",
                         link_.address().text());
        }
        link_.close();
        check_stale();
        co_return false;
    }
    if (before.serial != session_.topology().serial) {
        load_state();
    }
    energy_.begin();
    suspensions_.refresh();
    next_full_ = Clock::now();
    next_detection_ = Clock::now() + kDetectionPeriod;
    if (!identified_ || before != session_.topology()) {
        identified_ = true;
        const Topology& now = session_.topology();
        spdlog::info("{}: {} {} firmware {}, {} batteries, {} meters, adapter {}", link_.address().text(),
                     to_string(now.model), now.serial, now.firmware, now.batteries + now.modules(),
                     now.meters.size(), link_.adapter_serial());
        co_await watcher_.identified(*this);
    }
    co_return true;
}

asio::awaitable<void> Site::full_cycle() {
    suspensions_.refresh();
    for (const Request& request : full_requests(session_.topology())) {
        co_await session_.fetch(request, 3);
        if (!link_.connected()) {
            co_return;
        }
    }
    next_full_ = Clock::now() + settings_.full_period;
    if (const auto reserve = session_.registers().holding(kReserveRegister);
        reserve && *reserve < 100 && *reserve >= 4 && !state_.running && *reserve != state_.saved_reserve) {
        state_.saved_reserve = *reserve;
        save_state();
    }
}

/// True if the live bank came.
asio::awaitable<bool> Site::quick_cycle() {
    const auto requests = quick_requests(session_.topology(), cycle_++);
    for (std::size_t i = 0; i < requests.size(); ++i) {
        const Request& request = requests[i];
        if (i > 0 && suspensions_.rests(request)) {
            continue;
        }
        const BankState state = co_await session_.fetch(request, 1);
        if (i == 0) {
            if (state != BankState::good) {
                co_return false;
            }
            last_good_ = Clock::now();
        } else if (state == BankState::good) {
            suspensions_.succeeded(request);
        } else if (state != BankState::rejected && suspensions_.failed(request)) {
            spdlog::info("{}: bank {} of device {:#x} is not answered, leaving it alone for a while",
                         link_.address().text(), request.base, request.address);
            session_.registers().drop(request);
        }
        if (!link_.connected()) {
            co_return i > 0;
        }
    }
    if (Clock::now() >= next_detection_) {
        next_detection_ = Clock::now() + kDetectionPeriod;
        const Topology before = session_.topology();
        const bool found = co_await session_.detect();
        if (found && before != session_.topology()) {
            co_await watcher_.identified(*this);
        }
    }
    co_return true;
}

void Site::check_stale() {
    if (online_ && Clock::now() - last_good_ > kMissedPolls * settings_.period) {
        online_ = false;
        spdlog::warn("{}: no data for {} polls", link_.address().text(), kMissedPolls);
        watcher_.lost(*this);
    }
}

asio::awaitable<void> Site::pause(Clock::time_point until) {
    if (online_) {
        until = std::min(until, last_good_ + kMissedPolls * settings_.period + 10ms);
    }
    if (commands_.empty()) {
        timer_.expires_at(std::max(until, Clock::now() + 10ms));
        boost::system::error_code woken;
        co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    }
    check_stale();
}

CommandContext Site::context() const {
    CommandContext context = session_.context(settings_.consent);
    context.now = system_clock_now();
    context.saved_reserve = state_.saved_reserve;
    return context;
}

std::optional<CommandError> Site::submit(std::string function, Arguments arguments, CommandDone done) {
    const auto refuse = [&](const CommandError& error) {
        spdlog::warn("{}: {} refused: {}", link_.address().text(), function, error.text);
        last_result_ = fmt::format("{}: {}", function, error.text);
        view_.last_write_result = last_result_;
        return error;
    };
    if (!settings_.allow_control) {
        return refuse({"control is not allowed, see the setting AllowControl", false});
    }
    if (!online_) {
        return refuse({"the inverter does not answer", false});
    }
    if (override_named(function)) {
        if (const auto minutes = override_minutes(arguments); !minutes) {
            return refuse(minutes.error());
        }
    } else if (const Plan plan = plan_command(function, arguments, context()); !plan) {
        return refuse(plan.error());
    }
    constexpr std::size_t kMostWaiting = 64;
    if (commands_.size() >= kMostWaiting) {
        return refuse({"too many commands are waiting", false});
    }
    commands_.push_back({std::move(function), std::move(arguments), std::move(done)});
    timer_.cancel();
    return std::nullopt;
}

asio::awaitable<void> Site::obey() {
    while (!commands_.empty()) {
        const Command command = std::move(commands_.front());
        commands_.pop_front();
        const CommandResult result = co_await carry_out(command);
        spdlog::log(result.success ? spdlog::level::info : spdlog::level::warn, "{}: {}",
                    link_.address().text(), result.text);
        last_result_ = result.text;
        update_view();
        watcher_.changed(*this);
        if (command.done) {
            command.done(result);
        }
    }
}

asio::awaitable<CommandResult> Site::carry_out(const Command& command) {
    if (const auto kind = override_named(command.function)) {
        co_return co_await carry_out_override(*kind, command.arguments);
    }
    const Plan plan = plan_command(command.function, command.arguments, context());
    if (!plan) {
        co_return result_of(command.function, false, plan.error().text);
    }
    const WriteOutcome outcome = co_await write(*plan);
    co_return result_of(command.function, outcome.success, outcome.text);
}

asio::awaitable<CommandResult> Site::carry_out_override(OverrideKind kind, const Arguments& arguments) {
    const std::string_view name = to_string(kind);
    const auto minutes = override_minutes(arguments);
    if (!minutes) {
        co_return result_of(name, false, minutes.error().text);
    }
    if (*minutes == 0) {
        if (state_.running && state_.running->kind == kind) {
            state_.running->ends_at = 0;
            co_await end_running_override();
            co_return result_of(name, !state_.running, "the settings are not restored yet");
        }
        co_return result_of(name, true, {});
    }
    // Inverter time decides when its slots begin, so it is read first.
    co_await session_.fetch({kInverterAddress, Function::read_holding, 0, kMaxRegisters}, 3);
    CommandContext about = context();
    about.now = session_.inverter_clock().value_or(system_clock_now());
    const auto plan = begin_override(kind, *minutes, about, state_.running, unix_now());
    if (!plan) {
        co_return result_of(name, false, plan.error().text);
    }
    state_.running = plan->record;
    save_state();
    const WriteOutcome outcome = co_await write(plan->writes);
    if (!outcome.success) {
        // Put back what may have been written.
        state_.running->ends_at = 0;
        co_await end_running_override();
    }
    co_return result_of(name, outcome.success, outcome.text);
}

asio::awaitable<void> Site::end_running_override() {
    if (!state_.running || unix_now() < state_.running->ends_at) {
        co_return;
    }
    const WriteOutcome outcome = co_await session_.carry_out(end_override(*state_.running, context()));
    write_count_ += outcome.written;
    if (outcome.success) {
        spdlog::info("{}: {} is over, settings restored", link_.address().text(),
                     to_string(state_.running->kind));
        state_.running.reset();
        save_state();
    } else {
        spdlog::warn("{}: settings not restored yet: {}", link_.address().text(), outcome.text);
    }
}

std::optional<std::string> Site::too_soon(const std::vector<ApprovedWrite>& writes) const {
    for (const ApprovedWrite& write : writes) {
        const auto last = written_.find(write.reg());
        const bool same = session_.registers().holding(write.reg()) == write.value();
        if (same || last == written_.end()) {
            continue;
        }
        const auto since = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - last->second);
        if (since < settings_.write_interval) {
            return fmt::format("register {} was written {} s ago, wait {} s (settings wear out)", write.reg(),
                               since.count(), (settings_.write_interval - since).count());
        }
    }
    return std::nullopt;
}

asio::awaitable<WriteOutcome> Site::write(const std::vector<ApprovedWrite>& writes) {
    WriteOutcome outcome;
    if (const auto wait = too_soon(writes)) {
        outcome.text = *wait;
        co_return outcome;
    }
    outcome = co_await session_.carry_out(writes);
    write_count_ += outcome.written;
    if (outcome.written > 0) {
        for (const ApprovedWrite& write : writes) {
            written_[write.reg()] = Clock::now();
        }
    }
    co_return outcome;
}

void Site::load_state() {
    std::string name;
    for (const char c : session_.topology().serial) {
        name += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
    }
    state_file_.emplace(state_directory_ + "/" + name + ".json");
    state_ = state_file_->load(parse_site_state).value_or(SiteState{});
    energy_.restore_wraps(state_.charge_wraps, state_.discharge_wraps);
    if (state_.running) {
        spdlog::info("{}: {} was running when the driver ended", link_.address().text(),
                     to_string(state_.running->kind));
    }
}

void Site::save_state() {
    if (!state_file_) {
        return;
    }
    if (const auto fault = state_file_->save(to_text(state_))) {
        spdlog::error("{}: {}", state_file_->path().string(), fault.message());
    }
}

void Site::set_layout(Layout layout) {
    layout_ = layout;
}

LayoutChoice Site::layout() const {
    LayoutChoice choice = settings_.choice;
    choice.layout = layout_;
    return choice;
}

void Site::update_view() {
    view_ = view_of(session_.topology(), session_.registers(), layout(), settings_.consent);
    energy_.apply(view_.plant);
    if (energy_.charge_wraps() != state_.charge_wraps
        || energy_.discharge_wraps() != state_.discharge_wraps) {
        state_.charge_wraps = energy_.charge_wraps();
        state_.discharge_wraps = energy_.discharge_wraps();
        save_state();
    }
    // The PV counter of the view was taken before the guard.
    if (view_.pv.kwh) {
        view_.pv.kwh =
            layout_ == Layout::observer && settings_.choice.observer_value != ObserverValue::pv_only
                ? view_.plant.total.inverter_out
                : view_.plant.total.pv;
    }
    recent_warnings_[cycle_ % recent_warnings_.size()] = view_.plant.charger_warnings.value_or(0);
    view_.warnings = recent_warnings_[0] & recent_warnings_[1] & recent_warnings_[2];
    view_.write_count = write_count_;
    view_.last_write_result = last_result_;
    if (state_.running) {
        const auto left =
            static_cast<int>(std::max<std::int64_t>(0, (state_.running->ends_at - unix_now() + 59) / 60));
        const OverrideKind kind = state_.running->kind;
        view_.forced = kind == OverrideKind::force_charge || kind == OverrideKind::force_export;
        (kind == OverrideKind::force_charge   ? view_.force_charge_minutes
         : kind == OverrideKind::force_export ? view_.force_export_minutes
         : kind == OverrideKind::pause_charge ? view_.pause_charge_minutes
                                              : view_.pause_discharge_minutes) = left;
    }
    online_ = true;
}

}  // namespace givenergy
