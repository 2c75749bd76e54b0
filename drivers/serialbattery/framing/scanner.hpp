#pragma once
// Finds the frames of a family in a stream of bytes with noise, echoes and foreign frames in it.

#include "serialbattery/family.hpp"
#include "wire/bytes.hpp"

#include <optional>

namespace bms {

inline constexpr std::size_t kNowhere = static_cast<std::size_t>(-1);

struct Scan {
    std::optional<Found> frame;
    std::size_t waiting = kNowhere;  ///< offset of the first partial frame that may still complete
};

/// The first frame at or after `from`. What only might become a frame is stepped over when a whole reply stands
/// behind it, so that a false header never hides a good answer; a request found there is data of the unfinished one.
[[nodiscard]] inline Scan find_frame(const Family& family, Bytes bytes, Bytes asked, std::size_t from) {
    Scan scan;
    for (std::size_t at = from; at < bytes.size(); ++at) {
        const Sight sight = family.sight(bytes.subspan(at), asked);
        if (sight.kind == Sight::Kind::frame && (scan.waiting == kNowhere || sight.role != Role::request)) {
            scan.frame = Found{at, sight.length, sight.role};
            break;
        }
        if (sight.kind == Sight::Kind::partial && scan.waiting == kNowhere) {
            scan.waiting = at;
        }
    }
    return scan;
}

}  // namespace bms
