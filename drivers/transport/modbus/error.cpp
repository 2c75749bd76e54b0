#include "transport/modbus/error.hpp"

#include <array>
#include <utility>

namespace transport::modbus {

namespace {

constexpr auto kFaults = std::to_array<std::pair<Fault, std::string_view>>({
    {Fault::bad_request, "the request is outside what Modbus allows"},
    {Fault::cancelled, "the request was cancelled"},
    {Fault::unknown_host, "the host name is unknown"},
    {Fault::unreachable, "the host cannot be reached"},
    {Fault::refused, "the connection was refused"},
    {Fault::timeout, "no answer in time"},
    {Fault::reset, "the connection was reset"},
    {Fault::closed, "the connection was closed before the answer was complete"},
    {Fault::network, "the network failed"},
    {Fault::protocol_id, "the answer is not Modbus"},
    {Fault::length, "the answer has an impossible length"},
    {Fault::transaction, "the answer belongs to no question"},
    {Fault::unit, "the answer came from another unit"},
    {Fault::function, "the answer belongs to another function"},
    {Fault::byte_count, "the answer holds another amount of data than was asked for"},
    {Fault::echo, "the write was confirmed with other values than were sent"},
    {Fault::exception, "the device refused the request"},
    {Fault::identification, "the device identification cannot be read"},
});

constexpr auto kExceptions = std::to_array<std::pair<Exception, std::string_view>>({
    {Exception::none, "none"},
    {Exception::illegal_function, "illegal function"},
    {Exception::illegal_address, "illegal data address"},
    {Exception::illegal_value, "illegal data value"},
    {Exception::device_failure, "device failure"},
    {Exception::acknowledge, "accepted, still working"},
    {Exception::busy, "device busy"},
    {Exception::memory_parity, "memory parity error"},
    {Exception::gateway_path, "gateway path unavailable"},
    {Exception::gateway_target, "gateway target did not answer"},
});

template <class Key, std::size_t size>
std::string_view text_of(const std::array<std::pair<Key, std::string_view>, size>& table, Key key,
                         std::string_view otherwise) {
    for (const auto& [candidate, text] : table) {
        if (candidate == key) {
            return text;
        }
    }
    return otherwise;
}

}  // namespace

std::string_view describe(Fault fault) {
    return text_of(kFaults, fault, "unknown fault");
}

std::string_view describe(Exception exception) {
    return text_of(kExceptions, exception, "unknown exception");
}

std::string describe(const Error& error) {
    std::string text{describe(error.fault)};
    if (error.fault == Fault::exception) {
        text += " (exception " + std::to_string(static_cast<unsigned>(error.exception)) + ", "
                + std::string{describe(error.exception)} + ")";
    }
    return text;
}

bool is_malformed(Fault fault) {
    switch (fault) {
        case Fault::protocol_id:
        case Fault::length:
        case Fault::transaction:
        case Fault::unit:
        case Fault::function:
        case Fault::byte_count:
        case Fault::echo:
        case Fault::identification:
            return true;
        default:
            return false;
    }
}

}  // namespace transport::modbus
