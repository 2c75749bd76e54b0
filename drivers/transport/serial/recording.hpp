#pragma once
// What passed over serial ports, as a text file: every byte with its time, and how the line was set.
//
//     serial recording 1
//     0.000000 1 open /dev/ttyUSB0
//     0.000071 1 line 9600 none
//     0.252310 1 sent dda50300fffd77
//     0.301442 1 received dd030026...
//     7.000000 1 close
//
// A line is: seconds since the start, number of the port, what happened. A recorder that was killed leaves a last
// line without an end, which is dropped. Pure; recorder.hpp writes such a file while a port is used.

#include "wire/bytes.hpp"
#include "wire/expected.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace transport {

inline constexpr std::string_view kRecordingHead = "serial recording 1\n";

/// How a line is set: 8 data bits, 1 stop bit, no flow control.
struct RecordedLine {
    std::uint32_t baud = 9600;
    bool even_parity = false;
    bool operator==(const RecordedLine&) const = default;
};

struct RecordedEvent {
    enum class Kind : std::uint8_t { open, line, sent, received, close };
    std::chrono::microseconds at{};  ///< since the start; never less than that of the event before
    unsigned port = 0;               ///< from 1, in the order of their first opening
    Kind kind = Kind::open;
    RecordedLine line = {};  ///< with Kind::line
    std::size_t offset = 0;  ///< with sent and received: where in Recording::bytes
    std::size_t length = 0;
};

struct Recording {
    std::vector<std::string> ports;  ///< path of port 1, 2 ...
    std::vector<RecordedEvent> events;
    wire::Buffer bytes;

    [[nodiscard]] wire::Bytes bytes_of(const RecordedEvent& event) const {
        return wire::Bytes(bytes).subspan(event.offset, event.length);
    }
};

struct RecordingFault {
    std::size_t line = 0;  ///< from 1
    std::string_view what;
};

/// What a recording may hold at most: more is refused.
namespace recording_limits {
inline constexpr std::size_t kFileBytes = 64u << 20;
inline constexpr std::size_t kEvents = 2'000'000;
inline constexpr std::size_t kBytesAtOnce = 4096;
inline constexpr std::size_t kPorts = 64;
inline constexpr std::size_t kPathLength = 1024;
inline constexpr std::chrono::hours kLength{24 * 366};
}  // namespace recording_limits

[[nodiscard]] wire::Expected<Recording, RecordingFault> parse_recording(std::string_view text);

/// The lines of a file, with their ends. The bytes of an event, split where they are too many for a line.
[[nodiscard]] std::string recorded_open(std::chrono::microseconds at, unsigned port, std::string_view path);
[[nodiscard]] std::string recorded_line(std::chrono::microseconds at, unsigned port,
                                        const RecordedLine& line);
[[nodiscard]] std::string recorded_bytes(std::chrono::microseconds at, unsigned port, bool sent,
                                         wire::Bytes bytes);
[[nodiscard]] std::string recorded_close(std::chrono::microseconds at, unsigned port);

/// The file again.
[[nodiscard]] std::string to_text(const Recording& recording);

}  // namespace transport
