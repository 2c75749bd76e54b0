#pragma once
// The receiving half of the GATT register protocol: notifications in, values and status replies out.
// docs/protocols/victron-ble.md, "GATT messages".

#include "wire/bytes.hpp"

#include <cstdint>
#include <vector>

namespace smartsolar {

/// The three characteristics of the service, by the number in their UUID (306b000N-...).
enum class Characteristic : std::uint8_t {
    control = 2,  // flow control, not CBOR
    last = 3,     // the last or only fragment of a message
    more = 4,     // a fragment that others follow
};

/// A register's value, or the product's refusal.
struct VregMessage {
    enum class Kind : std::uint8_t { value = 8, status = 9 };

    Kind kind = Kind::value;
    std::uint32_t instance = 0;
    std::uint16_t vreg = 0;
    wire::Buffer data;         // of a value
    std::uint32_t status = 0;  // of a status reply: 0 accepted, 1 not supported or refused

    bool operator==(const VregMessage&) const = default;
};

/// Reassembles messages from fragments. Bytes that fit no message are dropped one by one until the next one that
/// fits; the buffer is bounded whatever the sender claims.
class VregStream {
  public:
    static constexpr std::size_t kMaxBuffered = 4096;

    /// Takes one notification and appends the complete messages to `out`.
    /// `control` notifications are not part of the stream and change nothing.
    void feed(Characteristic from, wire::Bytes fragment, std::vector<VregMessage>& out);

    /// Forgets half a message: to be called when the link is cut.
    void clear() { buffer_.clear(); }

    /// Bytes of a message that is not complete yet.
    [[nodiscard]] wire::Bytes rest() const { return buffer_; }

    /// How many bytes (padding aside) had to be dropped since the beginning; not 0 means the stream lost step.
    [[nodiscard]] std::size_t dropped() const { return dropped_; }

  private:
    wire::Buffer buffer_;
    std::size_t dropped_ = 0;
};

}  // namespace smartsolar
