#include "serialbattery/table.hpp"

#include <cmath>
#include <cstdio>

namespace bms {

std::optional<std::int64_t> raw_value(const Field& field, const Payload& payload) {
    const auto at = payload.locate(field.at, width(field.raw));
    if (!at) {
        return std::nullopt;
    }
    const Bytes bytes = payload.bytes;
    switch (field.raw) {
        case Raw::u8:
            return bytes[*at];
        case Raw::s8:
            return static_cast<std::int8_t>(bytes[*at]);
        case Raw::low8:
            return bytes[*at + 1];
        case Raw::u16be:
            return wire::be16(bytes, *at);
        case Raw::s16be:
            return wire::s16(wire::be16(bytes, *at));
        case Raw::u16le:
            return wire::le16(bytes, *at);
        case Raw::s16le:
            return wire::s16(wire::le16(bytes, *at));
        case Raw::u24be:
            return wire::be24(bytes, *at);
        case Raw::u32be:
            return wire::be32(bytes, *at);
        case Raw::s32be:
            return wire::s32(wire::be32(bytes, *at));
        case Raw::u32le:
            return wire::le32(bytes, *at);
        case Raw::s32le:
            return wire::s32(wire::le32(bytes, *at));
        case Raw::flag:
            return bytes[*at] >> field.bit & 1;
        case Raw::flag16:
            return wire::be16(bytes, *at) >> field.bit & 1;
        case Raw::truth8:
            return bytes[*at] != 0 ? 1 : 0;
        case Raw::truth16:
            return wire::be16(bytes, *at) != 0 ? 1 : 0;
    }
    return std::nullopt;
}

std::optional<double> scaled(const Field& field, const Payload& payload) {
    const auto raw = raw_value(field, payload);
    if (!raw) {
        return std::nullopt;
    }
    if (field.absent
        && (static_cast<std::uint64_t>(*raw) & (~std::uint64_t{0} >> (64 - 8 * width(field.raw))))
               == *field.absent) {
        return std::nullopt;
    }
    if (is_truth(field.raw)) {
        return static_cast<double>(*raw);
    }
    const double value = (static_cast<double>(*raw) - field.zero) / field.per_unit;
    return value == 0 ? 0 : value;  // no negative zero
}

namespace {

struct Store {
    Battery& battery;
    std::optional<double> value;

    void operator()(std::monostate) const {}
    void operator()(std::optional<double> Battery::*member) const { battery.*member = value; }
    void operator()(std::optional<bool> Battery::*member) const {
        battery.*member = value ? std::optional<bool>(*value != 0) : std::nullopt;
    }
    void operator()(std::optional<std::uint32_t> Battery::*member) const {
        battery.*member = value && *value >= 0
                              ? std::optional<std::uint32_t>(static_cast<std::uint32_t>(*value))
                              : std::nullopt;
    }
};

}  // namespace

void load(std::span<const Field> fields, const Payload& payload, Battery& battery) {
    for (const auto& field : fields) {
        std::visit(Store{battery, scaled(field, payload)}, field.target);
    }
}

void load(std::span<const Field> fields, const Payload& payload, Record& record) {
    for (const auto& field : fields) {
        if (field.key.empty() || !payload.locate(field.at, width(field.raw))) {
            continue;
        }
        const auto value = scaled(field, payload);
        if (!value) {
            record.set(field.key, nullptr);
        } else if (is_truth(field.raw)) {
            record.set(field.key, *value != 0);
        } else if (std::abs(field.per_unit) == 1) {
            record.set(field.key, static_cast<std::int64_t>(*value));
        } else {
            record.set(field.key, *value);
        }
    }
}

void forget(std::span<const Field> fields, Battery& battery) {
    for (const auto& field : fields) {
        std::visit(Store{battery, std::nullopt}, field.target);
    }
}

void load_inside(std::span<const Field> fields, const Payload& payload, Battery& battery) {
    for (const auto& field : fields) {
        if (payload.locate(field.at, width(field.raw))) {
            std::visit(Store{battery, scaled(field, payload)}, field.target);
        }
    }
}

void forget(std::span<const Field> fields, std::uint32_t first, std::uint32_t count, Battery& battery) {
    for (const auto& field : fields) {
        if (field.at >= first && field.at < first + count) {
            std::visit(Store{battery, std::nullopt}, field.target);
        }
    }
}

void raise(std::span<const Flag> flags, std::uint64_t word, Alarms& alarms) {
    for (const auto& flag : flags) {
        if (!flag.alarm) {
            continue;
        }
        alarms.supports(*flag.alarm);
        if ((word >> flag.bit & 1) != 0) {
            alarms.raise(*flag.alarm, flag.level);
        }
    }
}

List names(std::span<const Flag> flags, std::uint64_t word) {
    List set;
    for (const auto& flag : flags) {
        if (!flag.name.empty() && (word >> flag.bit & 1) != 0) {
            set.emplace_back(flag.name);
        }
    }
    return set;
}

Record venus(const Alarms& alarms) {
    Record raised;
    for (std::size_t i = 0; i < kAlarmCount; ++i) {
        const auto level = alarms[static_cast<Alarm>(i)];
        if (level && *level != Level::ok) {
            raised.set(kAlarmNames[i], static_cast<int>(*level));
        }
    }
    return raised;
}

std::vector<std::uint16_t> words(Bytes bytes, const CellRun& run) {
    std::vector<std::uint16_t> values;
    values.reserve(run.count);
    for (std::size_t i = 0; i < run.count && i * run.stride + 2 <= bytes.size(); ++i) {
        values.push_back(run.big_endian ? wire::be16(bytes, i * run.stride)
                                        : wire::le16(bytes, i * run.stride));
    }
    return values;
}

void set_cells(Battery& battery, std::span<const std::uint16_t> millivolts, std::uint16_t empty) {
    battery.cells.resize(millivolts.size());
    for (std::size_t i = 0; i < millivolts.size(); ++i) {
        battery.cells[i].volts =
            millivolts[i] == empty ? std::nullopt : std::optional<double>(millivolts[i] / 1000.0);
    }
}

void set_balancing(Battery& battery, std::uint64_t mask) {
    bool any = false;
    for (std::size_t i = 0; i < battery.cells.size() && i < 64; ++i) {
        const bool on = (mask >> i & 1) != 0;
        battery.cells[i].balancing = on;
        any = any || on;
    }
    battery.balancing = any;
}

List set_bits(std::uint64_t mask) {
    List numbers;
    for (int bit = 0; bit < 64; ++bit) {
        if ((mask >> bit & 1) != 0) {
            numbers.emplace_back(bit + 1);
        }
    }
    return numbers;
}

List to_list(std::span<const std::uint16_t> values) {
    List list;
    list.reserve(values.size());
    for (const auto value : values) {
        list.emplace_back(int{value});
    }
    return list;
}

std::string to_text(const Date& date) {
    char text[16];
    std::snprintf(text, sizeof text, "%04u-%02u-%02u", unsigned{date.year}, unsigned{date.month},
                  unsigned{date.day});
    return text;
}

}  // namespace bms
