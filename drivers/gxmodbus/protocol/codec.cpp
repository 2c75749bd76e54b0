#include "gxmodbus/protocol/codec.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace gxmodbus {
namespace {

struct RawRange {
    double lowest;
    double highest;
};

// The highest value is one below the integer's maximum, which newer servers keep free.
RawRange raw_range(Encoding encoding) {
    switch (encoding) {
        case Encoding::u16:
            return {0, 0xfffe};
        case Encoding::i16:
            return {-0x8000, 0x7ffe};
        case Encoding::u32:
            return {0, 0xfffffffe};
        case Encoding::i32:
            return {-2147483648.0, 0x7ffffffe};
        case Encoding::u64:
            return {0, 18446744073709551615.0};
        case Encoding::text:
        case Encoding::filler:
            break;
    }
    return {0, 0};
}

double raw_number(Encoding encoding, Words words) {
    const auto u32 = [&] { return std::uint32_t{words[0]} << 16 | words[1]; };
    switch (encoding) {
        case Encoding::u16:
            return words[0];
        case Encoding::i16:
            return static_cast<std::int16_t>(words[0]);
        case Encoding::u32:
            return u32();
        case Encoding::i32:
            return static_cast<std::int32_t>(u32());
        case Encoding::u64: {
            std::uint64_t raw = 0;
            for (const auto word : words) {
                raw = raw << 16 | word;
            }
            return static_cast<double>(raw);
        }
        case Encoding::text:
        case Encoding::filler:
            break;
    }
    return 0;
}

void append_latin1(std::string& text, std::uint8_t character) {
    if (character < 0x80) {
        text += static_cast<char>(character);
    } else {
        text += static_cast<char>(0xc0 | character >> 6);
        text += static_cast<char>(0x80 | (character & 0x3f));
    }
}

std::string decode_text(Words words) {
    std::string text;
    for (const auto word : words) {
        for (const auto character : {static_cast<std::uint8_t>(word >> 8), static_cast<std::uint8_t>(word)}) {
            if (character == 0) {
                return text;
            }
            append_latin1(text, character);
        }
    }
    return text;
}

// The Latin-1 characters of a UTF-8 text, nothing when it holds another character.
std::optional<std::string> latin1(std::string_view utf8) {
    std::string characters;
    for (std::size_t i = 0; i < utf8.size(); ++i) {
        const auto lead = static_cast<std::uint8_t>(utf8[i]);
        if (lead == 0) {
            return std::nullopt;
        }
        if (lead < 0x80) {
            characters += utf8[i];
            continue;
        }
        if ((lead != 0xc2 && lead != 0xc3) || i + 1 >= utf8.size()) {
            return std::nullopt;
        }
        const auto next = static_cast<std::uint8_t>(utf8[++i]);
        if ((next & 0xc0) != 0x80) {
            return std::nullopt;
        }
        characters += static_cast<char>((lead & 0x03) << 6 | (next & 0x3f));
    }
    return characters;
}

wire::Expected<std::vector<std::uint16_t>, WriteFault> encode_text(const Register& row,
                                                                   std::string_view utf8) {
    const auto characters = latin1(utf8);
    if (!characters) {
        return wire::Unexpected{WriteFault::bad_character};
    }
    if (characters->size() > std::size_t{2} * row.count) {
        return wire::Unexpected{WriteFault::too_long};
    }
    std::vector<std::uint16_t> words(row.count, 0);
    for (std::size_t i = 0; i < characters->size(); ++i) {
        const auto character = static_cast<std::uint8_t>((*characters)[i]);
        words[i / 2] = static_cast<std::uint16_t>(words[i / 2] | (i % 2 == 0 ? character << 8 : character));
    }
    return words;
}

std::vector<std::uint16_t> words_of(const Register& row, double raw) {
    const auto bits = raw < 0 ? static_cast<std::uint64_t>(static_cast<std::int64_t>(raw))
                              : static_cast<std::uint64_t>(raw);
    std::vector<std::uint16_t> words;
    for (int shift = 16 * (row.count - 1); shift >= 0; shift -= 16) {
        words.push_back(static_cast<std::uint16_t>(bits >> shift));
    }
    return words;
}

// A row whose choices are 0 and 1, or a lone 1 that triggers something.
bool is_flag(const Register& row) {
    return !row.choices.empty() && (row.choices.starts_with("0=") || row.choices.starts_with("1="))
           && !choice_text(row, 1).empty() && std::count(row.choices.begin(), row.choices.end(), '=') <= 2
           && (choice_text(row, 0).empty() == (row.choices.find(';') == std::string_view::npos));
}

}  // namespace

