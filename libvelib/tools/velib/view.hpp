#pragma once
// The live view of the bus as text: pure, so that it can be tested without a terminal.

#include "velib/monitor.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace velib::cli {

using Clock = std::chrono::steady_clock;
using Services = std::map<std::string, MonitoredService, std::less<>>;

/// How long a changed value stands out.
inline constexpr std::chrono::seconds kHighlight{2};

/// Which values have changed lately.
class Changes {
  public:
    void note(std::string_view service, std::string_view path, Clock::time_point now);
    void forget(std::string_view service);
    /// Drops what is older than kHighlight.
    void expire(Clock::time_point now);
    [[nodiscard]] bool recent(std::string_view service, std::string_view path) const;
    /// When the next highlight ends; nothing when there is none.
    [[nodiscard]] std::optional<Clock::time_point> next_expiry() const;

  private:
    std::map<std::string, std::map<std::string, Clock::time_point, std::less<>>, std::less<>> times_;
};

/// What a terminal can do, and what the user wants to see.
struct ViewStyle {
    /// Columns of the screen, at least 20.
    std::size_t width = 80;
    /// Rows of the screen; 0: as many as it takes.
    std::size_t height = 0;
    bool color = false;
    bool unicode = true;
    /// Also the daily history, which is hundreds of items.
    bool history = false;
    /// Lines that are scrolled out at the top.
    std::size_t scroll = 0;
    /// Lines of the caller's own, on top.
    std::vector<std::string> title = {};
};

struct Screen {
    std::vector<std::string> lines;
    /// How far the view can be scrolled.
    std::size_t most_scroll = 0;
};

/// Every service with its items: on a wide screen in several columns. Values that changed lately stand out
/// (without colours by a star), as do alarms and errors. Never more lines than style.height (if it is not 0), none wider than style.width.
[[nodiscard]] Screen render(const Services& services, const Changes& changes, const ViewStyle& style);

/// A value as a table shows it: text without quotes, "no value" as "--" (or a dash).
[[nodiscard]] std::string shown_value(const Value& value, bool unicode);

/// One item as a line: service, path, value, text.
[[nodiscard]] std::string plain_line(std::string_view service, std::string_view path,
                                     const MonitoredItem& item);

}  // namespace velib::cli
