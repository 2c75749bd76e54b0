#pragma once
// A recorded conversation taken apart: the requests that were sent, the replies that came, and what the replies
// say by the register table. It is what `dbus-gxmodbus decode` prints.

#include "gxmodbus/protocol/codec.hpp"
#include "wire/bytes.hpp"
#include "wire/expected.hpp"

#include <optional>
#include <string>
#include <vector>

namespace gxmodbus {

struct DecodedValue {
    const Register* row;
    Value value;
};

/// One reply. Which members are filled depends on the function and on whether the server refused.
struct DecodedReply {
    std::uint16_t transaction = 0;
    std::uint8_t unit = 0;
    std::uint8_t function = 0;  ///< without the exception bit
    std::optional<std::uint8_t> exception;
    std::vector<std::uint16_t> registers;  ///< of a read
    std::vector<DecodedValue> values;      ///< rows completely in the block that the server version knows
    std::string firmware;                  ///< "v3.46~20" when the block has the version register
    /// Servers before 1.0.89 answer a block from the service of its first register: from this address on the
    /// numbers are wrong.
    std::optional<std::uint16_t> wrong_from;
    struct Echo {
        std::uint16_t address;
        std::uint16_t quantity_or_value;
    };
    std::optional<Echo> written;

    [[nodiscard]] bool is_read() const { return function == 3 || function == 4; }
};

enum class ExchangeFault : std::uint8_t {
    no_reply,
    incomplete,  ///< bytes are missing, or some are left over
    protocol_id,
    length,       ///< the length field does not fit the message
    byte_count,   ///< not as much data as was asked for
    transaction,  ///< a reply to a request that was not sent
    unit,
    function,
    echo,  ///< a write confirmed with another address, count or value
};
[[nodiscard]] const char* describe(ExchangeFault fault);

/// Replies in the order of their arrival. `requests` and `replies` hold whole Modbus TCP messages, several in a
/// row when they were pipelined. Every reply is matched with its request by the transaction id.
[[nodiscard]] wire::Expected<std::vector<DecodedReply>, ExchangeFault> decode_exchange(wire::Bytes requests,
                                                                                       wire::Bytes replies,
                                                                                       ServerVersion server);

}  // namespace gxmodbus
