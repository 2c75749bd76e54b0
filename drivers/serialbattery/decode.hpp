#pragma once
// What `dbus-serialbattery decode` does with one line: bytes of the wire to named values. Pure; the JSON around it
// is the tool's (decode_json.hpp).

#include "serialbattery/record.hpp"
#include "wire/bytes.hpp"

#include <optional>
#include <string>

namespace bms {

struct DecodeInput {
    std::string protocol;  ///< name of a family
    wire::Buffer bytes;
    wire::Buffer asked;   ///< the request before it, empty when unknown
    bool stream = false;  ///< a piece of a byte stream instead of one frame
    std::optional<unsigned> cell_count;
    std::optional<unsigned> ntc_count;
    std::optional<bool> pro;
};

/// The values of one frame or the frames of a stream (docs/protocols/decode.md). An unknown protocol gives
/// `valid: false` and `error: "protocol"`.
[[nodiscard]] Record decode(const DecodeInput& input);

}  // namespace bms
