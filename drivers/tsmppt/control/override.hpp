#pragma once
// Slave control: overriding the controller's battery voltage and current for a while, to bring cells into balance or
// because the GX asks for it. Pure functions of (settings, reading, time). docs/protocols/tristar.md, "Coils and writes".

#include "tsmppt/charger.hpp"
#include "tsmppt/control/history.hpp"
#include "wire/expected.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace tristar {

/// How often both registers are written while an override lasts; the controller gives up after 60 s.
inline constexpr std::int64_t kRewriteSeconds = 30;
/// A set point of the GX that is not repeated for so long is void.
inline constexpr std::int64_t kLinkSeconds = 60;

struct OverrideSettings {
    double highest_volts = 0;          ///< of the system; 0: 14.4 V for each 12 V
    std::int32_t time_limit_s = 7200;  ///< at the target voltage, per day
    double full_amps = 2.0;            ///< at the target with less than this, the battery is full ...
    std::int32_t full_seconds = 300;   ///< ... after so long without a break
    double excess_watts = 100;  ///< ... while the array could give so much more; negative: not looked at
};

/// What the installation allows.
struct OverrideLimits {
    double lowest_volts = 0;
    double highest_volts = 0;
    double highest_amps = 0;
    double usual_volts = 0;  ///< what the controller would charge to by itself (absorption)
};

enum class OverrideFault : std::uint8_t {
    unknown_system,  ///< 12, 24 or 48 V is not known, so no voltage can be judged
    too_low,
    too_high,
    current  ///< not within 0 and the controller's rating
};
[[nodiscard]] std::string_view describe(OverrideFault fault);

/// The limits for a system of 12, 24 or 48 V. The highest voltage is the least of the setting, the controller's own
/// limit, and 16 V for each 12 V.
[[nodiscard]] wire::Expected<OverrideLimits, OverrideFault> override_limits(const OverrideSettings& settings,
                                                                            std::optional<int> system_volts,
                                                                            const SetPoints& points,
                                                                            double rated_amps);

enum class StopReason : std::uint8_t { none, user, battery_full, time_limit, night, refused };
/// The text of /Custom/VoltageOverride/StopReason.
[[nodiscard]] std::string_view describe(StopReason reason);

/// An override that a user asked for. Kept across restarts of the driver, because the controller stops charging when
/// the registers are not written again.
struct Override {
    std::optional<double> volts;
    std::optional<double> amps;
    double at_target_seconds = 0;  ///< today; pauses while the voltage is below the target
    double tail_seconds = 0;       ///< starts again whenever the battery takes more current
    std::int32_t day = 0;          ///< the local day of at_target_seconds
    std::int64_t last_seconds = 0;
    StopReason stopped = StopReason::none;

    [[nodiscard]] bool active() const { return volts || amps; }
    friend bool operator==(const Override&, const Override&) = default;
};

/// Asks for a voltage or a current. Zero or less ends that half of the override; when both are ended, all of it.
[[nodiscard]] std::optional<OverrideFault> request_volts(Override& wanted, double volts,
                                                         const OverrideLimits& limits);
[[nodiscard]] std::optional<OverrideFault> request_amps(Override& wanted, double amps,
                                                        const OverrideLimits& limits);
/// Ends it for a reason of the driver's own.
void stop(Override& wanted, StopReason reason);

/// Takes a reading into account: counts the time at the target, ends the override when the battery is full, the time
/// of the day is used up, or night has come. Returns true when it ended.
bool follow(Override& wanted, const OverrideSettings& settings, const Charger& charger, const Moment& now);

/// Watts that the array could give beyond what it gives, by the controller's last sweep.
[[nodiscard]] std::optional<double> excess_watts(const Charger& charger);

/// What the GX asks for when the user lets it control the charger.
struct GxWishes {
    std::optional<double> volts;
    std::optional<double> amps;
    std::int64_t volts_at = 0;
    std::int64_t amps_at = 0;
};

/// What goes into the two registers.
struct SlaveTarget {
    double volts = 0;
    double amps = 0;

    friend bool operator==(const SlaveTarget&, const SlaveTarget&) = default;
};

/// The user's override, else what the GX asks for as long as it is fresh, else nothing: then the registers are
/// released. What is left open is the usual voltage and the controller's rating. Values beyond the limits are cut.
[[nodiscard]] std::optional<SlaveTarget> slave_target(const Override& wanted, const GxWishes& link,
                                                      const OverrideLimits& limits, const Moment& now);

/// What has been written to the two registers, and when.
struct SlaveWrites {
    std::optional<SlaveTarget> written;
    std::int64_t at = 0;
};
enum class SlaveAction : std::uint8_t { none, write, release };

/// What is due now. Writes again after kRewriteSeconds, at once when the target changed or the controller's registers
/// (when they were read) hold something else. Releases once when nothing is wanted any longer, also when the
/// controller is found under an override that a former run of the driver has left behind (`left_behind`).
[[nodiscard]] SlaveAction slave_action(const SlaveWrites& writes, const std::optional<SlaveTarget>& target,
                                       const Charger& charger, bool left_behind, const Moment& now);

}  // namespace tristar
