#include "serialbattery/driver/search.hpp"

#include "serialbattery/driver/runner.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <string>

namespace bms {
namespace asio = boost::asio;
namespace {

/// What the Python driver calls a type whose name or title differs here.
struct OtherName {
    std::string_view type;  ///< as lower_letters makes it
    std::string_view family;
};
constexpr auto kOtherNames = std::to_array<OtherName>({
    {"ant", "ant_old"},
    {"ant", "ant_new"},
    {"daren485", "daren"},
    {"heltecmodbus", "heltec_yy"},
    {"jkbms", "jk_ttl"},
    {"jkbmspb", "jk_pb"},
    {"lifepower", "eg4_lifepower"},
    {"lltjbd", "jbd"},
    {"lltjbdup16s", "jbd_up16s"},
    {"seplos", "seplos2"},
});

std::string lower_letters(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
            out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        }
    }
    return out;
}

}  // namespace

std::optional<std::uint8_t> parse_address(std::string_view text) {
    const bool hex = text.starts_with("0x") || text.starts_with("0X");
    if (hex) {
        text.remove_prefix(2);
    }
    unsigned value = 0;
    constexpr int kDecimal = 10;
    constexpr int kHex = 16;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), value, hex ? kHex : kDecimal);
    return error == std::errc() && end == text.data() + text.size() && value <= 0xff
               ? std::optional(static_cast<std::uint8_t>(value))
               : std::nullopt;
}

std::vector<const Family*> families_called(std::string_view type) {
    std::vector<const Family*> called;
    const auto wanted = lower_letters(type);
    for (const auto* family : families()) {
        const bool elsewhere = std::ranges::any_of(kOtherNames, [&](const OtherName& other) {
            return other.type == wanted && other.family == family->name;
        });
        if (elsewhere || lower_letters(family->name) == wanted || lower_letters(family->title) == wanted) {
            called.push_back(family);
        }
    }
    return called;
}

std::vector<Location> further_places(const Location& found, const std::vector<std::uint8_t>& addresses) {
    const auto& family = *found.family;
    std::vector<std::uint8_t> candidates = addresses;
    const bool named = family.last_scanned != 0;
    if (candidates.empty() && (named || family.first_address <= 1)) {
        const auto last = named ? family.last_scanned : std::min(family.last_address, kHighestScanned);
        for (unsigned address = named ? family.first_scanned : family.first_address; address <= last;
             ++address) {
            candidates.push_back(static_cast<std::uint8_t>(address));
        }
    }
    std::vector<Location> places;
    for (const auto address : candidates) {
        if (address != found.address && address >= family.first_address && address <= family.last_address) {
            places.push_back({&family, address, found.line});
        }
    }
    return places;
}

asio::awaitable<std::unique_ptr<Session>> visit(Port& port, Location place, Options options) {
    auto session = place.family->open(place.address, options);
    Conversation talk(*place.family, *session, place.line);
    Query query = place.family->probe(place.address);
    query.tries = 1;
    query.reply = place.family->detection.window;
    talk.start_query(query);
    auto fault = co_await run(port, talk);
    if (!fault && talk.heard()) {
        talk.start_cycle();
        fault = co_await run(port, talk);
    }
    const bool there = !fault && talk.succeeded() && session->proof() == Proof::proven && session->complete();
    co_return there ? std::move(session) : nullptr;  // a lost port shows with the next poll
}

}  // namespace bms
