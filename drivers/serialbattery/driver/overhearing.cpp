#include "serialbattery/driver/overhearing.hpp"

#include "serialbattery/driver/search.hpp"
#include "serialbattery/framing/scanner.hpp"

#include <algorithm>

namespace bms {
namespace {

constexpr std::size_t kMostOverheard = 4096;

}  // namespace

void Overhearing::hear(Bytes bytes, const std::function<void(Bytes frame, Bytes request)>& take) {
    wire::put(heard_, bytes);
    if (heard_.size() > kMostOverheard) {
        heard_.erase(heard_.begin(), heard_.end() - kMostOverheard / 2);
    }
    std::size_t from = 0;
    while (const auto found = find_frame(family_, heard_, request_, from).frame) {
        const Bytes frame = Bytes(heard_).subspan(found->offset, found->length);
        from = found->offset + found->length;
        if (found->role == Role::request) {
            request_.assign(frame.begin(), frame.end());
        } else {
            take(frame, request_);
        }
    }
    heard_.erase(heard_.begin(), heard_.begin() + static_cast<std::ptrdiff_t>(from));
}

std::vector<Listener> listeners_at(const Location& found, const Options& options) {
    const auto& family = *found.family;
    std::vector<Listener> listeners;
    for (unsigned address = family.first_address; address <= std::min(family.last_address, kHighestScanned);
         ++address) {
        const auto at = static_cast<std::uint8_t>(address);
        listeners.push_back({{&family, at, found.line}, family.open(at, options)});
    }
    return listeners;
}

}  // namespace bms
