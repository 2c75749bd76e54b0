#include "smartsolar/protocol/query_report.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace smartsolar {

namespace {

enum class Form : std::uint8_t { integer, hundredths, tenths, hex, mac };

struct Row {
    std::uint16_t number;
    std::string_view key;
    Form form;
};

constexpr auto kRows = std::to_array<Row>({
    {0x0102, "Firmware version", Form::hex},
    {0x0200, "Device mode", Form::integer},
    {0x2211, "Adjustable voltage minimum (V)", Form::hundredths},
    {0x2212, "Adjustable voltage maximum (V)", Form::hundredths},
    {0xEC5A, "Uptime (s)", Form::integer},
    {0xEC66, "Mac address", Form::mac},
    {0xED8D, "Channel 1 voltage (V)", Form::hundredths},
    {0xED8F, "Channel 1 current (A)", Form::tenths},
    {0xEDA8, "Load output status", Form::integer},
    {0xEDA9, "Load output voltage (V)", Form::hundredths},
    {0xEDAC, "Load output offset voltage (V)", Form::hundredths},
    {0xEDAD, "Load output actual current", Form::tenths},
    {0xEDBB, "Input Voltage (V)", Form::hundredths},
    {0xEDBC, "Input power (W)", Form::hundredths},
    {0xEDEC, "Battery temperature (K)", Form::hundredths},
});

constexpr auto kIgnored =
    std::to_array<std::uint16_t>({0x9342, 0x010D, 0xEC65, 0xEC7D, 0xEC3F, 0xEC12, 0x0100, 0xED8C, 0xEC88,
                                  0x0202, 0x010E, 0x9041, 0x0150, 0xEC89, 0xEC8A});

std::optional<std::uint64_t> unsigned_number(wire::Bytes data) {
    if (data.empty() || data.size() > 8) {
        return std::nullopt;
    }
    std::uint64_t number = 0;
    for (std::size_t i = data.size(); i-- > 0;) {
        number = number << 8 | data[i];
    }
    return number;
}

std::string quoted(std::string_view text) {
    return '"' + std::string(text) + '"';
}

std::string mac(wire::Bytes data) {
    std::string text;
    for (const auto& byte : data) {
        text += text.empty() ? "" : ":";
        text += wire::to_hex({&byte, 1});
    }
    return text;
}

std::optional<std::string> rendered(Form form, wire::Bytes data) {
    if (form == Form::hex) {
        return quoted(wire::to_hex(data));
    }
    if (form == Form::mac) {
        return quoted(mac(data));
    }
    const auto number = unsigned_number(data);
    if (!number) {
        return std::nullopt;
    }
    // A product, not a quotient: the digits of the original depend on it.
    switch (form) {
        case Form::hundredths:
            return shortest(static_cast<double>(*number) * 0.01);
        case Form::tenths:
            return shortest(static_cast<double>(*number) * 0.1);
        default:
            return std::to_string(*number);
    }
}

}  // namespace

std::string shortest(double value) {
    std::array<char, 400> digits{};
    const auto end =
        std::to_chars(digits.data(), digits.data() + digits.size(), value, std::chars_format::fixed).ptr;
    std::string text(digits.data(), end);
    return text.find('.') == std::string::npos ? text + ".0" : text;
}

QueryReport::Outcome QueryReport::accept(std::uint16_t number, wire::Bytes data) {
    const auto row =
        std::find_if(kRows.begin(), kRows.end(), [&](const Row& r) { return r.number == number; });
    if (row == kRows.end()) {
        const bool known = std::find(kIgnored.begin(), kIgnored.end(), number) != kIgnored.end();
        return known ? Outcome::ignored : Outcome::unknown;
    }
    auto value = rendered(row->form, data);
    if (!value) {
        return Outcome::unusable;
    }
    const auto entry =
        std::find_if(entries_.begin(), entries_.end(), [&](const auto& e) { return e.first == row->key; });
    if (entry != entries_.end()) {
        entry->second = *std::move(value);
    } else {
        entries_.emplace_back(row->key, *std::move(value));
    }
    return Outcome::stored;
}

std::string QueryReport::line() const {
    std::string text = "{";
    for (const auto& [key, value] : entries_) {
        text += text.size() > 1 ? ", " : "";
        text += quoted(key) + ": " + value;
    }
    return text + "}";
}

}  // namespace smartsolar
