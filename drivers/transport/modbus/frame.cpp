#include "transport/modbus/frame.hpp"

#include <algorithm>
#include <utility>

namespace transport::modbus {

namespace {

using wire::Buffer;
using wire::Bytes;
using wire::Cursor;
using wire::Unexpected;

constexpr std::uint8_t kExceptionBit = 0x80;
constexpr std::uint8_t kIdentificationMei = 0x0E;
constexpr std::uint16_t kCoilOn = 0xFF00;
constexpr std::size_t kMinLength = 2;  // unit and function
constexpr std::size_t kMaxLength = kMaxPdu + 1;

Unexpected<Error> fail(Fault fault) {
    return {Error{fault}};
}

Request read(Function function, std::uint8_t unit, std::uint16_t address, std::uint16_t count) {
    return {unit, function, address, count, {}};
}

/// The most registers or coils one request may carry.
std::size_t limit(Function function) {
    switch (function) {
        case Function::read_coils:
        case Function::read_discrete_inputs:
            return 2000;
        case Function::read_holding_registers:
        case Function::read_input_registers:
            return 125;
        case Function::write_coils:
            return 1968;
        case Function::write_registers:
            return 123;
        default:
            return 1;
    }
}

bool is_write(Function function) {
    return function == Function::write_coil || function == Function::write_register
           || function == Function::write_coils || function == Function::write_registers;
}

bool is_valid(const Request& request) {
    if (request.function == Function::device_identification) {
        return request.address <= 0xff && request.count >= 1 && request.count <= 4 && request.values.empty();
    }
    const bool in_range = request.count >= 1 && request.count <= limit(request.function)
                          && std::size_t{request.address} + request.count <= 0x10000;
    return in_range && request.values.size() == (is_write(request.function) ? request.count : 0u);
}

std::uint8_t packed_coils(const std::vector<std::uint16_t>& values, std::size_t first) {
    unsigned byte = 0;
    for (std::size_t bit = 0; bit < 8 && first + bit < values.size(); ++bit) {
        byte |= (values[first + bit] != 0 ? 1u : 0u) << bit;
    }
    return static_cast<std::uint8_t>(byte);
}

Buffer request_pdu(const Request& request) {
    Buffer pdu;
    wire::put8(pdu, static_cast<unsigned>(request.function));
    switch (request.function) {
        case Function::device_identification:
            wire::put8(pdu, kIdentificationMei);
            wire::put8(pdu, request.count);
            wire::put8(pdu, request.address);
            return pdu;
        case Function::write_coil:
            wire::put_be16(pdu, request.address);
            wire::put_be16(pdu, request.values[0] != 0 ? kCoilOn : 0);
            return pdu;
        case Function::write_register:
            wire::put_be16(pdu, request.address);
            wire::put_be16(pdu, request.values[0]);
            return pdu;
        default:
            break;
    }
    wire::put_be16(pdu, request.address);
    wire::put_be16(pdu, request.count);
    if (request.function == Function::write_registers) {
        wire::put8(pdu, request.count * 2u);
        for (const auto value : request.values) {
            wire::put_be16(pdu, value);
        }
    } else if (request.function == Function::write_coils) {
        wire::put8(pdu, (request.count + 7u) / 8u);
        for (std::size_t first = 0; first < request.values.size(); first += 8) {
            wire::put8(pdu, packed_coils(request.values, first));
        }
    }
    return pdu;
}

Result<Response> decode_registers(const Request& request, Bytes body) {
    if (body.size() != 1 + request.count * 2u || body[0] != request.count * 2u) {
        return fail(Fault::byte_count);
    }
    Response response;
    response.registers.reserve(request.count);
    for (std::size_t at = 1; at < body.size(); at += 2) {
        response.registers.push_back(wire::be16(body, at));
    }
    return response;
}

Result<Response> decode_coils(const Request& request, Bytes body) {
    const std::size_t bytes = (request.count + 7u) / 8u;
    if (body.size() != 1 + bytes || body[0] != bytes) {
        return fail(Fault::byte_count);
    }
    Response response;
    response.coils.reserve(request.count);
    for (std::size_t coil = 0; coil < request.count; ++coil) {
        response.coils.push_back((body[1 + coil / 8] >> coil % 8 & 1) != 0);
    }
    return response;
}

/// A write is confirmed with the first four bytes after its function code: address and value, or address and count.
Result<Response> decode_echo(const Request& request, Bytes body) {
    if (body.size() != 4) {
        return fail(Fault::length);
    }
    const Buffer sent = request_pdu(request);
    if (!std::equal(body.begin(), body.end(), sent.begin() + 1)) {
        return fail(Fault::echo);
    }
    return Response{};
}

Result<Response> decode_identification(const Request& request, Bytes body) {
    Cursor cursor{body};
    const auto mei = cursor.u8();
    const auto level = cursor.u8();
    cursor.skip(1);  // conformity level
    const bool more = cursor.u8() != 0;
    const auto next = cursor.u8();
    const auto count = cursor.u8();
    if (!cursor.ok() || mei != kIdentificationMei || level != request.count) {
        return fail(Fault::identification);
    }
    Response response;
    for (unsigned i = 0; i < count; ++i) {
        const auto id = cursor.u8();
        const auto text = cursor.take(cursor.u8());
        if (!cursor.ok()) {
            return fail(Fault::identification);
        }
        response.objects.push_back({id, wire::ascii(text)});
    }
    if (cursor.remaining() != 0) {
        return fail(Fault::identification);
    }
    if (more) {
        response.next_object = next;
    }
    return response;
}

}  // namespace

Request read_coils(std::uint8_t unit, std::uint16_t address, std::uint16_t count) {
    return read(Function::read_coils, unit, address, count);
}

Request read_discrete_inputs(std::uint8_t unit, std::uint16_t address, std::uint16_t count) {
    return read(Function::read_discrete_inputs, unit, address, count);
}

Request read_holding_registers(std::uint8_t unit, std::uint16_t address, std::uint16_t count) {
    return read(Function::read_holding_registers, unit, address, count);
}

Request read_input_registers(std::uint8_t unit, std::uint16_t address, std::uint16_t count) {
    return read(Function::read_input_registers, unit, address, count);
}

Request write_coil(std::uint8_t unit, std::uint16_t address, bool on) {
    return {unit, Function::write_coil, address, 1, {on ? std::uint16_t{1} : std::uint16_t{0}}};
}

Request write_register(std::uint8_t unit, std::uint16_t address, std::uint16_t value) {
    return {unit, Function::write_register, address, 1, {value}};
}

Request write_coils(std::uint8_t unit, std::uint16_t address, std::vector<bool> on) {
    Request request{unit, Function::write_coils, address, static_cast<std::uint16_t>(on.size()), {}};
    request.values.assign(on.begin(), on.end());
    return request;
}

Request write_registers(std::uint8_t unit, std::uint16_t address, std::vector<std::uint16_t> values) {
    const auto count = static_cast<std::uint16_t>(values.size());
    return {unit, Function::write_registers, address, count, std::move(values)};
}

Request read_identification(std::uint8_t unit, IdentificationLevel level, std::uint8_t first_object) {
    return read(Function::device_identification, unit, first_object, static_cast<std::uint16_t>(level));
}

Result<Buffer> encode(std::uint16_t transaction, const Request& request) {
    if (!is_valid(request)) {
        return fail(Fault::bad_request);
    }
    const Buffer pdu = request_pdu(request);
    Buffer frame;
    frame.reserve(kHeaderBytes + pdu.size());
    wire::put_be16(frame, transaction);
    wire::put_be16(frame, 0);
    wire::put_be16(frame, static_cast<unsigned>(pdu.size() + 1));
    wire::put8(frame, request.unit);
    wire::put(frame, pdu);
    return frame;
}

void FrameReader::feed(Bytes bytes) {
    if (broken_) {
        return;
    }
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(taken_));
    taken_ = 0;
    wire::put(buffer_, bytes);
}

