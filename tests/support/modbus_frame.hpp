#pragma once
// Modbus RTU frames for scripted devices: the bytes are given, the CRC is made right.

#include "wire/bytes.hpp"
#include "wire/checksum.hpp"

#include <string>
#include <string_view>

namespace bms::test {

/// `hex` with its CRC, as hex.
[[nodiscard]] inline std::string modbus_frame(std::string_view hex) {
    auto bytes = wire::from_hex(hex).value();
    wire::put_le16(bytes, wire::Crc16Modbus::of(bytes));
    return wire::to_hex(bytes);
}

}  // namespace bms::test
