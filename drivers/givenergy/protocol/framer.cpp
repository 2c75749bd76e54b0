#include "givenergy/protocol/framer.hpp"

namespace givenergy {

namespace {

constexpr std::size_t kHeader = 8;  // marker, length, unit id, main function
constexpr std::size_t kShortest = 13, kLongest = kMaxFrame - 6;

std::size_t find_marker(Bytes bytes, std::size_t from) {
    const Bytes rest = bytes.subspan(from);
    return from
           + static_cast<std::size_t>(std::search(rest.begin(), rest.end(), kMarker.begin(), kMarker.end())
                                      - rest.begin());
}

/// Where a marker begins among the last three bytes of the candidate and may go on behind it; its size if none.
std::size_t find_straddling_marker(Bytes bytes, std::size_t size, bool& undecided) {
    for (std::size_t at = size - (kMarker.size() - 1); at < size; ++at) {
        const std::size_t known = std::min(kMarker.size(), bytes.size() - at);
        if (std::ranges::equal(bytes.subspan(at, known), Bytes{kMarker}.first(known))) {
            undecided = known < kMarker.size();
            return at;
        }
    }
    return size;
}

}  // namespace

Framer::Step Framer::next(Bytes bytes) {
    const std::size_t start = find_marker(bytes, 0);
    if (start == bytes.size()) {
        const std::size_t keep = kMarker.size() - 1;
        return {bytes.size() > keep ? bytes.size() - keep : 0};
    }
    if (start > 0) {
        return {start};
    }
    if (bytes.size() < kHeader) {
        return {};
    }
    const std::size_t length = wire::be16(bytes, 4);
    const bool known = bytes[6] <= 1 && (bytes[7] == 1 || bytes[7] == 2);
    if (!known || length < kShortest || length > kLongest) {
        return {kMarker.size()};
    }
    const std::size_t size = 6 + length;
    if (bytes.size() < size) {
        return {};
    }
    auto parsed = parse_frame(bytes.first(size));
    if (parsed && parsed->intact) {
        return {size, std::move(*parsed)};
    }
    // A marker inside means that this frame was cut short and the next one follows.
    if (const std::size_t inside = find_marker(bytes.first(size), kMarker.size()); inside < size) {
        return {inside};
    }
    bool undecided = false;
    const std::size_t straddling = find_straddling_marker(bytes, size, undecided);
    if (straddling < size) {
        return {undecided ? 0 : straddling};
    }
    return {size, parsed ? std::move(*parsed) : Frame{.length = size}};
}

}  // namespace givenergy
