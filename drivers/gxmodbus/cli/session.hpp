#pragma once
// What the commands without a bus share: one connection to a GX, finding its devices, reading them once.

#include "gxmodbus/driver/ask.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

namespace gxmodbus::cli {

/// A host of the command line: "10.0.0.5", "barn.local:1502", "[fe80::1]:502". Nothing when it is none.
struct Host {
    std::string name;
    std::uint16_t port = transport::modbus::kDefaultPort;
};
[[nodiscard]] std::optional<Host> parse_host(std::string_view text);

/// What is asked for: a unit, perhaps one service type of it, perhaps one path. "225", "225:battery", "225/Soc",
/// "225:battery/Soc".
struct Target {
    std::uint8_t unit = 0;
    std::optional<ServiceType> type;
    std::string path;
};
[[nodiscard]] std::optional<Target> parse_target(std::string_view text);

struct RowValue {
    const Register* row;
    Value value;
    std::vector<std::uint16_t> words;
};
struct DeviceValues {
    Pair pair;
    std::vector<RowValue> rows;
};

class Session {
  public:
    Session(const boost::asio::any_io_executor& executor, const Host& host);

    /// Identifies the GX; false, with a line on standard error, when none answers.
    boost::asio::awaitable<bool> open();
    /// Probes what the scan wants at a rate; `progress` hears percent and what was found so far. What denotes the
    /// same device as one of the `known` pairs is left out.
    boost::asio::awaitable<std::vector<Pair>> find(Scan scan, std::vector<Pair> known,
                                                   double probes_per_second,
                                                   std::function<void(int, std::size_t)> progress);
    /// The pairs on unit 100 that are there, without a probe that would be logged for the common ones.
    boost::asio::awaitable<std::vector<Pair>> fixed_pairs();
    /// The pairs a target means: itself when it names a type, else those of its unit that have its path.
    boost::asio::awaitable<std::vector<Pair>> pairs_of(const Target& target);
    /// All rows of a pair; nothing when the GX does not have it (any more).
    boost::asio::awaitable<std::optional<DeviceValues>> read(Pair pair);

    boost::asio::awaitable<Answer> ask(std::uint8_t unit, std::uint16_t first, std::uint16_t count);
    boost::asio::awaitable<Answer> write(std::uint8_t unit, std::uint16_t first,
                                         std::vector<std::uint16_t> words);
    boost::asio::awaitable<void> sleep(std::chrono::milliseconds duration);

    /// Whether a question for something the GX does not have could crash its server.
    [[nodiscard]] bool may_crash() const { return may_crash_on_probe(identity_.version, identity_.beta); }
    [[nodiscard]] const Identity& identity() const { return identity_; }
    [[nodiscard]] const ReadPlan& plan() const { return plan_; }
    [[nodiscard]] const Traffic& traffic() const { return traffic_; }
    [[nodiscard]] Hints hints() const { return hints_; }
    /// Whether the connection still answers.
    [[nodiscard]] bool lost() const { return lost_; }

  private:
    boost::asio::any_io_executor executor_;
    Host host_;
    TcpClient client_;
    Traffic traffic_;
    Identity identity_;
    ReadPlan plan_{Generation::v75};
    Hints hints_;
    bool lost_ = false;
};

}  // namespace gxmodbus::cli
