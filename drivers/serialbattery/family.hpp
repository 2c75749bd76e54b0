#pragma once
// The seam between a family of battery management systems and the rest of the driver.
//
// A family is one file below families/: its tables, how its frames look (`sight`), what they say (`describe`)
// and a Session, which knows what to ask one battery and reads the answers into a Battery. Everything here is
// pure: bytes in, bytes out. A Conversation (conversation.hpp) carries a Session's queries over a line, and the
// detector (detect/) finds out which family is there. See docs/adding-a-bms-family.md.

#include "serialbattery/battery.hpp"
#include "serialbattery/record.hpp"
#include "serialbattery/table.hpp"
#include "wire/bytes.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace bms {

using std::chrono::milliseconds;
using namespace std::chrono_literals;  // NOLINT(google-build-using-namespace): timings are written as 500ms

// ----------------------------------------------------------------------------------------------- line

enum class Parity : std::uint8_t { none, even };

/// 8 data bits, 1 stop bit, no flow control everywhere.
struct Line {
    std::uint32_t baud = 9600;
    Parity parity = Parity::none;
    bool operator==(const Line&) const = default;
};

/// The time `bytes` take on the line, start and stop bits included.
[[nodiscard]] constexpr std::chrono::microseconds wire_time(const Line& line, std::size_t bytes) {
    const unsigned bits = line.parity == Parity::none ? 10 : 11;
    return std::chrono::microseconds(bytes * bits * 1'000'000ull / line.baud);
}

// -------------------------------------------------------------------------------------------- framing

/// Why bytes are not a good frame, in the order the checks are made.
enum class Fault : std::uint8_t {
    header,     ///< does not begin like a frame of this family
    truncated,  ///< could be one, more bytes are needed
    checksum,
    trailer,
    length,           ///< an impossible length, or not the one that was asked for
    length_checksum,  ///< the check nibble of a length field
    extra,            ///< bytes behind the frame
    address,          ///< an answer to something else: other unit, register or command
};

enum class Role : std::uint8_t {
    reply,
    request,      ///< of a host: our echo, or another master
    acknowledge,  ///< accompanies a reply and carries no values of its own
};

/// What stands at the start of a run of bytes.
struct Sight {
    enum class Kind : std::uint8_t { none, partial, frame };
    Kind kind = Kind::none;
    std::size_t length = 0;  ///< of the frame; of a partial one: bytes it needs at least
    Fault fault = Fault::header;
    Role role = Role::reply;

    static constexpr Sight no(Fault why = Fault::header) { return {Kind::none, 0, why, Role::reply}; }
    static constexpr Sight needs(std::size_t bytes) {
        return {Kind::partial, bytes, Fault::truncated, Role::reply};
    }
    static constexpr Sight frame(std::size_t length, Role role = Role::reply) {
        return {Kind::frame, length, Fault::header, role};
    }
};

/// A frame inside a run of bytes.
struct Found {
    std::size_t offset = 0;
    std::size_t length = 0;
    Role role = Role::reply;
};

/// What a reader knows besides the frame itself: the request before it, and facts from earlier answers.
struct Context {
    Bytes asked = {};
    std::optional<unsigned> cell_count;
    std::optional<unsigned> ntc_count;
    std::optional<bool> tenfold_current;  ///< Renogy Pro: current in tenths of an ampere
};

// ------------------------------------------------------------------------------------------- requests

/// A request: at most 64 bytes, kept without allocation.
class Packet {
  public:
    static constexpr std::size_t kCapacity = 64;

    Packet() = default;
    /// Bytes beyond the capacity end the process: requests are written by families, not read from a wire.
    explicit Packet(Bytes bytes) {
        for (const auto byte : bytes) {
            push(byte);
        }
    }
    void push(unsigned byte) {
        bytes_.at(size_) = static_cast<std::uint8_t>(byte);
        ++size_;
    }
    [[nodiscard]] Bytes bytes() const { return Bytes(bytes_).first(size_); }
    [[nodiscard]] bool empty() const { return size_ == 0; }
    operator Bytes() const { return bytes(); }

  private:
    std::array<std::uint8_t, kCapacity> bytes_{};
    std::uint8_t size_ = 0;
};

