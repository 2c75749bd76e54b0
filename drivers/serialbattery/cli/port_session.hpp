#pragma once
// What the commands that look at a port share: open it, find out what is there, read the batteries.

#include "serialbattery/control/config_file.hpp"
#include "serialbattery/conversation.hpp"
#include "serialbattery/detect/detector.hpp"
#include "serialbattery/driver/overhearing.hpp"
#include "serialbattery/driver/port_source.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <boost/asio/awaitable.hpp>

namespace bms::cli {

struct PortOptions {
    std::string port;
    std::string record;                  ///< file to write every byte to
    std::string replay;                  ///< recording to read instead of the port
    std::vector<std::string> types;      ///< only these families
    std::vector<std::string> addresses;  ///< only these, and all of them
    bool all = false;                    ///< every battery on the bus
    std::string config;                  ///< configuration file; empty: the driver's usual one
};
/// PORT, --type, --address, --all, --config, --record and --replay, checked.
void add_port_options(CLI::App& line, PortOptions& options);

/// A battery that was found and read.
struct Heard {
    Heard(const Location& where, std::unique_ptr<Session> read)
        : place(where), session(std::move(read)), talk(*place.family, *session, place.line) {}
    Location place;
    std::unique_ptr<Session> session;
    Conversation talk;
    bool fresh = true;  ///< overheard since it was looked at last
    [[nodiscard]] const Battery& battery() const { return session->battery(); }
};

class PortSession {
  public:
    PortSession(const boost::asio::any_io_executor& executor, PortOptions options);

    /// Its path, for what is said about it.
    [[nodiscard]] const std::string& port() const { return options_.port; }
    /// What the configuration file says of the port.
    [[nodiscard]] const control::Settings& settings() const { return settings_; }
    /// Opens the port and looks for batteries. False, with a line on standard error, when the port cannot be used;
    /// throws when a recording cannot be read or written.
    [[nodiscard]] boost::asio::awaitable<bool> search();
    [[nodiscard]] Detected::Kind kind() const { return found_.kind; }
    /// What else is there, in a sentence; for everything but a battery.
    [[nodiscard]] std::string otherwise() const;
    /// From the open port to the first battery, or to the end of the search.
    [[nodiscard]] milliseconds took() const { return took_; }
    [[nodiscard]] unsigned probes() const { return probes_; }
    /// Every battery that was found, in the order of their addresses but for the first.
    [[nodiscard]] const std::vector<std::unique_ptr<Heard>>& batteries() const { return batteries_; }
    /// Addresses that were asked for and did not answer.
    [[nodiscard]] std::vector<std::uint8_t> missing() const;

    /// Reads a battery once more; its talk tells whether it answered. Nothing, or why the port cannot be used any
    /// more; that of a recording is gone when the recording has ended.
    [[nodiscard]] boost::asio::awaitable<std::optional<SerialFault>> poll(Heard& battery);
    /// Whether another master asks here, so that nothing may be sent.
    [[nodiscard]] bool occupied() const { return kind() == Detected::Kind::occupied; }
    /// Listens to that master until then; batteries that were heard whole join. Nothing, or why the port cannot be used
    /// any more.
    [[nodiscard]] boost::asio::awaitable<std::optional<SerialFault>> overhear(TimePoint until);
    /// The same, for as long as a master needs to ask all its batteries.
    [[nodiscard]] boost::asio::awaitable<std::optional<SerialFault>> overhear_round();
    [[nodiscard]] bool replayed() const { return !options_.replay.empty(); }
    /// The port's time, which runs faster in a recording.
    [[nodiscard]] TimePoint now() const { return port_->now(); }

  private:
    [[nodiscard]] boost::asio::awaitable<void> search_bus();
    [[nodiscard]] bool open();
    [[nodiscard]] bool complain(std::string_view what) const;

    boost::asio::any_io_executor executor_;
    PortOptions options_;
    std::vector<std::uint8_t> addresses_;
    control::Settings settings_;
    std::unique_ptr<Port> port_;
    Detected found_;
    milliseconds took_{};
    unsigned probes_ = 0;
    std::vector<std::unique_ptr<Heard>> batteries_;
    std::optional<Overhearing> traffic_;
    std::vector<Listener> listeners_;  ///< to who has not been heard whole
};

}  // namespace bms::cli
