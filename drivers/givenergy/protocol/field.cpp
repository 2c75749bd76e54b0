#include "givenergy/protocol/field.hpp"

#include <algorithm>
#include <cctype>

namespace givenergy {

namespace {

constexpr std::uint16_t kNoSensor = 0xf556;  // -273.0 C
constexpr double kHighestFrequency = 100.0;

std::uint32_t pair(BankView bank, std::uint16_t high, std::uint16_t low) {
    return std::uint32_t{bank[high]} << 16 | bank[low];
}

std::string hex(std::uint32_t value, int digits) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) {
        text += kDigits[value >> shift & 15];
    }
    return text;
}

bool is_blank(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/// Latin-1 as UTF-8, NUL removed, blanks at the ends too; a serial loses every space and becomes upper case.
std::string characters(const Row& row, BankView bank) {
    std::string out;
    for (std::uint16_t reg = row.reg; reg < row.reg + row.words(); ++reg) {
        for (const unsigned byte : bytes_of(bank[reg])) {
            if (byte == 0 || (row.raw == Raw::text && byte == ' ')) {
                continue;
            }
            if (byte >= 0x80) {
                out += static_cast<char>(0xc0 | byte >> 6);
                out += static_cast<char>(0x80 | (byte & 0x3f));
            } else {
                out += row.raw == Raw::text ? static_cast<char>(std::toupper(static_cast<int>(byte)))
                                            : static_cast<char>(byte);
            }
        }
    }
    while (!out.empty() && is_blank(out.back())) {
        out.pop_back();
    }
    out.erase(out.begin(), std::ranges::find_if_not(out, is_blank));
    return out;
}

double scaled(double raw, const Row& row) {
    return raw / row.per_unit;
}

}  // namespace

FieldValue decode(const Row& row, BankView bank) {
    if (!bank.covers(row.reg, row.words())) {
        return {};
    }
    const std::uint16_t word = bank[row.reg];
    const auto next = static_cast<std::uint16_t>(row.reg + 1);
    switch (row.raw) {
        case Raw::u16:
            return scaled(word, row);
        case Raw::s16:
            return scaled(wire::s16(word), row);
        case Raw::u32:
            return scaled(pair(bank, row.reg, next), row);
        case Raw::s32:
            return scaled(wire::s32(pair(bank, row.reg, next)), row);
        case Raw::u32_low_first:
            return scaled(pair(bank, next, row.reg), row);
        case Raw::celsius:
            return word == kNoSensor ? FieldValue{} : FieldValue{scaled(wire::s16(word), row)};
        case Raw::hertz: {
            const double hertz = scaled(word, row);
            return hertz > kHighestFrequency ? scaled(word, row) / 10 : hertz;
        }
        case Raw::power_factor:
            return (word - 10000.0) / 10000.0;
        case Raw::hex4:
            return hex(word, 4);
        case Raw::hex8:
            return hex(pair(bank, row.reg, next), 8);
        case Raw::text:
        case Raw::raw_text:
            return characters(row, bank);
    }
    return {};
}

std::optional<double> number(const Row& row, BankView bank) {
    const FieldValue value = decode(row, bank);
    const double* found = std::get_if<double>(&value);
    if (found == nullptr || (row.bounded() && (*found < row.lowest || *found > row.highest))) {
        return std::nullopt;
    }
    return *found;
}

std::string text(const Row& row, BankView bank) {
    FieldValue value = decode(row, bank);
    std::string* found = std::get_if<std::string>(&value);
    return found == nullptr ? std::string{} : std::move(*found);
}

bool is_serial(std::string_view text) {
    return text.size() == 10 && std::ranges::all_of(text, [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
           });
}

std::optional<int> minute_of_day(std::uint16_t hhmm, bool pause_slot) {
    if (pause_slot && hhmm == 2400) {
        return 0;
    }
    const int hour = hhmm / 100, minute = hhmm % 100;
    return hour > 23 || minute > 59 ? std::nullopt : std::optional{hour * 60 + minute};
}

}  // namespace givenergy
