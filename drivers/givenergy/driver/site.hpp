#pragma once
// One installation behind one adapter: connect, find out, poll, obey, recover. Who publishes it watches.

#include "common/state_file.hpp"
#include "givenergy/control/energy_guard.hpp"
#include "givenergy/driver/session.hpp"
#include "givenergy/driver/settings.hpp"
#include "givenergy/driver/site_state.hpp"

#include <deque>
#include <functional>

#include <boost/asio/steady_timer.hpp>

namespace givenergy {

class Site;

/// Told about everything that happens to a unit, on the same thread.
class SiteWatcher {
  public:
    SiteWatcher() = default;
    SiteWatcher(const SiteWatcher&) = delete;
    SiteWatcher& operator=(const SiteWatcher&) = delete;
    virtual ~SiteWatcher() = default;
    /// What it is, is known (again, perhaps differently).
    virtual boost::asio::awaitable<void> identified(Site& site) = 0;
    /// A cycle brought new values, or a command was carried out.
    virtual void changed(Site& site) = 0;
    /// Nothing is known any more.
    virtual void lost(Site& site) = 0;
};

/// How a command ended.
struct CommandResult {
    bool success = false;
    std::string text;
};
using CommandDone = std::function<void(const CommandResult&)>;

class Site {
  public:
    /// `settings` outlives the unit and is looked at anew in every cycle.
    Site(boost::asio::any_io_executor executor, AdapterAddress address, const DriverSettings& settings,
         std::string state_directory, SiteWatcher& watcher);
    Site(const Site&) = delete;
    Site& operator=(const Site&) = delete;
    ~Site() = default;

    /// Runs until cancelled.
    boost::asio::awaitable<void> run();

    /// Takes a control function. Returns what is wrong with it, and then `done` is never called; else it is carried
    /// out in turn.
    std::optional<CommandError> submit(std::string function, Arguments arguments, CommandDone done);

    [[nodiscard]] const Topology& topology() const { return session_.topology(); }
    [[nodiscard]] const Registers& registers() const { return session_.registers(); }
    [[nodiscard]] const Link& link() const { return link_; }
    [[nodiscard]] const DriverSettings& settings() const { return settings_; }
    [[nodiscard]] const View& view() const { return view_; }
    [[nodiscard]] bool online() const { return online_; }
    /// Publishes anew with another layout.
    void set_layout(Layout layout);
    [[nodiscard]] LayoutChoice layout() const;
    /// Settings changed: act on them now.
    void wake() { timer_.cancel(); }

  private:
    struct Command {
        std::string function;
        Arguments arguments;
        CommandDone done;
    };
    using Clock = std::chrono::steady_clock;

    boost::asio::awaitable<bool> come_online();
    boost::asio::awaitable<void> full_cycle();
    boost::asio::awaitable<bool> quick_cycle();
    boost::asio::awaitable<void> obey();
    boost::asio::awaitable<CommandResult> carry_out(const Command& command);
    boost::asio::awaitable<CommandResult> carry_out_override(OverrideKind kind, const Arguments& arguments);
    boost::asio::awaitable<void> end_running_override();
    boost::asio::awaitable<WriteOutcome> write(const std::vector<ApprovedWrite>& writes);
    boost::asio::awaitable<void> pause(Clock::time_point until);
    [[nodiscard]] std::optional<std::string> too_soon(const std::vector<ApprovedWrite>& writes) const;
    [[nodiscard]] CommandContext context() const;
    void load_state();
    void save_state();
    void update_view();
    void check_stale();

    boost::asio::any_io_executor executor_;
    const DriverSettings& settings_;
    std::string state_directory_;
    SiteWatcher& watcher_;
    Link link_;
    Session session_;
    Suspensions suspensions_;
    EnergyGuard energy_;
    View view_;
    SiteState state_;
    std::optional<common::StateFile> state_file_;
    std::deque<Command> commands_;
    std::map<std::uint16_t, Clock::time_point> written_;
    std::array<std::uint16_t, 3> recent_warnings_{};
    boost::asio::steady_timer timer_;
    Clock::time_point last_good_{}, next_full_{}, next_detection_{};
    Layout layout_ = Layout::standalone;
    unsigned cycle_ = 0;
    int failures_ = 0;
    int write_count_ = 0;
    std::string last_result_;
    bool online_ = false;
    bool identified_ = false;
};

}  // namespace givenergy
