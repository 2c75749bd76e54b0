#include "smartsolar/protocol/registers.hpp"

#include "smartsolar/protocol/register_table.hpp"
#include "smartsolar/protocol/text.hpp"

#include <algorithm>
#include <array>

namespace smartsolar {

namespace {

constexpr const auto& kRegisterRows = register_rows::kRows;

// What is ever written on behalf of a user.
struct AllowedWrite {
    std::uint16_t number;
    std::array<std::int64_t, 4> values;
};
// 1 on and 4 off of a charger; 2 on, 4 off and 5 eco of an inverter.
constexpr auto kAllowedWrites = std::to_array<AllowedWrite>({
    {vreg::kDeviceMode, {1, 2, 4, 5}},
});

constexpr auto kPublished = std::to_array<std::uint16_t>(
    {0x0382, 0x0383, 0x0FFE, 0x0FFF, 0xED7D, 0xED8C, 0xED8D, 0xED8E, 0xEDEC, 0xEEFF});

std::string hex_digits(std::uint32_t value, int digits) {
    static constexpr char kDigits[] = "0123456789ABCDEF";
    std::string text;
    for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) {
        text += kDigits[value >> shift & 15];
    }
    return text;
}

std::string major_minor(std::uint32_t major, std::uint32_t minor) {
    std::string text = "v";
    text += hex_digits(major, major > 0xF ? 2 : 1);
    text += '.';
    text += hex_digits(minor, 2);
    return text;
}

// The raw number of a register, or nothing when the length is not that of the type.
std::optional<std::uint32_t> raw_number(RegisterType type, wire::Bytes data) {
    const unsigned bits = register_rows::bits_of(type);
    const bool either = type == RegisterType::u16_or_u32 && data.size() == 2;
    if (bits == 0 || (data.size() * 8 != bits && !either)) {
        return std::nullopt;
    }
    std::uint32_t raw = 0;
    for (std::size_t i = data.size(); i-- > 0;) {
        raw = raw << 8 | data[i];
    }
    return raw;
}

bool is_absent(const Register& row, std::uint32_t raw, std::size_t width) {
    if (!row.absent) {
        return false;
    }
    const bool narrow = row.type == RegisterType::u16_or_u32 && width == 2;
    return raw == (narrow ? *row.absent & 0xFFFF : *row.absent);
}

std::int64_t signed_number(RegisterType type, std::uint32_t raw) {
    switch (type) {
        case RegisterType::s16:
            return wire::sign_extend(raw, 16);
        case RegisterType::s32:
            return wire::s32(raw);
        default:
            return raw;
    }
}

using Decoded = wire::Expected<RegisterValue, RegisterFault>;

Decoded decode_number(const Register& row, wire::Bytes data) {
    const auto raw = raw_number(row.type, data);
    if (!raw) {
        return wire::Unexpected{RegisterFault::length_mismatch};
    }
    if (is_absent(row, *raw, data.size())) {
        return RegisterValue{};
    }
    const std::int64_t number = signed_number(row.type, *raw);
    if (row.per_unit == 1) {
        return RegisterValue{number};
    }
    return RegisterValue{static_cast<double>(number) / row.per_unit};
}

std::optional<std::uint16_t> product_number(wire::Bytes data) {
    if (data.size() == 4) {
        return wire::le16(data, 1);
    }
    // Chargers behind a VE.Direct dongle send the bare number, the other way round.
    return data.size() == 2 ? std::optional(wire::be16(data, 0)) : std::nullopt;
}

std::string mac_text(wire::Bytes data) {
    std::string text;
    for (const auto& byte : data) {
        text += text.empty() ? "" : ":";
        text += wire::to_hex({&byte, 1});
    }
    return text;
}

Decoded decode_version(wire::Bytes data) {
    if (data.size() != 4) {
        return wire::Unexpected{RegisterFault::length_mismatch};
    }
    const auto number = firmware_number(data);
    return number ? RegisterValue{firmware_text(*number)} : RegisterValue{};
}

Decoded decode_product(wire::Bytes data) {
    const auto number = product_number(data);
    if (!number) {
        return wire::Unexpected{RegisterFault::length_mismatch};
    }
    std::string text = "0x";
    text += hex_digits(*number, 4);
    return RegisterValue{std::move(text)};
}

Decoded decode_mac(wire::Bytes data) {
    if (data.size() != 6) {
        return wire::Unexpected{RegisterFault::length_mismatch};
    }
    return RegisterValue{mac_text(data)};
}

Decoded decode_history(wire::Bytes data) {
    const auto day = decode_history_day(data);
    if (!day) {
        return wire::Unexpected{RegisterFault::length_mismatch};
    }
    return RegisterValue{*day};
}

// All ones mean that the field is not available.
template <unsigned width>
std::optional<std::uint32_t> history_number(wire::Bytes data, std::size_t at) {
    std::uint32_t raw = 0;
    for (std::size_t i = width; i-- > 0;) {
        raw = raw << 8 | data[at + i];
    }
    constexpr std::uint32_t kAll = width == 4 ? ~std::uint32_t{0} : (std::uint32_t{1} << (width * 8U)) - 1;
    return raw == kAll ? std::nullopt : std::optional(raw);
}

template <unsigned width>
Quantity history_quantity(wire::Bytes data, std::size_t at, double per_unit = 1) {
    const auto raw = history_number<width>(data, at);
    return raw ? Quantity(*raw / per_unit) : std::nullopt;
}

template <unsigned width>
Code history_code(wire::Bytes data, std::size_t at) {
    const auto raw = history_number<width>(data, at);
    return raw ? Code(*raw) : std::nullopt;
}

}  // namespace

