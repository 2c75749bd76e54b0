#pragma once
// A conversation with one installation: finding out what it is, reading its banks through the sanity rules, carrying
// out writes with read-back. Shared by the driver and the command line.

#include "givenergy/control/commands.hpp"
#include "givenergy/driver/link.hpp"
#include "givenergy/protocol/poll_plan.hpp"
#include "givenergy/protocol/sanity.hpp"

namespace givenergy {

/// How a list of writes went.
struct WriteOutcome {
    bool success = false;
    std::string text;  ///< what went wrong
    int written = 0;   ///< registers that were really written; unchanged ones are spared
};

/// How a bank came.
enum class BankState : std::uint8_t { good, rejected, refused, missing };

class Session {
  public:
    explicit Session(Link& link) : link_(link) {}

    /// Finds out model, batteries and meters. False if the inverter did not answer or is of no known model; what was
    /// known is kept then.
    boost::asio::awaitable<bool> detect();
    /// Only the model: one request.
    boost::asio::awaitable<bool> identify();

    /// Reads a bank into registers(). A bank that fails leaves the old one.
    boost::asio::awaitable<BankState> fetch(Request request, int retries = 1);

    /// Writes what differs from what the device holds, in order, and reads the banks concerned again. `always`: also
    /// what does not differ.
    boost::asio::awaitable<WriteOutcome> carry_out(const std::vector<ApprovedWrite>& writes,
                                                   bool always = false);

    [[nodiscard]] const Topology& topology() const { return topology_; }
    [[nodiscard]] Registers& registers() { return registers_; }
    [[nodiscard]] const Registers& registers() const { return registers_; }
    [[nodiscard]] Link& link() { return link_; }
    /// The inverter's wall clock now, from its last reading; nothing before one.
    [[nodiscard]] std::optional<WallClock> inverter_clock() const;
    [[nodiscard]] CommandContext context(const Consent& consent) const;
    /// Why the last bank was rejected.
    [[nodiscard]] std::optional<Suspicion> last_suspicion() const { return suspicion_; }

  private:
    boost::asio::awaitable<bool> refresh(const std::vector<ApprovedWrite>& writes);
    void verify(const std::vector<ApprovedWrite>& writes, WriteOutcome& outcome) const;
    [[nodiscard]] bool near_midnight() const;

    Link& link_;
    Topology topology_;
    Registers registers_;
    Gatekeeper gate_;
    std::optional<Suspicion> suspicion_;
    std::chrono::steady_clock::time_point clock_read_{};
};

}  // namespace givenergy
