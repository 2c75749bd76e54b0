#pragma once
// The adapter's side of the wire, written from the protocol page alone: nothing of the driver is used here, so that
// a mistake there is not made twice.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace gesim {

using Octets = std::vector<std::uint8_t>;

/// A request as a client sends it.
struct Request {
    std::uint8_t address = 0;
    std::uint8_t function = 0;
    std::uint16_t first = 0;   ///< register
    std::uint16_t second = 0;  ///< count, or value of a write
};

/// What a client's stream holds next.
struct Incoming {
    enum class Kind { nothing, heartbeat, request, rubbish } kind = Kind::nothing;
    Request request{};
};

/// Takes one frame off the front of `stream`.
Incoming take_frame(Octets& stream);

[[nodiscard]] std::uint16_t crc(const std::uint8_t* data, std::size_t size);

/// Serials of both ends of an answer.
struct Serials {
    std::string adapter;
    std::string device;
};

[[nodiscard]] Octets read_answer(const Serials& serials, const Request& request,
                                 const std::vector<std::uint16_t>& values);
[[nodiscard]] Octets write_answer(const Serials& serials, const Request& request);
/// `echo_count` false: some devices echo a count of 0.
[[nodiscard]] Octets error_answer(const Serials& serials, const Request& request, bool echo_count = true);
[[nodiscard]] Octets heartbeat(const std::string& adapter, std::uint8_t type = 1);
[[nodiscard]] Octets null_answer(const std::string& adapter);
[[nodiscard]] Octets network_announcement(const std::string& adapter);
/// Puts a right check behind the content of a transparent frame again, after it was changed.
void renew_check(Octets& frame);

}  // namespace gesim
