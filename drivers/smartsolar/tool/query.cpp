#include "smartsolar/tool/query.hpp"

#include "common/pause.hpp"
#include "smartsolar/driver/gatt_session.hpp"
#include "smartsolar/protocol/advertisement.hpp"
#include "smartsolar/protocol/products.hpp"
#include "smartsolar/protocol/query_report.hpp"
#include "smartsolar/protocol/registers.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdio>
#include <map>
#include <optional>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace smartsolar {
namespace asio = boost::asio;

namespace {

struct Candidate {
    std::int16_t rssi = 0;
    std::uint16_t product = 0;
};
using Candidates = std::map<std::string, Candidate>;  // by address

// Chargers first, then by signal.
std::optional<std::string> nearest(const Candidates& candidates) {
    const auto rank = [](const Candidates::value_type& entry) {
        return std::pair(is_solar_charger(entry.second.product), entry.second.rssi);
    };
    const auto found =
        std::ranges::max_element(candidates, [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
    return found == candidates.end() ? std::nullopt : std::optional(found->first);
}

// The lines of the tool whose command line this is.
class Log {
  public:
    Log(int verbosity, std::string address) : verbosity_(verbosity), address_(std::move(address)) {}

    void warning(const std::string& text) const { line(0, "WARNING", text); }
    void info(const std::string& text) const { line(1, "INFO", text); }
    void debug(const std::string& text) const { line(2, "DEBUG", text); }

  private:
    void line(int level, const char* name, const std::string& text) const {
        if (verbosity_ >= level) {
            fmt::print(stderr, "{}:smartsolar:[{}] {}\n", name, address_, text);
        }
    }

    int verbosity_;
    std::string address_;
};

bool take(QueryReport& report, const Log& log, const VregMessage& message) {
    if (message.kind == VregMessage::Kind::status) {
        log.info(fmt::format("VREG {:04X} status {}", message.vreg, message.status));
        return true;
    }
    const auto hex = wire::to_hex(message.data);
    switch (report.accept(message.vreg, message.data)) {
        case QueryReport::Outcome::stored:
            log.debug(fmt::format("VREG {:04X}: {}", message.vreg, hex));
            break;
        case QueryReport::Outcome::ignored:
            log.info(fmt::format("VREG {:04X} ignored", message.vreg));
            break;
        case QueryReport::Outcome::unknown:
            log.warning(fmt::format("VREG {:04X} unknown: {}", message.vreg, hex));
            break;
        case QueryReport::Outcome::unusable:
            log.warning(fmt::format("VREG {:04X} decode error: {}", message.vreg, hex));
            break;
    }
    return !(message.vreg == vreg::kIdentify && message.data == wire::Buffer{0});
}

}  // namespace

void add_options(CLI::App& command, QueryOptions& options) {
    command.add_flag("-v", options.verbosity, "say more (twice: everything)");
    command.add_option("-p", options.passkey, "passkey of the product")
        ->capture_default_str()
        ->check([](auto& text) {
            const bool good =
                text.size() <= 6 && !text.empty() && text.find_first_not_of("0123456789") == text.npos;
            return good ? std::string() : std::string("a passkey has up to six digits");
        });
    command.add_option("-d", options.discovery_seconds, "seconds of discovery")
        ->capture_default_str()
        ->check(CLI::Range(0.1, 3600.0));
    command.add_option("-q", options.query_seconds, "seconds of query")
        ->capture_default_str()
        ->check(CLI::Range(0.1, 3600.0));
    command.add_option("--address", options.address, "ask this product instead of the nearest");
}

asio::awaitable<int> query(velib::BusContext bus, QueryOptions options) {
    using namespace asio::experimental::awaitable_operators;
    spdlog::set_level(options.verbosity > 1   ? spdlog::level::debug
                      : options.verbosity > 0 ? spdlog::level::info
                                              : spdlog::level::warn);
    std::ranges::transform(options.address, options.address.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    Candidates candidates;
    bluez::Client client(bus, {.advertisement = [&](const bluez::DeviceState& device, wire::Bytes data) {
                             const auto product = advertised_product(data);
                             const bool wanted = options.address.empty() || device.address == options.address;
                             if (product && device.rssi && wanted) {
                                 candidates[device.address] = {*device.rssi, *product};
                             }
                         }});
    co_await (client.listen(bluez::Client::Listening::active)
              || common::pause(std::chrono::duration<double>(options.discovery_seconds)));
    const auto address = nearest(candidates);
    if (!address) {
        fmt::print(stderr, "ERROR:smartsolar:Did not discover any VictronEnergy devices...\n");
        co_return 1;
    }
    const auto product = candidates[*address].product;
    const Log log(options.verbosity, *address);
    log.info(fmt::format("querying {}", product_text(product)));

    SessionRequest request;
    request.address = *address;
    std::from_chars(options.passkey.data(), options.passkey.data() + options.passkey.size(), request.passkey);
    request.limit = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::duration<double>(options.query_seconds));
    request.linger = true;
    request.plan.reads = query_registers(is_orion_smart(product) ? 0 : 3);
    QueryReport report;
    OnMessage on_message = [&](const VregMessage& message) { return take(report, log, message); };
    const auto result = co_await run_session(client, std::move(request), std::move(on_message));
    if (result.fault && report.empty()) {
        fmt::print(stderr, "ERROR:smartsolar:[{}] {}\n", *address, result.fault->text);
        co_return 1;
    }
    if (result.fault) {
        log.info(result.fault->text);
    }
    if (result.dropped > 0) {
        log.warning(fmt::format("{} bytes could not be decoded", result.dropped));
    }
    fmt::print("{}\n", report.line());
    co_return 0;
}

}  // namespace smartsolar