std::span<const Register> registers() {
    return kRegisterRows;
}

const Register* find_register(std::uint16_t number) {
    const auto after =
        std::upper_bound(kRegisterRows.begin(), kRegisterRows.end(), number,
                         [](std::uint16_t wanted, const Register& row) { return wanted < row.first; });
    if (after == kRegisterRows.begin() || std::prev(after)->last < number) {
        return nullptr;
    }
    return &*std::prev(after);
}

Decoded decode_register(std::uint16_t number, wire::Bytes data) {
    const Register* row = find_register(number);
    if (row == nullptr) {
        return wire::Unexpected{RegisterFault::unknown};
    }
    switch (row->type) {
        case RegisterType::opaque:
            return wire::Unexpected{RegisterFault::no_number};
        case RegisterType::text:
            return RegisterValue{clean_text(data)};
        case RegisterType::version:
            return decode_version(data);
        case RegisterType::product_id:
            return decode_product(data);
        case RegisterType::mac_address:
            return decode_mac(data);
        case RegisterType::history_day:
            return decode_history(data);
        default:
            return decode_number(*row, data);
    }
}

bool apply_register(Reading& reading, std::uint16_t number, wire::Bytes data) {
    const Register* row = find_register(number);
    if (row == nullptr) {
        return false;
    }
    const auto raw = raw_number(row->type, data);
    if (!raw) {
        return false;
    }
    const bool absent = is_absent(*row, *raw, data.size());
    const std::int64_t value = signed_number(row->type, *raw);
    if (const auto* quantity = std::get_if<Quantity Reading::*>(&row->into)) {
        reading.*(*quantity) = absent ? std::nullopt : Quantity(static_cast<double>(value) / row->per_unit);
        return true;
    }
    if (const auto* code = std::get_if<Code Reading::*>(&row->into)) {
        reading.*(*code) = absent ? std::nullopt : Code(value);
        return true;
    }
    return false;
}

bool apply_register(Identity& identity, std::uint16_t number, wire::Bytes data) {
    switch (number) {
        case vreg::kProductId:
            identity.product_id = product_number(data);
            return identity.product_id.has_value();
        case vreg::kFirmware:
            identity.firmware = firmware_number(data);
            return identity.firmware.has_value();
        case vreg::kSerial:
            identity.serial = clean_text(data);
            return true;
        case vreg::kModel:
            identity.model = clean_text(data);
            return true;
        case vreg::kCustomName:
            identity.custom_name = clean_text(data);
            return true;
        default:
            return false;
    }
}

std::optional<std::uint32_t> firmware_number(wire::Bytes data) {
    constexpr std::uint32_t kAbsent = 0xFFFFFF;
    if (data.size() != 4 || wire::le24(data, 1) == kAbsent) {
        return std::nullopt;
    }
    return wire::le24(data, 1);
}

std::string firmware_text(std::uint32_t number) {
    constexpr std::uint32_t kRelease = 0xFF;
    const std::uint32_t high = number >> 16 & 0xFF;
    const std::uint32_t middle = number >> 8 & 0xFF;
    const std::uint32_t low = number & 0xFF;
    if (high == 0) {
        return major_minor(middle, low);
    }
    std::string text = major_minor(high, middle);
    if (low != kRelease) {
        text += "-beta-";
        text += hex_digits(low, 2);
    }
    return text;
}

std::optional<HistoryDay> decode_history_day(wire::Bytes data) {
    constexpr std::size_t kSize = 34;
    constexpr std::uint8_t kVersion = 0;
    if (data.size() != kSize || data[0] != kVersion) {
        return std::nullopt;
    }
    return HistoryDay{
        .yield_kwh = history_quantity<4>(data, 1, 100),
        .consumed_kwh = history_quantity<4>(data, 5, 100),
        .battery_voltage_max_v = history_quantity<2>(data, 9, 100),
        .battery_voltage_min_v = history_quantity<2>(data, 11, 100),
        .error_database = history_code<1>(data, 13),
        .errors = {history_code<1>(data, 14), history_code<1>(data, 15), history_code<1>(data, 16),
                   history_code<1>(data, 17)},
        .bulk_min = history_quantity<2>(data, 18),
        .absorption_min = history_quantity<2>(data, 20),
        .float_min = history_quantity<2>(data, 22),
        .power_max_w = history_quantity<4>(data, 24),
        .battery_current_max_a = history_quantity<2>(data, 28, 10),
        .pv_voltage_max_v = history_quantity<2>(data, 30, 100),
        .day_number = history_code<2>(data, 32),
    };
}

bool write_allowed(std::uint16_t number, std::int64_t value) {
    return std::any_of(kAllowedWrites.begin(), kAllowedWrites.end(), [&](const AllowedWrite& allowed) {
        return allowed.number == number
               && std::find(allowed.values.begin(), allowed.values.end(), value) != allowed.values.end();
    });
}

std::span<const std::uint16_t> published_registers() {
    return kPublished;
}

Decoded decode_published(std::uint16_t number, wire::Bytes data) {
    if (number == kPublishedKeepAlive) {
        return decode_register(vreg::kKeepAlive, data);
    }
    if (std::find(kPublished.begin(), kPublished.end(), number) == kPublished.end()) {
        return wire::Unexpected{RegisterFault::unknown};
    }
    return decode_register(number, data);
}

}  // namespace smartsolar