/// How a family's devices take their time. All from the vendor's text or from measurements (docs/protocols/).
struct Timing {
    milliseconds reply = 500ms;  ///< longest from the end of a request to the first byte of the answer
    milliseconds gap = 50ms;     ///< longest silence inside an answer
    milliseconds pause = 20ms;   ///< shortest from the last byte of an answer to the next request
    milliseconds spacing = 0ms;  ///< shortest from one request to the next on the whole bus
    std::uint8_t tries = 3;
    milliseconds poll = 1000ms;  ///< from one poll to the next, where the user wants no other
};

/// One thing to ask, and how to ask it.
struct Query {
    Packet bytes;
    std::uint16_t tag = 0;     ///< the session's own name for it
    bool required = true;      ///< without an answer the cycle has failed
    bool always = false;       ///< is sent even after the cycle has failed: undoes what an earlier query did
    std::uint8_t tries = 0;    ///< 0: the family's
    milliseconds reply = 0ms;  ///< 0: the family's
    milliseconds pause = 0ms;  ///< before it, when longer than the family's
};
using Queries = std::vector<Query>;

/// What a frame was to the query that is open.
enum class Taken : std::uint8_t {
    foreign,  ///< belongs to something else
    more,     ///< a part of the answer, others follow
    done,     ///< the answer is complete
    refused,  ///< the device answered that it will not
};

// ------------------------------------------------------------------------------------------- controls

/// What a user can change in a battery.
enum class Control : std::uint8_t { charge, discharge, balancing, heating, soc };

/// A writable control of a family: what it accepts. On/off controls take 0 and 1, soc percent.
struct ControlInfo {
    Control control;
    double lowest = 0;
    double highest = 1;
    bool verified =
        true;  ///< false: only described, never seen on a device; offered only where the user asks for it
};

/// Local time, for devices that want their clock set along with something else.
struct LocalTime {
    std::uint16_t year = 0;
    std::uint8_t month = 0;
    std::uint8_t day = 0;
    std::uint8_t hour = 0;
    std::uint8_t minute = 0;
    std::uint8_t second = 0;
};

/// What a user wants changed.
struct Command {
    Control control;
    double value = 0;
    LocalTime now = {};
    [[nodiscard]] bool on() const { return value != 0; }
};

/// The state of a control as the battery reports it: what it was told where it says so, else what it does.
[[nodiscard]] std::optional<double> read_back(const Battery& battery, Control control);

// -------------------------------------------------------------------------------------------- session

/// What a user may state about a battery that it does not say itself.
struct Options {
    bool first_sensor_is_mosfet = true;   ///< JBD with several sensors: the first sits on the power stage
    std::optional<bool> tenfold_current;  ///< Renogy Pro; empty: decided by the model
    bool sole_unit = false;               ///< no other battery shares the bus: the user says so
    bool direct_only = false;             ///< UP16S: only the pack at the cable, none that its master relays
    std::optional<std::uint8_t> first_monitor;  ///< ECS: of the cell monitors; empty: behind the meter
};

/// How sure a session is that it talks to a battery of its family.
enum class Proof : std::uint8_t { pending, proven, refuted };

/// One battery: what is known of it, and what to ask it next. Pure.
class Session {
  public:
    virtual ~Session() = default;

    /// Appends the queries of the next poll cycle. `poll` counts cycles from 0, so slow things are asked
    /// every n-th; what is not known yet (cell count ...) may need a second cycle.
    virtual void cycle(unsigned poll, Queries& out) = 0;

    /// A good frame while `query` is open. Queries put into `follow` are sent next.
    virtual Taken take(const Query& query, Bytes frame, Queries& follow) = 0;

    /// `query` stayed without an answer after all its tries: what only it delivers becomes unknown.
    virtual void missed(const Query& query) { static_cast<void>(query); }

    /// The answer to `query` ended in silence after some parts: true when what came is enough.
    virtual bool settled(const Query& query) {
        static_cast<void>(query);
        return false;
    }

    /// Appends what carries out a command and reads its result back; false when the battery has no such control
    /// or its state is not known well enough. The range has been checked against ControlInfo.
    virtual bool control(const Command& command, Queries& out) {
        static_cast<void>(command), static_cast<void>(out);
        return false;
    }

