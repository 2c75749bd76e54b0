#pragma once
// The simulator's day for unit tests: readings, and the time at which each was taken.

#include "simulators/tristar/day.hpp"
#include "tsmppt/control/history.hpp"
#include "tsmppt/protocol/image.hpp"

#include <array>
#include <functional>
#include <vector>

namespace day {

using tristar_simulator::Scene;

inline constexpr std::int32_t kFirst = 20000;  // 2024-10-04

/// A moment of the test's time zone, two hours east of Greenwich.
inline tristar::Moment at(int day, int hour, int minute = 0) {
    const auto local = (std::int64_t{kFirst} + day) * 86400 + hour * 3600 + minute * 60;
    return {local - 7200, kFirst + day, hour};
}

inline tristar::Charger reading(Scene scene,
                                const std::vector<std::pair<std::uint16_t, std::uint16_t>>& changes = {}) {
    auto words = tristar_simulator::image(scene);
    for (const auto& [address, word] : changes) {
        words[address] = word;
    }
    tristar::Image image;
    for (const auto& [address, word] : words) {
        image.add(address, word);
    }
    return *tristar::decode_charger(image);
}

struct Step {
    Scene scene;
    tristar::Moment now;
};

inline tristar::Moment time_of(Scene scene, int day = 0) {
    switch (scene) {
        case Scene::before_dawn:
            return at(day, 3);
        case Scene::night_check:
            return at(day, 6, 30);
        case Scene::stale_morning:
            return at(day, 7);
        case Scene::fresh_morning:
            return at(day, 7, 5);
        case Scene::bulk:
            return at(day, 11, 30);
        case Scene::absorption:
            return at(day, 13, 30);
        case Scene::float_:
            return at(day, 16);
        default:
            return at(day, 20);
    }
}

/// Polls every five minutes from before dawn to the end of the evening scene; registers move when a scene begins.
inline std::vector<Step> polls(int day = 0) {
    std::vector<Step> steps;
    std::size_t scene = 0;
    for (int minute = 3 * 60; minute <= 20 * 60; minute += 5) {
        const auto now = at(day, minute / 60, minute % 60);
        while (scene + 1 < tristar_simulator::kDay.size()
               && time_of(tristar_simulator::kDay[scene + 1], day).unix_seconds <= now.unix_seconds) {
            ++scene;
        }
        steps.push_back({tristar_simulator::kDay[scene], now});
    }
    return steps;
}

}  // namespace day