std::optional<Value> decode(const Register& row, Words words) {
    if (!row.has_value() || words.size() != row.count) {
        return std::nullopt;
    }
    if (row.encoding == Encoding::text) {
        return Value{decode_text(words)};
    }
    const double raw = raw_number(row.encoding, words);
    // Adding zero turns the -0 of a sign-turned register into 0.
    return Value{raw * row.step / row.scale + 0.0};
}

bool all_zero(Words words) {
    return std::all_of(words.begin(), words.end(), [](std::uint16_t word) { return word == 0; });
}

bool at_limit(const Register& row, Words words) {
    if (!row.numeric() || words.size() != row.count) {
        return false;
    }
    const auto range = raw_range(row.encoding);
    const double raw = raw_number(row.encoding, words);
    return raw >= range.highest || (range.lowest < 0 && raw <= range.lowest);
}

double step_of(const Register& row) {
    return std::abs(static_cast<double>(row.step) / row.scale);
}

Limits register_limits(const Register& row) {
    const auto range = raw_range(row.encoding);
    const double a = range.lowest * row.step / row.scale;
    const double b = range.highest * row.step / row.scale;
    return {std::min(a, b) + 0.0, std::max(a, b) + 0.0};
}

Limits write_limits(const Register& row) {
    Limits limits = register_limits(row);
    if (is_flag(row)) {
        return {0, 1};
    }
    if (row.unit == "%") {
        limits.lowest = std::max(limits.lowest, -100.0);
        limits.highest = std::min(limits.highest, 100.0);
    }
    return limits;
}

const char* describe(WriteFault fault) {
    switch (fault) {
        case WriteFault::read_only:
            return "the register is read-only";
        case WriteFault::wrong_kind:
            return "a number was given for a text or a text for a number";
        case WriteFault::out_of_range:
            return "the value is out of range";
        case WriteFault::too_long:
            return "the text does not fit the register";
        case WriteFault::bad_character:
            return "the text has a character the register cannot hold";
    }
    return "";
}

wire::Expected<std::vector<std::uint16_t>, WriteFault> encode(const Register& row, const Value& value) {
    if (!row.writable || !row.has_value()) {
        return wire::Unexpected{WriteFault::read_only};
    }
    if (const auto* text = std::get_if<std::string>(&value)) {
        if (row.encoding != Encoding::text) {
            return wire::Unexpected{WriteFault::wrong_kind};
        }
        return encode_text(row, *text);
    }
    if (row.encoding == Encoding::text) {
        return wire::Unexpected{WriteFault::wrong_kind};
    }
    const double number = std::get<double>(value);
    const Limits limits = write_limits(row);
    // The comparison is false for NaN; half a step beyond an end still rounds onto it.
    const double slack = step_of(row) * 0.499;
    if (!(number >= limits.lowest - slack && number <= limits.highest + slack)) {
        return wire::Unexpected{WriteFault::out_of_range};
    }
    return words_of(row, std::round(number * row.scale / row.step));
}

int digits_of(const Register& row) {
    int digits = 0;
    for (std::int32_t scale = std::abs(row.scale); scale > 1; scale /= 10) {
        ++digits;
    }
    return digits;
}

std::string_view display_unit(const Register& row) {
    if (const Register* preferred = row.alternate_of != 0 ? register_at(row.alternate_of) : nullptr) {
        return display_unit(*preferred);  // one path, one unit: the published list says W for an energy
    }
    if (row.unit == "degC") {
        return "°C";
    }
    // The published list says kW for the powers of a PV inverter, but their registers and paths hold watts.
    if (row.unit == "kW") {
        return "W";
    }
    for (const std::string_view suffix : {" DC", " AC"}) {
        if (row.unit.ends_with(suffix)) {
            return row.unit.substr(0, row.unit.size() - suffix.size());
        }
    }
    // Neither the kind of a number nor an index is a unit.
    return row.unit == "config_idx" || row.unit == "timestamp" ? std::string_view{} : row.unit;
}

std::string text_of(const Register& row, const Value& value) {
    if (const auto* text = std::get_if<std::string>(&value)) {
        return *text;
    }
    std::array<char, 64> number{};
    const int length =
        std::snprintf(number.data(), number.size(), "%.*f", digits_of(row), std::get<double>(value));
    std::string text(number.data(), static_cast<std::size_t>(std::clamp(length, 0, 63)));
    return text.append(display_unit(row));
}

}  // namespace gxmodbus
