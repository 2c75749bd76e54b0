#include "tsmppt/protocol/image.hpp"

#include "wire/bytes.hpp"

#include <array>
#include <utility>

namespace tristar {

namespace {

using wire::Unexpected;

struct Factors {
    double volts_per_unit = 0;
    double amps_per_unit = 0;

    [[nodiscard]] double of(Basis basis) const {
        switch (basis) {
            case Basis::volts_per_unit:
                return volts_per_unit;
            case Basis::amps_per_unit:
                return amps_per_unit;
            case Basis::both:
                return volts_per_unit * amps_per_unit;
            case Basis::one:
                break;
        }
        return 1.0;
    }
};

std::optional<std::uint32_t> from_bcd(std::uint16_t word) {
    std::uint32_t value = 0;
    for (int shift = 12; shift >= 0; shift -= 4) {
        const auto digit = word >> shift & 0xFu;
        if (digit > 9) {
            return std::nullopt;
        }
        value = value * 10 + digit;
    }
    return value;
}

/// The counts of a row, before its scale; empty when a word is missing or stands for "none".
std::optional<double> counts(const Image& image, std::uint16_t address, Layout layout) {
    const auto first = image.at(address);
    if (!first) {
        return std::nullopt;
    }
    switch (layout) {
        case Layout::u16:
            return *first;
        case Layout::s16:
            return wire::s16(*first);
        case Layout::s16_or_absent: {
            const bool absent = *first == 0x0080 || *first == 0xFF80;
            return absent ? std::nullopt : std::optional<double>{wire::s16(*first)};
        }
        case Layout::bcd16:
            return from_bcd(*first);
        case Layout::u32_high_first:
        case Layout::fraction_high_first:
            break;
    }
    const auto second = image.at(static_cast<std::uint16_t>(address + 1));
    if (!second) {
        return std::nullopt;
    }
    return layout == Layout::u32_high_first ? *first * 65536.0 + *second : *first + *second / 65536.0;
}

template <class Model>
void decode_row(const Register<Model>& row, const Image& image, const Factors& factors, Model& model) {
    const auto raw = counts(image, row.address, row.scale.layout);
    if (const auto* number = std::get_if<typename Register<Model>::Number>(&row.member)) {
        model.** number =
            raw ? std::optional{*raw * factors.of(row.scale.basis) * row.scale.unit} : std::nullopt;
    } else {
        const auto word = std::get<typename Register<Model>::Word>(row.member);
        model.*word = raw ? std::optional{static_cast<std::uint32_t>(*raw)} : std::nullopt;
    }
}

/// What no controller of the family can measure, the 600 V models included, means that something else answered.
struct Bounds {
    std::optional<double> Charger::*member;
    double lowest, highest;
};
constexpr auto kBounds = std::to_array<Bounds>({
    {&Charger::volts_per_unit, 10, 2000},
    {&Charger::amps_per_unit, 1, 1000},
    {&Charger::battery_volts, -10, 100},
    {&Charger::battery_amps, -100, 200},
    {&Charger::array_volts, -20, 700},
    {&Charger::heatsink_celsius, -127, 127},
    {&Charger::output_watts, 0, 50000},
});

bool is_plausible(const Charger& charger) {
    for (const auto& [member, lowest, highest] : kBounds) {
        const auto& value = charger.*member;
        if (value && (*value < lowest || *value > highest)) {
            return false;
        }
    }
    return true;
}

std::optional<std::string> serial_of(const Image& image) {
    if (!image.has(kSerialBlock.address, kSerialBlock.count)) {
        return std::nullopt;
    }
    std::string serial;
    for (std::uint16_t i = 0; i < kSerialBlock.count; ++i) {
        const auto word = *image.at(static_cast<std::uint16_t>(kSerialBlock.address + i));
        serial += static_cast<char>(word & 0xFF);
        serial += static_cast<char>(word >> 8);
    }
    for (const char c : serial) {
        const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!plain) {
            return std::nullopt;
        }
    }
    return serial;
}

/// Rated charge current by model code.
constexpr std::array<int, 3> kRatedAmps{45, 60, 30};

}  // namespace

void Image::add(std::uint16_t address, std::vector<std::uint16_t> words) {
    const std::size_t room = 0x10000u - address;
    if (words.size() > room) {
        words.resize(room);
    }
    runs_.push_back({address, std::move(words)});
}

void Image::add(std::uint16_t address, std::uint16_t word) {
    if (!runs_.empty() && runs_.back().address + runs_.back().words.size() == address) {
        runs_.back().words.push_back(word);
    } else {
        runs_.push_back({address, {word}});
    }
}

std::optional<std::uint16_t> Image::at(std::uint16_t address) const {
    for (const auto& run : runs_) {
        if (address >= run.address && address - run.address < run.words.size()) {
            return run.words[address - run.address];
        }
    }
    return std::nullopt;
}

bool Image::has(std::uint16_t address, std::uint16_t words) const {
    for (std::uint16_t i = 0; i < words; ++i) {
        if (!at(static_cast<std::uint16_t>(address + i))) {
            return false;
        }
    }
    return true;
}

std::string_view describe(ImageFault fault) {
    return fault == ImageFault::no_scaling
               ? "the scaling words are missing or zero: the controller is starting or the read failed"
               : "the values cannot be those of a TriStar MPPT";
}

wire::Expected<Charger, ImageFault> decode_charger(const Image& image) {
    const Factors factors{counts(image, 0, kPerUnit.layout).value_or(0),
                          counts(image, 2, kPerUnit.layout).value_or(0)};
    if (factors.volts_per_unit <= 0 || factors.amps_per_unit <= 0) {
        return Unexpected{ImageFault::no_scaling};
    }
    Charger charger;
    for (const auto& row : kRam) {
        decode_row(row, image, factors, charger);
    }
    if (!is_plausible(charger)) {
        return Unexpected{ImageFault::implausible};
    }
    if (image.has(kRemoteSensorRegister)) {
        charger.remote_sensor_connected = charger.remote_celsius.has_value();
    }
    return charger;
}

SetPoints decode_set_points(const Image& image, double volts_per_unit) {
    SetPoints points;
    for (const auto& row : kEeprom) {
        decode_row(row, image, Factors{volts_per_unit, 0}, points);
    }
    return points;
}

Identity decode_identity(const Image& image) {
    Identity identity;
    identity.serial = serial_of(image);
    if (const auto model = image.at(kModelRegister)) {
        identity.product = "TriStar MPPT";
        if (*model < kRatedAmps.size()) {
            identity.rated_amps = kRatedAmps[*model];
            identity.product->append(" ").append(std::to_string(kRatedAmps[*model]));
        }
    }
    if (const auto version = image.at(kHardwareRegister)) {
        identity.hardware_version = std::to_string(*version >> 8) + "." + std::to_string(*version & 0xFF);
    }
    return identity;
}

}  // namespace tristar
