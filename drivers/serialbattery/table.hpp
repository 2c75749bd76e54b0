#pragma once
// Frame layouts as data: one constexpr row per field, in the order of the device's own document. The same row
// fills the Battery and names the value for `decode`, so unit, sign and scale are written once.

#include "serialbattery/battery.hpp"
#include "serialbattery/record.hpp"
#include "wire/bytes.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

namespace bms {

using wire::Bytes;

/// How a field stands on the wire. `low8` is the second byte of a 16-bit word, `flag` one bit of a byte,
/// `flag16` one bit of a big-endian word, `truth8`/`truth16` a number that is 0 for false.
enum class Raw : std::uint8_t {
    u8,
    s8,
    low8,
    u16be,
    s16be,
    u16le,
    s16le,
    u24be,
    u32be,
    s32be,
    u32le,
    s32le,
    flag,
    flag16,
    truth8,
    truth16,
};

/// Bytes a field covers.
[[nodiscard]] constexpr std::size_t width(Raw raw) {
    switch (raw) {
        case Raw::u8:
        case Raw::s8:
        case Raw::flag:
        case Raw::truth8:
            return 1;
        case Raw::u24be:
            return 3;
        case Raw::u32be:
        case Raw::s32be:
        case Raw::u32le:
        case Raw::s32le:
            return 4;
        default:
            return 2;
    }
}

[[nodiscard]] constexpr bool is_truth(Raw raw) {
    return raw == Raw::flag || raw == Raw::flag16 || raw == Raw::truth8 || raw == Raw::truth16;
}

/// The member of Battery a field fills; none for fields that are only shown.
using Target = std::variant<std::monostate, std::optional<double> Battery::*, std::optional<bool> Battery::*,
                            std::optional<std::uint32_t> Battery::*>;

/// One field: value = (raw - zero) / per_unit. A negative per_unit turns the sign to Victron's.
struct Field {
    std::uint16_t at;  ///< byte offset in the payload, or register
    Raw raw;
    double per_unit;       ///< raw steps in one unit of the value; ignored for truth values
    std::string_view key;  ///< name in `decode`; empty: not listed
    Target target = {};
    double zero = 0;                           ///< the raw number that means 0
    std::uint8_t bit = 0;                      ///< of a flag
    std::optional<std::uint32_t> absent = {};  ///< raw number that means "not fitted"
};

/// The bytes fields are read from: a payload counted in bytes, or a run of registers.
struct Payload {
    Bytes bytes;
    std::uint32_t origin = 0;  ///< address of the first byte
    std::uint8_t step = 1;     ///< bytes per address
    /// Offset of `field` in bytes, nothing when it does not lie wholly inside.
    [[nodiscard]] std::optional<std::size_t> locate(std::uint32_t at, std::size_t bytes_wide) const {
        if (at < origin) {
            return std::nullopt;
        }
        const std::size_t offset = std::size_t{at - origin} * step;
        if (offset + bytes_wide > bytes.size()) {
            return std::nullopt;
        }
        return offset;
    }
};

/// Registers of a Modbus answer: `first` is the register the request asked for.
[[nodiscard]] inline Payload registers(std::uint16_t first, Bytes words) {
    return {words, first, 2};
}

/// The number a field holds, as it stands on the wire; nothing when the payload is too short for it.
[[nodiscard]] std::optional<std::int64_t> raw_value(const Field& field, const Payload& payload);

/// The value in the field's unit; nothing when the payload is too short or says "not fitted".
[[nodiscard]] std::optional<double> scaled(const Field& field, const Payload& payload);

/// Fills the members the fields name; a field that is past the end or absent becomes unknown.
void load(std::span<const Field> fields, const Payload& payload, Battery& battery);
/// Lists the fields that lie inside the payload.
void load(std::span<const Field> fields, const Payload& payload, Record& record);
/// Like load(), but leaves the members of fields outside the payload as they are: for a table that several answers
/// fill together.
void load_inside(std::span<const Field> fields, const Payload& payload, Battery& battery);
/// Makes every member the fields name unknown again; those of `count` addresses from `first` on only.
void forget(std::span<const Field> fields, Battery& battery);
void forget(std::span<const Field> fields, std::uint32_t first, std::uint32_t count, Battery& battery);

/// One bit of an alarm word. `name` is the bit's name in `decode`, empty when the word is shown as a number only.
struct Flag {
    std::uint8_t bit;
    std::optional<Alarm> alarm;
    Level level = Level::alarm;
    std::string_view name = {};
};

/// Every alarm the table names becomes known; those of set bits are raised.
void raise(std::span<const Flag> flags, std::uint64_t word, Alarms& alarms);
/// Names of the set bits in the order of the table.
[[nodiscard]] List names(std::span<const Flag> flags, std::uint64_t word);
/// The alarms that are not 0, as an object of name and level.
[[nodiscard]] Record venus(const Alarms& alarms);

/// `count` cells of 2 bytes in millivolts from the start of `bytes` on, `stride` apart; a short payload ends the list early.
struct CellRun {
    std::size_t count = 0;
    bool big_endian = true;
    std::size_t stride = 2;
};
[[nodiscard]] std::vector<std::uint16_t> words(Bytes bytes, const CellRun& run);

/// Millivolts into the cells' volts. Balancing flags stay; a slot of `empty` millivolts keeps its place without value.
void set_cells(Battery& battery, std::span<const std::uint16_t> millivolts, std::uint16_t empty = 0);
/// Balancing state of every present cell from a mask, bit 0 = cell 1.
void set_balancing(Battery& battery, std::uint64_t mask);
/// 1-based numbers of the set bits.
[[nodiscard]] List set_bits(std::uint64_t mask);
[[nodiscard]] List to_list(std::span<const std::uint16_t> values);

/// "2022-03-28"
[[nodiscard]] std::string to_text(const Date& date);

/// A table's rules: ascending, no overlap (flags of one word may share it), no key twice. For static_assert.
[[nodiscard]] constexpr bool well_formed(std::span<const Field> fields, std::size_t bytes_per_address = 1) {
    for (std::size_t i = 0; i < fields.size(); ++i) {
        if (fields[i].per_unit == 0 && !is_truth(fields[i].raw)) {
            return false;
        }
        for (std::size_t k = 0; k < i; ++k) {
            if (!fields[i].key.empty() && fields[i].key == fields[k].key) {
                return false;
            }
        }
        if (i == 0) {
            continue;
        }
        const bool share = fields[i].at == fields[i - 1].at;
        // One word may be shown as it came and scaled, give several flags, or hold two bytes.
        const bool same_word = width(fields[i].raw) == width(fields[i - 1].raw) || is_truth(fields[i].raw)
                               || (fields[i - 1].raw == Raw::u8 && fields[i].raw == Raw::low8);
        const auto end =
            fields[i - 1].at + (width(fields[i - 1].raw) + bytes_per_address - 1) / bytes_per_address;
        if (share ? !same_word : fields[i].at < end) {
            return false;
        }
    }
    return true;
}

/// Bits ascending, none twice, names unique.
[[nodiscard]] constexpr bool well_formed(std::span<const Flag> flags) {
    for (std::size_t i = 0; i < flags.size(); ++i) {
        if (i > 0 && flags[i].bit <= flags[i - 1].bit) {
            return false;
        }
        for (std::size_t k = 0; k < i; ++k) {
            if (!flags[i].name.empty() && flags[i].name == flags[k].name) {
                return false;
            }
        }
    }
    return true;
}

}  // namespace bms
