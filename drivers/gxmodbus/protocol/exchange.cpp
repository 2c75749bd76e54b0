#include "gxmodbus/protocol/exchange.hpp"

#include "gxmodbus/protocol/generation.hpp"
#include "transport/modbus/frame.hpp"

#include <algorithm>

namespace gxmodbus {
namespace {

using transport::modbus::Fault;
using transport::modbus::Frame;
using wire::Unexpected;

template <class T>
using Outcome = wire::Expected<T, ExchangeFault>;

constexpr std::uint8_t kExceptionBit = 0x80;

Outcome<std::vector<Frame>> frames_of(wire::Bytes bytes) {
    transport::modbus::FrameReader reader;
    reader.feed(bytes);
    std::vector<Frame> frames;
    std::size_t used = 0;
    for (;;) {
        auto frame = reader.next();
        if (!frame) {
            const bool protocol = frame.error().fault == Fault::protocol_id;
            return Unexpected{protocol ? ExchangeFault::protocol_id : ExchangeFault::length};
        }
        if (!*frame) {
            break;
        }
        used += transport::modbus::kHeaderBytes + (*frame)->pdu.size();
        frames.push_back(std::move(**frame));
    }
    if (used != bytes.size()) {
        return Unexpected{ExchangeFault::incomplete};
    }
    return frames;
}

// Rows that answer from another service than the block's first row, on servers that look up only that one.
std::optional<std::uint16_t> first_foreign(unsigned first, unsigned count) {
    const Register* start = register_at(first);
    if (start == nullptr) {
        return std::nullopt;
    }
    for (const Register& row : registers_within(first, count)) {
        if (row.type != start->type) {
            return row.address;
        }
    }
    return std::nullopt;
}

void add_values(DecodedReply& reply, unsigned first, ServerVersion server) {
    const auto count = static_cast<unsigned>(reply.registers.size());
    if (server < kTypesServedPerRegister) {
        reply.wrong_from = first_foreign(first, count);
    }
    for (const Register& row : registers_within(first, count)) {
        if (reply.wrong_from && row.address >= *reply.wrong_from) {
            break;
        }
        if (row.since > server) {
            continue;
        }
        const Words words = Words{reply.registers}.subspan(row.address - first, row.count);
        if (auto value = decode(row, words)) {
            reply.values.push_back({&row, std::move(*value)});
        }
        if (row.address == kFirmwareAddress) {
            reply.firmware = firmware_text(words[0], words[1]);
        }
    }
}

Outcome<DecodedReply> decode_read(DecodedReply reply, const Frame& request, const Frame& frame,
                                  ServerVersion server) {
    const wire::Bytes asked{request.pdu};
    const wire::Bytes pdu{frame.pdu};
    if (asked.size() != 5 || pdu.size() < 2 || pdu[1] != pdu.size() - 2
        || pdu[1] != 2u * wire::be16(asked, 3)) {
        return Unexpected{ExchangeFault::byte_count};
    }
    for (std::size_t at = 2; at < pdu.size(); at += 2) {
        reply.registers.push_back(wire::be16(pdu, at));
    }
    add_values(reply, wire::be16(asked, 1), server);
    return reply;
}

Outcome<DecodedReply> decode_written(DecodedReply reply, const Frame& request, const Frame& frame) {
    if (frame.pdu.size() != 5) {
        return Unexpected{ExchangeFault::length};
    }
    if (request.pdu.size() < 5 || !std::equal(frame.pdu.begin(), frame.pdu.end(), request.pdu.begin())) {
        return Unexpected{ExchangeFault::echo};
    }
    reply.written = DecodedReply::Echo{wire::be16(frame.pdu, 1), wire::be16(frame.pdu, 3)};
    return reply;
}

Outcome<DecodedReply> decode_reply(const Frame& request, const Frame& frame, ServerVersion server) {
    if (request.unit != frame.unit) {
        return Unexpected{ExchangeFault::unit};
    }
    const std::uint8_t code = frame.pdu[0];
    if ((code & ~kExceptionBit) != (request.pdu[0] & ~kExceptionBit)) {
        return Unexpected{ExchangeFault::function};
    }
    DecodedReply reply{frame.transaction,
                       frame.unit,
                       static_cast<std::uint8_t>(code & ~kExceptionBit),
                       {},
                       {},
                       {},
                       {},
                       {},
                       {}};
    if ((code & kExceptionBit) != 0) {
        if (frame.pdu.size() != 2) {
            return Unexpected{ExchangeFault::length};
        }
        reply.exception = frame.pdu[1];
        return reply;
    }
    if (reply.is_read()) {
        return decode_read(std::move(reply), request, frame, server);
    }
    if (reply.function == 6 || reply.function == 16) {
        return decode_written(std::move(reply), request, frame);
    }
    return Unexpected{ExchangeFault::function};
}

}  // namespace

const char* describe(ExchangeFault fault) {
    switch (fault) {
        case ExchangeFault::no_reply:
            return "no reply";
        case ExchangeFault::incomplete:
            return "the message is cut short or has bytes left over";
        case ExchangeFault::protocol_id:
            return "the header does not say Modbus";
        case ExchangeFault::length:
            return "the length field is wrong";
        case ExchangeFault::byte_count:
            return "the byte count is wrong";
        case ExchangeFault::transaction:
            return "a reply to a request that was not sent";
        case ExchangeFault::unit:
            return "a reply from another unit";
        case ExchangeFault::function:
            return "a reply to another function";
        case ExchangeFault::echo:
            return "a write confirmed with other numbers";
    }
    return "";
}

wire::Expected<std::vector<DecodedReply>, ExchangeFault> decode_exchange(wire::Bytes requests,
                                                                         wire::Bytes replies,
                                                                         ServerVersion server) {
    auto asked = frames_of(requests);
    if (!asked) {
        return Unexpected{asked.error()};
    }
    const auto frames = frames_of(replies);
    if (!frames) {
        return Unexpected{frames.error()};
    }
    if (frames->empty()) {
        return Unexpected{ExchangeFault::no_reply};
    }
    std::vector<DecodedReply> decoded;
    for (const Frame& frame : *frames) {
        const auto request = std::find_if(asked->begin(), asked->end(), [&](const Frame& candidate) {
            return candidate.transaction == frame.transaction;
        });
        if (request == asked->end()) {
            return Unexpected{ExchangeFault::transaction};
        }
        auto reply = decode_reply(*request, frame, server);
        if (!reply) {
            return Unexpected{reply.error()};
        }
        decoded.push_back(std::move(*reply));
        asked->erase(request);
    }
    return decoded;
}

}  // namespace gxmodbus
