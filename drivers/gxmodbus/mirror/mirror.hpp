#pragma once
// One remote device as it is to be shown: takes what was read, tells which items changed. Nothing is invented: the server
// reads 0 for what is absent, so presence is learned (docs/protocols/gx-modbus.md, "Presence").

#include "gxmodbus/mirror/layout.hpp"
#include "gxmodbus/plan/read_plan.hpp"

#include <array>
#include <bitset>
#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace gxmodbus {

class Mirror {
  public:
    using Clock = std::chrono::steady_clock;

    struct Item {
        ItemPlan plan;
        bool visible = false;
        std::optional<Value> value;
        bool changed = false;
    };

    Mirror(ServiceType type, Mode mode, bool alarms);

    /// Takes the words of a block that was just read; rows of other types in it are left alone.
    void take(const Block& block, Words words, ServerVersion version, Clock::time_point now);
    /// Nothing is known of these registers any longer.
    void forget(const Block& block, ServerVersion version);
    /// Nothing is known of the device any longer: every value becomes invalid.
    void lost();

    /// Calls `see` for every item that appeared or changed since the last call.
    void changes(const std::function<void(const Item&)>& see);

    [[nodiscard]] ServiceType type() const { return type_; }
    [[nodiscard]] const std::vector<Item>& items() const { return items_; }
    [[nodiscard]] const Item* find(std::string_view path) const;
    /// Whether the device has delivered anything but zeros. A device that has not is there, but without values.
    [[nodiscard]] bool alive() const { return alive_; }

    /// What has been seen so far, as a short text to be stored; learn() takes it back. Paths that were there once
    /// stay, whatever they read later.
    [[nodiscard]] std::string seen() const;
    void learn(std::string_view seen);
    /// Whether seen() has grown since the last call.
    [[nodiscard]] bool take_seen_changed();
    /// The remote has no such path: it is not shown again before it reads something else than 0.
    void absent(std::string_view path);

    /// The register that carries a path at present: the preferred one, an alternate when only that can be read.
    [[nodiscard]] const Register& carrier(const ItemPlan& plan) const;

    // For values that are worked out from others.
    /// The number an item shows now.
    [[nodiscard]] std::optional<double> number(std::string_view path) const;
    /// The sum over the phases that are there of the items <prefix><n><suffix>; nothing when there are none.
    [[nodiscard]] std::optional<double> sum_of_phases(std::string_view prefix, std::string_view suffix) const;
    /// Phases seen, at least 1.
    [[nodiscard]] int phases() const;
    /// PV trackers seen (the highest number of one), at least 1.
    [[nodiscard]] int trackers() const;
    /// Whether any of some registers ever read something else than 0.
    [[nodiscard]] bool ever_non_zero(std::initializer_list<std::uint16_t> addresses) const;

  private:
    struct Reading {
        const Register* row = nullptr;
        std::vector<std::uint16_t> words;
        bool known = false;
        bool seen = false;       ///< was something else than 0 once
        bool vital = false;      ///< a voltage, current or power of the device itself
        bool suspect = false;    ///< a temperature or state of charge that fell to 0 in one step
        double last_number = 0;  ///< the last one that was not 0
        Clock::time_point zero_since{};
    };

    Reading* reading(std::uint16_t address);
    [[nodiscard]] const Reading* reading(std::uint16_t address) const;
    bool note(Reading& reading, Words words, Clock::time_point now);
    bool count_phases(const Block& block, Words words, ServerVersion version);
    bool settle_suspects(Clock::time_point now);
    bool see_phase(std::size_t phase);
    void learn_trackers();
    void update();
    [[nodiscard]] bool judge_alive() const;
    [[nodiscard]] bool was_seen(const ItemPlan& plan) const;
    [[nodiscard]] std::optional<Value> value_of(const ItemPlan& plan) const;
    [[nodiscard]] std::optional<Value> read_value(const ItemPlan& plan) const;
    [[nodiscard]] bool means_nothing(const ItemPlan& plan, const Value& value) const;

    ServiceType type_;
    std::vector<Item> items_;
    std::map<std::uint16_t, Reading> readings_;
    std::bitset<4> phases_;    // by number, 2 and 3
    std::bitset<4> trackers_;  // by number, 0 to 3
    std::array<int, 4> phase_hits_{};
    bool has_voltage_ = false;
    bool alive_ = false;
    bool seen_changed_ = false;
};

}  // namespace gxmodbus
