#include "givenergy/protocol/frame.hpp"

#include "wire/checksum.hpp"

#include <algorithm>

namespace givenergy {

namespace {

// Offsets of docs/protocols/givenergy.md, "Frames".
constexpr std::size_t kLengthAt = 4, kUnitAt = 6, kMainAt = 7, kAdapterAt = 8, kSerialSize = 10;
constexpr std::size_t kHeartbeatTypeAt = 18, kHeartbeatSize = 19;
constexpr std::size_t kInnerLengthAt = 18, kAddressAt = 26, kFunctionAt = 27;
constexpr std::size_t kRequestBaseAt = 28, kRequestSize = 34;
constexpr std::size_t kDeviceSerialAt = 28, kResponseBaseAt = 38, kValuesAt = 42, kShortResponseSize = 44;
constexpr std::size_t kNullResponseSize = 164, kLanConfigSize = 70;
constexpr std::uint8_t kHeartbeat = 1, kTransparent = 2, kErrorBit = 0x80;

std::uint64_t be64(Bytes bytes, std::size_t at) {
    return std::uint64_t{wire::be32(bytes, at)} << 32 | wire::be32(bytes, at + 4);
}

bool is_read(std::uint8_t function) {
    return function == static_cast<std::uint8_t>(Function::read_holding)
           || function == static_cast<std::uint8_t>(Function::read_input)
           || function == static_cast<std::uint8_t>(Function::read_meter_product);
}

bool is_lan_config(const Frame& frame, Bytes bytes) {
    return bytes.size() == kLanConfigSize && frame.inner_length == kLanConfigSize - kAddressAt
           && bytes[kAddressAt] >= '0' && bytes[kAddressAt] <= '9' && bytes[kFunctionAt] >= '.'
           && bytes[kFunctionAt] <= '9';
}

bool is_null_response(const Frame& frame, Bytes bytes) {
    return bytes.size() == kNullResponseSize && frame.function == 0 && !frame.error
           && std::ranges::all_of(bytes.subspan(kDeviceSerialAt), [](auto byte) { return byte == 0; });
}

void parse_request(Frame& frame, Bytes bytes) {
    frame.to_adapter = true;
    frame.base = wire::be16(bytes, kRequestBaseAt);
    frame.count = wire::be16(bytes, kRequestBaseAt + 2);
    const bool write = frame.function == static_cast<std::uint8_t>(Function::write_single);
    frame.kind = write                     ? FrameKind::write_request
                 : is_read(frame.function) ? FrameKind::read_request
                                           : FrameKind::other;
}

void parse_response(Frame& frame, Bytes bytes) {
    frame.serial = wire::ascii(bytes.subspan(kDeviceSerialAt, kSerialSize));
    frame.base = wire::be16(bytes, kResponseBaseAt);
    frame.count = wire::be16(bytes, kResponseBaseAt + 2);
    if (frame.error) {
        frame.kind = FrameKind::error_response;
        frame.intact = frame.intact && bytes.size() == kShortResponseSize;
    } else if (frame.function == static_cast<std::uint8_t>(Function::write_single)) {
        frame.kind = FrameKind::write_response;
        frame.intact = frame.intact && bytes.size() == kShortResponseSize;
    } else if (is_read(frame.function)) {
        frame.kind = FrameKind::read_response;
        const bool sized = frame.count >= 1 && frame.count <= kMaxRegisters
                           && bytes.size() == kShortResponseSize + std::size_t{2} * frame.count;
        frame.intact = frame.intact && sized;
        frame.value_count = sized ? frame.count : std::uint16_t{0};
        for (std::size_t i = 0; i < frame.value_count; ++i) {
            frame.values[i] = wire::be16(bytes, kValuesAt + 2 * i);
        }
    }
}

Frame parse_transparent(Frame frame, Bytes bytes) {
    frame.inner_length = be64(bytes, kInnerLengthAt);
    const bool inner_ok = frame.inner_length == bytes.size() - kAddressAt;
    if (is_lan_config(frame, bytes)) {
        frame.kind = FrameKind::lan_config;
        frame.intact = true;
        frame.text.assign(bytes.begin() + kAddressAt, bytes.end() - 2);
        return frame;
    }
    frame.address = bytes[kAddressAt];
    frame.function = bytes[kFunctionAt] & 0x7f;
    frame.error = (bytes[kFunctionAt] & kErrorBit) != 0;
    const Bytes covered = bytes.subspan(kAddressAt, bytes.size() - kAddressAt - 2);
    frame.wire_check = {bytes[bytes.size() - 2], bytes[bytes.size() - 1]};
    frame.check_ok = wire::Crc16Modbus::of(covered) == wire::le16(bytes, bytes.size() - 2);
    frame.intact = inner_ok && frame.check_ok;
    if (is_null_response(frame, bytes) && inner_ok) {
        frame.kind = FrameKind::null_response;
        frame.intact = true;
    } else if (bytes.size() == kRequestSize) {
        parse_request(frame, bytes);
    } else if (bytes.size() >= kShortResponseSize) {
        parse_response(frame, bytes);
    }
    return frame;
}

void put_text(Buffer& out, std::string_view text, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) {
        wire::put8(out, i < text.size() ? static_cast<std::uint8_t>(text[i]) : ' ');
    }
}

Buffer encode_request(std::uint8_t address, Function function, unsigned first, unsigned second,
                      std::string_view adapter) {
    Buffer out;
    out.reserve(kRequestSize);
    wire::put(out, kMarker);
    wire::put_be16(out, kRequestSize - kUnitAt);
    wire::put8(out, 1);
    wire::put8(out, kTransparent);
    put_text(out, adapter, kSerialSize);
    wire::put_be32(out, 0);
    wire::put_be32(out, kRequestSize - kAddressAt);
    wire::put8(out, address);
    wire::put8(out, static_cast<std::uint8_t>(function));
    wire::put_be16(out, first);
    wire::put_be16(out, second);
    wire::put_le16(out, wire::Crc16Modbus::of(Bytes{out}.subspan(kAddressAt)));
    return out;
}

}  // namespace

