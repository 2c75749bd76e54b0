#include "serialbattery/cli/port_session.hpp"

#include "serialbattery/cli/battery_text.hpp"
#include "serialbattery/driver/battery_settings.hpp"
#include "serialbattery/driver/measurement.hpp"
#include "serialbattery/driver/runner.hpp"
#include "serialbattery/driver/search.hpp"
#include "serialbattery/driver/service.hpp"

#include <algorithm>
#include <array>
#include <iostream>

#include <fmt/format.h>

namespace bms::cli {
namespace asio = boost::asio;
namespace {

constexpr int kTriesOfNamed = 3;  ///< of an address that was named: one answer may be lost

std::string check_type(const std::string& text) {
    if (!families_called(text).empty()) {
        return {};
    }
    std::string known;
    for (const auto* family : families()) {
        known += (known.empty() ? "" : ", ") + std::string(family->name);
    }
    return fmt::format("{} is no type that is known here ({})", text, known);
}

std::string check_address(const std::string& text) {
    return parse_address(text) ? "" : fmt::format("{} is no address (0 to 255, or 0x00 to 0xFF)", text);
}

}  // namespace

void add_port_options(CLI::App& line, PortOptions& options) {
    line.add_option("PORT", options.port, "serial port, such as /dev/ttyUSB0");
    auto* record = line.add_option("--record", options.record, "file to write every byte to that passes");
    line.add_option("--replay", options.replay, "a recording instead of the port")->excludes(record);
    line.parse_complete_callback([&options] {
        if (options.port.empty() && options.replay.empty()) {
            throw CLI::RequiredError("PORT");
        }
    });
    line.add_option("--type", options.types, "look for these types only")
        ->delimiter(',')
        ->allow_extra_args(false)
        ->check(CLI::Validator(check_type, "TYPE"));
    line.add_option("--address", options.addresses, "batteries on a bus, such as 0x01,0x02")
        ->delimiter(',')
        ->allow_extra_args(false)
        ->check(CLI::Validator(check_address, "ADDRESS"));
    line.add_flag("--all", options.all, "every battery on the bus");
    line.add_option("--config", options.config, "configuration file, as for the driver");
}

PortSession::PortSession(const asio::any_io_executor& executor, PortOptions options)
    : executor_(executor), options_(std::move(options)) {
    for (const auto& text : options_.addresses) {
        addresses_.push_back(parse_address(text).value());
    }
}

bool PortSession::complain(std::string_view what) const {
    std::cerr << options_.port << ": " << what << '\n';
    return false;
}

bool PortSession::open() {
    OpenPort open_port;
    if (!options_.replay.empty()) {
        const auto recording = load_recording(options_.replay);
        options_.port = options_.port.empty() ? recording->ports.front() : options_.port;
        open_port = recorded_ports(executor_, recording, Pace::quick);
    } else if (!options_.record.empty()) {
        open_port = local_ports(executor_, false,
                                std::make_shared<transport::Recorder>(
                                    options_.record, [this](const auto& why) { (void)complain(why); }));
    } else {
        open_port = local_ports(executor_, false);
    }
    auto opened = open_port(options_.port, Line{});
    if (!opened) {
        return complain(transport::describe(opened.error()));
    }
    port_ = std::move(*opened);
    const auto file =
        load_config(options_.config.empty() ? kDefaultConfig : options_.config, !options_.config.empty());
    settings_ = control::settings_for(file, {{}, port_name(options_.port), {}}).settings;
    return true;
}

asio::awaitable<bool> PortSession::search() {
    if (!open()) {
        co_return false;
    }
    DetectionPlan plan;
    for (const auto& type : options_.types) {
        const auto called = families_called(type);
        plan.families.insert(plan.families.end(), called.begin(), called.end());
    }
    plan.addresses = addresses_;
    plan.options = options_of(settings_);
    plan.options.sole_unit = addresses_.size() == 1 && !options_.all;
    const auto begin = port_->now();
    Detector detector(std::move(plan));
    const auto fault = co_await run(*port_, detector);
    if (fault) {
        co_return complain(transport::describe(*fault));
    }
    took_ = std::chrono::duration_cast<milliseconds>(port_->now() - begin);
    probes_ = detector.probes_sent();
    found_ = detector.take_result();
    if (found_.kind == Detected::Kind::battery) {
        batteries_.push_back(std::make_unique<Heard>(found_.place, std::move(found_.session)));
        co_await search_bus();
    } else if (occupied()) {
        traffic_.emplace(*found_.place.family);
        listeners_ = listeners_at(found_.place, options_of(settings_));
    }
    co_return true;
}

asio::awaitable<void> PortSession::search_bus() {
    if (addresses_.empty() && !options_.all) {
        co_return;
    }
    const auto places = further_places(found_.place, addresses_);
    const int tries = addresses_.empty() ? 1 : kTriesOfNamed;
    const auto options = options_of(settings_);
    for (const Location& place : places) {
        std::unique_ptr<Session> session;
        for (int attempt = 0; attempt < tries && !session; ++attempt) {
            session = co_await visit(*port_, place, options);
        }
        if (session) {
            batteries_.push_back(std::make_unique<Heard>(place, std::move(session)));
        }
    }
}

asio::awaitable<std::optional<SerialFault>> PortSession::overhear(TimePoint until) {
    const auto take = [this](Bytes frame, Bytes request) {
        for (const auto& battery : batteries_) {
            battery->fresh = battery->session->overheard(frame, request) || battery->fresh;
        }
        std::erase_if(listeners_, [&](Listener& listener) {
            const auto& address = listener.place.address;
            const bool wanted =
                addresses_.empty() || std::ranges::find(addresses_, address) != addresses_.end();
            if (!wanted || !listener.session->overheard(frame, request) || !listener.session->complete()) {
                return false;
            }
            batteries_.push_back(std::make_unique<Heard>(listener.place, std::move(listener.session)));
            return true;
        });
    };
    std::array<std::uint8_t, 512> buffer{};
    while (port_->now() < until) {
        const auto count = co_await port_->read_some(buffer, until);
        if (!count) {
            co_return count.error();
        }
        traffic_->hear(Bytes(buffer).first(*count), take);
    }
    co_return std::nullopt;
}

asio::awaitable<std::optional<SerialFault>> PortSession::overhear_round() {
    constexpr auto kRound = 5s;  // a JK PB master takes 4.4 s
    co_return co_await overhear(port_->now() + kRound);
}

std::string PortSession::otherwise() const {
    switch (found_.kind) {
        case Detected::Kind::battery:
            break;
        case Detected::Kind::nothing:
            return "no battery answered";
        case Detected::Kind::foreign:
            return found_.what + " is there, no battery";
        case Detected::Kind::occupied:
            return fmt::format("another master asks {} batteries here, at {}", found_.place.family->title,
                               line_text(found_.place.line));
    }
    return {};
}

std::vector<std::uint8_t> PortSession::missing() const {
    std::vector<std::uint8_t> missing;
    std::ranges::copy_if(addresses_, std::back_inserter(missing), [&](auto address) {
        return std::ranges::none_of(batteries_,
                                    [&](const auto& battery) { return battery->place.address == address; });
    });
    return missing;
}

asio::awaitable<std::optional<SerialFault>> PortSession::poll(Heard& battery) {
    battery.talk.start_cycle();
    return run(*port_, battery.talk);
}

}  // namespace bms::cli
