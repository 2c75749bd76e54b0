#pragma once
// Why a Modbus request has no usable answer: one name for each reason, from the socket up to the exception code.

#include <cstdint>
#include <string>
#include <string_view>

namespace transport::modbus {

enum class Fault : std::uint8_t {
    // The caller
    bad_request,  ///< count, address range or payload outside what the protocol allows; nothing was sent
    cancelled,    ///< the client was closed by its owner while the request was under way
    // The network
    unknown_host,
    unreachable,
    refused,
    timeout,
    reset,
    closed,   ///< the peer closed before its answer was complete
    network,  ///< any other socket error
    // The answer
    protocol_id,    ///< the MBAP header does not say Modbus
    length,         ///< the MBAP length is not 2..254 or does not fit the PDU
    transaction,    ///< an answer to a question nobody asked
    unit,           ///< an answer from another unit
    function,       ///< an answer to another function
    byte_count,     ///< not as much data as was asked for
    echo,           ///< a write confirmed with another address, count or value
    exception,      ///< the device refused: see Error::exception
    identification  ///< the device identification is not laid out as the protocol says
};

/// Exception codes of the Modbus application protocol, chapter 7.
enum class Exception : std::uint8_t {
    none = 0,
    illegal_function = 1,
    illegal_address = 2,
    illegal_value = 3,
    device_failure = 4,
    acknowledge = 5,
    busy = 6,
    memory_parity = 8,
    gateway_path = 10,
    gateway_target = 11
};

struct Error {
    Fault fault{};
    Exception exception = Exception::none;  ///< the code of the answer when fault is Fault::exception

    friend bool operator==(const Error&, const Error&) = default;
};

/// A short sentence for a log line or a user, without a full stop: "the connection was refused".
[[nodiscard]] std::string_view describe(Fault fault);
[[nodiscard]] std::string_view describe(Exception exception);
/// As describe(fault), and for an exception its number and meaning.
[[nodiscard]] std::string describe(const Error& error);

/// True when the answer itself broke the protocol: the byte stream cannot be trusted any longer.
[[nodiscard]] bool is_malformed(Fault fault);

}  // namespace transport::modbus
