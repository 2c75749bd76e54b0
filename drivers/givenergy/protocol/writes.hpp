#pragma once
// The only way to a write: the allow-list with its ranges (docs/protocols/givenergy.md, "Writing").
// Everything that is not on it is refused: grid protection, calibration, counters, factory resets, firmware.

#include "givenergy/protocol/models.hpp"

namespace givenergy {

/// Lists of registers a model may be written; a model has several.
enum class WriteSet : std::uint8_t {
    single_phase = 1,  ///< the base of single-phase models and the Gateway
    three_phase = 2,
    charge_slot_2 = 4,  ///< HR31 and HR32 of two-slot models: disputed, only where the owner says so
    ten_slots = 8,
    ac_block = 16,
    pause = 32,
    ems = 64,
};

struct WriteRule {
    std::uint16_t first;
    std::uint16_t last;
    std::uint16_t every;  ///< distance of the registers meant between first and last
    enum class Kind : std::uint8_t { number, time, exactly } kind;
    std::uint16_t lowest;
    std::uint16_t highest;
    std::uint8_t sets;  ///< of WriteSet
};

/// The allow-list, in register order within each block.
extern const std::span<const WriteRule> kWriteRules;

struct WriteRefusal {
    enum class Why : std::uint8_t { not_allowed, out_of_range } why;
    std::string text;  ///< "range 4-100", or that the register is not to be written
};

/// What the owner has agreed to beyond the plain list of the model.
struct Consent {
    bool charge_slot_2 = false;
    bool unknown_model = false;  ///< the base list although the model is unknown

    friend bool operator==(const Consent&, const Consent&) = default;
};

/// A write that passed the allow-list. Only approve() makes one.
class ApprovedWrite {
  public:
    [[nodiscard]] std::uint16_t reg() const { return reg_; }
    [[nodiscard]] std::uint16_t value() const { return value_; }
    friend bool operator==(const ApprovedWrite&, const ApprovedWrite&) = default;

  private:
    ApprovedWrite(std::uint16_t reg, std::uint16_t value) : reg_(reg), value_(value) {}
    std::uint16_t reg_;
    std::uint16_t value_;

    friend wire::Expected<ApprovedWrite, WriteRefusal> approve(Model, std::uint16_t, const Consent&,
                                                               std::uint16_t, std::uint16_t);
};

/// Checks one register and value (as the register holds it) against the list of the model.
[[nodiscard]] wire::Expected<ApprovedWrite, WriteRefusal> approve(Model model, std::uint16_t arm_firmware,
                                                                  const Consent& consent, std::uint16_t reg,
                                                                  std::uint16_t value);

/// True if no model at all may be sent this write: for judging captured frames.
[[nodiscard]] bool forbidden_everywhere(std::uint8_t address, std::uint16_t reg, std::uint16_t value);

/// The bytes of an approved write.
[[nodiscard]] Buffer encode(const ApprovedWrite& write, std::string_view adapter = kAnyAdapter);

}  // namespace givenergy
