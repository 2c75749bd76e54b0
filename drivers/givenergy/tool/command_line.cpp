#include "givenergy/tool/command_line.hpp"

#include "givenergy/control/commands.hpp"
#include "givenergy/driver/settings.hpp"
#include "givenergy/readout/compat.hpp"
#include "velib/settings.hpp"

#include <iostream>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

namespace givenergy {

namespace asio = boost::asio;

CommandLine::CommandLine(velib::App& app) : app_(app) {
    auto& cli = app.cli();
    cli.add_option("--state-dir", serve_.state_directory, "where running timed commands are remembered")
        ->capture_default_str();
    const auto connection = [this](CLI::App* command) {
        command->add_option("--host", host_,
                            "address of the adapter; default: the first one in the settings");
        command->add_option("--gap", gap_ms_, "milliseconds between requests")
            ->check(CLI::Range(20, 5000))
            ->capture_default_str();
    };
    read_ = cli.add_subcommand("read", "Reads once and prints one JSON object");
    read_->add_option("function", function_, "runAll, getTimeslots, getCombinedStats or getModes")
        ->capture_default_str();
    read_->add_flag("--raw", raw_, "the registers as well");
    read_->add_flag("--json", json_, "accepted for symmetry: readings are JSON anyway");
    connection(read_);

    write_ = cli.add_subcommand("write", "Carries out a control function");
    write_->add_option("function", options_.function, "such as setChargeTarget");
    write_->add_option("payload", options_.payload, "JSON, such as '{\"chargeToPercent\":\"50\"}'");
    write_->add_flag("--json", options_.json, "answer as {\"result\":\"...\"}");
    write_->add_flag("--list", list_, "list the functions with examples");
    write_->add_flag("--charge-slot-2", options_.charge_slot_2,
                     "write registers 31 and 32 on two-slot models");
    write_->add_flag("--unknown-model", options_.unknown_model,
                     "write the common settings of a model not known");
    write_->add_option("--write-gap", write_gap_ms_, "milliseconds between writes")
        ->check(CLI::Range(100, 10000))
        ->capture_default_str();
    connection(write_);

    find_ = cli.add_subcommand("find", "Looks for adapters");
    find_->add_option("places", places_, "addresses or networks; default: the networks this machine is in");
    find_->add_option("--port", port_, "port of the adapters")->capture_default_str();
    find_->add_flag("--json", json_, "one JSON object a line");

    decode_ = cli.add_subcommand("decode", "Decodes captured frames, JSON lines on standard input");
}

bool CommandLine::given() const {
    return *read_ || *write_ || *find_ || *decode_;
}

void CommandLine::list_functions() const {
    for (const Command& command : commands()) {
        const std::string number = command.slots > 0 ? fmt::format("1..{}", command.slots) : "";
        std::cout << fmt::format("{:28} {}\n", std::string{command.name} + number, command.example);
    }
}

/// From --host, else the first adapter in the settings, if the settings service answers soon.
asio::awaitable<std::optional<AdapterAddress>> CommandLine::address() {
    using namespace asio::experimental::awaitable_operators;
    std::string text = host_;
    if (text.empty()) {
        velib::Settings settings(app_.bus());
        asio::steady_timer limit(co_await asio::this_coro::executor, std::chrono::seconds(3));
        std::vector<velib::SettingSpec> wanted;
        wanted.push_back({std::string(kAdaptersSetting), velib::Value("")});
        co_await (settings.add(std::move(wanted)) || limit.async_wait(asio::use_awaitable));
        const std::string all = settings.text(kAdaptersSetting);
        text = all.substr(0, all.find(','));
    }
    auto parsed = parse_address(text);
    if (!parsed) {
        std::cerr << (text.empty() ? "no adapter: give --host, or set " + std::string(kAdaptersSetting)
                                   : text + " is no address")
                  << '\n';
    }
    co_return parsed;
}

asio::awaitable<int> CommandLine::run() {
    if (*decode_) {
        co_return static_cast<int>(run_decode(std::cin, std::cout));
    }
    if (*find_) {
        co_return static_cast<int>(co_await run_find(places_, port_, json_, std::cout, std::cerr));
    }
    if (*write_ && list_) {
        list_functions();
        co_return static_cast<int>(Exit::success);
    }
    LinkTiming timing;
    timing.gap = Milliseconds{gap_ms_};
    timing.write_gap = Milliseconds{write_gap_ms_};
    if (*read_ && find_read_function(function_) == nullptr) {
        // Said before anybody is looked for.
        std::cerr << "unknown function " << function_ << "; there are " << read_function_names() << '\n';
        co_return static_cast<int>(Exit::usage);
    }
    const auto where = co_await address();
    if (!where) {
        co_return static_cast<int>(Exit::usage);
    }
    Exit exit = Exit::failure;
    if (*read_) {
        exit = co_await run_read(*where, timing, function_, raw_, std::cout, std::cerr);
    } else {
        exit = co_await run_write(*where, timing, options_, std::cout, std::cerr);
    }
    co_return static_cast<int>(exit);
}

}  // namespace givenergy
