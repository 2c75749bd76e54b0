#include "gxmodbus/mirror/mirror.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace gxmodbus {
namespace {

using T = ServiceType;

constexpr double kSuspiciousFall = 2.0;  // degrees: a real temperature passes zero in smaller steps
constexpr double kLowSoc = 5.0;          // percent: from here 0 is credible at once
constexpr auto kSocPatience = std::chrono::seconds(60);
constexpr int kPhaseHits = 3;

bool is_soc(const Register& row) {
    return row.path == "/Soc";
}
bool is_temperature(const Register& row) {
    return row.unit == "degC";
}

// A voltage, current or power of the device itself: all of them 0 means that it delivers nothing.
bool is_vital(const Register& row) {
    if (!row.numeric() || row.writable || row.path.find("Nominal") != std::string_view::npos) {
        return false;
    }
    const auto unit = display_unit(row);
    if (unit != "V" && unit != "A" && unit != "W") {
        return false;
    }
    return row.path.starts_with("/Dc/") || row.path.starts_with("/Ac/") || row.path.starts_with("/Pv/")
           || row.path == "/Yield/Power";
}

std::size_t phase_of(const Register& row) {
    if (!row.path.starts_with("/Ac/")) {
        return 0;
    }
    return row.path.find("/L2/") != std::string_view::npos   ? 2
           : row.path.find("/L3/") != std::string_view::npos ? 3
                                                             : 0;
}

bool shows_phase(const Register& row) {
    return phase_of(row) != 0 && !row.writable
           && (row.path.ends_with("/V") || row.path.ends_with("/Voltage") || row.path.ends_with("/P")
               || row.path.ends_with("/Power"));
}

// The tracker a row proves to be there when it is not 0.
std::optional<std::size_t> shows_tracker(const Register& row) {
    if (!row.path.starts_with("/Pv/") || row.path.size() != 7
        || (!row.path.ends_with("/V") && !row.path.ends_with("/P"))) {
        return std::nullopt;
    }
    return static_cast<std::size_t>(row.path[4] - '0');
}

double number_in(const Register& row, Words words) {
    const auto value = decode(row, words);
    const auto* number = value ? std::get_if<double>(&*value) : nullptr;
    return number != nullptr ? *number : 0;
}

}  // namespace

Mirror::Mirror(ServiceType type, Mode mode, bool alarms) : type_(type) {
    for (ItemPlan& plan : layout_of(type, mode, alarms)) {
        items_.push_back({std::move(plan), false, std::nullopt, false});
    }
    for (const Register& row : all_registers()) {
        if (row.type == type && row.has_value()) {
            Reading& reading = readings_[row.address];
            reading.row = &row;
            reading.vital = is_vital(row);
            has_voltage_ = has_voltage_ || (reading.vital && display_unit(row) == "V");
        }
    }
    update();
}

Mirror::Reading* Mirror::reading(std::uint16_t address) {
    const auto found = readings_.find(address);
    return found == readings_.end() ? nullptr : &found->second;
}
const Mirror::Reading* Mirror::reading(std::uint16_t address) const {
    const auto found = readings_.find(address);
    return found == readings_.end() ? nullptr : &found->second;
}

// Stores what was read of one row; tells whether it is different from before.
bool Mirror::note(Reading& reading, Words words, Clock::time_point now) {
    if (reading.known && std::equal(words.begin(), words.end(), reading.words.begin(), reading.words.end())) {
        return false;
    }
    const bool zero = all_zero(words);
    const Register& row = *reading.row;
    if (is_temperature(row)) {
        reading.suspect = zero && (reading.suspect || std::abs(reading.last_number) > kSuspiciousFall);
    } else if (is_soc(row)) {
        const bool credible = reading.seen && reading.last_number < kLowSoc;
        reading.suspect = zero && !credible;
        reading.zero_since = now;
    }
    if (!zero) {
        reading.last_number = number_in(row, words);
    } else if (!reading.suspect) {
        reading.last_number = 0;
    }
    if (!zero && !reading.seen) {
        reading.seen = true;
        seen_changed_ = true;
    }
    reading.words.assign(words.begin(), words.end());
    reading.known = true;
    return true;
}

bool Mirror::see_phase(std::size_t phase) {
    if (phases_.test(phase)) {
        return false;
    }
    phases_.set(phase);
    seen_changed_ = true;
    return true;
}

