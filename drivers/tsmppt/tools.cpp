#include "tsmppt/tools.hpp"

#include "tsmppt/decode.hpp"
#include "tsmppt/venus.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <memory>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

namespace tristar {

namespace {

namespace asio = boost::asio;
namespace modbus = transport::modbus;

/// So many hosts are asked at the same time.
constexpr std::size_t kScanners = 64;

/// Everything one reading needs, in as many connections as the controller wants.
asio::awaitable<LinkResult<Image>> read_image(const Link::Options& options) {
    modbus::TcpClient::Options client_options;
    client_options.host = options.host;
    client_options.port = options.port;
    client_options.mode = modbus::TcpClient::Mode::one_request_per_connection;
    client_options.connect_timeout = options.connect_timeout;
    client_options.response_timeout = options.response_timeout;
    const auto executor = co_await asio::this_coro::executor;
    modbus::TcpClient client{executor, client_options};
    Image image;
    static constexpr std::array kBlocks{kPollBlock, kSerialBlock, kModelBlock};
    for (const auto& block : kBlocks) {
        const bool eeprom = block.address != kPollBlock.address;
        const auto request = eeprom ? modbus::read_holding_registers(options.unit, block.address, block.count)
                                    : modbus::read_input_registers(options.unit, block.address, block.count);
        auto response = co_await client.ask(request);
        if (response) {
            image.add(block.address, std::move(response->registers));
        } else if (!eeprom || response.error().fault != modbus::Fault::exception) {
            co_return wire::Unexpected{LinkFault{response.error(), {}}};
        }
    }
    co_return image;
}

std::string_view unit_of(const Scale& scale) {
    if (scale.basis == Basis::volts_per_unit) {
        return "V";
    }
    if (scale.basis == Basis::amps_per_unit) {
        return "A";
    }
    if (scale.basis == Basis::both) {
        return "W";
    }
    return scale.layout == Layout::s16 && scale.unit != 1.0                       ? "V"
           : scale.layout == Layout::s16 || scale.layout == Layout::s16_or_absent ? "C"
           : scale.unit != 1.0                                                    ? "Ah"
                                                                                  : "";
}

/// The names of the bits that are set, in brackets.
std::string bit_names(std::uint32_t word, std::string_view (*name_of)(unsigned)) {
    std::string names;
    for (unsigned bit = 0; bit < 32; ++bit) {
        if ((word >> bit & 1) != 0) {
            names.append(names.empty() ? " (" : ", ").append(name_of(bit));
        }
    }
    return names.empty() ? names : names + ")";
}

/// What a number stands for, where it is an enumeration or a word of bits.
std::string meaning_of(std::string_view key, const nlohmann::ordered_json& value) {
    if (!value.is_number_unsigned()) {
        return {};
    }
    const auto number = value.get<std::uint32_t>();
    if (key == "charge_state") {
        return fmt::format(" ({})", name_of_state(number));
    }
    if (key == "led_state") {
        return fmt::format(" ({})", name_of_led(number));
    }
    if (key == "faults" || key == "fault_daily") {
        return bit_names(number, name_of_fault);
    }
    return key == "alarms" || key == "alarms_daily" ? bit_names(number, name_of_alarm) : std::string{};
}

void print_lines(const nlohmann::ordered_json& reading) {
    for (const auto& entry : reading["decoded"].items()) {
        const std::string& key = entry.key();
        const auto& value = entry.value();
        const auto* row =
            std::find_if(kRam.begin(), kRam.end(), [&](const auto& each) { return each.key == key; });
        const auto text = value.is_string() ? value.get<std::string>()
                          : value.is_null() ? "---"
                                            : value.dump();
        fmt::print("{:<26}{:>12} {}{}\n", key, text, row != kRam.end() ? unit_of(row->scale) : "",
                   meaning_of(key, value));
    }
    if (reading.contains("dip_switches_on")) {
        fmt::print("{:<26}{:>12}\n", "dip_switches_on", fmt::format("{}", reading["dip_switches_on"].dump()));
    }
}

struct Found {
    std::string host;
    Charger charger;
    Identity identity;
};

void print_found(const Found& found, bool as_json) {
    const auto serial = found.identity.serial.value_or("");
    const auto product = found.identity.product.value_or("TriStar MPPT");
    const auto& version = found.charger.software_version;
    const auto& volts = found.charger.battery_volts;
    if (as_json) {
        nlohmann::ordered_json line{{"host", found.host}, {"product", product}, {"serial", serial}};
        line["software_version"] = version ? nlohmann::ordered_json(*version) : nullptr;
        line["battery_voltage"] = volts ? nlohmann::ordered_json(rounded(*volts, 2)) : nullptr;
        fmt::print("{}\n", line.dump());
    } else {
        fmt::print("{:<16} {:<18} serial {:<10} software {:<4} battery {}\n", found.host, product, serial,
                   version ? std::to_string(*version) : "---",
                   volts ? fmt::format("{:.2f} V", *volts) : "---");
    }
    std::fflush(stdout);
}

/// What the scanners share.
struct Scan {
    std::vector<Endpoint> places;
    Link::Options options;
    bool as_json = false;
    std::size_t next = 0;
    std::size_t running = 0;
    int found = 0;
    asio::steady_timer finished;
};

asio::awaitable<void> scan_some(std::shared_ptr<Scan> work) {
    while (work->next < work->places.size()) {
        auto options = work->options;
        const auto& place = work->places[work->next++];
        options.host = place.host;
        options.port = place.port;
        const auto image = co_await read_image(options);
        if (!image) {
            continue;
        }
        const auto charger = decode_charger(*image);
        if (charger) {
            ++work->found;
            print_found({options.host, *charger, decode_identity(*image)}, work->as_json);
        }
    }
    if (--work->running == 0) {
        work->finished.cancel();
    }
}

}  // namespace

asio::awaitable<int> print_reading(Link::Options options, bool as_json) {
    const auto image = co_await read_image(options);
    if (!image) {
        fmt::print(stderr, "{}:{}: {}\n", options.host, options.port, image.error().text());
        co_return 1;
    }
    const auto charger = decode_charger(*image);
    if (!charger) {
        fmt::print(stderr, "{}:{}: {}\n", options.host, options.port, describe(charger.error()));
        co_return 1;
    }
    const auto reading = to_json(*image);
    if (as_json) {
        fmt::print("{}\n", reading.dump());
    } else {
        print_lines(reading);
    }
    co_return 0;
}

std::optional<std::vector<Endpoint>> places_of(const std::string& word, std::uint16_t port) {
    if (word.find('/') == std::string::npos) {
        auto named = endpoints_of(word, port);
        return named.refused.empty() && !named.usable.empty() ? std::optional(std::move(named.usable))
                                                              : std::nullopt;
    }
    constexpr int kLargestSubnet = 16;
    boost::system::error_code fault;
    const auto network = asio::ip::make_network_v4(word, fault);
    if (fault || network.prefix_length() < kLargestSubnet) {
        return std::nullopt;
    }
    std::vector<Endpoint> places;
    for (const auto& address : network.hosts()) {
        places.push_back({address.to_string(), port});
    }
    return places;
}

asio::awaitable<int> scan(std::vector<Endpoint> places, Link::Options options, bool as_json) {
    const auto executor = co_await asio::this_coro::executor;
    auto work = std::make_shared<Scan>(
        Scan{std::move(places), options, as_json, 0, 0, 0, asio::steady_timer{executor}});
    work->finished.expires_at(asio::steady_timer::time_point::max());
    work->running = std::min(kScanners, work->places.size());
    for (std::size_t i = work->running; i > 0; --i) {
        asio::co_spawn(executor, scan_some(work), asio::detached);
    }
    while (work->running > 0) {
        boost::system::error_code ended;
        co_await work->finished.async_wait(asio::redirect_error(asio::use_awaitable, ended));
    }
    if (work->found == 0) {
        fmt::print(stderr, "no controller found\n");
    }
    co_return work->found > 0 ? 0 : 1;
}

}  // namespace tristar
