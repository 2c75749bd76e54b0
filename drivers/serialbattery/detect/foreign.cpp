#include "serialbattery/detect/foreign.hpp"

#include <algorithm>
#include <string>

namespace bms {
namespace {

using wire::Bytes;

bool printable(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}
bool word(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '#'
               || c == '_';
    });
}

/// "V\t12800": a label and a value between line ends.
bool is_vedirect_text(std::string_view line) {
    const auto tab = line.find('\t');
    return tab != std::string_view::npos && tab > 0 && tab <= 9 && word(line.substr(0, tab))
           && line.size() - tab - 1 <= 33 && printable(line.substr(tab + 1));
}

/// ":1F3000...": hexadecimal digits whose bytes, with the command nibble, sum up to 55.
bool is_vedirect_hex(std::string_view line) {
    if (line.size() < 4 || line[0] != ':' || line.size() % 2 != 0) {
        return false;
    }
    const auto bytes = wire::from_hex('0' + std::string(line.substr(1)));
    if (!bytes) {
        return false;
    }
    unsigned sum = 0;
    for (const auto byte : *bytes) {
        sum += byte;
    }
    return (sum & 0xff) == 0x55;
}

/// "$GPGGA,...*47": the exclusive or of the characters in between.
bool is_nmea(std::string_view line) {
    const auto star = line.rfind('*');
    if (line.size() < 9 || (line[0] != '$' && line[0] != '!') || star == std::string_view::npos
        || star + 3 != line.size()) {
        return false;
    }
    unsigned sum = 0;
    for (const char c : line.substr(1, star - 1)) {
        sum ^= static_cast<unsigned char>(c);
    }
    const auto sent = wire::from_hex(line.substr(star + 1));
    return sent && sent->front() == sum;
}

}  // namespace

std::optional<std::string_view> recognise_foreign(Bytes bytes) {
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    unsigned labels = 0;
    std::size_t start = text.find('\n');
    while (start != std::string_view::npos) {
        const auto end = text.find('\n', start + 1);
        if (end == std::string_view::npos) {
            break;
        }
        auto line = text.substr(start + 1, end - start - 1);
        if (!line.empty() && line.back() == '\r') {
            line.remove_suffix(1);
        }
        if (is_nmea(line)) {
            return "NMEA 0183";
        }
        if (is_vedirect_hex(line)) {
            return "VE.Direct HEX";
        }
        labels += is_vedirect_text(line) ? 1 : 0;
        start = end;
    }
    return labels >= 2 ? std::optional<std::string_view>("VE.Direct") : std::nullopt;
}

}  // namespace bms
