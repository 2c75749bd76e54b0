#include "tsmppt/clock.hpp"

#include "tsmppt/settings.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>

namespace tristar {

namespace {

bool is_zone_file(const std::string& zone) {
    std::error_code fault;
    return zone.find("..") == std::string::npos
           && std::filesystem::is_regular_file(std::filesystem::path{"/usr/share/zoneinfo"} / zone, fault);
}

/// At least three letters and an offset: "UTC0", "CET-1CEST,M3.5.0,M10.5.0/3".
bool is_posix_zone(const std::string& zone) {
    const auto digits = std::ranges::find_if(zone, [](unsigned char c) { return std::isalpha(c) == 0; });
    return digits - zone.begin() >= 3 && digits != zone.end()
           && (std::isdigit(static_cast<unsigned char>(*digits)) != 0 || *digits == '-' || *digits == '+');
}

void use_zone(const std::optional<std::string>& zone) {
    if (zone) {
        ::setenv("TZ", zone->c_str(), 1);
    } else {
        ::unsetenv("TZ");
    }
    ::tzset();
}

std::tm local_time(std::int64_t unix_seconds) {
    const auto seconds = static_cast<std::time_t>(unix_seconds);
    std::tm local{};
    ::localtime_r(&seconds, &local);
    return local;
}

}  // namespace

Clock::Clock() {
    if (const char* zone = std::getenv("TZ")) {
        machine_zone_ = zone;
    }
    ::tzset();
}

bool Clock::set_zone(const std::string& zone) {
    if (zone.empty() || zone == kNoTimeZone) {
        use_zone(machine_zone_);
        return true;
    }
    if (is_zone_file(zone)) {
        use_zone(":" + zone);
        return true;
    }
    const bool posix = is_posix_zone(zone);
    use_zone(posix ? std::optional{zone} : machine_zone_);
    return posix;
}

Moment Clock::now() const {
    const auto seconds = static_cast<std::int64_t>(std::time(nullptr));
    const auto local = local_time(seconds);
    const std::chrono::year_month_day date{std::chrono::year{local.tm_year + 1900},
                                           std::chrono::month{static_cast<unsigned>(local.tm_mon) + 1},
                                           std::chrono::day{static_cast<unsigned>(local.tm_mday)}};
    const auto days = std::chrono::sys_days{date}.time_since_epoch().count();
    return {seconds, static_cast<std::int32_t>(days), local.tm_hour};
}

std::string local_time_text(std::int64_t unix_seconds) {
    const auto local = local_time(unix_seconds);
    std::array<char, 32> text{};
    const auto length = std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M", &local);
    return {text.data(), length};
}

}  // namespace tristar
