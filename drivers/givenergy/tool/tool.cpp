#include "givenergy/tool/tool.hpp"

#include "givenergy/driver/session.hpp"
#include "givenergy/readout/compat.hpp"
#include "givenergy/readout/decode.hpp"
#include "givenergy/readout/decode_frame.hpp"
#include "givenergy/readout/payload.hpp"

#include <chrono>
#include <ctime>

#include <fmt/format.h>

namespace givenergy {

namespace asio = boost::asio;

namespace {

std::string now_text() {
    const std::time_t now = std::time(nullptr);
    std::tm local{};
    localtime_r(&now, &local);
    char text[32];
    return std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &local) > 0 ? text : "";
}

WallClock local_clock() {
    const std::time_t now = std::time(nullptr);
    std::tm local{};
    localtime_r(&now, &local);
    return {local.tm_year + 1900, local.tm_mon + 1, local.tm_mday,
            local.tm_hour,        local.tm_min,     std::min(local.tm_sec, 59)};
}

/// Raw registers beside the readout, for issue reports.
Json raw_registers(const Registers& registers, const std::vector<Request>& requests) {
    Json raw = Json::object();
    for (const Request& request : requests) {
        const BankView bank = registers.bank(request);
        Json& group = raw[request.function == Function::read_holding ? "holding" : "input"];
        for (std::size_t i = 0; i < bank.values.size(); ++i) {
            group[fmt::format("{:#04x}/{}", request.address, bank.base + i)] = bank.values[i];
        }
    }
    return raw;
}

void report(const WriteOptions& options, const WriteOutcome& outcome, std::ostream& out,
            std::ostream& complaints) {
    const std::string result = result_text(options.function, outcome.success);
    if (!outcome.success) {
        complaints << options.function << ": " << outcome.text << '\n';
    }
    complaints << now_text() << ' ' << options.function << '\n';
    if (options.json) {
        out << result_json(outcome.success ? result : result + ": " + outcome.text) << std::endl;
    } else {
        out << result << std::endl;
    }
}

asio::awaitable<bool> reach(Session& session, std::ostream& complaints) {
    std::string why;
    const bool connected = co_await session.link().connect(&why);
    if (!connected) {
        complaints << "no connection to " << session.link().address().text() << ": " << why << '\n';
        co_return false;
    }
    const bool known = co_await session.identify();
    if (!known) {
        complaints << session.link().address().text() << " answers no register of a known model\n";
    }
    co_return known;
}

}  // namespace

asio::awaitable<Exit> run_read(AdapterAddress address, LinkTiming timing, std::string name, bool raw,
                               std::ostream& out, std::ostream& complaints) {
    const ReadFunction* function = find_read_function(name);
    if (function == nullptr) {
        co_return Exit::usage;
    }
    Link link(co_await asio::this_coro::executor, std::move(address), timing);
    Session session(link);
    const bool known = co_await reach(session, complaints);
    if (!known) {
        co_return Exit::failure;
    }
    const auto requests = function->requests(session.topology());
    for (const Request& request : requests) {
        // An optional bank that is not there leaves its values out; a bank that came wrong is asked for again.
        for (int attempt = 0; attempt < 3; ++attempt) {
            const BankState state = co_await session.fetch(request, 2);
            if (state != BankState::rejected) {
                break;
            }
        }
    }
    const Readout readout = function->read(session.topology(), session.registers());
    if (readout.empty()) {
        complaints << "no usable data from " << link.address().text() << '\n';
        co_return Exit::failure;
    }
    Json json = readout.nested();
    if (raw) {
        json["raw"] = raw_registers(session.registers(), requests);
    }
    complaints << now_text() << ' ' << name << '\n';
    out << json.dump() << std::endl;
    co_return Exit::success;
}

asio::awaitable<Exit> run_write(AdapterAddress address, LinkTiming timing, WriteOptions options,
                                std::ostream& out, std::ostream& complaints) {
    const FoundCommand found = find_command(options.function);
    if (found.command == nullptr) {
        complaints << "unknown function " << options.function << "; see dbus-givenergy write --list\n";
        co_return Exit::usage;
    }
    const auto refuse = [&](const std::string& text) {
        complaints << options.function << ": " << text;
        if (!found.command->example.empty()) {
            complaints << "; right would be: '" << found.command->example << '\'';
        }
        complaints << '\n';
    };
    const auto arguments = arguments_of_json(options.payload);
    if (!arguments) {
        refuse(arguments.error().text);
        co_return Exit::usage;
    }
    if (auto wrong = check_payload(options.function, *arguments)) {
        refuse(wrong->text);
        co_return Exit::usage;
    }
    Link link(co_await asio::this_coro::executor, std::move(address), timing);
    Session session(link);
    const bool known = co_await reach(session, complaints);
    if (!known) {
        co_return Exit::failure;
    }
    for (const Request& request : full_requests(session.topology())) {
        if (request.base <= 60 || request.base == 240) {
            co_await session.fetch(request);
        }
    }
    CommandContext context = session.context({options.charge_slot_2, options.unknown_model});
    context.now = local_clock();
    const Plan plan = plan_command(options.function, *arguments, context);
    if (!plan) {
        refuse(plan.error().text);
        co_return plan.error().usage ? Exit::usage : Exit::failure;
    }
    const WriteOutcome outcome = co_await session.carry_out(*plan);
    report(options, outcome, out, complaints);
    co_return outcome.success ? Exit::success : Exit::failure;
}

Exit run_decode(std::istream& in, std::ostream& out) {
    for (std::string line; std::getline(in, line);) {
        if (line.find_first_not_of(" \t\r") != std::string::npos) {
            out << decode_line(line).dump(-1, ' ', false, Json::error_handler_t::replace) << '\n';
        }
    }
    out.flush();
    return Exit::success;
}

}  // namespace givenergy
