// Notifications of any content and any cut: the first byte of each piece says how long it is and where it came from.
#include "smartsolar/protocol/registers.hpp"
#include "smartsolar/protocol/session.hpp"
#include "smartsolar/protocol/vreg_stream.hpp"

#include <cstdlib>

using namespace smartsolar;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    wire::Bytes rest(data, size);
    VregStream stream;
    SessionPlan plan;
    plan.reads = charger_registers(3, false);
    Session session(plan, std::chrono::milliseconds(0));
    std::chrono::milliseconds now{0};
    std::size_t fed = 0;
    std::size_t used = 0;
    while (!rest.empty()) {
        const std::size_t length = std::min<std::size_t>(rest[0] & 0x3F, rest.size() - 1);
        const auto from = static_cast<Characteristic>(2 + (rest[0] >> 6) % 3);
        const auto piece = rest.subspan(1, length);
        rest = rest.subspan(1 + length);
        std::vector<VregMessage> messages;
        stream.feed(from, piece, messages);
        fed += piece.size();
        for (const auto& message : messages) {
            used += message.data.size();
            (void)decode_register(message.vreg, message.data);
        }
        if (stream.rest().size() > VregStream::kMaxBuffered || used > fed || stream.dropped() > fed) {
            std::abort();
        }
        now += std::chrono::milliseconds(50);
        session.on_notification(from, piece, now, messages);
        while (session.next_write(now)) {
        }
    }
    return 0;
}