Result<std::optional<Frame>> FrameReader::next() {
    if (broken_) {
        return Unexpected{*broken_};
    }
    const Bytes rest = Bytes{buffer_}.subspan(taken_);
    const auto broken = [this](Fault fault) {
        broken_ = Error{fault};
        buffer_.clear();
        taken_ = 0;
        return fail(fault);
    };
    // Each field is judged as soon as it is there: a peer that is not Modbus need not be waited for.
    if (rest.size() >= 4 && wire::be16(rest, 2) != 0) {
        return broken(Fault::protocol_id);
    }
    if (rest.size() < 6) {
        return std::optional<Frame>{};
    }
    const std::size_t length = wire::be16(rest, 4);
    if (length < kMinLength || length > kMaxLength) {
        return broken(Fault::length);
    }
    if (rest.size() < 6 + length) {
        return std::optional<Frame>{};
    }
    const Bytes pdu = rest.subspan(kHeaderBytes, length - 1);
    taken_ += 6 + length;
    return std::optional{Frame{wire::be16(rest, 0), rest[6], {pdu.begin(), pdu.end()}}};
}

Result<Response> decode(const Request& request, const Frame& frame) {
    if (!is_valid(request)) {
        return fail(Fault::bad_request);
    }
    if (frame.unit != request.unit) {
        return fail(Fault::unit);
    }
    if (frame.pdu.empty()) {
        return fail(Fault::length);
    }
    const auto function = static_cast<std::uint8_t>(request.function);
    const Bytes body = Bytes{frame.pdu}.subspan(1);
    if (frame.pdu[0] == (function | kExceptionBit)) {
        if (body.size() != 1) {
            return fail(Fault::length);
        }
        return Unexpected{Error{Fault::exception, static_cast<Exception>(body[0])}};
    }
    if (frame.pdu[0] != function) {
        return fail(Fault::function);
    }
    switch (request.function) {
        case Function::read_coils:
        case Function::read_discrete_inputs:
            return decode_coils(request, body);
        case Function::read_holding_registers:
        case Function::read_input_registers:
            return decode_registers(request, body);
        case Function::device_identification:
            return decode_identification(request, body);
        default:
            return decode_echo(request, body);
    }
}

}  // namespace transport::modbus
