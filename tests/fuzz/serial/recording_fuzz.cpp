// A recording from anybody: what is taken is within its bounds and means the same after writing it again.

#include "transport/serial/recording.hpp"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace transport;
    // Half of the inputs get the head for free.
    std::string text(reinterpret_cast<const char*>(data), size);
    if (size > 0 && data[0] % 2 == 0) {
        text.insert(0, kRecordingHead);
    }
    const auto recording = parse_recording(text);
    if (!recording) {
        return 0;
    }
    auto last = std::chrono::microseconds(0);
    for (const auto& event : recording->events) {
        static_cast<void>(recording->bytes_of(event).size());
        const bool inside = event.port >= 1 && event.port <= recording->ports.size() && event.at >= last
                            && event.offset + event.length <= recording->bytes.size();
        if (!inside) {
            std::abort();
        }
        last = event.at;
    }
    const auto written = to_text(*recording);
    const auto again = parse_recording(written);
    if (!again || to_text(*again) != written || again->bytes != recording->bytes) {
        std::abort();
    }
    return 0;
}
