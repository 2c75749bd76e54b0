#pragma once
// What an adapter serves: inverter, batteries, meters. Found out by reading, step by step, without any I/O here.

#include "givenergy/protocol/banks.hpp"

namespace givenergy {

/// An installation behind one adapter.
struct Topology {
    Model model = Model::unknown;
    std::uint16_t dtc = 0;
    std::uint16_t arm_firmware = 0;
    std::string serial;
    std::string firmware;  ///< as text, by the rule of the model
    std::optional<int> rated_w;
    int batteries = 0;               ///< low-voltage packs at 0x32, 0x33, ...
    bool lv_bcu_page = false;        ///< limits of the battery at 0x31
    std::vector<int> stack_modules;  ///< modules of each high-voltage stack at 0x70, 0x71, ...
    std::vector<int> meters;         ///< addresses that answered

    [[nodiscard]] int modules() const;
    friend bool operator==(const Topology&, const Topology&) = default;
};

inline constexpr std::uint8_t kFirstBattery = 0x32;
inline constexpr int kMaxBatteries = 6;
inline constexpr std::uint8_t kFirstModule = 0x50;
inline constexpr std::uint8_t kFirstStack = 0x70;
inline constexpr int kMaxStacks = 4;
inline constexpr int kMaxModules = 32;
inline constexpr std::uint8_t kHvSystemAddress = 0xa0;
inline constexpr std::uint8_t kLvBcuAddress = 0x31;
inline constexpr int kMaxMeters = 8;

/// Walks through the questions: next() is what to read, then tell it the answer, until next() is empty.
///   HR0 -> model; low-voltage models: packs until one is absent, then the battery's limits; high-voltage models:
///   system page, then each stack; three-phase units: their firmware; then the meters.
class Detector {
  public:
    /// `known`: the topology of an earlier detection, kept where an answer is missing now.
    explicit Detector(Topology known = {}) : known_(std::move(known)) {}

    [[nodiscard]] std::optional<Request> next() const;
    void answer(BankView bank);
    /// No answer, or an error.
    void no_answer();
    /// True once done and the model is known.
    [[nodiscard]] bool identified() const { return found_.model != Model::unknown; }
    [[nodiscard]] const Topology& topology() const { return found_; }

  private:
    enum class Step : std::uint8_t { identity, packs, lv_limits, hv_system, stacks, firmware, meters, done };
    void identify(BankView bank);
    void after_identity();
    void after_batteries();
    void advance_meter();

    Topology known_;
    Topology found_;
    Step step_ = Step::identity;
    int index_ = 0;
    int stacks_ = 0;
};

}  // namespace givenergy
