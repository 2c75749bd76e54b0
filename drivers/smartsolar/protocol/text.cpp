#include "smartsolar/protocol/text.hpp"

#include <algorithm>

namespace smartsolar {

namespace {

// Length of the UTF-8 sequence that a byte opens, 0 for a byte that opens none.
std::size_t sequence_length(std::uint8_t lead) {
    if (lead < 0x80) {
        return 1;
    }
    if (lead >= 0xC2 && lead < 0xE0) {
        return 2;
    }
    if (lead >= 0xE0 && lead < 0xF0) {
        return 3;
    }
    return lead >= 0xF0 && lead < 0xF5 ? 4 : 0;
}

bool valid(wire::Bytes sequence) {
    const bool continued = std::all_of(sequence.begin() + 1, sequence.end(),
                                       [](std::uint8_t byte) { return (byte & 0xC0) == 0x80; });
    if (!continued || sequence.size() < 3) {
        return continued;
    }
    // Overlong forms, surrogates and what lies beyond Unicode.
    const unsigned head = unsigned{sequence[0]} << 8 | sequence[1];
    if (sequence.size() == 3) {
        return head >= 0xE0A0 && (head < 0xEDA0 || head > 0xEDBF);
    }
    return head >= 0xF090 && head < 0xF490;
}

}  // namespace

std::string clean_text(wire::Bytes field) {
    std::string text;
    while (!field.empty() && field[0] != 0) {
        const std::size_t length = sequence_length(field[0]);
        if (length == 0 || length > field.size() || !valid(field.first(length))) {
            field = field.subspan(1);
            continue;
        }
        const bool control = field[0] < 0x20 || field[0] == 0x7F;
        if (!control) {
            text.append(field.begin(), field.begin() + static_cast<std::ptrdiff_t>(length));
        }
        field = field.subspan(length);
    }
    return text;
}

}  // namespace smartsolar
