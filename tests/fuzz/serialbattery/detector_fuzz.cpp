// The detector on a line where anything may come at any time: a length byte and that many bytes at each reading.

#include "serialbattery/detect/detector.hpp"
#include "serialbattery/framing/check.hpp"

#include <algorithm>
#include <cstdlib>

extern "C" int LLVMFuzzerInitialize(int* /*count*/, char*** /*words*/) {
    bms::lenient_checks = true;
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace bms;
    Bytes rest(data, size);
    Detector detector({});
    TimePoint now{};
    for (int steps = 0; steps < 20'000; ++steps) {
        const Step step = detector.next(now);
        if (step.kind == Step::Kind::finished) {
            // Whatever comes: an end within a bounded time, and a battery only with a session.
            const auto result = detector.take_result();
            if (now - TimePoint{} > 600s || (result.kind == Detected::Kind::battery && !result.session)) {
                std::abort();
            }
            return 0;
        }
        if (step.kind == Step::Kind::receive && !rest.empty()) {
            const std::size_t count = std::min<std::size_t>(rest[0], rest.size() - 1);
            now = std::min(step.until, now + 5ms);
            if (count > 0) {
                detector.received(rest.subspan(1, count), now);
            } else {
                now = step.until;
            }
            rest = rest.subspan(1 + count);
        } else if (step.kind != Step::Kind::send) {
            now = std::max(now, step.until);
        }
    }
    std::abort();
}
