#include "tsmppt/control/state.hpp"

#include <cmath>

#include <nlohmann/json.hpp>

namespace tristar {

namespace {

using Json = nlohmann::ordered_json;

constexpr int kFormat = 1;
constexpr double kMostWhPerDay = 1e6;
constexpr double kMostKwh = 1e7;

/// Reads one object member by member and remembers whether everything was there and of the right kind.
class Reader {
  public:
    explicit Reader(const Json& object) : object_(object), good_(object.is_object()) {}

    [[nodiscard]] bool good() const { return good_; }
    void require(bool condition) { good_ = good_ && condition; }

    template <class Integer>
    void integer(const char* key, Integer& value, std::int64_t lowest, std::int64_t highest) {
        const auto* member = find(key);
        if (member == nullptr || !member->is_number_integer()) {
            good_ = false;
            return;
        }
        const bool huge = member->is_number_unsigned() && member->get<std::uint64_t>() > INT64_MAX;
        const auto number = huge ? INT64_MAX : member->get<std::int64_t>();
        require(number >= lowest && number <= highest);
        value = static_cast<Integer>(good_ ? number : 0);
    }

    void boolean(const char* key, bool& value) {
        const auto* member = find(key);
        require(member != nullptr && member->is_boolean());
        value = good_ && member->get<bool>();
    }

    void number(const char* key, double& value, double lowest, double highest) {
        std::optional<double> found;
        optional(key, found, lowest, highest);
        require(found.has_value());
        value = found.value_or(0);
    }

    void optional(const char* key, std::optional<double>& value, double lowest, double highest) {
        const auto* member = find(key);
        require(member != nullptr && (member->is_null() || member->is_number()));
        if (!good_ || member->is_null()) {
            value.reset();
            return;
        }
        value = member->get<double>();
        require(std::isfinite(*value) && *value >= lowest && *value <= highest);
    }

    void errors(const char* key, LastErrors& value) {
        const auto* member = find(key);
        require(member != nullptr && member->is_array() && member->size() == value.size());
        for (std::size_t i = 0; good_ && i < value.size(); ++i) {
            require((*member)[i].is_number_integer() && (*member)[i].get<std::int64_t>() >= 0
                    && (*member)[i].get<std::int64_t>() <= 255);
            value[i] = good_ ? (*member)[i].get<std::int32_t>() : 0;
        }
    }

    [[nodiscard]] const Json* find(const char* key) {
        const auto member = good_ ? object_.find(key) : object_.end();
        return member == object_.end() ? nullptr : &*member;
    }

    [[nodiscard]] Reader child(const char* key) {
        static const Json kNothing;
        const auto* member = find(key);
        require(member != nullptr);
        return Reader{member != nullptr ? *member : kNothing};
    }