    /// A good frame on a bus this session only listens to; true when it was of use.
    virtual bool overheard(Bytes frame, Bytes request) {
        static_cast<void>(frame), static_cast<void>(request);
        return false;
    }

    /// Whether what was read so far proves the family (identifying content, not just a checksum).
    [[nodiscard]] virtual Proof proof() const = 0;

    /// Whether a whole sample has been read.
    [[nodiscard]] virtual bool complete() const { return proof() == Proof::proven; }

    [[nodiscard]] const Battery& battery() const { return battery_; }

  protected:
    Battery battery_;
};

// --------------------------------------------------------------------------------------------- family

/// What a probe may do to a device of another make.
enum class Risk : std::uint8_t {
    none,   ///< a read, or bytes no other device understands
    write,  ///< a write to a foreign device: sent last, and only where nobody else can be
};

/// How a family is found.
struct Detection {
    std::uint8_t rank = 100;       ///< order among the families of a line; popular and quick first
    milliseconds window = 250ms;   ///< longest credible time to the first byte of the answer
    milliseconds reading = 300ms;  ///< what it usually takes to read what proves it: the longest go first
    std::span<const std::uint8_t> addresses = {};  ///< tried in this order; empty: no address
    Risk risk = Risk::none;
    bool battery = true;  ///< false: recognised, so that it is not taken for a battery
    /// Answers to two different questions prove it: they are slow, and checked in so many ways that chance is out.
    bool sure = false;
};

/// How `decode` reports a stream: every frame with its offset, or counts and the content of the good frames.
enum class Report : std::uint8_t { listed, counted };

struct Family {
    std::string_view name;           ///< in settings, `decode` and --json: "jbd"
    std::string_view title;          ///< for people: "LLT/JBD"
    std::span<const Line> lines;     ///< most likely first
    std::uint8_t first_address = 0;  ///< addresses a bus can hold; both 0: not addressed
    std::uint8_t last_address = 0;
    /// Where further batteries are looked for unasked; both 0: at the first 16 addresses.
    std::uint8_t first_scanned = 0;
    std::uint8_t last_scanned = 0;
    Timing timing = {};
    Detection detection = {};
    std::span<const ControlInfo> controls = {};
    std::string_view check = "checksum";  ///< what `decode` calls a failed check sum
    Report report = Report::listed;

    /// What stands at the start of `bytes`; `asked` is the open request, empty when none is. Every check that
    /// needs nothing but the frame is made here: header, length, checksum, trailer, counts.
    Sight (*sight)(Bytes bytes, Bytes asked) = nullptr;
    /// Why a good reply does not answer `asked` (unit, register, command, length); nothing when it does.
    std::optional<Fault> (*mismatch)(Bytes frame, Bytes asked) = nullptr;
    /// Lists everything a good frame says, under the names of the decode tool.
    void (*describe)(Bytes frame, Role role, const Context& context, Record& out) = nullptr;
    /// Adds what identifies a frame in a list of frames; optional.
    void (*identify)(Bytes frame, Record& out) = nullptr;
    /// Adds what the frames of one stream say together; optional.
    void (*merge)(Bytes stream, std::span<const Found> frames, const Context& context, Record& out) = nullptr;
    /// What may stand behind a frame without being surplus: describes it, or says what is wrong with it. Optional.
    std::optional<Fault> (*tail)(Bytes frame, Bytes behind, const Context& context, Record& out) = nullptr;
    /// The query that shows in one exchange whether such a battery may be there.
    Query (*probe)(std::uint8_t address) = nullptr;
    /// Another form of it, for devices that keep silent on the first; optional.
    Query (*probe_otherwise)(std::uint8_t address) = nullptr;
    /// A session with one battery; null for what is recognised but is no battery.
    std::unique_ptr<Session> (*open)(std::uint8_t address, const Options& options) = nullptr;
};

/// Every family, in the order of families.cpp: the one list.
[[nodiscard]] std::span<const Family* const> families();
/// Whether users are offered a control of a battery; `unverified`: also one that nobody saw work.
[[nodiscard]] bool offers(const Family& family, Control control, bool unverified);
/// The family called `name`, null when there is none.
[[nodiscard]] const Family* find_family(std::string_view name);

}  // namespace bms
