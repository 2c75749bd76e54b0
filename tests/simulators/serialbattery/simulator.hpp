#pragma once
// The seam of the simulators: a family's file says how one unit answers what it hears. Encoders are written here
// once more, from the same documents and apart from the driver's decoders.

#include "pack.hpp"
#include "wire/bytes.hpp"
#include "wire/checksum.hpp"

#include <chrono>
#include <cmath>
#include <optional>
#include <string_view>
#include <vector>

namespace bms::sim {

using std::chrono::milliseconds;
using wire::Buffer;
using wire::Bytes;

/// An answer, and how much of what was heard it answers. Empty bytes: understood, not answered.
struct Response {
    std::size_t consumed = 0;
    Buffer bytes;
};

struct Simulator {
    std::string_view family;
    unsigned baud = 9600;
    bool even_parity = false;
    unsigned unit = 0;         ///< address of a lone unit
    milliseconds latency{60};  ///< from the end of a request to the first byte of the answer
    std::size_t cells = 16;
    /// What unit `unit` does with bytes that begin with a request; nothing when they are none of its own.
    std::optional<Response> (*respond)(Bytes heard, unsigned unit, Pack& pack) = nullptr;
};

/// Every simulator that is linked in; a family's file registers its own.
inline std::vector<Simulator>& simulators() {
    static std::vector<Simulator> all;
    return all;
}
struct Registration {
    explicit Registration(const Simulator& simulator) { simulators().push_back(simulator); }
};
[[nodiscard]] inline const Simulator* find_simulator(std::string_view family) {
    for (const auto& simulator : simulators()) {
        if (simulator.family == family) {
            return &simulator;
        }
    }
    return nullptr;
}

/// One unit on a line: collects what it hears and answers its requests.
class Unit {
  public:
    Unit(const Simulator& simulator, unsigned address)
        : pack(simulator.cells), simulator_(simulator), address_(address) {}

    Pack pack;

    [[nodiscard]] const Simulator& simulator() const { return simulator_; }
    [[nodiscard]] unsigned address() const { return address_; }

    /// Bytes on the line. The answer to the last request in them, if it was for this unit.
    [[nodiscard]] std::optional<Buffer> hear(Bytes bytes) {
        wire::put(heard_, bytes);
        std::optional<Buffer> answer;
        for (std::size_t at = 0; at < heard_.size();) {
            if (auto response = simulator_.respond(Bytes(heard_).subspan(at), address_, pack)) {
                answer = std::move(response->bytes);
                heard_.erase(heard_.begin(),
                             heard_.begin() + static_cast<std::ptrdiff_t>(at + response->consumed));
                at = 0;
            } else {
                ++at;
            }
        }
        if (heard_.size() > 512) {
            heard_.clear();
        }
        answers_ += answer ? 1 : 0;
        return answer;
    }
    /// How often it answered.
    [[nodiscard]] unsigned answers() const { return answers_; }
    /// A pause on the line ends whatever was begun.
    void silence() { heard_.clear(); }

  private:
    const Simulator& simulator_;
    unsigned address_;
    unsigned answers_ = 0;
    Buffer heard_;
};

/// A number in the device's units.
[[nodiscard]] inline unsigned scaled(double value, double per_unit, double zero = 0) {
    return static_cast<unsigned>(static_cast<std::int64_t>(std::llround(value * per_unit + zero)));
}
inline void put_text(Buffer& out, std::string_view text, std::size_t size, char pad = '\0') {
    for (std::size_t i = 0; i < size; ++i) {
        out.push_back(static_cast<std::uint8_t>(i < text.size() ? text[i] : pad));
    }
}
inline void put_crc(Buffer& out) {
    wire::put_le16(out, wire::Crc16Modbus::of(out));
}

}  // namespace bms::sim
