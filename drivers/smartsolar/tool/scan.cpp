#include "smartsolar/tool/scan.hpp"

#include "common/pause.hpp"
#include "smartsolar/bluez/client.hpp"
#include "smartsolar/protocol/advertisement.hpp"
#include "smartsolar/protocol/products.hpp"
#include "smartsolar/protocol/records.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>
#include <velib/monitor.hpp>

namespace smartsolar {
namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

namespace {

struct Heard {
    std::string address;
    std::string name;
    std::uint16_t product = 0;
    std::optional<std::int16_t> rssi;
    wire::Buffer frame;
    Clock::time_point at{};
};

// Everything heard, and the keys the settings service has.
class Listener {
  public:
    explicit Listener(const velib::BusContext& bus)
        : keys_(bus, {"com.victronenergy.settings"}, {}),
          client_(bus, {.advertisement = [this](const bluez::DeviceState& device, wire::Bytes data) {
                      take(device, data);
                  }}) {}

    bluez::Client& client() { return client_; }

    /// Strongest signal first.
    [[nodiscard]] std::vector<const Heard*> sorted() const {
        std::vector<const Heard*> all;
        for (const auto& [address, heard] : heard_) {
            all.push_back(&heard);
        }
        std::ranges::stable_sort(all, std::greater{},
                                 [](const Heard* heard) { return heard->rssi.value_or(-128); });
        return all;
    }

    [[nodiscard]] std::optional<Key> key_of(const std::string& address) const {
        std::string id = "ble_";
        std::ranges::copy_if(address, std::back_inserter(id), [](char c) { return c != ':'; });
        for (const auto& [name, service] : keys_.services()) {
            const auto value = service.value("/Settings/Devices/" + id + "/Key");
            if (const auto* text = value.text()) {
                if (const auto key = parse_key(*text)) {
                    return *key;
                }
            }
        }
        return std::nullopt;
    }

  private:
    void take(const bluez::DeviceState& device, wire::Bytes data) {
        const auto product = advertised_product(data);
        if (!product) {
            return;
        }
        auto& heard = heard_[device.address];
        heard.address = device.address;
        heard.name = device.name;
        heard.product = *product;
        heard.rssi = device.rssi ? device.rssi : heard.rssi;
        heard.frame.assign(data.begin(), data.end());
        heard.at = Clock::now();
    }

    std::map<std::string, Heard> heard_;
    velib::Monitor keys_;
    bluez::Client client_;
};

std::string kind_of(const Heard& heard) {
    const auto header = parse_header(heard.frame);
    if (!header) {
        return header.error() == ReadoutFault::no_record ? "Instant Readout is off" : "";
    }
    const auto* layout = find_layout(header->record_type);
    return layout != nullptr ? std::string(layout->name)
                             : fmt::format("record 0x{:02X}", header->record_type);
}

std::string key_state(const Heard& heard, const std::optional<Key>& key) {
    const auto readout = decode_readout(heard.frame, key ? &*key : nullptr);
    if (readout) {
        return readout->record_type < 0xFF ? "right" : "not needed";
    }
    switch (readout.error()) {
        case ReadoutFault::no_key:
            return "missing";
        case ReadoutFault::key_mismatch:
            return "wrong";
        case ReadoutFault::unknown_record_type:
            return key ? "right" : "missing";
        default:
            return "";
    }
}

std::string field_text(const Field& field, const Reading& reading) {
    if (const auto* code = std::get_if<Code Reading::*>(&field.into)) {
        const auto& value = reading.*(*code);
        return value ? fmt::format("{}={}", field.key, *value) : "";
    }
    const auto& value = reading.*std::get<Quantity Reading::*>(field.into);
    return value ? fmt::format("{}={}", field.key, *value) : "";
}

std::string values_text(const Heard& heard, const std::optional<Key>& key) {
    const auto readout = decode_readout(heard.frame, key ? &*key : nullptr);
    if (!readout) {
        return "";
    }
    std::string text;
    for (const auto& field : find_layout(readout->record_type)->fields) {
        const auto one = field_text(field, readout->reading);
        text += one.empty() || text.empty() ? one : "  " + one;
    }
    for (std::size_t i = 0; i < readout->reading.cells_v.size(); ++i) {
        if (const auto& volts = readout->reading.cells_v[i]) {
            text += fmt::format("  cell_{}_v={}", i + 1, *volts);
        }
    }
    return text;
}

void print_json(const Listener& listener) {
    auto list = nlohmann::ordered_json::array();
    for (const auto* heard : listener.sorted()) {
        nlohmann::ordered_json entry = {{"address", heard->address},
                                        {"name", heard->name},
                                        {"product_id", fmt::format("0x{:04X}", heard->product)},
                                        {"product", product_text(heard->product)},
                                        {"kind", kind_of(*heard)},
                                        {"rssi_dbm", nullptr},
                                        {"key", key_state(*heard, listener.key_of(heard->address))}};
        if (heard->rssi) {
            entry["rssi_dbm"] = *heard->rssi;
        }
        list.push_back(std::move(entry));
    }
    fmt::print("{}\n", list.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

std::string line_of(const Heard& heard, const std::optional<Key>& key) {
    const auto signal = heard.rssi ? fmt::format("{} dBm", *heard.rssi) : std::string("-");
    return fmt::format("{:18} {:>8}  {:22} {:38} {:22} {}", heard.address, signal, kind_of(heard),
                       product_text(heard.product), heard.name, "key " + key_state(heard, key));
}

asio::awaitable<void> draw(const Listener& listener) {
    const bool terminal = isatty(STDOUT_FILENO) == 1;
    for (;;) {
        co_await common::pause(std::chrono::seconds(1));
        fmt::print("{}", terminal ? "\x1b[H\x1b[2J" : "\n");
        for (const auto* heard : listener.sorted()) {
            const auto key = listener.key_of(heard->address);
            const auto age =
                std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - heard->at).count();
            fmt::print("{}  {} s ago\n", line_of(*heard, key), age);
            if (const auto values = values_text(*heard, key); !values.empty()) {
                fmt::print("    {}\n", values);
            }
        }
        std::fflush(stdout);
    }
}

}  // namespace

asio::awaitable<int> scan(velib::BusContext bus, ScanOptions options) {
    using namespace asio::experimental::awaitable_operators;
    spdlog::set_level(spdlog::level::warn);
    Listener listener(bus);
    co_await (listener.client().listen(bluez::Client::Listening::active)
              || common::pause(std::chrono::duration<double>(options.seconds)));
    if (options.json) {
        print_json(listener);
        co_return 0;
    }
    const auto found = listener.sorted();
    for (const auto* heard : found) {
        fmt::print("{}\n", line_of(*heard, listener.key_of(heard->address)));
    }
    if (found.empty()) {
        fmt::print(stderr, "no Victron product was heard\n");
    }
    co_return found.empty() ? 1 : 0;
}

asio::awaitable<int> watch(velib::BusContext bus) {
    using namespace asio::experimental::awaitable_operators;
    spdlog::set_level(spdlog::level::warn);
    Listener listener(bus);
    co_await (listener.client().listen(bluez::Client::Listening::active) || draw(listener));
    co_return 0;
}

}  // namespace smartsolar
