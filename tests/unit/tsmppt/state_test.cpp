#include "tsmppt/control/state.hpp"

#include "day.hpp"
#include "support/catch.hpp"

using namespace tristar;

namespace {

State sample() {
    State state;
    state.history = begin_history(day::reading(day::Scene::before_dawn), day::at(0, 3));
    for (const auto& step : day::polls()) {
        book(state.history, day::reading(step.scene), step.now);
    }
    roll(state.history, day::at(2, 1));
    state.wanted.volts = 28.4;
    state.wanted.at_target_seconds = 17;
    state.wanted.stopped = StopReason::time_limit;
    state.system_volts = 24;
    return state;
}

std::string with(const std::string& old_text, const std::string& new_text) {
    auto text = to_text(sample());
    const auto at = text.find(old_text);
    REQUIRE(at != std::string::npos);
    return text.replace(at, old_text.size(), new_text);
}

}  // namespace

TEST_CASE("the state survives as text") {
    const auto state = sample();
    CHECK(from_text(to_text(state)) == state);
    CHECK(from_text(to_text(State{})) == State{});
}

TEST_CASE("a text cut off anywhere is no state") {
    const auto text = to_text(sample());
    for (std::size_t length = 0; length + 3 < text.size(); length += 7) {
        CHECK_FALSE(from_text(text.substr(0, length)).has_value());
    }
}

TEST_CASE("what cannot be is no state") {
    CHECK_FALSE(from_text("[]").has_value());
    CHECK_FALSE(from_text("{}").has_value());
    CHECK_FALSE(from_text(with("\"format\": 1", "\"format\": 2")).has_value());
    CHECK_FALSE(from_text(with("\"yield_wh\": 3400", "\"yield_wh\": -3400")).has_value());
    CHECK_FALSE(from_text(with("\"yield_wh\": 3400.0", "\"yield_wh\": 1e999")).has_value());
    CHECK_FALSE(from_text(with("\"total_kwh\"", "\"totel_kwh\"")).has_value());
    CHECK_FALSE(from_text(with("\"last_wh\": 3400", "\"last_wh\": 70000")).has_value());
    CHECK_FALSE(from_text(with("\"last_wh\": 3400", "\"last_wh\": 99999999999999999999")).has_value());
    CHECK_FALSE(from_text(with("\"night_seen\": true", "\"night_seen\": 1")).has_value());
    CHECK_FALSE(from_text(with("\"restart_day\": 20000", "\"restart_day\": 30000")).has_value());
    CHECK_FALSE(from_text(with("\"volts\": 28.4", "\"volts\": \"28\"")).has_value());
    CHECK(from_text(with("\"system_volts\": 24", "\"system_volts\": 25"))->system_volts == std::nullopt);
}
