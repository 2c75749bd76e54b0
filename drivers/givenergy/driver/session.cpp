#include "givenergy/driver/session.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace givenergy {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::uint16_t kClockRegister = 35, kReboot = 163;
constexpr Request kIdentity{kInverterAddress, Function::read_holding, 0, kMaxRegisters};
constexpr int kMidnightMinutes = 15;

bool is_clock(std::uint16_t reg) {
    return reg >= kClockRegister && reg < kClockRegister + 6;
}

}  // namespace

asio::awaitable<bool> Session::identify() {
    const BankState state = co_await fetch(kIdentity, 3);
    if (state != BankState::good) {
        co_return false;
    }
    if (topology_.model == Model::unknown) {
        Detector detector{topology_};
        detector.answer(registers_.bank(kIdentity));
        topology_ = detector.topology();
        gate_.set_model(topology_.model);
    }
    co_return topology_.model != Model::unknown;
}

asio::awaitable<bool> Session::detect() {
    Detector detector{topology_};
    while (const auto request = detector.next()) {
        if (!link_.connected()) {
            co_return false;
        }
        const bool essential = *request == kIdentity;
        const auto values = co_await link_.read(*request, essential ? 3 : 1);
        if (values) {
            detector.answer({request->base, *values});
        } else if (values.error() == LinkFault::disconnected) {
            co_return false;
        } else {
            detector.no_answer();
        }
        if (essential && !detector.identified()) {
            co_return false;
        }
    }
    if (detector.topology().serial != topology_.serial) {
        registers_.clear();
        gate_.forget();
    }
    topology_ = detector.topology();
    gate_.set_model(topology_.model);
    co_return true;
}

asio::awaitable<BankState> Session::fetch(Request request, int retries) {
    constexpr std::uint16_t kCalibration = 29;
    auto values = co_await link_.read(request, retries);
    if (!values) {
        co_return values.error() == LinkFault::refused ? BankState::refused : BankState::missing;
    }
    const bool calibrating = registers_.holding(kCalibration).value_or(0) != 0;
    suspicion_ = gate_.admit(request, *values, Clock::now(), near_midnight(), calibrating);
    if (suspicion_) {
        spdlog::warn("{}: bank {} of device {:#x} not used: {}", link_.address().text(), request.base,
                     request.address, to_string(*suspicion_));
        co_return BankState::rejected;
    }
    registers_.store(request, *values);
    if (request.function == Function::read_holding && request.base == 0 && request.count == kMaxRegisters) {
        clock_read_ = Clock::now();
    }
    co_return BankState::good;
}

asio::awaitable<bool> Session::refresh(const std::vector<ApprovedWrite>& writes) {
    std::set<std::pair<std::uint16_t, std::uint16_t>> done;
    bool complete = true;
    for (const ApprovedWrite& write : writes) {
        const Request bank = settings_bank(write.reg(), topology_);
        if (done.insert({bank.base, bank.count}).second) {
            BankState state = co_await fetch(bank, 3);
            // Settings may truly have become what looks like a drop-out: three equal readings settle it.
            for (int again = 0; state == BankState::rejected && again < 2; ++again) {
                state = co_await fetch(bank, 3);
            }
            complete = complete && state == BankState::good;
        }
    }
    co_return complete;
}

asio::awaitable<WriteOutcome> Session::carry_out(const std::vector<ApprovedWrite>& writes, bool always) {
    WriteOutcome outcome;
    const bool known = co_await refresh(writes);
    if (!known) {
        outcome.text = "the settings could not be read";
        co_return outcome;
    }
    for (const ApprovedWrite& write : writes) {
        const bool event = write.reg() == kReboot || is_clock(write.reg());
        if (!always && !event && registers_.holding(write.reg()) == write.value()) {
            continue;
        }
        const auto fault = co_await link_.write(write);
        if (fault) {
            outcome.text = fmt::format("register {}: {}", write.reg(), to_string(*fault));
            co_return outcome;
        }
        ++outcome.written;
        registers_.update_holding(write.reg(), write.value());
        if (write.reg() == kReboot) {
            outcome.success = true;
            co_return outcome;
        }
    }
    if (outcome.written > 0) {
        const bool read_back = co_await refresh(writes);
        if (!read_back) {
            outcome.text = "written, but it could not be read back";
            co_return outcome;
        }
    }
    verify(writes, outcome);
    co_return outcome;
}

void Session::verify(const std::vector<ApprovedWrite>& writes, WriteOutcome& outcome) const {
    // The last write of a register is the one to find.
    std::map<std::uint16_t, std::uint16_t> wanted;
    for (const ApprovedWrite& write : writes) {
        wanted[write.reg()] = write.value();
    }
    for (const auto& [reg, value] : wanted) {
        if (!is_clock(reg) && registers_.holding(reg) != value) {
            outcome.text = fmt::format("register {} holds another value afterwards", reg);
            return;
        }
    }
    outcome.success = true;
}

std::optional<WallClock> Session::inverter_clock() const {
    const auto hr = [&](int i) { return registers_.holding(static_cast<std::uint16_t>(kClockRegister + i)); };
    if (!hr(0)) {
        return std::nullopt;
    }
    WallClock clock{2000 + *hr(0), *hr(1), *hr(2), *hr(3), *hr(4), *hr(5)};
    if (!clock.valid()) {
        return std::nullopt;
    }
    using namespace std::chrono;
    const sys_days day =
        year{clock.year} / static_cast<unsigned>(clock.month) / static_cast<unsigned>(clock.day);
    const auto now = day + hours{clock.hour} + minutes{clock.minute} + seconds{clock.second}
                     + duration_cast<seconds>(Clock::now() - clock_read_);
    const auto today = floor<days>(now);
    const year_month_day date{today};
    const hh_mm_ss time{floor<seconds>(now - today)};
    return WallClock{int{date.year()},
                     static_cast<int>(unsigned{date.month()}),
                     static_cast<int>(unsigned{date.day()}),
                     static_cast<int>(time.hours().count()),
                     static_cast<int>(time.minutes().count()),
                     static_cast<int>(time.seconds().count())};
}

bool Session::near_midnight() const {
    const auto clock = inverter_clock();
    constexpr int kDay = 24 * 60;
    return !clock || clock->minute_of_day() < kMidnightMinutes
           || clock->minute_of_day() >= kDay - kMidnightMinutes;
}

CommandContext Session::context(const Consent& consent) const {
    CommandContext context;
    context.model = topology_.model;
    context.dtc = topology_.dtc;
    context.arm_firmware = topology_.arm_firmware;
    context.consent = consent;
    context.registers = &registers_;
    return context;
}

}  // namespace givenergy
