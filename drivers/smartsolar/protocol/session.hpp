#pragma once
// A conversation with a connected product, as a state machine without I/O and without a clock: it says what to write
// next, takes notifications, and knows when it is done. docs/protocols/victron-ble.md, "Session".
//
// It opens the register protocol, starts the product's own disconnect timer, subscribes, and then reads register by
// register in small requests, each waiting for the answers to the one before. It never writes a setting: the only
// write besides the keep-alive is the one a user asked for, and only if write_allowed() says so.

#include "smartsolar/protocol/vreg_request.hpp"
#include "smartsolar/protocol/vreg_stream.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace smartsolar {

/// A register at a part of the product: instance 0 is the Bluetooth side, 3 the product proper; single-chip products
/// answer everything at 0.
struct RegisterAddress {
    std::uint32_t instance = 0;
    std::uint16_t vreg = 0;

    auto operator<=>(const RegisterAddress&) const = default;
};

/// A write a user asked for.
struct RegisterWrite {
    RegisterAddress address;
    std::uint8_t value = 0;
};

struct SessionPlan {
    std::vector<std::uint32_t> subscribe = {0, 1, 3};
    std::vector<RegisterAddress> reads;
    std::optional<RegisterWrite> write;  // carried out before the reads, then read back
    std::chrono::milliseconds keep_alive{10'000};
    std::size_t fragment_size = 20;  // the link's MTU less 3
    std::size_t registers_per_request = 8;
    std::chrono::milliseconds answer_limit{2'000};  // for the answers to one request
};

class Session {
  public:
    using Milliseconds = std::chrono::milliseconds;

    /// `now` here and below: any monotonic clock. A write that is not allowed is left out.
    Session(SessionPlan plan, Milliseconds now);

    /// The next write to carry out, nothing when the product is to be waited for. To be asked again after each
    /// completed write, after each notification and when next_due() has come.
    [[nodiscard]] std::optional<Fragment> next_write(Milliseconds now);

    /// Takes a notification; complete values and refusals are appended to `out`.
    void on_notification(Characteristic from, wire::Bytes bytes, Milliseconds now,
                         std::vector<VregMessage>& out);

    /// Everything planned has been asked, and answered or given up.
    [[nodiscard]] bool finished() const;

    /// When next_write() may have something new without a notification.
    [[nodiscard]] Milliseconds next_due() const;

    /// Adds reads to a running session.
    void read(const std::vector<RegisterAddress>& addresses);

    /// Registers that were asked for, twice, and neither answered nor refused.
    [[nodiscard]] const std::vector<RegisterAddress>& unanswered() const { return unanswered_; }

    /// Bytes of notifications that fitted no message.
    [[nodiscard]] std::size_t dropped() const { return stream_.dropped(); }

  private:
    void open(Milliseconds now);
    void put_keep_alive(wire::Buffer& message, Milliseconds now);
    void queue(wire::Bytes message);
    void queue_control(wire::Bytes bytes);
    void give_up_or_repeat();
    void request_next(Milliseconds now);

    SessionPlan plan_;
    VregStream stream_;
    std::deque<Fragment> to_write_;
    std::deque<RegisterAddress> to_ask_;
    std::vector<RegisterAddress> asked_;  // in the request on its way
    std::size_t to_repeat_ = 0;           // how many of them are asked for the second time
    std::vector<RegisterAddress> unanswered_;
    Milliseconds answers_due_{0};
    Milliseconds keep_alive_due_{0};
    unsigned notifications_since_credit_ = 0;
};

/// What a poll of a charger asks for.
[[nodiscard]] std::vector<RegisterAddress> charger_registers(std::uint32_t instance, bool with_history);

/// What a poll of a battery monitor asks for.
[[nodiscard]] std::vector<RegisterAddress> monitor_registers(std::uint32_t instance);

/// What a poll of any other product asks for: identity, mode and state.
[[nodiscard]] std::vector<RegisterAddress> common_registers(std::uint32_t instance);

/// What the command line's `query` asks for; the identify register, asked last, marks the end.
[[nodiscard]] std::vector<RegisterAddress> query_registers(std::uint32_t instance);

}  // namespace smartsolar
