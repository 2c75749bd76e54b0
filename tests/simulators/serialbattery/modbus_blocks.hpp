#pragma once
// What a Modbus RTU slave of the simulators can do besides function 3: input registers, coils, writes of several words.

#include "modbus_slave.hpp"

namespace bms::sim {

/// The answer to a function 4 read addressed to `unit`: that to a function 3 read, under the other number.
[[nodiscard]] inline std::optional<Response> answer_input(Bytes heard, unsigned unit,
                                                          const Registers& registers) {
    if (heard.size() < 8 || heard[0] != unit || heard[1] != 4
        || wire::Crc16Modbus::of(heard.first(6)) != wire::le16(heard, 6)) {
        return std::nullopt;
    }
    Buffer request(heard.begin(), heard.begin() + 6);
    request[1] = 3;
    put_crc(request);
    auto response = answer_read(request, unit, unit, registers);
    if (response) {
        response->bytes[1] ^= 3 ^ 4;
        response->bytes.resize(response->bytes.size() - 2);
        put_crc(response->bytes);
    }
    return response;
}

/// The answer to a read of the coils of `bytes`, which begin at `first`: all of them or none.
[[nodiscard]] inline std::optional<Response> answer_coils(Bytes heard, unsigned unit, unsigned first,
                                                          const Buffer& bytes) {
    if (heard.size() < 8 || heard[0] != unit || heard[1] != 1
        || wire::Crc16Modbus::of(heard.first(6)) != wire::le16(heard, 6)) {
        return std::nullopt;
    }
    Buffer out{static_cast<std::uint8_t>(unit), 0x81, 2};
    if (wire::be16(heard, 2) == first && wire::be16(heard, 4) == 8 * bytes.size()) {
        out = {static_cast<std::uint8_t>(unit), 1, static_cast<std::uint8_t>(bytes.size())};
        wire::put(out, bytes);
    }
    put_crc(out);
    return Response{8, out};
}

/// A function 16 write to `unit`.
struct BlockWrite {
    unsigned reg = 0;
    std::vector<unsigned> words;
    [[nodiscard]] std::size_t length() const { return 9 + 2 * words.size(); }
};
[[nodiscard]] inline std::optional<BlockWrite> heard_block_write(Bytes heard, unsigned unit) {
    if (heard.size() < 9 || heard[0] != unit || heard[1] != 16) {
        return std::nullopt;
    }
    const std::size_t total = 9 + std::size_t{heard[6]};
    if (heard[6] != 2 * wire::be16(heard, 4) || heard.size() < total
        || wire::Crc16Modbus::of(heard.first(total - 2)) != wire::le16(heard, total - 2)) {
        return std::nullopt;
    }
    BlockWrite write{wire::be16(heard, 2), {}};
    for (std::size_t at = 7; at + 2 < total; at += 2) {
        write.words.push_back(wire::be16(heard, at));
    }
    return write;
}
/// Its head again when it was `done`, else exception 3.
[[nodiscard]] inline Response answer_block_write(const BlockWrite& write, unsigned unit, bool done) {
    Buffer out{static_cast<std::uint8_t>(unit), static_cast<std::uint8_t>(done ? 0x10 : 0x90)};
    if (done) {
        wire::put_be16(out, write.reg);
        wire::put_be16(out, static_cast<unsigned>(write.words.size()));
    } else {
        wire::put8(out, 3);
    }
    put_crc(out);
    return Response{write.length(), out};
}

}  // namespace bms::sim
