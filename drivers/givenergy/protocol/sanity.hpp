#pragma once
// Which banks may be believed: docs/protocols/givenergy.md, "Banks that lie".
// A right check does not mean right data: adapters return pieces of their own memory, zeros, and battery banks
// whose middle is shifted by some bytes.

#include "givenergy/protocol/banks.hpp"

#include <chrono>

namespace givenergy {

enum class Suspicion : std::uint8_t {
    memory,        ///< the adapter's network memory instead of registers
    dropout,       ///< all zero where values were before
    capacity,      ///< more remaining than the battery can hold
    identity,      ///< another serial, firmware or cell count than before, or none
    cells,         ///< no cell voltages although the battery is there
    temperatures,  ///< several sensors at exactly zero
    jump,          ///< a value moved further than it can between two readings
    counter,       ///< an energy counter ran backwards, or faster than power allows
};
[[nodiscard]] std::string_view to_string(Suspicion suspicion);

/// What is known besides the bank itself.
struct Circumstances {
    Model model = Model::unknown;
    const NamedValues* previous = nullptr;  ///< the same bank as last accepted, if younger than 300 s
    double elapsed_s = 300;                 ///< since then
    bool near_midnight = false;             ///< daily counters may restart
};

/// Why a bank must not be used as it is; nothing if it may. `values` are those of the bank by name.
[[nodiscard]] std::optional<Suspicion> suspect(const Request& request, BankView bank,
                                               const NamedValues& values, const Circumstances& circumstances);

/// Decides bank by bank, remembering what it accepted. Values that keep coming back the same way are believed
/// after the third time, so that an exchanged battery or a real change is not refused for ever.
class Gatekeeper {
  public:
    using Clock = std::chrono::steady_clock;

    void set_model(Model model) { model_ = model; }
    /// Takes a bank as received. On acceptance `values` may have been mended (a state of charge of 0 with the
    /// battery at work becomes the last one known, or not available) and nothing is returned.
    /// `calibrating`: the inverter calibrates its state of charge, which may then be 0.
    std::optional<Suspicion> admit(const Request& request, std::vector<std::uint16_t>& values,
                                   Clock::time_point now, bool near_midnight, bool calibrating = false);
    void forget() { memory_.clear(); }

  private:
    struct Memory {
        NamedValues values{};
        Clock::time_point at{};
        bool accepted = false;
        std::vector<std::uint16_t> refused{};
        int refusals = 0;
    };
    [[nodiscard]] bool insists(Memory& memory, Suspicion why, const std::vector<std::uint16_t>& values) const;

    Model model_ = Model::unknown;
    std::map<Request, Memory> memory_;
};

}  // namespace givenergy
