// JK-B1A24S / B2A24S active balancers on RS485: docs/protocols/jk_balancer.md
//
// They measure cells only. Known so that one is not taken for a battery, and for the decode tool.

#include "serialbattery/family.hpp"
#include "serialbattery/framing/check.hpp"
#include "wire/checksum.hpp"

#include <algorithm>

namespace bms {
namespace jk_balancer {
namespace {

constexpr std::size_t kRequest = 7;
constexpr std::size_t kReply = 74;
constexpr std::uint8_t kReadAll = 0xff;
constexpr std::size_t kCellCount = 8;
constexpr std::size_t kCellsAt = 23;
constexpr std::size_t kMaxCells = 24;

/// Offsets in the frame, big endian.
constexpr auto kFields = std::to_array<Field>({
    {2, Raw::u8, 1, "address"},
    {3, Raw::u8, 1, "command"},
    {4, Raw::u16be, 100, "voltage_V"},
    {6, Raw::u16be, 1, "avg_mV"},
    {8, Raw::u8, 1, "cell_count"},
    {9, Raw::u8, 1, "max_idx"},  // counted from 0
    {10, Raw::u8, 1, "min_idx"},
    {11, Raw::u8, 1, "balancing"},
    {12, Raw::u8, 1, "alarms"},
    {13, Raw::u16be, 1, "delta_mV"},
    {15, Raw::u16be, 1, "balance_current_mA"},
    {17, Raw::u16be, 1, "trigger_mV"},
    {19, Raw::u16be, 1, "max_balance_current_mA"},
    {21, Raw::u8, 1, "balance_switch"},
    {22, Raw::u8, 1, "cell_count_setting"},
    // 23 cells
    {71, Raw::s16be, 1, "temperature_raw"},  // 1 or 0.1 degrees, by firmware
});
static_assert(well_formed(kFields));

Sight sight(Bytes bytes, Bytes) {
    if (bytes.empty() || (bytes[0] != 0x55 && bytes[0] != 0xeb)) {
        return Sight::no();
    }
    const bool request = bytes[0] == 0x55;
    if (bytes.size() > 1 && bytes[1] != (request ? 0xaa : 0x90)) {
        return Sight::no();
    }
    const std::size_t total = request ? kRequest : kReply;
    if (bytes.size() < total) {
        return Sight::needs(total);
    }
    if (!check_holds(wire::sum8(bytes.first(total - 1)), bytes[total - 1])) {
        return Sight::no(Fault::checksum);
    }
    return Sight::frame(total, request ? Role::request : Role::reply);
}

std::optional<Fault> mismatch(Bytes frame, Bytes asked) {
    const bool same = asked.size() == kRequest && frame[2] == asked[2] && frame[3] == asked[3];
    return same ? std::nullopt : std::optional(Fault::address);
}

void describe(Bytes frame, Role role, const Context&, Record& out) {
    if (role == Role::request) {
        out.set("address", int{frame[2]});
        out.set("command", int{frame[3]});
        if (frame[3] != kReadAll) {
            out.set("value", int{wire::be16(frame, 4)});
        }
        return;
    }
    load(kFields, {frame}, out);
    out.set("cells_mV",
            to_list(words(frame.subspan(kCellsAt), {std::min<std::size_t>(frame[kCellCount], kMaxCells)})));
}

Query probe(std::uint8_t address) {
    Packet packet;
    for (const unsigned byte : {0x55u, 0xaau, unsigned{address}, unsigned{kReadAll}, 0u, 0u}) {
        packet.push(byte);
    }
    packet.push(wire::sum8(packet.bytes()));
    return {.bytes = packet, .tag = kReadAll};
}

constexpr auto kLines = std::to_array<Line>({{9600}});
constexpr auto kAddresses = std::to_array<std::uint8_t>({1});

}  // namespace
}  // namespace jk_balancer

extern const Family kJkBalancer;
constexpr Family kJkBalancer{
    .name = "jk_balancer",
    .title = "JK balancer",
    .lines = jk_balancer::kLines,
    .first_address = 1,
    .last_address = 255,
    .detection = {.rank = 200, .addresses = jk_balancer::kAddresses, .battery = false},
    .sight = jk_balancer::sight,
    .mismatch = jk_balancer::mismatch,
    .describe = jk_balancer::describe,
    .probe = jk_balancer::probe,
};

}  // namespace bms
