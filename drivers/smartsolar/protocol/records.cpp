#include "smartsolar/protocol/records.hpp"

#include "smartsolar/protocol/record_fields.hpp"

#include <algorithm>

namespace smartsolar {

namespace {

// SmartLithium cells: 10 mV steps from 2.60 V; the two ends of the range mean "below" and "above".
constexpr std::uint32_t kCellAbsent = 0x7F;
constexpr double kCellsPerVolt = 100;
constexpr double kCellBias = 260;

constexpr double minutes_since_sun(std::uint32_t raw) {
    if (raw < 30) {
        return 2.0 * raw;
    }
    return raw < 96 ? 60.0 + 10.0 * (raw - 30) : 720.0 + 30.0 * (raw - 96);
}

constexpr double kHighTransmitPowerDbm = 6;

double convert(const Field& field, std::uint32_t raw) {
    switch (field.curve) {
        case Curve::minutes_since_sun:
            return minutes_since_sun(raw);
        case Curve::transmit_power:
            return raw == 0 ? 0 : kHighTransmitPowerDbm;
        case Curve::linear:
            break;
    }
    const double number =
        field.sign == Sign::is_signed ? wire::sign_extend(raw, field.bits) : double{0} + raw;
    const double value = (number + field.bias) / field.per_unit;
    return value == 0 ? 0 : value;  // no negative zero
}

void store(Reading& reading, const Field& field, std::uint32_t raw) {
    if (const auto* quantity = std::get_if<Quantity Reading::*>(&field.into)) {
        reading.*(*quantity) = convert(field, raw);
        return;
    }
    const auto code =
        field.sign == Sign::is_signed ? std::int64_t{wire::sign_extend(raw, field.bits)} : std::int64_t{raw};
    reading.*std::get<Code Reading::*>(field.into) = code;
}

void decode_cells(Reading& reading, const CellBlock& cells, wire::Bytes plain) {
    for (std::size_t i = 0; i < cells.count; ++i) {
        const auto raw = extract_bits(plain, cells.start + i * cells.bits, cells.bits);
        if (!raw) {
            continue;
        }
        reading.cell_raw[i] = *raw;
        if (*raw != kCellAbsent) {
            reading.cells_v[i] = (kCellBias + *raw) / kCellsPerVolt;
        }
    }
}

bool applies(const Field& field, const Code& aux_mode) {
    return !field.only || (aux_mode && *aux_mode == static_cast<std::int64_t>(*field.only));
}

}  // namespace

std::span<const RecordLayout> record_layouts() {
    return fields::kLayouts;
}

const RecordLayout* find_layout(std::uint16_t type) {
    const auto found = std::find_if(fields::kLayouts.begin(), fields::kLayouts.end(),
                                    [&](const RecordLayout& layout) { return layout.type == type; });
    return found == fields::kLayouts.end() ? nullptr : &*found;
}

std::optional<std::uint32_t> extract_bits(wire::Bytes payload, std::size_t start, unsigned bits) {
    if (bits == 0 || bits > 32 || start + bits > payload.size() * 8) {
        return std::nullopt;
    }
    std::uint64_t word = 0;
    const std::size_t first = start / 8;
    const std::size_t last = (start + bits - 1) / 8;
    for (std::size_t i = last + 1; i-- > first;) {
        word = word << 8 | payload[i];
    }
    return static_cast<std::uint32_t>(word >> start % 8 & ((std::uint64_t{1} << bits) - 1));
}

std::optional<Reading> decode_record(std::uint16_t type, wire::Bytes plain) {
    const RecordLayout* layout = find_layout(type);
    if (layout == nullptr) {
        return std::nullopt;
    }
    Reading reading;
    for (const auto& field : layout->fields) {
        const auto raw = extract_bits(plain, field.start, field.bits);
        if (raw && raw != field.absent && !field.only) {
            store(reading, field, *raw);
        }
    }
    for (const auto& field : layout->fields) {
        const auto raw = extract_bits(plain, field.start, field.bits);
        if (raw && raw != field.absent && field.only && applies(field, reading.aux_mode)) {
            store(reading, field, *raw);
        }
    }
    if (layout->cells) {
        decode_cells(reading, *layout->cells, plain);
    }
    return reading;
}

}  // namespace smartsolar
