#pragma once
// Small matters of time that the parts of Remote share.

#include "gxmodbus/driver/remote.hpp"

#include <chrono>
#include <random>

namespace gxmodbus {

/// Without any answer for so long, nothing is known of the remote any more.
inline constexpr std::chrono::seconds kSilenceToDown{10};

template <class Duration>
[[nodiscard]] Remote::Clock::duration clock_time(Duration duration) {
    return std::chrono::duration_cast<Remote::Clock::duration>(duration);
}

/// A random number within [0, 1).
[[nodiscard]] inline double chance() {
    static std::mt19937 random{std::random_device{}()};
    return std::uniform_real_distribution<double>(0, 1)(random);
}

}  // namespace gxmodbus
