#pragma once
// Which blocks to read of each service type, so that a whole GX takes few requests
// (docs/protocols/gx-modbus.md, "Reading").

#include "gxmodbus/plan/pair.hpp"
#include "gxmodbus/protocol/codec.hpp"
#include "gxmodbus/protocol/generation.hpp"

#include <array>
#include <functional>
#include <string>
#include <vector>

namespace gxmodbus {

/// How often a block is worth reading.
enum class Speed : std::uint8_t { fast, slow, rare };
[[nodiscard]] Speed speed_of(ServiceType type, std::uint16_t first);

/// One read request's worth of registers.
struct Block {
    std::uint16_t first = 0;
    std::uint16_t count = 0;
    Speed speed = Speed::fast;
    friend bool operator==(const Block&, const Block&) = default;
};
inline constexpr unsigned kMaxBlock = 125;

/// A range cut into blocks of at most 125 registers; a value is never split, a filler may be.
[[nodiscard]] std::vector<Block> blocks_of(const Range& range);

/// The blocks of every type on one GX, and what was learned about them. Starts with the ranges of a server
/// generation; a block the server refuses (exception 2) is narrowed until what is left works.
class ReadPlan {
  public:
    explicit ReadPlan(Generation generation);

    [[nodiscard]] Generation generation() const { return generation_; }
    [[nodiscard]] const std::vector<Block>& blocks(ServiceType type) const { return of(type).blocks; }
    /// The server version by whose table the type's registers are to be read.
    [[nodiscard]] ServerVersion version(ServiceType type) const { return version_of(of(type).generation); }

    /// Exception 2 on a block of a type that is there: first the ranges of the next older generation are used
    /// for the type, then the block is halved, and a refused single row is dropped.
    void refused(ServiceType type, const Block& block);

    /// Whether anything was learned that the generation alone does not tell.
    [[nodiscard]] bool learned() const { return learned_; }
    /// The plan as a short text to be stored; parse() makes an equal plan of it.
    [[nodiscard]] std::string to_text() const;
    [[nodiscard]] static std::optional<ReadPlan> parse(std::string_view text);

    friend bool operator==(const ReadPlan&, const ReadPlan&) = default;

  private:
    struct TypePlan {
        Generation generation;
        std::vector<Block> blocks;
        friend bool operator==(const TypePlan&, const TypePlan&) = default;
    };
    [[nodiscard]] const TypePlan& of(ServiceType type) const {
        return types_[static_cast<std::size_t>(type)];
    }
    TypePlan& of(ServiceType type) { return types_[static_cast<std::size_t>(type)]; }

    Generation generation_;
    std::array<TypePlan, kServiceTypes> types_;
    bool learned_ = false;
};

/// One request of a cycle. Blocks of settings and hub4 that touch are joined where the server serves each register
/// from its own service (from 1.0.97).
struct Read {
    std::uint8_t unit = 0;
    ServiceType type{};  ///< of the block's first register
    Block block;
    bool joined = false;  ///< holds blocks of two types
    friend bool operator==(const Read&, const Read&) = default;
};
/// All reads of some pairs, in the order of the pairs.
[[nodiscard]] std::vector<Read> reads_of(const ReadPlan& plan, std::span<const Pair> pairs);

/// Calls `see` for every row the words of a block hold, with the words of the row, by the table of `version`:
/// rows newer than it are left out, registers that stood elsewhere then are found there.
void for_each_row(const Block& block, Words words, ServerVersion version,
                  const std::function<void(const Register&, Words)>& see);

}  // namespace gxmodbus
