#pragma once
// The items of one controller: which path shows what, and which ones obey. The only room that names paths.

#include "tsmppt/control/history.hpp"
#include "tsmppt/control/override.hpp"
#include "tsmppt/link.hpp"
#include "tsmppt/venus.hpp"
#include "velib/publication.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

namespace tristar {

/// How the driver has fared with this controller.
struct ReadStatistics {
    std::int64_t successful = 0;
    std::int64_t failed = 0;
    std::int32_t consecutive_failures = 0;
    std::optional<std::int64_t> last_success;  ///< seconds since 1970
    std::int32_t backoff_factor = 1;
    std::string last_error;
};

/// The override as users watch it.
struct OverrideStatus {
    double volts = 0;  ///< asked for and written; 0: none
    double amps = 0;
    std::optional<double> register_volts;
    std::optional<double> register_amps;
    double at_target_seconds = 0;
    double tail_seconds = 0;
    std::optional<double> excess_watts;
    std::string stop_reason;
};

/// The application of a charge profile.
struct ProfileStatus {
    std::string phase = "idle";  ///< validating, disconnecting, writing, resetting, success, failed
    std::int32_t progress_percent = 0;
    std::string last_applied;
    std::string last_error;
};

/// Set points as the battery of this system sees them.
struct SystemSetPoints {
    std::optional<int> system_volts;
    SetPoints points;  ///< in volts of the system
};

/// What clients write. Each returns false to refuse, after a line in the log that says why.
class Operator {
  public:
    Operator() = default;
    Operator(const Operator&) = delete;
    Operator& operator=(const Operator&) = delete;
    virtual ~Operator() = default;

    virtual bool set_coil(Coil coil, bool on) = 0;
    /// A coil that is only ever triggered.
    virtual bool trigger(Coil coil) = 0;
    virtual bool override_volts(double volts) = 0;
    virtual bool override_amps(double amps) = 0;
    virtual bool apply_profile(const std::string& name) = 0;
    virtual void link_network_mode(std::int32_t mode) = 0;
    virtual void link_volts(double volts) = 0;
    virtual void link_amps(double amps) = 0;
};

class Panel {
  public:
    /// Adds all items. With `rated_amps` also those that let the GX control the charger.
    Panel(velib::ItemTree& tree, Operator& commands, std::optional<double> rated_amps);

    void show(velib::Update& update, const Charger& charger, const VenusValues& values);
    void show(velib::Update& update, const Coils& coils);
    void show(velib::Update& update, const History& history);
    void show(velib::Update& update, const SystemSetPoints& points);
    void show(velib::Update& update, const OverrideStatus& status);
    void show(velib::Update& update, const ProfileStatus& status);
    void show(velib::Update& update, const ReadStatistics& statistics);
    /// The GX's wishes are no longer fresh.
    void forget_link(velib::Update& update);

    /// Everything that was measured is unknown; history, identity and statistics stay.
    void lose(velib::Update& update);

  private:
    void add_controls();
    void add_override(std::string_view path, velib::Format format, bool (Operator::*request)(double));
    void add_link(double rated_amps);

    velib::ItemTree& tree_;
    Operator& operator_;
    velib::Publication<VenusValues> values_;
    velib::Publication<Charger> charger_;
    velib::Publication<Coils> coils_;
    velib::Publication<Lifetime> lifetime_;
    velib::Publication<SystemSetPoints> points_;
    velib::Publication<OverrideStatus> override_;
    velib::Publication<ProfileStatus> profile_;
    velib::Publication<ReadStatistics> statistics_;
    std::deque<velib::Publication<Day>> days_;  ///< today first
    velib::Item* days_available_ = nullptr;
    velib::Item* link_volts_ = nullptr;
    velib::Item* link_amps_ = nullptr;
};

}  // namespace tristar