  private:
    const Json& object_;
    bool good_;
};

Json optional_of(const std::optional<double>& value) {
    return value ? Json(*value) : Json(nullptr);
}

Json json_of(const Day& day) {
    return {{"yield_wh", day.yield_wh},
            {"max_watts", optional_of(day.max_watts)},
            {"max_pv_volts", optional_of(day.max_pv_volts)},
            {"max_battery_volts", optional_of(day.max_battery_volts)},
            {"min_battery_volts", optional_of(day.min_battery_volts)},
            {"max_battery_amps", optional_of(day.max_battery_amps)},
            {"bulk_seconds", optional_of(day.bulk_seconds)},
            {"absorption_seconds", optional_of(day.absorption_seconds)},
            {"float_seconds", optional_of(day.float_seconds)},
            {"errors", day.errors}};
}

bool read(Reader reader, Day& day) {
    reader.number("yield_wh", day.yield_wh, 0, kMostWhPerDay);
    reader.optional("max_watts", day.max_watts, 0, 1e5);
    reader.optional("max_pv_volts", day.max_pv_volts, -1e3, 1e4);
    reader.optional("max_battery_volts", day.max_battery_volts, -1e3, 1e4);
    reader.optional("min_battery_volts", day.min_battery_volts, -1e3, 1e4);
    reader.optional("max_battery_amps", day.max_battery_amps, 0, 1e4);
    reader.optional("bulk_seconds", day.bulk_seconds, 0, 1e6);
    reader.optional("absorption_seconds", day.absorption_seconds, 0, 1e6);
    reader.optional("float_seconds", day.float_seconds, 0, 1e6);
    reader.errors("errors", day.errors);
    return reader.good();
}

Json json_of(const Lifetime& life) {
    return {{"total_kwh", life.total_kwh},
            {"user_kwh", life.user_kwh},
            {"max_pv_volts", optional_of(life.max_pv_volts)},
            {"max_battery_volts", optional_of(life.max_battery_volts)},
            {"min_battery_volts", optional_of(life.min_battery_volts)},
            {"errors", life.errors}};
}

bool read(Reader reader, Lifetime& life) {
    reader.number("total_kwh", life.total_kwh, 0, kMostKwh);
    reader.number("user_kwh", life.user_kwh, 0, kMostKwh);
    reader.optional("max_pv_volts", life.max_pv_volts, -1e3, 1e4);
    reader.optional("max_battery_volts", life.max_battery_volts, -1e3, 1e4);
    reader.optional("min_battery_volts", life.min_battery_volts, -1e3, 1e4);
    reader.errors("errors", life.errors);
    return reader.good();
}

Json json_of(const DayCounter& counter) {
    return {{"last", counter.last}, {"offset", counter.offset}};
}

bool read(Reader reader, DayCounter& counter) {
    reader.integer("last", counter.last, 0, 65535);
    reader.integer("offset", counter.offset, 0, 1000000);
    return reader.good();
}

Json json_of(const History& history) {
    Json past = Json::array();
    for (const auto& day : history.past) {
        past.push_back(json_of(day));
    }
    return {{"day", history.day},
            {"restart_day", history.restart_day},
            {"today", json_of(history.today)},
            {"past", std::move(past)},
            {"life", json_of(history.life)},
            {"last_seconds", history.last_seconds},
            {"last_day", history.last_day},
            {"last_wh", history.last_wh},
            {"last_resettable_kwh", history.last_resettable_kwh},
            {"last_state", history.last_state},
            {"last_error", history.last_error},
            {"night_seen", history.night_seen},
            {"absorption", json_of(history.absorption)},
            {"float", json_of(history.float_)}};
}

bool read_past(Reader& reader, std::vector<Day>& past) {
    const auto* days = reader.find("past");
    if (days == nullptr || !days->is_array() || days->size() > kPastDays) {
        return false;
    }
    for (const auto& day : *days) {
        if (!read(Reader{day}, past.emplace_back())) {
            return false;
        }
    }
    return true;
}

bool read(Reader reader, History& history) {
    constexpr std::int64_t kMostDays = 1000000;
    reader.integer("day", history.day, 0, kMostDays);
    reader.integer("restart_day", history.restart_day, -1, kMostDays);
    reader.integer("last_seconds", history.last_seconds, 0, INT64_MAX / 2);
    reader.integer("last_day", history.last_day, 0, kMostDays);
    reader.integer("last_wh", history.last_wh, 0, 65535);
    reader.integer("last_resettable_kwh", history.last_resettable_kwh, 0, 65535);
    reader.integer("last_state", history.last_state, 0, 65535);
    reader.integer("last_error", history.last_error, 0, 255);
    reader.boolean("night_seen", history.night_seen);
    reader.require(history.restart_day <= history.day && history.last_day <= history.day);
    return reader.good() && read(reader.child("today"), history.today)
           && read(reader.child("life"), history.life) && read(reader.child("absorption"), history.absorption)
           && read(reader.child("float"), history.float_) && read_past(reader, history.past);
}

Json json_of(const Override& wanted) {
    return {{"volts", optional_of(wanted.volts)},
            {"amps", optional_of(wanted.amps)},
            {"at_target_seconds", wanted.at_target_seconds},
            {"tail_seconds", wanted.tail_seconds},
            {"day", wanted.day},
            {"last_seconds", wanted.last_seconds},
            {"stopped", static_cast<int>(wanted.stopped)}};
}

bool read(Reader reader, Override& wanted) {
    int stopped = 0;
    reader.optional("volts", wanted.volts, 0, 100);
    reader.optional("amps", wanted.amps, 0, 100);
    reader.number("at_target_seconds", wanted.at_target_seconds, 0, 1e6);
    reader.number("tail_seconds", wanted.tail_seconds, 0, 1e6);
    reader.integer("day", wanted.day, 0, 1000000);
    reader.integer("last_seconds", wanted.last_seconds, 0, INT64_MAX / 2);
    reader.integer("stopped", stopped, 0, static_cast<int>(StopReason::refused));
    wanted.stopped = static_cast<StopReason>(stopped);
    return reader.good();
}

}  // namespace

std::string to_text(const State& state) {
    const Json json{{"format", kFormat},
                    {"history", json_of(state.history)},
                    {"override", json_of(state.wanted)},
                    {"overriding", state.overriding},
                    {"stopped_for_profile", state.stopped_for_profile},
                    {"system_volts", state.system_volts ? Json(*state.system_volts) : Json(nullptr)}};
    return json.dump(1) + "\n";
}

std::optional<State> from_text(const std::string& text) {
    const auto json = Json::parse(text, nullptr, false);
    if (!json.is_object() || json.value("format", Json()) != kFormat) {
        return std::nullopt;
    }
    State state;
    Reader reader{json};
    if (!read(reader.child("history"), state.history) || !read(reader.child("override"), state.wanted)) {
        return std::nullopt;
    }
    std::optional<double> volts;
    reader.boolean("overriding", state.overriding);
    reader.boolean("stopped_for_profile", state.stopped_for_profile);
    reader.optional("system_volts", volts, 12, 48);
    if (!reader.good()) {
        return std::nullopt;
    }
    for (const int known : {12, 24, 48}) {
        if (volts == known) {
            state.system_volts = known;
        }
    }
    return state;
}

}  // namespace tristar
