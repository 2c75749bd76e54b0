#pragma once
// Frames of the GivEnergy data adapter (TCP 8899): docs/protocols/givenergy.md, "Frames".
//
// Outer frame: marker 5959 0001, length (bytes that follow it), unit id, main function, adapter serial.
// A transparent frame carries an inner length of eight bytes, a device address, an inner function, registers
// and a CRC-16/MODBUS over everything from the device address on, stored low byte first: the only
// little-endian item of the protocol.

#include "wire/bytes.hpp"
#include "wire/expected.hpp"

#include <array>
#include <string>
#include <string_view>
#include <tuple>

namespace givenergy {

using wire::Buffer;
using wire::Bytes;

inline constexpr std::uint16_t kAdapterPort = 8899;
inline constexpr std::array<std::uint8_t, 4> kMarker{0x59, 0x59, 0x00, 0x01};
inline constexpr std::uint8_t kInverterAddress = 0x11;  ///< all reads and every write of every model
inline constexpr std::uint16_t kMaxRegisters = 60;      ///< in one request, within one page
inline constexpr std::size_t kMaxFrame = 300;           ///< 6 + the largest length field accepted
/// Adapters accept any serial in a request and answer with their own.
inline constexpr std::string_view kAnyAdapter = "AB1234G567";

/// Inner functions. Writing several registers (0x10) exists for firmware work and is never sent.
enum class Function : std::uint8_t {
    none = 0x00,
    read_holding = 0x03,
    read_input = 0x04,
    write_single = 0x06,
    read_meter_product = 0x16,
};

enum class FrameKind : std::uint8_t {
    read_request,
    write_request,
    read_response,
    write_response,
    error_response,  ///< carries no exception code; echoes base and count (or register and value)
    null_response,   ///< unsolicited filler of some adapters, to be ignored
    heartbeat,       ///< to be answered with the same bytes within five seconds
    lan_config,      ///< the adapter announces its network settings, to be ignored
    other,           ///< intact, but an inner function nobody here asks for
};
[[nodiscard]] std::string_view to_string(FrameKind kind);

enum class FrameFault : std::uint8_t {
    marker,   ///< does not begin with 5959 0001
    size,     ///< bytes and length field disagree, or the length is impossible
    header,   ///< unit id not 0 or 1, or main function neither heartbeat nor transparent
    unknown,  ///< too short for any inner layout
};
[[nodiscard]] std::string_view to_string(FrameFault fault);

/// One frame. `base` and `count` of a write hold its register and value.
struct Frame {
    FrameKind kind = FrameKind::other;
    bool to_adapter = false;  ///< layout of a request (34 bytes)
    bool intact = false;      ///< lengths agree and the check is right (where the kind has one)
    std::size_t length = 0;   ///< bytes in all
    std::uint8_t unit = 0;
    std::uint8_t main_function = 0;
    std::string adapter_serial;
    std::uint64_t inner_length = 0;
    std::uint8_t address = 0;
    std::uint8_t function = 0;  ///< inner function without the error bit
    bool error = false;
    std::array<std::uint8_t, 2> wire_check{};
    bool check_ok = false;
    std::string serial;  ///< of the answering device; empty in requests
    std::uint16_t base = 0;
    std::uint16_t count = 0;
    std::uint8_t heartbeat_type = 0;
    std::string text;                                   ///< of a lan_config
    std::array<std::uint16_t, kMaxRegisters> values{};  ///< of a read response, see registers()
    std::uint16_t value_count = 0;

    [[nodiscard]] std::span<const std::uint16_t> registers() const {
        return std::span{values}.first(value_count);
    }
};

/// Decodes exactly one frame. A wrong check or inner length is no error here: `intact` is then false, so that
/// a diagnosis can show the frame; nothing else may use it.
[[nodiscard]] wire::Expected<Frame, FrameFault> parse_frame(Bytes bytes);

/// What a read is for, and the key its answer is matched by (never length or order).
struct Request {
    std::uint8_t address = kInverterAddress;
    Function function = Function::read_input;
    std::uint16_t base = 0;
    std::uint16_t count = kMaxRegisters;

    friend constexpr bool operator==(const Request&, const Request&) = default;
    friend constexpr bool operator<(const Request& a, const Request& b) {
        return std::tie(a.address, a.function, a.base, a.count)
               < std::tie(b.address, b.function, b.base, b.count);
    }
};

/// True if the request stays within one 60-register page, which adapters demand.
/// Pages start at multiples of 60 below 1000, at 1000, 1060, ... above, and at 2040.
[[nodiscard]] constexpr bool within_page(std::uint16_t base, std::uint16_t count) {
    const unsigned origin = base >= 2040 ? 2040u : base >= 1600 ? 1600u : base >= 1000 ? 1000u : 0u;
    return count >= 1 && count <= kMaxRegisters && (base - origin) % kMaxRegisters + count <= kMaxRegisters;
}

/// True if the frame ends the wait for this read, with data or with an error. Some devices echo a count of 0
/// in an error.
[[nodiscard]] bool answers(const Frame& frame, const Request& request);

/// How a write was answered.
enum class WriteReply : std::uint8_t {
    success,      ///< echo of register and value
    failure,      ///< refused (error bit) or echoed with another value
    corrupt,      ///< register 0: no answer worth the name, ask again
    unsolicited,  ///< about another register
};
/// Judges a write response or a write error against the register and value that wait for it.
[[nodiscard]] WriteReply judge_write(const Frame& frame, std::uint16_t reg, std::uint16_t value);

/// The bytes of a read request.
[[nodiscard]] Buffer encode_read(const Request& request, std::string_view adapter = kAnyAdapter);
/// The bytes of a write of one register to the inverter. Callers go through encode(ApprovedWrite), which only
/// the allow-list (writes.hpp) can make.
namespace detail {
[[nodiscard]] Buffer encode_write(std::uint16_t reg, std::uint16_t value, std::string_view adapter);
}
/// The answer to a heartbeat: same layout, same type.
[[nodiscard]] Buffer encode_heartbeat_reply(const Frame& heartbeat);

}  // namespace givenergy
