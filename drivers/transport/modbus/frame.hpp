#pragma once
// The Modbus TCP codec: requests to bytes, bytes to checked answers. Pure: no socket, no clock.
//
// Facts: MODBUS Application Protocol Specification V1.1b3 (functions, limits, exceptions) and MODBUS Messaging
// on TCP/IP Implementation Guide V1.0b (MBAP header); see docs/protocols/modbus-tcp.md.

#include "transport/modbus/error.hpp"
#include "wire/bytes.hpp"
#include "wire/expected.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace transport::modbus {

template <class T>
using Result = wire::Expected<T, Error>;

inline constexpr std::uint16_t kDefaultPort = 502;
inline constexpr std::size_t kHeaderBytes = 7;  ///< transaction, protocol, length, unit
inline constexpr std::size_t kMaxPdu = 253;

enum class Function : std::uint8_t {
    read_coils = 0x01,
    read_discrete_inputs = 0x02,
    read_holding_registers = 0x03,
    read_input_registers = 0x04,
    write_coil = 0x05,
    write_register = 0x06,
    write_coils = 0x0F,
    write_registers = 0x10,
    device_identification = 0x2B  ///< with MEI type 0x0E
};

/// How much of the identification is asked for (read device id code 1..3; 4 asks for one object).
enum class IdentificationLevel : std::uint8_t { basic = 1, regular = 2, extended = 3, one_object = 4 };

/// One question to one unit. Plain data: fill it with the functions below; encode() checks it.
struct Request {
    std::uint8_t unit = 1;
    Function function = Function::read_holding_registers;
    std::uint16_t address = 0;  ///< first register or coil (PDU address); identification: first object id
    std::uint16_t count = 0;    ///< registers or coils; identification: the level
    std::vector<std::uint16_t> values;  ///< of a write; a coil is 0 or 1
};

[[nodiscard]] Request read_coils(std::uint8_t unit, std::uint16_t address, std::uint16_t count);
[[nodiscard]] Request read_discrete_inputs(std::uint8_t unit, std::uint16_t address, std::uint16_t count);
[[nodiscard]] Request read_holding_registers(std::uint8_t unit, std::uint16_t address, std::uint16_t count);
[[nodiscard]] Request read_input_registers(std::uint8_t unit, std::uint16_t address, std::uint16_t count);
[[nodiscard]] Request write_coil(std::uint8_t unit, std::uint16_t address, bool on);
[[nodiscard]] Request write_register(std::uint8_t unit, std::uint16_t address, std::uint16_t value);
[[nodiscard]] Request write_coils(std::uint8_t unit, std::uint16_t address, std::vector<bool> on);
[[nodiscard]] Request write_registers(std::uint8_t unit, std::uint16_t address,
                                      std::vector<std::uint16_t> values);
[[nodiscard]] Request read_identification(std::uint8_t unit,
                                          IdentificationLevel level = IdentificationLevel::basic,
                                          std::uint8_t first_object = 0);

/// The whole frame of a request, ready to send. Fault::bad_request when a count is outside the protocol's limits
/// (2000 coils or 125 registers read, 1968 coils or 123 registers written) or the range passes address 65535.
[[nodiscard]] Result<wire::Buffer> encode(std::uint16_t transaction, const Request& request);

/// One frame as it came from the wire; `pdu` starts with the function code and is 1..253 bytes.
struct Frame {
    std::uint16_t transaction = 0;
    std::uint8_t unit = 0;
    wire::Buffer pdu;
};

/// Cuts a byte stream into frames. A header that breaks the protocol ends the stream: from there on next()
/// returns the same error, because nothing tells where the next frame would begin.
class FrameReader {
  public:
    /// Takes bytes as they arrive, in pieces of any size.
    void feed(wire::Bytes bytes);

    /// The next whole frame; empty when more bytes are needed; Fault::protocol_id or Fault::length.
    [[nodiscard]] Result<std::optional<Frame>> next();

  private:
    wire::Buffer buffer_;
    std::size_t taken_ = 0;
    std::optional<Error> broken_;
};

struct IdentificationObject {
    std::uint8_t id = 0;  ///< 0 vendor, 1 product code, 2 revision, see the protocol's table 6.21
    std::string text;     ///< printable ASCII, cut at the first NUL
};

/// A checked answer. Which member is filled follows from the function of the request.
struct Response {
    std::vector<std::uint16_t> registers;
    std::vector<bool> coils;
    std::vector<IdentificationObject> objects;
    std::optional<std::uint8_t> next_object;  ///< more identification follows, from this object on
};

/// Checks an answer against its question (unit, function, amount of data, echo of a write) and takes it apart.
/// Errors: Fault::unit, function, length, byte_count, echo, identification, exception.
[[nodiscard]] Result<Response> decode(const Request& request, const Frame& frame);

}  // namespace transport::modbus