std::string_view to_string(FrameKind kind) {
    static constexpr std::array<std::string_view, 9> kNames{
        "read_request",  "write_request", "read_response", "write_response", "error_response",
        "null_response", "heartbeat",     "lan_config",    "other"};
    return kNames[static_cast<std::size_t>(kind)];
}

std::string_view to_string(FrameFault fault) {
    static constexpr std::array<std::string_view, 4> kNames{
        "does not begin with 5959 0001", "length field and number of bytes disagree",
        "unit id or main function unknown", "too short for a transparent frame"};
    return kNames[static_cast<std::size_t>(fault)];
}

wire::Expected<Frame, FrameFault> parse_frame(Bytes bytes) {
    if (bytes.size() < kMarker.size() || !std::ranges::equal(bytes.first(kMarker.size()), kMarker)) {
        return wire::Unexpected{FrameFault::marker};
    }
    if (bytes.size() < kHeartbeatSize || bytes.size() > kMaxFrame
        || wire::be16(bytes, kLengthAt) != bytes.size() - kUnitAt) {
        return wire::Unexpected{FrameFault::size};
    }
    Frame frame;
    frame.length = bytes.size();
    frame.unit = bytes[kUnitAt];
    frame.main_function = bytes[kMainAt];
    frame.adapter_serial = wire::ascii(bytes.subspan(kAdapterAt, kSerialSize));
    if (frame.unit > 1 || (frame.main_function != kHeartbeat && frame.main_function != kTransparent)) {
        return wire::Unexpected{FrameFault::header};
    }
    if (frame.main_function == kHeartbeat) {
        if (bytes.size() != kHeartbeatSize) {
            return wire::Unexpected{FrameFault::size};
        }
        frame.kind = FrameKind::heartbeat;
        frame.heartbeat_type = bytes[kHeartbeatTypeAt];
        frame.intact = true;
        return frame;
    }
    if (bytes.size() < kRequestSize) {
        return wire::Unexpected{FrameFault::unknown};
    }
    return parse_transparent(std::move(frame), bytes);
}

bool answers(const Frame& frame, const Request& request) {
    const bool error = frame.kind == FrameKind::error_response;
    return frame.intact && (frame.kind == FrameKind::read_response || error)
           && frame.address == request.address
           && frame.function == static_cast<std::uint8_t>(request.function) && frame.base == request.base
           && (frame.count == request.count || (error && frame.count == 0));
}

WriteReply judge_write(const Frame& frame, std::uint16_t reg, std::uint16_t value) {
    const bool to_write = frame.function == static_cast<std::uint8_t>(Function::write_single)
                          && frame.address == kInverterAddress && frame.intact;
    const bool refused = frame.kind == FrameKind::error_response;
    if (!to_write || (frame.kind != FrameKind::write_response && !refused)) {
        return WriteReply::unsolicited;
    }
    if (frame.base == 0 && reg != 0) {
        return WriteReply::corrupt;
    }
    if (frame.base != reg) {
        return WriteReply::unsolicited;
    }
    return refused || frame.count != value ? WriteReply::failure : WriteReply::success;
}

Buffer encode_read(const Request& request, std::string_view adapter) {
    return encode_request(request.address, request.function, request.base, request.count, adapter);
}

Buffer detail::encode_write(std::uint16_t reg, std::uint16_t value, std::string_view adapter) {
    return encode_request(kInverterAddress, Function::write_single, reg, value, adapter);
}

Buffer encode_heartbeat_reply(const Frame& heartbeat) {
    Buffer out;
    out.reserve(kHeartbeatSize);
    wire::put(out, kMarker);
    wire::put_be16(out, kHeartbeatSize - kUnitAt);
    wire::put8(out, 1);
    wire::put8(out, kHeartbeat);
    put_text(out, heartbeat.adapter_serial, kSerialSize);
    wire::put8(out, heartbeat.heartbeat_type);
    return out;
}

}  // namespace givenergy