// A phase is there when it carried voltage or power in three reads in a row, or when the device counts it.
bool Mirror::count_phases(const Block& block, Words words, ServerVersion version) {
    std::array<bool, 4> asked{};
    std::array<bool, 4> hit{};
    std::size_t counted = 0;
    for_each_row(block, words, version, [&](const Register& row, Words raw) {
        if (row.type != type_) {
            return;
        }
        if (shows_phase(row)) {
            asked[phase_of(row)] = true;
            hit[phase_of(row)] = hit[phase_of(row)] || !all_zero(raw);
        } else if (row.path == "/Ac/NumberOfPhases") {
            counted = raw[0];
        }
    });
    // A block without power on the phase says nothing against another block that has some.
    std::array<bool, 4> hit_elsewhere{};
    for (const auto& [address, reading] : readings_) {
        if (reading.known && shows_phase(*reading.row) && !all_zero(reading.words)) {
            hit_elsewhere[phase_of(*reading.row)] = true;
        }
    }
    bool changed = false;
    for (std::size_t phase = 2; phase <= 3; ++phase) {
        if (asked[phase] && hit[phase]) {
            phase_hits_[phase] = std::min(phase_hits_[phase] + 1, kPhaseHits);
        } else if (asked[phase] && !hit_elsewhere[phase]) {
            phase_hits_[phase] = 0;
        }
        if (phase_hits_[phase] == kPhaseHits || (counted <= 3 && counted >= phase)) {
            changed = see_phase(phase) || changed;
        }
    }
    return changed;
}

// A state of charge that stays at 0 is believed after a while. Inverters without a battery monitor have none at
// all: theirs must have shown something before.
bool Mirror::settle_suspects(Clock::time_point now) {
    bool changed = false;
    for (auto& [address, reading] : readings_) {
        if (reading.suspect && is_soc(*reading.row) && now - reading.zero_since >= kSocPatience
            && (reading.seen || type_ == T::battery)) {
            reading.suspect = false;
            reading.last_number = 0;
            changed = true;
        }
    }
    return changed;
}

void Mirror::learn_trackers() {
    for (const auto& [address, reading] : readings_) {
        const auto tracker = shows_tracker(*reading.row);
        if (tracker && reading.seen && !trackers_.test(*tracker)) {
            trackers_.set(*tracker);
            seen_changed_ = true;
        }
    }
}

void Mirror::take(const Block& block, Words words, ServerVersion version, Clock::time_point now) {
    bool changed = false;
    for_each_row(block, words, version, [&](const Register& row, Words raw) {
        if (Reading* known = row.type == type_ ? reading(row.address) : nullptr) {
            changed = note(*known, raw, now) || changed;
        }
    });
    const bool phases = count_phases(block, words, version);
    const bool settled = settle_suspects(now);
    if (changed || phases || settled) {
        update();
    }
}

void Mirror::forget(const Block& block, ServerVersion version) {
    const std::vector<std::uint16_t> nothing(block.count);
    for_each_row(block, nothing, version, [&](const Register& row, Words) {
        if (Reading* known = row.type == type_ ? reading(row.address) : nullptr) {
            known->known = false;
        }
    });
    update();
}

void Mirror::lost() {
    for (auto& [address, reading] : readings_) {
        reading.known = false;
    }
    phase_hits_ = {};
    alive_ = false;
    update();
}

// While something that counts is not known (its block can not be read), the last judgement stands: the rest lives on.
bool Mirror::judge_alive() const {
    bool undecided = false;
    for (const auto& [address, r] : readings_) {
        const bool counts = has_voltage_ ? r.vital : !(r.row->writable && r.row->encoding == Encoding::text);
        if (counts && r.known && !all_zero(r.words)) {
            return true;
        }
        undecided = undecided || (counts && !r.known && r.seen);
    }
    return undecided && alive_;
}

bool Mirror::was_seen(const ItemPlan& plan) const {
    const auto seen = [&](const Register* row) {
        const Reading* known = reading(row->address);
        return known != nullptr && known->seen;
    };
    return plan.row != nullptr
           && (seen(plan.row) || std::any_of(plan.alternates.begin(), plan.alternates.end(), seen));
}

// The preferred register's value, or a finer one that agrees with it; an alternate where the server lacks the
// preferred one.
std::optional<Value> Mirror::read_value(const ItemPlan& plan) const {
    const auto known = [&](const Register* row) {
        const Reading* r = reading(row->address);
        return r != nullptr && r->known ? r : nullptr;
    };
    const Reading* best = known(plan.row);
    for (const Register* row : plan.alternates) {
        const Reading* other = known(row);
        if (other == nullptr) {
            continue;
        }
        if (best == nullptr) {
            best = other;
            continue;
        }
        const double step = step_of(*best->row);
        if (step_of(*row) < step && !at_limit(*row, other->words)
            && std::abs(number_in(*row, other->words) - number_in(*best->row, best->words)) <= step) {
            best = other;
        }
    }
    if (best == nullptr || best->suspect) {
        return std::nullopt;
    }
    return decode(*best->row, best->words);
}

const Register& Mirror::carrier(const ItemPlan& plan) const {
    const auto known = [&](const Register* row) {
        const Reading* r = reading(row->address);
        return r != nullptr && r->known;
    };
    const auto alternate = std::find_if(plan.alternates.begin(), plan.alternates.end(), known);
    return known(plan.row) || alternate == plan.alternates.end() ? *plan.row : **alternate;
}

