#pragma once
// Finding the devices of a GX with few questions that it would log as errors: the likely places first, each asked
// for one register that surely exists (docs/protocols/gx-modbus.md, "Discovery").

#include "gxmodbus/plan/read_plan.hpp"

#include <bitset>
#include <deque>
#include <map>
#include <set>
#include <vector>

namespace gxmodbus {

/// Types the system block shows to be in use: they are asked for first. A missing hint proves nothing.
using Hints = std::bitset<kServiceTypes>;

/// The pairs on unit 100 that identification goes on with, not worth a scan.
[[nodiscard]] bool is_scannable(ServiceType type);

class Scan {
  public:
    enum class Outcome : std::uint8_t {
        present,
        absent,
        unknown_type,  ///< the server does not know the type at all
        no_answer      ///< a driver on the remote hangs: asked again once, last
    };

    /// About 1000 likely pairs, most probable first, without those that are known.
    [[nodiscard]] static Scan likely(Hints hints, const std::set<Pair>& known);
    /// The likely pairs of some types only: when one of them has moved or a new one shows in the system's sums.
    [[nodiscard]] static Scan likely_of(Hints types, const std::set<Pair>& known);
    /// Every unit and type, the likely ones first.
    [[nodiscard]] static Scan full(Hints hints, const std::set<Pair>& known);
    /// Every type on the given units.
    [[nodiscard]] static Scan of_units(std::span<const std::uint8_t> units, const std::set<Pair>& known);

    /// The next pair to probe, nothing when the scan is done. The same one until it is answered.
    [[nodiscard]] std::optional<Pair> next() const;
    void answer(Outcome outcome);

    [[nodiscard]] bool done() const { return waiting_.empty(); }
    [[nodiscard]] int progress_percent() const;
    [[nodiscard]] std::size_t remaining() const { return waiting_.size(); }

  private:
    explicit Scan(const std::vector<Pair>& pairs, const std::set<Pair>& known);

    std::deque<Pair> waiting_;
    std::set<Pair> asked_again_;
    std::size_t total_ = 0;
};

/// Pairs that always denote the same device: units 0 and 100 both stand for device instance 0, unless there is an
/// instance 100. The pair to compare with, if there is one.
[[nodiscard]] std::optional<Pair> possible_alias(const Pair& pair);
/// Which of two pairs that denote one device is used: unit 100 for what every GX has there, else unit 0.
[[nodiscard]] Pair preferred_alias(const Pair& one, const Pair& other);

/// Whether one reading of a unit, made between two of another unit, shows something the other did not have meanwhile, so
/// that they are two devices.
[[nodiscard]] bool told_apart(const Block& block, ServerVersion version, Words before, Words between,
                              Words after);

/// Whether two units show one device in a block. They are read in turn; a value that changes meanwhile shows in both, so
/// what the units showed overlaps. A value that stays apart belongs to two devices.
class Comparison {
  public:
    Comparison(const Block& block, ServerVersion version) : block_(block), version_(version) {}

    /// Whether another pair of readings is needed.
    [[nodiscard]] bool wants_more() const { return !equal_ && rounds_ < kRounds; }
    /// What was read of the first unit, and right after it of the second.
    void take(Words one, Words two);
    [[nodiscard]] bool same() const;

  private:
    static constexpr int kRounds = 4;
    using Values = std::map<std::uint16_t, std::set<Value>>;  // all that was seen, by address

    Block block_;
    ServerVersion version_;
    Values one_;
    Values two_;
    int rounds_ = 0;
    bool equal_ = false;
};

}  // namespace gxmodbus