// A number that is there but says nothing: the server reads 0 for what is not known.
bool Mirror::means_nothing(const ItemPlan& plan, const Value& value) const {
    const auto* number = std::get_if<double>(&value);
    if (number == nullptr || !plan.measured) {
        return false;
    }
    const bool zero = *number == 0;
    if (!alive_) {
        return zero || !plan.counter;
    }
    if (!zero) {
        return false;
    }
    if (plan.is_temperature) {
        return !was_seen(plan);
    }
    if (plan.path == "/Pv/V") {
        return trackers_.any();
    }
    if (type_ == T::tank || type_ == T::temperature) {
        const Reading* status = reading(find_register(type_, "/Status")->address);
        return status != nullptr && status->known && !all_zero(status->words);
    }
    return false;
}

std::optional<Value> Mirror::value_of(const ItemPlan& plan) const {
    if (plan.row == nullptr || (plan.derive != nullptr && !was_seen(plan))) {
        return plan.derive(*this);
    }
    auto value = read_value(plan);
    return value && means_nothing(plan, *value) ? std::nullopt : value;
}

void Mirror::update() {
    learn_trackers();
    alive_ = judge_alive();
    // Values that are worked out need the others, so they come last.
    for (const bool derived : {false, true}) {
        for (Item& item : items_) {
            if ((item.plan.derive != nullptr) != derived) {
                continue;
            }
            auto value = value_of(item.plan);
            bool visible = item.visible;
            switch (item.plan.appears) {
                case Appears::always:
                    visible = true;
                    break;
                case Appears::with_value:
                    visible = item.plan.derive != nullptr
                                  ? visible || value.has_value() || was_seen(item.plan)
                                  : was_seen(item.plan);
                    break;
                case Appears::with_phase:
                    visible = phases_.test(item.plan.group);
                    break;
                case Appears::with_tracker:
                    visible = trackers_.test(item.plan.group);
                    break;
            }
            if (visible != item.visible || value != item.value) {
                item.visible = visible;
                item.value = std::move(value);
                item.changed = true;
            }
        }
    }
}

void Mirror::changes(const std::function<void(const Item&)>& see) {
    for (Item& item : items_) {
        if (item.changed) {
            item.changed = false;
            see(item);
        }
    }
}

const Mirror::Item* Mirror::find(std::string_view path) const {
    const auto found =
        std::lower_bound(items_.begin(), items_.end(), path,
                         [](const Item& item, std::string_view p) { return item.plan.path < p; });
    return found == items_.end() || found->plan.path != path ? nullptr : std::to_address(found);
}

std::optional<double> Mirror::number(std::string_view path) const {
    const Item* item = find(path);
    const auto* number = item != nullptr && item->value ? std::get_if<double>(&*item->value) : nullptr;
    return number != nullptr ? std::optional{*number} : std::nullopt;
}

std::optional<double> Mirror::sum_of_phases(std::string_view prefix, std::string_view suffix) const {
    std::optional<double> sum;
    for (int phase = 1; phase <= phases(); ++phase) {
        if (const auto part = number(std::string(prefix).append(std::to_string(phase)).append(suffix))) {
            sum = sum.value_or(0) + *part;
        }
    }
    return sum;
}

int Mirror::phases() const {
    return phases_.test(3) ? 3 : phases_.test(2) ? 2 : 1;
}

int Mirror::trackers() const {
    for (int number = 3; number > 0; --number) {
        if (trackers_.test(static_cast<std::size_t>(number))) {
            return number + 1;
        }
    }
    return 1;
}

bool Mirror::ever_non_zero(std::initializer_list<std::uint16_t> addresses) const {
    return std::any_of(addresses.begin(), addresses.end(), [&](std::uint16_t address) {
        const Reading* known = reading(address);
        return known != nullptr && known->seen;
    });
}

std::string Mirror::seen() const {
    std::string text;
    const auto append = [&](const std::string& token) { text.append(text.empty() ? "" : " ").append(token); };
    for (std::size_t i = 0; i < phases_.size(); ++i) {
        if (phases_.test(i)) {
            append(std::string("p").append(std::to_string(i)));
        }
    }
    for (const auto& [address, reading] : readings_) {
        if (reading.seen) {
            append(std::to_string(address));
        }
    }
    return text;
}

void Mirror::learn(std::string_view seen) {
    while (!seen.empty()) {
        const auto blank = seen.find(' ');
        std::string_view token = seen.substr(0, blank);
        seen.remove_prefix(blank == std::string_view::npos ? seen.size() : blank + 1);
        if (token == "p2" || token == "p3") {
            phases_.set(static_cast<std::size_t>(token[1] - '0'));
            continue;
        }
        std::uint16_t address = 0;
        const auto parsed = std::from_chars(token.data(), token.data() + token.size(), address);
        Reading* known = parsed.ec == std::errc{} ? reading(address) : nullptr;
        if (known != nullptr) {
            known->seen = true;
        }
    }
    update();
    seen_changed_ = false;
}

bool Mirror::take_seen_changed() {
    return std::exchange(seen_changed_, false);
}

void Mirror::absent(std::string_view path) {
    const Item* item = find(path);
    if (item == nullptr || item->plan.row == nullptr) {
        return;
    }
    seen_changed_ = true;
    reading(item->plan.row->address)->seen = false;
    for (const Register* row : item->plan.alternates) {
        reading(row->address)->seen = false;
    }
    update();
}

}  // namespace gxmodbus
